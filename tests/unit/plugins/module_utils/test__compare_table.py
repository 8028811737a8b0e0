# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nodes have of a table in common. That the queries run is tested in tests/integration."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_table as catalog
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare_table import CompareColumn, CompareTable


def column(name="id", type="integer", base="", **more):  # noqa: A002
    return CompareColumn(name, type, base or type, **more)


def table(*columns, key=(), kind="none", keys=(), **more):
    return CompareTable("public", "city", columns, key, kind, keys or ((key,) if key else ()), **more)


def row(columns=(), keys=(), **more):
    """Return a row of TABLES."""
    usual = {"schema": "s", "name": "t", "pages": 0, "known_pages": 0, "known_rows": 0.0, "readable": True}
    described = [{"name": name, "type": "integer", "base": "integer", "operators": "pg_catalog"} for name in columns]
    found = [{"columns": list(names), "is_primary": primary} for names, primary in keys]
    return {**usual, "columns": described or None, "keys": found or None, **more}


def test_a_query_takes_what_wanted_gives():
    assert set(re.findall(r"%(\([^)]*\)s)?", catalog.TABLES)) == {"(schemas)s", "(tables)s"}
    assert set(catalog.wanted()) == {"schemas", "tables"}


def test_all_tables_or_some():
    assert catalog.wanted() == {"schemas": None, "tables": None}
    some = catalog.wanted(["a"], [("a", "b"), ('"', "%")])
    assert some == {"schemas": ["a"], "tables": '[["a", "b"], ["\\"", "%"]]'}


def test_capabilities_are_a_row():
    found = {
        "version": 150018,
        "encoding": "UTF8",
        "sample": 7,
        "record_hash": True,
        "bit_xor": True,
        "tid_range": True,
    }
    assert catalog.capabilities(found) == catalog.Capabilities(**found)


def test_a_row_is_a_table_with_its_columns_by_name():
    found = catalog.table(row(["b", "a"], [(["b"], True)], readable=False))
    assert [each.name for each in found.columns] == ["a", "b"]
    assert (found.schema, found.name, found.readable) == ("s", "t", False)
    assert found.column("b").type == "integer"


def test_a_table_may_have_nothing():
    found = catalog.table(row(pages=None))
    assert (found.columns, found.keys, found.key, found.key_kind, found.pages) == ((), (), (), "none", 0)


@pytest.mark.parametrize(
    ("keys", "kind", "key"),
    [
        ([(["c", "b"], True), (["a"], False)], "primary", ("c", "b")),
        ([(["b", "a"], False), (["c"], False), (["a"], False)], "unique", ("a",)),
        ([(["b"], False), (["b"], False)], "unique", ("b",)),
        ([], "none", ()),
    ],
)
def test_a_table_s_own_key(keys, kind, key):
    found = catalog.table(row(["a", "b", "c"], keys))
    assert (found.key_kind, found.key) == (kind, key)
    assert len(found.keys) == len({tuple(names) for names, _primary in keys})


def test_a_type_without_comparisons_by_their_names_is_in_no_key():
    columns = [{"name": "a", "type": "x.h", "base": "x.h", "operators": ""}]
    assert catalog.table(row(columns=(), keys=[(["a"], True)]) | {"columns": columns}).key_kind == "none"


@pytest.mark.parametrize(
    ("pages", "known_pages", "known_rows", "estimate"),
    [(10, 5, 100.0, 200.0), (10, 0, 0.0, 0.0), (10, 5, -1.0, 0.0), (None, 5, 100.0, 0.0), (10, 5, 0.0, 0.0)],
)
def test_rows_are_estimated_by_what_was_counted_last(pages, known_pages, known_rows, estimate):
    found = catalog.table(row(pages=pages, known_pages=known_pages, known_rows=known_rows))
    assert found.rows_estimate == estimate


# --- Common ---------------------------------------------------------------------------------------


def common(*tables):
    return catalog.common(dict(zip(("alpha", "bravo", "charlie"), tables, strict=False)))


def test_equal_tables_have_everything_in_common():
    whole = table(column(), column("name", "text", deterministic=False), key=("id",), kind="primary")
    assert common(whole, whole, whole) == (whole, ())


def test_the_largest_says_how_large_it_is():
    small, large = table(pages=1, rows_estimate=9.0), table(pages=2, rows_estimate=3.0, readable=False)
    found, _notes = common(small, large)
    assert (found.pages, found.rows_estimate, found.readable) == (2, 9.0, False)


