# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What there is to compare: the tables of a database as a server describes them, and what all nodes have of one. Pure.

The queries run on servers from 9.3 on, under SESSION of _compare_hash.py: types of the system come without a schema,
all others with one. What newer catalogs have is asked through JSON, where a column that is not there is null.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, replace

from ._schema_sql import NO_MEMBER, OURS
from ._session_types import Row

# Nothing in the catalog tells of scans by ranges of ctid: they came with the same release as bit_xor().
CAPABILITIES = """
SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
       hashtext('pgbdr') AS sample,
       EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'hash_record_extended') AS record_hash,
       EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'bit_xor' AND proargtypes = '20') AS bit_xor,
       EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'bit_xor' AND proargtypes = '20') AS tid_range
"""

# Ordinary tables only, so of a partitioned one its leaves. %(tables)s is null or JSON, [["schema", "name"], ...].
# Unique indexes come where all that they are on are columns that are never null.
TABLES = f"""
WITH RECURSIVE domains (type, base) AS (
    SELECT y.oid, b.oid FROM pg_type y JOIN pg_type b ON b.oid = y.typbasetype
     WHERE y.typtype = 'd' AND b.typtype <> 'd'
    UNION ALL
    SELECT y.oid, d.base FROM pg_type y JOIN domains d ON d.type = y.typbasetype WHERE y.typtype = 'd'
), operators (type, schema) AS (
    SELECT o.opcintype,
           CASE WHEN EXISTS (SELECT 1 FROM pg_amop a JOIN pg_operator p ON p.oid = a.amopopr
                              WHERE a.amopfamily = o.opcfamily AND a.amoplefttype = o.opcintype AND p.oprname = '>=')
                THEN n.nspname::text ELSE '' END
      FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod JOIN pg_namespace n ON n.oid = o.opcnamespace
     WHERE o.opcdefault AND m.amname = 'btree' AND n.nspname <> 'pg_catalog'
), nondeterministic (id) AS (
    SELECT o.oid FROM pg_collation o WHERE row_to_json(o)->>'collisdeterministic' = 'false'
)
SELECT n.nspname::text AS schema, c.relname::text AS name,
       pg_relation_size(c.oid) / current_setting('block_size')::int AS pages, c.relpages::int8 AS known_pages,
       c.reltuples::float8 AS known_rows, has_table_privilege(c.oid, 'SELECT') AS readable,
       (SELECT json_agg(row_to_json(k)) FROM (
            SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
                   format_type(y.oid, -1) AS base, a.attnotnull AS not_null,
                   a.attcollation NOT IN (SELECT x.id FROM nondeterministic x) AS deterministic,
                   coalesce(a.atthasdef AND row_to_json(a)->>'attgenerated' IN ('s', 'v'), false) AS generated,
                   coalesce(o.schema, 'pg_catalog') AS operators, y.typoutput::text AS output
              FROM pg_attribute a LEFT JOIN domains d ON d.type = a.atttypid
              JOIN pg_type y ON y.oid = coalesce(d.base, a.atttypid) LEFT JOIN operators o ON o.type = y.oid
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) k) AS columns,
       (SELECT json_agg(row_to_json(k)) FROM (
            SELECT i.indisprimary AS is_primary, json_agg(a.attname ORDER BY p.place) AS columns
              FROM pg_index i CROSS JOIN LATERAL
                   generate_series(0, coalesce((row_to_json(i)->>'indnkeyatts')::int, i.indnatts) - 1) AS p (place)
              JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[p.place]
             WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND (i.indimmediate OR i.indisprimary)
               AND i.indpred IS NULL AND i.indexprs IS NULL
             GROUP BY i.indexrelid, i.indisprimary
            HAVING bool_and(a.attnotnull AND a.attnum > 0)) k) AS keys
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND {OURS} AND {NO_MEMBER}
   AND (%(tables)s IS NULL OR EXISTS (SELECT 1 FROM json_array_elements(%(tables)s::json) w
                                       WHERE w->>0 = n.nspname::text AND w->>1 = c.relname::text))
 ORDER BY n.nspname, c.relname
"""

NAMES_EACH = 5
"""So many nodes are named in a note; a hundred nodes would fill a page."""


@dataclass(frozen=True)
class Capabilities:
    """What a server can do for a compare. sample: a hash that depends on the machine's byte order."""

    version: int
    encoding: str
    sample: int
    record_hash: bool
    bit_xor: bool
    tid_range: bool


@dataclass(frozen=True)
class CompareColumn:
    """A column. base: its type without domains and lengths. output: the function that writes it.

    operators: the schema of the type's comparisons, "" where they have other names, so that it is in no key.
    """

    name: str
    type: str
    base: str
    not_null: bool = False
    deterministic: bool = True
    generated: bool = False
    operators: str = "pg_catalog"
    output: str = "textout"


@dataclass(frozen=True)
class CompareTable:
    """A table, its columns by name. key is one of keys, the primary key where key_kind says so."""

    schema: str
    name: str
    columns: tuple[CompareColumn, ...]
    key: tuple[str, ...] = ()
    key_kind: str = "none"
    keys: tuple[tuple[str, ...], ...] = ()
    pages: int = 0
    rows_estimate: float = 0.0
    readable: bool = True

    def column(self, name: str) -> CompareColumn:
        """Return a column by its name."""
        return next(column for column in self.columns if column.name == name)


