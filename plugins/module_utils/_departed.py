# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Look for what a node that leaves the group has left on this one, and remove it."""

from __future__ import annotations

import time
import typing as t

from . import _connection_file, _session
from ._apply import Outcome
from ._engine import departure, server
from ._engine.departure import Departure, Identity
from ._home import found_data
from ._model import NodePlan
from ._state import GONE, State, Step

SLOT_SECONDS = 10
"""How long a walsender that was ended may take to let go of its slot."""


def look(plan: NodePlan, departed: NodePlan, remaining: t.Collection[Identity] | None) -> dict[str, t.Any]:
    """Return what is seen on this node; remaining: the identities of those that stay, None while not known."""
    seen: dict[str, t.Any] = {"data": found_data(plan), "answers": True, "error": ""}
    seen.update(identities=[], received={}, in_use=[], left=[])
    engine = departure(plan, departed)
    try:
        for database in plan.databases:
            with _session.local(plan, database) as session:
                identity = engine.identity(session)
                seen["identities"] += [list(identity)] if identity else []
                if plan.name == departed.name:
                    continue
                seen["received"][database] = engine.received_up_to(session, database)
                if remaining is not None:
                    slots = engine.slots(session, database, remaining)
                    seen["in_use"] += [name for name, active in slots.items() if active]
        if remaining is not None and plan.name != departed.name:
            seen["left"] = [str(step.item) for step in erase(plan, departed, remaining, check_mode=True).steps]
    except _session.SessionError as error:
        seen.update(answers=False, error=" ".join(str(error).split()))
    return seen


def erase(
    plan: NodePlan,
    departed: NodePlan,
    remaining: t.Collection[Identity],
    check_mode: bool,
    connections_only: bool = False,
) -> Outcome:
    """Remove the connections to the departed node and, unless they are all that is wanted, the rest of it."""
    outcome = Outcome()
    engine = departure(plan, departed)
    if _connection_file.is_used(plan):
        left_out = {connection.name for connection in plan.connections if connection.upstream == departed.name}
        if left_out.intersection(server(plan).connections_in(_connection_file.text_of(plan))):
            outcome.steps += _connection_file.steps(plan, server(plan), left_out)
            if not check_mode:
                _connection_file.write(plan, server(plan), left_out)
    for database in sorted(_session.present_databases(plan)):
        with _session.local(plan, database) as session:
            _remove(session, engine, engine.connections(session, database), outcome, check_mode)
            if not connections_only:
                _remove(session, engine, engine.rest(session, database, remaining), outcome, check_mode)
    return outcome


def _remove(session: _session.Session, engine: Departure, found: State, outcome: Outcome, check_mode: bool) -> None:
    for item, attributes in found.items():
        outcome.steps.append(Step(item, attributes, GONE))
        deadline = time.monotonic() + SLOT_SECONDS
        while not check_mode:
            try:
                session.apply(engine.removal(item))
                break
            except _session.SessionError as error:
                if "active" not in str(error) or time.monotonic() >= deadline:
                    raise
                time.sleep(0.2)
