# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator finds on a host that bears a node."""

from __future__ import annotations

import ipaddress
import json
import typing as t

import pytest
from nodes import Node

LOOPBACK = {"127.0.0.1", "::1"}


def test_the_unit_of_the_node_runs_now_and_after_a_boot(node: Node) -> None:
    service = node.host.service(node.unit)
    assert service.is_running
    assert service.is_enabled


def test_nothing_on_the_host_failed(node: Node) -> None:
    assert node.run("systemctl list-units --failed --plain --no-legend") == ""


@pytest.mark.parametrize(
    ("name", "mode"), [("data", 0o700), ("log", 0o700), ("passfile", 0o600), (".pgbdr.json", None)]
)
def test_files_belong_to_postgres_alone(node: Node, name: str, mode: int | None) -> None:
    file = node.host.file(f"{node.directory}/{name}")
    assert file.exists
    assert mode is None or oct(file.mode) == oct(mode)
    assert not file.mode & 0o022
    if mode:
        assert (file.user, file.group) == ("postgres", "postgres")


def test_the_server_logs_into_the_directory_of_the_node(node: Node) -> None:
    files = node.run("find %s -type f -printf %s", f"{node.directory}/log", "%u %m\\n").splitlines()
    assert files
    assert set(files) == {"postgres 600"}


def test_postgresql_listens_on_its_own_address_and_loopback_only(node: Node) -> None:
    listening = {
        line.split()[3].rpartition(":")[::2]
        for line in node.run("ss -Hltnp").splitlines()
        if '"postgres"' in line and f":{node.port} " in line
    }
    addresses = {address.strip("[]") for address, _port in listening}
    assert node.address in addresses
    assert addresses <= {node.address, *LOOPBACK}


def rules_of(node: Node) -> list[dict[str, t.Any]]:
    """Return the access rules as the server reads them; one that is too old to tell has them read in its file."""
    if node.engine == "pglogical":
        rules: list[dict[str, t.Any]] = json.loads(node.psql("SELECT json_agg(r) FROM pg_hba_file_rules r"))
        assert [rule for rule in rules if rule["error"]] == []
        return rules
    lines = node.host.file(f"{node.directory}/data/pg_hba.conf").content_string.splitlines()
    fields = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    local = [{"type": "local", "auth_method": field[3]} for field in fields if field[0] == "local"]
    return local + [
        {
            "type": field[0],
            "user_name": [field[2]],
            "address": field[3].partition("/")[0],
            "netmask": str(ipaddress.ip_network(field[3]).netmask),
            "auth_method": field[4],
        }
        for field in fields
        if field[0] != "local"
    ]


def test_pg_hba_lets_only_members_of_the_group_in(node: Node, nodes: dict[str, Node]) -> None:
    members = {member.address for member in nodes.values()}
    weak = ("trust", "password", "md5") if node.engine == "pglogical" else ("trust", "password")
    for rule in rules_of(node):
        assert rule["auth_method"] not in weak, rule
        if rule["type"] == "local":
            continue
        # One address, not a net; a name (PostgreSQL's all and samenet, or a host's) fails here too.
        assert ipaddress.ip_network((rule["address"], rule["netmask"])).num_addresses == 1, rule
        assert rule["address"] in members | LOOPBACK, rule
        assert rule["user_name"] != ["all"], rule


def test_pg_hba_is_ours_to_the_last_line(node: Node) -> None:
    assert node.psql("SHOW hba_file") == f"{node.directory}/data/pg_hba.conf"
    lines = node.host.file(f"{node.directory}/data/pg_hba.conf").content_string.splitlines()
    rules = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    assert rules
    assert not {"trust", "0.0.0.0/0", "::/0"} & {word for rule in rules for word in rule}


def test_the_local_superuser_is_not_for_everybody(node: Node) -> None:
    as_nobody = node.host.run(
        "setpriv --reuid nobody --regid nogroup --clear-groups"
        " psql -h /var/run/postgresql -p %s -U postgres -d postgres -Xwc %s",
        str(node.port),
        "SELECT 1",
    )
    assert as_nobody.rc == 2
    assert "eer authentication failed" in as_nobody.stderr


def test_the_distribution_s_own_was_left_alone(node: Node) -> None:
    # Its configuration is as it was when the watch began, before anything of ours ran.
    assert node.run("find /etc/postgresql -cnewer /run/molecule-watch/watch.py") == ""


def test_no_password_is_kept_as_it_is(node: Node) -> None:
    start = "SCRAM-SHA-256$" if node.engine == "pglogical" else "md5"
    kept = node.psql(f"SELECT DISTINCT left(rolpassword, {len(start)}) FROM pg_authid WHERE rolpassword IS NOT NULL")
    assert kept == start
