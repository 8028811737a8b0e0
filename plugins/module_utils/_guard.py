# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The guard: a trigger on every replicated table of a database that denies TRUNCATE, new tables included. Pure.

The SQL is for servers from 9.3 on. Sources: BDR User Guide, TRUNCATE is not replicated; its message is kept.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ._engine.server import EngineServer
from ._fields import WrongValue, schema_and_table, table
from ._model import NodePlan
from ._session_types import Row, Session, Statement
from ._state import GONE, Item, State, Step

TABLES_IN_ONE_GO = 100
"""Each table is locked until its transaction ends, and a server has room for so many locks."""

# A lock that does not come at once is not waited for: whoever comes behind us would wait as well.
LIMIT_WAIT = "SET LOCAL lock_timeout = '1s'"

SEARCH_PATH = "search_path=pg_catalog"

DENY = "pgbdr.deny_truncate"
DENY_BODY = """
BEGIN{unless_applying}
    RAISE EXCEPTION 'TRUNCATE is not supported on this table. Please use DELETE FROM.'
        USING DETAIL = format('The guard of the group denies it on %I.%I.', tg_table_schema, tg_table_name),
              HINT = 'To allow it, name the table in bdr_truncatable_tables and run site.yml.';
END
"""
# Some servers tell superusers only whether they apply changes.
CREATE_DENY = """
CREATE OR REPLACE FUNCTION pgbdr.deny_truncate() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path=pg_catalog AS %(body)s
"""

# Which tables are replicated. Engines' and extensions' own are not, whatever the engine does with them.
REPLICATED = """c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
           AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'pgbdr', 'pglogical', 'bdr')
           AND NOT EXISTS (SELECT 1 FROM pg_depend d
                            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')"""

GUARD_TABLES = "pgbdr.guard_tables"
# What a transaction has made it holds locked for itself. So no other table is looked at or waited for, and servers
# are served that do not tell an event trigger what was made.
GUARD_TABLES_BODY = """
DECLARE
    relation record;
BEGIN
    FOR relation IN
        SELECT n.nspname, c.relname
          FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
           AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
           AND {replicated}
           AND NOT EXISTS (SELECT 1 FROM pg_trigger g
                            WHERE g.tgrelid = c.oid AND g.tgname = 'pgbdr_deny_truncate'){but_allowed}
    LOOP
        EXECUTE format('CREATE TRIGGER pgbdr_deny_truncate BEFORE TRUNCATE ON %I.%I '
                       'FOR EACH STATEMENT EXECUTE PROCEDURE pgbdr.deny_truncate()',
                       relation.nspname, relation.relname);
    END LOOP;
END
"""
# Whoever makes a table may have no rights in the schema pgbdr. What an engine wants set is for superusers to set.
CREATE_GUARD_TABLES = """
CREATE OR REPLACE FUNCTION pgbdr.guard_tables() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER {settings} AS %(body)s
"""

EVENT_TRIGGER = "pgbdr_guard_tables"
TAGS = ("ALTER TABLE", "CREATE SCHEMA", "CREATE TABLE", "CREATE TABLE AS", "SELECT INTO")
DROP_EVENT_TRIGGER = "DROP EVENT TRIGGER IF EXISTS pgbdr_guard_tables"
CREATE_EVENT_TRIGGER = f"""
CREATE EVENT TRIGGER pgbdr_guard_tables ON ddl_command_end
  WHEN tag IN ({", ".join(f"'{tag}'" for tag in TAGS)})
  EXECUTE PROCEDURE pgbdr.guard_tables()
"""
# Tables come by replicated DDL, too, and apply workers fire no other event triggers.
ENABLE_EVENT_TRIGGER = "ALTER EVENT TRIGGER pgbdr_guard_tables ENABLE ALWAYS"

