"""Slots on real servers: made, dropped, refused, listed; a node that is away, and the disk that its slot may fill."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
import typing as t
from pathlib import Path

import pytest
from groups import SOCKETS, Group, Run, words
from modules import Runner, runner, stand

BIN = "/usr/lib/postgresql/15/bin"
NODES = ("alpha", "bravo", "charlie")
DEADLINE_SECONDS = 60
SHOWN, DROPPED = "Show all slots", "Drop the abandoned slot"
ABANDONED = "pgl_appdb_alpha_alpha_delta"
# A slot may hold back 96 MB; WAL is written a segment at a time.
SETTINGS = {"max_wal_size": "64MB", "min_wal_size": "32MB", "max_slot_wal_keep_size": "96MB"}


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a plex that stands."""
    return stand(make_group("hsplex", 5610, NODES, bdr_settings=SETTINGS))


@pytest.fixture
def run(group: Group, capsys: pytest.CaptureFixture[str]) -> Runner:
    """Return a runner of modules on the nodes of the group."""
    return runner(group, capsys)


def eventually(read: t.Callable[[], t.Any], wanted: t.Any) -> None:
    """Wait until a read gives what is wanted."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (found := read()) != wanted:
        assert time.monotonic() < deadline, f"still {found!r}, wanted {wanted!r}"
        time.sleep(0.05)


def slots(group: Group, node: str = "alpha") -> dict[str, tuple]:
    """Return name, plugin, kind and database of each slot of a node."""
    rows = group.sql(node, "SELECT slot_name::text, plugin::text, slot_type, database::text FROM pg_replication_slots")
    return {name: tuple(rest) for name, *rest in rows}


def does(run: Runner, **options: t.Any) -> dict[str, t.Any]:
    """See a change predicted by check mode, done, and not done again."""
    predicted = run("slot", check=True, **options)
    done = run("slot", **options)
    assert not done.get("failed"), done
    assert (predicted["changed"], done["changed"]) == (True, True)
    assert (predicted["steps"], predicted["diff"]) == (done["steps"], done["diff"])
    again = run("slot", **options)
    assert (again["changed"], again["steps"], again["diff"]["before"]) == (False, [], again["diff"]["after"])
    return done


def refused(group: Group, run: Runner, **options: t.Any) -> str:
    """See a change refused, in check mode as well, and nothing changed."""
    before = slots(group)
    told = [run("slot", check=check, **options) for check in (True, False)]
    assert [result.get("failed") for result in told] == [True, True], told
    assert slots(group) == before
    assert told[0]["msg"] == told[1]["msg"]
    return told[0]["msg"]


def stop(group: Group, node: str, how: int = signal.SIGINT) -> None:
    """Stop a node's server."""
    pid_file = group.home(node) / "data/postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), how)
    eventually(pid_file.exists, False)


