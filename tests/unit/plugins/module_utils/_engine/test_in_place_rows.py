# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables whose rows are replaced; what the SQL does is tested on servers."""

from __future__ import annotations

from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import in_place_rows
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.in_place_rows import Change, Table

CITY = Table("public", "city", ("id", "na%me"), ("id",), "a")
PAIR = Table("public", "pair", ("x", "y"), ("x", "y"), "b")


def test_tables_that_differ_are_told():
    row = {"schema": "public", "relation": "city", "columns": ["id", "na%me"], "key": ["id"], "layout": "a"}
    assert in_place_rows.table(row) == CITY
    bare = in_place_rows.table({"schema": "s", "relation": "r", "columns": None, "key": None, "layout": None})
    assert bare == Table("s", "r")
    assert in_place_rows.odd_tables([CITY, PAIR], [PAIR, CITY]) == []
    other = Table("public", "city", layout="c")
    assert in_place_rows.odd_tables([CITY, bare], [other, PAIR]) == ["public.city", "public.pair", "s.r"]


def test_rows_are_copied_by_the_names_of_columns():
    out, into = in_place_rows.copying(CITY)
    assert out.text == "COPY {schema}.{relation} ({c0}, {c1}) TO STDOUT"
    assert into.text == "COPY {schema}.{relation} ({c0}, {c1}) FROM STDIN"
    assert out.identifiers == into.identifiers == {"schema": "public", "relation": "city", "c0": "id", "c1": "na%me"}
    assert in_place_rows.copying(Table("s", "r"))[0].text == "COPY {schema}.{relation} TO STDOUT"


def test_all_tables_are_emptied_at_once():
    statement = in_place_rows.emptying([CITY, PAIR])
    assert statement.text == "TRUNCATE {s0}.{r0}, {s1}.{r1}"
    assert statement.identifiers == {"s0": "public", "r0": "city", "s1": "public", "r1": "pair"}


def test_rows_of_late_are_known_by_their_change():
    statement = in_place_rows.recently_written(PAIR, 60)
    assert "{k0}::text AS k0, {k1}::text AS k1" in statement.text
    assert statement.values == {"seconds": 60}
    rows = [
        {"k0": "1", "k1": "a", "at": "T", "origin": 2},
        {"k0": "2", "k1": "b", "at": "T", "origin": 2},
        {"k0": "3", "k1": "c", "at": "T", "origin": 0},
    ]
    assert in_place_rows.by_change(PAIR, rows) == {
        Change(2, "T"): [("1", "a"), ("2", "b")],
        Change(0, "T"): [("3", "c")],
    }


def test_rows_are_written_again_as_they_are():
    (one,) = in_place_rows.touching(CITY, [("1",), ("2",)])
    assert one.text == "UPDATE {schema}.{relation} SET {k0} = {k0} WHERE {k0} IN %(keys)s"
    assert one.values == {"keys": ("1", "2")}
    (two,) = in_place_rows.touching(PAIR, [("1", "a")])
    assert two.text.endswith("WHERE ({k0}, {k1}) IN %(keys)s")
    assert two.values == {"keys": (("1", "a"),)}
    many = list(in_place_rows.touching(CITY, [(str(key),) for key in range(201)]))
    assert [len(statement.values["keys"]) for statement in many] == [100, 100, 1]
