# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a group on hosts of their own: each test goes on where the one before ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from nodes import EPHEMERAL, Node, eventually, find_nodes
from plays import Runner, player

FOUNDERS = ("alpha", "charlie", "echo")
SURVIVORS = ("alpha", "charlie")
SUCCESSORS = ("alpha", "charlie", "golf")
SCRIPT = """
CREATE TABLE account (id bigserial PRIMARY KEY, owner text NOT NULL);
CREATE INDEX ON account (owner);
"""
# Runs on a host: one row a transaction, and again where the server was away; what was acknowledged goes to a file.
WRITER = """
import os, psycopg2, signal, sys, time
enough = []
signal.signal(signal.SIGTERM, lambda *_: enough.append(True))
with open("/var/tmp/acknowledged", "w", buffering=1) as acknowledged:
    while not enough:
        try:
            connection = psycopg2.connect("host=/var/run/postgresql user=postgres dbname=appdb")
            connection.autocommit = True
            cursor = connection.cursor()
            while not enough:
                cursor.execute("INSERT INTO account (owner) VALUES (%s) RETURNING id", (sys.argv[1],))
                print(cursor.fetchone()[0], file=acknowledged)
        except psycopg2.Error:
            time.sleep(0.05)
"""


@pytest.fixture(scope="session")
def nodes() -> dict[str, Node]:
    """Return golf, too, which is no member yet; what the group shares is in the inventory of the others."""
    found = find_nodes("all")
    shared = {**found["alpha"].variables}
    return {name: replace(node, variables={**shared, **node.variables}) for name, node in found.items()}


@pytest.fixture
def play(nodes: dict[str, Node], tmp_path: Path) -> Runner:
    """Return what runs a playbook on some of the hosts, as an operator's inventory would name them."""
    return player(nodes, tmp_path, own=("bdr_sequence_offset",))


@pytest.fixture(scope="module")
def script() -> str:
    path = EPHEMERAL / "accounts.sql"
    path.write_text(SCRIPT)
    return f"bdr_ddl_script={path}"


def refuses(node: Node, sql: str) -> str:
    done = node.host.run("psql -h /var/run/postgresql -U postgres -d appdb -v ON_ERROR_STOP=1 -Xqc %s", sql)
    assert done.rc != 0
    return str(done.stderr)


def owners(node: Node) -> str:
    return node.psql("SELECT string_agg(owner, ' ' ORDER BY owner) FROM account")


def test_a_script_runs_on_every_node_once(play: Runner, nodes: dict[str, Node], script: str) -> None:
    play(FOUNDERS, "ddl", "-e", script)
    for name in FOUNDERS:
        nodes[name].psql(f"INSERT INTO account (owner) VALUES ('{name}')")
    for name in FOUNDERS:
        eventually(lambda name=name: owners(nodes[name]), " ".join(FOUNDERS))
    assert play(FOUNDERS, "ddl", "-e", script).output.count("changed=0") == len(FOUNDERS)
    assert "no findings" in play(FOUNDERS, "schema").output


def test_truncate_is_denied_on_the_new_table(nodes: dict[str, Node]) -> None:
    for name in FOUNDERS:
        assert "TRUNCATE" in refuses(nodes[name], "TRUNCATE account").upper()
        assert owners(nodes[name]) == " ".join(FOUNDERS)


def test_a_dead_node_leaves_an_abandoned_slot_that_is_dropped_by_name(play: Runner, nodes: dict[str, Node]) -> None:
    echo = nodes["echo"]
    echo.run("systemctl kill --signal=KILL %s", echo.unit)
    echo.run("systemctl stop %s", echo.unit)
    listed = play(SURVIVORS, "slots").output
    slot = "pgl_appdb_alpha_alpha_echo"
    assert any(slot in line and "abandoned" in line for line in listed.splitlines()), listed
    wrong = play(SURVIVORS, "slots", "-e", f"bdr_drop_slot={slot}", "-e", "bdr_confirm=another", must=False)
    assert wrong.code != 0
    assert nodes["alpha"].psql(f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}'") == "1"
    play(SURVIVORS, "slots", "-e", f"bdr_drop_slot={slot}", "-e", f"bdr_confirm={slot}")
    assert nodes["alpha"].psql(f"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}'") == "0"


def test_the_dead_node_is_removed(play: Runner, nodes: dict[str, Node]) -> None:
    named = ("-e", "bdr_node=echo", "-e", "bdr_confirm=echo")
    refused = play(FOUNDERS, "remove_node", *named, must=False)
    assert refused.code != 0
    assert "bdr_accept_loss=echo" in refused.output
    play(FOUNDERS, "remove_node", *named, "-e", "bdr_accept_loss=echo")
    for name in SURVIVORS:
        assert nodes[name].psql("SELECT count(*) FROM pg_replication_slots WHERE slot_name ~ 'echo'") == "0"
        assert nodes[name].psql("SELECT count(*) FROM pg_hba_file_rules WHERE address = '10.213.52.13'") == "0"
    echo = nodes["echo"]
    assert not echo.host.service(echo.unit).is_enabled
    assert not echo.host.service(echo.unit).is_running
    assert play(SURVIVORS, "site").output.count("changed=0") == len(SURVIVORS)


def test_a_fresh_node_joins_the_empty_group(play: Runner, nodes: dict[str, Node], script: str) -> None:
    nodes["alpha"].psql("DELETE FROM account")
    eventually(lambda: nodes["charlie"].psql("SELECT count(*) FROM account"), "0")
    play(SUCCESSORS, "site")
    ran = play(SUCCESSORS, "ddl", "-e", script).output
    assert ran.count("changed=0") == len(SURVIVORS), "the script had run on the others"
    for name in SUCCESSORS:
        nodes[name].psql(f"INSERT INTO account (owner) VALUES ('{name}')")
    for name in SUCCESSORS:
        eventually(lambda name=name: owners(nodes[name]), " ".join(SUCCESSORS))
    assert "TRUNCATE" in refuses(nodes["golf"], "TRUNCATE account").upper()
    assert play(SUCCESSORS, "site").output.count("changed=0") == len(SUCCESSORS)


def test_a_rolling_restart_loses_no_acknowledged_row(play: Runner, nodes: dict[str, Node]) -> None:
    for name in SUCCESSORS:
        nodes[name].run(f"cat > /var/tmp/writer.py <<'END'\n{WRITER}\nEND")
        nodes[name].run("systemd-run --unit=molecule-writer python3 /var/tmp/writer.py %s", f"{name} writes")
    starts = {name: nodes[name].psql("SELECT pg_postmaster_start_time()") for name in SUCCESSORS}
    play(SUCCESSORS, "restart")
    for name in SUCCESSORS:
        nodes[name].run("systemctl stop molecule-writer")
        assert nodes[name].psql("SELECT pg_postmaster_start_time()") != starts[name]
    for writer in SUCCESSORS:
        acknowledged = set(nodes[writer].run("cat /var/tmp/acknowledged").split())
        assert len(acknowledged) > 50
        for name in SUCCESSORS:
            text = f"SELECT id FROM account WHERE owner = '{writer} writes'"
            eventually(lambda n=name, q=text, a=acknowledged: a - set(nodes[n].psql(q).split()), set())
