# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What the engines need of a session, without psycopg2: a protocol and a statement. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

Row = t.Dict[str, t.Any]


@dataclass(frozen=True)
class Statement:
    """SQL with {names} for identifiers and %(names)s for values.

    alone: refuses to run in a transaction. about: what an error of it is of, where the server does not say.
    """

    text: str
    identifiers: t.Mapping[str, str] = field(default_factory=dict)
    values: t.Mapping[str, t.Any] = field(default_factory=dict)
    alone: bool = False
    about: str = ""


LOCK_NOT_AVAILABLE = "55P03"


def refusal(statement: Statement, message: str, code: str | None) -> str:
    """Return what the server said to a statement, and of what; for a lock that it waited for in vain, the way out."""
    said = f"{statement.about}: {message}" if statement.about else message
    if code == LOCK_NOT_AVAILABLE:
        return f"{said}; another session uses it. Run again when that session's transaction has ended"
    return said


class SessionError(Exception):
    """The server could not be reached or refused a statement; the message is the server's own.

    sqlstate is "" where no server spoke; position is where in the statement it saw the fault, from 1, 0 for nowhere.
    """

    def __init__(self, message: str, sqlstate: str = "", position: int = 0) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.position = position


class Session(t.Protocol):
    """A connection to a server."""

    blockers: list[Row]
    """Who held back the last statement that waited for long, where the session looks for that."""

    def run(self, statement: Statement) -> list[Row]:
        """Run one statement and return its rows, if it has any."""

    def rows(self, text: str, values: t.Mapping[str, t.Any] | None = None) -> list[Row]:
        """Run a query and return its rows."""

    def value(self, text: str, values: t.Mapping[str, t.Any] | None = None) -> t.Any:
        """Run a query and return the first column of its first row, None where there is no row."""
