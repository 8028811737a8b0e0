# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard: from what a database holds to what it should, and the SQL between."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _guard
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import server
from ansible_collections.pgbdr.bdr.plugins.module_utils._fields import WrongValue
from ansible_collections.pgbdr.bdr.plugins.module_utils._guard import Guard, as_told, guarded
from ansible_collections.pgbdr.bdr.plugins.module_utils._state import Item, Step, diff, told
from ansible_collections.pgbdr.bdr.tests.unit.builders import FakeSession, node_plan

Row = dict[str, t.Any]


def guard(denied: bool = True, allowed: t.Sequence[str] = (), **shared: t.Any) -> Guard:
    plan = node_plan(bdr_deny_truncate=denied, bdr_truncatable_tables=list(allowed), **shared)
    return Guard(plan, server(plan))


def row(kind: str, name: str, state: str, settings: str, schema: str = "", relation: str = "") -> Row:
    names = {"kind": kind, "name": name, "schema": schema, "relation": relation}
    return {**names, "state": state, "settings": settings}


def table(name: str, state: str = "none", replicated: bool = True) -> Row:
    schema, relation = name.split(".")
    return row("table", name, state, "replicated" if replicated else "", schema, relation)


PATH = "definer, search_path=pg_catalog"


def body(allowed: t.Sequence[str] = (), function: str = "guard_tables", **shared: t.Any) -> str:
    wanted = guard(allowed=allowed, **shared).wanted({}, "appdb")
    return wanted[Item("function", f"pgbdr.{function}", "appdb")]["body"]


ERA_07 = {"bdr_engine": "contrib_bdr", "bdr_era": "0.7"}


ALLOWED = ("public.ok", "public.not_there")
BODY = body()
DENY = row("function", "pgbdr.deny_truncate", body(function="deny_truncate"), PATH)
NEW_TABLES = row("function", "pgbdr.guard_tables", BODY, PATH)
CALLS = "ALTER TABLE, CREATE SCHEMA, CREATE TABLE, CREATE TABLE AS, SELECT INTO: pgbdr.guard_tables"
EVENT = row("event trigger", "pgbdr_guard_tables", "A", CALLS)
ALL = [DENY, NEW_TABLES, EVENT]


def steps(part: Guard, rows: list[Row]) -> tuple[Step, ...]:
    session = FakeSession({_guard.OBSERVE: rows})
    found = part.observe(session, "appdb")
    assert session.asked == [(_guard.OBSERVE, None)], "one query a database"
    return diff(found, part.wanted(found, "appdb"))


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([*ALL, table("public.a", "on"), table("public.b", "on")], []),
        (
            [table("public.a")],
            [
                "create function pgbdr.deny_truncate in appdb",
                "create function pgbdr.guard_tables in appdb",
                "create event trigger pgbdr_guard_tables in appdb",
                "change guard of table public.a in appdb",
            ],
        ),
        ([*ALL, table("public.a"), table("public.b", "on")], ["change guard of table public.a in appdb"]),
        ([*ALL, table("public.a", "disabled")], ["change guard of table public.a in appdb"]),
        ([*ALL, table("public.a", "fires for apply workers")], ["change guard of table public.a in appdb"]),
        ([*ALL, table("public.a", "another trigger has its name")], ["change guard of table public.a in appdb"]),
        # Allowed, or not replicated any more: ours goes, another's stays.
        ([*ALL, table("public.ok")], []),
        ([*ALL, table("public.ok", "on")], ["change guard of table public.ok in appdb"]),
        ([*ALL, table("public.ok", "disabled")], ["change guard of table public.ok in appdb"]),
        ([*ALL, table("public.ok", "another trigger has its name")], []),
        ([*ALL, table("public.a", "on", replicated=False)], ["change guard of table public.a in appdb"]),
        ([*ALL, table("public.a", "another trigger has its name", replicated=False)], []),
        ([{**DENY, "state": "x"}, *ALL[1:]], ["change body of function pgbdr.deny_truncate in appdb"]),
        (
            [{**DENY, "settings": "search_path=pg_catalog"}, *ALL[1:]],
            ["change settings of function pgbdr.deny_truncate in appdb"],
        ),
        ([DENY, {**NEW_TABLES, "settings": ""}, EVENT], ["change settings of function pgbdr.guard_tables in appdb"]),
        ([DENY, NEW_TABLES], ["create event trigger pgbdr_guard_tables in appdb"]),
        ([DENY, NEW_TABLES, {**EVENT, "state": "D"}], ["change enabled of event trigger pgbdr_guard_tables in appdb"]),
        (
            [DENY, NEW_TABLES, {**EVENT, "settings": "CREATE TABLE: pgbdr.guard_tables"}],
            ["change calls of event trigger pgbdr_guard_tables in appdb"],
        ),
    ],
)
def test_what_there_is_to_do(rows, wanted):
    # The allowed tables are part of the function.
    rows = [{**row, "state": body(ALLOWED)} if row["state"] == BODY else row for row in rows]
    assert told(steps(guard(allowed=ALLOWED), rows)) == wanted


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([table("public.a")], []),
        ([table("public.a", "another trigger has its name")], []),
        (
            [*ALL, table("public.a", "on"), table("public.b", "disabled", replicated=False)],
            [
                "remove event trigger pgbdr_guard_tables in appdb",
                "remove function pgbdr.guard_tables in appdb",
                "change guard of table public.a in appdb",
                "change guard of table public.b in appdb",
                "remove function pgbdr.deny_truncate in appdb",
            ],
        ),
    ],
)
def test_what_there_is_to_do_where_it_is_not_wanted(rows, wanted):
    assert told(steps(guard(denied=False), rows)) == wanted