def capabilities(row: Row) -> Capabilities:
    """Return what a server can do, from a row of CAPABILITIES."""
    return Capabilities(**row)


def wanted(schemas: t.Sequence[str] = (), tables: t.Sequence[tuple[str, str]] = ()) -> Row:
    """Return the values of TABLES: all, or those of some schemas, or some by schema and name."""
    return {"schemas": list(schemas) or None, "tables": json.dumps(list(map(list, tables))) if tables else None}


def table(row: Row) -> CompareTable:
    """Return a table as a row of TABLES describes it; JSON comes parsed."""
    columns = sorted((CompareColumn(**column) for column in row["columns"] or ()), key=lambda column: column.name)
    odd = {column.name for column in columns if not column.operators}
    found = [(tuple(key["columns"]), key["is_primary"]) for key in row["keys"] or () if odd.isdisjoint(key["columns"])]
    primary = next((key for key, is_primary in found if is_primary), ())
    keys = tuple(sorted({key for key, _is_primary in found}, key=_ease))
    key = primary or next(iter(keys), ())
    return CompareTable(
        schema=row["schema"],
        name=row["name"],
        columns=tuple(columns),
        key=key,
        key_kind=("primary" if primary else "unique") if key else "none",
        keys=keys,
        pages=row["pages"] or 0,
        rows_estimate=_rows(row),
        readable=row["readable"],
    )


def _ease(key: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
    return len(key), key


def _rows(row: Row) -> float:
    """Return how many rows there may be, by what was counted last; 0.0 where nothing ever was."""
    pages, known_pages, known_rows = row["pages"] or 0, row["known_pages"], row["known_rows"]
    return float(known_rows / known_pages * pages) if known_pages > 0 and known_rows > 0 else 0.0


def common(tables: t.Mapping[str, CompareTable]) -> tuple[CompareTable, tuple[str, ...]]:
    """Return what all nodes have of a table, and notes of what they have not; tables are by node.

    A column is common where its base type is: whether one node allows more characters is no matter of the rows.
    """
    first = next(iter(tables.values()))
    columns: list[CompareColumn] = []
    notes: list[str] = []
    for name in sorted({column.name for each in tables.values() for column in each.columns}):
        found = {node: column for node, each in tables.items() for column in each.columns if column.name == name}
        merged, note = _merged(found, [node for node in tables if node not in found])
        columns += [merged] if merged else []
        notes += [note] if note else []
    key, kind, key_note = _common_key(tables, {column.name for column in columns})
    return (
        replace(
            first,
            columns=tuple(columns),
            key=key,
            key_kind=kind,
            keys=(key,) if key else (),
            pages=max(each.pages for each in tables.values()),
            rows_estimate=max(each.rows_estimate for each in tables.values()),
            readable=all(each.readable for each in tables.values()),
        ),
        (*notes, *key_note),
    )


def _merged(found: t.Mapping[str, CompareColumn], missing: t.Sequence[str]) -> tuple[CompareColumn | None, str]:
    """Return a column as all nodes have it, None where they do not, and what there is to say of that."""
    columns = list(found.values())
    first = columns[0]
    if missing:
        return None, f"column {first.name} is not compared: it is missing on {_few(missing)}"
    by_type: dict[str, list[str]] = {}
    for node, column in found.items():
        by_type.setdefault(column.type, []).append(node)
    types = ", ".join(f"{spelled} on {_few(nodes)}" for spelled, nodes in by_type.items())
    if len({column.base for column in columns}) > 1:
        return None, f"column {first.name} is not compared: it is {types}"
    merged = replace(
        first,
        type=first.type if len(by_type) == 1 else first.base,
        not_null=all(column.not_null for column in columns),
        deterministic=all(column.deterministic for column in columns),
        generated=any(column.generated for column in columns),
    )
    return merged, "" if len(by_type) == 1 else f"column {first.name} is {types}"


def _common_key(tables: t.Mapping[str, CompareTable], names: set[str]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Return the key that finds a row on every node, its kind, and a note where nodes have it otherwise."""
    first = next(iter(tables.values()))
    same_columns = {frozenset(each.key) for each in tables.values()}
    primary = len(same_columns) == 1 and all(each.key_kind == "primary" for each in tables.values())
    if primary and names.issuperset(first.key):
        return first.key, "primary", ()
    shared = set.intersection(*({frozenset(key) for key in each.keys} for each in tables.values()))
    key: tuple[str, ...] = next((key for key in first.keys if frozenset(key) in shared and names.issuperset(key)), ())
    if key:
        return key, "unique", (f"rows are found by {', '.join(key)}: nodes have no primary key in common",)
    if any(each.keys for each in tables.values()):
        return (), "none", ("rows are not found by a key: nodes have none in common",)
    return (), "none", ()


def _few(nodes: t.Sequence[str]) -> str:
    more = len(nodes) - NAMES_EACH
    return ", ".join(nodes[:NAMES_EACH]) + (f" and {more} more" if more > 0 else "")


def fingerprint(found: CompareTable) -> str:
    """Return a digest of what a hash of its rows depends on: a change between two looks shows."""
    columns = [[column.name, column.type, column.base, column.deterministic] for column in found.columns]
    text = json.dumps([found.schema, found.name, columns, found.key, found.key_kind])
    return hashlib.sha256(text.encode()).hexdigest()
