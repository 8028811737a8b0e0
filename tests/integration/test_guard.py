"""The guard on a real pair: TRUNCATE denied on every node, new tables at once, mended by site.yml, taken off again."""

from __future__ import annotations

import contextlib
import typing as t

import psycopg2
import psycopg2.errors
import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._fields import schema_and_table
from groups import Group, eventually, words
from modules import stand
from psycopg2 import sql

NODES = ("alpha", "bravo")
MESSAGE = "TRUNCATE is not supported on this table. Please use DELETE FROM."
NAMES = (
    "city",
    "City",
    "two words",
    'say "hi"',
    "dotted.name",
    "100% sure %s {x}",
    "back\\slash's",
    "straße_ñ_表",
    "x" * 63,
)
DRIFT = "SELECT count(*) FROM pg_trigger WHERE tgname = 'pgbdr_deny_truncate' AND tgenabled = 'O'"
TASK = "Deny TRUNCATE on replicated tables as the plan says"


@pytest.fixture(scope="module")
def pair(make_group: t.Callable[..., Group]) -> Group:
    """Return a pair that stands, with the guard on."""
    group = make_group("hgpair", 5602, NODES, bdr_deny_truncate=True)
    group.variables["bdr_truncatable_tables"] = ["public.staging", 'public."Staging.2"', "public.not_there"]
    return stand(group)


def run_on(group: Group, node: str, text: str, **names: str) -> None:
    """Run SQL with names quoted by the driver."""
    with contextlib.closing(psycopg2.connect(host="/var/run/postgresql", port=group.ports[node], dbname="appdb",
                                             user="postgres")) as connection:  # fmt: skip
        connection.autocommit = True
        quoted = {key: sql.Identifier(name) for key, name in names.items()}
        connection.cursor().execute(sql.SQL(text).format(**quoted) if names else text)


def is_denied(group: Group, node: str, table: str, schema: str = "public") -> bool:
    """Tell whether TRUNCATE is denied with the guide's message."""
    try:
        run_on(group, node, "TRUNCATE {schema}.{table} CASCADE", schema=schema, table=table)
    except psycopg2.errors.RaiseException as error:
        assert str(error).startswith(MESSAGE), error
        return True
    return False


def arrives(group: Group, node: str, query: str, wanted: t.Any) -> None:
    """Wait until a query on a node gives what is wanted."""
    eventually(lambda: group.sql(node, query)[0][0], wanted)


def test_new_tables_are_guarded_at_once_whatever_their_names(pair: Group) -> None:
    for name in NAMES:
        for node in NODES:
            run_on(pair, node, "CREATE TABLE {table} (id int PRIMARY KEY)", table=name)
            assert is_denied(pair, node, name), name
    assert pair.must().changed() == set(), "nothing is left to do for a run"


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("made_as", ["CREATE TABLE made_as AS SELECT 1 AS id"]),
        ("selected_into", ["SELECT 1 AS id INTO selected_into"]),
        ("made_like", ["CREATE TABLE made_like (LIKE city INCLUDING ALL)"]),
        ("heir", ["CREATE TABLE forebear (id int PRIMARY KEY)", "CREATE TABLE heir () INHERITS (forebear)"]),
        ("parent", ["CREATE TABLE parent (id int PRIMARY KEY) PARTITION BY RANGE (id)"]),
        ("part", ["CREATE TABLE part PARTITION OF parent FOR VALUES FROM (0) TO (10)"]),
        (
            "joined",
            [
                "CREATE TABLE joined (id int PRIMARY KEY)",
                "ALTER TABLE parent ATTACH PARTITION joined FOR VALUES FROM (10) TO (20)",
            ],
        ),
        ("logged", ["CREATE UNLOGGED TABLE logged (id int PRIMARY KEY)", "ALTER TABLE logged SET LOGGED"]),
        ("in_block", ["DO $$BEGIN CREATE TABLE in_block (id int PRIMARY KEY); END$$"]),
        ("renamed", ["CREATE TABLE before (id int PRIMARY KEY)", "ALTER TABLE before RENAME TO renamed"]),
    ],
)
def test_a_table_is_guarded_however_it_comes(pair: Group, name: str, texts: list[str]) -> None:
    for node in NODES:
        for text in texts:
            pair.sql(node, text)
        assert is_denied(pair, node, name)


