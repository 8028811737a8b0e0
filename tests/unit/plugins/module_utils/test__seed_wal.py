# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pg_waldump tells of commits, in lines that PostgreSQL 15 printed, and what follows for a snapshot."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _seed_wal
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed_wal import Commit, commits, files, held, recent

START = "rmgr: Transaction len (rec/tot):     65/    65, tx: "
OWN = f"{START}       752, lsn: 0/01BC59B8, prev 0/01BC5988, desc: COMMIT 2026-11-22 14:46:33.639122 UTC\n"
SENT = (
    f"{START}       751, lsn: 0/01BC58C0, prev 0/01BC5880, desc: COMMIT 2026-11-22 14:46:33.638789 UTC; "
    "origin: node 1, lsn 0/1BC5980, at 2026-11-22 14:46:33.637577 UTC\n"
)
PARTLY = (
    f"{START}       760, lsn: 0/01BC58C0, prev 0/01BC5880, desc: COMMIT 2026-11-22 14:46:33 UTC; "
    "subxacts: 761 762; inval msgs: catcache 80 relcache 16569\n"
)
PREPARED = (
    f"{START}         0, lsn: 0/01BC58C0, prev 0/01BC5880, desc: COMMIT_PREPARED 770: 2026-11-22 14:46:33.5 UTC\n"
)
NONE = [
    f"{START}       753, lsn: 0/01BC59B8, prev 0/01BC5988, desc: ABORT 2026-11-22 14:46:33.639122 UTC\n",
    f"{START}       750, lsn: 0/01BC1C20, prev 0/01BC1BD8, desc: INVALIDATION ; inval msgs: catcache 80\n",
    "pg_waldump: first record is after 0/1BC5980\n",
]
AT = "2026-11-22 14:46:33.639122 UTC"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (OWN, Commit((752,), 0, "", AT)),
        (SENT, Commit((751,), 1, "0/1BC5980", "2026-11-22 14:46:33.637577 UTC")),
        (PARTLY, Commit((760, 761, 762), 0, "", "2026-11-22 14:46:33 UTC")),
        (PREPARED, Commit((770,), 0, "", "2026-11-22 14:46:33.5 UTC")),
    ],
)
def test_a_commit(line, wanted):
    assert list(commits([*NONE, line], "0/1BC5A58")) == [wanted]


@pytest.mark.parametrize(("end", "found"), [("0/1BC59B8", 0), ("0/1BC59B9", 1), ("1/0", 1)])
def test_what_begins_at_the_end_is_not_in_the_snapshot(end, found):
    assert len(list(commits([OWN], end))) == found


def at(second: float, origin: int = 0, position: str = "", *xids: int) -> Commit:
    return Commit(xids or (1,), origin, position, f"2026-11-22 14:46:{second:09.6f} UTC")


def test_an_upstream_is_held_up_to_its_last_commit():
    seen = held([at(1, 1, "0/10"), at(2, 1, "0/20"), at(3), at(4, 9, "0/99")], {1: "0/5", 2: "0/7"})
    assert seen.positions == {1: "0/20", 2: "0/7"}, "and up to where it was where there is none"
    assert seen.heard == {1: "2026-11-22 14:46:02.000000 UTC"}


@pytest.mark.parametrize(
    ("found", "others", "wanted"),
    [
        # As old as what came last of an upstream, but for the clocks.
        ([at(1), at(2), at(3, 1, "0/1")], [1], [2, 3]),
        ([at(1.9), at(2.000001), at(3, 1, "0/1")], [1], [2.000001, 3]),
        # The upstream that is the furthest behind tells.
        ([at(1), at(2, 2, "0/1"), at(9), at(10, 1, "0/1")], [1, 2], [1, 2, 9, 10]),
        # Applied late, written early
        ([at(9, 1, "0/1"), at(2, 3, "0/1")], [1], [9]),
        # Nothing was heard of one of them.
        ([at(1), at(9, 1, "0/1")], [1, 2], [1, 9]),
        # Nobody is there to send anything.
        ([at(1)], [], []),
    ],
)
def test_recent_is_what_a_change_may_meet_that_is_yet_to_come(found, others, wanted):
    seen = held(found, dict.fromkeys(others, ""))
    assert recent(seen, others, 1.0) == [commit for commit in found if commit in [at_same(found, s) for s in wanted]]


def at_same(found: list[Commit], second: float) -> Commit:
    (commit,) = [commit for commit in found if commit.at == at(second).at]
    return commit


def test_times_without_fractions():
    old = Commit((1,), 0, "", "2026-11-22 14:46:33 UTC")
    assert recent(held([old, at(34, 1, "0/1")], {1: ""}), [1], 1) == [old, at(34, 1, "0/1")]


def test_no_more_than_a_command_line_holds(monkeypatch):
    monkeypatch.setattr(_seed_wal, "MOST_RECENT", 2)
    assert list(held([at(1), at(2), at(3)], {}).last) == [at(2), at(3)]


@pytest.mark.parametrize(
    ("begin", "end", "timeline", "size", "wanted"),
    [
        ("0/1BC59B8", "0/1BC59F0", 1, 2**24, ("000000010000000000000001", "000000010000000000000001")),
        ("0/1BC59B8", "0/2000000", 1, 2**24, ("000000010000000000000001", "000000010000000000000001")),
        ("0/1BC59B8", "0/2000001", 1, 2**24, ("000000010000000000000001", "000000010000000000000002")),
        ("0/1000000", "0/1000000", 2, 2**24, ("000000020000000000000001", "000000020000000000000001")),
        ("1A/FF000001", "1B/8", 16, 2**24, ("000000100000001A000000FF", "000000100000001B00000000")),
        ("1A/FF000001", "1A/FF000002", 1, 2**30, ("000000010000001A00000003", "000000010000001A00000003")),
    ],
)
def test_the_files_between_two_positions(begin, end, timeline, size, wanted):
    assert files(begin, end, timeline, size) == wanted
