# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A comparison as a person reads it."""

from __future__ import annotations

from ansible_collections.pgbdr.bdr.plugins.plugin_utils import _compare_text as text
from ansible_collections.pgbdr.bdr.tests.unit.comparisons import (
    CHANGED,
    GONE,
    IN_FLIGHT,
    comparison,
    difference,
    table,
    version,
)

CITY = table("city", CHANGED, GONE, IN_FLIGHT, notes=["column mayor only on alpha"], differing=5, truncated=True)
VISIT = table("visit", key=[], key_kind="none")
LOST = table("lost", verdict="unproven", reason="bravo did not\nanswer", rows={"alpha": 3}, missing_on=["charlie"])
FOUND = comparison(
    CITY,
    VISIT,
    LOST,
    absent=[{"node": "delta", "reason": "its server\ndoes not run"}],
    fence={"rounds": 1, "seconds": 60, "unfenced": [{"link": "alpha -> bravo (appdb)", "reason": "60 s are over"}]},
)


def test_a_report():
    assert (
        text.report(FOUND)
        == """
Comparison 20261122T091500 of alpha, bravo, charlie: different
3 tables in 12.3 s; hash record, equality exact; fence: 1 round, 60.0 s
not compared: delta: its server does not run
not fenced: alpha -> bravo (appdb): 60 s are over

database  table         key   rows alpha  rows bravo  rows charlie  verdict
--------  ------------  ----  ----------  ----------  ------------  ------------------------------
appdb     public.city   id    100         99          101           different (5 rows)
appdb     public.visit  none  1000        1000        1000          equal
appdb     public.lost   id    3                                     unproven: bravo did not answer

public.city (appdb)
  column mayor only on alpha
  nodes           only on the first  only on the second  different  unproven
  --------------  -----------------  ------------------  ---------  --------
  alpha, bravo    1                  0                   2          1
  alpha, charlie  1                  0                   2          1
  bravo, charlie  1                  0                   2          1

  id=5: name
      alpha, charlie  name 'Paris'; majority; newest
      bravo           name 'Lutetia'
      committed: alpha 2026-11-22T09:01:02.345678+00:00, charlie 2026-11-22T09:01:02.345678+00:00 from alpha, \
bravo 2026-11-20T01:00:00+00:00

  id=7: name, size
      alpha, bravo  not there; majority
      charlie       name 'Ys', size NULL

  id=13: name, unproven: bravo did not confirm alpha's changes within 60 s
      alpha, charlie  name 'Rome'; majority
      bravo           name 'Roma'

  2 more

public.lost (appdb)
  the table is missing on charlie
"""
    )


def test_an_equal_group_of_many_tables_is_told_in_few_lines():
    many = comparison(*(table(f"t{number}") for number in range(200)))
    assert text.report(many).splitlines()[2:] == [
        "200 tables in 12.3 s; hash record, equality exact; fence: 2 rounds, 0.4 s",
        "",
        "200 tables equal",
    ]
    one = comparison(*many["tables"], CITY)
    assert "public.city" in text.report(one) and "public.t7" not in text.report(one)


def test_of_many_rows_the_first_are_shown():
    rows = [{**CHANGED, "key": {"id": str(number)}} for number in range(100)]
    told = text.report(comparison(table("city", *rows)))
    assert (told.count("Lutetia"), "\n  80 more\n" in told) == (text.ROWS_SHOWN, True)


def test_rows_without_a_key_are_counted():
    row = difference({}, version("alpha bravo", "1", name="x"), {**version("charlie", "1", name="x"), "count": 3})
    told = text.report(comparison(table("log", row, key=[], key_kind="none")))
    assert "\n  a row: name\n" in told and "charlie       name 'x', 3 times\n" in told
    assert text.values_text(version("alpha", "1")) == "there"


def test_a_value_steers_no_terminal_and_is_told_from_another():
    assert [text.value_text(value) for value in (None, "", "NULL", "x" * 61)] == [
        "NULL",
        "''",
        "'NULL'",
        f"'{'x' * 60}...'",
    ]
    evil = "\x1b[2J\x9b1m\u202e\n\t\x00\udc80"
    told = text.report(comparison({**table(evil, {**CHANGED, "key": {evil: evil}}), "notes": [evil]}))
    assert [each for each in told if not each.isprintable() and each != "\n"] == []
    assert "\\x1b[2J\\x9b1m\\u202e" in told
    assert text.key_text({"a": "1-2:3.5", "b": "x y"}) == "a=1-2:3.5, b='x y'"


def test_what_fails_a_run():
    more = " The report above says more; with -e bdr_compare_fail=false the run does not fail"
    assert text.failure(comparison(VISIT)) == ""
    assert text.failure(FOUND) == (
        "the nodes differ in public.city (appdb): 5 rows; "
        f"not proven equal: public.lost (appdb): missing on charlie, bravo did not answer.{more}"
    )
    columns = table("c", verdict="different", notes=["column x only on alpha"])
    assert text.failure(comparison(columns)) == f"the nodes differ in public.c (appdb).{more}"
    many = comparison(*(table(f"t{number}", CHANGED) for number in range(9)))
    assert "public.t4 (appdb): 1 row, and 4 more." in text.failure(many)


def test_a_group_that_was_not_compared_is_not_equal():
    silent = comparison(verdict="unproven", absent=[{"node": "bravo", "reason": "it is down"}])
    assert text.failure(silent).startswith("not proven equal: bravo (it is down).")
    assert text.failure({**silent, "absent": []}).startswith("not proven equal: unproven.")
