# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Wait for links with a deadline, and measure how long a row takes through them."""

from __future__ import annotations

import time
import typing as t
import uuid

from . import _session
from ._engine.server import EngineServer
from ._instance import Instance, InstanceError, log_tail
from ._model import Connection, NodePlan

POLL_SECONDS = 0.02
KICK_SECONDS = 5.0  # an apply worker that failed waits up to 180 s by itself

STREAMING = "streaming"

# Without ON CONFLICT, which old servers lack; only this link's downstream writes the row.
_BEAT_AGAIN = """
UPDATE pgbdr.heartbeat SET token = %(token)s, written_at = clock_timestamp()
 WHERE upstream = %(upstream)s AND downstream = %(downstream)s RETURNING 1
"""
_BEAT = """
INSERT INTO pgbdr.heartbeat (upstream, downstream, token) VALUES (%(upstream)s, %(downstream)s, %(token)s)
"""
_SEEN = "SELECT upstream FROM pgbdr.heartbeat WHERE downstream = %(downstream)s AND token = %(token)s"
_ACTIVE_SLOTS = "SELECT slot_name::text AS name FROM pg_replication_slots WHERE active AND slot_name = ANY(%(names)s)"

LinkState = t.Dict[str, t.Any]


def observed_links(plan: NodePlan, state: str) -> list[LinkState]:
    """Return the node's incoming links, all in the same state."""
    return [_link(plan, connection, state) for connection in plan.connections]


def wait_for_links(plan: NodePlan, engine: EngineServer, seconds: float) -> list[LinkState]:
    """Wait until every incoming link streams; InstanceError tells the last state of those that do not."""
    deadline = time.monotonic() + seconds
    states: dict[Connection, str] = {}
    for connection in plan.connections:
        states[connection] = _wait_for_link(plan, engine, connection, deadline)
    silent = [connection for connection, state in states.items() if state != STREAMING]
    if silent and seconds:
        told = "; ".join(f"{link.upstream} -> {plan.name} ({link.database}): {states[link]}" for link in silent)
        tail = "\n".join(log_tail(plan))
        raise InstanceError(f"not streaming after {seconds} s: {told}\nThe server of {plan.name} says:\n{tail}")
    return [_link(plan, connection, state) for connection, state in states.items()]


def _wait_for_link(plan: NodePlan, engine: EngineServer, connection: Connection, deadline: float) -> str:
    state, next_kick = "", time.monotonic() + KICK_SECONDS
    with _session.local(plan, connection.database) as session:
        while state != STREAMING:
            state = _state(engine, session, connection)
            now = time.monotonic()
            if state == STREAMING or now >= deadline:
                break
            if now >= next_kick:
                session.apply(engine.kick(connection))
                next_kick = now + KICK_SECONDS
            time.sleep(POLL_SECONDS)
    return state


def _state(engine: EngineServer, session: _session.Session, connection: Connection) -> str:
    try:
        with _session.Session(connection.dsn) as upstream:
            return engine.link_state(session, upstream, connection)
    except _session.SessionError as error:
        return f"{connection.upstream} cannot be reached: {error}"


def beat(plan: NodePlan, engine: EngineServer, seconds: float) -> list[LinkState]:
    """Write a row on each upstream and return when each was seen here, or what is seen instead."""
    token = uuid.uuid4().hex
    states = []
    for database in sorted({connection.database for connection in plan.connections}):
        own = [connection for connection in plan.connections if connection.database == database]
        with _session.local(plan, database) as session:
            states += _beat_database(plan, engine, session, own, token, seconds)
    return states


def _beat_database(
    plan: NodePlan,
    engine: EngineServer,
    session: _session.Session,
    connections: t.Sequence[Connection],
    token: str,
    seconds: float,
) -> list[LinkState]:
    sent, states = {}, {}
    for connection in connections:
        try:
            sent[connection.upstream] = _send(plan, connection, token)
        except _session.SessionError as error:
            states[connection.upstream] = _link(
                plan, connection, f"{connection.upstream} cannot be written to: {error}"
            )
    seen = _await(session, {"downstream": plan.name, "token": token}, set(sent), time.monotonic() + seconds)
    for connection in connections:
        if connection.upstream in seen:
            trip = round((seen[connection.upstream] - sent[connection.upstream]) * 1000, 1)
            states[connection.upstream] = {
                **_link(plan, connection, STREAMING),
                "round_trip_ms": trip,
            }
        elif connection.upstream in sent:
            state = _state(engine, session, connection)
            states[connection.upstream] = _link(plan, connection, f"row not seen within {seconds} s ({state})")
    return [states[connection.upstream] for connection in connections]


def _send(plan: NodePlan, connection: Connection, token: str) -> float:
    values = {"upstream": connection.upstream, "downstream": plan.name, "token": token}
    with _session.Session(connection.dsn) as upstream:
        started = time.monotonic()
        if not upstream.rows(_BEAT_AGAIN, values):
            upstream.rows(_BEAT, values)
    return started


def _await(
    session: _session.Session, values: t.Mapping[str, str], awaited: set[str], deadline: float
) -> dict[str, float]:
    seen: dict[str, float] = {}
    while True:
        rows = session.rows(_SEEN, values)
        now = time.monotonic()
        for row in rows:
            seen.setdefault(row["upstream"], now)
        if awaited <= set(seen) or now >= deadline:
            return seen
        time.sleep(POLL_SECONDS / 4)


def restart_and_wait(plan: NodePlan, engine: EngineServer, instance: Instance, seconds: float) -> list[LinkState]:
    """Restart the server; end when its links and the slots that were in use before are in use again."""
    names = [slot.name for slot in plan.slots]
    with _session.local(plan, "postgres") as session:
        before = _active(session, names)
    instance.restart()
    links = wait_for_links(plan, engine, seconds)
    deadline = time.monotonic() + seconds
    with _session.local(plan, "postgres") as session:
        while True:
            missing = before - _active(session, names)
            if not missing:
                return links
            if time.monotonic() >= deadline:
                raise InstanceError(
                    f"after the restart of {plan.name} these slots are not in use again within {seconds} s: "
                    f"{', '.join(sorted(missing))}. Look at the downstreams they belong to"
                )
            time.sleep(POLL_SECONDS)


def _active(session: _session.Session, names: t.Sequence[str]) -> set[str]:
    return {row["name"] for row in session.rows(_ACTIVE_SLOTS, {"names": list(names)})}


def _link(plan: NodePlan, connection: Connection, state: str) -> LinkState:
    return {
        "database": connection.database,
        "upstream": connection.upstream,
        "downstream": plan.name,
        "state": state,
    }
