# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a comparison tells while it goes on and when it is through, from its journal."""

from __future__ import annotations

import typing as t

from .._model import NodePlan
from . import outcome, verdict
from .journal import DONE, Item, Journal
from .settings import Settings

NO_FENCE: dict[str, t.Any] = {"rounds": 0, "seconds": 0.0, "unfenced": []}


def progress(journal: Journal, items: t.Sequence[Item], paused: str) -> dict[str, t.Any]:
    """Return how far a comparison is."""
    now = next((item for item in items if item.state != DONE), items[-1])
    rows = {item.number: max(item.result.get("rows", {}).values(), default=0) for item in items}
    return {
        "tables": len(items),
        "tables_done": sum(item.state == DONE for item in items),
        "rows": sum(rows.values()),
        "estimate": sum(rows[item.number] if item.state == DONE else item.estimate for item in items),
        "seconds": journal.fact("seconds"),
        "differences": sum(journal.count_differences(item) for item in items),
        "paused": paused,
        "nodes": {
            node: f"{now.told['schema']}.{now.told['name']} ({now.told['database']}), {count:,} rows"
            for node, count in now.result.get("rows", {}).items()
        },
    }


def result(
    journal: Journal, items: t.Sequence[Item], settings: Settings, members: t.Mapping[str, NodePlan]
) -> dict[str, t.Any]:
    """Return the comparison."""
    origins = {
        (name, connection.slot): connection.upstream
        for name, share in members.items()
        for connection in share.connections
    }
    tables = [{"notes": [], "truncated": False, **item.told, **item.result} for item in items]
    for table in tables:
        table["differences"] = [outcome.with_origins(row, origins) for row in table["differences"]]
    absent = journal.fact("absent", [])
    return {
        "session": journal.fact("session"),
        "started": journal.fact("started"),
        "seconds": round(journal.fact("seconds"), 3),
        "verdict": verdict.verdict(tables, absent),
        "hash": {**journal.fact("hash"), "equality": settings.equality},
        "nodes": list(settings.nodes),
        "without": list(settings.without),
        "absent": absent,
        "fence": journal.fact("fence", NO_FENCE),
        "tables": tables,
    }
