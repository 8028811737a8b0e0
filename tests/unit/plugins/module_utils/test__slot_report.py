# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slots of a group, put together: whose each is, what is warned of, what may be dropped."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._slot_report import DropRefused, gone, report, size, to_drop
from ansible_collections.pgbdr.bdr.tests.unit.builders import plan

MB = 1024 * 1024
NAMES = ("alpha", "bravo", "charlie")
PLAN = plan().as_dict()
OLD = plan(bdr_engine="contrib_bdr", bdr_era="0.4").as_dict()
IDS = {"alpha": "1001", "bravo": "1002", "charlie": "1003"}


def slot(name: str, verdict: str = "link", downstream: str = "", **changes) -> dict:
    sound = {
        "name": name,
        "database": "appdb",
        "active": True,
        "wal_held_bytes": 0,
        "wal_status": "reserved",
        "until_lost_bytes": 96 * MB,
        "verdict": verdict,
        "downstream": downstream,
    }
    return {**sound, **changes}


def of(sysid: str, dboid: int = 16385, timeline: int = 1, **changes) -> dict:
    """Return a slot whose name holds ids."""
    ids = {"sysid": sysid, "timeline": timeline, "dboid": dboid}
    return slot(f"bdr of {sysid}", "unknown", wal_held_bytes=None, wal_status=None, of=ids, **changes)


def node(name: str, slots=None, **changes) -> dict:
    """Return what slot_info saw on a node."""
    own = [slot(f"pgl_appdb_{name}_{name}_{to}", downstream=to) for to in NAMES if to != name]
    sound = {
        "node": name,
        "answers": True,
        "error": "",
        "is_standby": False,
        "slots_keep_wal": True,
        "wal_limit_bytes": 96 * MB,
        "wal_kept_bytes": 0,
        "identity": {"sysid": IDS[name], "timeline": 1, "databases": {"appdb": 16385}},
        "slots": own if slots is None else slots,
    }
    return {**sound, **changes}


def old_node(name: str, more=(), **changes) -> dict:
    slots = [*(of(IDS[to]) for to in NAMES if to != name), *more]
    return node(name, slots, slots_keep_wal=False, wal_limit_bytes=None, wal_kept_bytes=16 * MB, **changes)


def group(*nodes: dict) -> dict:
    """Return a group in which nothing is wrong but for the nodes given."""
    return {**{name: node(name) for name in NAMES}, **{info["node"]: info for info in nodes}}


def old_group(*nodes: dict) -> dict:
    return {**{name: old_node(name) for name in NAMES}, **{info["node"]: info for info in nodes}}


def messages(found: dict) -> list[str]:
    return [finding["message"] for finding in found["findings"]]


def silent(name: str) -> dict:
    return {"node": name, "answers": False, "error": "connection refused", "slots": []}


# --- Whose a slot is ------------------------------------------------------------------------------


@pytest.mark.parametrize(("planned", "found"), [(PLAN, group()), (OLD, old_group())])
def test_a_sound_group_has_a_slot_for_every_link_and_nothing_to_warn_of(planned, found):
    shown = report(planned, found, 50)
    assert len(shown["slots"]) == 6 and shown["findings"] == [] and shown["silent"] == {}
    links = {(row["node"], row["downstream"]) for row in shown["slots"] if row["verdict"] == "link"}
    assert links == {(a, b) for a in NAMES for b in NAMES if a != b}


def verdict(more: dict, *others: dict) -> tuple[str, str]:
    """Return verdict and downstream of a further slot of alpha's."""
    shown = report(OLD, old_group(old_node("alpha", [more]), *others), 50)
    (found,) = (row for row in shown["slots"] if row["node"] == "alpha" and row["name"] == more["name"])
    return found["verdict"], found["downstream"]


def test_ids_that_nobody_has_are_of_nobody():
    assert verdict(of("999", active=False)) == ("abandoned", "")
    assert verdict(of("999", active=True)) == ("unplanned", "")


def test_ids_that_nobody_has_may_be_those_of_a_node_that_does_not_answer():
    assert verdict(of("999", active=False), silent("charlie")) == ("unknown", "")


def test_a_database_without_silent_downstreams_is_sure():
    more = of("999", active=False, database="other")
    assert verdict(more, silent("charlie")) == ("abandoned", "")


@pytest.mark.parametrize("changes", [{"dboid": 16999}, {"timeline": 7}, {"database": "other"}])
def test_a_node_s_former_self_is_no_link(changes):
    found = old_group(node("alpha", [of("1002", active=False, **changes)], slots_keep_wal=False))
    (former,) = (row for row in report(OLD, found, 50)["slots"] if row["node"] == "alpha")
    assert (former["verdict"], former["downstream"]) == ("abandoned", "bravo")


