# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What turns the physical copy of a node into a node of its own, whose links begin exactly where the copy ends. Pure.

An engine is one subclass. The copy holds what its donor had applied of each other upstream, and up to where; the
upstreams keep their WAL in slots that are older than that.
"""

from __future__ import annotations

import abc
import typing as t
from dataclasses import dataclass

from .._model import Connection, NodePlan
from .._session_types import Row, Session, Statement


@dataclass(frozen=True)
class Origin:
    """What a donor knows of one of its upstreams: by which number rows tell it, and up to where it has applied it."""

    id: int
    upstream: str
    position: str


class Seeding(abc.ABC):
    """One node as a copy of another one, its donor."""

    def __init__(self, plan: NodePlan, donor: NodePlan) -> None:
        self.plan = plan
        self.donor = donor

    @abc.abstractmethod
    def is_inherited(self, session: Session) -> bool:
        """Tell whether the session's database still takes itself for the donor's."""

    @abc.abstractmethod
    def own(self, database: str) -> t.Sequence[Statement]:
        """Return what makes the database the node's own, positions kept. One transaction."""

    @abc.abstractmethod
    def is_linked(self, session: Session, connection: Connection) -> bool:
        """Tell whether a connection is there."""

    @abc.abstractmethod
    def position(self, session: Session, connection: Connection, end: str) -> str:
        """Return up to where the copy holds an upstream's changes, "" where nobody can tell.

        end: where the copy ends in the donor's WAL.
        """

    def origins(self, session: Session, database: str) -> list[Origin]:
        """Return the donor's upstreams in a database, as the donor's own session sees them."""
        return []

    def sets(self, session: Session) -> list[Row]:
        """Return the sets of tables that an operator made on the donor, with what is in them."""
        return []

    def own_sets(self, sets: t.Sequence[Row]) -> t.Sequence[Statement]:
        """Return what makes them on the node, behind the engine's own. One transaction."""
        return ()

    @abc.abstractmethod
    def kept_from(self, upstream: Session, connection: Connection) -> str:
        """Return from where a slot of the upstream keeps its changes, "" where it keeps none."""

    @abc.abstractmethod
    def link(self, connection: Connection, position: str) -> t.Sequence[Statement]:
        """Return what makes a connection that begins at a position. One transaction."""


def gap(connection: Connection, node: str, position: str, kept_from: str) -> str:
    """Return why a link cannot begin where the copy ends, "" where it can."""
    link = f"{connection.upstream} -> {node} ({connection.database})"
    if not kept_from:
        return f"{link}: the slot {connection.slot} that kept the changes is gone from {connection.upstream}"
    if not position or number(kept_from) > number(position):
        return (
            f"{link}: {connection.upstream} keeps its changes from {kept_from} on, the copy holds them up to "
            f"{position or 'nobody knows where'}"
        )
    return ""


def number(position: str) -> int:
    """Return a position in the WAL, such as 1A/2B3C, as a number of bytes."""
    high, low = position.split("/")
    return (int(high, 16) << 32) + int(low, 16)
