# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The statements of a repair; tests/integration/test_repair.py runs them."""

from __future__ import annotations

from ansible_collections.pgbdr.bdr.plugins.module_utils import _repair_sql as sql
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare_table import CompareColumn, CompareTable

HASH = {"mode": "record", "seed": 7, "equality": "exact"}
ID = CompareColumn("id", "integer", "integer", not_null=True)
NAME = CompareColumn("name", 'public."50%"', "text")
LENGTH = CompareColumn("length", "integer", "integer", generated=True)
OWN = CompareColumn("own", "text", "text")
TABLE = CompareTable("public", "city", (ID, LENGTH, NAME), ("id",), "primary", (("id",),))
NAMED = {"key": ["id"], "columns": ["id", "name", "length"]}
ROW = {"hash": 12, "v0": "1", "v1": "Paris"}


def target(always=(), own=True, named=NAMED, hashed=HASH):
    here = CompareTable(
        "public", "city", (*TABLE.columns, OWN) if own else TABLE.columns, ("id",), "primary", (("id",),)
    )
    return sql.target("bravo", {"alpha": TABLE, "bravo": here}, named, hashed, always)


def written(action, **options):
    seen = None if action == "insert" else "34"
    return sql.write(target(**options), action, {"id": "1"}, seen, ROW)


def test_only_what_is_compared_is_hashed_and_written():
    found = target()
    assert [column.name for column in found.columns] == ["id", "name"], "the server fills the generated one itself"
    assert '"length"' in found.row_hash() and '"own"' not in found.row_hash()
    narrow = target(named={"key": ["id"], "columns": ["id", "length"]})
    assert '"name"' not in narrow.row_hash() and [column.name for column in narrow.columns] == ["id"]


def test_a_row_is_mended_as_it_was_seen():
    statement = written("update")
    assert statement.text == (
        'UPDATE ONLY "public"."city" AS t SET "id" = %(v0)s::integer, "name" = %(v1)s::public."50%%"'
        ' FROM (VALUES (%(k0_0)s::integer)) AS k (k0) WHERE t."id" = k.k0'
        f" AND {target().row_hash()} = %(seen)s::bigint RETURNING {target().row_hash()} AS hash"
    )
    assert statement.values == {"k0_0": "1", "v0": "1", "v1": "Paris", "seen": "34"}
    assert statement.about == "table public.city"


def test_a_row_is_inserted_where_there_is_none():
    text = written("insert").text
    assert text.startswith('INSERT INTO "public"."city" ("id", "name") SELECT %(v0)s::integer, ')
    assert " WHERE NOT EXISTS (SELECT 1 FROM (VALUES " in text and '"city"."id"' in text.split("RETURNING")[1]
    assert "OVERRIDING" not in text
    assert '("id", "name") OVERRIDING SYSTEM VALUE SELECT' in written("insert", always=["id"]).text


def test_a_row_is_deleted_as_it_was_seen():
    statement = sql.write(target(), "delete", {"id": "1"}, "34", {})
    assert statement.text.startswith('DELETE FROM ONLY "public"."city" AS t USING (VALUES ')
    assert f"{target().row_hash()} = %(seen)s::bigint RETURNING" in statement.text
    assert statement.values == {"k0_0": "1", "seen": "34"}


def test_a_row_is_sent_anew_with_all_that_the_node_has_of_it():
    text = sql.write(target(), "send", {"id": "1"}, "34", {}).text
    assert text.startswith('WITH gone AS (DELETE FROM ONLY "public"."city" AS t USING (VALUES ')
    assert (
        'INSERT INTO "public"."city" ("id", "name", "own") SELECT gone."id", gone."name", gone."own" FROM gone' in text
    )


def test_what_an_update_cannot_write_is_inserted_anew():
    key_alone = written("update", always=["id"]).text
    assert key_alone.startswith("UPDATE") and 'SET "name" = ' in key_alone, "a key is as it is"
    text = written("update", always=["name"]).text
    assert text.startswith("WITH gone AS (DELETE FROM")
    assert 'OVERRIDING SYSTEM VALUE SELECT %(v0)s::integer, %(v1)s::public."50%%", gone."own" FROM gone' in text


def test_rows_are_looked_at_by_their_keys():
    statement = sql.look(target(), [{"id": "1"}, {"id": "2"}])
    assert statement.values == {"k0_0": "1", "k1_0": "2"}
    assert sql.hashes(target(), [{"k0": "1", "hash": -5}, {"k0": "2", "hash": 6}]) == {("1",): "-5", ("2",): "6"}
    read = sql.read(target(), {"id": "1"})
    assert 'concat(t."name")' in read.text and '"own"' not in read.text and read.values == {"k0_0": "1"}


def test_keys_of_floats_are_found_by_what_they_are():
    def keyed(base):
        column = CompareColumn("f", base, base, not_null=True)
        table = CompareTable("public", "floats", (column,), ("f",), "primary", (("f",),))
        return sql.target("bravo", {"bravo": table}, {"key": ["f"], "columns": ["f"]}, HASH, ())

    assert keyed("double precision").key({"f": "0.1"}) == ("3fb999999999999a",)
    assert keyed("real").key({"f": "nan"}) == ("7fc00000",)
    assert sql.look(keyed("double precision"), [{"f": "inf"}]).values == {"k0_0": "inf"}
    assert target().key({"id": "0.1"}) == ("0.1",)