def test_a_node_that_is_no_downstream_is_no_link():
    planned = plan(bdr_engine="contrib_bdr", bdr_era="0.4", bdr_topology="one_way", bdr_upstream="bravo").as_dict()
    found = {name: old_node(name) for name in NAMES}
    rows = {(row["node"], row["downstream"]): row["verdict"] for row in report(planned, found, 50)["slots"]}
    assert rows["bravo", "charlie"] == "link" and rows["alpha", "charlie"] == "unplanned"


def test_a_standby_has_the_ids_of_its_primary_and_is_not_taken_for_it():
    twin = {**old_node("bravo", is_standby=True), "slots": []}
    twin["identity"] = old_node("charlie")["identity"]
    shown = report(OLD, old_group(twin), 50)
    assert ("alpha", "charlie") in {(row["node"], row["downstream"]) for row in shown["slots"]}


# --- Warnings -------------------------------------------------------------------------------------


def finding(changes: dict, percent: int = 50, planned: dict = PLAN, **info) -> list[dict]:
    """Return the findings of one slot of alpha's that is not as it should be."""
    own = {"downstream": "charlie", **changes}
    slots = [slot("pgl_appdb_alpha_alpha_bravo", downstream="bravo"), slot("pgl_appdb_alpha_alpha_charlie", **own)]
    return report(planned, group(node("alpha", slots, **info)), percent)["findings"]


@pytest.mark.parametrize(
    ("changes", "severity", "told"),
    [
        (
            {"wal_status": "lost", "until_lost_bytes": 0, "wal_held_bytes": None},
            "error",
            "alpha -> charlie (appdb) has lost its WAL: it was held back until max_slot_wal_keep_size, 96.0 MB; "
            "charlie must be seeded again",
        ),
        (
            {"wal_status": "unreserved", "until_lost_bytes": 0},
            "error",
            "alpha -> charlie (appdb) loses its WAL at the next checkpoint; let its reader catch up now",
        ),
        (
            {"wal_held_bytes": 60 * MB, "until_lost_bytes": 40 * MB},
            "warning",
            "alpha -> charlie (appdb) holds back 60.0 MB, 62 % of max_slot_wal_keep_size; lost in 40.0 MB",
        ),
    ],
)
def test_how_far_a_link_is_from_losing_its_wal(changes, severity, told):
    assert finding(changes) == [
        {"severity": severity, "node": "alpha", "slot": "pgl_appdb_alpha_alpha_charlie", "message": told}
    ]


def test_the_soft_limit_is_reached_exactly():
    assert finding({"wal_held_bytes": 48 * MB - MB}) == []
    assert len(finding({"wal_held_bytes": 48 * MB})) == 1
    assert finding({"wal_held_bytes": 48 * MB}, percent=51) == []


def test_without_a_limit_the_plan_s_figure_is_what_is_warned_by():
    (found,) = finding(
        {"wal_held_bytes": 1800 * MB, "until_lost_bytes": None, "wal_status": None}, wal_limit_bytes=None
    )
    assert found["message"] == (
        "alpha -> charlie (appdb) holds back 1.8 GB, 200 % of the plan's wal_retention; "
        "without a limit the disk is the end"
    )


def test_what_is_kept_at_any_rate_counts_to_the_limit():
    changes = {"wal_held_bytes": 60 * MB}
    assert "31 % of" in finding(changes, percent=31, wal_kept_bytes=192 * MB)[0]["message"]


def test_a_limit_that_was_set_between_two_looks_is_none():
    (found,) = finding({"wal_held_bytes": 60 * MB, "until_lost_bytes": None})
    assert found["message"].endswith("; without a limit the disk is the end")


def test_a_limit_of_nothing_is_always_reached():
    assert "lost in 0.0 MB" in finding({"wal_held_bytes": 1, "until_lost_bytes": 0}, wal_limit_bytes=0)[0]["message"]


def test_a_foreign_slot_that_is_lost_is_nobody_s_link():
    more = [*node("alpha")["slots"], slot("hs", "foreign", wal_status="lost", wal_held_bytes=None)]
    (told,) = messages(report(PLAN, group(node("alpha", more)), 50))
    assert told == "slot hs of alpha has lost its WAL: it was held back until max_slot_wal_keep_size, 96.0 MB"


def test_an_abandoned_slot_is_told_with_what_drops_it_and_one_in_use_is_not():
    gone = [slot("it's", "abandoned", active=False), slot("busy", "unplanned")]
    found = messages(report(PLAN, group(node("alpha", [*node("alpha")["slots"], *gone])), 50))
    variables = '{"bdr_drop_slot": "it\'"\'"\'s", "bdr_confirm": "it\'"\'"\'s", "bdr_node": "alpha"}'
    assert found == [
        f"slot it's of alpha is abandoned; slots.yml drops it: -e '{variables}'",
        "slot busy of alpha is in use, and of no link of the plan",
    ]


