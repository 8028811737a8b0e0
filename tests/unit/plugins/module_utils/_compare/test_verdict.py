# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at a row proves, which nodes agree, and what is said of pairs and of the whole."""

from __future__ import annotations

import itertools
import random
import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare import verdict
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.verdict import Candidate, judge

KEY = ("5",)


def reading(text: str) -> verdict.Reading:
    """Return a reading: `a1` is hash 1 on node a, `a1.7` the same by transaction 7, `a-` no row."""
    found: verdict.Reading = {}
    for each in text.split():
        hash_, _dot, xid = each[1:].partition(".")
        found[each[0]] = None if hash_ == "-" else (hash_, xid)
    return found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a1 b1", False),
        ("a1.5 b1.6", False),
        ("a- b- c-", False),
        ("a1 b2", True),
        ("a1 b-", True),
        ("a1 b1 c-", True),
        ("a1", False),
        ("", False),
    ],
)
def test_rows_differ_by_their_content_alone(text, wanted):
    assert verdict.differs(reading(text)) is wanted


@pytest.mark.parametrize(
    ("before", "calm", "now", "uncounted", "wanted"),
    [
        ("a1.1 b2.2", 0, "a1.1 b1.3", False, "settled"),
        ("a1.1 b2.2", 0, "a- b-", False, "settled"),
        ("a1.1 b2.2", 0, "a1.1 b2.2", False, "different 1"),
        # Written again, the same content or another.
        ("a1.1 b2.2", 0, "a1.4 b2.2", False, "again 0"),
        ("a1.1 b2.2", 0, "a1.1 b3.3", False, "again 0"),
        ("a1.1 b2.2", 0, "a1.1 b-", False, "again 0"),
        ("a1.1 b-", 0, "a1.1 b2.2", False, "again 0"),
        # A node that lacks the row.
        ("a1.1 b-", 0, "a1.1 b-", False, "again 1"),
        ("a1.1 b-", 1, "a1.1 b-", False, "different 2"),
        ("a1.1 b-", 1, "a1.2 b-", False, "again 0"),
        ("a1.1 b2.2 c-", 0, "a1.1 b2.2 c-", False, "again 1"),
        # Rows that are counted.
        ("a2.1 b1.2", 0, "a2.1 b1.2", True, "again 1"),
        ("a2.1 b1.2", 1, "a2.1 b1.2", True, "different 2"),
        ("a2.1 b1.2", 1, "a2.3 b1.2", True, "again 0"),
        ("a2.1 b1.2", 1, "a2.1 b2.3", True, "settled"),
    ],
)
def test_what_a_fence_tells(before, calm, now, uncounted, wanted):
    found = judge([Candidate(KEY, reading(before), calm)], {KEY: reading(now)}, {}, uncounted)
    told = [("different", each) for each in found.different] + [("again", each) for each in found.again]
    assert [f"{kind} {each.calm}" for kind, each in told] == ([] if wanted == "settled" else [wanted])
    assert [(each.key, each.reading) for _kind, each in told] == [(KEY, reading(now))] * len(told)


@pytest.mark.parametrize(
    ("before", "now", "earlier", "later", "wanted"),
    [
        ("a1.1 b-", "a1.1 b-", {}, {}, {}),
        ("a1.1 b-", "a1.1 b-", {"a": "1"}, {"b": "2"}, {"a": "1", "b": "2"}),
        ("a1.1 b-", "a1.1 b-", {"a": "1"}, {"a": "2"}, {"a": "1"}),
        # What it moved across is not asked for any more, nor is the fence that it moved across.
        ("a1.1 b-", "a1.2 b-", {"a": "1"}, {"b": "2"}, {}),
    ],
)
def test_a_candidate_knows_which_nodes_its_fences_did_not_reach(before, now, earlier, later, wanted):
    found = judge([Candidate(KEY, reading(before), 1, earlier)], {KEY: reading(now)}, later)
    assert [each.unfenced for each in (*found.different, *found.again)] == [wanted]


def test_no_row_that_changed_between_two_looks_is_called_different():
    chance = random.Random(1)
    seen = {"different": 0, "again": 0, "settled": 0}
    for _time in range(5000):
        before, now = (
            {node: chance.choice([None, ("x", "1"), ("x", "2"), ("y", "3")]) for node in "abc"} for _look in range(2)
        )
        candidate = Candidate(KEY, before, chance.randrange(3))
        uncounted = chance.random() < 0.3
        found = judge([candidate], {KEY: now}, {}, uncounted)
        if found.different:
            assert now == before
            assert verdict.differs(now)
            assert candidate.calm >= 1 or (None not in now.values() and not uncounted)
        elif not found.again:
            assert not verdict.differs(now), "only what is equal is given up"
        seen["different" if found.different else "again" if found.again else "settled"] += 1
    assert min(seen.values()) > 20


