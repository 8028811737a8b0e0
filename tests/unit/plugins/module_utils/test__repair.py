# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of a row is right, and what is left out of a plan."""

from __future__ import annotations

import json

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _repair
from ansible_collections.pgbdr.bdr.plugins.module_utils._repair import RepairError, make
from ansible_collections.pgbdr.bdr.tests.unit.comparisons import (
    CHANGED,
    EVEN,
    GONE,
    IN_FLIGHT,
    MESH,
    MISSING,
    NODES,
    comparison,
    difference,
    table,
    version,
)


def plan(*differences, policy="majority", delete=False, links=MESH, **changes):
    return make(comparison(table("city", *differences, **changes)), policy, delete, links)


def steps(*differences, **options):
    return [
        (each["action"], each["key"]["id"], each["node"], each["source"], each["seen"])
        for each in plan(*differences, **options)["steps"]
    ]


def left(*differences, **options):
    return [(each["key"].get("id"), each["nodes"], each["reason"]) for each in plan(*differences, **options)["left"]]


def refused(function, *arguments):
    with pytest.raises(RepairError) as caught:
        function(*arguments)
    return str(caught.value)


def test_the_majority_is_right():
    assert steps(CHANGED) == [("update", "5", "bravo", "alpha", {"bravo": "52", "alpha": "51"})]
    assert steps(MISSING) == [("insert", "9", "bravo", "alpha", {"bravo": None, "alpha": "91"})]
    assert left(EVEN) == [("11", [], _repair.NO_MAJORITY)]


def test_the_newest_is_right_and_a_row_that_is_there_is_newer_than_none():
    bravo = {**CHANGED, "newest": ["bravo"]}
    assert [(node, source) for _action, _key, node, source, _seen in steps(bravo, policy="newest")] == [
        ("alpha", "bravo"),
        ("charlie", "bravo"),
    ]
    there = {**GONE, "newest": ["charlie"]}
    assert [(action, node) for action, _key, node, *_more in steps(there, policy="newest")] == [
        ("insert", "alpha"),
        ("insert", "bravo"),
    ]
    for unclear in (EVEN, {**EVEN, "newest": ["alpha", "bravo"]}):
        assert left(unclear, policy="newest") == [("11", [], _repair.NO_NEWEST)]
    assert left({**CHANGED, "newest": ["alpha", "charlie"]}, policy="newest") == [], "two nodes, one version"


def test_a_named_source_is_right():
    assert steps(CHANGED, policy="source=charlie") == [
        ("update", "5", "bravo", "charlie", {"bravo": "52", "charlie": "51"})
    ]
    assert [each[:4] for each in steps(CHANGED, policy="source=bravo")] == [
        ("update", "5", "alpha", "bravo"),
        ("update", "5", "charlie", "bravo"),
    ]
    two = difference({"id": "1"}, version("alpha", "1"), version("bravo", "2"))
    assert left(two, policy="source=charlie") == [("1", [], "charlie was not compared in this table")]


def test_nothing_is_deleted_unless_told():
    assert (steps(GONE), left(GONE)) == ([], [("7", ["charlie"], _repair.NO_DELETE)])
    assert steps(GONE, delete=True) == [("delete", "7", "charlie", "alpha", {"charlie": "71", "alpha": None})]
    assert left(GONE, delete=True) == []


def test_nodes_that_are_not_asked_for_are_left_as_they_are():
    both = difference({"id": "5"}, version("alpha", "1"), version("bravo", "2"), version("charlie", "3"))
    found = make(comparison(table("city", both)), "source=alpha", True, MESH, ["charlie"])
    assert [each["node"] for each in found["steps"]] == ["charlie"]
    assert [(each["nodes"], each["reason"]) for each in found["left"]] == [(["bravo"], "only charlie is to be mended")]


def test_the_right_row_is_read_over_a_connection_that_the_node_has():
    links = MESH - {("appdb", "alpha", "bravo")}
    assert [each[3] for each in steps(CHANGED, links=links)] == ["charlie"]
    links -= {("appdb", "charlie", "bravo")}
    assert left(CHANGED, links=links) == [
        ("5", ["bravo"], "it has no connection to alpha or charlie, where the row is right")
    ]


