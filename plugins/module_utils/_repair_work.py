# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a node does of a plan of repair, and whether a row is still as it was when the plan was made. Pure.

Where a session can keep rows to itself, each node mends its own. Where it cannot, a node that has the right row sends
it to all others anew, and a node that has a row too many deletes it for all.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ._repair import DELETE

Mapping = t.Mapping[str, t.Any]
Hashes = t.Mapping[str, t.Optional[str]]
"""The hash of a row by node, None where it is not there."""

SEND = "send"
"""Delete the row and insert it as it was, so that downstreams get it whole. An UPDATE that changes nothing would not
do: values that are stored apart from the row are only sent when they change."""
THERE = "there"


@dataclass(frozen=True)
class Job:
    """One row to be mended by one node. seen: how it was; wanted: what it is to be on the targets."""

    table: int
    key: Mapping
    action: str
    node: str
    seen: Hashes
    targets: tuple[str, ...]
    wanted: str | None

    @property
    def others(self) -> tuple[str, ...]:
        """Return the nodes whose row is looked at over a connection."""
        return tuple(name for name in self.seen if name != self.node)

    def standing(self, now: Hashes) -> str:
        """Return THERE where nothing is left to do, why the job is stale, or "" where it is to be done."""
        if all(now[node] == self.wanted for node in self.targets):
            return THERE
        for node, was in self.seen.items():
            mended = node in self.targets and now[node] == self.wanted
            if now[node] != was and not mended:
                return changed(node, now[node])
        return ""

    def told(self, reason: str) -> dict[str, t.Any]:
        """Return the job as a result names it, with why it was not done."""
        return {"table": self.table, "key": dict(self.key), "reason": reason}


def changed(node: str, now: str | None) -> str:
    """Return what a stale job is told of with."""
    return f"{node} has no such row any more" if now is None else f"{node} has another version by now"


def jobs_of(plan: Mapping, node: str, rows_are_sent: bool) -> list[Job]:
    """Return what a node does, in the order of the plan."""
    jobs = [_job(step) for step in plan["steps"]]
    if rows_are_sent:
        jobs = _sent(plan["steps"])
    return [job for job in jobs if job.node == node]


def _job(step: Mapping) -> Job:
    node, source = step["node"], step["source"]
    return Job(step["table"], step["key"], step["action"], node, step["seen"], (node,), step["seen"][source])


def _sent(steps: t.Iterable[Mapping]) -> list[Job]:
    """Return a job for each row that a node sends, however many lack it."""
    jobs: list[Job] = []
    sends: dict[t.Any, list[Mapping]] = {}
    for step in steps:
        if step["action"] == DELETE:
            jobs.append(_job(step))
        else:
            sends.setdefault((step["table"], tuple(step["key"].items()), step["source"]), []).append(step)
    for (table, _key, source), same in sends.items():
        seen = {name: was for step in same for name, was in step["seen"].items()}
        targets = tuple(step["node"] for step in same)
        jobs.append(Job(table, same[0]["key"], SEND, source, seen, targets, seen[source]))
    return jobs


def by_table(jobs: t.Iterable[Job]) -> dict[int, list[Job]]:
    """Return jobs by the place of their table."""
    found: dict[int, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.table, []).append(job)
    return found


Each = t.TypeVar("Each")


def batches(jobs: t.Sequence[Each], size: int) -> t.Iterator[t.Sequence[Each]]:
    """Yield so many at a time as share a transaction."""
    for start in range(0, len(jobs), size):
        yield jobs[start : start + size]


def definition_problem(plan: Mapping, place: int, node: str, fingerprint: str | None) -> str:
    """Return why rows of a table cannot be repaired on a node or read from it, "" where they can.

    fingerprint: of the definition that is there, None without the table.
    """
    table = plan["tables"][place]
    where = f"table {table['schema']}.{table['name']} ({table['database']}) of {node}"
    if fingerprint is None:
        return f"bdr_repair_plan: {where} is not there any more. Nothing is repaired; {_AGAIN}"
    if fingerprint != table["fingerprints"].get(node):
        return (
            f"bdr_repair_plan: {where} has another definition than when it was compared. Nothing is repaired; {_AGAIN}"
        )
    return ""


def steps(plan: Mapping, done: t.Mapping[tuple[int, str], int]) -> list[str]:
    """Return what was done in words; done counts rows by the place of their table and the action."""
    told = []
    for (place, action), number in done.items():
        table = plan["tables"][place]
        rows = "1 row" if number == 1 else f"{number} rows"
        told.append(f"{action} {rows} of {table['schema']}.{table['name']} in {table['database']}")
    return told


_AGAIN = "compare again and make a new plan"
