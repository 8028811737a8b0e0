# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries that compare a table. That servers understand them is tested in tests/integration."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_hash, _compare_keys
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.hashing import Hashing, Probed
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.queries import BUCKETS, Asked, TableQueries, key_of
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare_table import (
    Capabilities,
    CompareColumn,
    CompareTable,
)

TABLE = CompareTable(
    "shop",
    "100%",
    (
        CompareColumn("id", "integer", "integer"),
        CompareColumn("name", "text", "text"),
        CompareColumn("nr", "text", "text"),
    ),
    ("nr", "id"),
    "primary",
)
NEW = Probed(Capabilities(150000, "UTF8", 1, True, True, True), "timestamp", "origin")
OLD = Probed(Capabilities(90300, "UTF8", 1, False, False, False), "committime", "")
BARE = replace(OLD, committed="")
KEYS = [("a", "1"), ("b", "2")]
FILTER = "name LIKE '%x' -- or so"


def queries(where: str = "", mode: str = "record", **probed: Probed) -> TableQueries:
    return TableQueries(TABLE, Hashing(mode, "exact", 42), where, probed or {"alpha": NEW, "bravo": NEW})


def every(asking: TableQueries) -> dict[str, Asked]:
    """Return every query there is, with ends and without."""
    low, high = KEYS
    return {
        "sample": asking.sample(["(0,1)"]),
        "first block": asking.block(None, high),
        "block": asking.block(low, high),
        "last block": asking.block(low, None),
        "whole table": asking.block(None, None),
        "rows": asking.rows(low, high),
        "all rows": asking.rows(None, None),
        "offset": asking.offset(low, high, 10000),
        "lookup": asking.lookup(KEYS),
        "details": asking.details("bravo", KEYS),
        "buckets": asking.buckets(0, 1000),
        "last buckets": asking.buckets(1000, None),
        "hashes": asking.hashes(0, 1000, [5, 7]),
        "last hashes": asking.hashes(1000, None, [5, 7]),
        "counts": asking.counts_of(["4711"]),
        "rows of hashes": asking.rows_of(["4711"]),
    }


@pytest.mark.parametrize("name", every(queries()))
@pytest.mark.parametrize(
    "probed", [{"alpha": NEW, "bravo": NEW}, {"alpha": NEW, "bravo": OLD}, {"alpha": OLD, "bravo": BARE}]
)
def test_every_query_can_be_filled_in_and_looks_at_the_rows_of_the_filter_only(name, probed):
    text, values = every(queries(FILTER, **probed))[name]
    assert values, "a driver leaves %% as it is where there are no values"
    assert set(re.findall(r"%\((\w+)\)s", text)) == set(values) - {"all"}
    filled = text % dict.fromkeys(values, "?")
    assert filled.count(f"({FILTER}\n)") == 1
    assert filled.count(_compare_hash.relation(TABLE)) == 1
    plain, _values = every(queries("", **probed))[name]
    assert re.search(r"(WHERE|AND) true\b", plain)
    assert plain == text.replace(f"({FILTER.replace('%', '%%')}\n)", "true")


def test_the_size_is_asked_of_the_table_by_its_name_as_it_is():
    text, values = queries(FILTER).size()
    assert values == {"schema": "shop", "name": "100%"}
    assert set(re.findall(r"%\((\w+)\)s", text)) == set(values)
    assert "%" not in text % dict.fromkeys(values, "?")


def test_the_key_of_a_row_in_the_order_of_the_key():
    assert key_of(TABLE, {"k1": "1", "k0": "a", "hash": "4711"}) == ("a", "1")
    assert queries().has_key
    assert queries().column_names == ["id", "name", "nr"]
    keyless = TableQueries(replace(TABLE, key=()), Hashing("record", "exact", 42), "", {"alpha": NEW})
    assert not keyless.has_key


HASH = _compare_hash.row_hash(TABLE, "record", "exact", 42)
ONLY = _compare_hash.relation(TABLE)
SELECT = _compare_keys.key_select(TABLE)


@pytest.mark.parametrize("low", [None, KEYS[0]])
@pytest.mark.parametrize("high", [None, KEYS[1]])
def test_a_block_its_rows_and_its_middle_are_the_same_rows(low, high):
    condition, bounds = _compare_keys.range_predicate(TABLE, low, high)
    asking = queries()
    aggregate = _compare_hash.block_aggregate("record")
    from_where = f"FROM {ONLY} WHERE {condition} AND true"
    values = {"all": True, **bounds}
    assert asking.block(low, high) == (f"SELECT {aggregate} FROM (SELECT {HASH} AS h {from_where} OFFSET 0) s", values)
    assert asking.rows(low, high) == (f"SELECT {SELECT}, ({HASH})::text AS hash {from_where}", values)
    assert asking.offset(low, high, 7) == (
        f'SELECT {SELECT} {from_where} ORDER BY t."nr", t."id" OFFSET %(rows)s LIMIT 1',
        {**values, "rows": 7},
    )


