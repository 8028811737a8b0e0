# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Apply what was salvaged on one node, whose links carry it on; each row only where it is still as it was seen."""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

from . import _repair_sql as repair_sql
from . import _salvage_sql as sql
from . import _session
from ._compare.hashing import Hashing
from ._compare_hash import SESSION, where_known
from ._compare_table import TABLES, fingerprint, table, wanted
from ._model import NodePlan
from ._repair import DELETE
from ._repair_batch import Outcome, transaction
from ._repair_work import THERE, Job, batches, changed
from ._session_types import Row, SessionError, Statement

Mapping = t.Mapping[str, t.Any]

BATCH = 100
"""So many rows share a transaction, which holds their locks."""
SET = "SELECT set_config(%(name)s, %(value)s, false)"
MANY_THERE = "{node} has such rows {number} times by now"


@dataclass(frozen=True)
class Task:
    """The node that writes, the salvage, and the changes of it that are applied."""

    plan: NodePlan
    salvage: Mapping
    changes: t.Sequence[Mapping]
    check_mode: bool
    lock_seconds: int
    answer_seconds: int


def apply(task: Task) -> Outcome:
    """Apply the changes. SessionError, and nothing is done, where a table is not as it was."""
    outcome = Outcome()
    by_database: dict[str, list[Mapping]] = {}
    for each in task.changes:
        by_database.setdefault(task.salvage["tables"][each["table"]]["database"], []).append(each)
    parts = [_Database(task, name, changes) for name, changes in by_database.items()]
    try:
        for part in parts:
            part.prepare()
        for part in parts:
            part.work(outcome)
    finally:
        for part in parts:
            part.session.close()
    return outcome


class _Database:
    """The changes in one database."""

    def __init__(self, task: Task, name: str, changes: t.Sequence[Mapping]) -> None:
        self.task = task
        self.name = name
        self.changes = changes
        self.targets: dict[int, repair_sql.Target] = {}
        self.session = _session.local(task.plan, name, task.answer_seconds, settings=SESSION)

    def prepare(self) -> None:
        """Bring the session to what values were read under, and look at the tables."""
        self.session.rows(where_known())
        if not self.task.check_mode:
            for name, value in (
                ("default_transaction_read_only", "off"),
                ("lock_timeout", f"{self.task.lock_seconds}s"),
            ):
                self.session.rows(SET, {"name": name, "value": value})
            self.session.run(Statement(repair_sql.AS_APPLY))
        named = {each["table"]: self.task.salvage["tables"][each["table"]] for each in self.changes}
        asked = wanted(tables=[(each["schema"], each["name"]) for each in named.values()])
        found = {(each.schema, each.name): each for each in map(table, self.session.rows(TABLES, asked))}
        problems = []
        for place, each in named.items():
            own = found.get((each["schema"], each["name"]))
            if own is None or fingerprint(own) != each["fingerprint"]:
                said = "is not there any more" if own is None else "has another definition than when it was compared"
                problems.append(
                    f"bdr_salvage_file: table {each['schema']}.{each['name']} ({self.name}) of {self.task.plan.name} "
                    f"{said}. Nothing is applied; make it as it was, or run what you want of the .sql by hand"
                )
                continue
            rows = self.session.rows(repair_sql.ALWAYS, {"schema": own.schema, "name": own.name})
            always = [row["name"] for row in rows]
            self.targets[place] = sql.target(own, each, self.task.salvage["hash"], always)
        if problems:
            raise SessionError("\n".join(problems))

    def work(self, outcome: Outcome) -> None:
        """Do it, batch by batch; what is in the outcome is committed."""
        for place, target in self.targets.items():
            mine = [each for each in self.changes if each["table"] == place]
            keyed = [each for each in mine if each["key"]]
            for batch in batches(keyed, BATCH):
                outcome.add(self._batch(target, batch))
            for each in mine:
                if not each["key"]:
                    outcome.add(self._loose(target, each))

    def _batch(self, target: repair_sql.Target, changes: t.Sequence[Mapping]) -> Outcome:
        outcome = Outcome()
        node = self.task.plan.name
        now = repair_sql.hashes(target, self.session.run(repair_sql.look(target, [each["key"] for each in changes])))
        todo: list[Job] = []
        rows: dict[int, Row] = {}
        for each in changes:
            job = Job(each["table"], each["key"], each["kind"], node, {node: each["seen"]}, (node,), each["wanted"])
            standing = job.standing({node: now.get(target.key(each["key"]))})
            if standing == THERE:
                outcome.there += 1
            elif standing:
                outcome.stale.append(job.told(standing))
            else:
                todo.append(job)
                rows[id(job)] = _row(target, each)
        self._do(todo, functools.partial(self._mend, target, rows), outcome)
        return outcome

    def _do(self, jobs: t.Sequence[Job], mend: t.Callable[[Job], str], outcome: Outcome) -> None:
        if self.task.check_mode:
            for job in jobs:
                outcome.count(job)
        elif jobs:
            transaction(self.session, jobs, mend, outcome)

    def _mend(self, target: repair_sql.Target, rows: t.Mapping[int, Row], job: Job) -> str:
        """Return why the row is stale, "" where it is written."""
        done = self.session.run(repair_sql.write(target, job.action, job.key, job.seen[job.node], rows[id(job)]))
        if not done:
            return changed(job.node, "another")
        if job.action != DELETE and str(done[0]["hash"]) != job.wanted:
            raise SessionError("the row does not come out as it was: a column is written otherwise here", "22000")
        return ""

    def _loose(self, target: repair_sql.Target, each: Mapping) -> Outcome:
        """Add rows of a table without a key until there are as many as there were on both nodes together."""
        outcome = Outcome()
        node, times = self.task.plan.name, each["times"]
        queries = sql.RowQueries(target.compared, Hashing(**_hashing(target.hash)), {})
        rows = self.session.rows(*queries.times_there([each["wanted"]]))
        number = int(rows[0]["number"]) if rows else 0
        job = Job(each["table"], {}, each["kind"], node, {}, (node,), each["wanted"])
        if number >= times["wanted"]:
            outcome.there += 1
        elif number != times["seen"]:
            outcome.stale.append(job.told(MANY_THERE.format(node=node, number=number)))
        else:
            row = _row(target, each)
            statement = sql.add(target, row)

            def mend(_job: Job) -> str:
                for _number in range(times["wanted"] - times["seen"]):
                    self.session.run(statement)
                return ""

            self._do([job], mend, outcome)
        return outcome


def _row(target: repair_sql.Target, each: Mapping) -> Row:
    """Return the values of a change as the statements of a repair take them."""
    if each["node"] is None:
        return {}
    return {f"v{place}": each["node"]["values"].get(column.name) for place, column in enumerate(target.columns)}


def _hashing(hashed: Mapping) -> Row:
    return {name: hashed[name] for name in ("mode", "equality", "seed")}
