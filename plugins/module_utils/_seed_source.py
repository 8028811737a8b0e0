# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The donor's part in a seeding: its WAL kept for the copy, and the point where the copy ends."""

from __future__ import annotations

import time
from dataclasses import replace

from . import _session
from ._apply import apply_part
from ._compare.access import Access
from ._engine import in_place, server
from ._link_state import STREAMING
from ._model import NodePlan
from ._program import Runner
from ._seed import slot_of_standby
from ._session_types import Statement
from ._slot_limit import SlotLimit
from ._state import told
from ._wait import beat

CLOSE_SECONDS = 30
"""How long the standby's walsender may take to notice that its standby stands alone."""

_SLOT = """
SELECT active, wal_status IS NOT DISTINCT FROM 'lost' AS lost FROM pg_replication_slots
 WHERE slot_name = %(slot)s AND slot_type = 'physical'
"""
_CREATE = "SELECT pg_create_physical_replication_slot(%(slot)s, true)"
_DROP = """
SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %(slot)s AND NOT active
"""
# Replicated as any row: the copy has it, and so have the others.
_JOURNAL = """
INSERT INTO pgbdr.ddl_journal (node, script, sha256, finished_at)
SELECT %(node)s, j.script, j.sha256, j.finished_at FROM pgbdr.ddl_journal j WHERE j.node = %(donor)s
   AND NOT EXISTS (SELECT FROM pgbdr.ddl_journal k WHERE k.node = %(node)s AND k.script = j.script)
"""
_MARK = "SELECT pg_create_restore_point(%(point)s)::text"


class SeedSource:
    """A donor, and the node that is seeded from it."""

    def __init__(self, plan: NodePlan, seeded: NodePlan) -> None:
        self.plan = plan
        self.seeded = seeded
        self.steps: list[str] = []
        self._slot = {"slot": slot_of_standby(seeded.engine_node)}

    def open(self, check_mode: bool, limit_seconds: int = 0) -> None:
        """Have the slot; limit_seconds: how long it stays when nobody uses it, 0 for no limit."""
        with _session.local(self.plan, "postgres") as session:
            found = session.rows(_SLOT, self._slot)
            if found and not found[0]["lost"]:
                return
            self.steps.append(f"create the slot {self._slot['slot']}")
            if not check_mode:
                session.rows(_DROP, self._slot)
                if limit_seconds:
                    SlotLimit(self.plan, self._slot["slot"]).begin(limit_seconds)
                session.rows(_CREATE, self._slot)

    def mark(self, point: str, check_mode: bool, seconds: float) -> str:
        """Wait until what the others wrote until now is here, and mark the point. Return where it is.

        What they write from now on, their slots keep.
        """
        self.steps.append(f"mark the point {point}")
        if check_mode:
            return ""
        self._await_rows(seconds)
        self._note_scripts()
        with _session.local(self.plan, "postgres") as session:
            return str(session.value(_MARK, {"point": point}))

    def _note_scripts(self) -> None:
        names = {"node": self.seeded.name, "donor": self.plan.name}
        for database in self.plan.databases:
            with _session.local(self.plan, database) as session:
                session.run(Statement(_JOURNAL, values=names))

    def _await_rows(self, seconds: float) -> None:
        others = tuple(link for link in self.plan.connections if link.upstream != self.seeded.name)
        links = beat(replace(self.plan, connections=others), server(self.plan), seconds)
        silent = [
            f"{link['upstream']} ({link['database']}): {link['state']}" for link in links if link["state"] != STREAMING
        ]
        if silent:
            raise _session.SessionError(
                f"{self.plan.name} does not get what the others write within {seconds} s, and what is copied from it "
                f"would have a gap: {'; '.join(silent)}. Mend these links, and run this again"
            )

    def close(self, check_mode: bool) -> None:
        """Drop the slot as soon as nobody uses it. The others of the node are in use: their limits end."""
        if not check_mode:
            own = (slot.name for slot in self.plan.slots if slot.downstream == self.seeded.name)
            for slot in (*own, self._slot["slot"]):
                SlotLimit(self.plan, slot).end()
        with _session.local(self.plan, "postgres") as session:
            if not session.rows(_SLOT, self._slot):
                return
            self.steps.append(f"drop the slot {self._slot['slot']}")
            deadline = time.monotonic() + CLOSE_SECONDS
            while not check_mode and not session.rows(_DROP, self._slot):
                if time.monotonic() >= deadline:
                    raise _session.SessionError(
                        f"the slot {self._slot['slot']} of {self.plan.name} is still in use after {CLOSE_SECONDS} s; "
                        "run this again"
                    )
                time.sleep(0.1)


class InPlaceSource:
    """An upstream of a node whose rows are replaced: it makes slots at once, and says what its workers wait for."""

    def __init__(self, plan: NodePlan, run: Runner) -> None:
        self.plan = plan
        self._run = run
        self.steps: list[str] = []

    def open(self, check_mode: bool) -> None:
        """Let the replication role see the rows and make such slots."""
        outcome = apply_part(self.plan, Access(self.plan), self._run, check_mode)
        self.steps += told(outcome.steps)
        for database in self.plan.databases:
            with _session.local(self.plan, database) as session:
                if not session.rows(in_place.HAS_HELP):
                    self.steps.append(f"let {self.plan.replication_user} make slots at once in {database}")
                    if not check_mode:
                        session.apply(in_place.help_wanted(self.plan.replication_user))

    def close(self, check_mode: bool) -> None:
        """Take that away."""
        for database in self.plan.databases:
            with _session.local(self.plan, database) as session:
                if session.rows(in_place.HAS_HELP):
                    self.steps.append(f"let slots come by themselves in {database}")
                    if not check_mode:
                        session.apply(in_place.help_ended())
