"""Seed nodes while the others are written: after WAL loss, killed at each step, a new one, and one without its data."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import typing as t

import pytest
from groups import Group, eventually, words
from health import played
from modules import stand
from writing import CHARLIE, KEYS, NODES, TABLES, equal, written

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


# What status.yml and the doctor call it, by the task that was killed.
AS_IT_IS = {
    "Copy the donor": ("charlie is closed", set()),
    "Keep the changes for the node from here on": (
        "charlie is half seeded",
        {("charlie", "its seeding is not finished")},
    ),
}


def told_as_it_is(group: Group, wrong: str, going_on: set[tuple[str, str]]) -> None:
    """See that the node's state is told in its own words, and nothing else as wrong."""
    _run, health = played("status", group, bdr_status_fail=False)
    assert [each["summary"] for each in health["findings"] if each["severity"] == "error"] == [wrong]
    _run, diagnosed = played("doctor", group, bdr_doctor_fail=False)
    on = {(each["about"], each["message"]) for each in diagnosed["findings"] if each["going_on"]}
    assert on == going_on
    if going_on:
        refused = group.play("site")
        assert refused.code != 0 and "the seeding of charlie is not finished" in words(refused.output)
        assert refused.changed() == set()


def test_killed_at_each_step_it_goes_on(group: Group) -> None:
    with written(group):
        force: tuple[str, ...] = ("-e", "bdr_force=charlie")
        for task, seconds in KILLS:
            group.kill(task, seconds, "reseed", *CHARLIE, *force)
            if task in AS_IT_IS:
                told_as_it_is(group, *AS_IT_IS[task])
            # What stands in its place is no member, and says so.
            if (group.home("charlie") / "data/pgbdr_seed.json").exists():
                force = ()
        refused = group.play("site")
        assert refused.code != 0
        assert "the seeding of charlie is not finished" in words(refused.output)
        group.must("reseed", *CHARLIE)
    equal(group)
    assert [path for node in NODES for path in group.home(node).glob("limit_*")] == [], "its slots stay for good"
    assert group.must("site").changed() == set()


UNUSED_SLOTS = "SELECT slot_name FROM pg_replication_slots WHERE NOT active"


def test_a_run_that_is_given_up_leaves_no_slots_and_goes_on_all_the_same(group: Group) -> None:
    with written(group):
        arguments = (*CHARLIE, "-e", "bdr_donor=alpha", "-e", "bdr_seed_limit_seconds=30")
        group.kill("Mark where the copy ends", 0.0, "reseed", *arguments, "-e", "bdr_force=charlie")
        crash(group, "charlie")
        receipt = json.loads((group.home("charlie") / "data/pgbdr_seed.json").read_text("utf-8"))
        for node in ("alpha", "bravo"):
            eventually(lambda node=node: group.sql(node, UNUSED_SLOTS), [], 130)
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
