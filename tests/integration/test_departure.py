"""Take nodes out of a group for good, alive and dead, and be killed at it."""

from __future__ import annotations

import os
import re
import signal
import threading
import typing as t

import psycopg2
import pytest
from groups import Group, eventually, words
from modules import stand

NODES = ("alpha", "bravo", "charlie")
CHARLIE = ("-e", "bdr_node=charlie", "-e", "bdr_confirm=charlie")
DEAD_NODES = (*NODES, "delta")
DELTA = ("-e", "bdr_node=delta", "-e", "bdr_confirm=delta")
LEFT = """
SELECT 'slot ' || slot_name FROM pg_replication_slots WHERE slot_name ~ '{name}'
UNION ALL SELECT 'origin ' || roname FROM pg_replication_origin WHERE roname ~ '{name}'
UNION ALL SELECT 'subscription ' || sub_name FROM pglogical.subscription WHERE sub_name ~ '{name}'
UNION ALL SELECT 'node ' || node_name FROM pglogical.node WHERE node_name ~ '{name}'
UNION ALL SELECT 'interface ' || if_dsn FROM pglogical.node_interface WHERE if_dsn ~ 'port={port}'
UNION ALL SELECT 'heartbeat ' || upstream FROM pgbdr.heartbeat WHERE '{name}' IN (upstream, downstream)
"""


def standing(group: Group) -> t.Iterator[Group]:
    """Yield a group that stands, with a table; at the end its inventory is what it was."""
    group.variables["bdr_hba"] = ["host appdb app 127.0.0.1/32 scram-sha-256"]
    ports = dict(group.ports)
    stand(group)
    group.everywhere("CREATE TABLE city (id int PRIMARY KEY, writer text)")
    yield group
    group.ports = ports


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> t.Iterator[Group]:
    """Return the group that charlie leaves alive, after it was kept from that."""
    yield from standing(make_group("itleave", 5650, NODES))


@pytest.fixture(scope="module")
def dying(make_group: t.Callable[..., Group]) -> t.Iterator[Group]:
    """Return the group that delta and charlie leave dead."""
    yield from standing(make_group("itdead", 5660, DEAD_NODES))


@pytest.fixture(scope="module")
def killed(make_group: t.Callable[..., Group]) -> t.Iterator[Group]:
    """Return the group that charlie leaves in a run that is killed again and again."""
    yield from standing(make_group("itcut", 5664, NODES))


def nothing_left(group: Group, name: str = "charlie") -> None:
    port = group.ports[name]
    for node in group.ports:
        if node != name:
            assert group.sql(node, LEFT.format(name=name, port=port)) == []
            assert f"127.0.0.1:{port}" not in (group.home(node) / "passfile").read_text()


class Writer:
    """A client that writes to a node, one row a transaction, until it is shut out."""

    def __init__(self, group: Group, node: str) -> None:
        self._group, self._node = group, node
        self.acknowledged = 0
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def _write(self) -> None:
        # Over TCP, as an application does: the operator let it in.
        connection = psycopg2.connect(
            host="127.0.0.1", port=self._group.ports[self._node], dbname="appdb", user="app", password="app"
        )
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                while True:
                    cursor.execute("INSERT INTO city VALUES (%s, %s)", (self.acknowledged + 1, self._node))
                    self.acknowledged += 1
        except psycopg2.Error:
            return

    def join(self) -> int:
        self._thread.join(60)
        assert not self._thread.is_alive(), "the client was not shut out"
        return self.acknowledged


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "bdr_node is missing: name the node that is to leave, with -e bdr_node=...; the group has alpha, bravo"),
        (("-e", "bdr_node=charlie", "-e", "bdr_confirm=bravo"), "bdr_confirm names 'bravo': removing charlie"),
        ((*CHARLIE, "-e", "bdr_accept_loss=bravo"), "bdr_accept_loss names 'bravo'; it must name the node that leaves"),
    ],
)
def test_a_wrong_request_is_one_error(
    make_group: t.Callable[..., Group], arguments: tuple[str, ...], problem: str
) -> None:
    group = make_group("itleave", 5650, NODES)
    run = group.play("remove_node", *arguments)
    assert run.code != 0
    assert len(run.errors()) == 1
    assert problem in words(run.output)
    assert run.changed() == set()


def refused_and_out(group: Group) -> None:
    """The data is still there, and no run starts it again; out of the inventory, the others are as planned."""
    assert (group.home("charlie") / "data" / "PG_VERSION").exists()
    assert not (group.home("charlie") / "data" / "postmaster.pid").exists()
    run = group.play("site")
    assert run.code != 0
    assert "charlie was removed from the group for good" in words(run.output)
    charlie = group.ports.pop("charlie")
    starts = {node: group.sql(node, "SELECT pg_postmaster_start_time()") for node in group.ports}
    assert group.must("site").changed() == set()
    assert starts == {node: group.sql(node, "SELECT pg_postmaster_start_time()") for node in group.ports}
    group.sql("alpha", "INSERT INTO city VALUES (-1, 'alpha')")
    eventually(lambda: group.sql("bravo", "SELECT writer FROM city WHERE id = -1"), [("alpha",)])
    group.ports["charlie"] = charlie


