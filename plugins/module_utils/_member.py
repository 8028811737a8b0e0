# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What makes an instance a member of its group, whatever the engine: role, databases, schema, heartbeat table.

Observes and plans with the engine's own objects in between; statements run in their step's database.
Stdlib only: sessions are handed in.
"""

from __future__ import annotations

import typing as t

from . import _verifier
from ._engine.server import EngineServer
from ._model import NodePlan
from ._session_types import Session, Statement
from ._state import Item, State, Step

ROLE = """
SELECT r.rolcanlogin, r.rolreplication, r.rolsuper OR r.rolcreaterole OR r.rolcreatedb AS more,
       coalesce((row_to_json(r)->>'rolbypassrls')::boolean, false) AS bypass, a.rolpassword AS verifier
  FROM pg_roles r JOIN pg_authid a ON a.oid = r.oid WHERE r.rolname = %(role)s
"""
DATABASES = "SELECT datname::text AS name FROM pg_database WHERE datname = ANY(%(names)s)"
SCHEMA = "SELECT 1 AS found FROM pg_namespace WHERE nspname = 'pgbdr'"
HEARTBEAT = "SELECT 1 AS found FROM pg_tables WHERE schemaname = 'pgbdr' AND tablename = 'heartbeat'"
HEARTBEAT_GRANTED = """
SELECT has_schema_privilege(r.oid, 'pgbdr', 'USAGE')
       AND has_table_privilege(r.oid, 'pgbdr.heartbeat', 'SELECT')
       AND has_table_privilege(r.oid, 'pgbdr.heartbeat', 'INSERT')
       AND has_table_privilege(r.oid, 'pgbdr.heartbeat', 'UPDATE') AS granted
  FROM pg_roles r WHERE r.rolname = %(role)s
"""

DDL_JOURNAL = "SELECT 1 AS found FROM pg_tables WHERE schemaname = 'pgbdr' AND tablename = 'ddl_journal'"

SET_ROLE = """
{verb} ROLE {{role}} LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE {bypass} PASSWORD %(verifier)s
"""
CREATE_DATABASE = """
CREATE DATABASE {database} TEMPLATE template0 ENCODING %(encoding)s LC_COLLATE %(locale)s LC_CTYPE %(locale)s
"""
CREATE_SCHEMA = "CREATE SCHEMA pgbdr"
# Each row is written on its link's upstream only: never a conflict.
CREATE_HEARTBEAT = """
CREATE TABLE pgbdr.heartbeat (
    upstream   text NOT NULL,
    downstream text NOT NULL,
    token      text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY ({key}))
"""
# Rows are only added, each by its own node: never a conflict.
CREATE_DDL_JOURNAL = """
CREATE TABLE pgbdr.ddl_journal (
    node        text NOT NULL,
    script      text NOT NULL,
    sha256      text NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (node, script))
"""
GRANT_HEARTBEAT = (
    "GRANT USAGE ON SCHEMA pgbdr TO {role}",
    "GRANT SELECT, INSERT, UPDATE ON pgbdr.heartbeat TO {role}",
)

# Asked by a downstream before it makes a link: rows from before a link are not sent. The replication role may call
# it, so it says the name of a table and nothing of what is in it.
CREATE_ROWS_FUNCTION = """
CREATE OR REPLACE FUNCTION pgbdr.table_with_rows() RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS %(body)s
"""
ROWS_FUNCTION_BODY = """
DECLARE
    relation record;
    found_row boolean;
BEGIN
    FOR relation IN
        SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND c.relpersistence = 'p'
           AND NOT EXISTS (SELECT 1 FROM pg_depend d
                            WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')
           AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'pgbdr', 'pglogical', 'bdr')
         ORDER BY 1, 2
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.%I)', relation.nspname, relation.relname) INTO found_row;
        IF found_row THEN
            RETURN relation.nspname || '.' || relation.relname;
        END IF;
    END LOOP;
    RETURN '';
