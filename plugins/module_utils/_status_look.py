# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a node sees of its links, in a few seconds and without changing anything: its server, and its server's log."""

from __future__ import annotations

import time

from . import _conflicts, _session
from ._engine.messages import of_links, recent
from ._engine.server import EngineServer
from ._fence import is_closed
from ._guard import Guard
from ._home import FAULTS, SEEDED, found_data, log_tail
from ._loaded import pending_restart
from ._logs import holding
from ._model import NodePlan
from ._program import Runner
from ._restored_look import look as look_at_changes
from ._service import is_dead
from ._session_types import Row
from ._slot_dialects import SlotRefused, probe
from ._slots import look as look_at_slots
from ._status_links import CLOSED, UNFINISHED
from ._status_node import SILENT, tables, with_failures, with_sender

CONNECT_SECONDS = 3
ANSWER_SECONDS = 2
"""So that the whole group is told of within ten seconds, with nodes among it that hang."""
STATEMENT_SECONDS = 4
LOG_BYTES = 16 * 1024 * 1024
"""Of the log, so much is looked through for what links say; a server may log every statement beside it."""
LOG_MINUTES = 10
"""An apply worker that fails is tried again after three minutes at the latest."""
LOG_LINES = 5
COUNTED_BYTES = 64 * 1024 * 1024
"""Of the log, so much is looked through for conflicts."""
LATE_SECONDS = 2
"""How much later than it says a line may come to stand in the log."""

_LIMIT = f"SET statement_timeout = '{STATEMENT_SECONDS}s'"
_LOG_TIMES = f"""
SELECT to_char(now() AT TIME ZONE current_setting('log_timezone'), 'YYYY-MM-DD HH24:MI:SS') AS now,
       to_char((now() - interval '{LOG_MINUTES} min') AT TIME ZONE current_setting('log_timezone'),
               'YYYY-MM-DD HH24:MI:SS') AS since
"""
_COUNTED_TIMES = """
SELECT to_char(to_timestamp(%(since)s) AT TIME ZONE current_setting('log_timezone'), 'YYYY-MM-DD HH24:MI:SS') AS since,
       to_char(to_timestamp(%(until)s) AT TIME ZONE current_setting('log_timezone'), 'YYYY-MM-DD HH24:MI:SS') AS until
"""
# What somebody set, and not to its default. What a session sets for itself, such as ours, is none of it.
_SETTINGS = """
SELECT name, reset_val || coalesce(' (' || unit || ')', '') AS setting FROM pg_settings
 WHERE source NOT IN ('default', 'override', 'client', 'session') AND reset_val IS DISTINCT FROM boot_val ORDER BY 1
"""
# The same tables as the guard's. What a row is found by, else its UPDATE and DELETE cannot be applied.
_KEYLESS = """
SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'pgbdr', 'pglogical', 'bdr')
   AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate)
   AND NOT EXISTS (SELECT 1 FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1
"""


def look(plan: NodePlan, engine: EngineServer, run: Runner, conflicts_since: float | None = None) -> Row:
    """Return what the node sees; a server that is down or silent is told of, and is no error.

    conflicts_since: the host's time up to which its conflicts were counted before, 0 where they never were.
    """
    seen = _seen(plan, engine, run, conflicts_since)
    return {**seen, "restored": look_at_changes(plan, run, answers=seen["answers"]), "seeding": _seeding(plan)}


def _seeding(plan: NodePlan) -> str:
    """Return whether the node is half seeded or closed to its clients, "" where it is neither."""
    if found_data(plan) == SEEDED:
        return UNFINISHED
    return CLOSED if is_closed(plan) else ""


