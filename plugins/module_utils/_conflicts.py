# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Conflicts that were resolved, counted from the lines of a server's log: no engine has counters that hold. Pure."""

from __future__ import annotations

import re
import typing as t

from ._engine.messages import KEPT, OVERWRITTEN, SKIPPED, Dialect
from ._log_reading import LINE
from ._session_types import Row

WORD = re.compile(b"CONFLICT: ")
"""What a line must hold to be of interest."""


def none() -> Row:
    """Return the counts of a link that met no conflict."""
    return {KEPT: 0, SKIPPED: 0, OVERWRITTEN: 0}


def counted(lines: t.Iterable[str], dialect: Dialect, since: str, until: str) -> tuple[dict[str, Row], int]:
    """Return how conflicts ended by worker, from since on and before until, and how many lines nobody can read.

    since, until: as lines begin.
    """
    found: dict[str, Row] = {}
    unread = 0
    for text in lines:
        line = LINE.match(text)
        if not line:
            unread += 1
            continue
        worker = dialect.named.match(line["application"] or "")
        resolved = dialect.resolved.match(line["text"]) if dialect.resolved else None
        how = dialect.resolutions.get(resolved["how"]) if resolved else None
        if worker and how and since <= line["at"] < until:
            found.setdefault(worker["worker"], none())[how] += 1
    return found, unread


def of_link(node: t.Mapping[str, t.Any], incoming: Row | None) -> Row | None:
    """Return what is known of a link's conflicts since the last look, None where nobody counted.

    node: what status_info returned on its downstream.
    """
    counted = node.get("conflicts")
    if not counted or counted["since"] is None or not incoming:
        return None
    ends = counted["workers"].get(incoming["worker"], none())
    count = ends[KEPT] + ends[SKIPPED]
    return {"count": count, **ends, **{name: counted[name] for name in ("since", "complete")}}