def test_a_schema_brings_its_tables_and_an_owner_without_rights_makes_them(pair: Group) -> None:
    for node in NODES:
        pair.sql(node, "CREATE ROLE hg_owner; CREATE SCHEMA owned AUTHORIZATION hg_owner")
        pair.sql(node, "SET ROLE hg_owner; CREATE TABLE owned.t (id int PRIMARY KEY); RESET ROLE")
        pair.sql(node, "CREATE SCHEMA brought CREATE TABLE t (id int PRIMARY KEY)")
        assert is_denied(pair, node, "t", "owned") and is_denied(pair, node, "t", "brought")
        with pytest.raises(psycopg2.errors.RaiseException, match="not supported on this table"):
            pair.sql(node, "SET ROLE hg_owner; TRUNCATE owned.t")
        # Its owner has the trigger, and may not do with the function as he likes.
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            pair.sql(node, "SET ROLE hg_owner; DROP FUNCTION pgbdr.deny_truncate() CASCADE")


def test_what_is_not_replicated_is_left_alone(pair: Group) -> None:
    pair.sql("alpha", "CREATE UNLOGGED TABLE unlogged (id int)")
    pair.sql("alpha", "CREATE TEMP TABLE temporary (id int); TRUNCATE temporary")
    assert not is_denied(pair, "alpha", "unlogged")
    assert not pair.sql("alpha", f"{DRIFT} AND tgrelid = 'pgbdr.heartbeat'::regclass")[0][0]
    pair.sql("alpha", "DROP TABLE unlogged")


def test_another_table_that_is_locked_is_not_waited_for(pair: Group) -> None:
    """The event trigger looks at what its own transaction made, not at what somebody else holds."""
    pair.sql("alpha", 'DROP TRIGGER pgbdr_deny_truncate ON "City"')
    with pair.session("alpha") as other:
        other.cursor().execute('LOCK TABLE "City"')
        pair.sql("alpha", "SET lock_timeout = '500ms'; CREATE TABLE beside (id int PRIMARY KEY)")
    assert is_denied(pair, "alpha", "beside")
    assert not is_denied(pair, "alpha", "City")
    pair.sql("bravo", "CREATE TABLE beside (id int PRIMARY KEY)")
    assert {host for task, host in pair.must().changed() if task == TASK} == {"alpha"}
    assert is_denied(pair, "alpha", "City")


def test_an_allowed_table_is_truncated_and_replicates_so(pair: Group) -> None:
    for name in ("staging", "Staging.2"):
        for node in NODES:
            run_on(pair, node, "CREATE TABLE {table} (id int PRIMARY KEY)", table=name)
        run_on(pair, "alpha", "INSERT INTO {table} SELECT generate_series(1, 9)", table=name)
        arrives(pair, "bravo", f'SELECT count(*) FROM "{name}"', 9)
        assert not is_denied(pair, "alpha", name)
        arrives(pair, "bravo", f'SELECT count(*) FROM "{name}"', 0)


def test_apply_workers_never_fire_it(pair: Group) -> None:
    """The guard off on the upstream only: TRUNCATE goes through there, and through the guarded downstream."""
    pair.sql("alpha", "INSERT INTO city SELECT generate_series(1, 9)")
    arrives(pair, "bravo", "SELECT count(*) FROM city", 9)
    pair.sql("alpha", "ALTER TABLE city DISABLE TRIGGER pgbdr_deny_truncate")
    assert is_denied(pair, "bravo", "city")
    assert not is_denied(pair, "alpha", "city")
    arrives(pair, "bravo", "SELECT count(*) FROM city", 0)
    pair.sql("alpha", "INSERT INTO city VALUES (10)")
    arrives(pair, "bravo", "SELECT count(*) FROM city", 1)
    assert {host for task, host in pair.must().changed() if task == TASK} == {"alpha"}
    assert is_denied(pair, "alpha", "city")


