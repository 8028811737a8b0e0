# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The queries file of a node's exporter: what it tells of the node's links, slots, heartbeats and tables. Pure.

The exporter runs each query in each database of the node. So a query tells of its own database only, and what is of the
whole server is told by the first one. A value that is not known is NULL, which no alert takes for a number.
"""

from __future__ import annotations

import json
import typing as t

from ._engine.monitoring import Monitoring
from ._fields import schema_and_table
from ._guard import REPLICATED
from ._model import NodePlan

TABLES_SECONDS = 30
"""How old what is told of tables may be: with many of them it is the one query that costs something."""

Column = t.Tuple[str, str, str]
"""Its name, its kind to the exporter, and what it says."""

LINK: tuple[Column, ...] = (
    ("database", "LABEL", "The database"),
    ("upstream", "LABEL", "The node that sends"),
    ("downstream", "LABEL", "The node that receives"),
)

METRICS: dict[str, tuple[Column, ...]] = {
    "bdr_node": (
        ("clock_seconds", "GAUGE", "The clock of the server's host"),
        ("wal_limit_bytes", "GAUGE", "How much WAL a slot may hold back, none without a limit"),
        ("pending_restart", "GAUGE", "Settings that wait for a restart"),
        ("standby", "GAUGE", "Whether it is a physical standby"),
    ),
    "bdr_slot": (
        *LINK,
        ("slot", "LABEL", "Name of the slot"),
        ("present", "GAUGE", "Whether the upstream has a slot for the link"),
        ("active", "GAUGE", "Whether somebody reads from it"),
        ("lost", "GAUGE", "Whether WAL that it needs was given up"),
        ("lag_bytes", "GAUGE", "The WAL that the downstream has not confirmed"),
        ("lag_seconds", "GAUGE", "How long ago that was written which it confirmed last, none where nobody says"),
        ("wal_held_bytes", "GAUGE", "The WAL that it holds back"),
        ("until_lost_bytes", "GAUGE", "How much may still be written before its WAL is given up, none without a limit"),
        ("xmin_age", "GAUGE", "How many transactions old the rows are that VACUUM must leave alone for it"),
    ),
    "bdr_connection": (
        *LINK,
        ("present", "GAUGE", "Whether the downstream has a connection for the link"),
        ("enabled", "GAUGE", "Whether it is enabled"),
        ("up", "GAUGE", "Whether its worker is at work"),
        ("conflict", "GAUGE", "Whether its worker ended at a row that another one stands against"),
        ("worker_started_seconds", "GAUGE", "When its worker began"),
        ("waiting", "GAUGE", "Whether its worker waits for a lock"),
    ),
    "bdr_heartbeat": (
        *LINK,
        ("own", "LABEL", "Whether the heartbeat is the node's own: yes or no"),
        ("seen", "GAUGE", "Whether a heartbeat of the upstream was ever seen here"),
        ("age_seconds", "GAUGE", "How long ago the last one that was seen here was written, by both ends' clocks"),
    ),
    "bdr_tables": (
        ("database", "LABEL", "The database"),
        ("unguarded", "GAUGE", "Tables without the guard that they should have"),
        ("keyless", "GAUGE", "Tables without a primary key"),
    ),
}
"""What is told, under the names that the exporter makes of it: bdr_slot_lag_bytes, and so on."""

_NODE = """SELECT extract(epoch FROM clock_timestamp()) AS clock_seconds,
       (SELECT nullif(setting::bigint, -1) * 1048576 FROM pg_settings
         WHERE name = 'max_slot_wal_keep_size') AS wal_limit_bytes,
       (SELECT count(*) FROM pg_settings WHERE pending_restart) AS pending_restart,
       pg_is_in_recovery()::int AS standby
 WHERE current_database() = {first}
"""
_SLOT = """SELECT v.*, (s.slot_name IS NOT NULL)::int AS present,
       coalesce(s.active, false)::int AS active,
       coalesce(s.wal_status = 'lost', false)::int AS lost,
       pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn) AS lag_bytes,
       CASE WHEN s.active AND pg_current_wal_lsn() <= s.confirmed_flush_lsn THEN 0
            ELSE extract(epoch FROM w.replay_lag) END AS lag_seconds,
       pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) AS wal_held_bytes,
       s.safe_wal_size AS until_lost_bytes,
       greatest(age(s.xmin), age(s.catalog_xmin)) AS xmin_age
  FROM (VALUES {rows}) AS v (database, upstream, downstream, slot)
  LEFT JOIN pg_replication_slots s ON s.slot_name = v.slot AND s.database = v.database
  LEFT JOIN pg_stat_replication w ON w.pid = s.active_pid
 WHERE v.database = current_database()
