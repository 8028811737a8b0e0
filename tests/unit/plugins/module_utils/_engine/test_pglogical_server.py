# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engine pglogical on a server that only has rows: what is read, what is wanted, which SQL is the way there.

What the SQL does on a real server is tested in tests/integration.
"""

from __future__ import annotations

import dataclasses
import re

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import pglogical_sql as sql
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.pglogical_server import PglogicalServer
from ansible_collections.pgbdr.bdr.plugins.module_utils._state import Item, Step, diff
from ansible_collections.pgbdr.bdr.tests.unit.builders import FakeSession, node_plan

PLAN = node_plan(names="alpha bravo", bdr_databases=["appdb", "other"], own={"alpha": {"bdr_apply_delay_ms": 250}})
SERVER = PglogicalServer(PLAN)
CONNECTION = PLAN.connections[0]
LOCAL_DSN = "host=/var/run/postgresql port=5432 dbname=appdb user=postgres"

EXTENSION = Item("extension", "pglogical", "appdb")
NODE = Item("pglogical node", "alpha", "appdb")
GRANTS = Item("grants on pglogical to", "bdr_replication", "appdb")
FUNCTION = Item("function", "pgbdr.assign_replication_set", "appdb")
TRIGGER = Item("event trigger", "pgbdr_assign_replication_set", "appdb")
TABLE = Item("table", "public.t", "appdb")
SUBSCRIPTION = Item("subscription", "bravo_alpha", "appdb")

RESTART = [sql.END_LOST_WORKERS, sql.DISABLE, sql.ENABLE]
WANTED_SUBSCRIPTION = {
    "dsn": CONNECTION.dsn,
    "sets": ["ddl_sql", "default", "default_insert_only"],
    "forward_origins": [],
    "apply_delay_ms": 250,
    "enabled": True,
    "worker": "running",
}


def table_row(set_name: str = "default", fitting: str = "default") -> dict:
    return {
        "name": "public.t",
        "schema": "public",
        "relation": "t",
        "fitting_set": fitting,
        "set_name": set_name,
    }


def member_rows(**changes) -> dict:
    """Return what a node that is as it should be answers; changes are given by the names of the queries."""
    sound = {
        "ASSIGN_FUNCTION": [{"body": sql.ASSIGN_FUNCTION_BODY}],
        "ASSIGN_TRIGGER": [{"enabled": "A"}],
        "EXTENSIONS": [{"name": "pglogical"}],
        "LOCAL_NODE": [{"name": "alpha", "dsn": LOCAL_DSN}],
        "GRANTED": [{"granted": True}],
        "TABLES": [table_row()],
    }
    return {getattr(sql, name): rows for name, rows in {**sound, **changes}.items()}


def member_steps(**changes) -> list[str]:
    found = SERVER.observe_member(FakeSession(member_rows(**changes)), "appdb")
    return [str(step) for step in diff(found, SERVER.wanted_member(found, "appdb"))]


def test_a_node_that_is_as_it_should_be_needs_nothing():
    assert member_steps() == []


def test_a_database_without_anything_needs_everything_in_order():
    nothing = {"ASSIGN_FUNCTION": [], "ASSIGN_TRIGGER": [], "EXTENSIONS": []}
    assert member_steps(**nothing, TABLES_BEFORE_EXTENSION=[table_row("")]) == [
        "create extension pglogical in appdb",
        "create pglogical node alpha in appdb",
        "create grants on pglogical to bdr_replication in appdb",
        "create function pgbdr.assign_replication_set in appdb",
        "create event trigger pgbdr_assign_replication_set in appdb",
        "change set of table public.t in appdb",
    ]


def test_without_the_extension_its_tables_are_not_asked_for():
    queries = (sql.ASSIGN_FUNCTION, sql.ASSIGN_TRIGGER, sql.EXTENSIONS, sql.TABLES_BEFORE_EXTENSION)
    session = FakeSession(dict.fromkeys(queries, []))
    assert SERVER.observe_member(session, "appdb") == {}
    assert SERVER.observe_connections(FakeSession({sql.EXTENSIONS: []}), "appdb") == {}


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({"LOCAL_NODE": []}, "create pglogical node alpha in appdb"),
        ({"LOCAL_NODE": [{"name": "alpha", "dsn": "host=elsewhere"}]}, "change dsn of pglogical node alpha in appdb"),
        ({"GRANTED": [{"granted": False}]}, "create grants on pglogical to bdr_replication in appdb"),
        ({"GRANTED": []}, "create grants on pglogical to bdr_replication in appdb"),
        ({"ASSIGN_FUNCTION": [{"body": "old"}]}, "change body of function pgbdr.assign_replication_set in appdb"),
        ({"ASSIGN_TRIGGER": []}, "create event trigger pgbdr_assign_replication_set in appdb"),
        (
            {"ASSIGN_TRIGGER": [{"enabled": "O"}]},
            "change enabled of event trigger pgbdr_assign_replication_set in appdb",
        ),
        ({"TABLES": [table_row("")]}, "change set of table public.t in appdb"),
        ({"TABLES": [table_row("", "default_insert_only")]}, "change set of table public.t in appdb"),
        ({"TABLES": [table_row("default_insert_only")]}, "change set of table public.t in appdb"),
        ({"TABLES": [table_row("default", "default_insert_only")]}, "change set of table public.t in appdb"),
    ],
)
def test_drift_of_a_node(changes, step):
    assert member_steps(**changes) == [step]


@pytest.mark.parametrize("fitting", ["default", "default_insert_only"])
def test_an_operator_s_own_set_is_left_alone(fitting):
    assert member_steps(TABLES=[table_row("archive", fitting)]) == []


def test_the_role_asked_for_is_the_plan_s():
    session = FakeSession(member_rows())
    SERVER.observe_member(session, "appdb")
    assert (sql.GRANTED, {"role": "bdr_replication"}) in session.asked


# --- Subscriptions --------------------------------------------------------------------------------


def subscription_row(**changes) -> dict:
    sound = {
        "name": "bravo_alpha",
        "enabled": True,
        "dsn": CONNECTION.dsn,
        "sets": ["default", "default_insert_only", "ddl_sql"],
        "forward_origins": None,
        "apply_delay_ms": 250,
        "status": "replicating",
    }
    return {**sound, **changes}


def found_subscriptions(*rows: dict) -> dict:
    session = FakeSession({sql.EXTENSIONS: [{"name": "pglogical"}], sql.SUBSCRIPTIONS: list(rows)})
    return SERVER.observe_connections(session, "appdb")


def test_each_database_wants_its_own_subscriptions():
    assert SERVER.wanted_connections("appdb") == {SUBSCRIPTION: WANTED_SUBSCRIPTION}
    assert list(SERVER.wanted_connections("other")) == [Item("subscription", "bravo_alpha", "other")]
    assert SERVER.wanted_connections("a third") == {}


@pytest.mark.parametrize(
    ("changes", "differs"),
    [
        ({}, set()),
        ({"forward_origins": []}, set()),
        ({"status": "initializing"}, set()),
        ({"dsn": "host=elsewhere"}, {"dsn"}),
        ({"sets": ["default"]}, {"sets"}),
        ({"sets": ["default", "default_insert_only", "ddl_sql", "mine"]}, {"sets"}),
        ({"forward_origins": ["all"]}, {"forward_origins"}),
        ({"apply_delay_ms": 0}, {"apply_delay_ms"}),
        ({"enabled": False, "status": "disabled"}, {"enabled"}),
        ({"status": "down"}, {"worker"}),
        ({"status": "unknown"}, {"worker"}),
        # No set at all is stored as NULL.
        ({"sets": None}, {"sets"}),
        ({"sets": []}, {"sets"}),
    ],
)
def test_drift_of_a_subscription(changes, differs):
    steps = diff(found_subscriptions(subscription_row(**changes)), SERVER.wanted_connections("appdb"))
    assert {name for step in steps for name in step.changes} == differs


def test_subscriptions_are_told_as_the_plan_has_them():
    of_plan = {**dataclasses.asdict(CONNECTION), "upstream": "its own name"}
    mine = {**of_plan, "name": "mine", "slot": "mine"}
    for row in (of_plan, mine):
        del row["database"]
    session = FakeSession({sql.EXTENSIONS: [{"name": "pglogical"}], sql.CONNECTIONS: [of_plan, mine]})
    stranger = dataclasses.replace(CONNECTION, name="mine", slot="mine", upstream="its own name")
    assert SERVER.connections_found(session, "appdb", "") == [CONNECTION, stranger]
    assert SERVER.connections_found(FakeSession({sql.EXTENSIONS: []}), "appdb", "") == []


def test_somebody_else_s_subscription_is_left_alone():
    found = found_subscriptions(subscription_row(), subscription_row(name="mine", sets=["x"]))
    assert diff(found, SERVER.wanted_connections("appdb")) == ()


# --- Statements -----------------------------------------------------------------------------------


def texts(step: Step) -> list[str]:
    return [statement.text for statement in SERVER.statements(step)]


def every_value(step: Step) -> dict:
    """Return the values of all statements; each %(name)s must be among its statement's own."""
    together: dict = {}
    for statement in SERVER.statements(step):
        assert set(re.findall(r"%\((\w+)\)s", statement.text)) <= set(statement.values)
        assert set(re.findall(r"(?<!')\{(\w+)\}", statement.text)) == set(statement.identifiers)
        together.update(statement.values)
    return together