# In its ordinary state a trigger is not for apply workers. In another, it would stop their links.
CREATE_TRIGGER = """
CREATE TRIGGER pgbdr_deny_truncate BEFORE TRUNCATE ON {schema}.{relation}
FOR EACH STATEMENT EXECUTE PROCEDURE pgbdr.deny_truncate()
"""
DROP_TRIGGER = "DROP TRIGGER pgbdr_deny_truncate ON {schema}.{relation}"
DROP_FUNCTION = {DENY: "DROP FUNCTION pgbdr.deny_truncate()", GUARD_TABLES: "DROP FUNCTION pgbdr.guard_tables()"}

# All of it in one query. Tables that are replicated, and others that have a guard from when they were.
OBSERVE = f"""
SELECT 'function' AS kind, n.nspname || '.' || p.proname AS name, p.prosrc AS state,
       CASE WHEN p.prosecdef THEN 'definer, ' ELSE '' END
       || coalesce(array_to_string(p.proconfig, ', '), '') AS settings, '' AS schema, '' AS relation
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'pgbdr' AND p.proname IN ('deny_truncate', 'guard_tables') AND p.pronargs = 0
UNION ALL
SELECT 'event trigger', e.evtname::text, e.evtenabled::text,
       array_to_string(e.evttags, ', ') || ': ' || e.evtfoid::regproc, '', ''
  FROM pg_event_trigger e WHERE e.evtname = 'pgbdr_guard_tables'
UNION ALL
SELECT 'table', format('%I.%I', n.nspname, c.relname),
       CASE WHEN g.oid IS NULL THEN 'none'
            WHEN f.oid IS NULL OR g.tgtype <> 34 OR g.tgqual IS NOT NULL THEN 'another trigger has its name'
            WHEN g.tgenabled = 'O' THEN 'on'
            WHEN g.tgenabled = 'D' THEN 'disabled'
            ELSE 'fires for apply workers' END,
       CASE WHEN {REPLICATED} THEN 'replicated' ELSE '' END, n.nspname::text, c.relname::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_trigger g ON g.tgrelid = c.oid AND g.tgname = 'pgbdr_deny_truncate'
  LEFT JOIN pg_proc f ON f.oid = g.tgfoid AND f.proname = 'deny_truncate'
                     AND f.pronamespace = (SELECT s.oid FROM pg_namespace s WHERE s.nspname = 'pgbdr')
 WHERE g.oid IS NOT NULL OR ({REPLICATED})
 ORDER BY 1, 2
"""

OURS = ("on", "disabled", "fires for apply workers")


def as_told(plan: NodePlan, state: str | None, tables_allowed: t.Sequence[str] | None) -> NodePlan:
    """Return the plan with what a module's options say otherwise; WrongValue names an item that is no table."""
    allowed = plan.truncatable_tables if tables_allowed is None else tuple(tables_allowed)
    for place, name in enumerate(allowed, 1):
        try:
            table(name)
        except WrongValue as error:
            raise WrongValue(f"item {place} {error}") from None
    return replace(
        plan, deny_truncate=plan.deny_truncate if state is None else state == "present", truncatable_tables=allowed
    )


def guarded(wanted: State) -> dict[str, int]:
    """Return how many tables of each database have a guard."""
    numbers: dict[str, int] = {}
    for item, attributes in wanted.items():
        if item.kind == "table":
            numbers[item.database] = numbers.get(item.database, 0) + (attributes["guard"] == "on")
    return numbers


