# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The queries that compare one table. Pure: text and values; values are never empty, so that every % is doubled."""

from __future__ import annotations

import typing as t

from .. import _compare_hash as rows_as_sql
from .. import _compare_keys as keys_as_sql
from .._compare_table import CompareTable
from .blocks import Key
from .hashing import Hashing, Probed

Asked = t.Tuple[str, t.Dict[str, t.Any]]
End = t.Optional[Key]

BUCKETS = 4096
SHOWN_CHARACTERS = 200
"""How much of a value is told."""
_ALWAYS = {"all": True}

_SIZE = """
SELECT s.pages, CASE WHEN c.reltuples > 0 AND c.relpages > 0 THEN c.reltuples::float8 / c.relpages ELSE 60 END * s.pages
       AS rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
       LATERAL (SELECT pg_relation_size(c.oid) / current_setting('block_size')::int8 AS pages) s
 WHERE n.nspname = %(schema)s AND c.relname = %(name)s
"""

COMMITTED = {
    "timestamp": "pg_xact_commit_timestamp(t.xmin)::text",
    "committime": "pg_get_transaction_committime(t.xmin)::text",
    "": "NULL::text",
}
"""How a server tells when a row was committed, by what was probed of it."""
# '' for the node itself.
ORIGIN = {
    "origin": "(SELECT CASE WHEN x.roident = 0 THEN '' ELSE o.roname END FROM pg_xact_commit_timestamp_origin(t.xmin) x"
    " LEFT JOIN pg_replication_origin o ON o.roident = x.roident)",
    "": "NULL::text",
}


def key_of(table: CompareTable, row: t.Mapping[str, t.Any]) -> Key:
    """Return the key of a row that a query here gave."""
    return tuple(row[f"k{place}"] for place in range(len(table.key)))


