# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The donor's part in a seeding table by table: snapshots that outlive their module, and what each of them holds."""

from __future__ import annotations

import shlex
import subprocess
import time
import typing as t

from . import _commands, _session
from ._conninfo import conninfo
from ._detached import Detached
from ._engine import rules, seeding
from ._seed_source import SeedSource
from ._seed_wal import Commit, commits, files, held, recent
from ._session_types import Row, Statement

HOLD_SECONDS = 60
"""How long the session that keeps a snapshot may take to have its locks: a TRUNCATE or a DDL script may hold one."""
POLL_SECONDS = 0.05
NO_LIMITS = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
SLOT = "pgbdr_snapshot"

_WAL = """
SELECT pg_current_wal_insert_lsn()::text AS begin, timeline_id AS timeline, s.setting::int AS size
  FROM pg_control_checkpoint(), pg_settings s WHERE s.name = 'wal_segment_size'
"""
_CREATE = f'CREATE_REPLICATION_SLOT "{SLOT}" TEMPORARY LOGICAL {{plugin}} EXPORT_SNAPSHOT'
# As pg_dump does: no table is dropped or rewritten as long as rows are read by the place where they lie.
_LOCK = """
DO $lock$ BEGIN
    SET LOCAL lock_timeout = '30s';
    EXECUTE (SELECT coalesce('LOCK TABLE ' || string_agg(format('ONLY %I.%I', n.nspname, c.relname), ', ')
                             || ' IN ACCESS SHARE MODE', 'SELECT 1')
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
                AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)');
END $lock$
"""
# A snapshot keeps VACUUM from its work. One that nobody reads by for five minutes, since a run was given up, ends.
_IN_USE = f"SELECT 'used' FROM pg_stat_activity WHERE application_name = '{_commands.COPYING}' LIMIT 1"
_WATCH = (
    r"\! idle=0; while [ $idle -lt 10 ]; do sleep 30; "
    'if [ "$({watched})" = used ]; then idle=0; else idle=$((idle + 1)); fi; done'
)
_BYPASSES = "SELECT rolbypassrls FROM pg_roles WHERE rolname = %(role)s"
_BYPASS = "ALTER ROLE {role} BYPASSRLS"
_NO_BYPASS = "ALTER ROLE {role} NOBYPASSRLS"
# In its first database. The node gets the donor's roles with their passwords' verifiers, as a physical copy has them.
_READ_ROLES = "GRANT SELECT ON pg_catalog.pg_authid TO {role}"
_NOT_READ_ROLES = "REVOKE SELECT ON pg_catalog.pg_authid FROM {role}"


class SnapshotSource(SeedSource):
    """A donor, and the node that gets its rows as they are at one moment in each database."""

    def take(self, check_mode: bool, seconds: float, skew_seconds: float) -> list[dict[str, t.Any]]:
        """Return a snapshot of each database, with the position up to where it holds each upstream.

        Nobody is held up: writers write and workers apply all along. skew_seconds: how far clocks may be apart.
        """
        self.steps.append(f"keep a snapshot for {self.seeded.name}")
        if check_mode:
            return []
        self.release(check_mode=False)
        self._note_scripts()
        names = {"role": self.plan.replication_user}
        with _session.local(self.plan, self.plan.databases[0]) as session:
            session.apply(Statement(text, names) for text in (_BYPASS, _READ_ROLES))
        with _session.local(self.plan, "postgres") as session:
            (wal,) = session.rows(_WAL)
        time.sleep(skew_seconds)
        self._await_rows(seconds)
        return [self._take(database, wal, skew_seconds) for database in self.plan.databases]

    def release(self, check_mode: bool) -> None:
        """Let the snapshots go, and take back what the other node was granted for the time."""
        names = {"role": self.plan.replication_user}
        with _session.local(self.plan, self.plan.databases[0]) as session:
            if not session.value(_BYPASSES, names):
                return
        self.steps.append(f"let the snapshot for {self.seeded.name} go")
        if check_mode:
            return
        for database in self.plan.databases:
            self._holder(database).forget()
        with _session.local(self.plan, self.plan.databases[0]) as session:
            session.apply(Statement(text, names) for text in (_NO_BYPASS, _NOT_READ_ROLES))

    def _take(self, database: str, wal: Row, skew_seconds: float) -> dict[str, t.Any]:
        engine = seeding(self.seeded, self.plan)
        plugin = rules(self.plan.engine, self.plan.era).slot_plugin
        with _session.local(self.plan, database) as session:
            origins = engine.origins(session, database)
            sets = engine.sets(session)
            with _session.local(self.plan, database, more={"replication": "database"}) as walsender:
                (made,) = walsender.rows(_CREATE.format(plugin=plugin))
                snapshot = self._hold(database, made["snapshot_name"])
        end = str(made["consistent_point"])
        upstreams = {origin.id: origin.upstream for origin in origins}
        seen = held(self._commits(wal, end), {origin.id: origin.position for origin in origins})
        others = [origin.id for origin in origins if origin.upstream != self.seeded.name]
        last = [
            # What nobody sent, and what only the seeded node did, counts as the donor's.
            {
                "upstream": upstreams[commit.origin] if commit.origin in others else self.plan.name,
                "at": commit.at,
                "xids": commit.xids,
            }
            for commit in recent(seen, others, skew_seconds)
        ]
        positions = {**{upstreams[origin]: seen.positions[origin] for origin in others}, self.plan.name: end}
        return {"database": database, "snapshot": snapshot, "positions": positions, "recent": last, "sets": sets}

    def _hold(self, database: str, snapshot: str) -> str:
        """Return the name of the same snapshot in a session that stays open; a walsender drops it at its next word."""
        holder = self._holder(database)
        begin = ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        place = {"host": self.plan.socket_directory, "port": self.plan.port, "dbname": database, "user": "postgres"}
        told = conninfo({**place, "application_name": "pgbdr snapshot"})
        watched = " ".join(map(shlex.quote, [f"{self.plan.bin_directory}/psql", "-XAtqw", "-d", told, "-c", _IN_USE]))
        export = (_LOCK, "SELECT pg_export_snapshot()", _WATCH.format(watched=watched))
        holder.start(_commands.psql(self.plan, told, *begin, *export, settings=NO_LIMITS))
        deadline = time.monotonic() + HOLD_SECONDS
        while time.monotonic() < deadline:
            said = holder.said()
            if said.count("-") == 2 and "\n" not in said:
                return said
            if holder.wait(POLL_SECONDS) is not None:
                break
        said = holder.said()
        holder.forget()
        raise _session.SessionError(
            f"the snapshot of {database} on {self.plan.name} cannot be kept: {said or 'it is not seen'}. Run this again"
        )

    def _holder(self, database: str) -> Detached:
        place = self.plan.databases.index(database)
        return Detached(f"{self.plan.home}/snapshot_{place}", self.seeded.name)

    def _commits(self, wal: Row, end: str) -> t.Iterator[Commit]:
        between = files(wal["begin"], end, wal["timeline"], wal["size"])
        command = _commands.pg_waldump(self.plan, between, wal["begin"], end)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
            assert reader.stdout and reader.stderr
            yield from commits(reader.stdout, end)
            said = reader.stderr.read().strip()
        if reader.returncode:
            raise _session.SessionError(f"pg_waldump of {self.plan.name} failed: {said}")