def test_the_allowed_tables_stand_in_the_function_for_new_ones():
    part = guard(allowed=["Public.B", "public.a", '"x\'y"."back\\sl\'ash %s {z}"'])
    ((item, after),) = [(step.item, step.after) for step in steps(part, [DENY, NEW_TABLES, EVENT])]
    assert item.name == "pgbdr.guard_tables"
    pairs = "('public', 'a'), ('public', 'b'), ('x''y',  E'back\\\\sl''ash %s {z}')"
    assert f"\n           AND (n.nspname, c.relname) NOT IN ({pairs})\n" in after["body"]
    assert "NOT IN (('" not in BODY


def statements(part: Guard, rows: list[Row]) -> list[str]:
    """Return the statements with their names filled in, one transaction after the other."""
    found = []
    for batch in part.batches(steps(part, rows)):
        found.append("BEGIN")
        for statement in batch:
            assert set(re.findall(r"\{(\w+)\}", statement.text)) == set(statement.identifiers)
            assert set(re.findall(r"%\((\w+)\)s", statement.text)) == set(statement.values)
            assert not statement.alone
            text = statement.text.format(**statement.identifiers) if statement.identifiers else statement.text
            found.append(" ".join(text.split()))
    return found


CREATED = "FOR EACH STATEMENT EXECUTE PROCEDURE pgbdr.deny_truncate()"
DROPPED = "DROP TRIGGER pgbdr_deny_truncate ON public"


def test_statements_of_all_that_is_missing():
    assert statements(guard(), [table("public.a")]) == [
        "BEGIN",
        "SET LOCAL lock_timeout = '1s'",
        "CREATE OR REPLACE FUNCTION pgbdr.deny_truncate() RETURNS trigger LANGUAGE plpgsql "
        "SECURITY DEFINER SET search_path=pg_catalog AS %(body)s",
        "CREATE OR REPLACE FUNCTION pgbdr.guard_tables() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER "
        "SET search_path=pg_catalog AS %(body)s",
        "DROP EVENT TRIGGER IF EXISTS pgbdr_guard_tables",
        "CREATE EVENT TRIGGER pgbdr_guard_tables ON ddl_command_end WHEN tag IN ('ALTER TABLE', 'CREATE SCHEMA', "
        "'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO') EXECUTE PROCEDURE pgbdr.guard_tables()",
        "ALTER EVENT TRIGGER pgbdr_guard_tables ENABLE ALWAYS",
        f"CREATE TRIGGER pgbdr_deny_truncate BEFORE TRUNCATE ON public.a {CREATED}",
    ]


@pytest.mark.parametrize("state", ["disabled", "fires for apply workers", "another trigger has its name"])
def test_a_guard_that_is_not_as_it_should_be_is_made_anew(state):
    assert statements(guard(), [*ALL, table("public.a", state)])[2:] == [
        f"{DROPPED}.a",
        f"CREATE TRIGGER pgbdr_deny_truncate BEFORE TRUNCATE ON public.a {CREATED}",
    ]