def test_a_column_that_is_missing_somewhere():
    found, notes = common(table(column("a"), column("b")), table(column("b"), column("c")), table(column("b")))
    assert [each.name for each in found.columns] == ["b"]
    assert notes == (
        "column a is not compared: it is missing on bravo, charlie",
        "column c is not compared: it is missing on alpha, charlie",
    )


def test_a_column_of_other_types():
    found, notes = common(table(column()), table(column(type="bigint")), table(column()))
    assert found.columns == ()
    assert notes == ("column id is not compared: it is integer on alpha, charlie, bigint on bravo",)


def test_a_column_of_another_length_is_compared_as_its_base():
    short, long = (column(type=f"character({length})", base="bpchar", not_null=length == 5) for length in (5, 9))
    found, notes = common(table(short), table(long))
    assert found.columns == (column(type="bpchar"),)
    assert notes == ("column id is character(5) on alpha, character(9) on bravo",)


def test_what_one_node_says_of_a_column_counts():
    found, notes = common(table(column(deterministic=False)), table(column(generated=True, not_null=True)))
    assert found.columns == (column(deterministic=False, generated=True),)
    assert notes == ()


def test_a_note_names_some_nodes_only():
    nodes = {f"n{number}": table(column() if number == 1 else column("b")) for number in range(1, 9)}
    _found, notes = catalog.common(nodes)
    assert notes[1] == "column id is not compared: it is missing on n2, n3, n4, n5, n6 and 2 more"


A, B = column("a"), column("b")
NO_PRIMARY = "rows are found by {}: nodes have no primary key in common"
NONE = "rows are not found by a key: nodes have none in common"


@pytest.mark.parametrize(
    ("here", "there", "key", "kind", "notes"),
    [
        (("primary", [("b", "a")]), ("primary", [("a", "b")]), ("b", "a"), "primary", []),
        (("primary", [("a",)]), ("primary", [("b",)]), (), "none", [NONE]),
        (("primary", [("a",), ("b",)]), ("primary", [("b",)]), ("b",), "unique", [NO_PRIMARY.format("b")]),
        (("primary", [("a",)]), ("unique", [("a",)]), ("a",), "unique", [NO_PRIMARY.format("a")]),
        (("unique", [("a", "b")]), ("unique", [("b", "a")]), ("a", "b"), "unique", [NO_PRIMARY.format("a, b")]),
        (("primary", [("a",)]), ("none", []), (), "none", [NONE]),
        (("none", []), ("none", []), (), "none", []),
    ],
)
def test_the_key_in_common(here, there, key, kind, notes):
    nodes = [
        table(A, B, key=keys[0] if keys else (), kind=its_kind, keys=tuple(keys)) for its_kind, keys in (here, there)
    ]
    found, told = common(*nodes)
    assert (found.key, found.key_kind, found.keys) == (key, kind, (key,) if key else ())
    assert list(told) == notes


def test_a_key_needs_its_columns_in_common():
    here = table(A, B, key=("a",), kind="primary", keys=(("a",), ("b",)))
    there = replace(here, columns=(column("a", "bigint"), B))
    found, notes = common(here, there)
    assert (found.key, found.key_kind) == (("b",), "unique")
    assert notes[-1] == NO_PRIMARY.format("b")


# --- Fingerprint ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "other"},
        {"name": "other"},
        {"columns": (A,)},
        {"columns": (A, replace(B, name="c"))},
        {"columns": (A, replace(B, type="bigint"))},
        {"columns": (A, replace(B, base="bigint"))},
        {"columns": (A, replace(B, deterministic=False))},
        {"key": ("b",)},
        {"key_kind": "unique"},
    ],
)
def test_a_fingerprint_tells_another_definition(change):
    before = table(A, B, key=("a",), kind="primary")
    assert catalog.fingerprint(replace(before, **change)) != catalog.fingerprint(before)


def test_a_fingerprint_does_not_tell_size_or_order_of_a_catalog():
    before = table(A, B, key=("a",), kind="primary")
    after = replace(before, pages=5, rows_estimate=1.0, keys=(("a",), ("b",)), readable=False)
    assert catalog.fingerprint(after) == catalog.fingerprint(before)
    assert re.fullmatch("[0-9a-f]{64}", catalog.fingerprint(before))
    assert json.loads(json.dumps(catalog.fingerprint(before)))
