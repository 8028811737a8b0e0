# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows settle, move, or stand: what is told of them while a group in memory writes and delivers in any order."""

from __future__ import annotations

import collections
import itertools
import random
import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare import settle as module
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.fence import Fence
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.settle import Fences, Settled, settle
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.verdict import ATTEMPTS, WRITTEN

Key = tuple[str, ...]
Reading = dict[str, tuple[str, str] | None]
KEY: Key = ("1",)


@pytest.fixture(autouse=True)
def pauses(monkeypatch) -> list[float]:
    """Let no test wait, and note for how long it would have."""
    waited: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waited.append)
    return waited


class Reads:
    """What is read of one row, a look after the other; the last look is for good."""

    def __init__(self, *looks: Reading) -> None:
        self.looks = list(looks)
        self.count = 0

    def __call__(self, keys: t.Sequence[Key]) -> dict[Key, Reading]:
        assert list(keys) == [KEY]
        self.count += 1
        return {KEY: self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]}


class Stands:
    """Fences that tell what is given for each, the last for good; how often rows were read before each is noted."""

    def __init__(self, read: Reads, *unfenced: dict[str, str]) -> None:
        self.read, self.unfenced = read, list(unfenced or [{}])
        self.behind: list[int] = []

    def stand(self) -> dict[str, str]:
        self.behind.append(self.read.count)
        return self.unfenced.pop(0) if len(self.unfenced) > 1 else self.unfenced[0]


def settled(*looks: Reading, unfenced: t.Sequence[dict[str, str]] = (), **named: t.Any) -> tuple[Settled, list[int]]:
    read = Reads(*looks)
    fences = Stands(read, *unfenced)
    return settle([KEY], read, t.cast("Fences", fences), **named), fences.behind


def reading(**versions: str) -> Reading:
    """Return a reading: of each node hash and transaction as `hash/xid`, - where the row is not."""
    return {
        node: None if version == "-" else t.cast("tuple[str, str]", tuple(version.split("/")))
        for node, version in versions.items()
    }


ONE_AND_TWO = reading(a="1/10", b="2/10")
ONLY_A = reading(a="1/10", b="-")


def test_a_row_that_is_equal_by_now_needs_no_fence():
    found, behind = settled(reading(a="1/10", b="1/77"))
    assert (found, behind) == (Settled(), [])


@pytest.mark.parametrize("later", [reading(a="2/11", b="2/10"), reading(a="-", b="-"), reading(a="2/11", b="2/12")])
def test_a_row_that_was_on_its_way_is_no_difference(later):
    found, behind = settled(ONE_AND_TWO, later)
    assert (found, behind) == (Settled(), [1])


@pytest.mark.parametrize(("look", "fences"), [(ONE_AND_TWO, 1), (ONLY_A, 2), (reading(a="1/1", b="2/2", c="-"), 2)])
def test_a_row_that_stands_still_differs(look, fences):
    found, behind = settled(look)
    assert [(each.key, each.reading) for each in found.different] == [(KEY, look)]
    assert found.unproven == []
    assert behind == list(range(1, fences + 1)), "a look before each fence and one behind the last"


def test_a_row_that_came_and_went_is_seen_to_settle():
    """bravo had the row and deleted it behind the first fence's row: the deletion comes with the second."""
    found, behind = settled(ONLY_A, ONLY_A, reading(a="-", b="-"))
    assert (found, behind) == (Settled(), [1, 2])


def test_a_row_that_moves_has_to_stand_still_from_there_on():
    # The same content, written again: what went on between is not known.
    again = reading(a="1/11", b="2/10")
    found, behind = settled(ONE_AND_TWO, again)
    assert len(found.different) == 1
    assert behind == [1, 2]
    away, there = reading(a="-", b="2/10"), reading(a="-", b="2/11")
    found, behind = settled(away, away, there, there)
    assert len(found.different) == 1
    assert behind == [1, 2, 3, 4], "two in a row, not two in all"


