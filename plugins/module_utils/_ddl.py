# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Run a SQL script on one node, once: in one transaction with the row of the journal that says so. Pure.

Every node runs the script, so what it does on a node stays there. Stdlib only: the session is handed in.
"""

from __future__ import annotations

import contextlib
import hashlib
import typing as t
from dataclasses import dataclass, field, replace

from ._ddl_messages import Place, another_text, failed, refused_rewrite, refused_rows, unfinished_index
from ._engine.server import EngineServer
from ._member import DDL_JOURNAL
from ._session_types import Row, Session, SessionError, Statement
from ._sql_script import ScriptError, ScriptStatement, split

RAN, THERE, WOULD_RUN = "ran", "was there", "would run"

IN_TRANSACTION_REFUSED = "25001"

JOURNAL = """
SELECT script, sha256, finished_at::text AS finished_at FROM pgbdr.ddl_journal
 WHERE node = %(node)s ORDER BY 3, 1
"""
NOTE = "INSERT INTO pgbdr.ddl_journal (node, script, sha256) VALUES (%(node)s, %(script)s, %(sha256)s)"

# Quotes as split() reads them, rows counted, and what a statement may take.
LIMITS = (
    "SET standard_conforming_strings = on",
    "SET track_counts = on",
    "SET lock_timeout = %(lock_ms)s",
    "SET statement_timeout = %(statement_ms)s",
)
# What follows the script is the run's own, whoever the script has become.
OWN_RIGHTS = ("RESET ROLE", "SET SESSION AUTHORIZATION DEFAULT")

_USER_TABLES = """
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_'
   AND n.nspname NOT IN ('information_schema', 'pgbdr', 'pglogical', 'bdr')
"""
# A table that gets another file was rewritten or emptied.
FILES = f"SELECT c.oid::int8 AS oid, c.relfilenode::int8 AS file, n.nspname AS schema, c.relname AS name {_USER_TABLES}"
HAS_ROWS = "SELECT EXISTS (SELECT 1 FROM {schema}.{name}) AS found"
ROWS_WRITTEN = f"""
SELECT n.nspname AS schema, c.relname AS name,
       pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_updated(c.oid)
       + pg_stat_get_xact_tuples_deleted(c.oid) AS written {_USER_TABLES}
   AND pg_stat_get_xact_tuples_inserted(c.oid) + pg_stat_get_xact_tuples_updated(c.oid)
       + pg_stat_get_xact_tuples_deleted(c.oid) > 0
 ORDER BY 1, 2
"""
# What a CREATE or REINDEX ... CONCURRENTLY that ended half-way leaves behind. Its name stands in the statement.
UNFINISHED = """
SELECT n.nspname || '.' || c.relname AS name
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_class r ON r.oid = i.indrelid
 WHERE NOT i.indisvalid AND (position(lower(c.relname) IN lower(%(text)s)) > 0
                             OR position(lower(r.relname) IN lower(%(text)s)) > 0)
 ORDER BY 1
"""


@dataclass(frozen=True)
class Task:
    """A script to be run on a node. `nodes` is the order of the run, `there` are those that had it before."""

    node: str
    database: str
    name: str
    script: str
    lock_seconds: int = 0
    statement_seconds: int = 0
    nodes: tuple[str, ...] = ()
    there: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Return what tells the script from another of its name."""
        return fingerprint(self.script)


@dataclass(frozen=True)
class Done:
    """What became of a script on a node."""

    state: str
    statements: int
    rewritten: tuple[str, ...] = ()
    rows_written: t.Mapping[str, int] = field(default_factory=dict)


def fingerprint(script: str) -> str:
    """Return the hash of a script; blank space around it is lost on the way to a node and does not count."""
    return hashlib.sha256(script.strip().encode()).hexdigest()


def seconds_of_silence(task: Task, answer_seconds: int) -> float:
    """Return after which silence to look around: before the wait for a lock ends, so that its holder is seen."""
    return min(answer_seconds, task.lock_seconds / 2 or answer_seconds)


def journal(session: Session, node: str) -> list[Row]:
    """Return which scripts ran on the node, oldest first; none where the journal is yet to be made."""
    return session.rows(JOURNAL, {"node": node}) if session.rows(DDL_JOURNAL) else []


