"""Re-seed a node of the engine contrib_bdr in its place, while the others are written and after it lost its links."""

from __future__ import annotations

import functools
import os
import random
import re
import signal
import threading
import typing as t

import pytest
import writing
from eras import is_0_4
from groups import LOCAL_DDL, Group, eventually, words
from writing import NODES

CHARLIE = ("-e", "bdr_node=charlie", "-e", "bdr_confirm=charlie", "-e", "bdr_seed_wait_seconds=120")
KEYS = 4000
ROWS = 30000
TABLES = (
    "CREATE TABLE city (id int PRIMARY KEY, n int, writer text); CREATE TABLE note (id text PRIMARY KEY);"
    'CREATE TABLE "big one" (id int, "%" text, PRIMARY KEY (id, "%")); CREATE TABLE shared (id int PRIMARY KEY, n int)'
)
SLOTS = "SELECT slot_name FROM pg_replication_slots WHERE plugin = 'bdr' AND NOT active"
HELP = "SELECT proname FROM pg_proc WHERE proname LIKE 'seed\\_%'"
HELD_SECONDS = 2


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a group with rows."""
    made = make_group("bseed", 6215, NODES)
    made.must()
    made.everywhere(f"{LOCAL_DDL} {TABLES}")
    made.sql("alpha", f"INSERT INTO city SELECT i, 0, 'first' FROM generate_series(0, {KEYS - 1}) i")
    made.sql("alpha", "INSERT INTO shared SELECT i, 0 FROM generate_series(0, 49) i")
    made.sql("alpha", f"INSERT INTO \"big one\" SELECT i, repeat('x', 300) FROM generate_series(1, {ROWS}) i")
    equal(made)
    return made


def write(group: Group, node: str, place: int, enough: threading.Event) -> None:
    """Change rows of every second key; where the later of two updates wins, change the same rows as well."""
    conflicts = not is_0_4(group)
    with group.session(node) as session, session.cursor() as cursor:
        while not enough.wait(0.002):
            key, does = 2 * random.randrange(KEYS // 2) + place, random.random()
            if does < 0.1 and conflicts:
                cursor.execute("UPDATE shared SET n = %s WHERE id = %s", (random.randrange(10**6), key % 50))
            elif does < 0.5:
                cursor.execute("UPDATE city SET n = n + 1, writer = %s WHERE id = %s", (node, key))
            else:  # a key that is used again, now and then in a transaction that stays open for a while
                cursor.execute("DELETE FROM city WHERE id = %s", (key,))
                enough.wait(0.05 if does < 0.53 else 0)
            if 0.5 <= does < 0.9:
                cursor.execute("INSERT INTO city VALUES (%s, 7, %s)", (key, node))
            elif does >= 0.95:
                cursor.execute(
                    "INSERT INTO city SELECT %(key)s, 8, %(node)s WHERE NOT EXISTS"
                    " (SELECT 1 FROM city WHERE id = %(key)s)",
                    {"key": key, "node": node},
                )
            session.commit()


written = functools.partial(writing.written, write=write)


def equal(group: Group) -> None:
    """All nodes hold the same, and send each other what is new."""
    writing.alike(group, ("note", "city", "shared", '"big one"'), 120)
    for node in NODES:
        group.sql(node, "INSERT INTO note VALUES (%s)", f"last {node} {random.random()}")
    eventually(lambda: len({group.sql(node, "SELECT count(*) FROM note")[0] for node in NODES}), 1, 60)


def crash(group: Group, node: str) -> None:
    data = group.home(node) / "data"
    os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    eventually(lambda: (data / "postmaster.pid").exists(), False)


def break_links(group: Group) -> None:
    """Let charlie, which is down, never catch up by itself: its slots keep no WAL, or are gone."""
    for node in ("alpha", "bravo"):
        if not is_0_4(group):
            eventually(lambda node=node: len(group.sql(node, SLOTS)), 1)
            group.sql(node, f"SELECT pg_drop_replication_slot(slot_name) FROM ({SLOTS}) AS s")
            continue
        for _segment in range(16):
            group.sql(node, "SELECT pg_switch_xlog()")
            group.sql(node, "CHECKPOINT")


def must_reseed(group: Group, *arguments: str) -> float:
    """Re-seed charlie; nothing had to be mended. Return for how long a stream was held, 0 where none was."""
    run = group.must("reseed", *CHARLIE, *arguments)
    # A run that mends compares twice.
    assert re.findall(r"Comparison \w+ of alpha, bravo, charlie: (.*)", run.output) == ["equal"], run.output
    held = [float(seconds) for seconds in re.findall(r"reseed held .* for ([0-9.]+) s", run.output)]
    for node in NODES:
        assert group.sql(node, HELP) == []
    return max(held, default=0)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("-e", "bdr_node=charlie", "-e", "bdr_confirm=bravo"), "bdr_confirm names 'bravo': all data of charlie is"),
        (("-e", "bdr_seed_method=physical"), "bdr_seed_method is 'physical'; contrib_bdr knows in_place"),
        ((), "bdr_node: charlie is healthy, all its links stream"),
    ],
)
def test_a_wrong_request_is_one_error(group: Group, arguments: tuple[str, ...], problem: str) -> None:
    run = group.play("reseed", *CHARLIE, *arguments)
    assert run.code != 0
    assert len(run.errors()) == 1
    assert problem in words(run.output)
    assert run.changed() == set()


@pytest.mark.parametrize("donor", ["alpha", "bravo"])
def test_a_node_that_cannot_catch_up_comes_back(group: Group, donor: str) -> None:
    with written(group):
        group.sql("charlie", "INSERT INTO note VALUES (%s)", f"last words {donor}")
        crash(group, "charlie")
        break_links(group)
        held = must_reseed(group, "-e", f"bdr_donor={donor}")
        assert 0 < held < HELD_SECONDS
    equal(group)
    assert group.sql("charlie", "SELECT 1 FROM note WHERE id = %s", f"last words {donor}") == [(1,)]
    assert group.must("site").changed() == set()


KILLS = (
    ("Let the node apply nothing more", 1.5),
    ("Replace the node's rows by the donor's", 1.5),
    ("Replace the node's rows by the donor's", 2.5),
    ("Link the node to its upstreams from where the copy ends", 1.0),
    ("Link the node to its upstreams from where the copy ends", 3.0),
    ("Note that the node is seeded", 0.0),
)


def test_killed_at_each_step_it_goes_on(group: Group) -> None:
    with written(group):
        force: tuple[str, ...] = ("-e", "bdr_force=charlie")
        for task, seconds in KILLS:
            group.kill(task, seconds, "reseed", *CHARLIE, *force)
            force = ()
        must_reseed(group)
    equal(group)


def test_killed_before_it_is_a_node_site_does_not_touch_it(group: Group) -> None:
    with written(group):
        group.kill("Replace the node's rows by the donor's", 2, "reseed", *CHARLIE, "-e", "bdr_force=charlie")
        refused = group.play("site")
        assert refused.code != 0
        assert "the seeding of charlie is not finished" in words(refused.output)
        crash(group, "charlie")
        must_reseed(group)
    equal(group)
    assert group.must("site").changed() == set()


def test_a_node_without_its_data_is_another_one(group: Group) -> None:
    crash(group, "charlie")
    data = group.home("charlie") / "data"
    os.rename(data, f"{data}.away")
    run = group.play("reseed", *CHARLIE, "-e", "bdr_accept_loss=charlie")
    os.rename(f"{data}.away", data)
    assert run.code != 0
    assert "bdr_node: charlie has no data any more, and with contrib_bdr its server is its identity" in words(
        run.output
    )
    assert run.changed() == set()
    group.must("site")
    equal(group)
