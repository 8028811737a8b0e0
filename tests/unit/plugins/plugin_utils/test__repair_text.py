# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan of repair, and what became of it, as a person reads them."""

from __future__ import annotations

from ansible_collections.pgbdr.bdr.plugins.module_utils._repair import make
from ansible_collections.pgbdr.bdr.plugins.plugin_utils import _repair_text as text
from ansible_collections.pgbdr.bdr.tests.unit.comparisons import (
    CHANGED,
    EVEN,
    GONE,
    IN_FLIGHT,
    MESH,
    MISSING,
    comparison,
    table,
)

CITY = table("city", CHANGED, MISSING, GONE, EVEN, {**EVEN, "key": {"id": "12"}}, IN_FLIGHT)
PLAN = make(comparison(CITY, table("log", GONE, key=[], key_kind="none")), "majority", False, MESH)


def test_a_plan():
    assert (
        text.plan(PLAN)
        == """
Repair of comparison 20261122T091500: policy majority, deletes nothing

table                node   insert  update  delete
-------------------  -----  ------  ------  ------
public.city (appdb)  bravo  1       1       0

update public.city (appdb) id=5 on bravo as on alpha
insert public.city (appdb) id=9 on bravo as on alpha

Left out
  public.city (appdb) on charlie: it would be deleted, which bdr_repair_delete does not allow: id=7
  public.city (appdb): no version of it is on more than half of the nodes: id=11, id=12
  public.city (appdb): it is not proven to differ: bravo did not confirm alpha's changes within 60 s: id=13
  public.log (appdb): the table has no key: one row cannot be told from another of the same values
"""
    )


def test_a_long_plan_shows_its_first_steps():
    rows = [{**CHANGED, "key": {"id": str(number)}} for number in range(text.STEPS_SHOWN + 1)]
    told = text.plan(make(comparison(table("city", *rows)), "majority", True, MESH))
    assert "may delete rows" in told and told.endswith("id=49 on bravo as on alpha\nand 1 more step\n")


def test_a_plan_that_was_written_tells_how_it_is_carried_out():
    said = "\nNo node was changed. To carry the plan out: -e bdr_repair_plan='my plan.json'\n"
    assert text.plan(PLAN, "my plan.json").endswith(said)
    assert "No node was changed" not in text.plan(make(comparison(table("city")), "newest", False, MESH), "r.json")


def test_a_plan_of_an_equal_group():
    assert text.plan(make(comparison(table("city")), "newest", False, MESH)).endswith("\nnothing to do\n")


STALE = {"table": 0, "key": {"id": "5"}, "reason": "bravo has another row\nby now"}
RESULTS = [
    {"node": "bravo", "repaired": 3, "there": 1, "stale": [STALE], "refused": []},
    {"node": "alpha", "repaired": 0, "there": 0, "stale": [], "refused": []},
    {"node": "charlie", "repaired": 2, "there": 0, "stale": [], "refused": [{**STALE, "reason": "ERROR: no"}] * 2},
]


def test_what_became_of_a_plan():
    assert (
        text.outcome(PLAN, RESULTS)
        == """
node     repaired  right before  stale  refused
-------  --------  ------------  -----  -------
bravo    3         1             1      0
charlie  2         0             0      2
bravo: public.city (appdb) id=5: bravo has another row by now
charlie: public.city (appdb) id=5: ERROR: no
charlie: public.city (appdb) id=5: ERROR: no
"""
    )


def test_what_fails_a_run():
    sound = {"node": "bravo", "repaired": 3, "there": 1, "stale": [], "refused": []}
    assert text.failure([sound]) == ""
    assert text.failure(RESULTS) == (
        "1 row changed since the comparison and was left alone; 2 rows were refused by the server: "
        "compare again and make a new plan"
    )
    assert text.failure([{**sound, "stale": [STALE] * 2}]).startswith("2 rows changed since the comparison and were ")
    assert text.failure([{**sound, "refused": [STALE]}]).startswith("1 row was refused by the server: ")
