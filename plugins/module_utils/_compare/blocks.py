# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which rows a query looks at: edges between blocks of keys, and how many blocks one query takes. Pure."""

from __future__ import annotations

import typing as t

Key = t.Tuple[str, ...]
"""A row's key, each column as text."""

BLOCK_ROWS = 5000
"""About how many rows lie between two neighbouring edges."""
SAMPLES = 4
"""Pages looked at for each block: more make blocks more even, and cost reads."""
TUPLES = 2
"""Line pointers looked at on each of those pages: the first ones may be dead."""
QUERY_SECONDS = 0.3
"""How long one query should take. A node keeps no older snapshot than that."""
MOST_BLOCKS = 2000
_WEIGHT = 0.3


def sampled_pages(pages: int, rows: float) -> list[int]:
    """Return pages spread evenly over a table of so many pages and rows."""
    wanted = min(pages, int(rows / BLOCK_ROWS) * SAMPLES)
    return [pages * place // wanted for place in range(wanted)]


def edges(keys: t.Sequence[Key], rows: float) -> list[Key]:
    """Return which of the sampled keys, in their order, part the table into blocks; each key once."""
    each = list(dict.fromkeys(keys))
    blocks = max(1, int(rows / BLOCK_ROWS))
    return list(dict.fromkeys(each[len(each) * place // blocks] for place in range(1, blocks) if each))


def ctids(pages: t.Iterable[int]) -> list[str]:
    """Return the places of the first rows of pages, as text of type tid."""
    return [f"({page},{tuple_})" for page in pages for tuple_ in range(1, TUPLES + 1)]


class Pace:
    """How many blocks a query takes so that it lasts QUERY_SECONDS; an average that forgets."""

    def __init__(self, blocks_per_second: float = 0) -> None:
        self.blocks_per_second = blocks_per_second

    def blocks(self) -> int:
        """Return how many blocks the next query takes."""
        return max(1, min(MOST_BLOCKS, int(self.blocks_per_second * QUERY_SECONDS)))

    def took(self, blocks: int, seconds: float) -> None:
        """Learn from a query."""
        rate = blocks / max(seconds, 0.0001)
        if self.blocks_per_second:
            rate = (1 - _WEIGHT) * self.blocks_per_second + _WEIGHT * min(rate, 4 * self.blocks_per_second)
        self.blocks_per_second = rate
