# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From as-is to to-be."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._state import ABSENT, SHOWN, Item, Step, diff, shown, told

ROLE = Item("role", "r")
TABLE = Item("table", "public.t", "appdb")


@pytest.mark.parametrize(
    ("found", "wanted", "steps"),
    [
        ({}, {}, []),
        ({TABLE: {"set": "default"}}, {}, []),
        ({}, {ROLE: {}}, ["create role r"]),
        ({ROLE: {}}, {ROLE: {}}, []),
        ({ROLE: {"login": True}}, {ROLE: {"login": True}}, []),
        ({ROLE: {"login": True, "more": 1}}, {ROLE: {"login": True}}, []),
        ({ROLE: {"login": False}}, {ROLE: {"login": True}}, ["change login of role r"]),
        ({ROLE: {}}, {ROLE: {"login": True}}, ["change login of role r"]),
        ({ROLE: {"b": 1, "a": 1, "c": 1}}, {ROLE: {"b": 2, "a": 2, "c": 1}}, ["change a, b of role r"]),
        ({}, {TABLE: {}, ROLE: {}}, ["create table public.t in appdb", "create role r"]),
        ({}, {ROLE: {}, TABLE: {}}, ["create role r", "create table public.t in appdb"]),
        ({Item("role", "r", "other"): {}}, {ROLE: {}}, ["create role r"]),
    ],
)
def test_diff(found, wanted, steps):
    assert [str(step) for step in diff(found, wanted)] == steps


def test_a_step_that_removes():
    (step,) = diff({TABLE: {"present": True}}, {TABLE: ABSENT})
    assert str(step) == "remove table public.t in appdb"


def test_a_step_names_what_changes():
    assert Step(ROLE, None, {"a": 1}).changes == {"a": 1}
    assert Step(ROLE, {"a": 1, "b": 1}, {"a": 1, "b": 2}).changes == {"b": 2}
    # None is a value too, but a missing attribute that shall be None needs no step.
    assert Step(ROLE, {}, {"a": None}).changes == {}


def test_shown_is_what_changes_and_nothing_else():
    steps = diff(
        {ROLE: {"login": False, "same": 1}},
        {ROLE: {"login": True, "same": 1}, TABLE: {"set": "défaut"}},
    )
    assert shown(steps) == {
        "before": 'role r: {"login": false}\n',
        "after": 'role r: {"login": true}\ntable public.t in appdb: {"set": "défaut"}\n',
    }


def test_shown_without_steps_is_empty():
    assert shown([]) == {"before": "", "after": ""}


def test_a_long_text_is_shown_by_what_tells_it_from_another():
    item = Item("function", "f", "appdb")
    before, after = "x" * 300, "x" * 299 + "y"
    found = shown([Step(item, {"body": before}, {"body": after})])
    assert found["before"] != found["after"]
    assert "300 characters, sha256 " in found["before"]
    assert "xxx" not in found["before"] + found["after"]


def test_of_many_tables_the_first_are_told_and_how_many_more():
    tables = [Item("table", f"public.t{number:03}", "appdb") for number in range(SHOWN + 3)]
    steps = [*diff({table: {"x": 1} for table in tables}, {table: {"x": 2} for table in tables}), Step(ROLE, None, {})]
    assert told(steps) == [
        *(f"change x of {table}" for table in tables[:SHOWN]),
        "create role r",
        "and 3 more of kind table in appdb",
    ]
    found = shown(steps)
    assert found["before"].count("\n") == SHOWN
    assert found["after"].splitlines()[SHOWN:] == ["role r: {}", "and 3 more of kind table in appdb"]


def test_of_few_tables_and_many_other_things_all_are_told():
    tables = [Item("table", f"public.t{number:03}", "appdb") for number in range(SHOWN)]
    others = [Item("subscription", f"s{number:03}", "appdb") for number in range(SHOWN + 3)]
    more = Item("table", "public.t", "other")
    steps = [Step(item, None, {}) for item in (*tables, *others, more)]
    assert told(steps) == [f"create {item}" for item in (*tables, *others, more)]
