# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scan finds each row that differs, whatever the blocks: tables in memory, and the journal as it is."""

from __future__ import annotations

import random
import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare import keyless, scan
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.blocks import Pace
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.journal import Item, Journal
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.keyless import Multiset
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.scan import Scan
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare_table import CompareColumn, CompareTable

Row = dict[str, t.Any]
Rows = dict[int, int]
TABLE = CompareTable("public", "city", (CompareColumn("id", "integer", "integer"),), ("id",), "primary")
BLOCK, FETCHED, ENOUGH = 10, 40, 60


def number(key: tuple[str, ...] | None) -> int | None:
    return None if key is None else int(key[0])


class Queries:
    """Queries as functions of a table's rows, from number to content, in order."""

    table = TABLE

    def size(self) -> t.Any:
        return lambda rows: [{"pages": len(rows) // 4 + 1, "rows": float(len(rows))}], {}

    def sample(self, ctids: t.Sequence[str]) -> t.Any:
        return lambda rows: [{"k0": str(key)} for key in list(rows)[:: max(1, len(rows) // (len(ctids) or 1))]], {}

    @staticmethod
    def between(rows: Rows, low: t.Any, high: t.Any) -> list[int]:
        first, end = number(low), number(high)
        return [key for key in rows if (first is None or first <= key) and (end is None or key < end)]

    def block(self, low: t.Any, high: t.Any) -> t.Any:
        def answer(rows: Rows) -> list[Row]:
            found = [hash((key, rows[key])) for key in self.between(rows, low, high)]
            return [{"rows": len(found), "total": str(sum(found))}]

        return answer, {}

    def rows(self, low: t.Any, high: t.Any) -> t.Any:
        return lambda rows: [{"k0": str(key), "hash": str(rows[key])} for key in self.between(rows, low, high)], {
            "rows": (low, high)
        }

    def offset(self, low: t.Any, high: t.Any, place: int) -> t.Any:
        return lambda rows: [{"k0": str(key)} for key in self.between(rows, low, high)[place : place + 1]], {}


class Nodes:
    """The tables of some nodes; what was fetched is counted."""

    def __init__(self, tables: dict[str, Rows]) -> None:
        self.tables = tables
        self.names = sorted(tables)
        self.most_fetched = 0

    def ask(self, query: t.Any, values: t.Any) -> dict[str, list[Row]]:
        return self.ask_each(dict.fromkeys(self.names, (query, values)))

    def ask_each(self, queries: t.Any) -> dict[str, list[Row]]:
        found = {node: query(self.tables[node]) for node, (query, _values) in queries.items()}
        if any("rows" in values for _query, values in queries.values()):
            self.most_fetched = max(self.most_fetched, *map(len, found.values()))
        return found


@pytest.fixture
def journal(tmp_path) -> t.Iterator[Journal]:
    found = Journal(str(tmp_path / "compare" / "journal.sqlite"))
    yield found
    found.close()


@pytest.fixture(autouse=True)
def small(monkeypatch) -> None:
    """Make blocks, and what is fetched at once, small."""
    monkeypatch.setattr("ansible_collections.pgbdr.bdr.plugins.module_utils._compare.blocks.BLOCK_ROWS", BLOCK)
    monkeypatch.setattr(scan, "FETCHED_ROWS", FETCHED)
    monkeypatch.setattr(scan, "ENOUGH", ENOUGH)


def tables(chance: random.Random) -> dict[str, Rows]:
    """Return the rows of two to four nodes: equal, or with some changed, missing or added, in heaps or all over."""
    rows = {key: chance.randrange(100) for key in chance.sample(range(2000), chance.choice([0, 1, 30, 300, 900]))}
    found = {node: dict(rows) for node in "abcd"[: chance.randint(2, 4)]}
    low = chance.randrange(2000)
    for _change in range(chance.choice([0, 1, 1, 5, 100])):
        node = chance.choice(sorted(found))
        key = chance.choice([chance.randint(-5, 2100), low + chance.randrange(150)])
        if chance.random() < 0.3:
            found[node].pop(key, None)
        else:
            found[node][key] = chance.randrange(100)
    if chance.random() < 0.2:
        # All of a part that was written behind the statistics: one block that is far too large.
        found[chance.choice(sorted(found))].update({3000 + key: key for key in range(chance.choice([50, 300]))})
    if chance.random() < 0.1:
        found[chance.choice(sorted(found))].clear()
    return {node: dict(sorted(rows.items())) for node, rows in found.items()}


def differing(found: dict[str, Rows]) -> set[tuple[str, ...]]:
    every = {key for rows in found.values() for key in rows}
    return {(str(key),) for key in every if len({rows.get(key) for rows in found.values()}) > 1}


def test_every_row_that_differs_is_found_and_no_other(journal):
    """Stopped and gone on with after any step, at any pace, with a journal that is settled when there is enough."""
    most = 0
    for seed in range(60):
        chance = random.Random(seed)
        nodes = Nodes(tables(chance))
        item = Item(seed, {}, 0.0)
        with journal.step():
            journal.add_items([item])
        pace = Pace(chance.choice([0, 10, 100, 1e6]))
        Scan(t.cast("t.Any", nodes), t.cast("t.Any", Queries()), journal, item, pace).prepare()
        found: set[tuple[str, ...]] = set()
        while True:
            item = journal.items()[-1]
            if item.position >= t.cast("int", item.blocks):
                break
            work = Scan(t.cast("t.Any", nodes), t.cast("t.Any", Queries()), journal, item, pace)
            before = item.position
            work.step()
            assert item.position > before, seed
            most = max(most, journal.count_candidates(item))
            if journal.count_candidates(item) >= ENOUGH:
                some = journal.candidates(item, -1)
                found.update(some)
                with journal.step():
                    journal.drop_candidates(item, some)
        found.update(journal.candidates(item, -1))
        assert found == differing(nodes.tables), seed
        assert item.result["rows"] == {node: len(rows) for node, rows in nodes.tables.items()}, "each row once"
        assert nodes.most_fetched <= max(FETCHED, 300), "no node sends more than it should at once"
    assert most >= ENOUGH


def test_equal_tables_are_not_fetched(journal):
    nodes = Nodes({node: {key: 7 for key in range(500)} for node in "abc"})
    item = Item(0, {}, 0.0)
    with journal.step():
        journal.add_items([item])
    work = Scan(t.cast("t.Any", nodes), t.cast("t.Any", Queries()), journal, item, Pace(1e6))
    work.prepare()
    assert item.blocks == 50
    assert item.estimate == 500.0
    while item.position < t.cast("int", item.blocks):
        work.step()
    assert (nodes.most_fetched, journal.count_candidates(item)) == (0, 0)
    assert item.result["rows"] == {"a": 500, "b": 500, "c": 500}


# --- Without a key --------------------------------------------------------------------------------

Places = list[int | None]


class Counting:
    """Queries of a table without a key: rows in their places, PAGE a page, with None where one was."""

    PAGE = 4

    def __init__(self, can_seek_pages: bool = True) -> None:
        self.can_seek_pages = can_seek_pages

    def size(self) -> t.Any:
        return lambda rows: [{"pages": -(-len(rows) // self.PAGE)}], {}

    def some(self, rows: Places, first: int, last: int | None) -> list[int]:
        if not self.can_seek_pages:
            assert (first, last) == (0, None)
        part = rows[first * self.PAGE : None if last is None else last * self.PAGE]
        return [row for row in part if row is not None]

    def buckets(self, first: int, last: int | None) -> t.Any:
        def answer(rows: Places) -> list[Row]:
            found: dict[int, list[int]] = {}
            for row in self.some(rows, first, last):
                found.setdefault(row % keyless.BUCKETS, []).append(row)
            return [{"bucket": each, "number": len(of), "sum": sum(of)} for each, of in found.items()]

        return answer, {}

    def hashes(self, first: int, last: int | None, buckets: list[int]) -> t.Any:
        def answer(rows: Places) -> list[Row]:
            some = [row for row in self.some(rows, first, last) if row % keyless.BUCKETS in buckets]
            return [{"hash": str(each), "number": some.count(each)} for each in set(some)]

        return answer, {}

    def counts_of(self, hashes: t.Sequence[str]) -> t.Any:
        def answer(rows: Places) -> list[Row]:
            counts = {each: rows.count(int(each)) for each in hashes}
            return [{"hash": each, "number": count, "xmins": f"x{count}"} for each, count in counts.items() if count]

        return answer, {}


def counted(nodes: t.Any, queries: Counting, journal: Journal, item: Item) -> Multiset:
    with journal.step():
        journal.add_items([item])
    found = Multiset(nodes, t.cast("t.Any", queries), journal, item)
    found.scan()
    return found


def test_rows_are_counted_on_all_pages_in_whatever_order(journal, monkeypatch):
    for seed in range(60):
        chance = random.Random(seed)
        monkeypatch.setattr(keyless, "PAGES", chance.choice([1, 3, 1000]))
        rows: Places = [chance.randrange(50) * chance.choice([1, 4096]) for _row in range(chance.choice([0, 5, 200]))]
        found: dict[str, t.Any] = {}
        for node in "abc":
            found[node] = chance.sample(rows, len(rows))
            for _change in range(chance.choice([0, 0, 1, 8])):
                place = chance.randrange(len(rows) + 1)
                found[node][place:place] = chance.choice([[None], [None], [7], [4096 + 7]])
        item = Item(seed, {}, 0.0)
        counted(Nodes(found), Counting(chance.random() < 0.7), journal, item)
        every = {row for rows in found.values() for row in rows if row is not None}
        wanted = {(str(row),) for row in every if len({rows.count(row) for rows in found.values()}) > 1}
        assert set(journal.candidates(item, -1)) == wanted, seed
        assert item.result == {
            "rows": {node: len(rows) - rows.count(None) for node, rows in found.items()},
            "truncated": False,
        }
        assert (item.position, item.blocks) == (1, 1)


def test_buckets_that_are_not_looked_at_are_told(journal, monkeypatch):
    """The rest is not known then, so that the table is not equal."""
    monkeypatch.setattr(keyless, "MOST_HASHES", 3)
    item = Item(0, {}, 0.0)
    counted(Nodes(t.cast("t.Any", {"a": [1, 1, 2, 3], "b": []})), Counting(), journal, item)
    assert item.result["truncated"]
    assert journal.candidates(item, -1) == [("1",), ("2",)]
    item = Item(1, {}, 0.0)
    counted(Nodes(t.cast("t.Any", {"a": [1, 1, 1, 1, 1], "b": []})), Counting(), journal, item)
    assert not item.result["truncated"], "one bucket is always looked at"
    assert journal.candidates(item, -1) == [("1",)]


def test_how_often_rows_are_there_and_who_wrote_them(journal):
    nodes = Nodes(t.cast("t.Any", {"a": [1, 1, 2], "b": [1, 3]}))
    work = counted(nodes, Counting(), journal, Item(0, {}, 0.0))
    assert work.read([("1",), ("2",), ("9",)]) == {
        ("1",): {"a": ("2", "x2"), "b": ("1", "x1")},
        ("2",): {"a": ("1", "x1"), "b": None},
        ("9",): {"a": None, "b": None},
    }
