# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""How servers of each time are spoken to about their slots: views, columns and functions are probed. Pure.

Slots are server-wide, and what serves them came and went: walsender commands only, functions of three names, four
views. A version says little about a server that was built from the tree between two of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ._session_types import Row, Session


class SlotRefused(ValueError):
    """What was asked of a slot cannot or must not be done; nothing was changed."""


@dataclass(frozen=True)
class Dialect:
    """How one kind of server makes and drops slots."""

    has: str
    """The function or view that tells a server of this kind from the others."""
    view: str
    create: str
    drop: str
    drop_if_idle: str = ""
    """The same, but for a slot in use, which is left with no row and no error; none where it takes a command."""
    by_walsender: bool = False
    """True where they are commands of a replication session, and no SQL."""
    any_name: bool = False
    """True where a name may be any text, since the server does not look at it."""


_IF_IDLE = "SELECT {}(slot_name::name) FROM {} WHERE slot_name = %(name)s AND NOT active"

DIALECTS = (
    Dialect(
        has="function pg_create_logical_replication_slot",
        view="pg_replication_slots",
        create="SELECT * FROM pg_create_logical_replication_slot(%(name)s, %(plugin)s)",
        drop="SELECT pg_drop_replication_slot(%(name)s)",
        drop_if_idle=_IF_IDLE.format("pg_drop_replication_slot", "pg_replication_slots"),
    ),
    Dialect(
        has="function pg_create_decoding_replication_slot",
        view="pg_replication_slots",
        create="SELECT * FROM pg_create_decoding_replication_slot(%(name)s, %(plugin)s)",
        drop="SELECT pg_drop_replication_slot(%(name)s)",
        drop_if_idle=_IF_IDLE.format("pg_drop_replication_slot", "pg_replication_slots"),
    ),
    Dialect(
        has="function init_logical_replication",
        view="pg_stat_logical_decoding",
        create="SELECT * FROM init_logical_replication(%(name)s, %(plugin)s)",
        drop="SELECT stop_logical_replication(%(name)s)",
        drop_if_idle=_IF_IDLE.format("stop_logical_replication", "pg_stat_logical_decoding"),
        any_name=True,
    ),
    Dialect(
        has="view pg_stat_logical_decoding",
        view="pg_stat_logical_decoding",
        create="INIT_LOGICAL_REPLICATION {name} {plugin}",
        drop="FREE_LOGICAL_REPLICATION {name}",
        by_walsender=True,
        any_name=True,
    ),
    Dialect(
        has="view pg_stat_logical_replication",
        view="pg_stat_logical_replication",
        create="INIT_LOGICAL_REPLICATION {name} {plugin}",
        drop="FREE_LOGICAL_REPLICATION {name}",
        by_walsender=True,
        any_name=True,
    ),
)
"""The newest first: a server that has the functions of two kinds is asked by the newer ones."""

PROBE = """
SELECT 'view ' || v.viewname::text AS has FROM pg_views v
 WHERE v.schemaname = 'pg_catalog' AND v.viewname = ANY(%(views)s)
UNION
SELECT 'column ' || a.attname::text FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'pg_catalog' AND c.relname = ANY(%(views)s) AND a.attnum > 0
UNION
SELECT 'function ' || p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'pg_catalog' AND p.proname = ANY(%(functions)s)
"""
_NEW_WAL = ("pg_current_wal_lsn", "pg_last_wal_receive_lsn", "pg_wal_lsn_diff", "pg_walfile_name")
_OLD_WAL = (
    "pg_current_xlog_location",
    "pg_last_xlog_receive_location",
    "pg_xlog_location_diff",
    "pg_xlogfile_name",
)
_PROBED: dict[str, list[str]] = {
    "views": sorted({"pg_stat_replication", *(dialect.view for dialect in DIALECTS)}),
    "functions": [*_NEW_WAL, *(dialect.has.split()[1] for dialect in DIALECTS)],
}

# A slot's database is a name in some views and a number in others. age() of no transaction is its largest number.
_SLOTS = """
SELECT s.slot_name::text AS name, s.plugin::text AS plugin, {kind} AS kind, d.datname::text AS database, s.active,
       {pid} AS pid, nullif(age(s.xmin), 2147483647) AS xmin_age, {catalog_xmin_age} AS catalog_xmin_age,
       {held} AS wal_held_bytes, {behind} AS behind_bytes, {wal_status} AS wal_status,
       {safe_wal_size} AS until_lost_bytes
  FROM {view} s LEFT JOIN pg_database d ON d.oid = s.{database}
 ORDER BY 1
"""
# greatest() alone would make a number of nothing.
_NOT_NEGATIVE = "CASE WHEN {0} IS NOT NULL THEN greatest(0, {1}) END"
_END_OF_WAL = "CASE WHEN pg_is_in_recovery() THEN {received}() ELSE {current}() END"
# Of a walsender that streams from a database; on old servers nothing says from which slot.
_WALSENDERS = """
SELECT w.pid, w.application_name, a.datname::text AS database
  FROM pg_stat_replication w LEFT JOIN pg_stat_activity a ON a.pid = w.pid ORDER BY 1
"""
# How far each of them is: what the other side has confirmed, and how long ago that was written.
_SENDERS = """
SELECT w.pid, w.application_name, a.datname::text AS database, w.state, {behind} AS behind_bytes,
       {seconds} AS behind_seconds
  FROM pg_stat_replication w LEFT JOIN pg_stat_activity a ON a.pid = w.pid ORDER BY 1
"""
_POSITION = "SELECT {end}::text AS lsn, CASE WHEN NOT pg_is_in_recovery() THEN {name}({current}()) END AS wal_file"
_TIMELINE = "SELECT {name}({current}())"


