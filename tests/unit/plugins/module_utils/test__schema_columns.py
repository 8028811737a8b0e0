# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for columns, by name."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.tests.unit.schemas import (
    CITY,
    ONE_WAY,
    column,
    database,
    findings,
    mends,
    table,
    three,
    told,
)

ALTER = f"ALTER TABLE {CITY}"
FILL = "rows that are there already get the default or nothing: fill the column as it is on alpha"


def both(usual, odd, *more, **named):
    return findings(three(database(table(*usual)), database(table(*odd))), *more, **named)


# --- By name --------------------------------------------------------------------------------------


def test_another_order_is_no_finding():
    assert both([column("a"), column("b")], [column("b"), column("a")]) == []


def test_a_missing_column_is_added_to_those_that_lack_it():
    found = both([column("V", default="'x'")], [])
    assert told(found) == [("error", 'column "V" there on alpha, charlie, missing on bravo', ("bravo",))]
    assert mends(found) == [f"bravo: {ALTER} ADD COLUMN \"V\" text DEFAULT 'x'"]
    assert found[0].advice == FILL
    assert both([], [column("v")])[0].nodes == ("alpha", "charlie")


@pytest.mark.parametrize(("more", "fills"), [({}, False), ({"default": "1"}, True), ({"identity": "ALWAYS"}, True)])
def test_a_column_that_must_be_given_is_added_in_steps(more, fills):
    advice = both([column("v", not_null=True, **more)], [])[0].advice
    assert advice.endswith("then SET NOT NULL") is not fills


def test_what_a_child_inherits_is_its_parent_s_finding():
    assert both([column("v", inherited=True)], [column("v", "integer")]) == []
    assert both([], [column("v", inherited=True)]) == []


@pytest.mark.parametrize(
    ("more", "strict"),
    [
        ({}, False),
        ({"not_null": True}, True),
        ({"not_null": True, "default": "1"}, False),
        ({"not_null": True, "generated": "1"}, False),
        ({"not_null": True, "identity": "ALWAYS"}, False),
    ],
)
def test_one_way_a_column_of_the_downstream_s_own_must_fill_itself(more, strict):
    found = both([], [column("v", **more)], ONE_WAY)
    said = "column v NOT NULL without a default on bravo, missing on alpha, charlie"
    assert told(found) == ([("error", said, ("bravo",))] if strict else [])
    assert mends(found) == ([f"bravo: {ALTER} ALTER COLUMN v DROP NOT NULL"] if strict else [])


@pytest.mark.parametrize(
    ("usual", "odd", "severity", "said", "mended"),
    [
        (
            {"kind": "integer"},
            {"kind": "text"},
            "error",
            "integer on alpha, charlie, text on bravo",
            "TYPE integer USING v::integer",
        ),
        (
            {"kind": "character varying(5)"},
            {"kind": "text"},
            "error",
            "character varying(5) on alpha, charlie, text on bravo",
            "TYPE character varying(5)",
        ),
        (
            {"kind": "integer", "default": "1"},
            {"kind": "text", "default": "1"},
            "error",
            "integer on alpha, charlie, text on bravo",
            "DROP DEFAULT; TYPE integer USING v::integer; SET DEFAULT 1",
        ),
        (
            {"collation": 'x."C"'},
            {},
            "warning",
            'text COLLATE x."C" on alpha, charlie, text on bravo',
            'TYPE text COLLATE x."C"',
        ),
        ({}, {"not_null": True}, "error", "nullable on alpha, charlie, NOT NULL on bravo", "DROP NOT NULL"),
        ({"not_null": True}, {}, "error", "NOT NULL on alpha, charlie, nullable on bravo", "SET NOT NULL"),
        ({"default": "1"}, {}, "note", "DEFAULT 1 on alpha, charlie, no default on bravo", "SET DEFAULT 1"),
        ({}, {"default": "1"}, "note", "no default on alpha, charlie, DEFAULT 1 on bravo", "DROP DEFAULT"),
        ({"generated": "1"}, {}, "error", "generated as 1 on alpha, charlie, not generated on bravo", ""),
        (
            {"identity": "ALWAYS", "not_null": True},
            {"default": "1"},
            "warning",
            "identity ALWAYS on alpha, charlie, no identity on bravo",
            "DROP DEFAULT; SET NOT NULL; ADD GENERATED ALWAYS AS IDENTITY",
        ),
        (
            {"identity": "ALWAYS", "not_null": True},
            {"identity": "BY DEFAULT", "not_null": True},
            "warning",
            "identity ALWAYS on alpha, charlie, identity BY DEFAULT on bravo",
            "SET GENERATED ALWAYS",
        ),
        (
            {},
            {"identity": "ALWAYS"},
            "warning",
            "no identity on alpha, charlie, identity ALWAYS on bravo",
            "DROP IDENTITY",
        ),
        (
            {"storage": "MAIN", "type_storage": "EXTENDED"},
            {},
            "note",
            "storage MAIN on alpha, charlie, storage of its type on bravo",
            "SET STORAGE MAIN",
        ),
        (
            {},
            {"storage": "MAIN", "type_storage": "EXTENDED"},
            "note",
            "storage of its type on alpha, charlie, storage MAIN on bravo",
            "SET STORAGE EXTENDED",
        ),
    ],
)
def test_an_attribute_that_differs(usual, odd, severity, said, mended):
    found = both([column("v", **usual)], [column("v", **odd)])
    (which,) = [each for each in found if each.finding == f"column v {said}"]
    assert (which.severity, which.nodes) == (severity, ("bravo",))
    assert mends([which]) == [f"bravo: {ALTER} ALTER COLUMN v {action}" for action in mended.split("; ") if action]


def test_one_way_a_downstream_may_take_nulls():
    assert both([column("v", not_null=True)], [column("v")], ONE_WAY) == []
