# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A link's state as modules return it, and the error of links that do not stream."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._link_state import (
    STREAMING,
    comes_late,
    link,
    not_streaming,
    standby,
)
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan

ALPHA = node_plan()
BRAVO, CHARLIE = ALPHA.connections
WORDS = {"database": "appdb", "upstream": "bravo", "downstream": "alpha"}


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, {}),
        (0.0, {"round_trip_ms": 0.0}),
        (0.0242, {"round_trip_ms": 24.2}),
        (0.00449, {"round_trip_ms": 4.5}),
        (61.5, {"round_trip_ms": 61500.0}),
    ],
)
def test_a_link_has_a_round_trip_where_one_was_made(seconds, shown):
    assert link(ALPHA, BRAVO, STREAMING, seconds) == {**WORDS, "state": "streaming", **shown}


def test_a_link_that_was_not_proved():
    assert link(ALPHA, BRAVO, "slot is missing") == {**WORDS, "state": "slot is missing"}


def test_a_standby_gets_all_databases_from_the_node_it_follows():
    plan = node_plan("delta", "alpha bravo charlie delta", own={"delta": {"bdr_standby_of": "bravo"}})
    assert standby(plan, "streaming") == {
        "database": "(all)",
        "upstream": "bravo",
        "downstream": "delta",
        "state": "streaming",
    }


@pytest.mark.parametrize(
    ("delay", "seconds", "late"),
    [(0, 60, False), (500, 60, False), (59_999, 60, False), (60_000, 60, True), (900, 0.5, True), (0, 0, True)],
)
def test_a_delay_longer_than_the_waiting_lets_no_row_through(delay, seconds, late):
    (connection, _other) = node_plan(bdr_apply_delay_ms=delay).connections
    assert comes_late(connection, seconds) is late


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ({}, ""),
        ({BRAVO: STREAMING, CHARLIE: STREAMING}, ""),
        ({BRAVO: STREAMING, CHARLIE: "down"}, "not streaming after 60 s: charlie -> alpha (appdb): down"),
        (
            {BRAVO: "slot is missing", CHARLIE: "down"},
            "not streaming after 60 s: bravo -> alpha (appdb): slot is missing; charlie -> alpha (appdb): down",
        ),
    ],
)
def test_links_that_do_not_stream_are_told_of_together(states, said):
    assert not_streaming(ALPHA, states, 60) == said