@contextlib.contextmanager
def reader(group: Group, slot: str) -> t.Iterator[subprocess.Popen[bytes]]:
    """Read a slot of alpha as a client does, by a walsender."""
    where = ["-h", SOCKETS, "-p", str(group.ports["alpha"]), "-U", "postgres", "-d", "appdb"]
    command = [f"{BIN}/pg_recvlogical", *where, "-S", slot, "--start", "--no-loop", "-f", "/dev/null"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as client:
        eventually(lambda: is_active(group, slot), True)
        try:
            yield client
        finally:
            client.kill()


def is_active(group: Group, slot: str) -> bool | None:
    rows = group.sql("alpha", "SELECT active FROM pg_replication_slots WHERE slot_name = %s", slot)
    return rows[0][0] if rows else None


# --- The module slot ------------------------------------------------------------------------------


def test_a_slot_is_made_and_dropped(group: Group, run: Runner) -> None:
    done = does(run, name="hs_one", database="appdb")
    assert done["steps"] == ["create slot hs_one in appdb"]
    assert done["diff"] == {"before": "", "after": "slot hs_one in appdb, plugin pglogical_output\n"}
    assert slots(group)["hs_one"] == ("pglogical_output", "logical", "appdb")
    done = does(run, name="hs_one", state="absent")
    assert done["steps"] == ["drop slot hs_one"]
    assert done["before"]["database"] == "appdb" and done["before"]["active"] is False
    assert "hs_one" not in slots(group)


# The watch outlives a module's process; here that one goes on as well.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_slot_that_nobody_uses_is_dropped_in_the_end(group: Group, run: Runner) -> None:
    names = ("hs_unused", "hs_used", "hs_in_use")
    for name in names:
        assert run("slot", name=name, database="appdb", plugin="test_decoding", unused_seconds=15)["changed"]
    group.sql("alpha", "SELECT pg_logical_emit_message(false, 'test', 'something to read')")
    group.sql("alpha", "SELECT count(*) FROM pg_logical_slot_get_changes('hs_used', NULL, NULL)")
    with reader(group, "hs_in_use"):
        eventually(lambda: "hs_unused" in slots(group), False)
        assert {"hs_used", "hs_in_use"} < set(slots(group)), "what is used stays"
    for name in ("hs_used", "hs_in_use"):
        does(run, name=name, plugin="test_decoding", state="absent", wait_seconds=10)
    logs = "".join(path.read_text() for path in (group.home("alpha") / "log").iterdir())
    assert "pgbdr dropped the slot hs_unused: nobody has used it for 15 s since it was made" in logs


def test_a_name_that_stands_for_another_slot_is_refused_with_the_facts(group: Group, run: Runner) -> None:
    does(run, name="hs_other", database="postgres", plugin="test_decoding")
    told = refused(group, run, name="hs_other", database="postgres")
    assert told.startswith("plugin: the slot hs_other of alpha has the plugin test_decoding, not pglogical_output")
    assert refused(group, run, name="hs_other", state="absent").startswith("plugin: the slot hs_other")
    for state in ("present", "absent"):
        told = refused(group, run, name="hs_other", database="appdb", plugin="test_decoding", state=state)
        assert told.startswith("database: the slot hs_other of alpha is of the database postgres, not appdb")
    does(run, name="hs_other", plugin="test_decoding", state="absent")


def test_a_physical_slot_is_never_touched(group: Group, run: Runner) -> None:
    group.sql("alpha", "SELECT pg_create_physical_replication_slot('hs_backup', true)")
    for state in ("present", "absent"):
        told = refused(group, run, name="hs_backup", database="appdb", state=state, end_walsender=True)
        assert told.startswith("name: the slot hs_backup of alpha is a physical one")
    group.sql("alpha", "SELECT pg_drop_replication_slot('hs_backup')")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "is no name"),
        ("two\nlines", "is no name"),
        ("o'clock", 'has "\'" in it'),
        ('quo"ted', "has '\"' in it"),
        ("a blank", "has ' ' in it"),
        ("dot.ted", "has '.' in it"),
        ("Upper", "has 'U' in it"),
        ("ümlaut", "has 'ü' in it"),
        ("a/b", "has '/' in it"),
        ("x" * 64, "has 64 bytes, a slot's name has 63 at most"),
        ("ü" * 32, "has 64 bytes, a slot's name has 63 at most"),
    ],
)
def test_a_name_that_the_server_would_not_take(group: Group, run: Runner, name: str, told: str) -> None:
    for state in ("present", "absent"):
        message = refused(group, run, name=name, database="appdb", state=state)
        assert message.startswith(f"name: {name!r} ") and told in message


def test_a_name_of_63_bytes_is_taken(group: Group, run: Runner) -> None:
    does(run, name="x" * 63, database="appdb")
    does(run, name="x" * 63, database="appdb", state="absent")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": "hs_bad"}, "database: name the database of the slot"),
        ({"name": "hs_bad", "database": "nosuch"}, "database: alpha has no database 'nosuch'"),
        ({"name": "hs_bad", "database": "appdb", "wait_seconds": -1}, "wait_seconds: is -1; give 0 or more"),
    ],
)
def test_other_bad_input(group: Group, run: Runner, options: dict[str, t.Any], told: str) -> None:
    assert refused(group, run, **options).startswith(told)


def test_a_plugin_that_is_not_there_leaves_nothing_behind(group: Group, run: Runner) -> None:
    before = slots(group)
    result = run("slot", name="hs_bad", database="appdb", plugin="nosuch")
    assert result["failed"] and "nosuch" in result["msg"]
    assert slots(group) == before


