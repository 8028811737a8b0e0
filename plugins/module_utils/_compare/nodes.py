# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Sessions on all nodes of a comparison, asked at the same time."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .. import _session
from .._conninfo import conninfo
from .._model import NodePlan
from .._session_types import Row, SessionError

ANSWER_SECONDS = 10.0
"""A server that is silent for so long is asked over another connection whether it lives."""


class NodeLost(Exception):
    """A node does not answer, or not any more."""

    def __init__(self, node: str, reason: str) -> None:
        super().__init__(f"{node}: {reason}")
        self.node = node
        self.reason = reason


class Refused(Exception):
    """A node's server refused a query; message is its own."""

    def __init__(self, node: str, message: str) -> None:
        super().__init__(f"{node}: {message}")
        self.node = node


Query = t.Tuple[str, t.Mapping[str, t.Any]]


@dataclass(frozen=True)
class Place:
    """How a node is reached: as the local superuser, as the replication role of a member, or by a DSN of its own."""

    name: str
    local: NodePlan
    member: NodePlan | None = None
    dsn: str = ""

    def open(self, database: str, settings: t.Mapping[str, str]) -> _session.Session:
        """Return a session in a database that begins with settings."""
        if self.dsn:
            return _session.Session(f"{self.dsn} {conninfo({'options': _session.options(settings)})}", ANSWER_SECONDS)
        if self.member is None or self.member.name == self.local.name:
            return _session.local(self.local, database, ANSWER_SECONDS, settings=settings)
        return _session.member(self.local, self.member, database, settings, ANSWER_SECONDS)


class Nodes:
    """The nodes that are compared in one database. Use it as a context manager."""

    def __init__(self, places: t.Sequence[Place], database: str, settings: t.Mapping[str, str]) -> None:
        self.database = database
        self._settings = settings
        self._places = {place.name: place for place in places}
        self._prepared: tuple[Query, ...] = ()
        self._sessions: dict[str, _session.Session] = {}
        self._threads = ThreadPoolExecutor(max_workers=max(1, len(places)))

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *_exception: object) -> None:
        for session in self._sessions.values():
            session.close()
        self._threads.shutdown(wait=False)

    @property
    def names(self) -> list[str]:
        """The names of the nodes, in order."""
        return sorted(self._places)

    def prepare(self, queries: t.Sequence[Query]) -> None:
        """Run queries on all nodes, and on each session that is opened later."""
        self._prepared += tuple(queries)
        for text, values in queries:
            self.ask(text, values)

    def only(self, names: t.Collection[str]) -> Nodes:
        """Return some of the nodes, over the same sessions."""
        some = Nodes([], self.database, self._settings)
        some._places = {name: place for name, place in self._places.items() if name in names}
        some._prepared, some._sessions, some._threads = self._prepared, self._sessions, self._threads
        return some

    def leave_out(self, name: str) -> None:
        """Ask a node no more."""
        self._places.pop(name, None)
        session = self._sessions.pop(name, None)
        if session:
            session.close()

    def ask(self, text: str, values: t.Mapping[str, t.Any] | None = None) -> dict[str, list[Row]]:
        """Run a query on all nodes at once and return the rows by node."""
        return self.ask_each({name: (text, values or {}) for name in self._places})

    def ask_each(self, queries: t.Mapping[str, Query]) -> dict[str, list[Row]]:
        """Run a query of its own on each node that is named, all at once; the first error is raised."""
        answers, errors = self.try_each(queries)
        for error in errors.values():
            raise error
        return answers

    def try_each(self, queries: t.Mapping[str, Query]) -> tuple[dict[str, list[Row]], dict[str, Exception]]:
        """Run a query of its own on each node that is named, all at once, and return rows and errors by node."""
        begun = {name: self._threads.submit(self._one, name, *query) for name, query in queries.items()}
        answers: dict[str, list[Row]] = {}
        errors: dict[str, Exception] = {}
        for name, each in begun.items():
            try:
                answers[name] = each.result()
            except (NodeLost, Refused) as error:
                errors[name] = error
        return answers, errors

    def _one(self, name: str, text: str, values: t.Mapping[str, t.Any]) -> list[Row]:
        if name not in self._places:
            raise NodeLost(name, "it is left out")
        try:
            return self._session(name).rows(text, values)
        except SessionError as error:
            if error.sqlstate[:2] in ("", "08") or error.sqlstate.startswith("57P"):
                raise NodeLost(name, str(error)) from error
            raise Refused(name, str(error)) from error

    def _session(self, name: str) -> _session.Session:
        if name not in self._sessions:
            session = self._places[name].open(self.database, self._settings)
            self._sessions[name] = session
            for text, values in self._prepared:
                session.rows(text, values)
        return self._sessions[name]
