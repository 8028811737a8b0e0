"""The guard with the engine that the guide wrote it for, on both its eras."""

from __future__ import annotations

import typing as t

import psycopg2
import pytest
from eras import is_0_4
from groups import LOCAL_DDL, Group, eventually

NODES = ("alpha", "bravo")
TASK = "Deny TRUNCATE on replicated tables as the plan says"
MESSAGE = "TRUNCATE is not supported on this table. Please use DELETE FROM."
# Later eras send DDL on, and refuse some of it.
ANY_DDL = f"{LOCAL_DDL} SET bdr.permit_unsafe_ddl_commands = on;"
# The lock that DDL takes through all nodes can hang.
SENT_DDL = "SET statement_timeout = '30s'; SET bdr.skip_ddl_locking = on;"

Make = t.Callable[..., Group]


@pytest.fixture(scope="module")
def pair(make_group: Make) -> Group:
    """Return a pair that stands, and says nothing of the guard."""
    group = make_group("hgold", 5606, NODES)
    group.must()
    return group


def is_denied(group: Group, node: str, table: str) -> bool:
    """Tell whether TRUNCATE is denied with the guide's message."""
    try:
        group.sql(node, f"TRUNCATE {table}")
    except psycopg2.InternalError as error:
        assert str(error).startswith(MESSAGE), error
        return True
    return False


def arrives(group: Group, node: str, query: str, wanted: t.Any) -> None:
    """Wait until a query on a node gives what is wanted."""
    eventually(lambda: group.sql(node, query)[0][0], wanted)


def test_it_is_on_where_truncate_is_not_replicated(pair: Group) -> None:
    """The second run is told what the group is to have in any case, so that the rest is the same for both eras."""
    pair.everywhere(f"{ANY_DDL} CREATE TABLE before (id int PRIMARY KEY)")
    for node in NODES:
        assert is_denied(pair, node, "before") is is_0_4(pair)
    pair.variables["bdr_deny_truncate"] = True
    pair.variables["bdr_truncatable_tables"] = ['public."Staging.2"']
    run = pair.must()
    assert run.tasks[TASK]["alpha"]["tables"] == {"appdb": 1}
    for node in NODES:
        assert is_denied(pair, node, "before")
    assert pair.must().changed() == set()


def test_a_table_is_guarded_however_it_comes(pair: Group) -> None:
    texts = {
        "made": "CREATE TABLE made (id int PRIMARY KEY, t text)",
        "made_as": "CREATE TABLE made_as AS SELECT 1 AS id",
        "selected_into": "SELECT 1 AS id INTO selected_into",
        "heir": "CREATE TABLE forebear (id int); CREATE TABLE heir () INHERITS (forebear)",
        "brought.t": "CREATE SCHEMA brought CREATE TABLE t (id int PRIMARY KEY)",
        '"say ""hi"" 100%s.x"': 'CREATE TABLE "say ""hi"" 100%s.x" (id int PRIMARY KEY)',
    }
    for table, text in texts.items():
        pair.everywhere(f"{ANY_DDL} {text}")
        for node in NODES:
            assert is_denied(pair, node, table), table
    pair.everywhere(f'{ANY_DDL} CREATE TABLE "Staging.2" (id int PRIMARY KEY)')
    pair.everywhere(f"{ANY_DDL} CREATE TEMP TABLE temporary (id int); TRUNCATE temporary")
    pair.everywhere('TRUNCATE "Staging.2"')
    assert pair.must().changed() == set()


def test_an_owner_without_rights_makes_one(pair: Group) -> None:
    pair.everywhere(f"{ANY_DDL} CREATE ROLE hg_owner; CREATE SCHEMA owned AUTHORIZATION hg_owner")
    makes = "CREATE TABLE owned.t (id int PRIMARY KEY)"
    if is_0_4(pair):
        pair.everywhere(f"SET ROLE hg_owner; {makes}")
    else:
        # A setting of superusers stays set for the role.
        pair.sql("alpha", f"{SENT_DDL} SET ROLE hg_owner; {makes}")
        arrives(pair, "bravo", "SELECT count(*) FROM pg_tables WHERE tablename = 't' AND schemaname = 'owned'", 1)
    for node in NODES:
        assert is_denied(pair, node, "owned.t")
        with pytest.raises(psycopg2.InternalError, match="not supported on this table"):
            pair.sql(node, "SET ROLE hg_owner; TRUNCATE owned.t")


