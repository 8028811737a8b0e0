# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A connection to a server: the only file that imports psycopg2.

Rows come back as dictionaries; identifiers and values are quoted by psycopg2, never by hand.
"""

from __future__ import annotations

import functools
import select
import time
import typing as t

try:
    import psycopg2
    import psycopg2.extensions
    import psycopg2.extras
    from psycopg2 import sql
except ImportError:  # a first run in check mode comes before the packages
    psycopg2 = None

from ._conninfo import CONNECT_SECONDS, KEEPALIVES, conninfo
from ._deadline import seconds_left, shared
from ._engine import server
from ._member import DATABASES
from ._model import Connection, NodePlan
from ._session_types import Row, Statement, refusal
from ._session_types import SessionError as SessionError

TCP_USER_TIMEOUT_SINCE = 120000  # of libpq
QUIET = {"log_statement": "none", "log_min_duration_statement": "-1", "log_min_error_statement": "panic"}
"""What keeps a session's statements out of the server's log."""


# Who holds, or waits for, what a session waits for. Without pg_blocking_pids(), which old servers lack.
BLOCKERS = """
SELECT DISTINCT h.pid, h.mode, h.granted, w.mode AS wanted, w.relation::regclass::text AS relation,
       a.application_name AS application, a.usename::text AS role, a.query_start::text AS query_start
  FROM pg_locks w JOIN pg_locks h ON h.pid <> w.pid AND h.locktype = w.locktype
       AND (h.database, h.relation, h.virtualxid, h.transactionid, h.classid, h.objid, h.objsubid)
           IS NOT DISTINCT FROM
           (w.database, w.relation, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)
  LEFT JOIN pg_stat_activity a ON a.pid = h.pid
 WHERE w.pid = %(pid)s AND NOT w.granted ORDER BY 1
