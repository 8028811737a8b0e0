# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/repair.md shows is what the code says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _repair, _repair_work
from ansible_collections.pgbdr.bdr.plugins.plugin_utils import _repair_text
from ansible_collections.pgbdr.bdr.tests.unit.comparisons import (
    CHANGED,
    EVEN,
    GONE,
    MESH,
    MISSING,
    NODES,
    comparison,
    table,
)

PAGE = (Path(__file__).resolve().parents[2] / "docs/repair.md").read_text("utf-8")


def rows_of(*rows):
    """Return differences with keys of their own."""
    return [{**row, "key": {"id": str(key)}} for key, row in rows]


CITY = table("city", *rows_of((42, CHANGED), (7, CHANGED), (77, MISSING), (1088, GONE), (5, EVEN)))
PLAN = _repair.make(comparison(CITY), "majority", False, MESH)


def test_the_plan_on_the_page_is_printed_so():
    assert _repair_text.plan(PLAN, "repair.json").strip("\n") in PAGE


def test_the_outcome_on_the_page_is_printed_so():
    stale = {"table": 0, "key": {"id": "7"}, "reason": _repair_work.changed("bravo", "1")}
    result = {"node": "bravo", "repaired": 2, "there": 0, "stale": [stale], "refused": []}
    for said in (_repair_text.outcome(PLAN, [result]).strip("\n"), _repair_text.failure([result])):
        assert said in PAGE


def test_every_part_of_a_plan_is_explained():
    explained = set(re.findall(r"`(\w+)`", PAGE.split("\n## The policy\n")[0]))
    parts = [name for name in (*PLAN, *PLAN["steps"][0], *PLAN["left"][0], *PLAN["tables"][0]) if name not in explained]
    assert parts == ["format", "fingerprints"], "those are told in words, or by the error"


def test_the_messages_on_the_page_are_the_code_s():
    edited = json.dumps({**PLAN, "policy": "newest"})
    with pytest.raises(_repair.RepairError) as changed:
        _repair.plan_of(edited, "repair.json", NODES)
    with pytest.raises(_repair.RepairError) as policy:
        _repair.policy_of("loudest", NODES)
    said = " ".join(
        (str(changed.value), str(policy.value), _repair_work.changed("bravo", "1"))
        + (_repair_work.definition_problem(PLAN, 0, "bravo", "f2"),)
    )
    told = re.findall(r"^\| `([^`]+)` \|", PAGE.split("\n## What does not work, and what to do\n")[1], re.MULTILINE)
    assert len(told) >= 6
    source = (Path(_repair.__file__).parent / "_repairing.py").read_text("utf-8")
    assert [each for each in told if each not in said and each.replace("bdr_replication ", "") not in source] == []
