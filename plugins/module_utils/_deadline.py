# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A hurry for somebody else's code, which has all the time elsewhere: a deadline for its sessions, which are shared."""

from __future__ import annotations

import contextlib
import math
import time
import typing as t


class Shared(t.Protocol):
    """A session that stays open for whoever needs the like next."""

    def close(self) -> None:
        """End it."""


_deadlines: list[float] = []
_sessions: list[dict[str, t.Any]] = []


@contextlib.contextmanager
def within(seconds: float) -> t.Iterator[None]:
    """Let the local sessions that are needed meanwhile be through within so many seconds in all."""
    kept: dict[str, Shared] = {}
    _deadlines.append(time.monotonic() + seconds)
    _sessions.append(kept)
    try:
        yield
    finally:
        _deadlines.pop()
        _sessions.pop()
        for session in kept.values():
            session.close()


def seconds_left() -> int:
    """Return how many seconds are left, at least one, in whole; 0 where nothing is limited."""
    return max(1, math.ceil(_deadlines[-1] - time.monotonic())) if _deadlines else 0


def shared() -> dict[str, t.Any]:
    """Return the sessions that are shared, by what they are for, to be added to."""
    return _sessions[-1] if _sessions else {}