"""
_CONNECTION = """SELECT v.database, v.upstream, v.downstream,
       {columns}
  FROM (VALUES {rows}) AS v (database, upstream, downstream, connection)
  LEFT JOIN pgbdr.heartbeat b ON b.upstream = v.downstream AND b.downstream = ''
{joins}
 WHERE v.database = current_database()
"""
_HEARTBEAT = """SELECT v.*, CASE WHEN v.upstream = v.downstream THEN 'yes' ELSE 'no' END AS own,
       (h.upstream IS NOT NULL)::int AS seen,
       extract(epoch FROM clock_timestamp() - h.written_at) AS age_seconds
  FROM (VALUES {rows}) AS v (database, upstream, downstream)
  LEFT JOIN pgbdr.heartbeat h ON h.upstream = v.upstream AND h.downstream = ''
 WHERE v.database = current_database()
"""
_TABLES = f"""SELECT current_database() AS database,
       count(*) FILTER (WHERE {{lacks_guard}}) AS unguarded,
       count(*) FILTER (WHERE c.relkind = 'r' AND NOT EXISTS (
           SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate)) AS keyless
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE {REPLICATED}
"""
_LACKS_GUARD = """NOT EXISTS (
           SELECT FROM pg_trigger g
            WHERE g.tgrelid = c.oid AND g.tgname = 'pgbdr_deny_truncate' AND g.tgenabled = 'O'){but_allowed}"""


def queries(plan: NodePlan, engine: Monitoring) -> str:
    """Return the file. It is JSON, which is YAML as well, and needs no library on the node."""
    told = {name: _entry(name, query) for name, query in _queries(plan, engine).items()}
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def asked(plan: NodePlan) -> tuple[str, ...]:
    """Return the databases that the exporter asks; a physical standby has none of its own in the plan."""
    return plan.databases or ("postgres",)


def _queries(plan: NodePlan, engine: Monitoring) -> dict[str, str]:
    found = {"bdr_node": _NODE.format(first=literal(asked(plan)[0]))}
    if not plan.databases:
        return found
    slots = [(slot.database, plan.name, slot.downstream, slot.name) for slot in plan.slots]
    if slots:
        found["bdr_slot"] = _SLOT.format(rows=_rows(slots))
    links = [(link.database, link.upstream, plan.name, link.name) for link in plan.connections]
    if links:
        columns, joins = engine.connection_columns, engine.connection_joins
        found["bdr_connection"] = _CONNECTION.format(rows=_rows(links), columns=columns, joins=joins)
    own = [(database, plan.name, plan.name) for database in plan.databases]
    beats = sorted({*own, *((database, upstream, name) for database, upstream, name, _connection in links)})
    found["bdr_heartbeat"] = _HEARTBEAT.format(rows=_rows(beats))
    found["bdr_tables"] = _TABLES.format(lacks_guard=_lacks_guard(plan))
    return found


def _lacks_guard(plan: NodePlan) -> str:
    if not plan.deny_truncate:
        return "false"
    allowed = [schema_and_table(name) for name in plan.truncatable_tables]
    but_allowed = f"\n           AND (n.nspname, c.relname) NOT IN ({_rows(allowed)})" if allowed else ""
    return _LACKS_GUARD.format(but_allowed=but_allowed)


def _entry(name: str, query: str) -> dict[str, t.Any]:
    columns = [{column: {"usage": kind, "description": said}} for column, kind, said in METRICS[name]]
    cached = {"cache_seconds": TABLES_SECONDS} if name == "bdr_tables" else {}
    return {"query": query, **cached, "metrics": columns}


def _rows(rows: t.Iterable[t.Iterable[str]]) -> str:
    return ", ".join(f"({', '.join(map(literal, row))})" for row in rows)


def literal(text: str) -> str:
    """Return a constant in SQL, right whatever a session takes \\ for."""
    quoted = text.replace("'", "''")
    return f" E'{quoted}'".replace("\\", "\\\\") if "\\" in text else f"'{quoted}'"
