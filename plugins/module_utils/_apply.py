# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Carry out steps: observe a node's objects, plan, and, outside check mode, run the statements."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from . import _session
from ._engine.server import EngineServer
from ._home import found_major
from ._hosts import rows_in_the_way
from ._member import DATABASES, Member, table_with_rows
from ._model import NodePlan
from ._service import Runner, service
from ._state import State, Step, diff, shown


@dataclass
class Outcome:
    """What a module returns of its work."""

    steps: list[Step] = field(default_factory=list)
    unknown: bool = False
    """True where check mode cannot tell: the server has data and is down."""
    warnings: list[str] = field(default_factory=list)

    @property
    def diff(self) -> dict[str, str]:
        """Return before and after for --diff."""
        return shown(self.steps)


def apply_member(plan: NodePlan, engine: EngineServer, password: str, run: Runner, check_mode: bool) -> Outcome:
    """Make the instance a member of its group."""
    member = Member(plan, engine, password)
    outcome = Outcome()
    if not service(plan, run).is_running():
        return _predicted_from_nothing(plan, member, outcome, check_mode)
    with _session.local(plan, "postgres") as session:
        found = member.observe_instance(session)
        steps = diff(found, member.wanted_instance())
        outcome.steps += steps
        if not check_mode:
            for step in steps:
                session.apply(member.statements(step, session.scram_verifier))
    missing = {step.item.name for step in steps if step.item.kind == "database"} if check_mode else set()
    for database in plan.databases:
        if database in missing:
            outcome.steps += diff({}, member.wanted_database({}, database))
        else:
            _apply_database(plan, member, database, outcome, check_mode)
    return outcome


def _predicted_from_nothing(plan: NodePlan, member: Member, outcome: Outcome, check_mode: bool) -> Outcome:
    if not check_mode:
        raise _session.SessionError(f"the server of {plan.name} does not run; bring it up with pgbdr.bdr.instance")
    if found_major(plan):
        outcome.unknown = True
        return outcome
    outcome.steps += diff({}, member.wanted_instance())
    for database in plan.databases:
        outcome.steps += diff({}, member.wanted_database({}, database))
    return outcome


def _apply_database(plan: NodePlan, member: Member, database: str, outcome: Outcome, check_mode: bool) -> None:
    with _session.local(plan, database) as session:
        found = member.observe_database(session, database)
        steps = diff(found, member.wanted_database(found, database))
        outcome.steps += steps
        outcome.warnings += member.engine.warnings(found)
        if not check_mode:
            for step in steps:
                session.apply(member.statements(step, session.scram_verifier))


def apply_connections(plan: NodePlan, engine: EngineServer, run: Runner, check_mode: bool) -> Outcome:
    """Create and repair the node's connections."""
    outcome = Outcome()
    running = service(plan, run).is_running()
    if not running and not check_mode:
        raise _session.SessionError(f"the server of {plan.name} does not run; bring it up with pgbdr.bdr.instance")
    if not running and found_major(plan):
        outcome.unknown = True
        return outcome
    present = _present_databases(plan) if running else set()
    for database in sorted({connection.database for connection in plan.connections}):
        wanted = engine.wanted_connections(database)
        if database not in present:
            outcome.steps += diff({}, wanted)
            continue
        with _session.local(plan, database) as session:
            found = engine.observe_connections(session, database)
            steps = diff(found, wanted)
            outcome.steps += steps
            outcome.warnings += _unplanned(found, wanted)
            if not check_mode:
                _refuse_rows(plan, session, database, steps)
                for step in steps:
                    session.apply(engine.statements(step))
    return outcome


def _refuse_rows(plan: NodePlan, session: _session.Session, database: str, steps: t.Sequence[Step]) -> None:
    """Look at both ends of each link that is to be made, as late as can be."""
    made = {step.item.name for step in steps if step.before is None}
    new = [link for link in plan.connections if link.database == database and link.name in made]
    if plan.existing_rows == "accept":
        return
    here = table_with_rows(session) if new else ""
    for link in new:
        with _session.Session(link.dsn) as upstream:
            there = table_with_rows(upstream)
        for node, table in ((plan.name, here), (link.upstream, there)):
            if table:
                named = [f"{link.upstream} -> {plan.name}"]
                raise _session.SessionError(rows_in_the_way(table, database, node, named))


def _present_databases(plan: NodePlan) -> set[str]:
    with _session.local(plan, "postgres") as session:
        return {row["name"] for row in session.rows(DATABASES, {"names": list(plan.databases)})}


def _unplanned(found: State, wanted: State) -> list[str]:
    return [f"{item} is not in the plan and was left alone" for item in found if item not in wanted]