TABLE_AFTER = {"set": "default", "schema": "public", "relation": "t", "fitting_set": "default"}


@pytest.mark.parametrize(
    ("step", "wanted"),
    [
        (Step(EXTENSION, None, {}), [sql.CREATE_EXTENSION]),
        (Step(NODE, None, {"dsn": LOCAL_DSN}), [sql.CREATE_NODE]),
        (Step(NODE, {"dsn": "old"}, {"dsn": LOCAL_DSN}), [sql.ADD_NODE_INTERFACE, sql.USE_NODE_INTERFACE]),
        (Step(GRANTS, None, {}), [sql.GRANT_SCHEMA, sql.GRANT_TABLES]),
        (Step(FUNCTION, None, {"body": "b"}), [sql.CREATE_ASSIGN_FUNCTION]),
        (Step(FUNCTION, {"body": "a"}, {"body": "b"}), [sql.CREATE_ASSIGN_FUNCTION]),
        (Step(TRIGGER, None, {"enabled": "A"}), [sql.CREATE_ASSIGN_TRIGGER, sql.ENABLE_ASSIGN_TRIGGER]),
        (Step(TRIGGER, {"enabled": "O"}, {"enabled": "A"}), [sql.ENABLE_ASSIGN_TRIGGER]),
        (Step(TABLE, {**TABLE_AFTER, "set": ""}, TABLE_AFTER), [sql.ADD_TABLE]),
        (Step(TABLE, {**TABLE_AFTER, "set": "default_insert_only"}, TABLE_AFTER), [sql.REMOVE_TABLE, sql.ADD_TABLE]),
        (Step(TABLE, None, TABLE_AFTER), [sql.ADD_TABLE]),
        (Step(SUBSCRIPTION, None, WANTED_SUBSCRIPTION), [sql.CREATE_SUBSCRIPTION]),
        (
            Step(
                SUBSCRIPTION, {**WANTED_SUBSCRIPTION, "dsn": "x", "sets": [], "apply_delay_ms": 0}, WANTED_SUBSCRIPTION
            ),
            [sql.ADD_INTERFACE, sql.USE_INTERFACE, *[sql.ADD_SET] * 3, sql.SET_APPLY_DELAY, *RESTART],
        ),
        *(
            (
                Step(SUBSCRIPTION, {**WANTED_SUBSCRIPTION, attribute: before}, WANTED_SUBSCRIPTION),
                [*repair, *RESTART],
            )
            for attribute, before, repair in (
                ("dsn", "host=elsewhere", [sql.ADD_INTERFACE, sql.USE_INTERFACE]),
                ("sets", ["ddl_sql"], [sql.ADD_SET, sql.ADD_SET]),
                ("sets", [*WANTED_SUBSCRIPTION["sets"], "mine"], [sql.REMOVE_SET]),
                ("sets", ["mine", "default", "ddl_sql"], [sql.ADD_SET, sql.REMOVE_SET]),
                ("forward_origins", ["all"], [sql.SET_FORWARD_ORIGINS]),
                ("apply_delay_ms", 0, [sql.SET_APPLY_DELAY]),
                ("enabled", False, []),
                ("worker", "down", []),
            )
        ),
    ],
)
def test_statements_of_a_step(step, wanted):
    assert texts(step) == wanted
    every_value(step)
    # A worker sees what was changed only once that is committed; all else is done as a whole or not at all.
    alone = [statement.text for statement in SERVER.statements(step) if statement.alone]
    assert alone == [text for text in wanted if text in RESTART]