def test_the_links_carry_rows_of_guarded_tables(pair: Group) -> None:
    for writer, reader, key in (("alpha", "bravo", 1), ("bravo", "alpha", 2)):
        pair.sql(writer, "INSERT INTO made VALUES (%s, 'x')", key)
        arrives(pair, reader, f"SELECT count(*) FROM made WHERE id = {key}", 1)
        pair.sql(writer, "DELETE FROM made WHERE id = %s", key)
        arrives(pair, reader, f"SELECT count(*) FROM made WHERE id = {key}", 0)


def test_a_table_that_comes_by_replicated_ddl_is_guarded(pair: Group) -> None:
    """Its guard is made on each node by that node, and is not sent: a second one would stop the link."""
    if is_0_4(pair):
        pytest.skip("0.4 replicates no DDL")
    pair.sql("alpha", f"{SENT_DDL} CREATE TABLE sent (id int PRIMARY KEY)")
    arrives(pair, "bravo", "SELECT count(*) FROM pg_tables WHERE tablename = 'sent'", 1)
    for node in NODES:
        assert is_denied(pair, node, "sent")
    pair.sql("alpha", "INSERT INTO sent SELECT generate_series(1, 9)")
    arrives(pair, "bravo", "SELECT count(*) FROM sent", 9)
    assert pair.must().changed() == set()


def test_apply_workers_never_fire_it(pair: Group) -> None:
    """The guard off on the upstream only: TRUNCATE goes through there, and where it is replicated also here."""
    table = "made" if is_0_4(pair) else "sent"
    pair.sql("alpha", f"INSERT INTO {table} SELECT generate_series(101, 109)")
    arrives(pair, "bravo", f"SELECT count(*) FROM {table} WHERE id > 100", 9)
    pair.sql("alpha", f"{ANY_DDL} ALTER TABLE {table} DISABLE TRIGGER pgbdr_deny_truncate")
    assert is_denied(pair, "bravo", table)
    if is_0_4(pair):
        pair.sql("alpha", f"DELETE FROM {table}")
    else:
        assert not is_denied(pair, "alpha", table)
    arrives(pair, "bravo", f"SELECT count(*) FROM {table}", 0)
    pair.sql("alpha", f"INSERT INTO {table} VALUES (201)")
    arrives(pair, "bravo", f"SELECT count(*) FROM {table}", 1)
    assert {host for task, host in pair.must().changed() if task == TASK} == {"alpha"}
    assert is_denied(pair, "alpha", table)


def test_drift_is_found_predicted_and_repaired(pair: Group) -> None:
    damage = {
        "DROP TRIGGER pgbdr_deny_truncate ON made": "change guard of table public.made in appdb",
        "ALTER TABLE heir ENABLE ALWAYS TRIGGER pgbdr_deny_truncate": "change guard of table public.heir in appdb",
        "ALTER EVENT TRIGGER pgbdr_guard_tables DISABLE": "change enabled of event trigger pgbdr_guard_tables in appdb",
    }
    for text in damage:
        pair.sql("alpha", f"{ANY_DDL} {text}")
    predicted = pair.must("site", "--check")
    assert set(predicted.tasks["Look at the host"]["alpha"]["pending"]) == set(damage.values())
    assert not is_denied(pair, "alpha", "made")
    assert sorted(pair.must().tasks[TASK]["alpha"]["steps"]) == sorted(damage.values())
    assert is_denied(pair, "alpha", "made")
    assert pair.must().changed() == set()


def test_off_again(pair: Group) -> None:
    pair.variables["bdr_deny_truncate"] = False
    pair.must()
    for node in NODES:
        assert pair.sql(node, "SELECT count(*) FROM pg_trigger WHERE tgname = 'pgbdr_deny_truncate'") == [(0,)]
        assert pair.sql(node, "SELECT count(*) FROM pg_event_trigger WHERE evtname = 'pgbdr_guard_tables'") == [(0,)]
        assert not is_denied(pair, node, "before")
    assert pair.must().changed() == set()
