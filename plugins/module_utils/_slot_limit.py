# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A time limit for a slot that is made ahead of its downstream: it holds back WAL from the first moment on."""

from __future__ import annotations

import inspect
import sys

from . import _commands, _slot_watch
from ._conninfo import conninfo
from ._detached import Detached
from ._engine.messages import SLOT_LIMIT
from ._model import NodePlan

# A physical slot has no such position: there only whether it is in use counts.
_LOOK = """
SELECT coalesce(confirmed_flush_lsn, '0/0')::text FROM pg_catalog.pg_replication_slots WHERE slot_name = '{slot}'
"""
_DROP = """
DO $drop$ BEGIN
    PERFORM pg_catalog.pg_drop_replication_slot(slot_name) FROM pg_catalog.pg_replication_slots
      WHERE slot_name = '{slot}' AND NOT active AND coalesce(confirmed_flush_lsn, '0/0')::text = '{first}';
    IF FOUND THEN
        RAISE LOG 'pgbdr dropped the slot {slot}: nobody has used it for {seconds} s since it was made';
    END IF;
END $drop$
"""


class SlotLimit:
    """The limit of one slot of a node, kept by a process on its host. Slot names need no quoting."""

    def __init__(self, plan: NodePlan, slot: str) -> None:
        self._plan = plan
        self._slot = slot
        self._watch = Detached(f"{plan.home}/limit_{slot}", slot)

    def begin(self, seconds: int, database: str = "postgres") -> None:
        """Have the slot dropped when it was made and nobody has used it for so long. Begin before it is made."""
        place = {"host": self._plan.socket_directory, "port": self._plan.port, "dbname": database, "user": "postgres"}
        psql = _commands.psql(self._plan, conninfo({**place, "application_name": SLOT_LIMIT}))
        look = _LOOK.format(slot=self._slot)
        drop = _DROP.format(slot=self._slot, seconds=seconds, first="{first}")
        program = [sys.executable, "-c", inspect.getsource(_slot_watch)]
        self._watch.start([*program, str(seconds), self._watch.state, look, drop, *psql])

    def end(self) -> None:
        """Leave the slot alone from here on."""
        self._watch.forget()