def test_values_of_statements():
    assert every_value(Step(NODE, None, {"dsn": LOCAL_DSN}))["dsn"] == LOCAL_DSN
    assert every_value(Step(TABLE, {**TABLE_AFTER, "set": "default_insert_only"}, TABLE_AFTER)) == {
        "schema": "public",
        "table": "t",
        "set": "default",
    }
    created = every_value(Step(SUBSCRIPTION, None, WANTED_SUBSCRIPTION))
    assert created == {"name": "bravo_alpha", **WANTED_SUBSCRIPTION}


def test_sets_are_added_before_others_go():
    step = Step(SUBSCRIPTION, {**WANTED_SUBSCRIPTION, "sets": ["mine"]}, WANTED_SUBSCRIPTION)
    changed = [statement.values["set"] for statement in SERVER.statements(step) if "set" in statement.values]
    assert changed == ["ddl_sql", "default", "default_insert_only", "mine"]


@pytest.mark.parametrize("item", [NODE, SUBSCRIPTION])
def test_an_interface_is_named_after_its_dsn(item):
    def interface(dsn: str) -> str:
        after = {**WANTED_SUBSCRIPTION, "dsn": dsn}
        return every_value(Step(item, {**after, "dsn": "old"}, after))["interface"]

    assert interface("host=a") == interface("host=a") != interface("host=b")
    assert re.fullmatch(r"pgbdr_[0-9a-f]{12}", interface("host=a"))


