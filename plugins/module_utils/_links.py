# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Carry out the steps of a node's connections, in its databases or in the file of an engine that has them there."""

from __future__ import annotations

import typing as t

from . import _connection_file, _loaded, _session
from ._apply import NOT_RUNNING, Outcome
from ._engine.server import EngineServer
from ._home import found_major
from ._hosts_rows import rows_in_the_way
from ._member import table_with_rows
from ._model import Connection, NodePlan
from ._program import Runner
from ._service import service
from ._state import State, diff


def apply_connections(plan: NodePlan, engine: EngineServer, run: Runner, check_mode: bool) -> Outcome:
    """Create and repair the node's connections."""
    outcome = Outcome()
    running = service(plan, run).is_running()
    if not running and not check_mode:
        raise _session.SessionError(NOT_RUNNING.format(plan.name))
    if not running and found_major(plan):
        outcome.unknown = True
    elif _connection_file.is_used(plan):
        _apply_in_file(plan, engine, outcome, check_mode)
    else:
        _apply_in_databases(plan, engine, _session.present_databases(plan) if running else set(), outcome, check_mode)
    return outcome


def restart_required(plan: NodePlan, run: Runner, outcome: Outcome, check_mode: bool) -> list[str]:
    """Return what the server will only use after a restart, where connections are settings."""
    if not _connection_file.is_used(plan):
        return []
    if check_mode:
        return [_connection_file.NAME] if outcome.steps else []
    return _loaded.pending_restart(plan, run)


def connection_names(plan: NodePlan, engine: EngineServer, session: _session.Session, database: str) -> list[str]:
    """Return the names of the connections that are there, in one database where they live in one."""
    if _connection_file.is_used(plan):
        return engine.connections_in(_connection_file.text_of(plan))
    return [item.name for item in engine.observe_connections(session, database)]


def _apply_in_databases(
    plan: NodePlan, engine: EngineServer, present: set[str], outcome: Outcome, check_mode: bool
) -> None:
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
                made = {step.item.name for step in steps if step.before is None}
                _refuse_rows(
                    plan, [link for link in plan.connections if link.database == database and link.name in made]
                )
                for step in steps:
                    session.apply(engine.statements(step))


def _apply_in_file(plan: NodePlan, engine: EngineServer, outcome: Outcome, check_mode: bool) -> None:
    """Write the connections; one whose upstream cannot be asked for rows is left to a later run."""
    made = set(engine.connections_in(_connection_file.text_of(plan)))
    planned = {link.name for link in plan.connections}
    outcome.warnings += [f"connection {name} is not in the plan and was left alone" for name in sorted(made - planned)]
    left_out = set()
    for link in plan.connections:
        if link.name not in made and not check_mode:
            try:
                _refuse_rows(plan, [link])
            except _Unreachable as error:
                outcome.warnings.append(
                    f"{link.upstream} -> {plan.name} ({link.database}) waits for a later run: {error}"
                )
                left_out.add(link.name)
    steps = _connection_file.steps(plan, engine, left_out)
    outcome.steps += steps
    if steps and not check_mode:
        _connection_file.write(plan, engine, left_out)


class _Unreachable(_session.SessionError):
    """An upstream cannot be asked whether it has rows."""


def _refuse_rows(plan: NodePlan, new: t.Sequence[Connection]) -> None:
    """Look at both ends of each link that is to be made, as late as can be."""
    if plan.existing_rows == "accept":
        return
    for link in new:
        with _session.local(plan, link.database) as session:
            here = table_with_rows(session)
        try:
            with _session.upstream(plan, link) as upstream:
                there = table_with_rows(upstream)
        except _session.SessionError as error:
            raise _Unreachable(str(error)) from error
        for node, table in ((plan.name, here), (link.upstream, there)):
            if table:
                named = [f"{link.upstream} -> {plan.name}"]
                raise _session.SessionError(rows_in_the_way(table, link.database, node, named))


def _unplanned(found: State, wanted: State) -> list[str]:
    return [f"{item} is not in the plan and was left alone" for item in found if item not in wanted]