@pytest.mark.parametrize(
    ("text", "unfenced", "groups", "majority"),
    [
        ("b1 a1", "", "ab:1", "ab"),
        ("a1 b2", "", "a:1 b:2", ""),
        ("a2 b1", "", "a:2 b:1", ""),
        ("a1 b2 c2", "", "bc:2 a:1", "bc"),
        ("a1 b- c-", "", "bc:None a:1", "bc"),
        # Two of four are no majority.
        ("a1 b1 c2 d2", "", "ab:1 cd:2", ""),
        ("a2 b2 c1 d-", "", "ab:2 c:1 d:None", ""),
        ("a1 b2 c2 d2", "", "bcd:2 a:1", "bcd"),
        ("a1 b2 c3", "", "a:1 b:2 c:3", ""),
        ("a1.1 b1.2 c2.3", "", "ab:1 c:2", "ab"),
        # What may still change does not vote; what is only to be mended does not matter.
        ("a1 b2 c2", "c", "bc:2 a:1", ""),
        ("a1 b2 c2", "a", "bc:2 a:1", "bc"),
        ("a1 b2 c2 d2 e2", "e", "bcde:2 a:1", "bcde"),
    ],
)
def test_which_nodes_agree(text, unfenced, groups, majority):
    found = verdict.versions(reading(text))
    assert " ".join(f"{''.join(group['nodes'])}:{group['hash']}" for group in found) == groups
    assert [group["count"] for group in found] == [int(group["hash"] is not None) for group in found]
    assert "".join(verdict.majority(reading(text), tuple(unfenced))) == majority


def test_no_majority_is_ever_of_half_the_nodes():
    for size in range(2, 7):
        for versions in itertools.product("12-", repeat=size):
            found = reading(" ".join(f"{node}{version}" for node, version in zip("abcdef", versions, strict=False)))
            nodes = verdict.majority(found)
            best = max(versions.count(version) for version in "12-")
            assert len(nodes) == (best if best > size / 2 else 0)
            assert len({found[node] for node in nodes}) <= 1


@pytest.mark.parametrize(
    ("text", "unfenced", "wanted"),
    [
        ("a1 b2", {}, ""),
        ("a1 b2", {"b": "B"}, "B"),
        ("a1 b2", {"b": "B", "a": "A"}, "A; B"),
        ("a1 b2", {"b": "same", "a": "same"}, "same"),
        ("a1 b2", {"c": "C"}, ""),
        ("a1 b2 c2", {"c": "C"}, ""),
        ("a1 b2 c2", {"a": "A"}, "A"),
        ("a1 b- c-", {"b": "B"}, ""),
        ("a1 b- c-", {"b": "B", "c": "C"}, "B; C"),
        ("a1 b1 c2", {"c": "C"}, "C"),
    ],
)
def test_two_fenced_nodes_that_differ_prove_it(text, unfenced, wanted):
    assert verdict.unproven(reading(text), unfenced) == wanted


def row(text: str, is_proven: bool = True, unfenced: str = "", count: int | None = None) -> dict[str, t.Any]:
    versions = verdict.versions(reading(text))
    if count is not None:
        # A table without a key: what is a hash in the text is how often the row is there.
        versions = [{**each, "count": int(each["hash"] or 0), "hash": each["hash"] and "same"} for each in versions]
    told = "different" if is_proven else "unproven"
    return {"versions": versions, "verdict": told, "unfenced": list(unfenced)}


@pytest.mark.parametrize(
    ("nodes", "rows", "wanted"),
    [
        ("ab", [], {"ab": "0 0 0 0"}),
        ("ab", [row("a1 b2")], {"ab": "0 0 1 0"}),
        ("ab", [row("a1 b-"), row("a2 b-"), row("a- b1")], {"ab": "2 1 0 0"}),
        ("ba", [row("a1 b-")], {"ba": "0 1 0 0"}),
        ("ab", [row("a1 b2"), row("a1 b-", is_proven=False)], {"ab": "0 0 1 1"}),
        ("abc", [row("a1 b1 c2")], {"ab": "0 0 0 0", "ac": "0 0 1 0", "bc": "0 0 1 0"}),
        ("abc", [row("a1 b- c2")], {"ab": "1 0 0 0", "ac": "0 0 1 0", "bc": "0 1 0 0"}),
        # Proven of a and b; of c it is not known.
        ("abc", [row("a1 b2 c2", unfenced="c")], {"ab": "0 0 1 0", "ac": "0 0 0 1", "bc": "0 0 0 0"}),
        ("abc", [row("a1 b2 c2", unfenced="a")], {"ab": "0 0 0 1", "ac": "0 0 0 1", "bc": "0 0 0 0"}),
        # A node that was lost since.
        ("ab", [row("a1 c2")], {"ab": "0 0 0 0"}),
        ("ab", [row("b1 c2")], {"ab": "0 0 0 0"}),
        # As often, more often, not at all.
        ("ab", [row("a2 b2", count=2)], {"ab": "0 0 0 0"}),
        ("ab", [row("a2 b1", count=2)], {"ab": "0 0 1 0"}),
        ("ab", [row("a2 b-", count=2)], {"ab": "1 0 0 0"}),
    ],
)
def test_pairs_of_nodes(nodes, rows, wanted):
    found = verdict.pairs(list(nodes), rows)
    assert {"".join(pair.pop("nodes")): pair for pair in found} == {
        pair: dict(zip(("only_first", "only_second", "different", "unproven"), map(int, text.split()), strict=True))
        for pair, text in wanted.items()
    }


@pytest.mark.parametrize(
    ("verdicts", "absent", "wanted"),
    [
        ("", [], "equal"),
        ("equal equal", [], "equal"),
        ("equal unproven", [], "unproven"),
        ("equal skipped", [], "unproven"),
        ("equal", ["charlie"], "unproven"),
        ("equal unproven different skipped", ["charlie"], "different"),
    ],
)
def test_the_verdict_of_the_whole(verdicts, absent, wanted):
    assert verdict.verdict([{"verdict": each} for each in verdicts.split()], absent) == wanted
