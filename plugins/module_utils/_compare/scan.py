# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Hash a table in blocks on all nodes at once, and find which rows look different in the blocks that do."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .blocks import Key, Pace, ctids, edges, sampled_pages
from .journal import Item, Journal
from .nodes import Nodes
from .queries import TableQueries, key_of

WAYS = 8
"""Into how many parts a range that differs is divided."""
FETCHED_ROWS = 20000
"""Rows of a node that are fetched at once at most, as keys and hashes."""
ENOUGH = 5000
"""Rows that look different, after which the scan pauses until they are settled."""

End = t.Optional[Key]


@dataclass
class Range:
    """Blocks first to last, last not among them, from one key to the next; None is the table's end."""

    first: int
    last: int
    low: End
    high: End


class Scan:
    """One table on all nodes."""

    def __init__(self, nodes: Nodes, queries: TableQueries, journal: Journal, item: Item, pace: Pace) -> None:
        self._nodes = nodes
        self._queries = queries
        self._journal = journal
        self._item = item
        self._pace = pace

    def prepare(self) -> None:
        """Choose the edges between blocks, from rows of the node that has the most."""
        sizes = self._nodes.ask(*self._queries.size())
        largest = max(sorted(sizes), key=lambda node: (sizes[node][0]["rows"], sizes[node][0]["pages"]))
        pages, rows = sizes[largest][0]["pages"], sizes[largest][0]["rows"]
        sampled = ctids(sampled_pages(pages, rows))
        keys: list[Key] = []
        if sampled:
            found = self._nodes.ask_each({largest: self._queries.sample(sampled)})[largest]
            keys = [key_of(self._queries.table, row) for row in found]
        chosen = edges(keys, rows)
        self._item.estimate, self._item.blocks, self._item.position = rows, len(chosen) + 1, 0
        self._item.result = {"rows": dict.fromkeys(sizes, 0)}
        with self._journal.step():
            self._journal.set_edges(self._item, chosen)
            self._journal.save(self._item)

    def step(self) -> None:
        """Compare the next blocks, and note how far that went."""
        blocks = t.cast("int", self._item.blocks)
        part = self._range(self._item.position, min(blocks, self._item.position + self._pace.blocks()))
        started = time.monotonic()
        counts = self._hashes(part)
        self._pace.took(part.last - part.first, time.monotonic() - started)
        found: dict[Key, None] = {}
        reached = part.last if _agree(counts) else self._narrow(part, found)
        if reached < part.last:
            counts = self._hashes(self._range(part.first, reached))
        rows = self._item.result["rows"]
        for node, answer in counts.items():
            rows[node] = rows.get(node, 0) + answer[0]
        self._item.position = reached
        with self._journal.step():
            self._journal.add_candidates(self._item, found)
            self._journal.save(self._item)

    def _range(self, first: int, last: int) -> Range:
        return Range(first, last, self._journal.edge(self._item, first), self._journal.edge(self._item, last))

    def _hashes(self, part: Range) -> dict[str, tuple[int, str, str]]:
        answers = self._nodes.ask(*self._queries.block(part.low, part.high))
        return {node: (rows[0]["rows"], rows[0]["total"], rows[0].get("mixed", "")) for node, rows in answers.items()}

    def _narrow(self, part: Range, found: dict[Key, None]) -> int:
        """Find what looks different in a range that does. Return the block up to which that was done."""
        if part.last - part.first == 1:
            self._narrow_block(part, found)
            return part.last
        width = max(1, (part.last - part.first + WAYS - 1) // WAYS)
        for first in range(part.first, part.last, width):
            piece = self._range(first, min(part.last, first + width))
            if not _agree(self._hashes(piece)):
                reached = self._narrow(piece, found)
                if reached < piece.last or (len(found) >= ENOUGH and reached < part.last):
                    return reached
        return part.last

    def _narrow_block(self, part: Range, found: dict[Key, None]) -> None:
        """Fetch the keys and hashes of a block; one that is larger than it should be is divided."""
        counts = self._hashes(part)
        fullest = max(sorted(counts), key=lambda node: counts[node][0])
        rows = counts[fullest][0]
        if rows <= FETCHED_ROWS:
            found.update(dict.fromkeys(self._fetch(part)))
            return
        offset = self._queries.offset(part.low, part.high, rows // 2)
        middle = [key_of(self._queries.table, row) for row in self._nodes.ask_each({fullest: offset})[fullest]]
        if not middle or middle[0] == part.low:
            found.update(dict.fromkeys(self._fetch(part)))
            return
        for low, high in ((part.low, middle[0]), (middle[0], part.high)):
            piece = Range(part.first, part.last, low, high)
            if not _agree(self._hashes(piece)):
                self._narrow_block(piece, found)

    def _fetch(self, part: Range) -> list[Key]:
        answers = self._nodes.ask(*self._queries.rows(part.low, part.high))
        hashes = {
            node: {key_of(self._queries.table, row): row["hash"] for row in rows} for node, rows in answers.items()
        }
        every = {key for rows in hashes.values() for key in rows}
        return sorted(key for key in every if len({rows.get(key) for rows in hashes.values()}) > 1)


def _agree(answers: t.Mapping[str, tuple[int, str, str]]) -> bool:
    return len(set(answers.values())) <= 1
