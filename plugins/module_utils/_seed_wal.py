# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which transactions a snapshot holds, and up to where it holds each upstream: what pg_waldump tells of commits. Pure.

A logical slot's snapshot holds the transactions whose commit lies before the slot's position in the WAL, and no other.
A commit that was applied names its origin and the position there. So the WAL itself tells exactly up to where a
snapshot holds each upstream, and nobody has to stop applying meanwhile.
"""

from __future__ import annotations

import re
import typing as t
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from ._engine.seeding import number

_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? UTC"
_COMMIT = re.compile(
    rf"tx:\s+(?P<xid>\d+), lsn: (?P<lsn>[0-9A-F]+/[0-9A-F]+), .*?desc: COMMIT(?:_PREPARED (?P<prepared>\d+):)? "
    rf"(?P<at>{_TIME})(?P<rest>.*)"
)
_ORIGIN = re.compile(rf"origin: node (\d+), lsn ([0-9A-F]+/[0-9A-F]+), at ({_TIME})")
_SUBTRANSACTIONS = re.compile(r"subxacts: ([\d ]+)")


@dataclass(frozen=True)
class Commit:
    """One transaction, with all its ids; of the server's own the origin is 0, and the position is empty."""

    xids: tuple[int, ...]
    origin: int
    position: str
    """Where the transaction ends in the WAL of the upstream that it comes from."""
    at: str
    """Its commit time, by the clock of the node where it was written."""


def commits(lines: t.Iterable[str], end: str) -> t.Iterator[Commit]:
    """Return the commits that lie before an end, in the order of the WAL; lines: what pg_waldump printed."""
    for line in lines:
        found = _COMMIT.search(line)
        if found and number(found["lsn"]) < number(end):
            origin = _ORIGIN.search(found["rest"])
            below = _SUBTRANSACTIONS.search(found["rest"])
            xids = (int(found["prepared"] or found["xid"]), *map(int, below[1].split() if below else ()))
            if origin:
                yield Commit(xids, int(origin[1]), origin[2], origin[3])
            else:
                yield Commit(xids, 0, "", found["at"])


MOST_RECENT = 8000
"""How many of the last transactions keep their commit times at most: their numbers are part of a command line."""


@dataclass
class Held:
    """What a snapshot holds: of each upstream all up to a position, and which transactions were among the last ones."""

    positions: dict[int, str]
    last: deque[Commit]
    heard: dict[int, str]
    """The commit time of the last transaction of each upstream."""


def held(found: t.Iterable[Commit], known: t.Mapping[int, str]) -> Held:
    """Return what a snapshot holds; known: up to where each origin was applied before the first of the commits."""
    seen = Held(dict(known), deque(maxlen=MOST_RECENT), {})
    for commit in found:
        seen.last.append(commit)
        if commit.origin in known:
            seen.positions[commit.origin] = commit.position
            seen.heard[commit.origin] = commit.at
    return seen


def recent(seen: Held, others: t.Collection[int], skew_seconds: float) -> list[Commit]:
    """Return the transactions whose rows a change that is yet to come may meet, and that may have won over it.

    Upstreams send in the order of their commits. So what is yet to come of one is not older than the last that came
    from it, but for how far clocks are apart. Without other upstreams nothing can meet.
    """
    if not others:
        return []
    if any(origin not in seen.heard for origin in others):
        return list(seen.last)
    oldest = min(_time(seen.heard[origin]) for origin in others) - timedelta(seconds=skew_seconds)
    return [commit for commit in seen.last if _time(commit.at) >= oldest]


def _time(text: str) -> datetime:
    whole, _dot, fraction = text[: -len(" UTC")].partition(".")
    return datetime.strptime(whole, "%Y-%m-%d %H:%M:%S") + timedelta(seconds=float(f"0.{fraction or 0}"))


def files(begin: str, end: str, timeline: int, size: int) -> tuple[str, ...]:
    """Return the names of the WAL files that hold the first and the last byte between two positions.

    size: of a file, in bytes. pg_waldump takes any file of the directory for the size of them all, and some are empty
    yet, unless it gets names; of one name alone it reads no further than that file.
    """
    each = 2**32 // size
    first = number(begin) // size
    last = max(first, (number(end) - 1) // size)
    return tuple(f"{timeline:08X}{segment // each:08X}{segment % each:08X}" for segment in (first, last))
