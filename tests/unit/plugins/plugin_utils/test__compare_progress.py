# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of progress for a person."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._compare_progress import duration, lines


def progress(**changes: t.Any) -> dict[str, t.Any]:
    sound = {
        "tables": 12,
        "tables_done": 3,
        "rows": 2_000_000,
        "estimate": 8_000_000.7,
        "seconds": 2.0,
        "differences": 1234,
        "paused": "",
        "nodes": {"bravo": "public.city (appdb), 1,999 rows", "alpha": "public.city (appdb), 2,000 rows"},
    }
    return {**sound, **changes}


def test_one_line_for_the_whole_and_one_a_node():
    assert lines(progress()) == [
        "compare: 3 of 12 tables, 2,000,000 of about 8,000,000 rows, 1,000,000 rows/s, 6 s left, 1,234 rows differ",
        "compare: alpha: public.city (appdb), 2,000 rows",
        "compare: bravo: public.city (appdb), 1,999 rows",
    ]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rows": 0}, "0 of about 8,000,000 rows, 0 rows/s, unknown left, "),
        ({"rows": 0, "seconds": 0.0, "estimate": 0.0}, "0 of about 0 rows, 0 rows/s, unknown left, "),
        ({"rows": 5, "seconds": 0.0, "estimate": 5.0}, "5 of about 5 rows, 5,000 rows/s, 0 s left, "),
        # More rows than statistics knew of: never less than none left.
        ({"rows": 9_000_000}, "9,000,000 of about 9,000,000 rows, 4,500,000 rows/s, 0 s left, "),
        ({"paused": "bravo has 90 active sessions"}, "1,234 rows differ, paused: bravo has 90 active sessions"),
    ],
)
def test_what_is_told_of_rows_and_time(changes, told):
    assert told in lines(progress(**changes))[0]


def test_a_run_that_goes_on_says_no_word_of_a_pause():
    (line,) = lines(progress(nodes={}))
    assert line.endswith("rows differ")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (60, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3599, "59 min 59 s"),
        (3599.7, "1 h 0 min"),
        (3600, "1 h 0 min"),
        (7325, "2 h 2 min"),
        (360_000, "100 h 0 min"),
    ],
)
def test_a_time_as_a_person_says_it(seconds, told):
    assert duration(seconds) == told
