# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Carry out a node's share of a plan of repair: look at each row on all nodes that it is about, and mend it."""

from __future__ import annotations

import contextlib
import functools
import typing as t
from dataclasses import dataclass

from . import _repair_sql as sql
from . import _session
from ._compare_hash import session_settings, where_known
from ._compare_table import CAPABILITIES, TABLES, capabilities, fingerprint, table, wanted
from ._engine.server import EngineServer
from ._model import NodePlan
from ._repair import DELETE
from ._repair_batch import Outcome, transaction
from ._repair_work import THERE, Job, batches, by_table, changed, definition_problem, jobs_of
from ._session_types import Row, SessionError, Statement

Mapping = t.Mapping[str, t.Any]

BATCH = 100
"""So many rows share a transaction, which holds their locks."""
SET = "SELECT set_config(%(name)s, %(value)s, false)"


@dataclass(frozen=True)
class Task:
    """A node's share of a plan of repair, and how long a statement waits for a lock or for an answer."""

    plan: NodePlan
    engine: EngineServer
    repair: Mapping
    check_mode: bool
    lock_seconds: int
    answer_seconds: int


def repair(task: Task) -> Outcome:
    """Do the node's jobs. SessionError, and nothing is done, where a definition changed."""
    jobs = by_table(jobs_of(task.repair, task.plan.name, task.engine.rows_are_sent))
    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        ready = []
        for database in dict.fromkeys(task.repair["tables"][place]["database"] for place in jobs):
            of_database = {
                place: each for place, each in jobs.items() if task.repair["tables"][place]["database"] == database
            }
            ready.append(_Database(task, database, of_database, stack))
        for database in ready:
            database.work(outcome)
    return outcome


class _Database:
    """The node's jobs in one database, and a session to each node that they are about."""

    def __init__(self, task: Task, name: str, jobs: t.Mapping[int, list[Job]], stack: contextlib.ExitStack) -> None:
        self.task = task
        self.name = name
        self.jobs = jobs
        others = sorted({node for each in jobs.values() for job in each for node in job.others})
        self.here = stack.enter_context(_session.local(task.plan, name, task.answer_seconds))
        self.sessions = {task.plan.name: self.here}
        for node in others:
            self.sessions[node] = stack.enter_context(self._upstream(node))
        self._prepare()
        self.targets = self._targets()

    def _upstream(self, node: str) -> _session.Session:
        plan = self.task.plan
        for connection in plan.connections:
            if (connection.upstream, connection.database) == (node, self.name):
                return _session.upstream(plan, connection, self.task.answer_seconds)
        raise SessionError(f"{plan.name} has no connection to {node} in {self.name}, and cannot look at its rows")

    def _prepare(self) -> None:
        servers = [capabilities(session.rows(CAPABILITIES)[0]) for session in self.sessions.values()]
        for session in self.sessions.values():
            for name, value in session_settings(servers).items():
                session.rows(SET, {"name": name, "value": value})
            session.rows(where_known())
        if self.task.check_mode:
            return
        for name, value in (
            ("default_transaction_read_only", "off"),
            ("lock_timeout", f"{self.task.lock_seconds}s"),
        ):
            self.here.rows(SET, {"name": name, "value": value})
        for statement in (*self.task.engine.stay_local(), Statement(sql.AS_APPLY)):
            self.here.run(statement)

    def _targets(self) -> dict[int, sql.Target]:
        """Return what is repaired, by the place of its table; SessionError tells every definition that changed."""
        named = {place: self.task.repair["tables"][place] for place in self.jobs}
        asked = wanted(tables=[(each["schema"], each["name"]) for each in named.values()])
        found = {
            node: {(each.schema, each.name): each for each in map(table, session.rows(TABLES, asked))}
            for node, session in self.sessions.items()
        }
        problems, targets = [], {}
        for place, each in named.items():
            nodes = {node for job in self.jobs[place] for node in job.seen}
            tables = {node: found[node].get((each["schema"], each["name"])) for node in sorted(nodes)}
            there = {node: definition for node, definition in tables.items() if definition}
            told = [
                definition_problem(self.task.repair, place, node, fingerprint(there[node]) if node in there else None)
                for node in tables
            ]
            told += [_unreadable(each, node, self.task.plan) for node, one in there.items() if not one.readable]
            problems += list(filter(None, told))
            if not any(told):
                always = self.here.rows(sql.ALWAYS, {"schema": each["schema"], "name": each["name"]})
                names = [row["name"] for row in always]
                targets[place] = sql.target(self.task.plan.name, there, each, self.task.repair["hash"], names)
        if problems:
            raise SessionError("\n".join(problems))
        return targets

    def work(self, outcome: Outcome) -> None:
        """Do the jobs, batch by batch; what is in the outcome is committed."""
        for place, jobs in self.jobs.items():
            for batch in batches(jobs, BATCH):
                outcome.add(self._batch(self.targets[place], batch))

    def _batch(self, target: sql.Target, jobs: t.Sequence[Job]) -> Outcome:
        outcome = Outcome()
        found = {node: self._look(target, node, jobs) for node in {node for job in jobs for node in job.seen}}
        todo = []
        for job in jobs:
            standing = job.standing({node: found[node].get(target.key(job.key)) for node in job.seen})
            if standing == THERE:
                outcome.there += 1
            elif standing:
                outcome.stale.append(job.told(standing))
            else:
                todo.append(job)
        if self.task.check_mode:
            for job in todo:
                outcome.count(job)
        elif todo:
            transaction(self.here, todo, functools.partial(self._mend, target), outcome)
        return outcome

    def _look(self, target: sql.Target, node: str, jobs: t.Sequence[Job]) -> t.Mapping[t.Any, str]:
        keys = [job.key for job in jobs if node in job.seen]
        return sql.hashes(target, self.sessions[node].run(sql.look(target, keys)))

    def _mend(self, target: sql.Target, job: Job) -> str:
        """Return why the job is stale, "" where the row is mended."""
        row: Row = {}
        if job.node in job.targets and job.action != DELETE:
            (source,) = job.others
            rows = self.sessions[source].run(sql.read(target, job.key))
            now = str(rows[0]["hash"]) if rows else None
            if now != job.wanted:
                return changed(source, now)
            row = rows[0]
        done = self.here.run(sql.write(target, job.action, job.key, job.seen[job.node], row))
        if not done:
            return f"{job.node} has another version by now"
        if job.action != DELETE and str(done[0]["hash"]) != job.wanted:
            raise SessionError("the row does not come out as it was read: a column is written otherwise here", "22000")
        return ""


def _unreadable(named: Mapping, node: str, plan: NodePlan) -> str:
    where = f"table {named['schema']}.{named['name']} ({named['database']}) of {node}"
    return f"{where}: {plan.replication_user} may not read it; GRANT SELECT on it there, or pg_read_all_data"