def test_a_row_that_is_written_for_ever_is_not_proven(pauses):
    looks = [reading(a=f"1/{number}", b="2/1") for number in range(ATTEMPTS + 1)]
    found, behind = settled(*looks)
    assert found.different == []
    assert [(each.key, reason) for each, reason in found.unproven] == [(KEY, WRITTEN)]
    assert len(behind) == ATTEMPTS
    assert len(pauses) == ATTEMPTS - 1
    assert pauses == sorted(set(pauses)), "each time a little longer"


def test_a_row_that_rests_at_last_differs():
    looks = [reading(a=f"1/{number}", b="2/1") for number in range(ATTEMPTS)]
    found, _behind = settled(*looks)
    assert [each.reading for each in found.different] == [looks[-1]]


@pytest.mark.parametrize(
    ("look", "unfenced", "reasons"),
    [
        (ONE_AND_TWO, [{"b": "silent"}], ["silent"]),
        (ONE_AND_TWO, [{"a": "mute", "b": "silent"}], ["mute; silent"]),
        (ONE_AND_TWO, [{"a": "gone", "b": "gone"}], ["gone"]),
        # Two that are fenced differ, whatever comes to the third.
        (reading(a="1/1", b="2/1", c="1/5"), [{"c": "silent"}], []),
        (reading(a="1/1", b="2/1", c="1/5"), [{"b": "silent"}], ["silent"]),
        (ONE_AND_TWO, [{"z": "is not compared"}], []),
        # Where two fences are needed, both have to stand.
        (ONLY_A, [{"b": "first"}, {"b": "second"}], ["first"]),
        (ONLY_A, [{"b": "first"}, {}], ["first"]),
        (ONLY_A, [{}, {"b": "second"}], ["second"]),
        (ONLY_A, [{"a": "first"}, {"b": "second"}], ["first; second"]),
        (ONLY_A, [{}, {}], []),
        (reading(a="1/1", b="-", c="2/1"), [{"b": "first"}, {}], []),
    ],
)
def test_a_row_on_a_node_that_is_not_fenced_is_not_proven(look, unfenced, reasons):
    found, _behind = settled(look, unfenced=unfenced)
    assert [reason for _candidate, reason in found.unproven] == reasons
    assert len(found.different) == 1 - len(reasons)


def test_a_fence_before_the_row_moved_does_not_matter():
    found, behind = settled(ONLY_A, reading(a="1/11", b="-"), unfenced=[{"b": "silent"}, {}])
    assert (len(found.different), behind) == (1, [1, 2, 3])


def test_rows_without_transactions_stand_still_twice():
    twice_and_once = reading(a="2/", b="1/")
    found, behind = settled(twice_and_once, uncounted=True)
    assert (len(found.different), behind) == (1, [1, 2])
    found, behind = settled(twice_and_once, twice_and_once, reading(a="2/", b="2/"), uncounted=True)
    assert (found, behind) == (Settled(), [1, 2])


def test_only_rows_that_are_not_settled_are_read_again():
    """Of three rows one is equal, one settles and one differs; a row that was not asked for is looked at as well."""
    looks = [
        {("1",): reading(a="1/1", b="1/1"), ("2",): ONE_AND_TWO, ("3",): ONLY_A, ("4",): ONE_AND_TWO},
        {("2",): reading(a="2/2", b="2/10"), ("3",): ONLY_A, ("4",): ONE_AND_TWO},
        {("3",): ONLY_A},
    ]
    asked: list[list[Key]] = []

    def read(keys: t.Sequence[Key]) -> dict[Key, Reading]:
        asked.append(list(keys))
        return looks[len(asked) - 1]

    found = settle([("1",), ("2",), ("3",)], read, t.cast("Fences", Stands(Reads(ONLY_A))))
    assert asked == [[("1",), ("2",), ("3",)], [("2",), ("3",), ("4",)], [("3",)]]
    assert [each.key for each in found.different] == [("4",), ("3",)]


