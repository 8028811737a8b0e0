# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""As-is and to-be of the objects inside a server, in one shape, and the steps from one to the other. Pure.

A State maps an object to its attributes. The order of the wanted state is the order of the steps, so whoever
writes it puts what is needed first.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass

from ._session_types import Session, Statement

Attributes = t.Dict[str, t.Any]


@dataclass(frozen=True, order=True)
class Item:
    """An object of a server: its kind, its name and the database it lives in ("" for the whole instance)."""

    kind: str
    name: str
    database: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f" in {self.database}" if self.database else "")


State = t.Dict[Item, Attributes]

ABSENT: Attributes = {"present": False}
"""To-be of an object that goes; as-is is then {"present": True}."""

OF_MANY = ("table",)
"""Kinds of which a database can have thousands; of their steps the first SHOWN are told, and how many more."""
SHOWN = 20


@dataclass(frozen=True)
class Step:
    """What has to be done to one object. `before` is None where it is to be created."""

    item: Item
    before: Attributes | None
    after: Attributes

    @property
    def changes(self) -> Attributes:
        """Return the attributes that differ, with their wanted values."""
        before = self.before or {}
        return {name: value for name, value in self.after.items() if before.get(name) != value}

    def __str__(self) -> str:
        if self.after == ABSENT:
            return f"remove {self.item}"
        if self.before is None:
            return f"create {self.item}"
        return f"change {', '.join(sorted(self.changes))} of {self.item}"


class Part(t.Protocol):
    """A share of what a node's databases hold, as apply_part() brings it about."""

    def observe(self, session: Session, database: str) -> State:
        """Return the share in one database, as it is."""

    def wanted(self, found: State, database: str) -> State:
        """Return the same as it should be; found is empty where the database is yet to be made."""

    def batches(self, steps: t.Sequence[Step]) -> t.Iterable[t.Sequence[Statement]]:
        """Return what carries the steps of one database out; each batch is one transaction."""


def diff(found: State, wanted: State) -> tuple[Step, ...]:
    """Return the steps from found to wanted; attributes that wanted does not name are left alone."""
    steps = []
    for item, after in wanted.items():
        before = found.get(item)
        step = Step(item, before, after)
        if before is None or step.changes:
            steps.append(step)
    return tuple(steps)


def told(steps: t.Iterable[Step]) -> list[str]:
    """Return the steps in words; of many alike the first ones, and how many more."""
    few, more = _few(steps)
    return [*map(str, few), *more]


def shown(steps: t.Iterable[Step]) -> dict[str, str]:
    """Return before and after as --diff shows them: only what changes."""
    few, more = _few(steps)
    before = [
        _line(step.item, {name: (step.before or {}).get(name) for name in step.changes}) for step in few if step.before
    ]
    after = [_line(step.item, step.changes if step.before else step.after) for step in few]
    return {"before": "".join(before), "after": "".join([*after, *(f"{line}\n" for line in more)])}


def _few(steps: t.Iterable[Step]) -> tuple[list[Step], list[str]]:
    """Return the steps to tell of, and for each kind of which there are more, how many."""
    few: list[Step] = []
    seen: dict[tuple[str, str], int] = {}
    for step in steps:
        kind = (step.item.kind, step.item.database)
        seen[kind] = seen.get(kind, 0) + 1
        if step.item.kind not in OF_MANY or seen[kind] <= SHOWN:
            few.append(step)
    return few, [
        f"and {number - SHOWN} more of kind {kind} in {database}"
        for (kind, database), number in seen.items()
        if kind in OF_MANY and number > SHOWN
    ]


def _line(item: Item, attributes: Attributes) -> str:
    short = {name: _short(value) for name, value in attributes.items()}
    return f"{item}: {json.dumps(short, sort_keys=True, ensure_ascii=False)}\n"


def _short(value: t.Any) -> t.Any:
    """Return a value as a line can hold it: of a long text, such as a function's body, what tells it from another."""
    if isinstance(value, str) and len(value) > 200:
        return f"{len(value)} characters, sha256 {hashlib.sha256(value.encode()).hexdigest()[:12]}"
    return value
