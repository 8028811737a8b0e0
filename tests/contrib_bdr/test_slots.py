"""Slots of the engine contrib_bdr: names that hold ids, two eras of functions, and one of commands only."""

from __future__ import annotations

import json
import os
import re
import signal
import time
import typing as t

import pytest
from eras import is_0_4
from groups import Group, Run, words
from modules import Runner, runner

NODES = ("alpha", "bravo", "charlie")
DEADLINE_SECONDS = 60
DROPPED = "Drop the abandoned slot"
# Nobody's: a system identifier that no server has.
STRANGER = {"0.4": "bdr: 16384:12345-1-16384:", "0.7": "bdr_16384_12345_1_16384__"}
ODD = 'Odd "q" \'s.ü'
VIEW = {"0.4": "pg_stat_logical_decoding", "0.7": "pg_replication_slots"}
PLUGIN = {"0.4": "bdr_output", "0.7": "bdr"}
WALSENDERS = "local replication postgres peer map=pgbdr"


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a plex that stands, whose servers let the local superuser in as a walsender."""
    group = make_group("hsbdr", 5614, NODES, bdr_hba=[WALSENDERS])
    group.must()
    return group


@pytest.fixture(scope="module")
def era(group: Group) -> str:
    """Return the era of the group's servers."""
    return "0.4" if is_0_4(group) else "0.7"


@pytest.fixture
def run(group: Group, era: str, capsys: pytest.CaptureFixture[str]) -> Runner:
    """Return a runner of modules on the nodes of the group."""
    return runner(group, capsys, era)


def eventually(read: t.Callable[[], t.Any], wanted: t.Any) -> None:
    """Wait until a read gives what is wanted."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (found := read()) != wanted:
        assert time.monotonic() < deadline, f"still {found!r}, wanted {wanted!r}"
        time.sleep(0.05)


def stop(group: Group, node: str) -> None:
    """Stop a node's server."""
    pid_file = group.home(node) / "data/postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGINT)
    eventually(pid_file.exists, False)


def names(group: Group, era: str, node: str = "alpha") -> list[str]:
    return sorted(row[0] for row in group.sql(node, f"SELECT slot_name::text FROM {VIEW[era]}", database="postgres"))


