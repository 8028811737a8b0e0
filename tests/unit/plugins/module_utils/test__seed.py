# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may be seeded from whom, and what plan holds meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _render, _seed
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import HbaRule, NodePlan, Plan, Setting
from ansible_collections.pgbdr.bdr.plugins.module_utils._plan import build_plan
from ansible_collections.pgbdr.bdr.tests.unit.builders import group, node_plan, plan, settings

PLAN = plan().as_dict()
STANDBY = plan(own={"bravo": {"bdr_standby_of": "alpha"}}).as_dict()
CHAIN = plan(
    own={
        "alpha": {"bdr_upstreams": ["bravo"]},
        "bravo": {"bdr_upstreams": ["alpha", "charlie"]},
        "charlie": {"bdr_upstreams": ["bravo"]},
    },
    bdr_topology="custom",
    bdr_partial_reach=True,
).as_dict()
ONE_WAY = plan(bdr_topology="one_way", bdr_upstream="alpha").as_dict()
PARTLY = plan(bdr_databases=["appdb", {"name": "orders", "nodes": ["alpha", "charlie"]}]).as_dict()

# --- What was asked for ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "request_"),
    [
        (PLAN, ("charlie", "charlie", "")),
        (PLAN, ("charlie", "charlie", "bravo")),
        (STANDBY, ("charlie", "charlie", "alpha")),
        (ONE_WAY, ("charlie", "charlie", "alpha")),
        (PARTLY, ("charlie", "charlie", "alpha")),
    ],
)
def test_what_can_be_asked_for(found, request_):
    assert _seed.request_problems(found, *request_) == []


@pytest.mark.parametrize(("jobs", "wrong"), [(1, 0), (64, 0), (0, 1), (-1, 1)])
def test_at_least_one_table_is_copied_at_a_time(jobs, wrong):
    problems = _seed.number_problems(jobs, 0)
    assert [problem.startswith(f"bdr_seed_jobs is {jobs};") for problem in problems] == [True] * wrong


def test_how_long_slots_stay():
    assert _seed.number_problems(1, -1) == ["bdr_seed_limit_seconds is -1; give a number of seconds, or 0 for no limit"]
    assert _seed.number_problems(1, 86400) == []


def test_a_node_that_a_standby_follows_is_not_replaced():
    (problem,) = _seed.request_problems(STANDBY, "alpha", "alpha", "")
    assert problem.startswith("bdr_standby_of: bravo would follow a server that is gone")


@pytest.mark.parametrize(
    ("found", "request_", "said"),
    [
        (
            PLAN,
            ("", "", ""),
            "bdr_node is missing: name the node to be seeded, with -e bdr_node=...; the group has alp",
        ),
        (PLAN, ("delta", "delta", ""), "bdr_node: the group bdr has no node 'delta'; it has alpha, bravo, charlie"),
        (
            PLAN,
            ("charlie", "", ""),
            "bdr_confirm is missing: all data of charlie is replaced; repeat its name, -e bdr_confirm=charlie",
        ),
        (
            PLAN,
            ("charlie", "bravo", ""),
            "bdr_confirm names 'bravo': all data of charlie is replaced; repeat its name, -e bdr_confirm=charlie",
        ),
        (
            plan(bdr_engine="contrib_bdr").as_dict(),
            ("charlie", "charlie", "", "physical"),
            "bdr_seed_method is 'physical'; contrib_bdr knows in_place, and auto chooses by itself",
        ),
        (
            STANDBY,
            ("bravo", "bravo", ""),
            "bdr_node: bravo is a physical standby; remove its data, and site.yml copies it anew",
        ),
        (PLAN, ("charlie", "charlie", "zulu"), "bdr_donor: 'zulu' cannot seed charlie: the group has no node 'zulu'"),
        (
            PLAN,
            ("charlie", "charlie", "charlie"),
            "bdr_donor: 'charlie' cannot seed charlie: charlie is no upstream of charlie (appdb)",
        ),
        (STANDBY, ("charlie", "charlie", "bravo"), "bdr_donor: 'bravo' cannot seed charlie: bravo is a physical stan"),
        (
            CHAIN,
            ("charlie", "charlie", "alpha"),
            "bdr_donor: 'alpha' cannot seed charlie: alpha is no upstream of charlie (appdb)",
        ),
        (
            PARTLY,
            ("charlie", "charlie", "bravo"),
            "bdr_donor: 'bravo' cannot seed charlie: bravo has the databases appdb, charlie has appdb, orders",
        ),
        # In the middle of a chain a node gets what no other one gets.
        (
            CHAIN,
            ("bravo", "bravo", ""),
            "bdr_node: no node can seed bravo: alpha gets nothing from charlie (appdb); charlie gets nothing from alph",
        ),
        (
            ONE_WAY,
            ("alpha", "alpha", ""),
            "bdr_node: no node can seed alpha: bravo is no upstream of alpha (appdb); charlie is no upstream of alpha",
        ),
        (
            {**PLAN, "nodes": {"alpha": PLAN["nodes"]["alpha"]}},
            ("alpha", "alpha", ""),
            "bdr_node: no node can seed alpha: it is the only one",
        ),
        (
            PLAN,
            ("charlie", "charlie", "", "fast"),
            "bdr_seed_method is 'fast'; pglogical knows physical, logical, and auto chooses by itself",
        ),
    ],
)
def test_what_cannot_be_asked_for(found, request_, said):
    (problem,) = _seed.request_problems(found, *request_)
    assert problem.startswith(said)


