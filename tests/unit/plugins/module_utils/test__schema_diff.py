# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All findings of a group: their order, and who was compared."""

from __future__ import annotations

import json

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _schema_diff
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import rules
from ansible_collections.pgbdr.bdr.tests.unit.builders import plan
from ansible_collections.pgbdr.bdr.tests.unit.schemas import CITY, column, database, findings, table, three

DATABASES = ["orders", {"name": "reports", "topology": "one_way", "upstream": "alpha"}]
PLAN = plan(bdr_databases=DATABASES).as_dict()


def answer(node, errors=None, **definitions):
    texts = {name: json.dumps(each) for name, each in definitions.items()}
    return {"node": node, "answers": not errors, "errors": errors or {}, "definitions": texts}


def test_the_worst_comes_first_then_what_others_stand_on():
    usual = database(
        table(column("v", default="1"), owner="o"),
        types={"public.k": {"schema": "public", "kind": "enum", "oid": 1, "labels": ["a"]}},
        sequences={"public.s": {"schema": "public", "type": "bigint", "increment": 1}},
        extensions={"e": {"version": "1", "schema": "public"}},
    )
    odd = database(table(column("v"), column("w")))
    found = [(each.severity, each.kind) for each in findings(three(usual, odd))]
    assert found == [
        ("error", "table"),
        ("warning", "extension"),
        ("warning", "type"),
        ("warning", "sequence"),
        ("warning", "table"),
        ("note", "table"),
    ]


def test_databases_are_compared_along_their_own_links():
    more, less = database(table(column("v"))), database(table())
    found = _schema_diff.report(
        PLAN, [answer("alpha", orders=less, reports=less), answer("bravo", orders=more, reports=more)]
    )
    # One way, a downstream may have more.
    assert [(each["database"], each["object"], each["nodes"]) for each in found["findings"]] == [
        ("orders", CITY, ["alpha"])
    ]
    assert found["compared"] == {"orders": ["alpha", "bravo"], "reports": ["alpha", "bravo"]}
    assert found["not_compared"] == [
        {"node": "charlie", "database": name, "reason": _schema_diff.UNREACHABLE} for name in ("orders", "reports")
    ]
    assert json.loads(json.dumps(found)) == found


def test_a_finding_as_plain_data():
    nodes = [answer("alpha", orders=database(table(column("v")))), answer("bravo", orders=database(table()))]
    (found,) = _schema_diff.report(PLAN, nodes)["findings"]
    assert found == {
        "severity": "error",
        "database": "orders",
        "kind": "table",
        "object": CITY,
        "finding": "column v there on alpha, missing on bravo",
        "nodes": ["bravo"],
        "mend": [{"node": "bravo", "statements": [f"ALTER TABLE {CITY} ADD COLUMN v text"]}],
        "advice": "rows that are there already get the default or nothing: fill the column as it is on alpha",
    }


def test_the_worst_of_all_databases_comes_first():
    warned, broken = database(table(owner="o")), database(table(column("v")))
    nodes = [answer("alpha", orders=database(table()), reports=broken)]
    nodes += [answer("bravo", orders=warned, reports=database(table()))]
    found = _schema_diff.report(PLAN, nodes)["findings"]
    assert [(each["severity"], each["database"]) for each in found] == [("error", "reports"), ("warning", "orders")]


def test_who_gave_no_answer_and_why():
    unreachable = {"unreachable": True, "msg": "no route"}
    found = _schema_diff.report(PLAN, [unreachable, answer("bravo", {"orders": "refused"}, reports=database())])
    assert found["compared"] == {"orders": [], "reports": ["bravo"]}
    reasons = {(each["node"], each["database"]): each["reason"] for each in found["not_compared"]}
    assert reasons[("bravo", "orders")] == "refused"
    assert reasons[("alpha", "reports")] == _schema_diff.UNREACHABLE


def test_a_physical_standby_has_nothing_of_its_own_to_compare():
    group = plan(own={"charlie": {"bdr_standby_of": "alpha"}}).as_dict()
    found = _schema_diff.report(group, [answer(node, appdb=database()) for node in ("alpha", "bravo")])
    assert (found["compared"], found["not_compared"]) == ({"appdb": ["alpha", "bravo"]}, [])


@pytest.mark.parametrize("era", ["0.4", "0.7"])
def test_a_session_that_mends_keeps_its_ddl_to_itself(era):
    group = plan(bdr_engine="contrib_bdr", bdr_era=era).as_dict()
    found = _schema_diff.report(group, [])
    assert found["mend_session"] == list(rules("contrib_bdr", era).schema.mend_session) != []
