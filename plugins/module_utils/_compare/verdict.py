# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Whether a row that looked different is: what is read of it before and behind a fence decides. Pure.

A fence proves that each node has applied what the others had committed when it began. A row that stood still on all
nodes across a fence, and differs, is on its way nowhere. Where a node lacks the row, it may have come and gone between
the two looks, and the going may be on its way still; it has to stand still across one fence more.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .blocks import Key

Version = t.Optional[t.Tuple[str, str]]
"""What a node has of a row: its hash and the transaction that wrote it; None where the row is not there."""
Reading = t.Dict[str, Version]
"""By node."""

ATTEMPTS = 8
"""Fences that a row may move across before it is left unproven."""
WRITTEN = "the row is written again and again; compare again when it rests"


def differs(reading: Reading) -> bool:
    """Tell whether nodes have different rows."""
    return len({version and version[0] for version in reading.values()}) > 1


@dataclass
class Candidate:
    """A row that looked different, and how many fences it has stood still across.

    unfenced: downstream node -> why one of those fences does not tell what was on its way to it.
    """

    key: Key
    reading: Reading
    calm: int = 0
    unfenced: dict[str, str] = field(default_factory=dict)


@dataclass
class Round:
    """What a fence told: rows that are settled, and those that have to be looked at again."""

    different: list[Candidate] = field(default_factory=list)
    again: list[Candidate] = field(default_factory=list)


def judge(
    pending: t.Iterable[Candidate],
    now: t.Mapping[Key, Reading],
    unfenced: t.Mapping[str, str],
    uncounted: bool = False,
) -> Round:
    """Compare what was read behind a fence with what was read before it.

    unfenced: downstream node -> why the fence does not tell what was on its way to it. uncounted: how often rows
    without a key are there was read; one more may have come and gone wherever, so all have to stand still once more.
    """
    found = Round()
    for candidate in pending:
        reading = now[candidate.key]
        if not differs(reading):
            continue
        next_look = Candidate(candidate.key, reading)
        if reading == candidate.reading:
            # Where two fences are needed, one that stands does not make up for one that did not.
            next_look.calm = candidate.calm + 1
            next_look.unfenced = {**unfenced, **candidate.unfenced}
        needed = 2 if uncounted or None in reading.values() else 1
        (found.different if next_look.calm >= needed else found.again).append(next_look)
    return found


def versions(reading: Reading) -> list[dict[str, t.Any]]:
    """Return which nodes agree: nodes, hash and how often it is there, the largest group first, then by name."""
    groups: dict[str | None, list[str]] = {}
    for node, version in sorted(reading.items()):
        groups.setdefault(version[0] if version else None, []).append(node)
    ordered = sorted(groups.items(), key=lambda each: (-len(each[1]), each[1]))
    return [{"nodes": nodes, "hash": hash_, "count": int(hash_ is not None)} for hash_, nodes in ordered]


def majority(reading: Reading, unfenced: t.Collection[str] = ()) -> list[str]:
    """Return the nodes of the version that more than half of the nodes have; none where no version has so many.

    unfenced: nodes that do not count for a version, since another may be on its way to them.
    """
    largest: list[str] = versions(reading)[0]["nodes"]
    return largest if 2 * len(set(largest).difference(unfenced)) > len(reading) else []


def unproven(reading: Reading, unfenced: t.Mapping[str, str]) -> str:
    """Return why a difference is not proven, empty where it is.

    unfenced: downstream node -> why what is on its way to it is not known. Two nodes that differ and are not among them
    prove the difference.
    """
    known = {node: version for node, version in reading.items() if node not in unfenced}
    if differs(known):
        return ""
    return "; ".join(dict.fromkeys(unfenced[node] for node in sorted(reading) if node in unfenced))


def pairs(nodes: t.Sequence[str], rows: t.Iterable[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """Return for each pair of nodes how many rows only one has, and how many both have and differ.

    rows: the differences of a table; what is not proven of two nodes is counted apart.
    """
    counted: dict[tuple[str, str], dict[str, t.Any]] = {
        (first, second): {"nodes": [first, second], "only_first": 0, "only_second": 0, "different": 0, "unproven": 0}
        for place, first in enumerate(nodes)
        for second in nodes[place + 1 :]
    }
    for row in rows:
        has = {node: _content(version) for version in row["versions"] for node in version["nodes"]}
        for (first, second), pair in counted.items():
            kind = _kind(has, first, second)
            if kind:
                is_proven = row["verdict"] == "different" and not {first, second}.intersection(row["unfenced"])
                pair[kind if is_proven else "unproven"] += 1
    return list(counted.values())


def _content(version: t.Mapping[str, t.Any]) -> tuple[str, int] | None:
    return None if version["hash"] is None else (version["hash"], version["count"])


def _kind(has: t.Mapping[str, tuple[str, int] | None], first: str, second: str) -> str:
    if first not in has or second not in has or has[first] == has[second]:
        return ""
    if has[second] is None:
        return "only_first"
    return "only_second" if has[first] is None else "different"


def verdict(tables: t.Iterable[t.Mapping[str, t.Any]], absent: t.Collection[t.Any]) -> str:
    """Return the verdict of the whole: what is different is so whatever else is not proven."""
    found = {table["verdict"] for table in tables}
    if "different" in found:
        return "different"
    return "unproven" if absent or found & {"unproven", "skipped"} else "equal"
