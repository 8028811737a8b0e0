# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys as text and back. That they find their rows is tested in tests/integration, on a server."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_keys as keys
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare_table import CompareColumn, CompareTable


def table(*bases, operators="pg_catalog"):
    """Return a table with a key of columns a, b, c."""
    names = "abc"[: len(bases)]
    columns = [
        CompareColumn(name, base, base, operators=operators if "." in base else "pg_catalog")
        for name, base in zip(names, bases, strict=True)
    ]
    return CompareTable("public", "city", tuple(columns), tuple(names), "primary")


@pytest.mark.parametrize(
    ("base", "form"),
    [
        ("integer", 'textin(textout(t."a"))'),
        ("bpchar", 't."a"::text'),
        ("interval", 'justify_interval(t."a")::text'),
        ("x.citext", 'lower(t."a"::x.citext::text)'),
        ("x.mood", 'textin(textout(t."a"::x.mood))'),
        ("numeric", keys.TRIMMED.format('t."a"')),
        ("real", "encode(float4send(CASE WHEN (t.\"a\" + '0') = 'NaN' THEN 'NaN' ELSE (t.\"a\" + '0') END), 'hex')"),
    ],
)
def test_a_key_as_text(base, form):
    assert keys.key_select(table(base)) == f"{form} AS k0"


def test_all_columns_of_a_key():
    assert (
        keys.key_select(table("integer", "text"), "x") == 'textin(textout(x."a")) AS k0, textin(textout(x."b")) AS k1'
    )
    assert keys.key_columns(table("integer", "text"), "x") == 'x."a", x."b"'


@pytest.mark.parametrize("number", [0.1, -1e300, float("inf")])
def test_floats_are_read_as_they_were_sent(number):
    text = struct.pack(">d", number).hex()
    assert keys.readable(table("double precision", "text"), (text, text)) == {"a": repr(number), "b": text}
    assert keys.readable(table("real"), ("3dcccccd",)) == {"a": "0.10000000149011612"}
    assert keys.key_values(table("double precision"), [(text,)])[1] == {"k0_0": repr(number)}


def test_keys_are_a_relation_of_their_types():
    assert keys.key_values(table("integer", 'x."a%b"'), [("1", "x"), ("2", "y")]) == (
        "(VALUES (%(k0_0)s::integer, %(k0_1)s::x.U&\"a!0025b\" UESCAPE '!'),"
        " (%(k1_0)s::integer, %(k1_1)s::x.U&\"a!0025b\" UESCAPE '!')) AS k (k0, k1)",
        {"k0_0": "1", "k0_1": "x", "k1_0": "2", "k1_1": "y"},
    )


def test_a_row_is_matched_by_the_operators_of_its_types():
    match = keys.key_match(table("integer", "x.citext", operators="X"))
    assert match == 't."a" = k.k0 AND t."b"::x.citext OPERATOR("X".=) k.k1'


@pytest.mark.parametrize(
    ("low", "high", "condition", "values"),
    [
        (None, None, "true", {}),
        (("1",), None, 't."a" >= %(low0)s::integer', {"low0": "1"}),
        (None, ("2",), 't."a" < %(high0)s::integer', {"high0": "2"}),
        (
            ("1",),
            ("2",),
            't."a" >= %(low0)s::integer AND t."a" < %(high0)s::integer',
            {"low0": "1", "high0": "2"},
        ),
    ],
)
def test_a_range_of_keys(low, high, condition, values):
    assert keys.range_predicate(table("integer"), low, high) == (condition, values)


def test_a_range_of_keys_of_more_columns():
    condition, values = keys.range_predicate(table("integer", "text"), ("1", "a"), ("2", "b"), "x")
    assert condition == (
        '(x."a", x."b") >= (%(low0)s::integer, %(low1)s::text) AND '
        '(x."a", x."b") < (%(high0)s::integer, %(high1)s::text)'
    )
    assert values == {"low0": "1", "low1": "a", "high0": "2", "high1": "b"}


def test_a_range_of_keys_that_have_operators_of_their_own():
    condition, _values = keys.range_predicate(table("x.citext", "integer", operators="x"), ("a", "1"), None)
    assert condition == (
        't."a"::x.citext OPERATOR("x".>=) %(low0)s::x.citext AND '
        '(t."a"::x.citext OPERATOR("x".>) %(low0)s::x.citext OR '
        't."a"::x.citext OPERATOR("x".=) %(low0)s::x.citext AND t."b" >= %(low1)s::integer)'
    )
    single, _values = keys.range_predicate(table("x.citext", operators="x"), None, ("b",))
    assert single == 't."a"::x.citext OPERATOR("x".<) %(high0)s::x.citext'
