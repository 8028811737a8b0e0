# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a comparison has found so far, in a file of SQLite, so that it goes on where it was stopped or killed."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import typing as t
from dataclasses import dataclass, field

_SCHEMA = """
CREATE TABLE IF NOT EXISTS fact (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE IF NOT EXISTS item (
    number integer PRIMARY KEY, told text NOT NULL, estimate real NOT NULL, position integer NOT NULL DEFAULT 0,
    blocks integer, state text NOT NULL DEFAULT 'to do', result text NOT NULL DEFAULT '{}');
CREATE TABLE IF NOT EXISTS edge (item integer, number integer, key text NOT NULL, PRIMARY KEY (item, number))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS candidate (item integer, key text, PRIMARY KEY (item, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS difference (item integer, key text, told text NOT NULL, PRIMARY KEY (item, key))
    WITHOUT ROWID;
"""
TO_DO, DONE = "to do", "done"


@dataclass
class Item:
    """A table in its turn: what it is, and how many of its blocks were compared."""

    number: int
    told: dict[str, t.Any]
    estimate: float
    position: int = 0
    blocks: int | None = None
    state: str = TO_DO
    result: dict[str, t.Any] = field(default_factory=dict)


class Journal:
    """The file. What is written in one step() is there as a whole or not at all."""

    def __init__(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        # Autocommit: step() says where a transaction begins.
        self._file = sqlite3.connect(path, isolation_level=None)
        os.chmod(path, 0o600)
        self._file.execute("PRAGMA journal_mode = WAL")
        # A crash of the host may cost the last steps; they are made again.
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @contextlib.contextmanager
    def step(self) -> t.Iterator[None]:
        """Make what is written inside one transaction."""
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    # --- Facts of the whole

    def fact(self, name: str, default: t.Any = None) -> t.Any:
        """Return what was noted under a name."""
        row = self._file.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else default

    def note(self, name: str, value: t.Any) -> None:
        """Note something under a name."""
        self._file.execute("INSERT OR REPLACE INTO fact VALUES (?, ?)", (name, json.dumps(value)))

    def forget_all(self) -> None:
        """Begin anew."""
        with self.step():
            for table in ("fact", "item", "edge", "candidate", "difference"):
                self._file.execute(f"DELETE FROM {table}")

    # --- Tables

    def add_items(self, items: t.Iterable[Item]) -> None:
        """Note what there is to compare."""
        rows = [(item.number, json.dumps(item.told), item.estimate) for item in items]
        self._file.executemany("INSERT INTO item (number, told, estimate) VALUES (?, ?, ?)", rows)

    def items(self) -> list[Item]:
        """Return all tables in their order."""
        rows = self._file.execute(
            "SELECT number, told, estimate, position, blocks, state, result FROM item ORDER BY 1"
        ).fetchall()
        return [
            Item(number, json.loads(told), estimate, position, blocks, state, json.loads(result))
            for number, told, estimate, position, blocks, state, result in rows
        ]

    def save(self, item: Item) -> None:
        """Note where a table stands."""
        self._file.execute(
            "UPDATE item SET estimate = ?, position = ?, blocks = ?, state = ?, result = ? WHERE number = ?",
            (item.estimate, item.position, item.blocks, item.state, json.dumps(item.result), item.number),
        )

    # --- What belongs to a table

    def set_edges(self, item: Item, keys: t.Sequence[t.Sequence[str]]) -> None:
        """Note the edges between a table's blocks."""
        self._file.execute("DELETE FROM edge WHERE item = ?", (item.number,))
        rows = ((item.number, number, json.dumps(key)) for number, key in enumerate(keys, 1))
        self._file.executemany("INSERT INTO edge VALUES (?, ?, ?)", rows)

    def edge(self, item: Item, number: int) -> tuple[str, ...] | None:
        """Return the edge before a block, the first of which is number 0; None for the two ends of the table."""
        row = self._file.execute("SELECT key FROM edge WHERE item = ? AND number = ?", (item.number, number)).fetchone()
        return tuple(json.loads(row[0])) if row else None

    def add_candidates(self, item: Item, keys: t.Iterable[t.Sequence[str]]) -> None:
        """Note rows that looked different."""
        rows = ((item.number, json.dumps(key)) for key in keys)
        self._file.executemany("INSERT OR IGNORE INTO candidate VALUES (?, ?)", rows)

    def candidates(self, item: Item, limit: int) -> list[tuple[str, ...]]:
        """Return some of them."""
        rows = self._file.execute("SELECT key FROM candidate WHERE item = ? ORDER BY key LIMIT ?", (item.number, limit))
        return [tuple(json.loads(key)) for (key,) in rows]

    def count_candidates(self, item: Item) -> int:
        """Return how many there are."""
        query = "SELECT count(*) FROM candidate WHERE item = ?"
        return int(self._file.execute(query, (item.number,)).fetchone()[0])

    def drop_candidates(self, item: Item, keys: t.Iterable[t.Sequence[str]]) -> None:
        """Forget those that are settled."""
        rows = ((item.number, json.dumps(key)) for key in keys)
        self._file.executemany("DELETE FROM candidate WHERE item = ? AND key = ?", rows)

    def add_differences(self, item: Item, found: t.Iterable[tuple[t.Sequence[str], t.Mapping[str, t.Any]]]) -> None:
        """Note rows that are different, or could not be proven to be."""
        rows = ((item.number, json.dumps(key), json.dumps(told)) for key, told in found)
        self._file.executemany("INSERT OR REPLACE INTO difference VALUES (?, ?, ?)", rows)

    def differences(self, item: Item) -> list[dict[str, t.Any]]:
        """Return them, in the order of their keys as text."""
        query = "SELECT told FROM difference WHERE item = ? ORDER BY key"
        return [json.loads(told) for (told,) in self._file.execute(query, (item.number,))]

    def count_differences(self, item: Item) -> int:
        """Return how many there are."""
        query = "SELECT count(*) FROM difference WHERE item = ?"
        return int(self._file.execute(query, (item.number,)).fetchone()[0])
