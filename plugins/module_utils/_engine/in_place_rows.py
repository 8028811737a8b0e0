# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The tables whose rows are replaced, and what does it, statement by statement. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._session_types import Row, Statement

KEYS_IN_ONE_GO = 100

# Of the engine's own tables, what it replicates for global sequences; the others are about the node itself.
REPLACED = """c.relkind = 'r' AND c.relpersistence = 'p'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_'
       AND (n.nspname <> 'bdr' OR c.relname IN ('bdr_sequence_elections', 'bdr_sequence_values', 'bdr_votes'))"""

# Its columns with their places, those that were dropped as well: rows travel as they lie on disk.
TABLES = f"""
SELECT n.nspname::text AS schema, c.relname::text AS relation,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
       (SELECT md5(string_agg(concat_ws(' ', a.attname, a.attlen, a.attalign,
                                        CASE WHEN NOT a.attisdropped THEN format_type(a.atttypid, a.atttypmod) END),
                              ', ' ORDER BY a.attnum))
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS layout,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_index i
          JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey::int2[])
         WHERE i.indrelid = c.oid AND i.indisprimary) AS key
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {REPLACED}
 ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Table:
    """A table whose rows are copied. layout: its columns as they lie on disk, in short."""

    schema: str
    relation: str
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    layout: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.schema}.{self.relation}"


@dataclass(frozen=True)
class Change:
    """When rows were written and by which node, as their server knows it; origin is 0 for itself."""

    origin: int
    at: str


def table(row: Row) -> Table:
    """Return a row of TABLES."""
    return Table(
        row["schema"], row["relation"], tuple(row["columns"] or ()), tuple(row["key"] or ()), row["layout"] or ""
    )


def odd_tables(here: t.Iterable[Table], there: t.Iterable[Table]) -> list[str]:
    """Return the tables that two nodes do not have alike."""
    mine, theirs = ({str(found): found.layout for found in tables} for tables in (here, there))
    return sorted(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name))


def copying(source: Table) -> tuple[Statement, Statement]:
    """Return what reads a table on the donor, and what writes it here."""
    names = {"schema": source.schema, "relation": source.relation}
    names.update({f"c{place}": column for place, column in enumerate(source.columns)})
    columns = ", ".join(f"{{c{place}}}" for place in range(len(source.columns)))
    place = "{schema}.{relation}" + (f" ({columns})" if columns else "")
    return Statement(f"COPY {place} TO STDOUT", names), Statement(f"COPY {place} FROM STDIN", names)


def emptying(tables: t.Sequence[Table]) -> Statement:
    """Return what empties all tables at once; their old rows stay until the transaction ends."""
    names: dict[str, str] = {}
    for place, one in enumerate(tables):
        names.update({f"s{place}": one.schema, f"r{place}": one.relation})
    return Statement("TRUNCATE " + ", ".join(f"{{s{place}}}.{{r{place}}}" for place in range(len(tables))), names)


def _keyed(of: Table) -> tuple[dict[str, str], list[str]]:
    names = {"schema": of.schema, "relation": of.relation}
    names.update({f"k{place}": column for place, column in enumerate(of.key)})
    return names, [f"{{k{place}}}" for place in range(len(of.key))]


def recently_written(of: Table, seconds: int) -> Statement:
    """Return what tells the keys of rows that were written of late, and by which change."""
    names, keys = _keyed(of)
    told = ", ".join(f"{key}::text AS k{place}" for place, key in enumerate(keys))
    return Statement(
        f"SELECT {told}, (c).committime::text AS at, (c).extradata AS origin FROM ("
        f"SELECT {', '.join(keys)}, pg_get_transaction_committime_data(xmin) AS c FROM {{schema}}.{{relation}}) AS r "
        "WHERE (c).committime > clock_timestamp() - %(seconds)s * interval '1 s'",
        names,
        {"seconds": seconds},
    )


def by_change(of: Table, rows: t.Iterable[Row]) -> dict[Change, list[tuple[str, ...]]]:
    """Return the keys of recently_written() by the change that wrote them."""
    found: dict[Change, list[tuple[str, ...]]] = {}
    for row in rows:
        key = tuple(row[f"k{place}"] for place in range(len(of.key)))
        found.setdefault(Change(int(row["origin"]), row["at"]), []).append(key)
    return found


def touching(of: Table, keys: t.Sequence[tuple[str, ...]]) -> t.Iterator[Statement]:
    """Yield what writes rows again as they are, for their server to note when and by whom."""
    names, columns = _keyed(of)
    where = columns[0] if len(columns) == 1 else f"({', '.join(columns)})"
    text = f"UPDATE {{schema}}.{{relation}} SET {columns[0]} = {columns[0]} WHERE {where} IN %(keys)s"
    for start in range(0, len(keys), KEYS_IN_ONE_GO):
        some = keys[start : start + KEYS_IN_ONE_GO]
        yield Statement(text, names, {"keys": tuple(key[0] if len(columns) == 1 else key for key in some)})
