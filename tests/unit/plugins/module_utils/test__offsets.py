# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan, plan, problems


def offsets(*numbers: int) -> dict[str, dict[str, int]]:
    """Return the nodes' own offsets; 0 leaves one out."""
    return {
        name: {"bdr_sequence_offset": number}
        for name, number in zip(("alpha", "bravo"), numbers, strict=False)
        if number
    }


def planned(*numbers: int, **shared):
    return plan("alpha bravo", offsets(*numbers), bdr_sequence_strategy="offset", **shared)


def test_each_node_has_its_own():
    assert [(node.sequence_offset, node.sequence_increment) for node in planned(2, 1).nodes] == [(2, 100), (1, 100)]


@pytest.mark.parametrize(
    ("numbers", "shared", "wanted"),
    [
        ((1, 0), {}, "bdr_sequence_offset of bravo is missing; set it to 2, and keep it for good"),
        ((0, 0), {}, "bdr_sequence_offset of alpha and bravo is missing; give each its own, from 1 to 100"),
        ((1, 11), {"bdr_sequence_increment": 10}, "bdr_sequence_offset of bravo is 11; 10 is the most, the increment"),
        ((1, 1), {}, "bdr_sequence_offset: alpha and bravo all have 1; 2 is free"),
    ],
)
def test_what_is_wrong(numbers, shared, wanted):
    (problem,) = problems(planned, *numbers, **shared)
    assert problem.startswith(wanted)


def test_more_nodes_than_offsets():
    own = {name: {"bdr_sequence_offset": number} for name, number in (("alpha", 1), ("bravo", 2), ("charlie", 2))}
    (problem,) = problems(plan, "alpha bravo charlie", own, bdr_sequence_strategy="offset", bdr_sequence_increment=2)
    assert problem.endswith("all have 2; none is free, so raise bdr_sequence_increment")


def test_a_physical_standby_has_none():
    own = {**offsets(1, 2), "charlie": {"bdr_standby_of": "alpha"}}
    found = plan("alpha bravo charlie", own, bdr_sequence_strategy="offset", bdr_topology="mesh")
    assert [node.sequence_offset for node in found.nodes] == [1, 2, 0]


def test_offsets_are_not_asked_for_without_the_strategy():
    assert node_plan().sequence_offset == 0


def test_global_sequences_are_contrib_bdr_s():
    assert problems(plan, bdr_sequence_strategy="engine") == (
        "bdr_sequence_strategy: only contrib_bdr has sequences of its own; use offset",
    )
    assert node_plan(bdr_sequence_strategy="engine", bdr_engine="contrib_bdr").sequence_strategy == "engine"


@pytest.mark.parametrize(
    ("shared", "denied"),
    [
        ({}, False),
        ({"bdr_engine": "contrib_bdr", "bdr_era": "0.4"}, True),
        ({"bdr_engine": "contrib_bdr", "bdr_era": "0.7"}, False),
        ({"bdr_engine": "contrib_bdr", "bdr_era": "0.4", "bdr_deny_truncate": False}, False),
        ({"bdr_deny_truncate": True}, True),
    ],
)
def test_truncate_is_denied_where_it_is_not_replicated(shared, denied):
    assert node_plan(**shared).deny_truncate is denied