"""


def _watched() -> dict[str, int]:
    """Return what makes libpq notice a network that was cut, also while it sends."""
    found = dict(KEEPALIVES)
    if psycopg2.extensions.libpq_version() >= TCP_USER_TIMEOUT_SINCE:
        found["tcp_user_timeout"] = 30_000
    return found


class Session:
    """An autocommit connection. Use it as a context manager.

    answer_seconds: a server silent for so long is asked over another connection who holds the statement up, again and
    again, and given up where it does not answer. limit_seconds: how long a statement may take, whatever it does.
    connect_seconds: how long the server may take to let the session in.
    """

    def __init__(
        self, dsn: str, answer_seconds: float = 0, limit_seconds: float = 0, connect_seconds: int = CONNECT_SECONDS
    ) -> None:
        if psycopg2 is None:
            raise SessionError("the Python library psycopg2 is missing on this host; install python3-psycopg2")
        self.blockers: list[Row] = []
        self.is_shared = False
        self._dsn = dsn
        self.answer_seconds = answer_seconds
        self._limit_seconds = limit_seconds
        if answer_seconds:
            psycopg2.extensions.set_wait_callback(functools.partial(_wait, connect_seconds))
        try:
            self._connection = psycopg2.connect(
                dsn,
                connection_factory=psycopg2.extras.RealDictConnection,
                connect_timeout=connect_seconds,
                **_watched(),
            )
        except psycopg2.Error as error:
            said = str(error).strip()
            # libpq's own words where it watches the time by itself, so not with a wait callback.
            raise SessionError(_silent(connect_seconds) if said.endswith("timeout expired") else said) from error
        self._connection.session = self
        self._connection.autocommit = True

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exception: object) -> None:
        if not self.is_shared:
            self.close()

    def close(self) -> None:
        """End the connection."""
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
        self.blockers = []
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(_query(statement), statement.values or None)
                return [dict(row) for row in cursor.fetchall()] if cursor.description else []
        except psycopg2.Error as error:
            told = refusal(statement, str(error).strip(), error.pgcode)
            position = int(error.diag.statement_position or 0)
            raise SessionError(told, error.pgcode or "", position) from error
        except UnicodeError as error:
            raise SessionError(f"the database's encoding has no such character: {error}") from error

    def process(self) -> int:
        """Return the process that serves the session."""
        return int(self._connection.get_backend_pid())

    def cancel(self) -> None:
        """Have the server give up what it is doing for the session; from another thread."""
        self._connection.cancel()

    def copy(self, statement: Statement, file: t.IO[bytes]) -> int:
        """Run a COPY to or from a file, and return how many rows it was."""
        try:
            with self._connection.cursor() as cursor:
                cursor.copy_expert(_query(statement), file)
                return int(cursor.rowcount)
        except psycopg2.Error as error:
            raise SessionError(f"{statement.text.format(**statement.identifiers)}: {error}".strip()) from error

    def confirm(self, stream: Statement, position: int) -> None:
        """Begin to read a slot, and say that all before a position has arrived."""
        try:
            with self._connection.cursor(cursor_factory=psycopg2.extras.ReplicationCursor) as cursor:
                cursor.start_replication_expert(_query(stream).as_string(self._connection), decode=False)
                cursor.send_feedback(write_lsn=position, flush_lsn=position, apply_lsn=position, force=True)
        except psycopg2.Error as error:
            raise SessionError(str(error).strip()) from error

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

    def notices(self) -> list[str]:
        """Return what the server said beside its answers."""
        return [notice.strip() for notice in self._connection.notices]

    def look_around(self, waited: float) -> None:
        """See who holds a statement up. SessionError: nobody answers any more, or it took too long.

        psycopg2 itself closes the connection then.
        """
        if self._limit_seconds and waited > self._limit_seconds:
            raise SessionError(f"the statement does not end within {self._limit_seconds} s")
        with Session(self._dsn, CONNECT_SECONDS) as other:
            other._connection.session = None
            self.blockers = other.rows(BLOCKERS, {"pid": self.process()}) or self.blockers

    def server_version(self) -> int:
        """Return the version as a number, such as 150018."""
        return int(self._connection.server_version)


def _query(statement: Statement) -> t.Any:
    if not statement.identifiers:
        return statement.text
    # psycopg2 reads a % of a name as a placeholder as soon as there are values.
    percent = "%%" if statement.values else "%"
    names = {name: sql.Identifier(value.replace("%", percent)) for name, value in statement.identifiers.items()}
    return sql.SQL(statement.text).format(**names)


def _silent(seconds: float) -> str:
    return f"the server does not answer within {seconds} s"


def _wait(connect_seconds: float, connection: t.Any) -> None:
    """Wait until a connection is through with what it does: psycopg2 itself knows no deadline."""
    session = getattr(connection, "session", None)  # None while it connects
    seconds = session.answer_seconds if session else connect_seconds
    started = time.monotonic()
    while True:
        state = connection.poll()
        if state == psycopg2.extensions.POLL_OK:
            return
        ends = [connection.fileno()]
        reads = state == psycopg2.extensions.POLL_READ
        if any(select.select(ends if reads else [], [] if reads else ends, [], seconds or None)):
            continue
        if not session:
            raise SessionError(_silent(seconds))
        session.look_around(time.monotonic() - started)


def local(
    plan: NodePlan,
    database: str,
    answer_seconds: float = 0,
    limit_seconds: float = 0,
    more: t.Mapping[str, str] | None = None,
    settings: t.Mapping[str, str] | None = None,
    connect_seconds: int = CONNECT_SECONDS,
) -> Session:
    """Return a session of the local superuser, by peer authentication; more is more of libpq's parameters.

    settings: what the session begins with; no value has a space.
    Statements carry no secret into a log: the verifier of a password is one too.
    """
    own = {**QUIET, **server(plan).session_settings, **(settings or {})}
    dsn = conninfo(
        {
            "host": plan.socket_directory,
            "port": plan.port,
            "dbname": database,
            "user": "postgres",
            "application_name": "pgbdr",
            "options": options(own),
            **(more or {}),
        }
    )
    try:
        if seconds_left():
            return _in_a_hurry(dsn, min(connect_seconds, seconds_left()))
        return Session(dsn, answer_seconds, limit_seconds, connect_seconds)
    except SessionError as error:
        raise SessionError(f"the server of {plan.name} cannot be reached: {error}") from error


def _in_a_hurry(dsn: str, connect_seconds: int) -> Session:
    """Return a session that ends with the deadline, the same for the same."""
    kept = shared()
    session: Session = kept.get(dsn) or Session(dsn, seconds_left(), 0, connect_seconds)
    session.is_shared, kept[dsn] = True, session
    session.rows(f"SET statement_timeout = '{seconds_left()}s'")
    return session


def options(settings: t.Mapping[str, str]) -> str:
    """Return settings as libpq's parameter of that name has them."""
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def present_databases(plan: NodePlan) -> set[str]:
    """Return which of the plan's databases are there."""
    with local(plan, "postgres") as session:
        return {row["name"] for row in session.rows(DATABASES, {"names": list(plan.databases)})}


def dsn_of(plan: NodePlan, connection: Connection) -> str:
    """Return how the replication role reaches a connection's upstream, with the node's own passfile."""
    # Not in every engine's own DSN: the libpq of its server may not know the word.
    return f"{connection.dsn} {conninfo({'passfile': plan.passfile})}"


def upstream(plan: NodePlan, connection: Connection, answer_seconds: float = 0) -> Session:
    """Return a session of the replication role on a connection's upstream, with the node's own passfile."""
    return Session(dsn_of(plan, connection), answer_seconds)


def member(
    plan: NodePlan, other: NodePlan, database: str, settings: t.Mapping[str, str], answer_seconds: float = 0
) -> Session:
    """Return a session of the replication role on another member, with the node's own passfile, linked to it or not."""
    tls = {} if other.tls == "off" else {"sslmode": other.tls}
    if other.tls == "verify-full":
        tls["sslrootcert"] = f"{plan.home}/tls/ca.crt"
    place = {"host": other.address, "port": other.port, "dbname": database, "user": other.replication_user}
    own = {"passfile": plan.passfile, "options": options(settings)} if settings else {"passfile": plan.passfile}
    return Session(conninfo({**place, **tls, **own}), answer_seconds)
