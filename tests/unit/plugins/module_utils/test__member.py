# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Membership: role, databases, schema and heartbeat table around the engine's own objects."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _member
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
GRANTS = Item("grants on the heartbeat to", "bdr_replication", "appdb")


class FakeEngine:
    """An engine with one object of its own."""

    def observe_member(self, session, database):
        return {ENGINE_ITEM: {"seen": database}}

    def wanted_member(self, found, database):
        assert found[ENGINE_ITEM] == {"seen": database}
        return {ENGINE_ITEM: {"seen": "as wanted"}}

    def statements(self, step):
        return [Statement("the engine's", values={"item": step.item.name})]


MEMBER = Member(PLAN, FakeEngine(), "pencil")


def role_row(**changes) -> dict:
    return {"rolcanlogin": True, "rolreplication": True, "more": False, "verifier": VERIFIER, **changes}


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
    schema: bool = True, heartbeat: bool = True, granted: bool | None = True, body: str = _member.ROWS_FUNCTION_BODY
) -> dict:
    session = FakeSession(
        {
            _member.SCHEMA: [{"found": 1}] if schema else [],
            _member.ROWS_FUNCTION: [{"body": body}] if schema else [],
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
            database_state(schema=False, heartbeat=False),
            [
                "create schema pgbdr in appdb",
                "create function pgbdr.table_with_rows in appdb",
                "engine",
                "create heartbeat table pgbdr.heartbeat in appdb",
                "create grants on the heartbeat to bdr_replication in appdb",
            ],
        ),
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
    return list(MEMBER.statements(Step(item, before, {}), lambda password, role: f"verifier of {password} for {role}"))


@pytest.mark.parametrize(("before", "verb"), [(None, "CREATE"), ({"login": False}, "ALTER")])
def test_the_role_gets_its_verifier_and_least_privilege(before, verb):
    (statement,) = statements(ROLE, before)
    assert statement.text.split() == [
        *f"{verb} ROLE {{role}} LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD".split(),
        "%(verifier)s",
    ]
    assert statement.identifiers == {"role": "bdr_replication"}
    assert statement.values == {"verifier": "verifier of pencil for bdr_replication"}


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
        (Item("heartbeat table", "pgbdr.heartbeat", "appdb"), [Statement(_member.CREATE_HEARTBEAT)]),
        (GRANTS, [Statement(text, {"role": "bdr_replication"}) for text in _member.GRANT_HEARTBEAT]),
        (ENGINE_ITEM, [Statement("the engine's", values={"item": "x"})]),
    ],
)
def test_statements_of_a_step(item, wanted):
    after = {"body": "the body"} if item.kind == "function" else {}
    wanted = [replace(statement, values=after) if after else statement for statement in wanted]
    found = list(MEMBER.statements(Step(item, None, after), str))
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