def test_a_restart_of_a_worker_runs_outside_transactions():
    kick = list(SERVER.kick(CONNECTION))
    assert [(statement.text, statement.values, statement.alone) for statement in kick] == [
        (text, {"name": "bravo_alpha"}, True) for text in RESTART
    ]


def test_all_links_begin_without_a_copy_and_without_others_changes():
    for words in ("synchronize_structure := false", "synchronize_data := false", "forward_origins := '{}'"):
        assert words in sql.CREATE_SUBSCRIPTION


# --- State of a link ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "slot", "wanted"),
    [
        ("replicating", (True, "reserved"), "streaming"),
        ("replicating", (True, ""), "streaming"),
        (
            "replicating",
            (False, "reserved"),
            "subscription bravo_alpha is replicating, its slot on bravo is not in use",
        ),
        ("replicating", None, "subscription bravo_alpha is replicating, its slot on bravo is missing"),
        ("down", (True, "reserved"), "subscription bravo_alpha is down, its slot on bravo is in use"),
        ("down", (False, "extended"), "subscription bravo_alpha is down, its slot on bravo is not in use"),
        (None, None, "subscription bravo_alpha is missing, its slot on bravo is missing"),
        (
            "down",
            (False, "lost"),
            "the WAL it needs is gone from bravo: slot pgl_appdb_bravo_bravo_alpha is lost",
        ),
        (
            "replicating",
            (True, "lost"),
            "the WAL it needs is gone from bravo: slot pgl_appdb_bravo_bravo_alpha is lost",
        ),
    ],
)
def test_state_of_a_link(status, slot, wanted):
    here = FakeSession({sql.STATUS: [{"status": status}] if status else []})
    there = FakeSession({sql.SLOT: [{"active": slot[0], "wal_status": slot[1]}] if slot else []})
    assert SERVER.link_state(here, there, CONNECTION) == wanted
    assert here.asked == [(sql.STATUS, {"name": "bravo_alpha"})]
    assert there.asked == [(sql.SLOT, {"slot": "pgl_appdb_bravo_bravo_alpha"})]


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("down", True),
        ("replicating", False),
        ("initializing", False),
        ("unknown", False),
        ("disabled", False),
        (None, False),
    ],
)
def test_a_worker_that_is_down_waits(status, wanted):
    session = FakeSession({sql.STATUS: [{"status": status}] if status else []})
    assert SERVER.waits_out_a_retry(session, CONNECTION) is wanted
    assert session.asked == [(sql.STATUS, {"name": "bravo_alpha"})]


@pytest.mark.parametrize(
    ("answers", "name"),
    [
        ({sql.EXTENSIONS: []}, ""),
        ({sql.EXTENSIONS: [{"name": "pglogical"}], sql.LOCAL_NODE: []}, ""),
        ({sql.EXTENSIONS: [{"name": "pglogical"}], sql.LOCAL_NODE: [{"name": "bravo", "dsn": ""}]}, "bravo"),
    ],
)
def test_a_database_says_whose_it_is(answers, name):
    assert SERVER.name_in(FakeSession(answers)) == name