def stop(group: Group, node: str, how: signal.Signals) -> None:
    pid = int((group.home(node) / "data/postmaster.pid").read_text().split()[0])
    os.kill(pid, how)

    def is_gone() -> bool:
        try:
            with open(f"/proc/{pid}/stat") as file:
                return file.read().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    eventually(is_gone, True)


def test_another_node_that_is_down_is_told_of_first(group: Group) -> None:
    stop(group, "bravo", signal.SIGQUIT)
    run = group.play("remove_node", *CHARLIE)
    assert run.code != 0
    assert "bdr_hosts: bravo does not answer" in words(run.output)
    assert run.changed() == set()
    group.must()


def test_changes_that_do_not_get_through_keep_the_node(group: Group) -> None:
    group.sql("charlie", "CREATE TABLE only_here (id int PRIMARY KEY)")
    group.sql("charlie", "INSERT INTO only_here VALUES (1)")
    run = group.play("remove_node", *CHARLIE, "-e", "bdr_group_wait_seconds=5")
    assert run.code != 0
    assert "changes of charlie do not get to" in words(run.output)
    assert run.changed() == set()
    for node in ("alpha", "bravo"):
        group.sql(node, "CREATE TABLE only_here (id int PRIMARY KEY)")
    group.must("site")


def test_a_live_node_sends_everything_and_leaves(group: Group) -> None:
    group.everywhere("CREATE ROLE app LOGIN PASSWORD 'app'")
    group.everywhere("GRANT ALL ON city TO app")
    predicted = group.must("remove_node", *CHARLIE, "--check")
    nothing = group.must()
    assert nothing.changed() == set(), "check mode changed something"
    writer = Writer(group, "charlie")
    run = group.must("remove_node", *CHARLIE)
    acknowledged = writer.join()
    assert acknowledged > 100
    for node in ("alpha", "bravo"):
        assert group.sql(node, "SELECT count(*) FROM city WHERE writer = 'charlie'") == [(acknowledged,)]
    # What kept it a moment ago is there as well.
    assert group.sql("alpha", "TABLE only_here") == group.sql("bravo", "TABLE only_here") == [(1,)]
    assert predicted.changed() == run.changed()
    nothing_left(group)
    assert group.must("remove_node", *CHARLIE).changed() == set()
    refused_and_out(group)


def test_two_nodes_stay_at_least(group: Group) -> None:
    del group.ports["charlie"]
    run = group.play("remove_node", "-e", "bdr_node=bravo", "-e", "bdr_confirm=bravo")
    assert run.code != 0
    assert run.changed() == set()
    assert "replication needs at least two" in words(run.output)


def test_a_host_that_cannot_be_reached(dying: Group) -> None:
    stop(dying, "delta", signal.SIGQUIT)
    dying.host_variables["delta"] = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": 1,
    }
    run = dying.play("remove_node", *DELTA)
    assert run.code != 0
    assert "its host cannot be reached" in words(run.output)
    assert run.changed() == set()
    dying.must("remove_node", *DELTA, "-e", "bdr_accept_loss=delta")
    nothing_left(dying, "delta")
    dying.host_variables.clear()
    del dying.ports["delta"]


def test_a_dead_node_takes_the_operator_s_word(dying: Group) -> None:
    dying.sql("charlie", "INSERT INTO city VALUES (1, 'charlie')")
    eventually(lambda: dying.sql("alpha", "TABLE city"), [(1, "charlie")])
    stop(dying, "charlie", signal.SIGQUIT)
    run = dying.play("remove_node", *CHARLIE)
    assert run.code != 0
    assert run.changed() == set()
    told = words(run.output)
    assert "changes that it did not send yet would be lost" in told
    assert re.search(r"alpha has its changes of appdb up to [0-9A-F]+/[0-9A-F]+; bravo has its changes", told)
    run = dying.must("remove_node", *CHARLIE, "-e", "bdr_accept_loss=charlie")
    nothing_left(dying)
    assert dying.must("remove_node", *CHARLIE, "-e", "bdr_accept_loss=charlie").changed() == set()
    assert dying.sql("alpha", "TABLE city") == [(1, "charlie")]
    refused_and_out(dying)


# Each leaves something else behind. A module begins its work about a second into its task.
KILLS = (
    ("Shut the node's clients out", 1.0),
    ("Check that all of it got to the others", 0.0),
    ("Take the node out", 1.0),
    ("Remove the connections to the node", 1.0),
    ("Bring up the instance", 1.0),
    ("Remove what else is left of the node", 1.0),
)


def test_killed_at_each_change_it_converges(killed: Group) -> None:
    for task, seconds in KILLS:
        killed.kill(task, seconds, "remove_node", *CHARLIE)
    killed.must("remove_node", *CHARLIE)
    assert killed.must("remove_node", *CHARLIE).changed() == set()
    nothing_left(killed)
    refused_and_out(killed)
