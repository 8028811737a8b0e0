# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Replace the rows of one database of the node by those of its donor, as of one point."""

from __future__ import annotations

import typing as t

from . import _session
from ._engine import in_place, in_place_rows
from ._engine.in_place import Identity
from ._engine.in_place_rows import Change, Table
from ._in_place_hold import Holding, Point, Upstream
from ._instance import InstanceError
from ._model import NodePlan
from ._pipe import copy_rows
from ._session_types import Statement

RECENT_SECONDS = 60
"""Only rows written so shortly before the point, by the clocks of all nodes, can be younger than what is sent."""

_EXACT = "SET extra_float_digits = 3; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex'"
_NO_TRIGGERS = "SET session_replication_role = 'replica'"
_ORIGINS = "SELECT riident::int AS id, riname::text AS name FROM pg_replication_identifier"


class Replacing:
    """One database of the node, its donor and its other upstreams."""

    def __init__(self, plan: NodePlan, own: Identity, found: t.Mapping[str, Upstream], donor: str) -> None:
        self.plan = plan
        self._way = in_place.way(plan.era)
        self._own = own
        self._donor = found[donor]
        self._others = [one for name, one in sorted(found.items()) if name != donor]
        self.rows = 0

    @property
    def database(self) -> str:
        """Return which database it is."""
        return self._donor.connection.database

    def slot(self, upstream: Upstream) -> str:
        """Return the node's slot on an upstream."""
        return self._way.slot(upstream.identity, self._own)

    def replace(self, names: t.Mapping[str, str], plugin: str, beats: bool, seconds: float) -> Point:
        """Have new slots on the upstreams, and the donor's rows here. names: as in Holding."""
        for upstream in (self._donor, *self._others):
            # Older than the point, so they keep all that the copy lacks.
            upstream.drop(self.slot(upstream))
            upstream.make(self.slot(upstream), plugin, seconds)
        with Holding(self._donor, self._others, names, beats).snapshot(seconds) as (reading, point):
            with _session.local(self.plan, self.database) as session:
                tables = self._tables(session, reading)
                for upstream in (self._donor, *self._others):
                    session.apply(self._way.begin_at(upstream.identity, self._own, "0/1"))
                self._load(session, reading, tables)
            if self._way.keeps_commit_times:
                self._date(reading, tables)
        return point

    def _tables(self, session: _session.Session, reading: _session.Session) -> list[Table]:
        here, there = (
            [in_place_rows.table(row) for row in one.rows(in_place_rows.TABLES)] for one in (session, reading)
        )
        odd = in_place_rows.odd_tables(here, there)
        if odd:
            raise InstanceError(
                f"{', '.join(odd)} ({self.database}): not the same table on {self.plan.name} and on "
                f"{self._donor.connection.upstream}, columns that were dropped included. No row of it was changed; "
                "make them the same on it as root or postgres, and run this again"
            )
        return there

    def _load(self, session: _session.Session, reading: _session.Session, tables: t.Sequence[Table]) -> None:
        """In one transaction: until it ends, and when it is cut off, the old rows are there."""
        for end in (session, reading):
            end.rows(_EXACT)
        session.rows(_NO_TRIGGERS)
        self._apply_as(session, self._donor.identity)
        session.rows("BEGIN")
        for statement in self._way.written(in_place.COPIED_AT):
            session.run(statement)
        session.run(in_place_rows.emptying(tables))
        for one in tables:
            out, into = in_place_rows.copying(one)
            self.rows += copy_rows(reading, session, out, into)
        session.rows("COMMIT")

    def _apply_as(self, session: _session.Session, upstream: Identity) -> None:
        for statement in self._way.origin(upstream, self._own):
            session.run(statement)

    def _date(self, reading: _session.Session, tables: t.Sequence[Table]) -> None:
        """Let rows that were written of late count as old as they are: what is sent may be older than they."""
        wanted: dict[Change, list[tuple[Table, list[tuple[str, ...]]]]] = {}
        for one in tables:
            if one.key:
                recent = reading.run(in_place_rows.recently_written(one, RECENT_SECONDS))
                for change, keys in in_place_rows.by_change(one, recent).items():
                    wanted.setdefault(change, []).append((one, keys))
        sources = self._sources(reading)
        for origin in {change.origin for change in wanted}:
            with _session.local(self.plan, self.database, settings={"synchronous_commit": "off"}) as session:
                session.rows(_NO_TRIGGERS)
                self._apply_as(session, sources.get(origin, self._donor.identity))
                for change in (change for change in wanted if change.origin == origin):
                    self._touch(session, change, wanted[change])

    def _touch(
        self, session: _session.Session, change: Change, found: t.Iterable[tuple[Table, list[tuple[str, ...]]]]
    ) -> None:
        statements: list[Statement] = list(self._way.written(change.at))
        for one, keys in found:
            statements += in_place_rows.touching(one, keys)
        session.apply(statements)

    def _sources(self, reading: _session.Session) -> dict[int, Identity]:
        """Return the other upstreams by the numbers that they have on the donor; its own rows are the donor's."""
        way = in_place.InPlace07()
        names = {way.identifier(other.identity, self._donor.identity): other.identity for other in self._others}
        return {row["id"]: names[row["name"]] for row in reading.rows(_ORIGINS) if row["name"] in names}