def test_every_reason_against_a_donor():
    assert _seed.why_not(CHAIN, "bravo", "bravo") == ["bravo is no upstream of bravo (appdb)"]
    far = plan(
        "alpha bravo charlie delta",
        {
            "alpha": {"bdr_upstreams": ["bravo"]},
            "bravo": {"bdr_upstreams": ["alpha", "charlie"]},
            "charlie": {"bdr_upstreams": ["bravo", "delta"]},
            "delta": {"bdr_upstreams": ["charlie"]},
        },
        bdr_topology="custom",
        bdr_partial_reach=True,
    ).as_dict()
    assert _seed.why_not(far, "bravo", "delta") == [
        "delta gets nothing from alpha (appdb)",
        "delta is no upstream of bravo (appdb)",
    ]


def test_a_donor_gets_no_rows_that_the_node_does_not_get():
    assert _seed.why_not(CHAIN, "charlie", "bravo") == ["bravo gets rows of alpha (appdb) that charlie does not get"]


@pytest.mark.parametrize(
    ("found", "name", "wanted"),
    [
        (PLAN, "charlie", ["alpha", "bravo"]),
        (STANDBY, "charlie", ["alpha"]),
        # bravo holds rows of alpha that nobody would send to charlie any more.
        (CHAIN, "charlie", []),
        (CHAIN, "bravo", []),
        (ONE_WAY, "bravo", ["alpha"]),
        (PARTLY, "charlie", ["alpha"]),
        (plan(bdr_engine="contrib_bdr").as_dict(), "charlie", ["alpha", "bravo"]),
    ],
)
def test_the_nodes_that_a_node_may_be_copied_from(found, name, wanted):
    assert _seed.candidates(found, name) == wanted


@pytest.mark.parametrize(("engine", "wanted"), [("pglogical", ["alpha", "bravo"]), ("contrib_bdr", [])])
def test_the_nodes_that_one_without_data_is_made_from(engine, wanted):
    assert _seed.sources(plan(bdr_engine=engine).as_dict(), "charlie") == wanted


def test_a_donor_that_lets_the_node_in_anyway_stays_as_it_is():
    members = group(bdr_engine="contrib_bdr")
    planned = build_plan(members)
    meanwhile = _seed.with_seeding(members, planned, "charlie", "alpha")
    assert meanwhile.nodes[0].hba == planned.nodes[0].hba


# --- The plan meanwhile ---------------------------------------------------------------------------


CERTIFICATE = dict.fromkeys(("bdr_tls_certificate", "bdr_tls_key", "bdr_tls_ca"), "text of a PEM file")
SOURCES = ["192.0.2.13", "198.51.100.0/24"]


def by_name(found: Plan) -> dict[str, NodePlan]:
    return {node.name: node for node in found.nodes}


@pytest.mark.parametrize(("tls", "line_type"), [("off", "host"), ("require", "hostssl"), ("verify-full", "hostssl")])
def test_only_the_donor_lets_the_node_copy_it_and_from_its_sources_only(tls, line_type):
    asked = group(own={"charlie": {"bdr_sources": SOURCES}}, bdr_tls=tls, **CERTIFICATE)
    before = by_name(build_plan(asked))
    after = by_name(_seed.with_seeding(asked, build_plan(asked), "charlie", "alpha"))
    added = {name: [rule for rule in after[name].hba if rule not in before[name].hba] for name in after}
    assert added == {
        "alpha": [HbaRule(line_type, "replication", "bdr_replication", source, "scram-sha-256") for source in SOURCES],
        "bravo": [],
        "charlie": [],
    }
    # Behind what is there already: no line that was before is lost or moved.
    assert after["alpha"].hba[: len(before["alpha"].hba)] == before["alpha"].hba


