# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A link's state as modules return it. Pure."""

from __future__ import annotations

import typing as t

from ._model import Connection, NodePlan

STREAMING = "streaming"

LinkState = t.Dict[str, t.Any]


def link(plan: NodePlan, connection: Connection, state: str, round_trip_seconds: float | None = None) -> LinkState:
    """Return one of the node's incoming links with its state."""
    found = _state(connection.database, connection.upstream, plan, state)
    return found if round_trip_seconds is None else {**found, "round_trip_ms": round(round_trip_seconds * 1000, 1)}


def standby(plan: NodePlan, state: str) -> LinkState:
    """Return the way of all databases from a node to the physical standby that follows it."""
    return _state("(all)", plan.standby_of, plan, state)


def comes_late(connection: Connection, seconds: float) -> bool:
    """Tell whether an apply delay lets no row through before the waiting ends; both ends are looked at instead."""
    return connection.apply_delay_ms >= seconds * 1000


def not_streaming(plan: NodePlan, states: t.Mapping[Connection, str], seconds: float) -> str:
    """Return the error of links that do not stream, "" where all of them do."""
    silent = [
        f"{connection.upstream} -> {plan.name} ({connection.database}): {state}"
        for connection, state in states.items()
        if state != STREAMING
    ]
    return f"not streaming after {seconds} s: {'; '.join(silent)}" if silent else ""


def _state(database: str, upstream: str, plan: NodePlan, state: str) -> LinkState:
    return {"database": database, "upstream": upstream, "downstream": plan.name, "state": state}
