# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Some rows in one transaction: what became of each, and those that the server refuses left out."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, field

from ._repair_work import Job
from ._session_types import Row, Session, SessionError

Mend = t.Callable[[Job], str]
"""Mends one row; returns why it is stale, "" where it is mended. SessionError: the server refused it."""


@dataclass
class Outcome:
    """What became of a node's jobs. done counts those of a table by what was done."""

    there: int = 0
    done: dict[tuple[int, str], int] = field(default_factory=dict)
    stale: list[Row] = field(default_factory=list)
    refused: list[Row] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Add what became of a batch."""
        self.there += other.there
        self.stale += other.stale
        self.refused += other.refused
        for what, number in other.done.items():
            self.done[what] = self.done.get(what, 0) + number

    def count(self, job: Job) -> None:
        """Count a job that is done."""
        what = (job.table, job.action)
        self.done[what] = self.done.get(what, 0) + 1


def transaction(session: Session, jobs: t.Sequence[Job], mend: Mend, outcome: Outcome) -> None:
    """Do the jobs in one transaction; what is in the outcome is committed."""
    session.rows("BEGIN")
    try:
        _attempts(session, jobs, mend, outcome)
        session.rows("COMMIT")
    except BaseException:
        with contextlib.suppress(SessionError):
            session.rows("ROLLBACK")
        raise


def _attempts(session: Session, jobs: t.Sequence[Job], mend: Mend, outcome: Outcome) -> None:
    """Try again what was refused, as long as that helps: rows may exchange the value of a unique column."""
    refused: list[tuple[Job, str]] = []
    while jobs:
        refused = []
        for job in jobs:
            reason = _attempt(session, job, mend, outcome)
            if reason:
                refused.append((job, reason))
        if len(refused) == len(jobs):
            break
        jobs = [job for job, _reason in refused]
    outcome.refused += [job.told(reason) for job, reason in refused]


def _attempt(session: Session, job: Job, mend: Mend, outcome: Outcome) -> str:
    """Mend one row; return why the server refused it, "" where it did not."""
    session.rows("SAVEPOINT job")
    try:
        told = mend(job)
    except SessionError as error:
        if not error.sqlstate:  # the connection is gone
            raise
        session.rows("ROLLBACK TO job")
        return str(error)
    session.rows("RELEASE job")
    if told:
        outcome.stale.append(job.told(told))
    else:
        outcome.count(job)
    return ""
