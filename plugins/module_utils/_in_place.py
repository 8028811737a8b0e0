# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Seed a node whose engine takes its identity from its server: its rows are replaced in their place.

The node's server applies nothing meanwhile, since it has no passwords of its upstreams; its downstreams go on reading.
Each state can be asked for again, and a receipt tells how far it is. Until the new rows are committed, all at once in
each database, the old ones are there.
"""

from __future__ import annotations

import contextlib
import glob
import os
import sys
import time
import typing as t
from dataclasses import replace

from . import _session
from ._conninfo import passfile
from ._engine import contrib_bdr_sql as sql
from ._engine import in_place, rules, server
from ._engine.in_place import Identity
from ._files import ManagedFile
from ._home import SEEDED
from ._in_place_hold import upstreams
from ._in_place_rows import Replacing
from ._instance import InstanceError
from ._model import NodePlan, Slot
from ._program import Runner
from ._seed import HELD, IN_PLACE, LINKED, LOADED
from ._seed_look import read_receipt
from ._seed_marks import MarkedNode
from ._slot_dialects import probe
from ._wait import wait_for_links

POLL_SECONDS = 0.2
QUIET_SECONDS = 1.0
"""How long no slot of the node is in use, for its workers to count as gone; each tries again after 5 s, in vain."""

_END_WALSENDERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE application_name LIKE 'bdr%'"
_STARTED = "SELECT pg_postmaster_start_time()::text"


class InPlaceWork(MarkedNode):
    """One node whose rows are replaced. InstanceError says why it does not go on."""

    method = IN_PLACE

    def __init__(
        self, plan: NodePlan, donor: NodePlan, point: str, run: Runner, password: str, tls: t.Mapping[str, str]
    ) -> None:
        super().__init__(plan, donor, point, run, password, tls)
        self.held_seconds = 0.0
        self._way = in_place.way(plan.era)
        self._engine = server(plan)
        # Its own passfile is empty meanwhile, and the server reads no other one.
        self._gated = replace(self._closed, passfile_entries=())
        self._reach = replace(plan, passfile=f"{plan.home}/passfile.seed")
        self._files = (self._reach.passfile,)

    def held(self, check_mode: bool, begin: bool, seconds: float) -> None:
        """Have a server that applies nothing. begin: an earlier load is of no use."""
        at = self._stage()
        if at == LINKED and not begin:
            return
        if begin or at not in (HELD, LOADED):
            self.steps.append("apply nothing more")
            if check_mode:
                return
            self._note(HELD)
        self._mark({SEEDED: True})
        self._password_file().write()
        self._instance(self._gated).ensure_present(check_mode=False)
        self._await_quiet(seconds)
        if self._stage() == LOADED and self._noted().get("started") != self._started():
            # The server forgets with each start when rows were written.
            self._note(HELD)

    def copied(self, check_mode: bool, seconds: float) -> None:
        """Have the donor's rows, and new slots on all upstreams."""
        if self._stage() != HELD:
            return
        self.steps += [f"replace the rows of {one} by those of {self.donor.name}" for one in self._databases()]
        if check_mode:
            return
        positions = {}
        for database in self._databases():
            names = {link.upstream: link.name for link in self.donor.connections if link.database == database}
            with upstreams(self._reach, database, self._way) as found:
                work = Replacing(self._reach, self._identity(database), found, self.donor.name)
                plugin = rules(self.plan.engine, self.plan.era).slot_plugin
                point = work.replace(names, plugin, self._engine.heartbeat_is_updated, seconds)
            positions[database] = dict(point.positions)
            self.held_seconds = max(self.held_seconds, point.held_seconds)
            self.steps.append(f"{work.rows} rows of {database}")
        self._note(LOADED, positions=positions, started=self._started())

    def linked(self, check_mode: bool, seconds: float) -> None:
        """Let the node apply what its upstreams have sent since."""
        if check_mode:
            self.steps += [f"go on with {link.upstream} ({link.database})" for link in self.plan.connections]
            return
        if self._stage() == LOADED:
            for database in self._databases():
                self._begin_at(database, self._noted()["positions"][database], seconds)
                if self._way.positions:
                    self._drop_own_slots(database, seconds)
            if self._way.positions:
                self._forget_positions()
                self._instance(self._gated).ensure_present(check_mode=False)
            for database in self._databases():
                self._make_own_slots(database)
            with _session.local(self.plan, "postgres") as session:
                session.rows("CHECKPOINT")
            self.steps += [f"go on with {link.upstream} ({link.database})" for link in self.plan.connections]
            # From here on the node moves its positions itself: they are not set again.
            self._note(LINKED)
        self._instance(self._closed).ensure_present(check_mode=False)
        wait_for_links(self.plan, self._engine, seconds)

    def _databases(self) -> list[str]:
        return sorted({connection.database for connection in self.plan.connections})

    def _noted(self) -> dict[str, t.Any]:
        found = read_receipt(self.plan.data_directory)
        return found if found.get("method") == IN_PLACE and found.get("point") == self.point else {}

    def _stage(self) -> str:
        return str(self._noted().get("stage", ""))

    def _note(self, at: str, **more: t.Any) -> None:
        self._receipt(self.plan.data_directory, stage=at, **more).write()

    def _password_file(self) -> ManagedFile:
        text = passfile(self.plan.passfile_entries, self._secrets[1])
        return ManagedFile(self._reach.passfile, text, 0o600, "postgres", secret=True)

    def _started(self) -> str:
        with _session.local(self.plan, "postgres") as session:
            return str(session.value(_STARTED))

    def _identity(self, database: str) -> Identity:
        with _session.local(self.plan, database) as session:
            (row,) = session.rows(sql.IDENTITY)
            sysid = int.from_bytes(bytes.fromhex(row["sysid"]), sys.byteorder)
            return Identity(str(sysid), str(probe(session).timeline(session)), str(row["dboid"]))

    def _await_quiet(self, seconds: float) -> None:
        """End the apply workers until none is back."""
        deadline, quiet_since = time.monotonic() + seconds, None
        own = {database: self._identity(database) for database in self._databases()}
        with contextlib.ExitStack() as stack:
            found = [
                (one, self._way.slot(one.identity, own[database]))
                for database in self._databases()
                for one in stack.enter_context(upstreams(self._reach, database, self._way)).values()
            ]
            local = stack.enter_context(_session.local(self.plan, "postgres"))
            while quiet_since is None or time.monotonic() < quiet_since + QUIET_SECONDS:
                for statement in self._way.end_workers():
                    local.run(statement)
                for one, _slot in found:
                    for statement in self._way.end_walsender(own[one.connection.database]):
                        one.session.run(statement)
                used = sorted(one.connection.upstream for one, slot in found if one.is_used(slot))
                quiet_since = None if used else (quiet_since or time.monotonic())
                if used and time.monotonic() >= deadline:
                    raise InstanceError(
                        f"{self.plan.name} goes on reading from {' and '.join(used)}, though it has no password any "
                        "more: look for a line in bdr_hba that lets it in without one, take it out and run this again"
                    )
                time.sleep(POLL_SECONDS)

    def _begin_at(self, database: str, positions: t.Mapping[str, str], seconds: float) -> None:
        """Say from where the node reads each other upstream; the donor's slot begins where the copy ends."""
        own = self._identity(database)
        with upstreams(self._reach, database, self._way) as found:
            for name, position in sorted(positions.items()):
                if self._way.stream:
                    found[name].confirm(self._way.slot(found[name].identity, own), position, seconds)
                else:
                    with _session.local(self.plan, database) as session:
                        session.apply(self._way.begin_at(found[name].identity, own, position))

    def _drop_own_slots(self, database: str, seconds: float) -> None:
        """Let the downstreams of the node go: they have everything that was there before."""
        own = self._identity(database)
        with _session.local(self.plan, database) as session, upstreams(self._reach, database, self._way) as found:
            mine = probe(session)
            for slot in self._own_slots(database, found):
                name = self._way.slot(own, found[slot.downstream].identity)
                deadline = time.monotonic() + seconds
                while any(row["name"] == name for row in mine.slots(session)):
                    session.rows(_END_WALSENDERS)
                    session.rows(mine.dialect.drop_if_idle, {"name": name})
                    if time.monotonic() >= deadline:
                        raise InstanceError(f"{slot.downstream} does not let go of the slot {name}; run this again")

    def _make_own_slots(self, database: str) -> None:
        """Let the downstreams of the node read behind the copy, of which nothing is sent.

        Without a slot that keeps its WAL, the copy is more than is kept.
        """
        own, plugin = self._identity(database), rules(self.plan.engine, self.plan.era).slot_plugin
        with _session.local(self.plan, database) as session, upstreams(self._reach, database, self._way) as found:
            mine = probe(session)
            for slot in self._own_slots(database, found):
                name = self._way.slot(own, found[slot.downstream].identity)
                if not any(row["name"] == name for row in mine.slots(session)):
                    session.rows("CHECKPOINT")
                    session.rows(mine.dialect.create, {"name": name, "plugin": plugin})

    def _own_slots(self, database: str, found: t.Container[str]) -> list[Slot]:
        return [slot for slot in self.plan.slots if slot.database == database and slot.downstream in found]

    def _forget_positions(self) -> None:
        """Stop the server, and take away what it notes of its positions: each slot tells where to go on."""
        if self._service.is_running():
            self._service.stop()
        for path in glob.glob(f"{self.plan.data_directory}/{self._way.positions}"):
            os.unlink(path)
