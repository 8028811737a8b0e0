"""Seed nodes while the others are written: after WAL loss, killed at each step, a new one, and one without its data."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import typing as t

import psycopg2
import pytest
from groups import Group, eventually, words
from modules import stand

NODES = ("alpha", "bravo", "charlie")
CHARLIE = ("-e", "bdr_node=charlie", "-e", "bdr_confirm=charlie")
KEYS = 2000
TABLES = "CREATE TABLE city (id int PRIMARY KEY, n int, writer text); CREATE TABLE note (id text PRIMARY KEY)"
ALL_ROWS = "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM {} t"
LOST = "SELECT slot_name FROM pg_replication_slots WHERE wal_status = 'lost' AND slot_name ~ '_charlie$'"
FILL = "SELECT pg_logical_emit_message(false, 'fill', repeat('x', 4000000)) FROM generate_series(1, 8)"


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a group whose slots lose their WAL soon."""
    settings = {"max_wal_size": "64MB", "min_wal_size": "32MB", "max_slot_wal_keep_size": "96MB"}
    made = make_group("itseed", 5670, NODES, bdr_settings=settings)
    stand(made)
    made.everywhere(TABLES)
    made.sql("alpha", f"INSERT INTO city SELECT i, 0, 'first' FROM generate_series(0, {KEYS - 1}) i")
    return made


def write(group: Group, node: str, place: int, enough: threading.Event) -> None:
    """Change rows of every second key until it is enough."""
    with group.session(node) as session, session.cursor() as cursor:
        while not enough.wait(0.002):
            key = 2 * random.randrange(KEYS // 2) + place
            does = random.random()
            if does < 0.5:
                cursor.execute("UPDATE city SET n = n + 1, writer = %s WHERE id = %s", (node, key))
            else:  # a key that is used again, now and then in a transaction that stays open for a while
                cursor.execute("DELETE FROM city WHERE id = %s", (key,))
                enough.wait(0.05 if does < 0.6 else 0)
            if 0.5 <= does < 0.9:
                cursor.execute("INSERT INTO city VALUES (%s, 7, %s) ON CONFLICT DO NOTHING", (key, node))
            session.commit()


@contextlib.contextmanager
def written(group: Group, reconnect: bool = False) -> t.Iterator[None]:
    """Let alpha and bravo write all along, each to keys of its own: nothing that they do conflicts.

    reconnect: a client that is cut off by a restart comes back, as an application's pool does.
    """
    enough = threading.Event()
    wrong: list[BaseException] = []

    def go_on(node: str, place: int) -> None:
        while not enough.is_set():
            try:
                write(group, node, place, enough)
            except psycopg2.OperationalError as error:
                wrong.extend([] if reconnect else [error])
            except BaseException as error:
                wrong.append(error)
            if wrong:
                return

    writers = [threading.Thread(target=go_on, args=pair) for pair in (("alpha", 0), ("bravo", 1))]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        enough.set()
        for writer in writers:
            writer.join()
    assert wrong == [], "a writer was held up"


def equal(group: Group) -> None:
    """All nodes hold the same, and send each other what is new."""
    for node in group.ports:
        group.sql(node, "INSERT INTO note VALUES (%s)", f"{node} {random.random()}")
    for table in ("note", "city"):

        def versions(table: str = table) -> int:
            return len({tuple(group.sql(node, ALL_ROWS.format(table))) for node in group.ports})

        eventually(versions, 1)
    written_by = {name.split()[0] for (name,) in group.sql("bravo", "SELECT id FROM note")}
    assert written_by >= set(group.ports)


def crash(group: Group, node: str) -> None:
    pid = int((group.home(node) / "data/postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    status = ["/usr/lib/postgresql/15/bin/pg_ctl", "-D", str(group.home(node) / "data"), "status"]
    as_postgres = ["runuser", "-u", "postgres", "--", "env", "-C", "/", *status]
    eventually(lambda: subprocess.run(as_postgres, stdout=subprocess.DEVNULL).returncode, 3)


def lose_wal(group: Group) -> None:
    """Let the others write until charlie, which is down, can no longer catch up."""
    for node in ("alpha", "bravo"):
        for _attempt in range(20):
            group.sql(node, FILL)
            group.sql(node, "SELECT pg_switch_wal()")
            group.sql(node, "CHECKPOINT")
            if group.sql(node, LOST):
                break
        assert group.sql(node, LOST), "the WAL is still there"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("-e", "bdr_node=charlie", "-e", "bdr_confirm=bravo"), "bdr_confirm names 'bravo': all data of charlie is"),
        ((*CHARLIE, "-e", "bdr_donor=delta"), "bdr_donor: 'delta' cannot seed charlie: the group has no node 'delta'"),
        (CHARLIE, "bdr_node: charlie is healthy, all its links stream"),
    ],
)
def test_a_wrong_request_is_one_error(group: Group, arguments: tuple[str, ...], problem: str) -> None:
    run = group.play("reseed", *arguments)
    assert run.code != 0
    assert len(run.errors()) == 1
    assert problem in words(run.output)
    assert run.changed() == set()


