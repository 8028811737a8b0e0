# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Sequences that no two nodes give the same value of: value = offset + n x increment, each node its own offset.

A sequence only ever moves up, and one that fits is left alone. Stdlib only: sessions are handed in.
"""

from __future__ import annotations

import json
import typing as t

from . import _sequences_sql as sql
from ._engine.server import EngineServer
from ._model import NodePlan
from ._session_types import Row, Session, Statement
from ._state import GONE, Attributes, Item, State, Step

MARGIN = 10_000
"""How many values a sequence in use skips: other nodes may give them still, by the old rule, or have not sent them."""

FEW = 10_000
"""Of how many values left an operator is told: a busy node takes minutes for them."""

NAMED = 5
"""How many sequences a warning names."""

FIT, FIT_NEW = "pgbdr.fit_sequence", "pgbdr.fit_new_sequences"


class SequenceError(Exception):
    """A strategy that the server cannot carry out."""


class Sequences:
    """The sequences of a node. `warnings` fills up while they are looked at."""

    def __init__(self, plan: NodePlan, engine: EngineServer, margin: int = MARGIN, compare_rows: bool = False) -> None:
        self.plan = plan
        self.engine = engine
        self.margin = margin
        self.compare_rows = compare_rows
        self.warnings: list[str] = []
        self._numbers = {"step": plan.sequence_increment, "remainder": plan.sequence_offset}

    def observe(self, session: Session, database: str) -> State:
        """Return trigger, functions and sequences of one database, as they are."""
        state: State = {}
        for row in session.rows(sql.TRIGGER):
            state[_trigger(database)] = {"enabled": row["enabled"]}
        for row in session.rows(sql.FUNCTIONS):
            attributes = {"body": row["body"], "settings": sorted(row["settings"] or ())}
            state[Item("function", f"pgbdr.{row['name']}", database)] = attributes
        for row in session.rows(sql.DEFAULT_KIND):
            state[_default_kind(database)] = {"value": row["value"]}
        if self.plan.sequence_strategy == "offset":
            session.rows(sql.OBSERVE.format(compare=self.compare_rows, **self._numbers))
            for row in json.loads(session.value(sql.OBSERVED)):
                state[Item("sequence", row["name"], database)] = _as_found(row)
        if self.plan.sequence_strategy == "engine":
            state.update(self._global_ones(session, database))
        return state

    def wanted(self, found: State, database: str) -> State:
        """Return the same as they should be, without the sequences that fit and those that cannot be made to."""
        default_kind = _default_kind(database)
        if self.plan.sequence_strategy == "engine":
            if not found and not self._are_to_come(database):
                raise self._none_in(database)
            return {**_gone(found), default_kind: {"value": self.engine.sequence_kind}}
        if self.plan.sequence_strategy == "none":
            return _gone(found)
        wanted: State = {
            Item("function", FIT, database): _function(sql.FIT_BODY, {"lock_timeout": "3s"}),
            Item("function", FIT_NEW, database): _function(
                sql.FIT_NEW_BODY.format(**self._numbers), self.engine.session_settings
            ),
            _trigger(database): {"enabled": "A"},
        }
        if default_kind in found:
            wanted[default_kind] = {"value": ""}
        for item, sequence in found.items():
            if item.kind == "sequence":
                fitting = self._fitting(sequence)
                self.warnings += _warnings(item, sequence, fitting)
                if sequence["increment"] > 0 and fitting["next"] <= sequence["room"]:
                    wanted[item] = fitting
        return wanted

    def batches(self, steps: t.Sequence[Step]) -> t.Iterator[t.Sequence[Statement]]:
        """Return what carries steps out: the objects first, then each sequence in a transaction of its own.

        A writer who inserts into two tables holds the sequences of both; whoever held one and waited for the other
        would end in a deadlock.
        """
        yield [statement for step in steps if step.item.kind != "sequence" for statement in self._statements(step)]
        for step in steps:
            if step.item.kind == "sequence":
                values = {"sequence": step.item.name, "margin": self.margin, **self._numbers}
                yield [Statement(sql.FIT, values=values)]

    def _fitting(self, sequence: Attributes) -> Attributes:
        """Return a sequence as it should be; pgbdr.fit_sequence() sees what is given until then, and does the same."""
        step = self.plan.sequence_increment
        fitting = {"increment": step, "start": self._upwards(sequence["start"]), "next": sequence["next"]}
        fits = all(sequence[name] == value for name, value in fitting.items())
        if fits and self._upwards(sequence["next"]) == sequence["next"] and sequence["highest"] is None:
            return fitting
        given, used = sequence["given"], sequence["used"]
        if sequence["highest"] is not None:
            given, used = max(given, sequence["highest"]), True
        if used:
            given += min(self.margin, max(sequence["room"] - given, 0) // 100)
        return {**fitting, "next": self._upwards(given + 1)}

    def _upwards(self, value: int) -> int:
        """Return the smallest of the node's own values that is not below a value."""
        return value + (self.plan.sequence_offset - value) % self.plan.sequence_increment

    def _global_ones(self, session: Session, database: str) -> State:
        """Return the extension that gives global sequences, nothing where it is to come."""
        kind = self.engine.sequence_kind
        known = bool(session.rows(sql.KINDS_KNOWN))
        if known and session.rows(sql.KIND, {"kind": kind}):
            if not self.engine.gives_global_values(session):
                self.warnings.append(
                    f"no worker hands out the values of global sequences in {database} of {self.plan.name}, so nextval "
                    "fails; build a server that starts it, or set bdr_sequence_strategy to offset"
                )
            self.warnings += _local_ones([row["name"] for row in session.rows(sql.LOCAL)], database, kind)
            return {Item("extension", kind, database): {}}
        if not (known and self._are_to_come(database)) or session.rows(sql.EXTENSION, {"kind": kind}):
            raise self._none_in(database)
        return {}

    def _are_to_come(self, database: str) -> bool:
        """Tell whether the engine's extension, which brings global sequences, is made on this node."""
        return Item("extension", self.engine.sequence_kind, database) in self.engine.wanted_member({}, database)

    def _none_in(self, database: str) -> SequenceError:
        return SequenceError(
            f"bdr_sequence_strategy is engine, but {self.plan.name} has no global sequences in {database}; "
            "set it to offset"
        )

    def _statements(self, step: Step) -> t.Iterator[Statement]:
        if step.item.kind == "setting":
            names, kind = {"database": step.item.database}, step.after["value"]
            yield Statement(sql.SET_KIND, names, {"kind": kind}) if kind else Statement(sql.RESET_KIND, names)
        elif step.after == GONE:
            yield Statement(_DROP[step.item.name])
        elif step.item.kind == "function":
            settings = " ".join("SET {} = '{}'".format(*setting.split("=")) for setting in step.after["settings"])
            yield Statement(_CREATE[step.item.name].format(settings=settings), values={"body": step.after["body"]})
        else:
            if step.before is None:
                yield Statement(sql.CREATE_TRIGGER)
            yield Statement(sql.ENABLE_TRIGGER)