def test_only_the_node_has_a_way_to_its_donor():
    found = by_name(_seed.with_seeding(group(), plan(), "charlie", "alpha"))
    assert [name for name, node in found.items() if node.primary_conninfo] == ["charlie"]
    way = found["charlie"].primary_conninfo
    assert "host=192.0.2.11 " in way and "user=bdr_replication " in way
    assert "password" not in way


def test_new_links_may_meet_rows_and_nothing_else_changes():
    before, after = plan(), _seed.with_seeding(group(), plan(), "charlie", "alpha")
    assert {node.existing_rows for node in before.nodes} == {"refuse"}
    assert {node.existing_rows for node in after.nodes} == {"accept"}
    same = [
        replace(node, existing_rows="refuse", primary_conninfo="", hba=old.hba)
        for node, old in zip(after.nodes, before.nodes, strict=True)
    ]
    assert replace(after, nodes=tuple(same)) == before


def test_a_slot_is_named_after_the_node():
    assert _seed.slot_of_standby("charlie") == "pgbdr_seed_charlie"


# --- The node as a standby ------------------------------------------------------------------------


def seeded(**shared) -> NodePlan:
    return by_name(_seed.with_seeding(group(**shared), plan(**shared), "charlie", "alpha"))["charlie"]


def donor(**more: str) -> NodePlan:
    share = by_name(plan())["alpha"]
    return replace(share, settings=(*share.settings, *(Setting(name, value, "", "") for name, value in more.items())))


@pytest.mark.parametrize(
    ("own", "theirs", "wanted"),
    [("100", "200", "200"), ("200", "100", "200"), ("", "200", "200"), ("200", "", "200"), ("", "", "not set")],
)
def test_a_standby_has_no_less_than_its_donor(own, theirs, wanted):
    """A server with less does not start as a standby, and its data has been replaced by then."""
    share = seeded(bdr_settings={"max_connections": own} if own else {})
    found = settings(_seed.standby(share, donor(**({"max_connections": theirs} if theirs else {})), "point"))
    assert found.get("max_connections", "not set") == wanted


def test_a_standby_stops_at_the_point_and_stands_alone_there():
    found = _seed.standby(seeded(), donor(), "pgbdr_charlie_1")
    assert found.standby_of == "alpha"
    values = settings(found)
    assert values["primary_conninfo"] == seeded().primary_conninfo
    assert {name: value for name, value in values.items() if name != "primary_conninfo"}.items() >= {
        "hot_standby": "on",
        "primary_slot_name": "pgbdr_seed_charlie",
        "recovery_target_action": "promote",
        "recovery_target_name": "pgbdr_charlie_1",
    }.items()
    assert [setting.name for setting in found.settings] == sorted(values)


def test_a_standby_runs_nothing_of_the_engine():
    """The extension's workers would begin to apply to it as soon as it stands alone, as the donor."""
    share = seeded(bdr_settings={"shared_preload_libraries": "pg_stat_statements"})
    assert any(name.startswith("pglogical.") for name in settings(share))
    found = _seed.standby(share, donor(), "point")
    assert [name for name in settings(found) if name.startswith("pglogical.")] == []
    assert settings(found)["shared_preload_libraries"] == ""
    assert found.connections == ()


def test_what_else_is_set_for_the_node_holds_for_the_standby():
    share = replace(seeded(), settings=(*seeded().settings, Setting("work_mem", "64MB", "fixed", "yours")))
    found = settings(_seed.standby(share, donor(), "point"))
    assert found["work_mem"] == "64MB"
    assert found["max_replication_slots"] == settings(share)["max_replication_slots"]


def test_nobody_writes_to_a_standby_that_stands_alone():
    share = seeded(bdr_hba=["host appdb app 198.51.100.0/24 scram-sha-256"])
    found = _seed.standby(share, donor(), "point")
    assert "app" in _render.hba(share)
    assert (found.hba, found.operator_hba) == (_render.closed(share).hba, ())
    assert _render.hba(found) != _render.hba(share)


def test_no_setting_of_the_seeding_is_in_any_other_plan():
    names = {"primary_slot_name", "recovery_target_action", "recovery_target_name"}
    assert names & {setting.name for setting in (*seeded().settings, *node_plan().settings)} == set()
