# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Rows found by their keys, as SQL: a key's text is the same on every node, and is cast back to find the row. Pure.

Of keys that SQL calls equal, such as 1.0 and 1.00, the text is the same, too. It needs the settings of a compare, see
_compare_hash.py.
"""

from __future__ import annotations

import struct
import typing as t

from ._compare_hash import FLOATS, NORMAL, TRIMMED, named, quoted, type_name, written
from ._compare_table import CompareColumn, CompareTable

Values = t.Dict[str, str]
Key = t.Tuple[str, ...]
Sql = t.Tuple[str, Values]


def key_columns(table: CompareTable, alias: str = "t") -> str:
    """Return the key's columns, to order by."""
    return ", ".join(f"{alias}.{quoted(name)}" for name in table.key)


def key_select(table: CompareTable, alias: str = "t") -> str:
    """Return the key's columns as text, k0, k1 ...: equal keys have the same text, whatever server writes it."""
    columns = [table.column(name) for name in table.key]
    return ", ".join(
        f"{_key_form(column).format(named(column, alias))} AS k{place}" for place, column in enumerate(columns)
    )


def _key_form(column: CompareColumn) -> str:
    if column.base in FLOATS:
        return f"encode({NORMAL[column.base]}, 'hex')"
    if column.base == "interval":
        return "justify_interval({})::text"
    if column.base.endswith(".citext"):
        return "lower({}::text)"
    if column.base == "bpchar":
        return "{}::text"
    return TRIMMED if column.base == "numeric" else written(column)


def readable(table: CompareTable, key: Key) -> dict[str, str]:
    """Return a key by its columns' names as a person reads it."""
    return {name: _readable(table.column(name), text) for name, text in zip(table.key, key)}


def canonical(table: CompareTable, shown: t.Mapping[str, str]) -> Key:
    """Return a key as key_select() gives it, from what readable() gave."""
    return tuple(_canonical(table.column(name), shown[name]) for name in table.key)


def _canonical(column: CompareColumn, text: str) -> str:
    if column.base in FLOATS:
        return struct.pack(">d" if column.base == "double precision" else ">f", float(text)).hex()
    return text


def _readable(column: CompareColumn, text: str) -> str:
    if column.base in FLOATS:
        raw = bytes.fromhex(text)
        return repr(struct.unpack(">d" if len(raw) == 8 else ">f", raw)[0])
    return text


def key_values(table: CompareTable, keys: t.Sequence[Key]) -> Sql:
    """Return a relation k of keys, one at least, and its values; k(k0, k1 ...) has the types of the key's columns."""
    values: Values = {}
    rows = []
    for number, key in enumerate(keys):
        typed, some = _typed(table, key, f"k{number}_")
        values.update(some)
        rows.append(f"({', '.join(typed)})")
    names = ", ".join(f"k{place}" for place in range(len(table.key)))
    return f"(VALUES {', '.join(rows)}) AS k ({names})", values


def key_match(table: CompareTable, alias: str = "t") -> str:
    """Return the condition that a row has the key k of key_values()."""
    return " AND ".join(
        f"{named(column, alias)} {_operator(column, '=')} k.k{place}"
        for place, column in enumerate(map(table.column, table.key))
    )


def range_predicate(table: CompareTable, low: Key | None, high: Key | None, alias: str = "t") -> Sql:
    """Return the condition that a row's key is low or above and below high, and its values; None is no end."""
    conditions, values = [], {}
    for comparison, prefix, bound in ((">=", "low", low), ("<", "high", high)):
        if bound is not None:
            typed, some = _typed(table, bound, prefix)
            values.update(some)
            conditions.append(_compared(table, comparison, typed, alias))
    return " AND ".join(conditions) or "true", values


def _typed(table: CompareTable, key: Key, prefix: str) -> tuple[list[str], Values]:
    columns = [table.column(name) for name in table.key]
    typed = [f"%({prefix}{place})s::{type_name(column.base)}" for place, column in enumerate(columns)]
    texts = [_readable(column, text) for column, text in zip(columns, key)]
    return typed, {f"{prefix}{place}": text for place, text in enumerate(texts)}


def _operator(column: CompareColumn, name: str) -> str:
    """Return an operator for a column; types of extensions have theirs where no search path leads."""
    return name if column.operators == "pg_catalog" else f"OPERATOR({quoted(column.operators)}.{name})"


def _compared(table: CompareTable, comparison: str, bound: t.Sequence[str], alias: str) -> str:
    """Return a comparison of the whole key, in a form that an index on it serves."""
    columns = [table.column(name) for name in table.key]
    names = [named(column, alias) for column in columns]
    if len(columns) > 1 and all(column.operators == "pg_catalog" for column in columns):
        return f"({', '.join(names)}) {comparison} ({', '.join(bound)})"
    first, strict = names[0], comparison[0]
    alternatives = []
    for place, column in enumerate(columns):
        pairs = [f"{names[p]} {_operator(columns[p], '=')} {bound[p]}" for p in range(place)]
        operator = _operator(column, comparison if column is columns[-1] else strict)
        alternatives.append(" AND ".join([*pairs, f"{names[place]} {operator} {bound[place]}"]))
    if len(columns) == 1:
        return alternatives[0]
    # The first part says nothing new, but no index serves the others.
    return f"{first} {_operator(columns[0], f'{strict}=')} {bound[0]} AND ({' OR '.join(alternatives)})"
