# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What an engine does on a running server: read its objects, say which are wanted, turn steps into statements.

Stdlib only: a session is handed in, so nothing here knows how a server is reached.
"""

from __future__ import annotations

import abc
import typing as t

from .._model import Connection, NodePlan, Setting
from .._session_types import Row, Session, Statement
from .._state import State, Step
from .messages import Dialect, failures

LINK = "link"
ABANDONED = "abandoned"
UNPLANNED = "unplanned"
FOREIGN = "foreign"
UNKNOWN = "unknown"
"""Whose a slot is: a link's of the plan; the engine's, but of none, and nobody uses it or somebody does; somebody
else's; not known as long as a node does not answer."""


class EngineServer(abc.ABC):
    """The live side of an engine for one node."""

    dialect: t.ClassVar[Dialect]
    """How its servers log."""
    password_encryption: t.ClassVar[str] = "scram-sha-256"
    """How the server stores passwords, in the words of the setting of that name."""
    session_settings: t.ClassVar[t.Mapping[str, str]] = {}
    """What a session of the local superuser sets, so that preparing a node is not replicated itself."""

    sequence_kind: t.ClassVar[str] = ""
    """The extension, and the access method of sequences, that gives global ones; empty where there are none."""
    is_applying: t.ClassVar[str] = ""
    """SQL that tells whether a session applies changes, where apply workers fire ordinary triggers as well."""

    heartbeat_is_updated: t.ClassVar[bool] = True
    """False where an UPDATE of a row that a downstream lacks would stop its link: there, rows are only added."""

    rewrites_are_sent: t.ClassVar[bool] = False
    """True where a session cannot keep the rewrite of a table to itself, and downstreams cannot make sense of it."""
    rows_are_sent: t.ClassVar[bool] = False
    """True where a session cannot keep the rows it writes to itself."""

    def __init__(self, plan: NodePlan) -> None:
        self.plan = plan

    @abc.abstractmethod
    def observe_member(self, session: Session, database: str) -> State:
        """Return what makes the node a member of the group in one database, as it is."""

    @abc.abstractmethod
    def wanted_member(self, found: State, database: str) -> State:
        """Return the same as it should be; tables are taken as they were found."""

    @abc.abstractmethod
    def observe_connections(self, session: Session, database: str) -> State:
        """Return the node's ends of links in one database, as they are."""

    @abc.abstractmethod
    def connections_found(self, session: Session, database: str, text: str) -> list[Connection]:
        """Return the same as the plan has them, those that it does not know as well.

        text: the file of connections, where they are settings.
        """

    @abc.abstractmethod
    def wanted_connections(self, database: str) -> State:
        """Return the same as they should be."""

    def connections_in(self, text: str) -> list[str]:
        """Return the names of the connections in the file of an engine whose connections are settings."""
        return []

    def wanted_settings(self, text: str, left_out: t.Collection[str]) -> tuple[Setting, ...]:
        """Return what that file should hold: the plan's but for those left out, and what it has beyond the plan."""
        return ()

    @abc.abstractmethod
    def statements(self, step: Step) -> t.Iterable[Statement]:
        """Return what carries out a step, to be run in the step's database."""

    @abc.abstractmethod
    def warnings(self, found: State) -> list[str]:
        """Return what an operator should know of the objects found."""

    @abc.abstractmethod
    def link_state(self, session: Session, upstream: Session, connection: Connection) -> str:
        """Return `streaming`, or a few words on what is seen instead, from both ends of a link."""

    @abc.abstractmethod
    def is_established(self, session: Session, upstream: Session, connection: Connection) -> bool:
        """Tell whether the link has been up before: its upstream keeps its place in the WAL."""

    @abc.abstractmethod
    def slot_owner(self, slot: Row) -> Row:
        """Return whose a slot of the node is: `verdict`, and the link's `downstream` or the ids of one (`of`)."""

    def walsender_of(self, slot: Row, walsenders: t.Sequence[Row]) -> list[Row]:
        """Return which of a database's walsenders may be the one that uses a slot, where the server does not say."""
        return list(walsenders)

    @abc.abstractmethod
    def findings(self, lines: t.Sequence[str]) -> list[str]:
        """Return what the lines of a server's log say of links, with the remedy."""

    def failures(self, lines: t.Iterable[str]) -> dict[str, Row]:
        """Return the apply workers that the lines of a log saw end, as the server names them, and why."""
        return failures(lines, self.dialect.ended, self.dialect.messages)

    def logs_conflicts(self, settings: t.Mapping[str, str]) -> bool:
        """Tell whether each conflict that was resolved is a line of the log, with these settings."""
        level, least = settings.get(self.dialect.conflict_level, "log"), settings.get("log_min_messages")
        is_logged = level in ("log", "warning", "error") and least not in ("fatal", "panic")
        return bool(self.dialect.resolved) and is_logged

    @abc.abstractmethod
    def connection_of(self, worker: str) -> str:
        """Return the name of the connection that a worker of the log is of, "" where the plan has none."""

    @abc.abstractmethod
    def incoming(self, session: Session, database: str) -> list[Row]:
        """Return the node's ends of links in one database: `name`, `status`, and the `worker` in the log's words.

        Also its process (`pid`, `age_seconds`), how long it has waited for a lock (`waits_seconds`, `waits_for`), and
        the position reached (`origin_lsn`), each None where it has none or the server does not say, and the processes
        that hold it up (`blocked_by`), empty where the server does not say. status: `running`,
        `starting`, `down`, `disabled`, or empty where only the upstream can tell whether a worker is at work.
        """

    def name_in(self, session: Session) -> str:
        """Return whose the session's database takes itself for, "" where it takes itself for nobody's."""
        return ""

    def forget_heartbeats(self) -> t.Iterable[Statement]:
        """Return what removes old rows of the heartbeat table on this node alone, where they are only added."""
        return ()

    def gives_global_values(self, session: Session) -> bool:
        """Tell whether something hands out the values of global sequences, as far as can be seen."""
        return True

    @abc.abstractmethod
    def stay_local(self) -> t.Iterable[Statement]:
        """Return what keeps the changes that follow in a session of the local superuser on this node."""

    def waits_out_a_retry(self, session: Session, connection: Connection) -> bool:
        """Tell whether the link's worker failed and sits out a pause that kick() cuts short."""
        return False

    def kick(self, connection: Connection) -> t.Iterable[Statement]:
        """Return what makes a worker that waits out its retry start at once."""
        return ()