def test_samples_come_in_the_order_of_the_key():
    text, values = queries().sample(["(0,1)", "(9,2)"])
    assert text.endswith('ORDER BY t."nr", t."id"')
    assert values == {"ctids": ["(0,1)", "(9,2)"]}


def test_rows_are_looked_up_by_all_columns_of_their_keys():
    text, values = queries().lookup(KEYS)
    wanted, bounds = _compare_keys.key_values(TABLE, KEYS)
    match = _compare_keys.key_match(TABLE)
    assert text == (
        f"SELECT {SELECT}, ({HASH})::text AS hash, t.xmin::text AS xmin FROM {wanted} JOIN {ONLY} ON {match} WHERE true"
    )
    assert values == bounds


@pytest.mark.parametrize(
    ("node", "committed", "origin"),
    [
        ("alpha", "pg_xact_commit_timestamp(t.xmin)::text AS committed", "pg_xact_commit_timestamp_origin(t.xmin)"),
        ("bravo", "pg_get_transaction_committime(t.xmin)::text AS committed", "NULL::text AS origin"),
        ("charlie", "NULL::text AS committed", "NULL::text AS origin"),
    ],
)
def test_each_node_is_asked_for_times_and_origins_as_it_can_tell_them(node, committed, origin):
    text, values = queries(alpha=NEW, bravo=OLD, charlie=BARE).details(node, KEYS)
    assert committed in text
    assert origin in text
    assert ("pg_xact" in text, "pg_get_transaction" in text) == (node == "alpha", node == "bravo")
    assert values == queries().lookup(KEYS)[1]


def test_each_column_has_its_mark_and_a_part_of_its_value():
    text, _values = queries().details("alpha", KEYS)
    marks = [_compare_hash.row_hash(TABLE, "record", "exact", 42, columns=[name]) for name in ("id", "name", "nr")]
    assert f"ARRAY[{', '.join(f'({mark})::text' for mark in marks)}]::text[] AS marks" in text
    assert (
        'ARRAY[left(t."id"::text, 200), left(t."name"::text, 200), left(t."nr"::text, 200)]::text[] AS values' in text
    )


@pytest.mark.parametrize(
    ("first", "last", "condition", "values"),
    [
        (0, 10, "t.ctid >= %(first)s::tid AND t.ctid < %(last)s::tid", {"first": "(0,0)", "last": "(10,0)"}),
        (10, 20, "t.ctid >= %(first)s::tid AND t.ctid < %(last)s::tid", {"first": "(10,0)", "last": "(20,0)"}),
        (20, None, "t.ctid >= %(first)s::tid", {"first": "(20,0)"}),
        (0, 0, "t.ctid >= %(first)s::tid AND t.ctid < %(last)s::tid", {"first": "(0,0)", "last": "(0,0)"}),
    ],
)
def test_pages_end_where_the_next_ones_begin(first, last, condition, values):
    asking = queries()
    buckets, found = asking.buckets(first, last)
    assert f"WHERE true AND {condition} OFFSET 0" in buckets
    assert found == values
    hashes, found = asking.hashes(first, last, [5])
    assert f"WHERE true AND {condition} OFFSET 0" in hashes
    assert found == {**values, "buckets": [5]}


def test_a_table_is_read_as_a_whole_where_a_server_cannot_seek_pages():
    assert queries().can_seek_pages
    asking = queries(alpha=NEW, bravo=OLD)
    assert not asking.can_seek_pages
    for text, values in (asking.buckets(0, None), asking.hashes(0, None, [5])):
        assert "ctid" not in text
        assert set(values) <= {"all", "buckets"}


def test_a_bucket_is_the_same_in_all_queries():
    bits = f"(h & {BUCKETS - 1})"
    assert BUCKETS & (BUCKETS - 1) == 0
    assert f"SELECT {bits}::int AS bucket, count(*) AS number, sum(h) AS sum" in queries().buckets(0, None)[0]
    assert f"WHERE {bits} = ANY(%(buckets)s) GROUP BY 1" in queries().hashes(0, None, [5])[0]


def test_rows_without_a_key_are_counted_with_those_who_wrote_them():
    text, values = queries().counts_of(["4711", "-5"])
    assert text.startswith("SELECT h::text AS hash, count(*) AS number, sum(x)::text AS xmins FROM (SELECT ")
    assert f"{HASH} AS h, t.xmin::text::int8 AS x FROM {ONLY}" in text
    assert text.endswith("WHERE h = ANY(%(hashes)s::int8[]) GROUP BY 1")
    assert values == queries().rows_of(["4711", "-5"])[1] == {"hashes": ["4711", "-5"]}


def test_the_mode_of_hashing_is_kept_in_every_query():
    for mode, other in (("record", "md5("), ("md5", "hash_record_extended(")):
        asking = queries(mode=mode)
        for name, (text, _values) in every(asking).items():
            assert other not in text, name
            assert ("'42" in text) == (name not in ("sample", "offset")), name
