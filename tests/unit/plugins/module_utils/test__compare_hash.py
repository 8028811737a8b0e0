# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a row's hash is made of. That it tells what differs is tested in tests/integration, on a server."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_hash as compare
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare_table import Capabilities, CompareColumn, CompareTable

OLD = Capabilities(90300, "UTF8", 7, record_hash=False, bit_xor=False, tid_range=False)
NEW = Capabilities(150018, "UTF8", 7, record_hash=True, bit_xor=True, tid_range=True)


def table(*columns):
    return CompareTable("public", "city", columns)


def column(base, type="", **more):  # noqa: A002
    return CompareColumn("v", type or base, base, **more)


def row(base, mode="record", equality="exact", type="", **more):  # noqa: A002
    """Return the row that is hashed where it has one column."""
    text = compare.row_hash(table(column(base, type, **more)), mode, equality, 5)
    start = text.index("ROW(") + 4
    return text[start : text.rindex(")::text), 1, 16" if mode == "md5" else "), '5'")]


ACCOUNTS = table(
    CompareColumn("abalance", "integer", "integer"),
    CompareColumn("aid", "integer", "integer"),
    CompareColumn("filler", "character(84)", "bpchar"),
)


def test_an_ordinary_table_is_hashed_as_it_is():
    assert (
        compare.row_hash(ACCOUNTS, "record", "exact", -5)
        == 'hash_record_extended(ROW(t."abalance", t."aid", t."filler"), \'-5\'::bigint)'
    )
    assert (
        compare.row_hash(ACCOUNTS, "md5", "exact", 5)
        == '(\'x\' || substr(md5(\'5 \' || ROW(t."abalance", t."aid", t."filler")::text), 1, 16))::bit(64)::bigint'
    )


def test_another_alias_and_some_columns():
    text = compare.row_hash(ACCOUNTS, "record", "exact", 5, alias="x", columns={"aid", "gone"})
    assert text == "hash_record_extended(ROW(x.\"aid\"), '5'::bigint)"
    assert "ROW()" in compare.row_hash(table(), "md5", "exact", 5)


def test_what_is_not_looked_after_is_written_by_the_function_of_its_type():
    odd = CompareColumn("a", "json", "json", output='x."{%}"')
    text = compare.row_hash(table(odd), "record", "exact", 5)
    assert text == "hash_record_extended(ROW(textin(x.U&\"{!0025}\" UESCAPE '!'(t.\"a\"))), '5'::bigint)"


def test_a_seed_is_a_number():
    with pytest.raises(ValueError, match="invalid literal"):
        compare.row_hash(ACCOUNTS, "record", "exact", "1'; DROP")


WRITTEN = "textin(textout({}))"
NAN = "float8send(CASE WHEN {0} = 'NaN' THEN 'NaN' ELSE {0} END)"
V = 't."v"'
TRIMMED = compare.TRIMMED.format(V)


@pytest.mark.parametrize(
    ("base", "exact", "sql", "md5", "md5_sql"),
    [
        ("integer", V, V, V, V),
        ("bigint", f"int8send({V})", f"int8send({V})", V, V),
        ("numeric", f"numeric_send({V})", TRIMMED, V, TRIMMED),
        ("double precision", NAN.format(V), NAN.format(f"({V} + '0')"), NAN.format(V), NAN.format(f"({V} + '0')")),
        (
            "interval",
            f"interval_send({V})",
            f"interval_send(justify_interval({V}))",
            V,
            f"interval_send(justify_interval({V}))",
        ),
        ("jsonb", WRITTEN.format(V), WRITTEN.format(V), V, V),
        ("bpchar", WRITTEN.format(V), f"{V}::text", V, f"{V}::text"),
        ("x.e", WRITTEN.format(f"{V}::x.e"), WRITTEN.format(f"{V}::x.e"), f"{V}::x.e", f"{V}::x.e"),
        (
            "x.citext",
            WRITTEN.format(f"{V}::x.citext"),
            f"lower({V}::x.citext::text)",
            f"{V}::x.citext",
            f"lower({V}::x.citext::text)",
        ),
    ],
)
def test_the_form_of_a_type(base, exact, sql, md5, md5_sql):
    assert row(base) == exact
    assert row(base, equality="sql") == sql
    assert row(base, "md5") == md5
    assert row(base, "md5", "sql") == md5_sql


def test_arrays_and_points_of_floats_are_sent_for_md5():
    array = f"CASE WHEN strpos({V}::text, 'N') > 0 THEN {V}::text ELSE encode(array_send({V}), 'hex') END"
    assert row("double precision[]", "md5") == array
    assert row("polygon", "md5") == array.replace("array_send", "poly_send")
    assert row("double precision[]") == WRITTEN.format(V)


def test_text_is_compared_by_its_bytes():
    assert row("text") == V
    assert row("text", deterministic=False) == f'{V} COLLATE "C"'
    assert row("text", equality="sql", deterministic=False) == f'{V} COLLATE "C"'


def test_char_is_hashed_as_it_is_where_all_have_one_length():
    assert row("bpchar", type="character(5)") == V


def test_a_type_of_a_user_is_no_type_of_the_system_by_its_name():
    assert row('x."integer"') == WRITTEN.format(f'{V}::x."integer"')


def test_no_text_has_a_placeholder():
    found = CompareTable('a%s"', "b%(x)s", (CompareColumn('c%%"\\', 'x."d%"', 'x."d%"'),))
    texts = [compare.row_hash(found, mode, equality, 5) for mode in ("record", "md5") for equality in ("exact", "sql")]
    assert "%" not in "".join(
        [*texts, compare.relation(found), compare.block_aggregate("record"), compare.where_known()]
    )
    assert compare.relation(found) == 'ONLY U&"a!0025s""" UESCAPE \'!\'.U&"b!0025(x)s" UESCAPE \'!\' AS t'
    assert compare.quoted('c%!%"\\') == """U&"c!0025!!!0025""\\" UESCAPE '!'"""
    assert compare.quoted('c!"\\') == '"c!""\\"'


@pytest.mark.parametrize(
    ("servers", "mode"),
    [
        ([NEW, NEW], "record"),
        ([NEW, OLD], "md5"),
        ([OLD], "md5"),
        ([NEW, Capabilities(150018, "UTF8", 7, record_hash=True, bit_xor=False, tid_range=True)], "md5"),
        ([NEW, Capabilities(150018, "UTF8", 8, record_hash=True, bit_xor=True, tid_range=True)], "md5"),
    ],
)
def test_all_servers_hash_alike(servers, mode):
    assert compare.hash_mode(iter(servers)) == mode


def test_floats_have_15_digits_where_servers_write_them_in_two_ways():
    assert compare.session_settings([NEW, NEW])["extra_float_digits"] == "3"
    assert compare.session_settings([OLD])["extra_float_digits"] == "3"
    mixed = compare.session_settings([NEW, OLD])
    assert mixed == {**compare.SESSION, "extra_float_digits": "0"}


def test_settings_go_into_the_options_of_a_connection():
    assert [value for value in compare.SESSION.values() if " " in value] == []


def test_a_block_has_a_second_hash_where_the_first_is_a_sum_over_columns():
    assert "bit_xor(hashfloat8extended(" in compare.block_aggregate("record")
    assert compare.block_aggregate("md5") == "count(*) AS rows, coalesce(sum(h), 0)::text AS total"
