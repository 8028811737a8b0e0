# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a node that leaves the group has left behind on another one, and what removes it. Pure.

An engine is one subclass. The connections come first, then the restart that brings them where they are settings,
then the rest: a worker that still runs would make its origin anew.
"""

from __future__ import annotations

import abc
import typing as t

from .._model import NodePlan
from .._session_types import Session, Statement
from .._state import Item, State

Identity = t.Tuple[str, str]
"""Who a node is to its upstreams, where slots are named after that: system identifier and oid of the database."""

_HEARTBEATS = """
SELECT 1 AS found FROM pgbdr.heartbeat WHERE upstream = %(name)s OR downstream = %(name)s LIMIT 1
"""
_FORGET_HEARTBEATS = "DELETE FROM pgbdr.heartbeat WHERE upstream = %(name)s OR downstream = %(name)s"


class Departure(abc.ABC):
    """What one node has of another one that leaves."""

    stay_local: t.ClassVar[tuple[Statement, ...]] = ()
    """What keeps a session's changes on this node, where others would stop at them."""

    def __init__(self, plan: NodePlan, departed: NodePlan) -> None:
        self.plan = plan
        self.departed = departed

    def identity(self, session: Session) -> Identity | None:
        """Return who this node is to its upstreams in the session's database, None where no name tells."""
        return None

    def received_up_to(self, session: Session, database: str) -> str:
        """Return up to which position of the departed node's WAL its changes arrived here, "" where none can tell."""
        return ""

    def connections(self, session: Session, database: str) -> State:
        """Return the connections to the departed node that live in a database."""
        return {}

    @abc.abstractmethod
    def slots(self, session: Session, database: str, remaining: t.Collection[Identity]) -> t.Mapping[str, bool]:
        """Return the slots of the departed node here, and whether each is in use."""

    @abc.abstractmethod
    def registrations(self, session: Session, database: str, remaining: t.Collection[Identity]) -> State:
        """Return what else the engine remembers of the departed node in a database."""

    def rest(self, session: Session, database: str, remaining: t.Collection[Identity]) -> State:
        """Return everything but the connections. remaining: the identities of all nodes that stay."""
        found: State = {Item("slot", name, database): {} for name in self.slots(session, database, remaining)}
        found.update(self.registrations(session, database, remaining))
        if session.rows(_HEARTBEATS, {"name": self.departed.name}):
            found[Item("heartbeats of", self.departed.name, database)] = {}
        return found

    def removal(self, item: Item) -> t.Sequence[Statement]:
        """Return what removes an item, to be run in its database."""
        if item.kind == "heartbeats of":
            return (*self.stay_local, Statement(_FORGET_HEARTBEATS, values={"name": item.name}))
        return self.engine_removal(item)

    @abc.abstractmethod
    def engine_removal(self, item: Item) -> t.Sequence[Statement]:
        """Return what removes an item of the engine's own."""
