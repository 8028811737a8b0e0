# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""compare.yml and repair.yml on hosts of their own: each test goes on where the one before ended."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from nodes import Node, eventually, find_nodes
from plays import Play, Runner, player

NAMES = ("alpha", "charlie", "echo")
ROWS = 60000
TABLE = "CREATE TABLE stock (id int PRIMARY KEY, number int NOT NULL, note text)"
FILL = f"INSERT INTO stock SELECT i, 0, md5(i::text) FROM generate_series(1, {ROWS}) i"
# Each node has a third of the keys: nothing that the writers do diverges.
WRITER = f"""
import psycopg2, random, sys, time
connection = psycopg2.connect("host=/var/run/postgresql user=postgres dbname=appdb")
connection.autocommit = True
cursor = connection.cursor()
while True:
    key = 3 * random.randrange(1, {ROWS // 3}) + int(sys.argv[1])
    if key % 1000 == 0:  # what the tests plant
        continue
    cursor.execute("UPDATE stock SET number = number + 1 WHERE id = %s", (key,))
    if key % 5 == 0:
        cursor.execute("DELETE FROM stock WHERE id = %s", (key,))
        cursor.execute("INSERT INTO stock VALUES (%s, 0, 'again')", (key,))
    time.sleep(0.01)
"""
# What a session writes under an origin is not sent on.
PLANT = """
SELECT pg_replication_origin_create('planted')
 WHERE NOT EXISTS (SELECT 1 FROM pg_replication_origin WHERE roname = 'planted');
SELECT pg_replication_origin_session_setup('planted');
"""
COMPARISON = "compare.json"


@pytest.fixture(scope="session")
def nodes() -> dict[str, Node]:
    """Return the hosts of this scenario."""
    return find_nodes("all")


@pytest.fixture
def play(nodes: dict[str, Node], tmp_path: Path) -> Runner:
    """Return what runs a playbook on the hosts."""
    return player(nodes, tmp_path)


def compare(play: Runner, directory: Path, *arguments: str) -> tuple[Play, dict[str, t.Any]]:
    """Run compare.yml. Return the run and what it wrote."""
    path = directory / COMPARISON
    run = play(NAMES, "compare", "-e", f"bdr_compare_file={path}", *arguments, must=False)
    return run, json.loads(path.read_text("utf-8"))


def differences(found: dict[str, t.Any]) -> dict[str, str]:
    (table,) = (each for each in found["tables"] if each["name"] == "stock")
    return {row["key"]["id"]: row["verdict"] for row in table["differences"]}


def test_writers_write_on_all_nodes(nodes: dict[str, Node]) -> None:
    for node in nodes.values():
        node.psql(TABLE)
    nodes["alpha"].psql(FILL)
    for node in nodes.values():
        eventually(lambda node=node: node.psql("SELECT count(*) FROM stock"), str(ROWS))
    for place, node in enumerate(nodes.values()):
        node.run(f"cat > /var/tmp/writer.py <<'END'\n{WRITER}\nEND")
        node.run("systemd-run --unit=molecule-writer python3 /var/tmp/writer.py %s", str(place))
    for node in nodes.values():
        eventually(lambda node=node: node.psql("SELECT count(*) > 50 FROM stock WHERE number > 0"), "t")


def test_what_is_planted_is_found_and_nothing_else(play: Runner, nodes: dict[str, Node], tmp_path: Path) -> None:
    run, found = compare(play, tmp_path)
    assert (run.code, found["verdict"], differences(found)) == (0, "equal", {}), run.output
    nodes["charlie"].psql(PLANT + "DELETE FROM stock WHERE id = 3000")
    nodes["echo"].psql(PLANT + "UPDATE stock SET note = NULL WHERE id = 42000")
    run, found = compare(play, tmp_path)
    assert differences(found) == {"3000": "different", "42000": "different"}, run.output
    assert run.code != 0
    assert "the nodes differ in public.stock (appdb): 2 rows" in run.output


def test_repair_makes_them_equal_under_the_writers(play: Runner, tmp_path: Path) -> None:
    compare(play, tmp_path)
    plan = tmp_path / "repair.json"
    made = ("-e", f"bdr_compare_file={tmp_path / COMPARISON}", "-e", f"bdr_repair_file={plan}")
    play(NAMES, "repair", *made, "-e", "bdr_repair_policy=majority")
    play(NAMES, "repair", "-e", f"bdr_repair_plan={plan}")
    run, found = compare(play, tmp_path)
    assert (run.code, found["verdict"]) == (0, "equal"), run.output


def test_a_host_that_is_cut_off_is_no_difference(play: Runner, nodes: dict[str, Node], tmp_path: Path) -> None:
    echo = nodes["echo"]
    echo.run("systemctl stop molecule-writer")
    echo.run("systemctl kill --signal=KILL %s", echo.unit)
    echo.run("systemctl stop %s", echo.unit)
    refused = play(NAMES, "compare", must=False)
    assert refused.code != 0
    assert "echo does not answer" in refused.output
    assert "bdr_compare_without" in refused.output
    run, found = compare(play, tmp_path, "-e", '{"bdr_compare_without": ["echo"]}')
    assert differences(found) == {}, run.output
    echo.run("systemctl start %s", echo.unit)
    play(NAMES, "site")
    for name in ("alpha", "charlie"):
        nodes[name].run("systemctl stop molecule-writer")
    run, found = compare(play, tmp_path)
    assert (run.code, found["verdict"]) == (0, "equal"), run.output
