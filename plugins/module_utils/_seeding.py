# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Seed a node: each state of it can be asked for again, and looks at the disk and the server for what is left to do."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import typing as t

from . import _commands, _session
from ._detached import Detached
from ._engine import seeding, server
from ._engine.seeding import gap
from ._files import ManagedFile, make_directory
from ._home import SEEDED, found_data
from ._instance import SIGNAL_FILE, Instance, InstanceError
from ._model import Connection, NodePlan
from ._program import Runner
from ._seed import COPIED, FRESH, PHYSICAL, RECEIPT, STANDBY, standby
from ._seed_look import receipt_of, stage
from ._seed_marks import MarkedNode
from ._service import is_dead
from ._start_note import forget
from ._wait import wait_for_links

POLL_SECONDS = 0.2
CLOSE_BYTES = 1024 * 1024
"""How far a standby may be behind its donor to be told to stop soon: what is between has to be kept by slots."""

_FOLLOWS = """
SELECT pg_wal_lsn_diff(r.latest_end_lsn, pg_last_wal_replay_lsn())::bigint AS behind
  FROM pg_stat_wal_receiver r WHERE r.status = 'streaming'
"""
_IN_RECOVERY = "SELECT pg_is_in_recovery()"
_HISTORY = """
SELECT pg_read_file('pg_wal/' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) || '.history')
"""