_CREATE = {FIT: sql.CREATE_FIT, FIT_NEW: sql.CREATE_FIT_NEW}
_DROP = {FIT: sql.DROP_FIT, FIT_NEW: sql.DROP_FIT_NEW, "pgbdr_fit_new_sequences": sql.DROP_TRIGGER}


def _as_found(row: Row) -> Attributes:
    last, called = row["last"], row["called"]
    return {
        "increment": row["increment"],
        "start": row["start"],
        "next": last + row["increment"] if called else last,
        "given": last if called else last - 1,
        "used": called,
        "cycles": row["cycles"],
        "room": row["room"],
        "highest": row["highest"],
    }


def _gone(found: State) -> State:
    """Return what the other strategies want of the trigger and its functions. Increments stay: they do no harm."""
    return {item: GONE for item in found if item.kind in ("function", "event trigger")}


def _function(body: str, settings: t.Mapping[str, str]) -> Attributes:
    named = {"search_path": "pg_catalog", **settings}
    return {"body": body, "settings": sorted(f"{name}={value}" for name, value in named.items())}


def _trigger(database: str) -> Item:
    return Item("event trigger", "pgbdr_fit_new_sequences", database)


def _default_kind(database: str) -> Item:
    return Item("setting", "default_sequenceam", database)


def _warnings(item: Item, sequence: Attributes, fitting: Attributes) -> t.Iterator[str]:
    if sequence["increment"] < 0:
        yield f"{item} descends, so it is left alone, and nodes give the same values; make it ascend"
        return
    left = (sequence["room"] - fitting["next"]) // fitting["increment"] + 1
    if left <= 0:
        yield (
            f"{item} has no value left for this node, so it is left alone, and nodes may give the same: "
            f"the next would be {fitting['next']}, {sequence['room']} is the most; make column and sequence bigint"
        )
    elif left < FEW:
        yield (
            f"{item} has {left} values left for this node, since {sequence['room']} is the most; "
            "make column and sequence bigint"
        )
    if sequence["cycles"]:
        yield f"{item} cycles: after its last value it gives those of other nodes; ALTER SEQUENCE ... NO CYCLE"


def _local_ones(names: t.Sequence[str], database: str, kind: str) -> t.Iterator[str]:
    if names:
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield (
            f"sequences in {database} that are no global ones, so that nodes give the same values of them: "
            f"{', '.join(names[:NAMED])}{more}; make them anew, USING {kind}"
        )
