# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each node does of a plan of repair, and when it does not."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _repair_work as work
from ansible_collections.pgbdr.bdr.plugins.module_utils._repair import make
from ansible_collections.pgbdr.bdr.tests.unit.comparisons import CHANGED, GONE, MESH, MISSING, comparison, table

PLAN = make(comparison(table("city", CHANGED, MISSING, GONE), table("town", MISSING)), "majority", True, MESH)
# The newest is on charlie only, so both others get it.
NEW = make(comparison(table("city", {**GONE, "newest": ["charlie"]})), "newest", False, MESH)


def jobs(plan, node, sent=False):
    return [(job.table, job.action, job.key["id"], job.targets) for job in work.jobs_of(plan, node, sent)]


def test_each_node_mends_its_own_rows():
    assert jobs(PLAN, "alpha") == []
    assert jobs(PLAN, "bravo") == [
        (0, "update", "5", ("bravo",)),
        (0, "insert", "9", ("bravo",)),
        (1, "insert", "9", ("bravo",)),
    ]
    assert jobs(PLAN, "charlie") == [(0, "delete", "7", ("charlie",))]
    assert jobs(NEW, "alpha") == [(0, "insert", "7", ("alpha",))]


def test_where_rows_are_sent_the_right_one_goes_to_all_at_once():
    assert jobs(PLAN, "alpha", True) == [
        (0, "send", "5", ("bravo",)),
        (0, "send", "9", ("bravo",)),
        (1, "send", "9", ("bravo",)),
    ]
    assert jobs(PLAN, "bravo", True) == []
    assert jobs(PLAN, "charlie", True) == [(0, "delete", "7", ("charlie",))]
    assert jobs(NEW, "charlie", True) == [(0, "send", "7", ("alpha", "bravo"))]
    (job,) = work.jobs_of(NEW, "charlie", True)
    assert (job.seen, job.wanted, job.others) == (
        {"alpha": None, "bravo": None, "charlie": "71"},
        "71",
        ("alpha", "bravo"),
    )


def job(action, node="bravo", sent=False):
    return next(each for each in work.jobs_of(PLAN, node, sent) if each.action == action)


STANDING = {
    "as it was": (job("update"), {"bravo": "52", "alpha": "51"}, ""),
    "right by now": (job("update"), {"bravo": "51", "alpha": "51"}, work.THERE),
    "right by now, and the source went on": (job("update"), {"bravo": "51", "alpha": "53"}, work.THERE),
    "changed here": (job("update"), {"bravo": "54", "alpha": "51"}, "bravo has another version by now"),
    "gone here": (job("update"), {"bravo": None, "alpha": "51"}, "bravo has no such row any more"),
    "changed there": (job("update"), {"bravo": "52", "alpha": "53"}, "alpha has another version by now"),
    "gone there": (job("update"), {"bravo": "52", "alpha": None}, "alpha has no such row any more"),
    "still missing": (job("insert"), {"bravo": None, "alpha": "91"}, ""),
    "another came": (job("insert"), {"bravo": "92", "alpha": "91"}, "bravo has another version by now"),
    "still too many": (job("delete", "charlie"), {"charlie": "71", "alpha": None}, ""),
    "deleted by now": (job("delete", "charlie"), {"charlie": None, "alpha": None}, work.THERE),
    "came back": (job("delete", "charlie"), {"charlie": "71", "alpha": "72"}, "alpha has another version by now"),
    "to be sent": (job("send", "alpha", True), {"bravo": "52", "alpha": "51"}, ""),
    "sent": (job("send", "alpha", True), {"bravo": "51", "alpha": "51"}, work.THERE),
    "not to be sent": (job("send", "alpha", True), {"bravo": "54", "alpha": "51"}, "bravo has another version by now"),
    "not what was to be sent": (
        job("send", "alpha", True),
        {"bravo": "52", "alpha": "53"},
        "alpha has another version by now",
    ),
}


@pytest.mark.parametrize("what", STANDING)
def test_a_row_is_mended_only_as_it_was_seen(what):
    found, now, wanted = STANDING[what]
    assert found.standing(now) == wanted


def test_of_several_that_are_sent_to_some_may_have_it():
    (sent,) = work.jobs_of(NEW, "charlie", True)
    assert sent.standing({"alpha": "71", "bravo": None, "charlie": "71"}) == ""
    assert sent.standing({"alpha": "72", "bravo": None, "charlie": "71"}) == "alpha has another version by now"


def test_jobs_are_shared_out_in_their_order():
    found = work.by_table(work.jobs_of(PLAN, "bravo", False))
    assert {place: len(each) for place, each in found.items()} == {0: 2, 1: 1}
    assert [list(each) for each in work.batches([1, 2, 3], 2)] == [[1, 2], [3]]


def test_a_table_that_changed_stops_the_plan():
    assert work.definition_problem(PLAN, 0, "bravo", "f1") == ""
    assert "table public.city (appdb) of bravo has another definition" in work.definition_problem(
        PLAN, 0, "bravo", "f2"
    )
    assert "of bravo is not there any more" in work.definition_problem(PLAN, 0, "bravo", None)
    assert "Nothing is repaired" in work.definition_problem(PLAN, 0, "delta", "f1"), "it was not compared there"


def test_what_is_told_of_a_job_holds_its_key():
    assert job("update").told("why") == {"table": 0, "key": {"id": "5"}, "reason": "why"}


def test_what_was_done_is_told_in_words():
    done = {(0, "update"): 1, (1, "insert"): 2}
    assert work.steps(PLAN, done) == ["update 1 row of public.city in appdb", "insert 2 rows of public.town in appdb"]
