# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership: role, databases, schema and heartbeat table around the engine's own objects."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _member
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import server
from ansible_collections.pgbdr.bdr.plugins.module_utils._member import Member
from ansible_collections.pgbdr.bdr.plugins.module_utils._session_types import Statement
from ansible_collections.pgbdr.bdr.plugins.module_utils._state import Item, Step, diff
from ansible_collections.pgbdr.bdr.tests.unit.builders import FakeSession, node_plan

PLAN = node_plan(bdr_databases=["appdb", "other"], bdr_locale="de_DE.UTF-8")
VERIFIER = (  # of the password pencil
    "SCRAM-SHA-256$4096:cU2e/rk8Viu0jSvIJedtVg==$ftnsrA9SO1LdLfRNq+FOvuuCoBwhGwMj8oH3Fe9zT2k=:"
    "9daZEr6WPYuKIhk3MWbUQazkVJ+oc32lcVJ83GKc+ic="
)
ENGINE_ITEM = Item("engine's own", "x", "appdb")
ROLE = Item("role", "bdr_replication")
JOURNAL = Item("journal", "pgbdr.ddl_journal", "appdb")
HEARTBEAT = Item("heartbeat table", "pgbdr.heartbeat", "appdb")
GRANTS = Item("grants on the heartbeat to", "bdr_replication", "appdb")


class FakeEngine:
    """An engine with one object of its own."""

    password_encryption = "scram-sha-256"
    heartbeat_is_updated = True

    def observe_member(self, session, database):
        return {ENGINE_ITEM: {"seen": database}}

    def wanted_member(self, found, database):
        assert found[ENGINE_ITEM] == {"seen": database}
        return {ENGINE_ITEM: {"seen": "as wanted"}}

    def statements(self, step):
        return [Statement("the engine's", values={"item": step.item.name})]


MEMBER = Member(PLAN, FakeEngine(), "pencil")


def role_row(**changes) -> dict:
    sound = {"rolcanlogin": True, "rolreplication": True, "more": False, "bypass": False, "verifier": VERIFIER}
    return {**sound, **changes}


def instance_steps(role: list[dict], databases: list[str]) -> list[str]:
    session = FakeSession({_member.ROLE: role, _member.DATABASES: [{"name": name} for name in databases]})
    steps = diff(MEMBER.observe_instance(session), MEMBER.wanted_instance())
    assert session.asked == [
        (_member.ROLE, {"role": "bdr_replication"}),
        (_member.DATABASES, {"names": ["appdb", "other"]}),
    ]
    return [str(step) for step in steps]


@pytest.mark.parametrize(
    ("role", "databases", "steps"),
    [
        ([role_row()], ["appdb", "other"], []),
        (
            [],
            [],
            ["create role bdr_replication", "create database appdb", "create database other"],
        ),
        ([role_row()], ["appdb"], ["create database other"]),
        ([role_row(rolcanlogin=False)], ["appdb", "other"], ["change login of role bdr_replication"]),
        ([role_row(rolreplication=False)], ["appdb", "other"], ["change replication of role bdr_replication"]),
        ([role_row(more=True)], ["appdb", "other"], ["change more privileges of role bdr_replication"]),
        ([role_row(bypass=True)], ["appdb", "other"], ["change bypasses row security of role bdr_replication"]),
        ([role_row(verifier=None)], ["appdb", "other"], ["change password of role bdr_replication"]),
        (
            [role_row(verifier=VERIFIER.replace("cU2e", "dU2e"))],
            ["appdb", "other"],
            ["change password of role bdr_replication"],
        ),
    ],
)
def test_the_instance(role, databases, steps):
    assert instance_steps(role, databases) == steps


def test_no_state_holds_a_password_or_a_verifier():
    session = FakeSession({_member.ROLE: [role_row()], _member.DATABASES: []})
    shown = f"{MEMBER.observe_instance(session)} {MEMBER.wanted_instance()}"
    assert "pencil" not in shown
    assert "SCRAM" not in shown


def database_state(
    schema: bool = True,
    heartbeat: bool = True,
    granted: bool | None = True,
    body: str = _member.ROWS_FUNCTION_BODY,
    journal: bool = True,
) -> dict:
    session = FakeSession(
        {
            _member.SCHEMA: [{"found": 1}] if schema else [],
            _member.ROWS_FUNCTION: [{"body": body}] if schema else [],
            _member.DDL_JOURNAL: [{"found": 1}] if journal else [],
            _member.HEARTBEAT: [{"found": 1}] if heartbeat else [],
            _member.HEARTBEAT_GRANTED: [] if granted is None else [{"granted": granted}],
        }
    )
    return MEMBER.observe_database(session, "appdb")


@pytest.mark.parametrize(
    ("state", "steps"),
    [
        (database_state(), []),
        (
            database_state(schema=False, heartbeat=False, journal=False),
            [
                "create schema pgbdr in appdb",
                "create function pgbdr.table_with_rows in appdb",
                "engine",
                "create journal pgbdr.ddl_journal in appdb",
                "create heartbeat table pgbdr.heartbeat in appdb",
                "create grants on the heartbeat to bdr_replication in appdb",
            ],
        ),
        (database_state(journal=False), ["create journal pgbdr.ddl_journal in appdb"]),
        (database_state(granted=False), ["create grants on the heartbeat to bdr_replication in appdb"]),
        (database_state(body="older"), ["change body of function pgbdr.table_with_rows in appdb"]),
        (database_state(granted=None), ["create grants on the heartbeat to bdr_replication in appdb"]),
    ],
)
def test_a_database(state, steps):
    found = diff(state, MEMBER.wanted_database(state, "appdb"))
    shown = ["engine" if step.item == ENGINE_ITEM else str(step) for step in found]
    assert [step for step in shown if step != "engine"] == [step for step in steps if step != "engine"]
    assert shown.index("engine") == (steps.index("engine") if "engine" in steps else shown.index("engine"))


