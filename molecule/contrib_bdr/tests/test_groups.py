# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plex that converge stood up, and beside it on the same hosts the guide's pair, one way and two databases."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

import pytest
from nodes import EPHEMERAL, PROJECT, Node, eventually

# Later eras send DDL on; the guide's has each node make its tables by itself.
TABLE = (
    "SET bdr.skip_ddl_replication = on; SET bdr.skip_ddl_locking = on;"
    " CREATE TABLE IF NOT EXISTS account (id integer PRIMARY KEY, owner text NOT NULL)"
)
TWO_DATABASES = ["orders", {"name": "reports", "topology": "one_way", "upstream": "alpha"}]
GROUPS = {
    "pair": (5433, ("alpha", "charlie"), {"bdr_databases": ["orders"]}, 2),
    "one_way": (
        5434,
        ("alpha", "charlie", "echo"),
        {"bdr_databases": ["orders"], "bdr_topology": "one_way", "bdr_upstream": "alpha"},
        2,
    ),
    "two_databases": (5435, ("alpha", "charlie", "echo"), {"bdr_databases": TWO_DATABASES}, 8),
}


def sql(node: Node, port: int, database: str, text: str) -> str:
    where = "psql -h /var/run/postgresql -p %s -U postgres -d %s -v ON_ERROR_STOP=1 -XqAtc %s"
    return node.run(f"/opt/pgbdr/bdr/bin/{where}", str(port), database, text)


def replicates(nodes: dict[str, Node], names: t.Sequence[str], writer: str, port: int, database: str) -> None:
    """Insert, update and delete on one node, and see each arrive on all."""

    def rows() -> list[str]:
        return [sql(nodes[name], port, database, "SELECT id, owner FROM account ORDER BY 1") for name in names]

    for text, wanted in (
        (f"INSERT INTO account VALUES (1, '{writer}')", f"1|{writer}"),
        ("UPDATE account SET owner = 'nobody' WHERE id = 1", "1|nobody"),
        ("DELETE FROM account WHERE id = 1", ""),
    ):
        sql(nodes[writer], port, database, text)
        eventually(rows, [wanted] * len(names))


def make_table(nodes: dict[str, Node], names: t.Sequence[str], port: int, database: str) -> None:
    for name in names:
        sql(nodes[name], port, database, TABLE)


def test_the_plex(nodes: dict[str, Node]) -> None:
    names = tuple(nodes)
    make_table(nodes, names, 5432, "appdb")
    for writer in names:
        replicates(nodes, names, writer, 5432, "appdb")


def test_the_server_was_built_once_and_shipped(nodes: dict[str, Node]) -> None:
    manifests = {name: node.run("cat /opt/pgbdr/bdr/pgbdr-build.json") for name, node in nodes.items()}
    assert len(set(manifests.values())) == 1
    compilers = {name for name, node in nodes.items() if node.host.package("gcc").is_installed}
    assert compilers == {"alpha"}, "only the host that builds has a compiler"


def test_a_host_that_was_off_catches_up(nodes: dict[str, Node]) -> None:
    names = tuple(nodes)
    make_table(nodes, names, 5432, "appdb")
    nodes["echo"].run("systemctl kill --signal=KILL %s", nodes["echo"].unit)
    nodes["echo"].run("systemctl stop %s", nodes["echo"].unit)
    sql(nodes["alpha"], 5432, "appdb", "INSERT INTO account SELECT n, 'alpha' FROM generate_series(1, 1000) n")
    nodes["echo"].run("systemctl start %s", nodes["echo"].unit)
    eventually(lambda: sql(nodes["echo"], 5432, "appdb", "SELECT count(*) FROM account"), "1000", 60)
    sql(nodes["echo"], 5432, "appdb", "DELETE FROM account")
    eventually(lambda: sql(nodes["alpha"], 5432, "appdb", "SELECT count(*) FROM account"), "0", 60)


def play(inventory: Path, *arguments: str) -> str:
    command = ["ansible-playbook", f"--inventory={inventory}", *arguments]
    done = subprocess.run(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("group", GROUPS)
def test_another_group_beside_it(nodes: dict[str, Node], group: str, tmp_path: Path) -> None:
    port, names, variables, links = GROUPS[group]
    shared = {
        **{key: value for key, value in nodes["alpha"].variables.items() if key.startswith("bdr_build_")},
        **{key: nodes["alpha"].variables[key] for key in ("ansible_user", "bdr_replication_password", "bdr_settings")},
        **{"ansible_ssh_private_key_file": str(EPHEMERAL / "id_ed25519"), "bdr_engine": "contrib_bdr"},
        "ansible_ssh_common_args": "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR",
        **{"bdr_group": group, "bdr_port": port, **variables},
    }
    hosts = {name: {"ansible_host": nodes[name].address} for name in names}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"bdr": {"hosts": hosts, "vars": shared}}))
    output = play(inventory, "playbooks/site.yml")
    assert output.count("streaming") == links, output
    databases = ("orders", "reports") if group == "two_databases" else ("orders",)
    for database in databases:
        make_table(nodes, names, port, database)
    for writer in names if group != "one_way" else ("alpha",):
        replicates(nodes, names, writer, port, "orders")
    if "reports" in databases:
        replicates(nodes, names, "alpha", port, "reports")
    assert play(inventory, "playbooks/site.yml").count("changed=0") == len(names)
    play(inventory, "playbooks/remove_group.yml", "-e", f"bdr_confirm={group}")