def _seen(plan: NodePlan, engine: EngineServer, run: Runner, conflicts_since: float | None) -> Row:
    try:
        with _open(plan, "postgres") as session:
            found = {**_server(plan, engine, session), **_log(plan, engine, session)}
            if conflicts_since is not None and engine.logs_conflicts(found["settings"]):
                found["conflicts"] = _counted(plan, engine, session, conflicts_since)
        databases = {name: _database(plan, engine, name) for name in plan.databases}
        found["pending_restart"] = pending_restart(plan, run)
    except (_session.SessionError, SlotRefused) as error:
        return _silent(plan, " ".join(str(error).split()))
    failures = found.pop("failures")
    incoming = [row for name in plan.databases for row in databases[name].pop("incoming")]
    found["incoming"] = [with_failures(row, failures, found["log_time"]) for row in incoming]
    return {"answers": True, "error": "", "reason": "", **found, "databases": databases}


def _silent(plan: NodePlan, error: str) -> Row:
    reason = "down" if is_dead(f"{plan.data_directory}/postmaster.pid") else SILENT
    said = log_tail(plan, FAULTS, LOG_LINES)
    return {"answers": False, "error": error, "reason": reason, "slots": [], "log": said}


def _open(plan: NodePlan, database: str) -> _session.Session:
    return _session.local(plan, database, ANSWER_SECONDS, connect_seconds=CONNECT_SECONDS)


def _server(plan: NodePlan, engine: EngineServer, session: _session.Session) -> Row:
    found = look_at_slots(session, engine)
    session.rows(_LIMIT)
    probed = probe(session)
    senders = probed.senders(session)
    return {
        **found,
        **probed.position(session),
        "slots": [with_sender(slot, senders, engine, probed.tells_process) for slot in found["slots"]],
        "settings": {row["name"]: row["setting"] for row in session.rows(_SETTINGS)},
    }


def _log(plan: NodePlan, engine: EngineServer, session: _session.Session) -> Row:
    (times,) = session.rows(_LOG_TIMES)
    since = time.time() - LOG_MINUTES * 60
    lines, _is_all = holding(plan, of_links(plan.replication_user), since, times["since"], LOG_BYTES)
    lines = recent(lines, times["since"])
    return {"log_time": times["now"], "findings": engine.findings(lines), "failures": engine.failures(lines)}


def _counted(plan: NodePlan, engine: EngineServer, session: _session.Session, since: float) -> Row:
    """Return the conflicts since, and the time up to which they are counted, from where the next look goes on."""
    until = int(time.time()) - LATE_SECONDS
    if not since or since > until:
        return {"since": None, "until": until, "complete": True, "workers": {}}
    (times,) = session.rows(_COUNTED_TIMES, {"since": since, "until": until})
    lines, is_all = holding(plan, _conflicts.WORD, since, times["since"], COUNTED_BYTES)
    workers, unread = _conflicts.counted(lines, engine.dialect, times["since"], times["until"])
    return {"since": since, "until": until, "complete": is_all and not unread, "workers": workers}


def _database(plan: NodePlan, engine: EngineServer, name: str) -> Row:
    """Return the incoming links of a database, each with who holds it up, and the tables that lack something."""
    try:
        with _open(plan, name) as session:
            session.rows(_LIMIT)
            incoming = [{**row, "database": name} for row in engine.incoming(session, name)]
            for row in incoming:
                row["blockers"] = _blockers(session, row)
            guard = Guard(plan, engine)
            as_is = guard.observe(session, name)
            lacking = tables(as_is, guard.wanted(as_is, name), session.rows(_KEYLESS))
    except _session.SessionError as error:
        return {"error": " ".join(str(error).split()), "incoming": [], "unguarded": [], "keyless": []}
    return {"error": "", "incoming": incoming, **lacking}


def _blockers(session: _session.Session, worker: Row) -> list[Row]:
    """Return who holds a worker up; servers that do not say who it is tell of all that have a lock on the same."""
    if worker["waits_seconds"] is None:
        return []
    others = session.rows(_session.BLOCKERS, {"pid": worker["pid"]})
    return [
        row for row in others if row["granted"] and (not worker["blocked_by"] or row["pid"] in worker["blocked_by"])
    ]