def test_what_is_not_proven_or_cannot_be_addressed_is_left_out():
    assert left(IN_FLIGHT) == [
        ("13", [], "it is not proven to differ: bravo did not confirm alpha's changes within 60 s")
    ]
    assert left(CHANGED, key=[], key_kind="none") == [(None, [], _repair.NO_KEY)]
    assert left(CHANGED, differing=10, truncated=True) == [(None, [], _repair.MORE_ROWS.format(count=9))]
    assert left(missing_on=["charlie"]) == [(None, ["charlie"], _repair.NO_TABLE)]
    assert left(verdict="unproven", reason="bravo is down") == [(None, [], "bravo is down")]


def test_what_gives_values_free_goes_first_and_tables_are_counted_as_they_stand():
    found = make(
        comparison(table("same"), table("a", MISSING, CHANGED, GONE), table("b", GONE)), "majority", True, MESH
    )
    assert [(each["table"], each["action"]) for each in found["steps"]] == [
        (0, "delete"),
        (0, "update"),
        (0, "insert"),
        (1, "delete"),
    ]
    assert [each["name"] for each in found["tables"]] == ["a", "b"], "of the equal one there is nothing to say"
    assert found["nodes"] == ["alpha", "bravo", "charlie"]


def test_a_plan_holds_no_value_of_a_row_but_its_key():
    text = json.dumps(plan(CHANGED, GONE, MISSING, EVEN, IN_FLIGHT, delete=True))
    assert [word for word in ("Paris", "Lutetia", "Ys", "K\\u00f6ln", "Roma") if word in text] == []


@pytest.mark.parametrize("policy", ["", "majorities", "source", "source=", "newest=alpha", "source=delta"])
def test_an_unknown_policy_names_the_variable_and_what_is_wanted(policy):
    said = refused(make, comparison(table("city", CHANGED)), policy, False, MESH)
    assert said.startswith("bdr_repair_policy") and "alpha, bravo, charlie" in said


def test_a_comparison_is_read():
    found = comparison(table("city", CHANGED))
    assert _repair.comparison_of(json.dumps(found), "c.json", NODES) == found
    for wrong in ("", "[]", '{"session": 1}', "\x00"):
        assert "bdr_compare_file: c.json holds no comparison" in refused(_repair.comparison_of, wrong, "c.json", NODES)
    assert refused(_repair.comparison_of, json.dumps(found), "c.json", ["bravo", "alpha"]) == (
        "bdr_compare_file: c.json is of charlie, which the group does not have; its nodes are alpha, bravo"
    )


def test_a_plan_is_read_as_it_was_made_and_not_otherwise():
    made = plan(CHANGED)
    assert _repair.plan_of(json.dumps(made), "r.json", NODES) == made
    assert _repair.plan_of(json.dumps(made, indent=4, sort_keys=True), "r.json", NODES) == made, "layout is free"
    step = {**made["steps"][0], "node": "charlie"}
    for edited in ({**made, "steps": [step]}, {**made, "policy": "newest"}, {**made, "more": 1}, {**made, "steps": []}):
        assert "bdr_repair_plan: r.json was changed" in refused(_repair.plan_of, json.dumps(edited), "r.json", NODES)
    for wrong in ("no JSON", "{}", json.dumps({**made, "format": 2}), json.dumps(comparison())):
        assert "bdr_repair_plan: r.json holds no plan" in refused(_repair.plan_of, wrong, "r.json", NODES)
    assert "is of alpha, which the group does not have" in refused(
        _repair.plan_of, json.dumps(made), "r.json", ["bravo", "charlie"]
    )


def test_a_row_that_is_mended_on_several_nodes_is_compared_again_once():
    """Even where what mends it is not the same, and so does not stand side by side."""
    mixed = difference({"id": "1"}, version("alpha", "1"), version("bravo", "2"), version("charlie", None))
    found = make(comparison(table("a", mixed, CHANGED), table("b", MISSING)), "source=alpha", False, MESH)
    assert [each["action"] for each in found["steps"]] == ["update", "update", "insert", "insert"]
    assert _repair.keys_of(found) == [
        {"database": "appdb", "table": "public.a", "keys": [{"id": "1"}, {"id": "5"}]},
        {"database": "appdb", "table": "public.b", "keys": [{"id": "9"}]},
    ]


def test_names_and_keys_of_any_characters_come_through():
    odd = {**CHANGED, "key": {'Ä "%s" {x}': "\ud800 é\n"}}
    made = plan(odd)
    assert _repair.plan_of(json.dumps(made), "r.json", NODES) == made
