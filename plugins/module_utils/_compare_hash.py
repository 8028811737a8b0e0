# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A row's hash as SQL, the same for the same row on every node. Pure.

A hash function of the server need only give the same for equals, not something else for others: numeric's leaves out
the sign, those of jsonb and of ranges build on it, and the one for eight bytes folds them into four, whatever the
seed. So only types are hashed as they are whose function was looked at; the others as the bytes they are sent as, or
as text. An enum is hashed by its label: its number is another one on each node.

No text made here has a % in it, so it means the same with values and without. It needs the settings of
session_settings() and where_known().
"""

from __future__ import annotations

import re
import typing as t

from ._compare_table import Capabilities, CompareColumn, CompareTable

RECORD, MD5 = "record", "md5"
EXACT, EQUAL = "exact", "sql"

SESSION = {
    "DateStyle": "ISO,YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "array_nulls": "on",
    "bytea_output": "hex",
    "default_transaction_read_only": "on",
    "extra_float_digits": "3",
    "lc_monetary": "C",
    "quote_all_identifiers": "off",
    "search_path": "pg_catalog,pg_temp",
    "standard_conforming_strings": "on",
    "xmloption": "content",
}
"""What each session is set to; every server knows these.

By the connection's options, not later: how strings are quoted psycopg2 asks when it connects.
"""

# Rows that a policy hides are an error, not a difference. A session takes one core, and compiles nothing.
KNOWN = {"jit": "off", "max_parallel_workers_per_gather": "0", "row_security": "off"}
SHORTEST_FLOATS = 120000
"""From this version on floats are written as the shortest text that means them, and before with all digits."""

# Looked at: the function of each mixes all bytes of a value with the seed, and nothing else.
WHOLE = frozenset(
    (
        *('"char"', "boolean", "bytea", "character varying", "cidr", "date", "inet", "integer", "macaddr", "macaddr8"),
        *("name", "oid", "smallint", "text", "uuid"),
    )
)
# What is sent stands for the value, to the last bit, and is made faster than text.
SENT = {
    "bigint": "int8send({})",
    "interval": "interval_send({})",
    "money": "cash_send({})",
    "numeric": "numeric_send({})",
    "time with time zone": "timetz_send({})",
    "time without time zone": "time_send({})",
    "timestamp with time zone": "timestamptz_send({})",
    "timestamp without time zone": "timestamp_send({})",
}
# There is more than one NaN, and they are sent as they are, but written alike.
FLOATS = {
    "double precision": "float8send(CASE WHEN {0} = 'NaN' THEN 'NaN' ELSE {0} END)",
    "real": "float4send(CASE WHEN {0} = 'NaN' THEN 'NaN' ELSE {0} END)",
}
# Of floats, too, with a text that is not the same in all versions.
_POINTS = ("box", "circle", "line", "lseg", "path", "point", "polygon")
_SEND = {**{name: f"{name}_send" for name in _POINTS}, "polygon": "poly_send"}
_ARRAYS = {f"{name}[]": "array_send" for name in (*_POINTS, *FLOATS)}
OF_FLOATS = {
    name: f"CASE WHEN strpos({{0}}::text, 'N') > 0 THEN {{0}}::text ELSE encode({send}({{0}}), 'hex') END"
    for name, send in {**_SEND, **_ARRAYS}.items()
}

TRIMMED = "CASE WHEN strpos({0}::text, '.') > 0 THEN rtrim(rtrim({0}::text, '0'), '.') ELSE {0}::text END"
# Of values that are the same in SQL though not in writing, the one that stands for all.
NORMAL = {
    "bpchar": "{}::text",
    "double precision": FLOATS["double precision"].format("({0} + '0')"),
    "interval": "interval_send(justify_interval({}))",
    "numeric": TRIMMED,
    "real": FLOATS["real"].format("({0} + '0')"),
}


def quoted(name: str) -> str:
    """Return an identifier in quotes. With a % it is spelled so that no driver takes that for a placeholder."""
    return _percent_free('"{}"'.format(name.replace('"', '""')))


def _percent_free(identifier: str) -> str:
    # Where it ends is said: old servers take no end of input for that.
    if "%" not in identifier:
        return identifier
    return "U&{} UESCAPE '!'".format(identifier.replace("!", "!!").replace("%", "!0025"))


def type_name(name: str) -> str:
    """Return the name of a type or a function, as the server gave it, without a %."""
    return re.sub(r'"(?:[^"]|"")*"', lambda found: _percent_free(found.group()), name)


def relation(table: CompareTable, alias: str = "t") -> str:
    """Return a table for FROM: without those that inherit from it, which are compared by themselves."""
    return f"ONLY {quoted(table.schema)}.{quoted(table.name)} AS {alias}"


# --- Sessions -------------------------------------------------------------------------------------


def session_settings(servers: t.Iterable[Capabilities]) -> dict[str, str]:
    """Return the settings of every session of a compare of these servers.

    Where old and new ones write floats each in another way, 15 digits have to do; only floats within composites and
    ranges of the user's own are hashed as they are written then.
    """
    mixed = len({server.version >= SHORTEST_FLOATS for server in servers}) > 1
    return {**SESSION, "extra_float_digits": "0" if mixed else SESSION["extra_float_digits"]}


def where_known() -> str:
    """Return the query that makes the settings that not all servers know, behind the others."""
    values = ", ".join(f"('{name}', '{value}')" for name, value in sorted(KNOWN.items()))
    return (
        f"SELECT set_config(s.name, v.value, false) FROM (VALUES {values}) v (name, value)"
        " JOIN pg_settings s ON s.name = v.name"
    )


def hash_mode(servers: t.Iterable[Capabilities]) -> str:
    """Return how to hash on these servers: by their own hash of a record, where all have it and it is the same."""
    found = list(servers)
    able = all(server.record_hash and server.bit_xor for server in found)
    return RECORD if able and len({server.sample for server in found}) == 1 else MD5


def named(column: CompareColumn, alias: str) -> str:
    """Return a column; of a domain of a user's type servers can do less with than with the type."""
    name = f"{alias}.{quoted(column.name)}"
    return f"{name}::{type_name(column.base)}" if "." in column.base else name