def test_open_transactions_hold_up_a_slot_only_so_long(group: Group, run: Runner) -> None:
    before = slots(group)
    with group.session("alpha") as session:
        session.cursor().execute("CREATE TABLE hs_open (id int PRIMARY KEY)")
        result = run("slot", name="hs_late", database="appdb", wait_seconds=1)
    assert result["failed"] and "statement timeout" in result["msg"]
    assert slots(group) == before


def test_a_slot_in_use_is_dropped_only_when_told(group: Group, run: Runner) -> None:
    slot = {"name": "hs_busy", "plugin": "test_decoding", "database": "appdb"}
    does(run, **slot)
    with reader(group, "hs_busy") as client:
        told = refused(group, run, **slot, state="absent")
        assert told.startswith("state: the slot hs_busy of alpha is in use by process ")
        before = time.monotonic()
        result = run("slot", **slot, state="absent", wait_seconds=1)
        assert result["failed"] and result["msg"].endswith("It was for 1 s") and time.monotonic() - before >= 1
        assert client.poll() is None and is_active(group, "hs_busy")
        predicted = run("slot", check=True, **slot, state="absent", end_walsender=True)
        assert client.poll() is None and is_active(group, "hs_busy")
        done = run("slot", **slot, state="absent", end_walsender=True)
        assert predicted["steps"] == done["steps"]
        assert done["steps"][0].startswith("end the walsender ") and done["steps"][1] == "drop slot hs_busy"
        assert client.wait(timeout=DEADLINE_SECONDS) != 0
    assert "hs_busy" not in slots(group)


def test_a_slot_is_dropped_once_nobody_uses_it_any_more(group: Group, run: Runner) -> None:
    slot = {"name": "hs_busy", "plugin": "test_decoding", "database": "appdb"}
    does(run, **slot)
    with reader(group, "hs_busy") as client:
        threading.Timer(1, client.kill).start()
        done = run("slot", **slot, state="absent", wait_seconds=30)
    assert done["steps"] == ["drop slot hs_busy"] and "hs_busy" not in slots(group)


# --- slots.yml ------------------------------------------------------------------------------------


def listed(run: Run) -> dict[tuple[str, str], list[str]]:
    """Return the table: node and slot to the other cells."""
    lines = run.output.split("verdict\n")[1].split("\n\n")[0].splitlines()[1:]
    cells = [line.split() for line in lines if line.split()[0] in NODES and "answer" not in line]
    return {(row[0], row[1]): row[2:] for row in cells}


def warned(run: Run) -> list[str]:
    (result,) = run.tasks[SHOWN].values()
    return result.get("warnings", [])


def not_dropped(group: Group, told: str, *arguments: str) -> None:
    """See slots.yml refuse a drop with one error, and nothing changed."""
    before = {node: slots(group, node) for node in group.ports}
    run = group.play("slots", *arguments)
    assert run.code != 0 and run.changed() == set()
    assert len(run.errors()) == 1 and told in words(run.errors()[0]), run.errors()
    assert {node: slots(group, node) for node in group.ports} == before


def asked(name: str, confirm: str = "", node: str = "") -> list[str]:
    more = ["-e", f"bdr_node={node}"] if node else []
    return ["-e", f"bdr_drop_slot={name}", "-e", f"bdr_confirm={confirm or name}", *more]


def test_what_the_server_does_not_say_is_nothing_and_not_zero(group: Group, run: Runner) -> None:
    group.sql("alpha", "SELECT pg_create_physical_replication_slot('hs_new')")
    group.sql("alpha", "ALTER SYSTEM SET max_slot_wal_keep_size = -1")
    group.sql("alpha", "SELECT pg_reload_conf()")
    # pg_reload_conf() only signals.
    eventually(lambda: run("slot_info")["wal_limit_bytes"], None)
    info = run("slot_info")
    told = {slot["name"]: (slot["wal_held_bytes"], slot["until_lost_bytes"]) for slot in info["slots"]}
    assert told["hs_new"] == (None, None)
    held, until = told["pgl_appdb_alpha_alpha_bravo"]
    assert held is not None and held >= 0 and until is None
    assert "no limit" in group.must("slots").output
    group.sql("alpha", "ALTER SYSTEM RESET max_slot_wal_keep_size")
    group.sql("alpha", "SELECT pg_reload_conf()")
    eventually(lambda: run("slot_info")["wal_limit_bytes"], 96 * 1024 * 1024)
    group.sql("alpha", "SELECT pg_drop_replication_slot('hs_new')")