class SeedingWork(MarkedNode):
    """One node on its way from its donor's copy to a member. InstanceError says why it does not go on."""

    method = PHYSICAL

    def __init__(
        self, plan: NodePlan, donor: NodePlan, point: str, run: Runner, password: str, tls: t.Mapping[str, str]
    ) -> None:
        super().__init__(plan, donor, point, run, password, tls)
        self._standby = standby(plan, donor, point)
        self._new = f"{plan.data_directory}.new"
        self._copying = Detached(f"{plan.home}/copy", point)

    def stopped(self, check_mode: bool) -> None:
        """Stop the node's server before its slots go; here the copy takes its place before."""

    def copied(self, check_mode: bool, begin: bool, seconds: float) -> dict[str, t.Any] | None:
        """Copy the donor's data directory beside the node's own; begin: an earlier copy is of no use.

        Return how far it is where it is not through after so many seconds. It goes on meanwhile.
        """
        if not begin and self._stage() != FRESH and not self._copying.is_started():
            return None
        self.steps.append(f"copy {self.donor.name} to {self._new}")
        if check_mode:
            return None
        instance = self._instance(self._standby)
        if begin or not self._copying.is_started():
            self._begin(instance)
        if not self._is_copied(seconds):
            return {"bytes": bytes_below(self._new)}
        instance.finish_data(self._new)
        # Whoever starts the copy starts a standby. The receipt comes last: what has none is no whole copy.
        ManagedFile(f"{self._new}/{SIGNAL_FILE}", "", 0o600, "postgres").write()
        self._receipt(self._new).write()
        self._copying.forget()
        return None

    def standing_by(self, check_mode: bool, seconds: float) -> None:
        """Put the copy in the place of the data, start it, and wait until it follows its donor closely."""
        if self._stage() == COPIED:
            self.steps.append(f"replace {self.plan.data_directory} by the copy of {self.donor.name}")
            if not check_mode:
                self._replace()
        elif self._stage() == STANDBY and receipt_of(self.plan, STANDBY).get("point") != self.point:
            self.steps.append(f"follow {self.donor.name} beyond the point of the earlier run")
            if not check_mode:
                self._aim_anew()
        if self._stage() not in (COPIED, STANDBY):
            return
        instance = self._instance(self._standby)
        if not self._service.is_running():
            self.steps.append(f"start {self.plan.name} as a standby of {self.donor.name}")
        if not check_mode:
            instance.ensure_present(check_mode=False)
            self._receipt(self.plan.data_directory).write()
            self._await(seconds, self._follows, f"follows {self.donor.name} closely")

    def promoted(self, check_mode: bool, seconds: float) -> None:
        """Wait until the standby has reached its point, and make it a node of its own."""
        if check_mode:
            self.steps.append(f"make {self.plan.name} a node of its own")
            return
        self._await(seconds, self._stands_alone, f"has reached the point {self.point} of {self.donor.name}")
        self._end()
        work = seeding(self.plan, self.donor)
        for database in self.plan.databases:
            with _session.local(self.plan, database) as session:
                if work.is_inherited(session):
                    self.steps.append(f"make {database} the node's own")
                    session.apply(work.own(database))
        self._start_closed()

    def linked(self, check_mode: bool, seconds: float) -> None:
        """Make the links to the upstreams, each from where the copy ends."""
        work = seeding(self.plan, self.donor)
        if check_mode:
            self.steps += [f"link to {link.upstream} ({link.database})" for link in self.plan.connections]
            return
        for connection in self.plan.connections:
            with _session.local(self.plan, connection.database) as session:
                if work.is_linked(session, connection):
                    continue
                position = self._position(session, connection)
                with _session.upstream(self.plan, connection) as upstream:
                    problem = gap(connection, self.plan.name, position, work.kept_from(upstream, connection))
                if problem:
                    raise InstanceError(f"{problem}. Begin anew with -e bdr_force={self.plan.name}")
                self.steps.append(f"link to {connection.upstream} ({connection.database}) from {position} on")
                session.apply(work.link(connection, position))
        wait_for_links(self.plan, server(self.plan), seconds)

    def _position(self, session: _session.Session, connection: Connection) -> str:
        """Return up to where the copy holds an upstream's changes, "" where nobody can tell."""
        return seeding(self.plan, self.donor).position(session, connection, self._end())

    def _begin(self, instance: Instance) -> None:
        make_directory(self.plan.home, "postgres", 0o700)
        self._copying.forget()
        self._end_loading("immediate")
        # What an earlier run has put in the data's place stays until the next copy is whole. It uses the slot, though.
        if found_data(self.plan) == SEEDED and self._service.is_running():
            self._service.stop()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.plan.data_directory}/{RECEIPT}")
        if found_data(self.plan) == "absent":
            self._mark({SEEDED: True})
        self._copying.start(_commands.pg_basebackup(self._standby, instance.begin_data()))

    def _is_copied(self, seconds: float) -> bool:
        """Wait so long for the copy, and return whether it is through."""
        code = self._copying.wait(seconds)
        if code:
            said = self._copying.said()
            self._end_loading("immediate")
            self._copying.forget()
            raise InstanceError(f"the copy of {self.donor.name} failed: {said or 'it was cut off'}")
        return code is not None

    def _end_loading(self, mode: str) -> None:
        """End the server that a copy table by table is loaded into."""
        if not is_dead(f"{self._new}/postmaster.pid"):
            code, out, err = self._secrets[0](_commands.stop_loading(self.plan, self._new, mode))
            if code:
                raise InstanceError(f"the stop of the new server failed: {(err or out).strip()}")

    def _stage(self) -> str:
        at = stage(self.plan)
        if at in (FRESH, STANDBY):
            return at
        return at if receipt_of(self.plan, at).get("point") == self.point else FRESH

    def _start_closed(self) -> None:
        """Start the node as one of its own that no client reaches yet."""
        instance = self._instance(self._closed)
        instance.ensure_present(check_mode=False)
        self.steps += instance.steps
        if instance.restart_required:
            self.steps.append("restart with the engine")
            instance.restart()

    def _replace(self) -> None:
        """A run killed in here finds the copy where it was, or in its place, and goes on."""
        data, old = self.plan.data_directory, f"{self.plan.data_directory}.old"
        self._mark({SEEDED: True})
        self._service.halt()
        forget(self.plan)
        if os.path.exists(data):
            shutil.rmtree(old, ignore_errors=True)
            os.rename(data, old)
        os.rename(self._new, data)
        shutil.rmtree(old, ignore_errors=True)

    def _aim_anew(self) -> None:
        """Stop a standby that was to end at the point of an earlier run: it is started for another one."""
        if self._service.is_running():
            self._service.stop()
        if self._stage() != STANDBY:
            raise InstanceError(
                f"{self.plan.name} has just reached the point of the earlier run. Run this again: it goes on from there"
            )

    def _await(self, seconds: float, done: t.Callable[[], str], what: str) -> None:
        deadline = time.monotonic() + seconds
        while True:
            seen = done()
            if not seen:
                return
            if time.monotonic() >= deadline:
                raise InstanceError(
                    f"{self.plan.name} is not seen to be where it {what} within {seconds} s: {seen}. Run this again; "
                    f"where the WAL that it needs is gone, begin anew with -e bdr_force={self.plan.name}"
                )
            time.sleep(POLL_SECONDS)

    def _follows(self) -> str:
        with _session.local(self._standby, "postgres") as session:
            if not session.value(_IN_RECOVERY):
                return ""
            rows = session.rows(_FOLLOWS)
        if not rows or rows[0]["behind"] is None:
            return "it gets no WAL from there yet"
        behind = rows[0]["behind"]
        return "" if behind <= CLOSE_BYTES else f"it is {behind} bytes behind"

    def _stands_alone(self) -> str:
        try:
            with _session.local(self._standby, "postgres") as session:
                return "it still follows" if session.value(_IN_RECOVERY) else ""
        except _session.SessionError as error:
            if not self._service.is_running():
                self._instance(self._standby).ensure_present(check_mode=False)
            return str(error)

    def _end(self) -> str:
        """Return where the copy ends in the donor's WAL; the server's own history of its timelines tells."""
        with _session.local(self._standby, "postgres") as session:
            history = str(session.value(_HISTORY)).strip().splitlines()
        _timeline, position, reason = history[-1].split("\t", 2)
        if self.point not in reason:
            raise InstanceError(
                f"{self.plan.name} left {self.donor.name}'s WAL at {position}, {reason}, and not at {self.point}: what "
                f"it holds is not known exactly. Begin anew with -e bdr_force={self.plan.name}"
            )
        return position


def bytes_below(directory: str) -> int:
    """Return what the files of a directory take together."""
    total = 0
    for place, _directories, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):  # one that was renamed meanwhile
                total += os.lstat(f"{place}/{name}").st_size
    return total
