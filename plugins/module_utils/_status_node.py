# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a node saw, put together on the node: slots with their walsenders, workers with what the log says. Pure."""

from __future__ import annotations

import datetime
import typing as t

from ._engine.server import EngineServer
from ._session_types import Row
from ._state import Item, State

SILENT = "silent"
"""Why a node tells nothing, where its server is not simply down."""

_TIME = "%Y-%m-%d %H:%M:%S"


def with_sender(slot: Row, senders: t.Sequence[Row], engine: EngineServer, tells_process: bool) -> Row:
    """Return a slot with its walsender's state and how far its other side is behind, as far as it is known."""
    if tells_process:
        users = [row for row in senders if row["pid"] == slot["pid"]]
    else:
        of_database = [row for row in senders if row["database"] == slot["database"]]
        users = engine.walsender_of(slot, of_database) if slot["active"] else []
    sender = users[0] if len(users) == 1 else {"state": "", "behind_bytes": None, "behind_seconds": None}
    behind = slot["behind_bytes"] if slot["behind_bytes"] is not None else sender["behind_bytes"]
    # A server tells no seconds once all has been confirmed.
    seconds = 0.0 if behind == 0 else sender["behind_seconds"]
    return {**slot, "behind_bytes": behind, "behind_seconds": seconds, "sender": sender["state"] or ""}


def with_failures(incoming: Row, failures: t.Mapping[str, Row], now: str) -> Row:
    """Return a downstream's end of a link with how often its worker ended of late; now is in the log's own time."""
    found = failures.get(incoming["worker"])
    if not found:
        return {**incoming, "failure": None}
    return {**incoming, "failure": {**found, "seconds_ago": _seconds(found["last_at"], now)}}


def _seconds(before: str, after: str) -> int:
    times = [datetime.datetime.strptime(text, _TIME) for text in (before, after)]
    return max(0, int((times[1] - times[0]).total_seconds()))


def tables(as_is: State, to_be: State, keyless: t.Iterable[Row]) -> dict[str, list[str]]:
    """Return the tables without the guard they should have, and those without a key."""
    unguarded = [item.name for item in to_be if _is_table(item) and to_be[item]["guard"] != as_is[item]["guard"]]
    return {"unguarded": sorted(unguarded), "keyless": [row["name"] for row in keyless]}


def _is_table(item: Item) -> bool:
    return item.kind == "table"