# --- Fences ---------------------------------------------------------------------------------------


def test_fences_add_up_and_keep_the_first_reason(monkeypatch):
    """Behind a fence that waited in vain the next is impatient, and its reason tells less."""
    answers = [
        Fence(60.0, {("a", "b"): "not seen within 60 s"}),
        Fence(1.0, {("a", "b"): "not seen within 1 s", ("c", "b"): "refused", ("a", "c"): "lost"}),
        Fence(0.5, {}),
        Fence(0.5, {("a", "b"): "not seen again"}),
    ]
    asked = []

    def fence(*arguments: t.Any) -> Fence:
        asked.append(arguments)
        return answers[len(asked) - 1]

    monkeypatch.setattr(module, "fence", fence)
    fences = Fences(t.cast("t.Any", "nodes"), [("a", "b")], True, 60.0)
    from_a = "what is on its way from a to b is not known: not seen within 60 s"
    assert [fences.stand() for _answer in answers] == [
        {"b": from_a},
        {
            "b": f"{from_a}; what is on its way from c to b is not known: refused",
            "c": "what is on its way from a to c is not known: lost",
        },
        {},
        {"b": from_a},
    ]
    assert asked == [("nodes", [("a", "b")], True, patience) for patience in (60.0, 1.0, 1.0, 60.0)]
    assert (fences.rounds, fences.seconds) == (4, 62.0)
    assert fences.silent == {("a", "b"): "not seen within 60 s", ("c", "b"): "refused", ("a", "c"): "lost"}


def test_a_link_that_was_silent_in_an_earlier_slice_is_not_waited_for_again(monkeypatch):
    answers = [Fence(1.0, {("a", "b"): "not seen within 1 s"}), Fence(0.1, {}), Fence(0.1, {})]
    asked = []
    monkeypatch.setattr(module, "fence", lambda *arguments: asked.append(arguments[3]) or answers[len(asked) - 1])
    silent = {("a", "b"): "not seen within 60 s"}
    fences = Fences(t.cast("t.Any", None), [("a", "b")], True, 60.0, silent)
    told = [fences.stand() for _answer in answers]
    assert told == [{"b": "what is on its way from a to b is not known: not seen within 60 s"}, {}, {}]
    assert asked == [1.0, 1.0, 60.0], "it has come back meanwhile"


def test_a_fence_is_never_more_patient_than_it_was_asked_to_be(monkeypatch):
    asked = []
    monkeypatch.setattr(
        module, "fence", lambda *arguments: asked.append(arguments[3]) or Fence(0.1, {("a", "b"): "silent"})
    )
    fences = Fences(t.cast("t.Any", None), [], True, 0.25)
    fences.stand()
    fences.stand()
    assert asked == [0.25, 0.25]


# --- A group in memory ----------------------------------------------------------------------------

NODES = ("a", "b", "c")
SEEDS = 600
LINKS = list(itertools.permutations(NODES, 2))
Message = tuple[t.Any, ...]
FENCE: Message = ("fence",)


