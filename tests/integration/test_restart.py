"""Restart a group one node at a time, under a writer that must not lose a row that was acknowledged."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import typing as t

import psycopg2
import pytest
from groups import SOCKETS, Group, words
from modules import stand

NODES = ("alpha", "bravo")


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    made = make_group("itroll", 5655, NODES)
    stand(made)
    made.everywhere("CREATE TABLE city (writer text, id int, PRIMARY KEY (writer, id))")
    return made


def started(group: Group) -> dict[str, t.Any]:
    return {node: group.sql(node, "SELECT pg_postmaster_start_time()")[0][0] for node in group.ports}


class Writer:
    """A client that writes on, one row a transaction, and connects again when its server was away."""

    def __init__(self, group: Group, node: str) -> None:
        self._group, self._node = group, node
        self._enough = threading.Event()
        self.acknowledged: set[int] = set()
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        row = 0
        while not self._enough.is_set():
            try:
                where = {"host": SOCKETS, "port": self._group.ports[self._node], "dbname": "appdb", "user": "postgres"}
                # Not the connection's own context, which would make one transaction of all rows.
                with contextlib.closing(psycopg2.connect(**where)) as connection:
                    connection.autocommit = True
                    while not self._enough.is_set():
                        row += 1
                        connection.cursor().execute("INSERT INTO city VALUES (%s, %s)", (self._node, row))
                        self.acknowledged.add(row)
            except psycopg2.Error:
                time.sleep(0.05)

    def stop(self) -> set[int]:
        self._enough.set()
        self._thread.join(30)
        return self.acknowledged


def test_no_acknowledged_row_is_lost(group: Group) -> None:
    before = started(group)
    writers = {node: Writer(group, node) for node in NODES}
    run = group.must("restart")
    acknowledged = {node: writer.stop() for node, writer in writers.items()}
    after = started(group)
    assert all(after[node] > before[node] for node in NODES)
    assert [name for name, _host in sorted(run.changed(), key=lambda change: change[1])].count(
        "Restart the node and wait until its links stream again"
    ) == len(NODES)
    for node in NODES:
        for writer, rows in acknowledged.items():
            assert len(rows) > 50
            deadline = time.monotonic() + 30
            while rows - {row for (row,) in group.sql(node, "SELECT id FROM city WHERE writer = %s", writer)}:
                assert time.monotonic() < deadline, f"{node} lacks rows of {writer}"
                time.sleep(0.2)


def test_one_node_alone(group: Group) -> None:
    before = started(group)
    predicted = group.must("restart", "-e", "bdr_node=bravo", "--check")
    assert started(group) == before
    run = group.must("restart", "-e", "bdr_node=bravo")
    after = started(group)
    assert after["alpha"] == before["alpha"]
    assert after["bravo"] > before["bravo"]
    restarts = {change for change in run.changed() if change[0].startswith("Restart")}
    assert restarts == {change for change in predicted.changed() if change[0].startswith("Restart")}
    assert restarts == {("Restart the node and wait until its links stream again", "bravo")}


def test_an_unknown_node_is_one_error(group: Group) -> None:
    before = started(group)
    run = group.play("restart", "-e", "bdr_node=delta")
    assert run.code != 0
    assert len(run.errors()) == 1
    assert "bdr_node: the group has no such node; it has alpha, bravo" in words(run.output)
    assert started(group) == before


def test_a_silent_link_forbids_the_roll(group: Group) -> None:
    group.sql("alpha", "CREATE TABLE only_here (id int PRIMARY KEY)")
    group.sql("alpha", "INSERT INTO only_here VALUES (1)")
    before = started(group)
    run = group.play("restart", "-e", "bdr_group_wait_seconds=5")
    assert run.code != 0
    assert "alpha -> bravo (appdb)" in words(run.output)
    assert started(group) == before
    group.sql("bravo", "CREATE TABLE only_here (id int PRIMARY KEY)")
    group.must("site")


def test_a_node_that_does_not_come_back_stops_the_roll(group: Group) -> None:
    overrides = group.home("alpha") / "data" / "postgresql.auto.conf"
    overrides.write_text("shared_buffers = '4TB'\n")
    before = started(group)
    run = group.play("restart")
    assert run.code != 0
    assert "the server of alpha does not start" in words(run.output)
    assert group.sql("bravo", "SELECT pg_postmaster_start_time()")[0][0] == before["bravo"]
    overrides.write_text("")
    group.must("site")


def test_a_group_with_a_node_down_is_not_rolled(group: Group) -> None:
    os.kill(int((group.home("bravo") / "data/postmaster.pid").read_text().split()[0]), signal.SIGINT)
    before = group.sql("alpha", "SELECT pg_postmaster_start_time()")
    run = group.play("restart", "-e", "bdr_group_wait_seconds=5")
    assert run.code != 0
    assert group.sql("alpha", "SELECT pg_postmaster_start_time()") == before
    group.must("site")
