# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conflicts, counted from lines as servers wrote them."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._conflicts import counted, of_link
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import server
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan

PGLOGICAL = server(node_plan())
CONTRIB = server(node_plan(bdr_engine="contrib_bdr", bdr_era="0.7"))
WORKER = "[8085] [unknown]@appdb pglogical apply 16385:2980494456"
FIRST, LAST = "2026-11-22 19:08:40", "2026-11-22 19:08:50"


def line(how: str, at: str = FIRST, who: str = WORKER, what: str = "(local index town_pkey)") -> str:
    return f"{at}.033 UTC {who} LOG:  CONFLICT: remote INSERT on relation public.town {what}. Resolution: {how}."


def count(*lines: str) -> tuple[dict, int]:
    return counted(lines, PGLOGICAL.dialect, FIRST, LAST)


def test_each_worker_s_conflicts_are_counted_by_how_they_ended():
    missing = line("skip", what="replica identity index town_pkey (tuple not found)")
    other = line("keep_local", who=WORKER.replace("2980494456", "7"))
    assert count(line("keep_local"), line("keep_local"), line("apply_remote"), missing, other) == (
        {
            "16385:2980494456": {"kept": 2, "skipped": 1, "overwritten": 1},
            "16385:7": {"kept": 1, "skipped": 0, "overwritten": 0},
        },
        0,
    )


@pytest.mark.parametrize(
    "text",
    [
        line("keep_local", at="2026-11-22 19:08:39"),
        line("keep_local", at=LAST),
        line("keep_local", who="[8085] shop@appdb psql"),
        line("keep_local", who="[8085]"),
        line("something_new"),
        f"{FIRST}.033 UTC {WORKER} DETAIL:  CONFLICT: of a row's own text. Resolution: keep_local.",
    ],
)
def test_what_is_of_another_time_or_no_conflict_is_not_counted(text):
    assert count(text) == ({}, 0)


def test_lines_that_begin_otherwise_are_told_of():
    assert count("19:08 appdb CONFLICT: remote INSERT on relation public.town. Resolution: skip.") == ({}, 1)


def test_an_engine_that_does_not_log_each_counts_none():
    assert counted([line("keep_local")], CONTRIB.dialect, FIRST, LAST) == ({}, 0)
    assert not CONTRIB.logs_conflicts({})


@pytest.mark.parametrize(
    ("settings", "logs"),
    [
        ({}, True),
        ({"pglogical.conflict_log_level": "debug1"}, False),
        ({"pglogical.conflict_log_level": "notice"}, False),
        ({"pglogical.conflict_log_level": "warning", "log_min_messages": "error"}, True),
        ({"log_min_messages": "fatal"}, False),
    ],
)
def test_pglogical_logs_each_where_nobody_turned_it_off(settings, logs):
    assert PGLOGICAL.logs_conflicts(settings) is logs


def test_a_link_without_conflicts_has_none_and_one_that_was_not_counted_is_not_known():
    node = {"conflicts": {"since": 9.0, "until": 19, "complete": True, "workers": {"1:2": {"kept": 2, "skipped": 1}}}}
    assert of_link(node, {"worker": "1:3"}) == {
        **{"count": 0, "kept": 0, "skipped": 0, "overwritten": 0},
        **{"since": 9.0, "complete": True},
    }
    assert of_link(node, {"worker": "1:2"})["count"] == 3
    assert of_link(node, None) is None and of_link({}, {"worker": "1:2"}) is None
    assert of_link({"conflicts": {**node["conflicts"], "since": None}}, {"worker": "1:2"}) is None
