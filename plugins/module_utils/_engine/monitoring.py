# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What an engine gives a monitoring role to read, and the query that tells of the node's ends of links. Pure.

An engine is one subclass. Queries only read, and take no lock that anybody waits for.
"""

from __future__ import annotations

import abc
import typing as t

from .._model import NodePlan
from .._session_types import Session


class Monitoring(abc.ABC):
    """What one node's monitoring asks the engine."""

    grants: t.ClassVar[tuple[str, ...]]
    """What lets {role} read what the query below reads, in each database."""
    revokes: t.ClassVar[tuple[str, ...]]
    """What takes that back."""
    ended: t.ClassVar[str]
    """What a server logs of an apply worker that ended: a pattern in SQL, with the worker and its process in groups."""
    conflict: t.ClassVar[str]
    """What it logs of a change that a row of the node stands against: a pattern in SQL."""

    def __init__(self, plan: NodePlan) -> None:
        self.plan = plan

    @abc.abstractmethod
    def is_granted(self, session: Session, role: str) -> bool:
        """Tell whether the role has all of it in the session's database."""

    @abc.abstractmethod
    def is_member(self, session: Session) -> bool:
        """Tell whether the session's database has the engine's objects, so that there is something to grant."""

    @property
    @abc.abstractmethod
    def connection_columns(self) -> str:
        """Return the columns `present`, `enabled`, `up`, `conflict`, `worker_started_seconds` and `waiting`, as SQL."""

    @property
    @abc.abstractmethod
    def connection_joins(self) -> str:
        """Return what joins them to a relation v with a column `connection` and to b, the node's own heartbeat."""