END
"""
ROWS_FUNCTION = """
SELECT p.prosrc AS body FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'pgbdr' AND p.proname = 'table_with_rows'
"""


def table_with_rows(session: Session) -> str:
    """Return a table that has rows, "" where none has or nobody can say: the database is no member yet."""
    if not session.rows(ROWS_FUNCTION):
        return ""
    return str(session.value("SELECT pgbdr.table_with_rows()"))


class Member:
    """One instance's membership."""

    def __init__(self, plan: NodePlan, engine: EngineServer, password: str) -> None:
        self.plan = plan
        self.engine = engine
        self._password = password
        self._role = Item("role", plan.replication_user)

    def observe_instance(self, session: Session) -> State:
        """Return the role and the databases, as they are."""
        state: State = {}
        for row in session.rows(ROLE, {"role": self.plan.replication_user}):
            state[self._role] = {
                "login": row["rolcanlogin"],
                "replication": row["rolreplication"],
                "more privileges": row["more"],
                "bypasses row security": row["bypass"],
                "password": "as given" if self._is_given(row["verifier"]) else "another",
            }
        for row in session.rows(DATABASES, {"names": list(self.plan.databases)}):
            state[Item("database", row["name"])] = {}
        return state

    def wanted_instance(self) -> State:
        """Return the role and the databases, as they should be."""
        role = {
            "login": True,
            "replication": True,
            "more privileges": False,
            "bypasses row security": False,
            "password": "as given",
        }
        return {self._role: role, **{Item("database", name): {} for name in self.plan.databases}}

    def observe_database(self, session: Session, database: str) -> State:
        """Return schema, engine's objects, journal, heartbeat table and its grants in one database, as they are."""
        state: State = {}
        if session.rows(SCHEMA):
            state[Item("schema", "pgbdr", database)] = {}
        for row in session.rows(ROWS_FUNCTION):
            state[_rows_function(database)] = {"body": row["body"]}
        state.update(self.engine.observe_member(session, database))
        if session.rows(DDL_JOURNAL):
            state[_ddl_journal(database)] = {}
        if session.rows(HEARTBEAT):
            state[Item("heartbeat table", "pgbdr.heartbeat", database)] = {}
            if session.value(HEARTBEAT_GRANTED, {"role": self.plan.replication_user}):
                state[self._heartbeat_grants(database)] = {}
        return state

    def wanted_database(self, found: State, database: str) -> State:
        """Return the same as they should be. Tables come last: the engine picks them up as they are made."""
        return {
            Item("schema", "pgbdr", database): {},
            _rows_function(database): {"body": ROWS_FUNCTION_BODY},
            **self.engine.wanted_member(found, database),
            _ddl_journal(database): {},
            Item("heartbeat table", "pgbdr.heartbeat", database): {},
            self._heartbeat_grants(database): {},
        }

    def statements(self, step: Step, make_verifier: t.Callable[[str, str, str], str]) -> t.Iterable[Statement]:
        """Return what carries out a step. make_verifier(password, role, encryption) gives what the server stores."""
        if step.item.kind == "role":
            verb = "CREATE" if step.before is None else "ALTER"
            # Servers that do not have it do not know the word either.
            bypass = "NOBYPASSRLS" if (step.before or {}).get("bypasses row security") else ""
            verifier = make_verifier(self._password, step.item.name, self.engine.password_encryption)
            text = SET_ROLE.format(verb=verb, bypass=bypass)
            return [Statement(text, {"role": step.item.name}, {"verifier": verifier})]
        if step.item.kind == "database":
            values = {"encoding": self.plan.encoding, "locale": self.plan.locale}
            return [Statement(CREATE_DATABASE, {"database": step.item.name}, values, alone=True)]
        if step.item.kind == "schema":
            return [Statement(CREATE_SCHEMA)]
        if step.item == _rows_function(step.item.database):
            return [Statement(CREATE_ROWS_FUNCTION, values=step.after)]
        if step.item.kind == "journal":
            return [Statement(CREATE_DDL_JOURNAL)]
        if step.item.kind == "heartbeat table":
            key = "upstream, downstream" if self.engine.heartbeat_is_updated else "upstream, downstream, token"
            return [Statement(CREATE_HEARTBEAT.format(key=key))]
        if step.item.kind == "grants on the heartbeat to":
            return [Statement(text, {"role": step.item.name}) for text in GRANT_HEARTBEAT]
        return self.engine.statements(step)

    def _is_given(self, verifier: str | None) -> bool:
        return _verifier.belongs(verifier, self._password, self.plan.replication_user, self.engine.password_encryption)

    def _heartbeat_grants(self, database: str) -> Item:
        return Item("grants on the heartbeat to", self.plan.replication_user, database)


def _rows_function(database: str) -> Item:
    return Item("function", "pgbdr.table_with_rows", database)


def _ddl_journal(database: str) -> Item:
    return Item("journal", "pgbdr.ddl_journal", database)