class Guard:
    """The share of a node's databases that denies TRUNCATE."""

    def __init__(self, plan: NodePlan, engine: EngineServer) -> None:
        self._present = plan.deny_truncate
        self._allowed = frozenset(map(schema_and_table, plan.truncatable_tables))
        unless_applying = f"\n    IF {engine.is_applying} THEN RETURN NULL; END IF;" if engine.is_applying else ""
        self._deny_body = DENY_BODY.format(unless_applying=unless_applying)
        # The trigger that is made for a new table is no DDL of the operator's, which an engine may send on.
        self._settings = (SEARCH_PATH, *(f"{name}={value}" for name, value in engine.session_settings.items()))

    def observe(self, session: Session, database: str) -> State:
        """Return functions, event trigger and each table's guard, as they are."""
        return {
            Item(row["kind"], row["name"], database): _ATTRIBUTES[row["kind"]](row) for row in session.rows(OBSERVE)
        }

    def wanted(self, found: State, database: str) -> State:
        """Return the same as they should be. A guard that is to go goes before the function it calls."""
        deny, guard_tables = Item("function", DENY, database), Item("function", GUARD_TABLES, database)
        event_trigger = Item("event trigger", EVENT_TRIGGER, database)
        tables = {
            item: {**attributes, "guard": self._wanted_guard(attributes)}
            for item, attributes in found.items()
            if item.kind == "table"
        }
        if not self._present:
            return {event_trigger: GONE, guard_tables: GONE, **tables, deny: GONE}
        return {
            deny: {"body": self._deny_body, "settings": f"definer, {SEARCH_PATH}"},
            guard_tables: {"body": self._guard_tables_body(), "settings": ", ".join(("definer", *self._settings))},
            event_trigger: {"enabled": "A", "calls": f"{', '.join(TAGS)}: {GUARD_TABLES}"},
            **tables,
        }

    def batches(self, steps: t.Sequence[Step]) -> t.Iterator[t.Sequence[Statement]]:
        """Return what carries the steps out, some tables at a time."""
        for first in range(0, len(steps), TABLES_IN_ONE_GO):
            some = steps[first : first + TABLES_IN_ONE_GO]
            yield [Statement(LIMIT_WAIT), *(statement for step in some for statement in self._statements(step))]

    def _wanted_guard(self, attributes: Row) -> str:
        name = (attributes["schema"], attributes["relation"])
        if self._present and attributes["replicated"] and name not in self._allowed:
            return "on"
        return "none" if attributes["guard"] in OURS else attributes["guard"]

    def _guard_tables_body(self) -> str:
        names = ", ".join(f"({_literal(schema)}, {_literal(relation)})" for schema, relation in sorted(self._allowed))
        but_allowed = f"\n           AND (n.nspname, c.relname) NOT IN ({names})" if names else ""
        return GUARD_TABLES_BODY.format(replicated=REPLICATED, but_allowed=but_allowed)

    def _statements(self, step: Step) -> t.Iterator[Statement]:
        if step.item.kind == "table":
            yield from _table_statements(step)
        elif step.item.kind == "event trigger":
            yield Statement(DROP_EVENT_TRIGGER)
            if step.after != GONE:
                yield Statement(CREATE_EVENT_TRIGGER)
                yield Statement(ENABLE_EVENT_TRIGGER)
        elif step.after == GONE:
            yield Statement(DROP_FUNCTION[step.item.name])
        else:
            settings = " ".join(f"SET {setting}" for setting in self._settings)
            text = CREATE_DENY if step.item.name == DENY else CREATE_GUARD_TABLES.format(settings=settings)
            yield Statement(text, values={"body": step.after["body"]})


def _table_statements(step: Step) -> t.Iterator[Statement]:
    names = {"schema": step.after["schema"], "relation": step.after["relation"]}
    about = f"the guard on {step.item.name} in {step.item.database}"
    if (step.before or {}).get("guard") != "none":
        yield Statement(DROP_TRIGGER, names, about=about)
    if step.after["guard"] == "on":
        yield Statement(CREATE_TRIGGER, names, about=about)


def _literal(text: str) -> str:
    """Return a constant inside a function's body, which no driver quotes; right whatever a session takes \\ for."""
    quoted = text.replace("'", "''")
    return f" E'{quoted}'".replace("\\", "\\\\") if "\\" in text else f"'{quoted}'"


def _function(row: Row) -> Row:
    return {"body": row["state"], "settings": row["settings"]}


def _event_trigger(row: Row) -> Row:
    return {"enabled": row["state"], "calls": row["settings"]}


def _table(row: Row) -> Row:
    return {
        "guard": row["state"],
        "replicated": bool(row["settings"]),
        "schema": row["schema"],
        "relation": row["relation"],
    }


_ATTRIBUTES: dict[str, t.Callable[[Row], Row]] = {
    "function": _function,
    "event trigger": _event_trigger,
    "table": _table,
}