def test_a_link_without_a_slot_is_told_as_far_as_it_is_known():
    (told,) = messages(report(PLAN, group(node("alpha", node("alpha")["slots"][:1])), 50))
    assert told == "alpha -> charlie (appdb) has no slot: no WAL is kept for charlie"
    bare = old_node("alpha")
    bare["slots"] = bare["slots"][:1]
    assert messages(report(OLD, old_group(bare), 50)) == [told]
    assert messages(report(OLD, old_group(bare, silent("charlie")), 50)) == []
    assert messages(report(PLAN, group(node("alpha", node("alpha")["slots"][:1]), silent("charlie")), 50)) == [told]


def test_nodes_that_do_not_answer_are_told():
    found = group(silent("charlie"))
    del found["bravo"]
    assert report(PLAN, found, 50)["silent"] == {
        "bravo": "its host was not asked, or cannot be reached",
        "charlie": "connection refused",
    }


def test_wal_that_no_slot_keeps_is_told():
    assert report(OLD, old_group(), 50)["wal_kept"] == dict.fromkeys(NAMES, 16 * MB)
    assert report(PLAN, group(), 50)["wal_kept"] == {}


@pytest.mark.parametrize(("count", "told"), [(0, "0.0 MB"), (1023 * MB, "1023.0 MB"), (1536 * MB, "1.5 GB")])
def test_a_size_for_a_person(count, told):
    assert size(count) == told


# --- Dropping -------------------------------------------------------------------------------------

MORE = [slot("gone", "abandoned", active=False), slot("busy", "unplanned"), slot("theirs", "foreign")]
ALPHA = node("alpha", [*node("alpha")["slots"], *MORE, slot("who", "unknown"), slot("both", "abandoned")])
BRAVO = node("bravo", [*node("bravo")["slots"], slot("both", "abandoned")])


def chosen(name: str, confirm: str | None = None, on: str = "", *nodes: dict) -> dict:
    return to_drop(PLAN, report(PLAN, group(ALPHA, BRAVO, *nodes), 50), name, name if confirm is None else confirm, on)


def test_an_abandoned_slot_is_dropped_where_it_is():
    assert chosen("gone")["node"] == chosen("gone", None, "alpha")["node"] == "alpha"
    assert chosen("both", None, "bravo")["node"] == "bravo"


def test_a_slot_that_is_gone_is_no_error():
    assert chosen("zulu") == chosen("zulu", None, "bravo") == {}


@pytest.mark.parametrize(
    ("on", "told"),
    [
        ("", "The slot zulu is gone from the nodes that answer; not asked: charlie.\n"),
        ("bravo", "The slot zulu is gone.\n"),
    ],
)
def test_a_slot_is_not_called_gone_of_a_node_that_was_not_asked(on, told):
    assert gone(report(PLAN, group(silent("charlie")), 50), "zulu", on) == told
    assert gone(report(PLAN, group(), 50), "zulu", "") == "The slot zulu is gone.\n"


@pytest.mark.parametrize(
    ("name", "confirm", "on", "told"),
    [
        (
            "gone",
            "other",
            "",
            "bdr_confirm: names 'other', and bdr_drop_slot 'gone'; give the name of the slot in both",
        ),
        ("gone", "", "", "bdr_confirm: names '', and bdr_drop_slot 'gone'"),
        ("", "gone", "", "bdr_confirm: names 'gone', and bdr_drop_slot ''"),
        ("gone", None, "zulu", "bdr_node: the group has no node 'zulu'; it has alpha, bravo, charlie"),
        ("gone", None, "charlie", "bdr_node: charlie does not answer: connection refused"),
        ("gone", None, "bravo", "bdr_node: bravo has no slot gone, but alpha has one"),
        ("both", None, "", "bdr_node: alpha and bravo each have a slot both; name the one that is meant"),
        (
            "pgl_appdb_alpha_alpha_bravo",
            None,
            "",
            "bdr_drop_slot: slot pgl_appdb_alpha_alpha_bravo of alpha serves a link of the plan, "
            "alpha -> bravo (appdb). Take the downstream out of the inventory first",
        ),
        ("busy", None, "", "bdr_drop_slot: slot busy of alpha is in use, so it is not abandoned"),
        ("theirs", None, "", "bdr_drop_slot: slot theirs of alpha is not the engine's"),
        ("who", None, "", "bdr_drop_slot: slot who of alpha may be of a node that does not answer: charlie"),
    ],
)
def test_what_is_not_dropped(name, confirm, on, told):
    with pytest.raises(DropRefused) as caught:
        chosen(name, confirm, on, silent("charlie"))
    assert str(caught.value).startswith(told)