def verdicts(run: Run) -> dict[tuple[str, str], str]:
    """Return the table: node and slot to the link, or to the verdict where it is none."""
    lines = run.output.split("verdict\n")[1].split("\n\n")[0].splitlines()
    rule, rows = lines[0], [line for line in lines[1:] if line.split()[0] in NODES]
    starts = [found.start() for found in re.finditer("-+", rule)]
    found = {}
    for row in rows:
        cells = [row[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        found[cells[0], cells[1]] = cells[2] or cells[-1]
    return found


def asked(name: str, node: str = "") -> list[str]:
    more = {"bdr_node": node} if node else {}
    return ["-e", json.dumps({"bdr_drop_slot": name, "bdr_confirm": name, **more})]


def not_dropped(group: Group, era: str, told: str, *arguments: str) -> None:
    """See slots.yml refuse a drop with one error, and nothing changed."""
    before = names(group, era)
    refusal = group.play("slots", *arguments)
    assert refusal.code != 0 and refusal.changed() == set()
    assert len(refusal.errors()) == 1 and told in words(refusal.errors()[0]), refusal.errors()
    assert names(group, era) == before


def does(run: Runner, **options: t.Any) -> list[str]:
    """See a change predicted by check mode, done, and not done again."""
    predicted, done, again = run("slot", check=True, **options), run("slot", **options), run("slot", **options)
    assert not done.get("failed"), done
    assert [result["changed"] for result in (predicted, done, again)] == [True, True, False]
    assert predicted["steps"] == done["steps"] and again["steps"] == []
    return done["steps"]


def test_a_slot_is_told_by_the_ids_of_its_downstream(group: Group, era: str) -> None:
    shown = group.must("slots")
    assert shown.changed() == set()
    found = verdicts(shown)
    wanted = {f"{a} -> {b} (appdb)" for a in NODES for b in NODES if a != b}
    assert len(found) == 6 and set(found.values()) == wanted
    assert all(link.startswith(f"{node} -> ") for (node, _slot), link in found.items())
    assert ("alpha: its slots keep no WAL; wal_keep_segments keeps 16.0 MB" in shown.output) is (era == "0.4")


def test_names(group: Group, era: str, run: Runner) -> None:
    """Up to 0.4 a server takes any name, and makes a directory of it: a slash makes it panic."""
    before = names(group, era)
    taken = ["x" * 63] + ([ODD, "Upper", "a blank", "dot.ted", "ü" * 31] if era == "0.4" else [])
    refused = ["", "two\nlines", "x" * 64, "ü" * 32, "a/b", "..", ODD * (era == "0.7"), "new "[: 3 + (era == "0.7")]]
    for name in taken:
        assert does(run, name=name, database="appdb") == [f"create slot {name} in appdb"]
        assert name in names(group, era)
        assert does(run, name=name, state="absent") == [f"drop slot {name}"]
    for name in refused:
        for state in ("present", "absent"):
            result = run("slot", name=name, database="appdb", state=state)
            assert result["failed"] and result["msg"].startswith(f"name: {name!r} "), result
    assert names(group, era) == before


def test_a_plugin_that_is_not_there_leaves_nothing_behind(group: Group, era: str, run: Runner) -> None:
    before = names(group, era)
    result = run("slot", name="hs_bad", database="appdb", plugin="nosuch")
    assert result["failed"] and "nosuch" in result["msg"]
    assert names(group, era) == before


def test_a_foreign_slot_is_left_alone(group: Group, era: str, run: Runner) -> None:
    """The engine's plugin does not make it a link's; later eras have physical slots, too."""
    does(run, name="hs_cdc", database="appdb")
    not_dropped(group, era, "slot hs_cdc of alpha is not the engine's", *asked("hs_cdc"))
    told = run("slot", name="hs_cdc", database="appdb", plugin="other")
    assert told["msg"].startswith(f"plugin: the slot hs_cdc of alpha has the plugin {PLUGIN[era]}, not other")
    if era == "0.7":
        group.sql("alpha", "SELECT pg_create_physical_replication_slot('hs_backup')")
        assert verdicts(group.must("slots"))["alpha", "hs_backup"] == "foreign"
        told = run("slot", name="hs_backup", state="absent")
        assert told["msg"].startswith("name: the slot hs_backup of alpha is a physical one")
        group.sql("alpha", "SELECT pg_drop_replication_slot('hs_backup')")
    does(run, name="hs_cdc", state="absent")


def test_a_stranger_s_slot_is_abandoned_only_when_every_downstream_was_asked(
    group: Group, era: str, run: Runner
) -> None:
    slot = STRANGER[era]
    for node in ("alpha", "bravo"):
        assert not run("slot", node, name=slot, database="appdb").get("failed")
    found = verdicts(group.must("slots"))
    assert found["alpha", slot] == found["bravo", slot] == "abandoned"
    not_dropped(group, era, f"bdr_node: alpha and bravo each have a slot {slot}", *asked(slot))
    stop(group, "charlie")
    shown = group.must("slots")
    found = verdicts(shown)
    assert "charlie does not answer: " in shown.output
    assert found["alpha", slot] == "unknown"
    assert sorted(link for (node, _slot), link in found.items() if node == "alpha") == [
        "alpha -> bravo (appdb)",
        "unknown",
        "unknown",
    ]
    not_dropped(group, era, "may be of a node that does not answer: charlie", *asked(slot, "alpha"))
    group.must("site")
    assert group.must("slots", *asked(slot, "alpha")).changed() == {(DROPPED, "alpha")}
    assert slot not in names(group, era) and slot in names(group, era, "bravo")
    assert group.must("slots", *asked(slot)).changed() == {(DROPPED, "bravo")}
    again = group.must("slots", *asked(slot))
    assert again.changed() == set() and f"The slot {slot} is gone." in again.output


def test_what_a_slot_holds_back(group: Group, era: str, run: Runner) -> None:
    """From 0.5 on slots keep WAL without a limit, so the plan's figure is what is warned by."""
    stop(group, "charlie")
    group.sql("alpha", "SET bdr.skip_ddl_replication = on; CREATE TABLE hs_wal (id int)" if era == "0.7" else
              "CREATE TABLE hs_wal (id int)", database="postgres")  # fmt: skip
    for number in range(3):
        group.sql("alpha", "INSERT INTO hs_wal VALUES (%s)", number, database="postgres")
        group.sql("alpha", "SELECT pg_switch_xlog()", database="postgres")
    info = run("slot_info")
    assert info["slots_keep_wal"] is (era == "0.7") and info["wal_limit_bytes"] is None
    (result,) = group.must("slots").tasks["Show all slots"].values()
    warnings = [text for text in result.get("warnings", []) if "holds back" in text]
    if era == "0.4":
        assert warnings == [] and {slot["wal_held_bytes"] for slot in info["slots"]} == {None}
        assert info["wal_kept_bytes"] == 16 * 1024 * 1024
    else:
        held = [slot["wal_held_bytes"] for slot in info["slots"]]
        assert max(held) > 32 * 1024 * 1024
        assert any(text.endswith("% of the plan's wal_retention; without a limit the disk is the end")
                   for text in warnings)  # fmt: skip
    group.must("site")


def test_a_walsender_is_ended_where_it_can_be_told(group: Group, era: str, run: Runner) -> None:
    """0.4 does not tell which of two uses a slot, later eras name a downstream's connection by its ids."""
    found = verdicts(group.must("slots"))
    (slot,) = (name for (node, name), link in found.items() if link == "alpha -> bravo (appdb)")
    not_dropped(group, era, "serves a link of the plan, alpha -> bravo (appdb)", *asked(slot, "alpha"))
    in_use = run("slot", name=slot, state="absent")
    assert in_use["msg"].startswith(f"state: the slot {slot} of alpha is in use; wait for its end")
    if era == "0.4":
        told = run("slot", name=slot, state="absent", end_walsender=True)
        assert "the server does not tell which of the walsenders" in told["msg"] and slot in names(group, era)
        stop(group, "charlie")
        eventually(lambda: group.sql("alpha", "SELECT count(*) FROM pg_stat_replication"), [(1,)])
    done = run("slot", name=slot, state="absent", end_walsender=True)
    assert not done.get("failed"), done
    assert done["steps"][0].startswith("end the walsender ") and done["steps"][1] == f"drop slot {slot}"
    assert slot not in names(group, era)
    (result,) = group.must("slots").tasks["Show all slots"].values()
    assert "alpha -> bravo (appdb) has no slot: no WAL is kept for bravo" in result["warnings"]


def test_a_server_without_functions_is_asked_by_commands(group: Group, era: str, run: Runner) -> None:
    """As up to 0.3. In a database whose catalog lacks the functions, 0.4 is such a server."""
    if era == "0.7":
        pytest.skip("this era has functions, and other commands")
    functions = "('init_logical_replication', 'stop_logical_replication')"
    group.sql("alpha", f"DELETE FROM pg_proc WHERE proname IN {functions}", database="postgres")
    before = names(group, era)
    name = "hs by command's.ü"
    assert does(run, name=name, database="appdb") == [f"create slot {name} in appdb"]
    assert name in names(group, era)
    result = run("slot", name="hs_bad", database="appdb", plugin="nosuch")
    assert result["failed"] and "nosuch" in result["msg"] and "hs_bad" not in names(group, era)
    assert run("slot", name='quo"ted', database="appdb")["msg"].startswith("name: 'quo\"ted' would harm this server")
    assert does(run, name=name, state="absent") == [f"drop slot {name}"]
    assert names(group, era) == before