@dataclass(frozen=True)
class Probed:
    """A server's dialect, and what else it has for its slots."""

    dialect: Dialect
    has: frozenset[str]

    @property
    def keeps_wal(self) -> bool:
        """Tell whether a slot keeps the WAL that its downstream has yet to read."""
        return "column restart_lsn" in self.has

    @property
    def tells_process(self) -> bool:
        """Tell whether the server says which process uses a slot."""
        return "column active_pid" in self.has

    @property
    def tells_progress(self) -> bool:
        """Tell whether the server says up to where a slot's downstream has got."""
        return "column confirmed_flush_lsn" in self.has

    def slots(self, session: Session) -> list[Row]:
        """Return every slot of the server."""
        current, received, diff, _name = self._wal
        end = _END_OF_WAL.format(current=current, received=received)
        held = _NOT_NEGATIVE.format("{0}", f"{diff}({end}, {{0}})::bigint")
        return session.rows(
            _SLOTS.format(
                view=self.dialect.view,
                kind=self._column("slot_type", "'logical'::text"),
                pid=self._column("active_pid", "NULL::int"),
                catalog_xmin_age=self._column("catalog_xmin", "NULL::int", "nullif(age({}), 2147483647)"),
                held=self._column("restart_lsn", "NULL::bigint", held),
                behind=self._column("confirmed_flush_lsn", "NULL::bigint", held),
                wal_status=self._column("wal_status", "NULL::text"),
                safe_wal_size=self._column("safe_wal_size", "NULL::bigint", _NOT_NEGATIVE.format("{0}", "{0}")),
                database="datoid" if "column datoid" in self.has else "database",
            )
        )

    def walsenders(self, session: Session) -> list[Row]:
        """Return the server's walsenders, with the database that each is connected to."""
        return session.rows(_WALSENDERS)

    def senders(self, session: Session) -> list[Row]:
        """Return the server's walsenders with how far their other sides are behind."""
        current, received, diff, _name = self._wal
        flushed = next(name for name in ("flush_lsn", "flush_location", "") if not name or f"column {name}" in self.has)
        behind = f"{diff}({_END_OF_WAL.format(current=current, received=received)}, w.{flushed})::bigint"
        has_lag = "column replay_lag" in self.has
        return session.rows(
            _SENDERS.format(
                behind=f"greatest(0, {behind})" if flushed else "NULL::bigint",
                seconds="extract(epoch FROM w.replay_lag)::float8" if has_lag else "NULL::float8",
            )
        )

    def position(self, session: Session) -> Row:
        """Return the end of the server's WAL, and the file it is in; a standby has none it writes to."""
        current, received, _diff, name = self._wal
        end = _END_OF_WAL.format(current=current, received=received)
        (row,) = session.rows(_POSITION.format(end=end, name=name, current=current))
        return row

    def timeline(self, session: Session) -> int:
        """Return the timeline that the server writes; the name of a WAL file begins with it."""
        return int(session.value(_TIMELINE.format(name=self._wal[3], current=self._wal[0]))[:8], 16)

    @property
    def _wal(self) -> tuple[str, ...]:
        return _NEW_WAL if f"function {_NEW_WAL[0]}" in self.has else _OLD_WAL

    def _column(self, name: str, otherwise: str, expression: str = "{}") -> str:
        return expression.format(f"s.{name}") if f"column {name}" in self.has else otherwise


def probe(session: Session) -> Probed:
    """Return what a server has; SlotRefused where it knows no logical slots."""
    has = frozenset(row["has"] for row in session.rows(PROBE, _PROBED))
    for dialect in DIALECTS:
        if dialect.has in has:
            return Probed(dialect, has)
    raise SlotRefused("the server knows no logical slots: none of its views and functions is for them")


# A slot of such a server is a directory of its name, made without a look at the name; a `/` ends in a panic.
_DIRECTORIES = (".", "..", "checkpoints", "new", "snapshots")


def name_problem(name: str, dialect: Dialect) -> str:
    """Return why a server of a dialect must not be asked for a slot of that name, "" where it may be."""
    size = len(name.encode())
    if not name or re.search(r"[\x00-\x1f\x7f]", name):
        return f"name: {name!r} is no name; a slot's name is one line, not empty"
    if size > 63:
        return f"name: {name!r} has {size} bytes, a slot's name has 63 at most; give a shorter one"
    if dialect.any_name:
        refused = "/" in name or name in _DIRECTORIES or (dialect.by_walsender and '"' in name)
        return f"name: {name!r} would harm this server: it has a directory of a slot's name" if refused else ""
    odd = re.search(r"[^a-z0-9_]", name)
    return f"name: {name!r} has {odd[0]!r} in it; this server takes a-z, 0-9 and _ in a slot's name" if odd else ""