def written(column: CompareColumn) -> str:
    """Return the form of a column as text, by no cast, which users may have defined otherwise."""
    function = type_name(column.output).replace("{", "{{").replace("}", "}}")
    return f"textin({function}({{}}))"


# --- Hashes ---------------------------------------------------------------------------------------


def row_hash(
    table: CompareTable,
    mode: str,
    equality: str,
    seed: int,
    alias: str = "t",
    columns: t.Collection[str] | None = None,
) -> str:
    """Return the hash of a row, a bigint; columns narrows it down to some."""
    chosen = [column for column in table.columns if columns is None or column.name in columns]
    parts = [_part(column, mode, equality).format(named(column, alias)) for column in chosen]
    row = f"ROW({', '.join(parts)})"
    if mode == MD5:
        return f"('x' || substr(md5('{int(seed)} ' || {row}::text), 1, 16))::bit(64)::bigint"
    return f"hash_record_extended({row}, '{int(seed)}'::bigint)"


def _part(column: CompareColumn, mode: str, equality: str) -> str:
    """Return the form of a column in the row to hash."""
    if equality == EQUAL:
        if column.base in NORMAL:
            return NORMAL[column.base]
        if column.base.endswith(".citext"):
            return "lower({}::text)"
    if mode == MD5:
        return FLOATS.get(column.base) or OF_FLOATS.get(column.base, "{}")
    if column.base in WHOLE or column.type.startswith("character("):
        return "{}" if column.deterministic else '{} COLLATE "C"'
    return SENT.get(column.base) or FLOATS.get(column.base) or written(column)


def block_aggregate(mode: str) -> str:
    """Return what stands for a block of rows; their hashes h come from a subquery that ends in OFFSET 0.

    The server's hash of a record is a sum over its columns, so values that two rows exchange leave the sum of rows as
    it was. They do not leave the second hash over each. md5 needs nothing beside the sum.
    """
    total = "count(*) AS rows, coalesce(sum(h), 0)::text AS total"
    if mode == MD5:
        return total
    return f"{total}, coalesce(bit_xor(hashfloat8extended(h::float8, 0)), 0)::text AS mixed"