def statements(item: Item, before: dict | None = None) -> list[Statement]:
    return list(MEMBER.statements(Step(item, before, {}), "{1}'s {0} in {2}".format))


@pytest.mark.parametrize(
    ("before", "verb", "bypass"),
    [
        (None, "CREATE", ""),
        ({"login": False}, "ALTER", ""),
        # Servers before 9.5 know neither the privilege nor the word.
        ({"bypasses row security": False}, "ALTER", ""),
        ({"bypasses row security": True}, "ALTER", "NOBYPASSRLS"),
    ],
)
def test_the_role_gets_its_verifier_and_least_privilege(before, verb, bypass):
    (statement,) = statements(ROLE, before)
    assert statement.text.split() == [
        *f"{verb} ROLE {{role}} LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE {bypass} PASSWORD".split(),
        "%(verifier)s",
    ]
    assert statement.identifiers == {"role": "bdr_replication"}
    assert statement.values == {"verifier": "bdr_replication's pencil in scram-sha-256"}


MD5 = "md5f808ad2fa04c551e5d52e527ef85f782"  # of the password pencil of bdr_replication


@pytest.mark.parametrize(
    ("verifier", "password"),
    [(MD5, "as given"), (MD5[:-1] + "3", "another"), (VERIFIER, "another"), (None, "another")],
)
@pytest.mark.parametrize("era", ["0.4", "0.7"])
def test_old_servers_store_md5(era, verifier, password):
    engine = server(node_plan(bdr_engine="contrib_bdr", bdr_era=era))
    member = Member(engine.plan, engine, "pencil")
    session = FakeSession({_member.ROLE: [role_row(verifier=verifier)], _member.DATABASES: []})
    (role,) = member.observe_instance(session).values()
    assert role["password"] == password
    (statement,) = member.statements(Step(ROLE, None, {}), "{2}".format)
    assert statement.values == {"verifier": "md5"}


def test_without_row_security_nobody_bypasses_it():
    """9.3 and 9.4 have no such column, and the query must not name it."""
    assert "r.rolbypassrls" not in _member.ROLE
    assert "->>'rolbypassrls'" in _member.ROLE


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        (
            Item("database", "appdb"),
            [
                Statement(
                    _member.CREATE_DATABASE,
                    {"database": "appdb"},
                    {"encoding": "UTF8", "locale": "de_DE.UTF-8"},
                    alone=True,
                )
            ],
        ),
        (Item("function", "pgbdr.table_with_rows", "appdb"), [Statement(_member.CREATE_ROWS_FUNCTION, values={})]),
        (Item("schema", "pgbdr", "appdb"), [Statement(_member.CREATE_SCHEMA)]),
        (JOURNAL, [Statement(_member.CREATE_DDL_JOURNAL)]),
        (
            HEARTBEAT,
            [Statement(_member.CREATE_HEARTBEAT.format(key="upstream, downstream"))],
        ),
        (GRANTS, [Statement(text, {"role": "bdr_replication"}) for text in _member.GRANT_HEARTBEAT]),
        (ENGINE_ITEM, [Statement("the engine's", values={"item": "x"})]),
    ],
)
def test_statements_of_a_step(item, wanted):
    after = {"body": "the body"} if item.kind == "function" else {}
    wanted = [replace(statement, values=after) if after else statement for statement in wanted]
    found = list(MEMBER.statements(Step(item, None, after), "{}{}{}".format))
    assert found == wanted
    # Only CREATE DATABASE refuses to run in a transaction.
    assert [statement.alone for statement in found] == [item.kind == "database"] * len(found)
    for statement in found:
        assert set(re.findall(r"\{(\w+)\}", statement.text)) == set(statement.identifiers)
        assert set(re.findall(r"%\((\w+)\)s", statement.text)) == set(statement.values) - {"item"}


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ({_member.ROWS_FUNCTION: []}, ""),
        ({_member.ROWS_FUNCTION: [{"body": "x"}], "SELECT pgbdr.table_with_rows()": [{"f": "public.t"}]}, "public.t"),
        ({_member.ROWS_FUNCTION: [{"body": "x"}], "SELECT pgbdr.table_with_rows()": [{"f": ""}]}, ""),
    ],
)
def test_a_table_with_rows(rows, wanted):
    assert _member.table_with_rows(FakeSession(rows)) == wanted


@pytest.mark.parametrize(
    ("shared", "key"),
    [
        ({}, "upstream, downstream"),
        ({"bdr_engine": "contrib_bdr", "bdr_era": "0.7"}, "upstream, downstream"),
        # An UPDATE of a row that a downstream lacks stops its link up to 0.4, so each beat is a row of its own.
        ({"bdr_engine": "contrib_bdr", "bdr_era": "0.4"}, "upstream, downstream, token"),
    ],
)
def test_the_key_of_a_heartbeat_is_what_the_engine_can_write_twice(shared, key):
    engine = server(node_plan(**shared))
    (statement,) = Member(engine.plan, engine, "pencil").statements(Step(HEARTBEAT, None, {}), "{}{}{}".format)
    assert f"PRIMARY KEY ({key}))" in statement.text
    assert bool(list(engine.forget_heartbeats())) is ("token" in key)