def run_script(session: Session, engine: EngineServer, task: Task, check_mode: bool) -> Done:
    """Run the script unless the journal has it; SessionError says on which nodes it is and what holds it up."""
    try:
        statements = split(task.script)
    except ScriptError as error:
        raise SessionError(f"script {task.name}: {error}") from error
    for row in journal(session, task.node):
        if row["script"] == task.name:
            if row["sha256"] != task.sha256:
                raise SessionError(another_text(task.name, [task.node]))
            return Done(THERE, len(statements))
    if check_mode:
        return Done(WOULD_RUN, len(statements))
    _prepare(session, engine, task)
    try:
        return _in_transaction(session, engine, task, statements)
    except SessionError as error:
        if error.sqlstate != IN_TRANSACTION_REFUSED or len(statements) > 1:
            raise
    return _alone(session, task, statements[0])


def _prepare(session: Session, engine: EngineServer, task: Task) -> None:
    limits = {"lock_ms": task.lock_seconds * 1000, "statement_ms": task.statement_seconds * 1000}
    place = _place(task, "before its first statement")
    statements = [Statement(text, values=limits if "%" in text else {}) for text in LIMITS]
    for statement in (*statements, *engine.stay_local()):
        _run(session, statement, place)


def _in_transaction(
    session: Session, engine: EngineServer, task: Task, statements: t.Sequence[ScriptStatement]
) -> Done:
    place = _place(task, "before its first statement")
    try:
        _run(session, Statement("BEGIN"), place)
        files = {row["oid"]: row["file"] for row in _run(session, Statement(FILES), place)}
        for number, statement in enumerate(statements, 1):
            place = _place(task, f"statement {number} of {len(statements)}", statement)
            _run(session, Statement(statement.text), place)
        place = _place(task, "behind its last statement")
        for text in OWN_RIGHTS:
            _run(session, Statement(text), place)
        done = Done(RAN, len(statements), _rewritten(session, files, place), _rows_written(session, place))
        _refuse(engine, task, done)
        _note(session, task, place)
        _run(session, Statement("COMMIT"), replace(place, commits=True))
    except SessionError:
        _roll_back(session)
        raise
    return done


def _alone(session: Session, task: Task, statement: ScriptStatement) -> Done:
    """Run a statement that refuses to be in a transaction; what is half made must not count as done."""
    place = replace(_place(task, "statement 1 of 1", statement), alone=True)
    problems = []
    try:
        _run(session, Statement(statement.text), place)
    except SessionError as error:
        problems.append(str(error))
    unfinished = _unfinished(session, statement)
    if unfinished:
        problems.append(unfinished_index(task.node, task.name, unfinished))
    if problems:
        raise SessionError("\n".join(problems))
    _note(session, task, place)
    return Done(RAN, 1)


def _unfinished(session: Session, statement: ScriptStatement) -> list[str]:
    try:
        return [row["name"] for row in session.rows(UNFINISHED, {"text": statement.text})]
    except SessionError:  # the connection is gone, which is told already
        return []


def _refuse(engine: EngineServer, task: Task, done: Done) -> None:
    if done.rewritten and engine.rewrites_are_sent:
        raise SessionError(refused_rewrite(_place(task, ""), done.rewritten))
    if done.rows_written and engine.rows_are_sent:
        raise SessionError(refused_rows(_place(task, ""), done.rows_written))


def _rewritten(session: Session, before: t.Mapping[int, int], place: Place) -> tuple[str, ...]:
    """Return the tables that have rows and another file than before."""
    found = []
    for row in _run(session, Statement(FILES), place):
        if before.get(row["oid"], row["file"]) != row["file"]:
            names = {"schema": row["schema"], "name": row["name"]}
            if _run(session, Statement(HAS_ROWS, names), place)[0]["found"]:
                found.append(f"{row['schema']}.{row['name']}")
    return tuple(sorted(found))


def _rows_written(session: Session, place: Place) -> dict[str, int]:
    rows = _run(session, Statement(ROWS_WRITTEN), place)
    return {f"{row['schema']}.{row['name']}": row["written"] for row in rows}


def _note(session: Session, task: Task, place: Place) -> None:
    values = {"node": task.node, "script": task.name, "sha256": task.sha256}
    _run(session, Statement(NOTE, values=values), place)


def _roll_back(session: Session) -> None:
    with contextlib.suppress(SessionError):  # a connection that is gone takes its transaction with it
        session.run(Statement("ROLLBACK"))


def _place(task: Task, where: str, statement: ScriptStatement | None = None) -> Place:
    return Place(
        node=task.node,
        script=task.name,
        where=where,
        text=statement.text if statement else "",
        line=statement.line if statement else 0,
        lock_seconds=task.lock_seconds,
        nodes=task.nodes,
        there=task.there,
    )


def _run(session: Session, statement: Statement, place: Place) -> list[Row]:
    try:
        return session.run(statement)
    except SessionError as error:
        raise SessionError(failed(place, error, session.blockers), error.sqlstate) from error