def test_a_table_that_comes_by_replicated_ddl_is_guarded(pair: Group) -> None:
    pair.sql("alpha", "SELECT pglogical.replicate_ddl_command('CREATE TABLE public.sent (id int PRIMARY KEY)')")
    arrives(pair, "bravo", "SELECT count(*) FROM pg_tables WHERE tablename = 'sent'", 1)
    for node in NODES:
        assert is_denied(pair, node, "sent")


def test_a_session_of_replicas_is_the_operators_own_risk(pair: Group) -> None:
    pair.sql("alpha", "SET session_replication_role = replica; TRUNCATE city")
    assert pair.sql("alpha", "SELECT count(*) FROM city") == [(0,)]


DAMAGE = {
    "DROP TRIGGER pgbdr_deny_truncate ON city": "change guard of table public.city in appdb",
    'ALTER TABLE "two words" DISABLE TRIGGER pgbdr_deny_truncate': 'change guard of table public."two words" in appdb',
    "ALTER TABLE part ENABLE ALWAYS TRIGGER pgbdr_deny_truncate": "change guard of table public.part in appdb",
    "ALTER TABLE parent ENABLE REPLICA TRIGGER pgbdr_deny_truncate": "change guard of table public.parent in appdb",
    "CREATE FUNCTION harmless() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
    "DROP TRIGGER pgbdr_deny_truncate ON heir;"
    "CREATE TRIGGER pgbdr_deny_truncate BEFORE TRUNCATE ON heir EXECUTE FUNCTION harmless()":
    "change guard of table public.heir in appdb",
    "DROP TRIGGER pgbdr_deny_truncate ON made_as;"
    "CREATE TRIGGER pgbdr_deny_truncate AFTER TRUNCATE ON made_as EXECUTE FUNCTION pgbdr.deny_truncate()":
    "change guard of table public.made_as in appdb",
    "ALTER TABLE logged SET UNLOGGED": "change guard of table public.logged in appdb",
    "ALTER EVENT TRIGGER pgbdr_guard_tables DISABLE": "change enabled of event trigger pgbdr_guard_tables in appdb",
    "ALTER FUNCTION pgbdr.deny_truncate() SECURITY INVOKER":
    "change settings of function pgbdr.deny_truncate in appdb",
    "ALTER FUNCTION pgbdr.guard_tables() RESET search_path":
    "change settings of function pgbdr.guard_tables in appdb",
}  # fmt: skip


def test_drift_is_found_predicted_and_repaired(pair: Group) -> None:
    for damage in DAMAGE:
        pair.sql("alpha", damage)
    seen = pair.sql("alpha", "SELECT tgrelid, tgenabled, tgfoid FROM pg_trigger ORDER BY oid")
    predicted = pair.must("site", "--check", "--diff")
    assert {(task, host) for task, host in predicted.changed() if host == "bravo"} == set()
    assert set(predicted.tasks["Look at the host"]["alpha"]["pending"]) == set(DAMAGE.values())
    assert sorted(predicted.tasks[TASK]["alpha"]["steps"]) == sorted(DAMAGE.values())
    assert '-table public."two words" in appdb: {"guard": "disabled"}' in words(predicted.output)
    assert '+table public."two words" in appdb: {"guard": "on"}' in words(predicted.output)
    assert pair.sql("alpha", "SELECT tgrelid, tgenabled, tgfoid FROM pg_trigger ORDER BY oid") == seen
    done = pair.must()
    assert done.tasks[TASK]["alpha"]["steps"] == predicted.tasks[TASK]["alpha"]["steps"]
    for name in ("city", "two words", "part", "parent", "heir", "made_as"):
        assert is_denied(pair, "alpha", name), name
    assert not is_denied(pair, "alpha", "logged")
    again = pair.must()
    assert again.changed() == set()
    assert again.tasks[TASK]["alpha"]["skipped"], "a node with nothing to do is left out"