def test_statements_of_removal():
    assert statements(guard(denied=False), [*ALL, table("public.a", "on")]) == [
        "BEGIN",
        "SET LOCAL lock_timeout = '1s'",
        "DROP EVENT TRIGGER IF EXISTS pgbdr_guard_tables",
        "DROP FUNCTION pgbdr.guard_tables()",
        f"{DROPPED}.a",
        "DROP FUNCTION pgbdr.deny_truncate()",
    ]


def test_many_tables_are_not_locked_together():
    rows = [*ALL, *(table(f"public.t{number}") for number in range(_guard.TABLES_IN_ONE_GO * 2 + 1))]
    found = statements(guard(), rows)
    assert found.count("BEGIN") == found.count("SET LOCAL lock_timeout = '1s'") == 3
    assert len([text for text in found if text.startswith("CREATE TRIGGER")]) == _guard.TABLES_IN_ONE_GO * 2 + 1


def test_an_error_names_the_table():
    (batch,) = guard().batches(steps(guard(), [*ALL, table("public.a", "disabled")]))
    assert {statement.about for statement in batch[1:]} == {"the guard on public.a in appdb"}


def test_the_trigger_of_a_new_table_is_not_sent_on_where_ddl_is():
    found = statements(guard(**ERA_07), [])
    (function,) = [text for text in found if "FUNCTION pgbdr.guard_tables()" in text and text.startswith("CREATE OR")]
    assert "SET search_path=pg_catalog SET bdr.skip_ddl_replication=on SET bdr.skip_ddl_locking=on" in function
    # Whoever says TRUNCATE is no superuser, and might not set those.
    (function,) = [text for text in found if "FUNCTION pgbdr.deny_truncate()" in text]
    assert "bdr." not in function.replace("pgbdr.", "")
    settings = f"{PATH}, bdr.skip_ddl_replication=on, bdr.skip_ddl_locking=on, bdr.permit_unsafe_ddl_commands=on"
    deny = {**DENY, "state": body(function="deny_truncate", **ERA_07)}
    assert steps(guard(**ERA_07), [deny, {**NEW_TABLES, "settings": settings}, EVENT]) == ()


def test_a_guard_never_fires_for_apply_workers():
    """A trigger that is made is in its ordinary state, not for them; where they fire it all the same, it asks."""
    texts = [_guard.CREATE_TRIGGER, BODY, _guard.GUARD_TABLES_BODY]
    assert not [text for text in texts if re.search(r"ENABLE (ALWAYS|REPLICA)", text)]
    asks = "\nBEGIN\n    IF pg_replication_identifier_is_replaying() THEN RETURN NULL; END IF;\n    RAISE EXCEPTION "
    assert body(function="deny_truncate", **ERA_07).startswith(asks)
    for shared in ({}, {**ERA_07, "bdr_era": "0.4"}):
        assert body(function="deny_truncate", **shared).startswith("\nBEGIN\n    RAISE EXCEPTION ")


def test_how_many_tables_are_guarded():
    part = guard(allowed=["public.ok"])
    found = {
        **part.observe(FakeSession({_guard.OBSERVE: [*ALL, table("public.a"), table("public.ok", "on")]}), "appdb"),
        **part.observe(FakeSession({_guard.OBSERVE: [table("public.ok")]}), "other"),
    }
    assert guarded(part.wanted(found, "appdb")) == {"appdb": 1, "other": 0}
    assert guarded({Item("function", "f", "appdb"): {}}) == {}


@pytest.mark.parametrize(
    ("state", "tables", "wanted"),
    [
        (None, None, (True, ("public.a",))),
        ("present", None, (True, ("public.a",))),
        ("absent", None, (False, ("public.a",))),
        (None, [], (True, ())),
        (None, ["b.c"], (True, ("b.c",))),
    ],
)
def test_options_of_the_module_win_over_the_plan(state, tables, wanted):
    plan = as_told(node_plan(bdr_deny_truncate=True, bdr_truncatable_tables=["public.a"]), state, tables)
    assert (plan.deny_truncate, plan.truncatable_tables) == wanted


def test_an_option_that_names_no_table():
    with pytest.raises(WrongValue, match=r"^item 2 is 'staging'; wanted: schema\.table"):
        as_told(node_plan(), None, ["public.a", "staging"])