def test_tables_without_a_key_are_warned_of():
    found = {
        TABLE: {"set": "default", "fitting_set": "default"},
        Item("table", "public.log", "appdb"): {"set": "archive", "fitting_set": "default_insert_only"},
        EXTENSION: {},
    }
    assert SERVER.warnings(found) == ["public.log in appdb has no primary key: only its INSERTs are replicated"]
    assert SERVER.warnings({}) == []


@pytest.mark.parametrize(("rows", "wanted"), [([], False), ([{"active": False, "wal_status": "reserved"}], True)])
def test_a_link_that_was_up_before_has_its_slot(rows, wanted):
    there = FakeSession({sql.SLOT: rows})
    assert SERVER.is_established(FakeSession({}), there, CONNECTION) is wanted
    assert there.asked == [(sql.SLOT, {"slot": "pgl_appdb_bravo_bravo_alpha"})]


def test_connections_are_objects_of_the_database_and_no_settings():
    assert SERVER.connections_in("bdr.connections = 'bravo'  # x\n") == []
    assert SERVER.wanted_settings("", ()) == () == PLAN.connection_settings
    assert SERVER.session_settings == {}


def test_the_log_is_shown_as_it_is():
    assert SERVER.findings(["FATAL:  the database system is starting up"]) == []


# --- Slots ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "owner"),
    [
        ({"name": "pgl_appdb_alpha_alpha_bravo"}, {"verdict": "link", "downstream": "bravo"}),
        ({"name": "pgl_appdb_alpha_alpha_bravo_0123abcd"}, {"verdict": "link", "downstream": "bravo"}),
        ({"name": "pgl_appdb_alpha_alpha_zulu"}, {"verdict": "abandoned"}),
        ({"name": "pgl_appdb_alpha_alpha_zulu", "active": True}, {"verdict": "unplanned"}),
        ({"name": "pgl_appdb_alpha_alpha_bravo", "plugin": "pgoutput"}, {"verdict": "foreign"}),
        ({"name": "pgl_appdb_alpha_alpha_bravo", "database": "other"}, {"verdict": "foreign"}),
        ({"name": "pgl_gone_alpha_alpha_bravo", "database": "gone"}, {"verdict": "abandoned"}),
        ({"name": "pgl_appdb_alpha_reporting"}, {"verdict": "foreign"}),
    ],
)
def test_a_slot_is_told_by_plugin_name_and_database(changes, owner):
    slot = {"plugin": "pglogical_output", "database": "appdb", "active": False, **changes}
    assert SERVER.slot_owner(slot) == owner


def test_every_walsender_may_be_the_one():
    senders = [{"pid": 1}, {"pid": 2}]
    assert SERVER.walsender_of({"name": "one"}, senders) == senders


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("replicating", "running"),
        ("initializing", "starting"),
        ("disabled", "disabled"),
        ("down", "down"),
        ("unknown", "down"),
    ],
)
def test_a_subscription_is_told_with_its_worker(said, status):
    row = {"name": "alpha_bravo", "status": said, "worker": "1:2"}
    session = FakeSession({sql.EXTENSIONS: [{"name": "pglogical"}], sql.INCOMING: [row]})
    assert SERVER.incoming(session, "appdb") == [{**row, "status": status}]


def test_without_the_extension_there_are_no_subscriptions():
    assert SERVER.incoming(FakeSession({sql.EXTENSIONS: []}), "appdb") == []


def test_what_a_log_says_is_told_once_and_workers_that_ended_are_counted():
    at = "2026-11-22 11:02:46.796 UTC [3012] "
    said = f'{at}[unknown]@appdb pglogical apply 1:2 ERROR:  relation "public.gone" does not exist'
    ended = f'{at}LOG:  background worker "pglogical apply 1:2" (PID 3012) exited with exit code 1'
    (told,) = SERVER.findings([said, said])
    assert told.startswith('relation "public.gone" does not exist: the table public.gone is missing here')
    failures = SERVER.failures([said, ended, said, ended])
    assert failures["1:2"]["times"] == 2 and failures["1:2"]["error"] == 'relation "public.gone" does not exist'