def test_a_table_that_is_in_use_is_named_and_the_next_run_does_it(pair: Group) -> None:
    pair.sql("alpha", 'DROP TRIGGER pgbdr_deny_truncate ON city; DROP TRIGGER pgbdr_deny_truncate ON "City"')
    with pair.session("alpha") as other:
        other.cursor().execute('INSERT INTO "City" VALUES (1)')
        run = pair.play()
        assert run.code != 0
        assert len(run.errors()) == 1
        message = words(run.errors()[0])
        assert message.startswith('the guard on public."City" in appdb: canceling statement due to lock timeout')
        assert message.endswith("another session uses it. Run again when that session's transaction has ended")
    pair.must()
    assert is_denied(pair, "alpha", "City") and is_denied(pair, "alpha", "city")


@pytest.mark.parametrize("name", ["staging", 5])
def test_a_name_that_is_no_table_is_refused_before_anything_is_changed(pair: Group, name: t.Any) -> None:
    before = pair.variables["bdr_truncatable_tables"]
    pair.variables["bdr_truncatable_tables"] = [name]
    try:
        run = pair.play()
    finally:
        pair.variables["bdr_truncatable_tables"] = before
    assert run.code != 0 and run.changed() == set()
    assert len(run.errors()) == 1
    assert words(run.errors()[0]).startswith("bdr_truncatable_tables item 1 "), run.errors()


def test_the_allowed_tables_can_be_any_name(pair: Group) -> None:
    quoted = [f'public."{name}"' for name in (part.replace('"', '""') for part in NAMES)]
    assert [schema_and_table(name)[1] for name in quoted] == list(NAMES)
    before = pair.variables["bdr_truncatable_tables"]
    pair.variables["bdr_truncatable_tables"] = quoted
    assert pair.must().tasks[TASK]["alpha"]["tables"]["appdb"] > 0
    for name in NAMES:
        assert not is_denied(pair, "alpha", name), name
        run_on(pair, "bravo", "DROP TABLE {table} CASCADE; CREATE TABLE {table} (id int PRIMARY KEY)", table=name)
        assert not is_denied(pair, "bravo", name), "the event trigger knows it as well"
    assert pair.must().changed() == set()
    pair.variables["bdr_truncatable_tables"] = before
    pair.must()
    for name in NAMES:
        assert is_denied(pair, "bravo", name), name


MANY = 1000


def test_thousands_of_tables_that_are_there_before_it(pair: Group) -> None:
    """They are guarded some at a time, and told as the first 20 and how many more."""
    for first in range(0, MANY, 500):
        block = f"""ALTER EVENT TRIGGER pgbdr_guard_tables DISABLE; DO $$BEGIN FOR n IN {first} .. {first + 499} LOOP
            EXECUTE 'CREATE TABLE public.many_' || n || ' (id int PRIMARY KEY)'; END LOOP; END$$"""
        pair.everywhere(block)
    predicted = pair.must("site", "--check", "--diff")
    assert f"and {MANY - 20} more of kind table in appdb" in words(predicted.output)
    done = pair.must()
    for node in NODES:
        steps = done.tasks[TASK][node]["steps"]
        assert len(steps) == 1 + 20 + 1 and steps[-1] == f"and {MANY - 20} more of kind table in appdb"
        assert done.tasks[TASK][node]["tables"]["appdb"] > MANY
        assert is_denied(pair, node, f"many_{MANY - 1}")
    assert pair.must().changed() == set()


def test_off_again(pair: Group) -> None:
    pair.variables["bdr_deny_truncate"] = False
    predicted = pair.must("site", "--check")
    assert is_denied(pair, "alpha", "city")
    done = pair.must()
    for host in NODES:
        assert done.tasks[TASK][host]["steps"] == predicted.tasks[TASK][host]["steps"]
        assert pair.sql(host, "SELECT count(*) FROM pg_trigger WHERE tgname = 'pgbdr_deny_truncate'") == [(0,)]
        assert pair.sql(host, "SELECT count(*) FROM pg_event_trigger WHERE evtname = 'pgbdr_guard_tables'") == [(0,)]
        assert pair.sql(host, "SELECT count(*) FROM pg_proc WHERE proname IN ('deny_truncate', 'guard_tables')") == [
            (0,)
        ]
        assert not is_denied(pair, host, "city")
    assert pair.must().changed() == set()
