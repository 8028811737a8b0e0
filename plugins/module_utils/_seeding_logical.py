# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Seed a node table by table: a new server beside the node's data gets what snapshots of the donor hold."""

from __future__ import annotations

import inspect
import json
import os
import sys
import time
import typing as t

from . import _commands, _seed_copy, _seed_driver, _seed_last, _session
from ._conninfo import CONNECT_SECONDS, KEEPALIVES, conninfo
from ._engine import seeding
from ._files import ManagedFile, give, make_directory
from ._home import SEEDED, found_data
from ._instance import InstanceError
from ._model import Connection
from ._seed import COPIED, FRESH, LOGICAL
from ._seed_copy import Ends, Table
from ._seed_look import receipt_of, stage
from ._seeding import SeedingWork, bytes_below

_ENCODING = "SHOW server_encoding"
_SNAPSHOT = ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET TRANSACTION SNAPSHOT %(snapshot)s")


class LogicalSeeding(SeedingWork):
    """One node on its way from a new server with its donor's rows to a member."""

    method = LOGICAL
    snapshots: t.Sequence[t.Mapping[str, t.Any]] = ()
    """What seed_source took on the donor, one for each database."""
    jobs = 4

    def stopped(self, check_mode: bool) -> None:
        """Stop the node's server for good: its slots go, so that what lies there never becomes a member again."""
        if self._stage() != FRESH:
            return
        if found_data(self.plan) != SEEDED or self._service.is_running():
            self.steps.append(f"stop {self.plan.name}, whose data is kept until the copy is whole")
        if not check_mode:
            make_directory(self.plan.home, "postgres", 0o700)
            self._mark({SEEDED: True})
            if self._service.is_running():
                self._service.stop()

    def copied(self, check_mode: bool, begin: bool, seconds: float) -> dict[str, t.Any] | None:
        """Have the donor's rows in a new data directory beside the node's own; begin: an earlier one is of no use."""
        if not begin and self._stage() != FRESH:
            self._copying.forget()
            return None
        self.steps.append(f"copy {self.donor.name} to {self._new} table by table")
        if check_mode:
            return None
        if begin or not self._copying.is_started():
            try:
                self._begin_copy()
            except BaseException:
                self._end_loading("immediate")
                raise
        if not self._is_copied(seconds):
            return self._progress()
        self._finish_copy()
        return None

    def promoted(self, check_mode: bool, seconds: float) -> None:
        """Put the copy in the place of the data, and start it as a node of its own."""
        if self._stage() == COPIED:
            self.steps.append(f"replace {self.plan.data_directory} by the copy of {self.donor.name}")
            if not check_mode:
                self._replace()
        if not check_mode:
            self._start_closed()

    def _position(self, session: _session.Session, connection: Connection) -> str:
        """The receipt of the copy tells."""
        positions = self._told("positions").get(connection.database, {})
        return str(positions.get(connection.upstream, ""))

    def linked(self, check_mode: bool, seconds: float) -> None:
        """Make the donor's sets of an operator's own as well, before anybody gets what the node writes."""
        work = seeding(self.plan, self.donor)
        for database, sets in self._told("sets").items():
            with _session.local(self.plan, database) as session:
                there = {each["name"] for each in work.sets(session)}
                missing = [each for each in sets if each["name"] not in there]
                if missing and not check_mode:
                    session.apply(work.own_sets(missing))
            self.steps += [f"make the replication set {each['name']} ({database})" for each in missing]
        super().linked(check_mode, seconds)

    def _told(self, name: str) -> dict[str, t.Any]:
        return dict(receipt_of(self.plan, stage(self.plan)).get(name, {}))

    # --- The copy -----------------------------------------------------------------------------------

    def _begin_copy(self) -> None:
        self._clear()
        new = self._instance(self._standby).begin_data()
        self._must(_commands.initdb(self.plan, new), "initdb")
        give(new, "postgres", 0o700)
        self._must(_commands.loading_server(self.plan, new, "start"), "the start of the new server")
        first = self.plan.databases[0]
        self._script(self._output(_commands.pg_dumpall_roles(self.plan, self._source(first), first), "pg_dumpall"))
        phases: dict[str, list[t.Any]] = {name: [] for name in _seed_copy.PHASES}
        total = sum(self._plan_database(place, found, phases) for place, found in enumerate(self.snapshots))
        self._drive(phases, total)

    def _plan_database(self, place: int, found: t.Mapping[str, t.Any], phases: t.Mapping[str, list[t.Any]]) -> int:
        """Make what a database has beside rows, and add what copies these. Return how many bytes that is."""
        plan, new, end = self.plan, self._new, self._ends(found)
        archive, listing = f"{new}/schema_{place}.dump", f"{new}/schema_{place}.list"
        self._schema(end, archive, listing)
        tables = self._tables(end)
        recent = found["recent"]
        others = _seed_last.MARK.format(place) if recent else ""
        phases[_seed_copy.DATA].extend(
            _seed_copy.job(plan, end, piece, others)
            for piece in _seed_copy.pieces(tables, self.jobs, self._splits(end.database))
        )
        if recent:
            origins = {link.upstream: link.slot for link in plan.connections if link.database == end.database}
            self._script(_seed_last.waiting(tables, recent, origins), end.database)
            wait = _seed_copy.writing(plan, end, "COPY pgbdr_seed.waiting FROM STDIN")
            reads = _seed_last.readings(plan, end, tables, recent)
            phases[_seed_copy.DATA].extend({"what": _seed_copy.LAST_ROWS, "pipe": [read, wait]} for read in reads)
            last = _seed_copy.writing(plan, end, _seed_last.INSERT, _seed_last.FORGET)
            phases[_seed_copy.LAST_ROWS].append({"what": _seed_copy.LAST_ROWS, "pipe": [last]})
        indexes = self._restore(end, archive, listing, "post-data", "-j", str(self.jobs))
        phases[_seed_copy.INDEXES].append({"what": f"{end.database}: indexes", "pipe": [indexes]})
        statistics = _commands.analyze(plan, new, plan.port, end.database, self.jobs)
        phases[_seed_copy.STATISTICS].append({"what": f"{end.database}: statistics", "pipe": [statistics]})
        return sum(table.bytes for table in tables)

    def _drive(self, phases: t.Mapping[str, list[t.Any]], total: int) -> None:
        order = [{"name": name, "jobs": jobs} for name, jobs in phases.items()]
        if phases[_seed_copy.LAST_ROWS]:
            # Rows get times from here on.
            restart = _commands.loading_server(self.plan, self._new, "-m", "fast", "restart", marks_times=True)
            order.insert(1, {"name": _seed_copy.LAST_ROWS, "jobs": [{"what": "restart", "pipe": [restart]}]})
        texts = {
            _seed_last.MARK.format(place): _seed_last.older(found["recent"])
            for place, found in enumerate(self.snapshots)
            if found["recent"]
        }
        work = {"phases": order, "jobs": self.jobs, "texts": texts, "bytes": total}
        text = json.dumps({**work, "before": bytes_below(self._base())})
        ManagedFile(self._work, text, 0o600, "root").write()
        driver = inspect.getsource(_seed_driver)
        self._copying.start([sys.executable, "-c", driver, self._work, self._noted])

    def _finish_copy(self) -> None:
        for found in self.snapshots:
            end = self._ends(found)
            rows = self._rows(end, _seed_copy.SEQUENCES)
            query = rows[0]["query"] if rows else None
            if query:
                self._script(_seed_copy.values(self._rows(end, query)), end.database)
        self._end_loading("fast")
        self._must(_commands.to_disk(self.plan, self._new), "initdb -S")
        for name in os.listdir(self._new):
            if name.startswith(("schema_", "loading.")):
                os.unlink(f"{self._new}/{name}")
        self._instance(self._standby).finish_data(self._new)
        # What has no receipt is no whole copy.
        told = {name: {found["database"]: found[name] for found in self.snapshots} for name in ("positions", "sets")}
        self._receipt(self._new, **told).write()
        self._copying.forget()
        for path in (self._work, self._noted):
            if os.path.exists(path):
                os.unlink(path)

    def _schema(self, end: Ends, archive: str, listing: str) -> None:
        plan = self.plan
        self._must(_commands.pg_dump_schema(plan, end.source, end.snapshot, archive), f"pg_dump of {end.database}")
        lines = self._output(_commands.pg_restore(plan, "-l", archive), "pg_restore").splitlines()
        ManagedFile(listing, "\n".join(_seed_copy.restored(lines)) + "\n", 0o600, "postgres").write()
        create = [] if end.database == "postgres" else ["-C"]
        self._must(self._restore(end, archive, listing, "pre-data", *create), f"the definitions of {end.database}")

    def _restore(self, end: Ends, archive: str, listing: str, section: str, *more: str) -> list[str]:
        database = "postgres" if "-C" in more else end.database
        place = ("-h", self._new, "-p", str(self.plan.port), "-U", "postgres", "-d", database)
        return _commands.pg_restore(self.plan, *place, "-L", listing, f"--section={section}", *more, archive)

    def _tables(self, end: Ends) -> list[Table]:
        return [table for table in map(_seed_copy.table, self._rows(end, _seed_copy.TABLES)) if table.columns]

    def _rows(self, end: Ends, query: str) -> list[dict[str, t.Any]]:
        connection = self._link(end.database)
        with _session.upstream(self.plan, connection) as session:
            for statement in _SNAPSHOT:
                session.rows(statement, {"snapshot": end.snapshot} if "%" in statement else None)
            return session.rows(query)

    def _splits(self, database: str) -> bool:
        """A range of blocks is read by itself from 14 on; before, each range would read the whole table."""
        with _session.upstream(self.plan, self._link(database)) as session:
            return session.server_version() >= 140000

    def _ends(self, found: t.Mapping[str, t.Any]) -> Ends:
        database = found["database"]
        connection = self._link(database)
        with _session.upstream(self.plan, connection) as session:
            encoding = str(session.value(_ENCODING))
        return Ends(database, self._source(database), self._target(database), encoding, found["snapshot"])

    def _link(self, database: str) -> Connection:
        links = self.plan.connections
        return next(link for link in links if (link.database, link.upstream) == (database, self.donor.name))

    def _source(self, database: str) -> str:
        watched = {"connect_timeout": CONNECT_SECONDS, **KEEPALIVES}
        return f"{self._link(database).dsn} {conninfo(watched)}"

    def _target(self, database: str) -> str:
        return conninfo({"host": self._new, "port": self.plan.port, "dbname": database, "user": "postgres"})

    # --- What runs ----------------------------------------------------------------------------------

    def _clear(self) -> None:
        """End what an earlier run left at work."""
        self._copying.forget()
        self._end_loading("immediate")

    def _progress(self) -> dict[str, t.Any]:
        with open(self._work, encoding="utf-8") as file:
            work = json.load(file)
        noted: dict[str, t.Any] = {"phase": _seed_copy.DATA, "done": 0, "of": 0, "began": time.time()}
        if os.path.exists(self._noted):
            with open(self._noted, encoding="utf-8") as file:
                noted = json.load(file)
        loaded = min(work["bytes"], max(0, bytes_below(self._base()) - work["before"]))
        seconds = time.time() - noted.pop("began")
        return {**noted, "seconds": seconds, "bytes": loaded, "total_bytes": work["bytes"]}

    def _base(self) -> str:
        return f"{self._new}/base"

    @property
    def _work(self) -> str:
        return f"{self.plan.home}/copy.work"

    @property
    def _noted(self) -> str:
        return f"{self.plan.home}/copy.noted"

    def _script(self, text: str, database: str = "postgres") -> None:
        path = f"{self._new}/loading.sql"
        ManagedFile(path, _seed_copy.roles(text), 0o600, "postgres").write()
        call = _commands.psql(self.plan, self._target(database), settings=_seed_copy.ALIKE)
        self._must([*call, "-o", "/dev/null", "-f", path], "a script of the new server")
        os.unlink(path)

    def _must(self, command: t.Sequence[str], what: str) -> None:
        self._output(command, what)

    def _output(self, command: t.Sequence[str], what: str) -> str:
        run = self._secrets[0]
        code, out, err = run(command)
        if code:
            raise InstanceError(f"{what} failed: {(err or out).strip()}")
        return out