def test_every_link_has_its_slot_in_the_list(group: Group) -> None:
    run = group.must("slots")
    assert run.changed() == set() and warned(run) == []
    found = listed(run)
    assert len(found) == 6
    for (node, slot), cells in found.items():
        downstream = slot.rpartition("_")[2]
        assert cells[:5] == [node, "->", downstream, "(appdb)", "yes"] and cells[-1] == "link"


def test_foreign_and_abandoned_slots_are_told_apart_and_one_is_dropped_by_name(group: Group) -> None:
    foreign = {"hs_backup": "physical", "hs_cdc": "test_decoding", "pgl_appdb_other_other_delta": "pglogical_output"}
    group.sql("alpha", "SELECT pg_create_physical_replication_slot('hs_backup', true)")
    for name, plugin in [*foreign.items(), (ABANDONED, "pglogical_output")][1:]:
        group.sql("alpha", "SELECT pg_create_logical_replication_slot(%s, %s)", name, plugin)
    before = slots(group)
    run = group.must("slots")
    found = listed(run)
    assert {name: found["alpha", name][-1] for name in foreign} == dict.fromkeys(foreign, "foreign")
    assert found["alpha", ABANDONED][-1] == "abandoned"
    (warning,) = warned(run)
    assert warning.startswith(f"slot {ABANDONED} of alpha is abandoned; slots.yml drops it: -e '{{")
    (hint,) = re.findall(r"-e '(.*)'", warning)
    not_dropped(group, "bdr_drop_slot: slot hs_cdc of alpha is not the engine's", *asked("hs_cdc"))
    not_dropped(group, "serves a link of the plan, alpha -> bravo", *asked("pgl_appdb_alpha_alpha_bravo"))
    not_dropped(group, "bdr_confirm: names 'hs_cdc', and bdr_drop_slot", *asked(ABANDONED, "hs_cdc"))
    not_dropped(group, "bdr_slot_warning_percent is '0'", "-e", "bdr_slot_warning_percent=0")
    assert group.must("slots", "--check", "-e", hint).changed() == {(DROPPED, "alpha")}
    assert slots(group) == before
    assert group.must("slots", *asked(ABANDONED)).changed() == {(DROPPED, "alpha")}
    del before[ABANDONED]
    assert slots(group) == before
    again = group.must("slots", *asked(ABANDONED))
    assert again.changed() == set() and f"The slot {ABANDONED} is gone." in again.output
    for name in foreign:
        group.sql("alpha", "SELECT pg_drop_replication_slot(%s)", name)


def test_a_slot_that_nodes_share_by_name_is_dropped_on_the_node_that_is_named(group: Group) -> None:
    for node in ("alpha", "bravo"):
        name = f"pgl_appdb_{node}_{node}_delta"
        group.sql(node, "SELECT pg_create_logical_replication_slot(%s, 'pglogical_output')", name)
    group.sql("bravo", "SELECT pg_create_logical_replication_slot(%s, 'pglogical_output')", ABANDONED)
    not_dropped(group, f"bdr_node: alpha and bravo each have a slot {ABANDONED}", *asked(ABANDONED))
    not_dropped(group, f"slot {ABANDONED} of bravo is not the engine's", *asked(ABANDONED, node="bravo"))
    assert group.must("slots", *asked(ABANDONED, node="alpha")).changed() == {(DROPPED, "alpha")}
    other = "pgl_appdb_bravo_bravo_delta"
    assert group.must("slots", *asked(other)).changed() == {(DROPPED, "bravo")}
    group.sql("bravo", "SELECT pg_drop_replication_slot(%s)", ABANDONED)


