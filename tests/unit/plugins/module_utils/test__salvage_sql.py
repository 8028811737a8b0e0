# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queries and statements of a salvage; tests/integration/test_salvage.py runs them."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _salvage_sql as sql
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.hashing import Hashing, Probed
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare_table import Capabilities, CompareColumn, CompareTable
from ansible_collections.pgbdr.bdr.tests.unit.salvages import (
    ADDED,
    ALL,
    CHANGED,
    CITY,
    GONE,
    ID,
    LOG,
    NAME,
    TABLES,
    salvage,
)

HASHING = Hashing("record", "exact", 7)
CAN = Capabilities(150008, "UTF8", 1, True, True, True)
PROBED = {"charlie": Probed(CAN, "timestamp", "origin"), "alpha": Probed(CAN, "", "")}


def test_a_row_is_read_with_its_time_and_its_values():
    queries = sql.RowQueries(CITY, HASHING, PROBED)
    assert queries.names == ["id", "name"], "the server fills the generated one itself"
    text, values = queries.read("charlie", [("5",)], whole=True)
    assert "to_char(pg_xact_commit_timestamp(t.xmin)" in text and "pg_xact_commit_timestamp_origin(t.xmin)" in text
    assert text.endswith(
        'CASE WHEN concat(t."name") = \'\' AND t."name" IS NULL THEN NULL ELSE concat(t."name") END AS v1'
        ' FROM (VALUES (%(k0_0)s::integer)) AS k (k0) JOIN ONLY "public"."city" AS t ON t."id" = k.k0'
    )
    assert values == {"k0_0": "5"}
    text, _values = queries.read("alpha", [("5",)], whole=False)
    assert "NULL::text AS committed, NULL::text AS origin" in text and "concat" not in text


def test_rows_without_a_key_are_counted_by_their_hash():
    queries = sql.RowQueries(LOG, HASHING, PROBED)
    text, values = queries.loose("charlie", "2026")
    assert text.endswith("WHERE s.origin = '' AND s.committed > %(newest)s") and values == {"newest": "2026"}
    text, values = queries.times_there(["7"])
    assert "count(*) AS number" in text and values == {"hashes": ["7"]}


def test_a_table_is_written_as_it_was_hashed():
    found = sql.target(CITY, TABLES[0], {"mode": "record", "equality": "exact", "seed": 7}, ["id"])
    assert (found.compared.columns, found.compared.key, found.compared.keys) == (CITY.columns, ("id",), (("id",),))
    assert sql.compared(TABLES[1]).keys == ()
    assert found.always == ("id",)
    loose = sql.target(LOG, TABLES[1], {}, [])
    statement = sql.add(loose, {"v0": "x"})
    assert statement.text == 'INSERT INTO "public"."log" ("name") VALUES (%(v0)s::text)'
    assert statement.values == {"v0": "x"}
    percent = CompareTable("public", "log", (CompareColumn("name", 'public."50%"', "text"),))
    statement = sql.add(sql.target(percent, TABLES[1], {}, ["name"]), {})
    assert "%(v0)s" in statement.text and "50%" not in statement.text and "OVERRIDING SYSTEM VALUE" in statement.text


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, "NULL"),
        ("", "''"),
        ("l'été \\n", "'l''été \\n'"),
        ("two\nlines\r\t\x01\x7f", "E'two\\nlines\\r\\t\\x01\\x7f'"),
        ("it's \\ \n", "E'it''s \\\\ \\n'"),
    ],
)
def test_a_value_is_one_line_of_sql(value, wanted):
    assert sql.literal(value) == wanted


def test_statements_ask_for_the_row_as_it_was():
    city = TABLES[0]
    assert sql.statement(city, ADDED) == (
        """INSERT INTO "public"."city" ("id", "name") VALUES ('1001'::integer, 'Lyon'::text);"""
    )
    assert sql.statement(city, CHANGED) == (
        """UPDATE ONLY "public"."city" SET "name" = 'Nice'::text WHERE "id" = '5'::integer"""
        """ AND concat("name") = 'Nizza';"""
    )
    assert sql.statement(city, GONE) == """DELETE FROM ONLY "public"."city" WHERE "id" = '20'::integer;"""
    was_null = {**CHANGED, "donor": {**CHANGED["donor"], "values": {"id": "5", "name": None}}}
    assert sql.statement(city, was_null).endswith("""'5'::integer AND "name" IS NULL;""")


def test_what_the_server_gives_itself_is_overridden_or_left():
    always = {**TABLES[0], "always": ["name"]}
    assert ") OVERRIDING SYSTEM VALUE VALUES (" in sql.statement(always, ADDED)
    assert sql.statement(always, CHANGED) == '-- "public"."city": nothing to set'


def test_a_type_of_an_extension_is_compared_by_its_own_operator():
    key = CompareColumn("id", "ext.ean", "ext.ean", operators="ext")
    table = {"database": "appdb", **sql.told(CompareTable("public", "city", (key, NAME), ("id",)), [])}
    assert sql.statement(table, GONE) == (
        """DELETE FROM ONLY "public"."city" WHERE "id" OPERATOR("ext".=) '20'::ext.ean;"""
    )


def test_the_script_comments_out_what_is_not_certain():
    lines = sql.script(ALL).splitlines()
    assert lines[0] == "-- What only charlie had, compared with alpha, 2026-11-22 12:15:00 UTC."
    assert lines.count("\\connect 'appdb'") == 1
    statements = [line.split()[0] for line in lines if line[:6] in ("INSERT", "UPDATE", "DELETE")]
    assert statements == ["INSERT", "UPDATE", "DELETE", "INSERT", "INSERT"], "the last one twice"
    assert "-- alpha had: \"id\" '9', \"name\" E'Brest\\n(Bretagne)'" in lines
    assert any(line.startswith("-- UPDATE ONLY") for line in lines), "the conflict"
    assert any(line.startswith("-- DELETE FROM ONLY") for line in lines), "the unclear one"
    assert lines[-1] == ("-- not here: table public.log (appdb): it has no key: rows that were deleted are not found")


def test_nothing_of_a_value_or_a_name_leaves_its_comment():
    there = {**CHANGED["donor"], "committed": None, "origin": None}
    odd = salvage(
        {**CHANGED, "reason": "a\nDROP TABLE city;", "donor": there},
        node="char\nlie",
        tables=[{**TABLES[0], "database": "o'r\\d\n"}],
    )
    text = sql.script(odd)
    assert not [line for line in text.splitlines() if line.startswith(("DROP", "lie"))]
    assert "\\connect 'o''r\\\\d\\n'" in text
    assert "-- alpha's version: no time known\n" in text


def test_columns_come_back_as_they_were():
    assert sql.compared(TABLES[0]).column("id") == ID