def test_a_node_whose_wal_is_gone_comes_back(group: Group) -> None:
    with written(group):
        group.sql("charlie", "INSERT INTO note SELECT 'last words ' || i FROM generate_series(1, 50) i")
        crash(group, "charlie")
        lose_wal(group)
        told = group.play("site", "-e", "bdr_group_wait_seconds=3")
        assert told.code != 0
        assert "the WAL it needs is gone from" in words(told.output)
        looked = group.must("reseed", *CHARLIE, "--check")
        assert looked.changed() == set()
        assert "reseed replaces all data in" in words(looked.output)
        group.must("reseed", *CHARLIE)
    equal(group)
    for node in NODES:
        assert group.sql(node, "SELECT count(*) FROM note WHERE id LIKE 'last words %'") == [(50,)]
        slots = group.sql(node, "SELECT count(*) FROM pg_replication_slots WHERE slot_type = 'physical' OR NOT active")
        assert slots == [(0,)], "nothing holds WAL for ever"
    assert group.must("site").changed() == set()


# Each leaves something else behind. A module begins its work about a second into its task.
KILLS = (
    ("Copy the donor", 1.3),
    ("Follow the donor", 1.2),
    ("Remove what is left of the node", 1.0),
    ("Keep the changes for the node from here on", 1.0),
    ("Mark where the copy ends", 1.0),
    ("Make the copy a node of its own", 1.3),
    ("Link the node to its upstreams from where the copy ends", 1.0),
    ("Note that the node is seeded", 0.0),
)


def test_killed_at_each_step_it_goes_on(group: Group) -> None:
    with written(group):
        force: tuple[str, ...] = ("-e", "bdr_force=charlie")
        for task, seconds in KILLS:
            group.kill(task, seconds, "reseed", *CHARLIE, *force)
            # What stands in its place is no member, and says so.
            if (group.home("charlie") / "data/pgbdr_seed.json").exists():
                force = ()
        refused = group.play("site")
        assert refused.code != 0
        assert "the seeding of charlie is not finished" in words(refused.output)
        group.must("reseed", *CHARLIE)
    equal(group)
    assert group.must("site").changed() == set()


def test_a_node_that_died_before_the_point_that_was_marked_for_it_goes_on(group: Group) -> None:
    with written(group):
        arguments = (*CHARLIE, "-e", "bdr_donor=alpha")
        group.kill("Mark where the copy ends", 0.0, "reseed", *arguments, "-e", "bdr_force=charlie")
        crash(group, "charlie")
        receipt = json.loads((group.home("charlie") / "data/pgbdr_seed.json").read_text("utf-8"))
        # What the run would have done next.
        group.sql("alpha", "SELECT pg_create_restore_point(%s)", receipt["point"])
        group.must("reseed", *arguments)
    equal(group)


# What a session writes under an origin is sent to nobody.
LEFT_DIFFERENT = """
SELECT pg_replication_origin_create('planted') WHERE NOT EXISTS (
  SELECT FROM pg_replication_origin WHERE roname = 'planted');
SELECT pg_replication_origin_session_setup('planted');
DELETE FROM note WHERE id = 'deleted'; UPDATE city SET writer = 'planted' WHERE id = 20000;
INSERT INTO note VALUES ('inserted')
"""


def test_rows_that_the_links_left_different_are_mended(group: Group) -> None:
    group.sql("bravo", "INSERT INTO note VALUES ('deleted')")
    group.sql("bravo", "INSERT INTO city VALUES (20000, 1, 'bravo')")
    eventually(lambda: group.sql("alpha", "SELECT n FROM city WHERE id = 20000"), [(1,)])
    with written(group):
        group.kill("Compare the rows of all nodes", 0.0, "reseed", *CHARLIE, "-e", "bdr_force=charlie")
        group.sql("charlie", LEFT_DIFFERENT)
        run = group.must("reseed", *CHARLIE)
    assert "policy source=" in run.output
    assert "the nodes differ" not in run.output
    assert group.sql("charlie", "SELECT writer FROM city WHERE id = 20000") == [("bravo",)]
    equal(group)
    assert group.must("site").changed() == set()


def test_a_node_whose_data_is_gone_comes_back(group: Group) -> None:
    crash(group, "charlie")
    shutil.rmtree(group.home("charlie") / "data")
    for playbook, arguments in (("site", ()), ("reseed", CHARLIE)):
        run = group.play(playbook, *arguments)
        assert run.code != 0
        assert "-e bdr_accept_loss=charlie" in words(run.output)
        assert run.changed() == set()
    with written(group):
        group.must("reseed", *CHARLIE, "-e", "bdr_accept_loss=charlie", "-e", "bdr_donor=bravo")
    equal(group)


def test_a_new_node_joins_a_group_that_is_written(group: Group) -> None:
    group.ports["delta"] = 5673
    with written(group, reconnect=True):  # more links need more slots, which a rolling restart brings
        run = group.must("site")
    assert "reseed copies" in run.output
    equal(group)
    assert group.must("site").changed() == set()
