# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Compare a table without any key, as a multiset of rows: how often each row is there.

Rows are counted by their hash. First in buckets of hashes, page by page, so that no node keeps a snapshot for the
whole table; then, of buckets that differ, hash by hash. A row that moves from a page to another meanwhile may be
counted twice or not at all, and looks different until it is settled. A row that rests is counted once on each node.
"""

from __future__ import annotations

import time
import typing as t

from .blocks import QUERY_SECONDS, Key
from .journal import Item, Journal
from .nodes import Nodes
from .queries import BUCKETS, TableQueries
from .verdict import Reading

PAGES = 1000
"""Pages of the first query; later ones take as many as last QUERY_SECONDS."""
MOST_HASHES = 200000
"""Rows of buckets that differ which are counted one by one; what is beyond is told as truncated."""

Sums = t.Dict[int, t.Tuple[int, int]]


class Multiset:
    """One table on all nodes."""

    def __init__(self, nodes: Nodes, queries: TableQueries, journal: Journal, item: Item) -> None:
        self._nodes = nodes
        self._queries = queries
        self._journal = journal
        self._item = item

    def scan(self) -> None:
        """Compare all of it, and note the rows that look different."""
        sums = {node: self._buckets(node) for node in self._nodes.names}
        rows = {node: sum(count for count, _sum in found.values()) for node, found in sums.items()}
        differing = [bucket for bucket in range(BUCKETS) if len({found.get(bucket) for found in sums.values()}) > 1]
        chosen: list[int] = []
        held = 0
        for bucket in differing:
            held += max(found.get(bucket, (0, 0))[0] for found in sums.values())
            if chosen and held > MOST_HASHES:
                break
            chosen.append(bucket)
        candidates: set[Key] = set()
        if chosen:
            counts = {node: self._counts(node, chosen) for node in self._nodes.names}
            every = {row for found in counts.values() for row in found}
            candidates = {(row,) for row in every if len({found.get(row) for found in counts.values()}) > 1}
        self._item.blocks = self._item.position = 1
        self._item.result = {"rows": rows, "truncated": len(chosen) < len(differing)}
        with self._journal.step():
            self._journal.add_candidates(self._item, sorted(candidates))
            self._journal.save(self._item)

    def read(self, keys: t.Sequence[Key]) -> dict[Key, Reading]:
        """Return how often rows are there now, by their hashes, and what changes when others take their places."""
        answers = self._nodes.ask(*self._queries.counts_of([key[0] for key in keys]))
        found = {
            node: {row["hash"]: (str(row["number"]), row["xmins"]) for row in rows} for node, rows in answers.items()
        }
        return {key: {node: counts.get(key[0]) for node, counts in found.items()} for key in keys}

    def values(self, hashes: t.Sequence[str]) -> dict[str, dict[str, str | None]]:
        """Return what is in the rows of some hashes, by column."""
        if not hashes:
            return {}
        answers = self._nodes.ask(*self._queries.rows_of(hashes))
        names = self._queries.column_names
        return {row["hash"]: dict(zip(names, row["values"])) for rows in answers.values() for row in rows}

    def _buckets(self, node: str) -> Sums:
        total: Sums = {}
        for rows in self._by_pages(node, self._queries.buckets):
            for row in rows:
                count, sum_ = total.get(row["bucket"], (0, 0))
                total[row["bucket"]] = (count + row["number"], sum_ + int(row["sum"]))
        return total

    def _counts(self, node: str, buckets: list[int]) -> dict[str, int]:
        total: dict[str, int] = {}
        for rows in self._by_pages(node, lambda low, high: self._queries.hashes(low, high, buckets)):
            for row in rows:
                total[row["hash"]] = total.get(row["hash"], 0) + row["number"]
        return total

    def _by_pages(
        self, node: str, query: t.Callable[[int, int | None], tuple[str, dict[str, t.Any]]]
    ) -> t.Iterator[list[dict[str, t.Any]]]:
        """Yield a query's rows for pages after pages, up to the end that the table has then."""
        first, step = 0, PAGES
        while True:
            pages = self._nodes.ask_each({node: self._queries.size()})[node][0]["pages"]
            # What is added meanwhile is behind: the last query has no end.
            last = first + step if self._queries.can_seek_pages and first + step < pages else None
            started = time.monotonic()
            yield self._nodes.ask_each({node: query(first, last)})[node]
            if last is None:
                return
            step = max(1, min(1000000, int(step * QUERY_SECONDS / max(0.001, time.monotonic() - started))))
            first = last