def test_the_list_needs_no_node_to_answer(group: Group, run: Runner) -> None:
    """bravo hangs, then alpha's host, the first one, cannot be reached, then bravo's server is down."""
    postmaster = int((group.home("bravo") / "data/postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGSTOP)
    try:
        result = run("slot_info", "bravo")
        watched = run("ddl_info", "bravo")
    finally:
        os.kill(postmaster, signal.SIGCONT)
    assert (result["answers"], result["slots"]) == (False, [])
    assert result["error"] == "the server of bravo cannot be reached: the server does not answer within 5 s"
    # Without libpq's own watch over the time, the same words.
    assert watched["error"] == result["error"]
    group.host_variables["alpha"] = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    stop(group, "bravo")
    shown = group.play("slots")
    assert shown.code == 0 and shown.changed() == set() and "alpha does not answer" in shown.output
    assert "bravo does not answer: " in shown.output
    found = listed(shown)
    assert {node for node, _slot in found} == {"charlie"}
    cells = found["charlie", "pgl_appdb_charlie_charlie_bravo"]
    assert (cells[:4], cells[4], cells[-1]) == (["charlie", "->", "bravo", "(appdb)"], "no", "link")
    refusal = group.play("slots", *asked(ABANDONED, node="alpha"))
    assert refusal.code != 0 and "bdr_node: alpha does not answer" in words(refusal.output)
    group.host_variables.clear()
    group.must("site")


def test_a_node_that_left_the_inventory_is_dropped_once_it_is_down(group: Group) -> None:
    slot = "pgl_appdb_alpha_alpha_charlie"
    port = group.ports.pop("charlie")
    found = listed(group.must("slots"))
    assert found["alpha", slot][-1] == "unplanned"
    not_dropped(group, f"slot {slot} of alpha is in use, so it is not abandoned", *asked(slot))
    group.ports["charlie"] = port
    stop(group, "charlie")
    del group.ports["charlie"]
    eventually(lambda: is_active(group, slot), False)
    assert listed(group.must("slots"))["alpha", slot][-1] == "abandoned"
    group.ports["charlie"] = port
    group.must("site")


# --- The limits -----------------------------------------------------------------------------------


def write_a_segment(group: Group) -> None:
    """Fill a WAL segment of alpha, and wait until bravo, which is there, has read it."""
    group.sql("alpha", "INSERT INTO hs_wal DEFAULT VALUES")
    group.sql("alpha", "SELECT pg_switch_wal()")
    group.sql("alpha", "CHECKPOINT")
    behind = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) < 33554432 FROM pg_replication_slots WHERE "
    # Its place in the WAL moves behind a record that only a checkpoint or the background writer writes.
    eventually(lambda: group.sql("alpha", f"{behind} slot_name = 'pgl_appdb_alpha_alpha_bravo'"), [(True,)])


def test_the_slot_of_a_dead_node_is_stopped_at_the_hard_limit_before_the_disk_is_full(
    group: Group, run: Runner
) -> None:
    slot = "pgl_appdb_alpha_alpha_charlie"
    group.everywhere("CREATE TABLE hs_wal (id serial PRIMARY KEY)")
    stop(group, "charlie")
    states: list[str] = []
    first = {}
    until: list[int] = []
    held: list[int | None] = []
    for _segment in range(12):
        write_a_segment(group)
        (found,) = (row for row in run("slot_info")["slots"] if row["name"] == slot)
        until.append(found["until_lost_bytes"])
        held.append(found["wal_held_bytes"])
        if found["wal_status"] not in states:
            states.append(found["wal_status"])
            first[found["wal_status"]] = group.must("slots", "-e", "bdr_slot_warning_percent=60")
        if found["wal_status"] == "lost":
            break
    assert states[0] == "reserved" and states[-1] == "lost"
    assert until == sorted(until, reverse=True) and until[-1] == 0 and until[0] > 64 * 1024 * 1024
    assert held[-1] is None and held[:-1] == sorted(held[:-1])
    assert warned(first["reserved"]) == []
    assert warned(first["lost"]) == [
        "alpha -> charlie (appdb) has lost its WAL: it was held back until max_slot_wal_keep_size, 96.0 MB; "
        "charlie must be seeded again"
    ]
    assert listed(first["lost"])["alpha", slot][-2:] == ["lost", "link"]
    assert listed(first["lost"])["alpha", "pgl_appdb_alpha_alpha_bravo"][-1] == "link"
    wal = sum(path.stat().st_size for path in Path(group.home("alpha") / "data/pg_wal").iterdir() if path.is_file())
    assert wal < 200 * 1024 * 1024
    group.sql("alpha", "INSERT INTO hs_wal DEFAULT VALUES")
    count = group.sql("alpha", "SELECT count(*) FROM hs_wal")
    eventually(lambda: group.sql("bravo", "SELECT count(*) FROM hs_wal"), count)
