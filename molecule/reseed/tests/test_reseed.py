# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node comes back after WAL loss, and another one joins: each test goes on where the one before ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from nodes import Node, eventually, find_nodes
from plays import Runner, player

FOUNDERS = ("alpha", "charlie", "echo")
EVERYBODY = (*FOUNDERS, "golf")
ROWS = 30000
TABLE = "CREATE TABLE stock (id int PRIMARY KEY, number int NOT NULL, note text)"
FILL = f"INSERT INTO stock SELECT i, 0, md5(i::text) FROM generate_series(0, {ROWS - 1}) i"
# Each node has keys of its own: nothing that the writers do diverges by itself. Some keys are used again and again, and
# some transactions stay open for a while.
WRITER = f"""
import psycopg2, random, sys, time
connection = psycopg2.connect("host=/var/run/postgresql user=postgres dbname=appdb")
cursor = connection.cursor()
while True:
    key = 4 * random.randrange({ROWS // 4}) + int(sys.argv[1])
    cursor.execute("UPDATE stock SET number = number + 1 WHERE id = %s", (key,))
    if key % 5 == 0:
        cursor.execute("DELETE FROM stock WHERE id = %s", (key,))
        time.sleep(0.02)
    if key % 10 == 0:
        cursor.execute("INSERT INTO stock VALUES (%s, 0, 'again')", (key,))
    connection.commit()
    time.sleep(0.005)
"""
LOST = "SELECT count(*) FROM pg_replication_slots WHERE wal_status = 'lost' AND slot_name ~ '_charlie$'"
WAL = "SELECT pg_logical_emit_message(false, 'fill', repeat('x', 4000000)) FROM generate_series(1, 8)"
CHARLIE = ("-e", "bdr_node=charlie", "-e", "bdr_confirm=charlie")


@pytest.fixture(scope="session")
def nodes() -> dict[str, Node]:
    """Return golf, too, which is no member yet; what the group shares is in the inventory of the others."""
    found = find_nodes("all")
    shared = {**found["alpha"].variables}
    return {name: replace(node, variables={**shared, **node.variables}) for name, node in found.items()}


@pytest.fixture
def play(nodes: dict[str, Node], tmp_path: Path) -> Runner:
    """Return what runs a playbook on some of the hosts, as an operator's inventory would name them."""
    return player(nodes, tmp_path)


def test_writers_write_on_the_nodes_that_stay(nodes: dict[str, Node]) -> None:
    for name in FOUNDERS:
        nodes[name].psql(TABLE)
    nodes["alpha"].psql(FILL)
    for name in FOUNDERS:
        eventually(lambda name=name: nodes[name].psql("SELECT count(*) FROM stock"), str(ROWS))
    for place, name in enumerate(("alpha", "echo")):
        nodes[name].run(f"cat > /var/tmp/writer.py <<'END'\n{WRITER}\nEND")
        nodes[name].run("systemd-run --unit=molecule-writer python3 /var/tmp/writer.py %s", str(place))
    for name in FOUNDERS:
        eventually(lambda name=name: nodes[name].psql("SELECT count(*) > 50 FROM stock WHERE number > 0"), "t")


def test_charlie_loses_its_wal_and_the_run_says_so(play: Runner, nodes: dict[str, Node]) -> None:
    charlie = nodes["charlie"]
    charlie.psql("INSERT INTO stock VALUES (-1, 0, 'last words')")
    charlie.run("systemctl kill --signal=KILL %s", charlie.unit)
    charlie.run("systemctl stop %s", charlie.unit)
    for name in ("alpha", "echo"):
        for _attempt in range(20):
            for statement in (WAL, "SELECT pg_switch_wal()", "CHECKPOINT"):
                nodes[name].psql(statement)
            if nodes[name].psql(LOST) != "0":
                break
        assert nodes[name].psql(LOST) == "1"
    told = play(FOUNDERS, "site", "-e", "bdr_group_wait_seconds=3", must=False)
    assert told.code != 0
    assert "the WAL it needs is gone from" in told.output


def test_charlie_comes_back_while_the_others_are_written(play: Runner, nodes: dict[str, Node]) -> None:
    told = play(FOUNDERS, "reseed", *CHARLIE).output
    assert "reseed replaces all data in" in told
    assert "alpha, charlie, echo: equal" in told
    for name in FOUNDERS:
        assert nodes[name].psql("SELECT note FROM stock WHERE id = -1") == "last words"
        idle = "SELECT count(*) FROM pg_replication_slots WHERE NOT active OR slot_type = 'physical'"
        assert nodes[name].psql(idle) == "0"
    assert play(FOUNDERS, "site").output.count("changed=0") == len(FOUNDERS)


def test_golf_joins_by_being_in_the_inventory(play: Runner, nodes: dict[str, Node]) -> None:
    told = play(EVERYBODY, "site").output
    assert "to golf" in told
    assert "alpha, charlie, echo, golf: equal" in told
    for name in EVERYBODY:
        nodes[name].psql(f"INSERT INTO stock VALUES (-{len(name) * 1000 + ord(name[0])}, 0, '{name}')")
    for name in EVERYBODY:
        eventually(lambda name=name: nodes[name].psql("SELECT count(*) FROM stock WHERE id < -1"), str(len(EVERYBODY)))
    for name in ("alpha", "echo"):
        nodes[name].run("systemctl stop molecule-writer")
    assert "alpha, charlie, echo, golf: equal" in play(EVERYBODY, "compare").output
    assert play(EVERYBODY, "site").output.count("changed=0") == len(EVERYBODY)
