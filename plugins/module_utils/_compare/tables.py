# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""One table: what is to be done next with it, whichever way it is compared."""

from __future__ import annotations

import typing as t

from .._compare_keys import readable
from . import outcome
from .blocks import Key, Pace
from .journal import DONE, Item, Journal
from .keyless import Multiset
from .nodes import Nodes
from .queries import TableQueries, key_of
from .scan import ENOUGH, Scan
from .settle import BATCH, Fences, Settled, settle
from .verdict import Candidate, Reading


class TableWork:
    """A table that is there on two nodes at least."""

    def __init__(
        self, nodes: Nodes, queries: TableQueries, journal: Journal, item: Item, fences: Fences, most: int, pace: Pace
    ) -> None:
        self._nodes = nodes
        self._queries = queries
        self._journal = journal
        self._item = item
        self._fences = fences
        self._most = most
        self._scan = Scan(nodes, queries, journal, item, pace)
        self._multiset = Multiset(nodes, queries, journal, item)

    def step(self, keys: t.Sequence[Key]) -> None:
        """Do what comes next: a part of the scan, or rows to settle. keys: look at these rows only."""
        waiting = self._journal.count_candidates(self._item)
        if self._item.blocks is None:
            self._begin(keys)
        elif waiting and (waiting >= ENOUGH or self._is_scanned()):
            self._settle()
        elif not self._is_scanned():
            self._scan.step()
        else:
            self._finish()

    def _begin(self, keys: t.Sequence[Key]) -> None:
        if not self._queries.has_key:
            self._multiset.scan()
        elif keys:
            self._item.blocks = self._item.position = 1
            self._item.estimate = len(keys)
            self._item.result = {"rows": {}}
            with self._journal.step():
                self._journal.add_candidates(self._item, keys)
                self._journal.save(self._item)
        else:
            self._scan.prepare()

    def _is_scanned(self) -> bool:
        return self._item.position >= (self._item.blocks or 0)

    def _settle(self) -> None:
        keys = self._journal.candidates(self._item, BATCH)
        has_key = self._queries.has_key
        settled = settle(keys, self._read if has_key else self._multiset.read, self._fences, uncounted=not has_key)
        found = self._explained(settled)
        with self._journal.step():
            self._journal.drop_candidates(self._item, keys)
            self._journal.add_differences(self._item, found)
            if self._journal.count_differences(self._item) >= self._most:
                # Enough to know: what else looked different is left, and so is the rest of the table.
                self._item.result["truncated"] = True
                self._item.position = self._item.blocks or 0
                self._journal.drop_candidates(self._item, self._journal.candidates(self._item, -1))
            self._journal.save(self._item)

    def _read(self, keys: t.Sequence[Key]) -> dict[Key, Reading]:
        found: dict[Key, Reading] = {key: dict.fromkeys(self._nodes.names) for key in keys}
        for node, rows in self._nodes.ask(*self._queries.lookup(keys)).items():
            for row in rows:
                found.setdefault(key_of(self._queries.table, row), dict.fromkeys(self._nodes.names))
                found[key_of(self._queries.table, row)][node] = (row["hash"], row["xmin"])
        return found

    def _explained(self, settled: Settled) -> list[tuple[Key, dict[str, t.Any]]]:
        judged: list[tuple[Candidate, str]] = [(each, "") for each in settled.different] + settled.unproven
        keys = [each.key for each, _reason in judged]
        if not self._queries.has_key:
            values = self._multiset.values([key[0] for key in keys])
            return [
                (each.key, outcome.of_multiset(each, reason, values.get(each.key[0], {}))) for each, reason in judged
            ]
        details: dict[Key, dict[str, t.Any]] = {key: {} for key in keys}
        if keys:
            asked = {node: self._queries.details(node, keys) for node in self._nodes.names}
            for node, rows in self._nodes.ask_each(asked).items():
                for row in rows:
                    details[key_of(self._queries.table, row)][node] = row
        names = self._queries.column_names
        return [
            (each.key, outcome.of_row(each, reason, readable(self._queries.table, each.key), names, details[each.key]))
            for each, reason in judged
        ]

    def _finish(self) -> None:
        rows = self._journal.differences(self._item)
        told = {**self._item.told, **self._item.result}
        self._item.result = {**self._item.result, **outcome.of_table(self._nodes.names, rows, told)}
        self._item.state = DONE
        with self._journal.step():
            self._journal.save(self._item)
