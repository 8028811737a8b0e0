# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Wait for links with a deadline, and measure how long a row takes through them."""

from __future__ import annotations

import contextlib
import time
import typing as t
import uuid

from . import _session
from ._engine.server import EngineServer
from ._home import FAULTS, LogMark, log_tail
from ._instance import InstanceError
from ._link_state import STREAMING, LinkState, comes_late, link, not_streaming, standby
from ._model import Connection, NodePlan

POLL_SECONDS = 0.02
KICK_SECONDS = 5.0  # an apply worker that failed waits up to 180 s by itself

# Without ON CONFLICT, which old servers lack; only this link's downstream writes the row.
_BEAT_AGAIN = """
UPDATE pgbdr.heartbeat SET token = %(token)s, written_at = clock_timestamp()
 WHERE upstream = %(upstream)s AND downstream = %(downstream)s RETURNING 1
"""
_BEAT = """
INSERT INTO pgbdr.heartbeat (upstream, downstream, token) VALUES (%(upstream)s, %(downstream)s, %(token)s)
"""
_SEEN = "SELECT upstream FROM pgbdr.heartbeat WHERE downstream = %(downstream)s AND token = %(token)s"

_RECEIVED = "SELECT pg_is_in_recovery() AND pg_last_wal_receive_lsn() IS NOT NULL"
_RECEIVED_BEFORE_10 = "SELECT pg_is_in_recovery() AND pg_last_xlog_receive_location() IS NOT NULL"


def observed_links(plan: NodePlan, state: str) -> list[LinkState]:
    """Return the node's incoming links, all in the same state."""
    return [link(plan, connection, state) for connection in plan.connections]


def established(plan: NodePlan, engine: EngineServer) -> list[Connection]:
    """Return the incoming links that were up before, as far as their upstreams can be asked."""
    found = []
    for connection in plan.connections:
        try:
            with _session.local(plan, connection.database) as session, _session.upstream(plan, connection) as upstream:
                if engine.is_established(session, upstream, connection):
                    found.append(connection)
        except _session.SessionError:
            continue
    return found


def wait_for_links(
    plan: NodePlan, engine: EngineServer, seconds: float, awaited: t.Sequence[Connection] | None = None
) -> list[LinkState]:
    """Wait until incoming links stream; InstanceError tells the last state of those that do not.

    awaited: the links to wait for, all of them where it is None.
    """
    mark = LogMark(plan)
    states = _await_links(plan, engine, seconds, plan.connections if awaited is None else awaited)
    problem = not_streaming(plan, states, seconds)
    if problem and seconds:
        tail = "\n".join([*engine.findings(mark.lines()), f"The server of {plan.name} says:", *log_tail(plan, FAULTS)])
        raise InstanceError(f"{problem}\n{tail}")
    return [link(plan, connection, state) for connection, state in states.items()]


def _await_links(
    plan: NodePlan, engine: EngineServer, seconds: float, awaited: t.Iterable[Connection]
) -> dict[Connection, str]:
    deadline = time.monotonic() + seconds
    return {connection: _wait_for_link(plan, engine, connection, deadline) for connection in awaited}


def _wait_for_link(plan: NodePlan, engine: EngineServer, connection: Connection, deadline: float) -> str:
    state, next_kick = "", time.monotonic() + KICK_SECONDS
    with _session.local(plan, connection.database) as session:
        while state != STREAMING:
            state = _state(plan, engine, session, connection)
            now = time.monotonic()
            if state == STREAMING or now >= deadline:
                break
            if now >= next_kick and engine.waits_out_a_retry(session, connection):
                with contextlib.suppress(_session.SessionError):  # its worker ended that moment; it is kicked again
                    session.apply(engine.kick(connection))
                next_kick = now + KICK_SECONDS
            time.sleep(POLL_SECONDS)
    return state


def _state(plan: NodePlan, engine: EngineServer, session: _session.Session, connection: Connection) -> str:
    try:
        with _session.upstream(plan, connection) as upstream:
            return engine.link_state(session, upstream, connection)
    except _session.SessionError as error:
        return f"{connection.upstream} cannot be reached: {error}"


def beat(plan: NodePlan, engine: EngineServer, seconds: float) -> list[LinkState]:
    """Write a row on each upstream and return when each was seen here, or what is seen instead.

    Links get the same time to stream at first: a server that was restarted a moment ago is no fault.
    """
    if plan.standby_of:
        return [_await_standby(plan, seconds)]
    token = uuid.uuid4().hex
    states_now = _await_links(plan, engine, seconds, plan.connections)
    silent = {link: state for link, state in states_now.items() if state != STREAMING}
    states = [link(plan, connection, state) for connection, state in silent.items()]
    for database in sorted({connection.database for connection in plan.connections}):
        own = [link for link in plan.connections if link.database == database and link not in silent]
        with _session.local(plan, database) as session:
            states += _beat_database(plan, engine, session, own, token, seconds)
            session.apply(engine.forget_heartbeats())
    return states


def _await_standby(plan: NodePlan, seconds: float) -> LinkState:
    """Wait until a physical standby has received WAL since its start."""
    deadline = time.monotonic() + seconds
    with _session.local(plan, "postgres") as session:
        received = _RECEIVED if session.server_version() >= 100000 else _RECEIVED_BEFORE_10
        while True:
            state = STREAMING if session.value(received) else f"it gets no WAL from {plan.standby_of} yet"
            if state == STREAMING or time.monotonic() >= deadline:
                break
            time.sleep(POLL_SECONDS)
    return standby(plan, state)


def _beat_database(
    plan: NodePlan,
    engine: EngineServer,
    session: _session.Session,
    connections: t.Sequence[Connection],
    token: str,
    seconds: float,
) -> list[LinkState]:
    sent: dict[str, float] = {}
    unsent: dict[str, str] = {}
    for connection in connections:
        try:
            sent[connection.upstream] = _send(plan, engine, connection, token)
        except _session.SessionError as error:
            unsent[connection.upstream] = f"{connection.upstream} cannot be written to: {error}"
    awaited = {link.upstream for link in connections if link.upstream in sent and not comes_late(link, seconds)}
    seen = _await(session, {"downstream": plan.name, "token": token}, awaited, time.monotonic() + seconds)
    states = []
    for connection in connections:
        if connection.upstream in seen:
            trip = seen[connection.upstream] - sent[connection.upstream]
            states.append(link(plan, connection, STREAMING, trip))
        elif connection.upstream in unsent:
            states.append(link(plan, connection, unsent[connection.upstream]))
        else:
            state = _state(plan, engine, session, connection)
            missed = "" if comes_late(connection, seconds) else f"row not seen within {seconds} s; "
            states.append(link(plan, connection, f"{missed}{state}"))
    return states


def _send(plan: NodePlan, engine: EngineServer, connection: Connection, token: str) -> float:
    values = {"upstream": connection.upstream, "downstream": plan.name, "token": token}
    with _session.upstream(plan, connection) as upstream:
        started = time.monotonic()
        if not (engine.heartbeat_is_updated and upstream.rows(_BEAT_AGAIN, values)):
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
