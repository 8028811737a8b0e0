# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A connection to a server: the only file that imports psycopg2.

Rows come back as dictionaries; identifiers and values are quoted by psycopg2, never by hand.
"""

from __future__ import annotations

import typing as t

try:
    import psycopg2
    import psycopg2.extensions
    import psycopg2.extras
    from psycopg2 import sql
except ImportError:  # a first run in check mode comes before the packages
    psycopg2 = None

from ._conninfo import conninfo
from ._engine import server
from ._member import DATABASES
from ._model import Connection, NodePlan
from ._session_types import Row, Statement, refusal

CONNECT_SECONDS = 5
QUIET = {"log_statement": "none", "log_min_duration_statement": "-1", "log_min_error_statement": "panic"}
"""What keeps a session's statements out of the server's log."""


class SessionError(Exception):
    """The server could not be reached or refused a statement; the message is the server's own."""


class Session:
    """An autocommit connection. Use it as a context manager."""

    def __init__(self, dsn: str) -> None:
        if psycopg2 is None:
            raise SessionError("the Python library psycopg2 is missing on this host; install python3-psycopg2")
        try:
            self._connection = psycopg2.connect(
                dsn,
                connection_factory=psycopg2.extras.RealDictConnection,
                connect_timeout=CONNECT_SECONDS,
            )
        except psycopg2.Error as error:
            raise SessionError(str(error).strip()) from error
        self._connection.autocommit = True

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._connection.close()

    def rows(self, text: str, values: t.Mapping[str, t.Any] | None = None) -> list[Row]:
        """Run a query and return its rows."""
        return self.run(Statement(text, values=values or {}))

    def value(self, text: str, values: t.Mapping[str, t.Any] | None = None) -> t.Any:
        """Run a query and return the first column of its first row, None where there is no row."""
        rows = self.rows(text, values)
        return next(iter(rows[0].values())) if rows else None

    def run(self, statement: Statement) -> list[Row]:
        """Run one statement and return its rows, if it has any."""
        query: t.Any = statement.text
        if statement.identifiers:
            # psycopg2 reads a % of a name as a placeholder as soon as there are values.
            percent = "%%" if statement.values else "%"
            names = {name: sql.Identifier(value.replace("%", percent)) for name, value in statement.identifiers.items()}
            query = sql.SQL(statement.text).format(**names)
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(query, statement.values or None)
                return [dict(row) for row in cursor.fetchall()] if cursor.description else []
        except psycopg2.Error as error:
            raise SessionError(refusal(statement, str(error).strip(), error.pgcode)) from error

    def apply(self, statements: t.Iterable[Statement]) -> None:
        """Run a step's statements: as one transaction, all or none, and behind it those that refuse to be in one."""
        steps = list(statements)
        self._connection.autocommit = False
        try:
            for statement in steps:
                if not statement.alone:
                    self.run(statement)
            self._connection.commit()
        finally:
            if not self._connection.closed:
                self._connection.rollback()
                self._connection.autocommit = True
        for statement in steps:
            if statement.alone:
                self.run(statement)

    def verifier(self, password: str, role: str, encryption: str) -> str:
        """Return what the server stores for a password, made here so that no log ever sees the password."""
        encrypt = psycopg2.extensions.encrypt_password
        return str(encrypt(password, role, self._connection, encryption))

    def server_version(self) -> int:
        """Return the version as a number, such as 150018."""
        return int(self._connection.server_version)


def local(plan: NodePlan, database: str) -> Session:
    """Return a session of the local superuser, by peer authentication.

    Statements carry no secret into a log: the verifier of a password is one too.
    """
    settings = {**QUIET, **server(plan).session_settings}
    return Session(
        conninfo(
            {
                "host": plan.socket_directory,
                "port": plan.port,
                "dbname": database,
                "user": "postgres",
                "application_name": "pgbdr",
                "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            }
        )
    )


def present_databases(plan: NodePlan) -> set[str]:
    """Return which of the plan's databases are there."""
    with local(plan, "postgres") as session:
        return {row["name"] for row in session.rows(DATABASES, {"names": list(plan.databases)})}


def upstream(plan: NodePlan, connection: Connection) -> Session:
    """Return a session of the replication role on a connection's upstream, with the node's own passfile."""
    # Not in every engine's own DSN: the libpq of its server may not know the word.
    return Session(f"{connection.dsn} {conninfo({'passfile': plan.passfile})}")
