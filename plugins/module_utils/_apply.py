# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Carry out steps: observe a node's objects, plan, and, outside check mode, run the statements."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import _session
from ._engine.server import EngineServer
from ._home import found_major
from ._member import Member
from ._model import NodePlan
from ._program import Runner
from ._service import service
from ._state import Part, State, Step, diff, shown

NOT_RUNNING = "the server of {} does not run; bring it up with pgbdr.bdr.instance"


@dataclass
class Outcome:
    """What a module returns of its work."""

    steps: list[Step] = field(default_factory=list)
    unknown: bool = False
    """True where check mode cannot tell: the server has data and is down."""
    warnings: list[str] = field(default_factory=list)
    wanted: State = field(default_factory=dict)
    """Of a share of the databases: all of it, as it is to be."""

    @property
    def diff(self) -> dict[str, str]:
        """Return before and after for --diff."""
        return shown(self.steps)


def apply_member(plan: NodePlan, engine: EngineServer, password: str, run: Runner, check_mode: bool) -> Outcome:
    """Make the instance a member of its group."""
    member = Member(plan, engine, password)
    outcome = Outcome()
    if plan.standby_of:  # what the node it follows has
        return outcome
    if not service(plan, run).is_running():
        return _predicted_from_nothing(plan, member, outcome, check_mode)
    with _session.local(plan, "postgres") as session:
        found = member.observe_instance(session)
        steps = diff(found, member.wanted_instance())
        outcome.steps += steps
        if not check_mode:
            for step in steps:
                session.apply(member.statements(step, session.verifier))
    missing = {step.item.name for step in steps if step.item.kind == "database"} if check_mode else set()
    for database in plan.databases:
        if database in missing:
            outcome.steps += diff({}, member.wanted_database({}, database))
        else:
            _apply_database(plan, member, database, outcome, check_mode)
    return outcome


def apply_part(plan: NodePlan, part: Part, run: Runner, check_mode: bool) -> Outcome:
    """Bring a share of the node's databases about."""
    outcome = Outcome()
    if plan.standby_of:  # what the node it follows has
        return outcome
    running = service(plan, run).is_running()
    if not running and not check_mode:
        raise _session.SessionError(NOT_RUNNING.format(plan.name))
    outcome.unknown = not running and bool(found_major(plan))
    present = _session.present_databases(plan) if running else set()
    for database in () if outcome.unknown else plan.databases:
        if database not in present:  # check mode comes before it is made
            outcome.steps += diff({}, part.wanted({}, database))
            continue
        with _session.local(plan, database) as session:
            found = part.observe(session, database)
            wanted = part.wanted(found, database)
            outcome.wanted.update(wanted)
            steps = diff(found, wanted)
            outcome.steps += steps
            for batch in () if check_mode else part.batches(steps):
                session.apply(batch)
    return outcome


def _predicted_from_nothing(plan: NodePlan, member: Member, outcome: Outcome, check_mode: bool) -> Outcome:
    if not check_mode:
        raise _session.SessionError(NOT_RUNNING.format(plan.name))
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
                session.apply(member.statements(step, session.verifier))
