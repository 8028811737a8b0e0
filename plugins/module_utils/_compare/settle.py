# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Settle the rows that looked different: read, fence, read again, until each is equal, different or unproven."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field

from . import verdict
from .blocks import Key
from .fence import fence, unfenced
from .nodes import Nodes
from .verdict import Candidate, Reading

BATCH = 1000
"""Rows that are settled together."""
PAUSE_SECONDS = 0.05
IMPATIENT_SECONDS = 1.0
"""How long a fence waits behind one that waited in vain."""


class Fences:
    """The fences of one database, and what they took.

    silent: links, (upstream, downstream), behind which a fence has waited in vain already, each with the reason.
    """

    def __init__(
        self,
        nodes: Nodes,
        links: t.Collection[tuple[str, str]],
        is_updated: bool,
        seconds: float,
        silent: t.Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self._nodes = nodes
        self._links = links
        self._is_updated = is_updated
        self._seconds = seconds
        self._patience = min(IMPATIENT_SECONDS, seconds) if silent else seconds
        self.rounds = 0
        self.seconds = 0.0
        self.silent: dict[tuple[str, str], str] = dict(silent or {})

    def stand(self) -> dict[str, str]:
        """Put up one. Return downstream node -> why what is on its way to it is not known."""
        done = fence(self._nodes, self._links, self._is_updated, self._patience)
        self._patience = min(IMPATIENT_SECONDS, self._seconds) if done.silent else self._seconds
        self.rounds += 1
        # The first reason is the one of a fence that had patience.
        self.silent = {**done.silent, **self.silent}
        self.seconds += done.seconds
        return unfenced({link: self.silent[link] for link in done.silent})


@dataclass
class Settled:
    """Rows that are different for sure, and those of which it is not known, with why."""

    different: list[Candidate] = field(default_factory=list)
    unproven: list[tuple[Candidate, str]] = field(default_factory=list)


Read = t.Callable[[t.Sequence[Key]], t.Dict[Key, Reading]]


def settle(keys: t.Sequence[Key], read: Read, fences: Fences, uncounted: bool = False) -> Settled:
    """Return which of some rows differ."""
    settled = Settled()
    pending = [Candidate(key, reading) for key, reading in read(keys).items() if verdict.differs(reading)]
    for attempt in range(verdict.ATTEMPTS):
        if not pending:
            break
        if attempt:
            time.sleep(PAUSE_SECONDS * 2**attempt)
        silent = fences.stand()
        found = verdict.judge(pending, read([candidate.key for candidate in pending]), silent, uncounted)
        pending = found.again
        for candidate in found.different:
            reason = verdict.unproven(candidate.reading, candidate.unfenced)
            if reason:
                settled.unproven.append((candidate, reason))
            else:
                settled.different.append(candidate)
    settled.unproven += [(candidate, verdict.WRITTEN) for candidate in pending]
    return settled
