# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a run would have to do on a node: the dry run of every module, in one call.

A node with nothing to do is left out of the tasks that would find that out again, one by one.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field

from ._apply import apply_member, apply_part
from ._engine import server
from ._guard import Guard
from ._home import REMOVED, SEEDED
from ._host import observe
from ._instance import Instance
from ._links import apply_connections
from ._model import NodePlan
from ._program import Runner, speaks_as_planned
from ._restored_look import look as look_at_changes
from ._sequences import Sequences
from ._session import SessionError
from ._state import told

UNSETTLED_SECONDS = 10
"""How long a server may be on its way up or down: not dead yet, and no longer or not yet to be talked to."""


@dataclass
class Pending:
    """Steps in order, and what an operator should know of the objects found."""

    steps: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def look(
    plan: NodePlan, run: Runner, password: str, tls: t.Mapping[str, str], accepts_restored: bool
) -> tuple[dict[str, t.Any], Pending]:
    """Return what the host looks like and what there is to do, from one moment when the server was settled."""
    deadline = time.monotonic() + UNSETTLED_SECONDS
    while True:
        try:
            found = {**observe(plan, run), "restored": look_at_changes(plan, run)}
            if found["restored"]["refused"] and not accepts_restored:
                return found, Pending()  # check_hosts tells of it
            found["restored"]["refused"] = ""
            if found["data"] in ("foreign", REMOVED, SEEDED) or not speaks_as_planned(plan, found["server"]):
                return found, Pending()  # check_hosts tells of it
            return found, pending(plan, run, password, tls, accepts_restored)
        except SessionError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.2)


def pending(plan: NodePlan, run: Runner, password: str, tls: t.Mapping[str, str], accepts_restored: bool) -> Pending:
    """Return what there is to do."""
    engine = server(plan)
    instance = Instance(plan, run, password, tls)
    instance.accepts_restored = accepts_restored
    instance.ensure_present(check_mode=True)
    member = apply_member(plan, engine, password, run, check_mode=True)
    guard = apply_part(plan, Guard(plan, engine), run, check_mode=True)
    sequences = Sequences(plan, engine)
    moved = apply_part(plan, sequences, run, check_mode=True)
    connections = apply_connections(plan, engine, run, check_mode=True)
    restarts = [f"restart for {name}" for name in instance.restart_required]
    objects = told((*member.steps, *moved.steps, *guard.steps))
    steps = [*instance.steps, *restarts, *objects, *map(str, connections.steps)]
    return Pending(steps, [*member.warnings, *sequences.warnings, *connections.warnings])