class TableQueries:
    """A table as it is on all nodes, how its rows are hashed, and which of them are looked at."""

    def __init__(self, table: CompareTable, hashing: Hashing, where: str, probed: t.Mapping[str, Probed]) -> None:
        self.table = table
        self._mode = hashing.mode
        self._probed = probed
        # The line's end: a filter may close with a comment.
        self._where = f"({where.replace('%', '%%')}\n)" if where else "true"
        self._hash = rows_as_sql.row_hash(table, hashing.mode, hashing.equality, hashing.seed)
        self._of_column = [
            rows_as_sql.row_hash(table, hashing.mode, hashing.equality, hashing.seed, columns=[column.name])
            for column in table.columns
        ]
        self._from = rows_as_sql.relation(table)
        self._select = keys_as_sql.key_select(table)
        self._order = keys_as_sql.key_columns(table)
        self.column_names = [column.name for column in table.columns]
        self.has_key = bool(table.key)
        self.can_seek_pages = all(each.can.tid_range for each in probed.values())

    def size(self) -> Asked:
        """Pages, and about how many rows."""
        return _SIZE, {"schema": self.table.schema, "name": self.table.name}

    def sample(self, ctids: t.Sequence[str]) -> Asked:
        """Keys of the rows at some places, in their order."""
        text = f"SELECT {self._select} FROM {self._from} WHERE t.ctid = ANY(%(ctids)s::tid[]) AND {self._where}"
        return f"{text} ORDER BY {self._order}", {"ctids": list(ctids)}

    def block(self, low: End, high: End) -> Asked:
        """Count and hashes of the rows from one key to another, which is not among them."""
        condition, values = self._between(low, high)
        # OFFSET 0: the hash is computed once a row, not once an aggregate.
        aggregate = rows_as_sql.block_aggregate(self._mode)
        return (
            f"SELECT {aggregate} FROM (SELECT {self._hash} AS h FROM {self._from} WHERE {condition} OFFSET 0) s",
            values,
        )

    def rows(self, low: End, high: End) -> Asked:
        """Keys and hashes of the same rows."""
        condition, values = self._between(low, high)
        return f"SELECT {self._select}, ({self._hash})::text AS hash FROM {self._from} WHERE {condition}", values

    def offset(self, low: End, high: End, rows: int) -> Asked:
        """The key behind so many of the same rows."""
        condition, values = self._between(low, high)
        text = f"SELECT {self._select} FROM {self._from} WHERE {condition} ORDER BY {self._order}"
        return f"{text} OFFSET %(rows)s LIMIT 1", {**values, "rows": rows}

    def lookup(self, keys: t.Sequence[Key]) -> Asked:
        """Which of some rows are there: key, hash and writing transaction."""
        return self._of_keys(f"{self._select}, ({self._hash})::text AS hash, t.xmin::text AS xmin", keys)

    def details(self, node: str, keys: t.Sequence[Key]) -> Asked:
        """What is in some rows of a node, and when they were committed: what a person wants to see."""
        marks = ", ".join(f"({text})::text" for text in self._of_column)
        probed = self._probed[node]
        return self._of_keys(
            f"{self._select}, {self._shown()} AS values, ARRAY[{marks}]::text[] AS marks,"
            f" {COMMITTED[probed.committed]} AS committed, {ORIGIN[probed.origin]} AS origin",
            keys,
        )

    def buckets(self, first: int, last: int | None) -> Asked:
        """Count and sum of the hashes in each bucket, of pages up to the last, which is not among them."""
        condition, values = self._pages(first, last)
        return (
            f"SELECT (h & {BUCKETS - 1})::int AS bucket, count(*) AS number, sum(h) AS sum"
            f" FROM (SELECT {self._hash} AS h FROM {self._from} WHERE {condition} OFFSET 0) s GROUP BY 1",
            values,
        )

    def hashes(self, first: int, last: int | None, buckets: t.Sequence[int]) -> Asked:
        """How often each hash of some buckets is there, in the same pages."""
        condition, values = self._pages(first, last)
        return (
            f"SELECT h::text AS hash, count(*) AS number FROM (SELECT {self._hash} AS h FROM {self._from}"
            f" WHERE {condition} OFFSET 0) s WHERE (h & {BUCKETS - 1}) = ANY(%(buckets)s) GROUP BY 1",
            {**values, "buckets": list(buckets)},
        )

    def counts_of(self, hashes: t.Sequence[str]) -> Asked:
        """How often some hashes are there in the whole table, and a sum of the transactions that wrote their rows."""
        return (
            "SELECT h::text AS hash, count(*) AS number, sum(x)::text AS xmins"
            f" FROM (SELECT {self._hash} AS h, t.xmin::text::int8 AS x FROM {self._from}"
            f" WHERE {self._where} OFFSET 0) s WHERE h = ANY(%(hashes)s::int8[]) GROUP BY 1",
            {"hashes": list(hashes)},
        )

    def rows_of(self, hashes: t.Sequence[str]) -> Asked:
        """What is in a row of each of some hashes."""
        return (
            f"SELECT DISTINCT ON (1) s.h::text AS hash, s.values FROM (SELECT {self._hash} AS h,"
            f" {self._shown()} AS values FROM {self._from} WHERE {self._where} OFFSET 0) s"
            " WHERE s.h = ANY(%(hashes)s::int8[])",
            {"hashes": list(hashes)},
        )

    def _shown(self) -> str:
        names = [f"t.{rows_as_sql.quoted(name)}" for name in self.column_names]
        return f"ARRAY[{', '.join(f'left({name}::text, {SHOWN_CHARACTERS})' for name in names)}]::text[]"

    def _between(self, low: End, high: End) -> Asked:
        condition, values = keys_as_sql.range_predicate(self.table, low, high)
        return f"{condition} AND {self._where}", {**_ALWAYS, **values}

    def _of_keys(self, what: str, keys: t.Sequence[Key]) -> Asked:
        wanted, values = keys_as_sql.key_values(self.table, keys)
        match = keys_as_sql.key_match(self.table)
        return f"SELECT {what} FROM {wanted} JOIN {self._from} ON {match} WHERE {self._where}", {**values}

    def _pages(self, first: int, last: int | None) -> Asked:
        if not self.can_seek_pages:
            return self._where, {**_ALWAYS}
        parts = [self._where, "t.ctid >= %(first)s::tid"]
        values: dict[str, t.Any] = {"first": f"({first},0)"}
        if last is not None:
            parts.append("t.ctid < %(last)s::tid")
            values["last"] = f"({last},0)"
        return " AND ".join(parts), values