class Group:
    """Nodes that write, send in order and take what is newer, so that they agree once all is delivered."""

    def __init__(self, seed: int, keys: int = 2) -> None:
        self.random = random.Random(seed)
        self.keys = [(str(number),) for number in range(keys)]
        self.clock = itertools.count(1)
        self.rows: dict[str, dict[Key, tuple[int, str | None, int]]] = {node: {} for node in NODES}
        self.queues: dict[tuple[str, str], collections.deque[Message]] = {link: collections.deque() for link in LINKS}
        self.cut: set[tuple[str, str]] = set()
        self.calm = self.random.choice([1, 8, 30])

    def take(self, node: str, key: Key, written: int, value: str | None) -> None:
        """Take a change that is newer than what is there; the transaction's number is the node's own."""
        if written > self.rows[node].get(key, (0,))[0]:
            self.rows[node][key] = (written, value, next(self.clock))

    def write(self) -> None:
        node, key = self.random.choice(NODES), self.random.choice(self.keys)
        change = (key, next(self.clock), self.random.choice(["x", "y", None, None]))
        self.take(node, *change)
        for link in LINKS:
            if link[0] == node:
                self.queues[link].append(change)

    def deliver(self, link: tuple[str, str]) -> None:
        if self.queues[link] and link not in self.cut:
            message = self.queues[link].popleft()
            if message != FENCE:
                self.take(link[1], *message)

    def go_on(self) -> None:
        """Let a few things happen."""
        for _time in range(self.random.choice([0] * self.calm + [1, 3, 10])):
            if self.random.random() < 0.2:
                self.write()
            else:
                self.deliver(self.random.choice(LINKS))

    def read(self, keys: t.Sequence[Key]) -> dict[Key, Reading]:
        """Look at one node after the other while things happen."""
        found: dict[Key, Reading] = {key: {} for key in keys}
        for node in self.random.sample(NODES, len(NODES)):
            self.go_on()
            for key in keys:
                _written, value, xid = self.rows[node].get(key, (0, None, 0))
                found[key][node] = None if value is None else (value, str(xid))
        return found

    def stand(self) -> dict[str, str]:
        """Put up a fence; it fails where a link is cut, until the next one."""
        for link in self.random.sample(LINKS, len(LINKS)):
            self.go_on()
            self.queues[link].append(FENCE)
        self.cut = set(self.random.sample(LINKS, self.random.choice([0, 0, 1, 2])))
        while any(FENCE in self.queues[link] for link in LINKS if link not in self.cut):
            self.deliver(self.random.choice(LINKS))
            if self.random.random() < 0.1:
                self.go_on()
        return {downstream: f"cut from {upstream}" for upstream, downstream in sorted(self.cut)}


class Multiset(Group):
    """The same nodes, looked at as a table without a key: how often is a value there, and who wrote its rows."""

    values = [("x",), ("y",)]

    def read(self, keys: t.Sequence[Key]) -> dict[Key, Reading]:
        found: dict[Key, Reading] = {key: {} for key in keys}
        for node in self.random.sample(NODES, len(NODES)):
            self.go_on()
            for key in keys:
                xids = [xid for _written, value, xid in self.rows[node].values() if value == key[0]]
                found[key][node] = (str(len(xids)), str(sum(xids))) if xids else None
        return found


def runs(group: Group, keys: list[Key]) -> t.Iterator[Settled]:
    for _time in range(5):
        group.go_on()
        yield settle(keys, group.read, t.cast("Fences", group))


def test_no_row_of_nodes_that_agree_is_ever_called_different():
    unproven = 0
    for seed in range(SEEDS):
        group = Group(seed)
        for found in runs(group, group.keys):
            assert found.different == [], seed
            unproven += len(found.unproven)
    assert unproven > 0, "rows were on the move, and links were cut"


def test_a_row_that_differs_is_never_missed():
    for seed in range(SEEDS // 4):
        group = Group(seed)
        planted = ("planted",)
        node = group.random.choice(NODES)
        group.rows[node][planted] = (1, group.random.choice(["x", None]), 1)
        for other in NODES:
            if other != node:
                group.rows[other][planted] = (1, "y", 1)
        for found in runs(group, [*group.keys, planted]):
            told = [each.key for each in found.different] + [each.key for each, _reason in found.unproven]
            assert planted in told, seed


def test_no_row_without_a_key_of_nodes_that_agree_is_ever_called_different():
    for seed in range(SEEDS):
        group = Multiset(seed, keys=3)
        for _time in range(5):
            group.go_on()
            found = settle(group.values, group.read, t.cast("Fences", group), uncounted=True)
            assert found.different == [], seed
