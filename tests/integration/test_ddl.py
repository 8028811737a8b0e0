"""SQL scripts on a group that stands: run, again, failing here and there, held up, hanging, killed."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.pgbdr.bdr.tests.unit.plugins.module_utils.test__sql_script import TRAPS
from groups import SOCKETS, Group, Run, eventually, words
from modules import Runner, runner, stand
from test_stand_up import replicates

NODES = ("alpha", "bravo", "charlie")
RUN = "Run the script"
ON_ITS_WAY = 300  # seconds that a playbook may take to come to its task
TABLES = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a group of three that stands."""
    return stand(make_group("hdtest", 5620, NODES))


@pytest.fixture(scope="module")
def pair(make_group: t.Callable[..., Group]) -> Group:
    """Return a group of two with two databases."""
    return stand(make_group("hdpair", 5623, ("alpha", "bravo"), bdr_databases=["appdb", "other"]))


def arguments(group: Group, text: str, name: str, *more: str) -> list[str]:
    """Write a script and return how it is asked for."""
    path = group.directory / name
    path.write_text(text, encoding="utf-8")
    return ["-e", f"bdr_ddl_script={path}", *more]


def ddl(group: Group, text: str, name: str, *more: str) -> Run:
    """Run a script on the group."""
    return group.play("ddl", *arguments(group, text, name, *more))


def did(group: Group, text: str, name: str, *more: str) -> Run:
    """Run a script that has to succeed."""
    run = ddl(group, text, name, *more)
    assert run.code == 0, run.output
    return run


def refused(group: Group, text: str, name: str, *more: str) -> str:
    """See a script fail with one error, and return it."""
    run = ddl(group, text, name, *more)
    assert run.code != 0, run.output
    assert len(run.errors()) == 1, run.errors()
    return words(run.errors()[0])


def ran_on(run: Run) -> set[str]:
    return {host for task, host in run.changed() if task == RUN}


def journal(group: Group, node: str, database: str = "appdb") -> list[str]:
    """Return the scripts that a node has run, and see that its journal has no other node's."""
    rows = group.sql(node, "SELECT node, script FROM pgbdr.ddl_journal ORDER BY finished_at", database=database)
    assert {row[0] for row in rows} <= {node}
    return [row[1] for row in rows]


def has(group: Group, node: str, table: str) -> bool:
    return (table,) in group.sql(node, TABLES)


# --- What it does ---------------------------------------------------------------------------------


def test_check_mode_predicts_a_run_that_reaches_every_node(group: Group) -> None:
    text = "-- {{ 7 * 7 }}\nCREATE TABLE city (id int PRIMARY KEY, name text);\nCREATE INDEX ON city (name);\n"
    predicted = did(group, text, "city.sql", "--check", "--diff")
    assert "+CREATE TABLE city" in predicted.output
    assert not any(has(group, node, "city") or journal(group, node) for node in NODES)
    done = did(group, text, "city.sql")
    assert predicted.changed() == done.changed() == {(RUN, node) for node in NODES}
    assert [journal(group, node) for node in NODES] == [["city.sql"]] * 3
    replicates(group, "city")
    again = did(group, text, "city.sql")
    assert again.changed() == set()
    assert again.output.count("was there") == 3


def test_rows_of_a_script_are_written_by_each_node_for_itself(group: Group) -> None:
    """A table without a key would show a row that came through a link as one more."""
    text = "CREATE TABLE visit (name text);\nINSERT INTO visit VALUES ('{{ no_such }} %s \\'), ('zwölf');"
    run = did(group, text, "visit.sql", "-e", '{"bdr_ddl_name": "2026-11 visits"}')
    assert "public.visit (2)" in run.output
    assert "no primary key" in words(str(run.tasks[RUN]["alpha"]["warnings"]))
    group.sql("alpha", "INSERT INTO visit VALUES ('last')")
    for node in NODES:
        eventually(lambda node=node: group.sql(node, "SELECT count(*) FROM visit WHERE name = 'last'"), [(1,)])
        found = group.sql(node, "SELECT name FROM visit ORDER BY 1")
        assert found == [("last",), ("zwölf",), ("{{ no_such }} %s \\",)]
        assert journal(group, node)[-1] == "2026-11 visits"


@pytest.fixture
def module(group: Group, capsys: pytest.CaptureFixture[str]) -> Runner:
    """Return what runs the module alone, on one node of the group."""
    run = runner(group, capsys)

    def on(node: str, text: str, name: str, **options: t.Any) -> dict[str, t.Any]:
        return run("ddl", node, database="appdb", name=name, script=text, nodes=list(NODES), **options)

    return on


def told(result: dict[str, t.Any]) -> str:
    """See the module fail, and return its message."""
    assert result.get("failed"), result
    return words(result["msg"])


def test_a_change_on_its_way_wins_over_the_script(group: Group, module: Runner) -> None:
    """What each node fills in for itself must not hide an update that an application made meanwhile elsewhere."""
    links = "SELECT pglogical.alter_subscription_{}(sub_name, true) FROM pglogical.subscription"
    group.sql("alpha", links.format("disable"))
    group.sql("bravo", "UPDATE city SET name = 'Bern' WHERE id = 1")
    text = "ALTER TABLE city ADD size int; UPDATE city SET size = 7;"
    result = module("alpha", text, "size.sql")
    assert result["state"] == "ran" and result["rows_written"] == {"public.city": 3}, result
    assert group.sql("alpha", "SELECT name, size FROM city WHERE id = 1") == [("alpha", 7)]
    group.sql("alpha", links.format("enable"))
    eventually(lambda: group.sql("alpha", "SELECT name, size FROM city WHERE id = 1"), [("Bern", 7)])
    run = did(group, text, "size.sql")
    assert ran_on(run) == {"bravo", "charlie"}
    for node in NODES:
        assert group.sql(node, "SELECT * FROM city ORDER BY 1") == [(1, "Bern", 7), (2, "bravo", 7), (3, "charlie", 7)]


def test_a_rewritten_table_goes_on_replicating(group: Group, module: Runner) -> None:
    for node in NODES:
        assert module(node, "ALTER TABLE city ALTER size TYPE bigint;", "bigint.sql")["rewritten"] == ["public.city"]
    group.sql("charlie", "INSERT INTO city VALUES (4, 'Rome', 5000000000)")
    for node in NODES:
        eventually(lambda node=node: group.sql(node, "SELECT size FROM city WHERE id = 4"), [(5000000000,)])


def test_a_statement_that_refuses_to_be_in_a_transaction(group: Group, module: Runner) -> None:
    text = "CREATE UNIQUE INDEX CONCURRENTLY city_size ON city (size) WHERE id > 3;\n"
    assert did(group, text, "index.sql").changed() == {(RUN, node) for node in NODES}
    assert module("alpha", text, "index.sql")["state"] == "was there"
    error = told(module("alpha", "CREATE UNIQUE INDEX CONCURRENTLY city_twice ON city (size);", "twice.sql"))
    assert "could not create unique index" in error and "SQLSTATE 23505" in error
    assert "the index public.city_twice is not valid" in error and "DROP INDEX CONCURRENTLY" in error
    text = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS city_twice ON city (size);"
    error = told(module("alpha", text, "twice.sql"))
    assert error.startswith("alpha, script twice.sql: the index public.city_twice is not valid")
    assert "twice.sql" not in journal(group, "alpha")
    group.sql("alpha", "DROP INDEX city_twice")


def test_psql_ends_statements_where_we_do(group: Group) -> None:
    """psql echoes each statement as it sends it. It reads line by line, so a string over two lines is none to it."""
    failed = "BEGIN;\nSELECT 1 / 0;\n"  # so that nothing of what follows is carried out
    said, wanted = [], []
    for trap in TRAPS:
        if "E'a'" not in trap or "\n" not in trap:
            end = "\n;" if "--" in trap.splitlines()[-1] else ";"
            wanted.append(f"{failed}SELECT 'before';\n{trap}{end}\nSELECT 'behind';\n")
            psql = ["psql", "-X", "-e", "-o", "/dev/null", "-h", SOCKETS, "-p", str(group.ports["alpha"])]
            script = f"{failed}SELECT 'before'; {trap}{end} SELECT 'behind';"
            done = subprocess.run(
                [*psql, "-U", "postgres", "template1"], input=script, capture_output=True, text=True, check=False
            )
            said.append(done.stdout)
    assert said == wanted


# --- What fails -----------------------------------------------------------------------------------


def test_the_second_statement_fails(group: Group, module: Runner) -> None:
    text = "CREATE TABLE town (id int);\n\nCREATE TABLE road (\n  id int,\n  town no_such_type);\n"
    error = told(module("alpha", text, "town.sql"))
    assert error.startswith(
        'alpha, script town.sql, statement 2 of 2, line 5, SQLSTATE 42704: type "no_such_type" does not exist'
    )
    assert "Nothing is changed on alpha. The script is on no node, not on alpha, bravo, charlie" in error
    for node in NODES:
        assert not has(group, node, "town") and "town.sql" not in journal(group, node)


def test_a_deferred_constraint_fails_at_the_end(group: Group, module: Runner) -> None:
    text = (
        "CREATE TABLE leaf (id int PRIMARY KEY REFERENCES city DEFERRABLE INITIALLY DEFERRED);INSERT INTO leaf SELECT 9"
    )
    error = told(module("alpha", text, "leaf.sql"))
    assert error.startswith(
        "alpha, script leaf.sql, behind its last statement, SQLSTATE 23503: insert or update on table"
    )
    assert "Nothing is changed on alpha" in error
    assert not has(group, "alpha", "leaf")


def test_a_table_that_is_on_one_node_already(group: Group) -> None:
    group.sql("bravo", "CREATE TABLE street (id int PRIMARY KEY, name text)")
    text = "CREATE TABLE street (id int PRIMARY KEY, name text);"
    error = refused(group, text, "street.sql")
    assert error.startswith(
        'bravo, script street.sql, statement 1 of 1, line 1, SQLSTATE 42P07: relation "street" already exists'
    )
    assert "The script is on alpha, not on bravo, charlie; run again once the cause is gone" in error
    assert [has(group, node, "street") for node in NODES] == [True, True, False]
    group.sql("bravo", "DROP TABLE street CASCADE")  # pglogical: it is in a replication set
    again = did(group, text, "street.sql")
    assert ran_on(again) == {"bravo", "charlie"}
    replicates(group, "street")


def test_another_text_under_the_name_of_a_script_that_ran(group: Group) -> None:
    error = refused(group, "CREATE TABLE other (id int)", "street.sql")
    assert error.startswith("bdr_ddl_name: another script of the name street.sql ran on alpha, bravo, charlie before")
    assert not has(group, "alpha", "other")


def test_the_holder_of_a_lock_is_named(group: Group, module: Runner) -> None:
    text = "ALTER TABLE street ADD lit bool;"
    assert module("alpha", text, "lit.sql")["state"] == "ran"
    with group.session("bravo") as session:
        session.cursor().execute("SET application_name = 'the report'; SELECT * FROM street")
        pid = session.get_backend_pid()
        error = told(module("bravo", text, "lit.sql", there=["alpha"], lock_timeout_seconds=2))
        assert "SQLSTATE 55P03: canceling statement due to lock timeout" in error
        assert f"In the way: pid {pid} of the report (user postgres) with AccessShareLock on street" in error
        assert "Nothing is changed on bravo. The script is on alpha, not on bravo, charlie" in error
    assert [module(node, text, "lit.sql")["state"] for node in NODES] == ["was there", "ran", "ran"]


def test_a_statement_that_takes_too_long(group: Group) -> None:
    error = refused(group, "SELECT pg_sleep(60)", "slow.sql", "-e", "bdr_ddl_statement_timeout_seconds=1")
    assert "SQLSTATE 57014" in error and "Raise bdr_ddl_statement_timeout_seconds" in error


# --- What hangs -----------------------------------------------------------------------------------


def processes(group: Group, node: str) -> list[int]:
    """Return a node's postmaster and all its processes."""
    postmaster = int((group.home(node) / "data/postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [postmaster, *map(int, children)]


@contextlib.contextmanager
def frozen(group: Group, node: str) -> t.Iterator[None]:
    """Stop all processes of a node for a while, as a host does that hangs."""
    pids = processes(group, node)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def test_a_node_that_hangs_stops_the_run_before_anything_is_changed(group: Group) -> None:
    with frozen(group, "bravo"):
        error = refused(group, "CREATE TABLE early (id int PRIMARY KEY)", "early.sql")
    assert "the server of bravo cannot be reached" in error
    assert [has(group, node, "early") for node in NODES] == [False] * 3


def test_a_node_that_is_down_stops_the_run_before_anything_is_changed(group: Group) -> None:
    os.kill(processes(group, "charlie")[0], signal.SIGINT)
    eventually(lambda: (group.home("charlie") / "data/postmaster.pid").exists(), False)
    error = refused(group, "CREATE TABLE early (id int PRIMARY KEY)", "early.sql")
    assert error.startswith("charlie does not answer, and a script runs on all nodes of its database")
    assert [has(group, node, "early") for node in NODES[:2]] == [False] * 2
    assert "start the server" in words(str(group.must().tasks))


def test_a_link_that_stands_still_stops_the_run_before_anything_is_changed(group: Group) -> None:
    """A row that does not fit comes to charlie: its link from alpha fails, again and again."""
    group.sql("charlie", "ALTER TABLE street RENAME TO lane")
    group.sql("alpha", "INSERT INTO street VALUES (77, 'far')")
    run = ddl(group, "CREATE TABLE early (id int PRIMARY KEY)", "early.sql", "-e", "bdr_group_wait_seconds=8")
    # Its worker sits out a retry, which is something to be done; or it is just trying again, and no row comes through.
    assert run.code != 0, run.output
    assert "worker of subscription alpha_charlie" in run.output or "alpha -> charlie (appdb)" in words(run.output)
    assert run.changed() == set()
    assert [has(group, node, "early") for node in NODES] == [False] * 3
    group.sql("charlie", "ALTER TABLE lane RENAME TO street")
    group.must()


def test_a_node_that_hangs_in_the_middle_is_given_up(group: Group) -> None:
    """bravo waits for a lock when all of it stops; the run ends by itself and says where the script is."""
    text = "ALTER TABLE street ADD paved bool;"
    asked = arguments(group, text, "paved.sql", "-e", "bdr_ddl_lock_timeout_seconds=60")
    runs: list[Run] = []
    with group.session("bravo") as session:
        session.cursor().execute("SELECT * FROM street")
        player = threading.Thread(target=lambda: runs.append(group.play("ddl", *asked)))
        player.start()
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'street'::regclass"
        eventually(lambda: group.sql("bravo", waits), [(1,)], ON_ITS_WAY)
        started = time.monotonic()
        with frozen(group, "bravo"):
            player.join(timeout=120)
            took = time.monotonic() - started
            assert not player.is_alive()
    assert took < 40, took
    (run,) = runs
    (error,) = map(words, run.errors())
    assert error.startswith("bravo, script paved.sql, statement 1 of 1, line 1: ")
    assert "does not answer within" in error
    assert "Nothing is changed on bravo. The script is on alpha, not on bravo, charlie" in error
    column = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'street'::regclass AND attname = 'paved'"
    assert [group.sql(node, column) for node in NODES] == [[(1,)], [(0,)], [(0,)]]
    eventually(lambda: group.sql("bravo", waits), [(0,)])
    assert ran_on(did(group, text, "paved.sql")) == {"bravo", "charlie"}
    assert [group.sql(node, column) for node in NODES] == [[(1,)]] * 3


# --- What is killed -------------------------------------------------------------------------------


def killed_at(group: Group, asked: t.Sequence[str], title: str, turn: int = 1, alone: bool = False) -> None:
    """Run, and kill the controller as a task begins for the turn-th time; with all it started, unless alone."""
    with subprocess.Popen(
        group.command("ddl", *asked),
        cwd=group.directory,
        env={**group.environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        seen = itertools.count(1)
        for line in run.stdout:
            if line.startswith("TASK [") and title in line and next(seen) == turn:
                break
        else:
            raise AssertionError(f"there is no task {title} number {turn}")
        if alone:
            asleep = (
                "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^SELECT pg_sleep' AND pid <> pg_backend_pid()"
            )
            eventually(lambda: group.sql("alpha", asleep), [(1,)], ON_ITS_WAY)
            run.kill()
        else:
            os.killpg(run.pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("title", "turn"),
    [
        ("Run the script", 2),  # alpha has it, the others do not
        ("Make the node a member", 1),  # all have it, and its table is in no replication set yet
        ("Show what the script did", 1),
    ],
)
def test_a_killed_run_can_simply_be_run_again(group: Group, title: str, turn: int) -> None:
    table = f"k_{title.split()[0].lower()}_{turn}"
    name = f"{table}.sql"
    text = f"CREATE TABLE {table} (id int PRIMARY KEY, name text);"
    killed_at(group, arguments(group, text, name), title, turn)
    run = did(group, text, name)
    for node in NODES:
        assert has(group, node, table) and journal(group, node).count(name) == 1
    if title.startswith(("Make", "Show")):
        assert ran_on(run) == set()


def test_what_a_dead_controller_left_at_work_is_waited_for(group: Group) -> None:
    text = "SELECT pg_sleep(6);\nCREATE TABLE orphan (id int PRIMARY KEY, name text);"
    killed_at(group, arguments(group, text, "orphan.sql"), "Run the script", alone=True)
    run = did(group, text, "orphan.sql")
    assert [journal(group, node).count("orphan.sql") for node in NODES] == [1, 1, 1]
    assert ran_on(run) <= {"bravo", "charlie"}
    replicates(group, "orphan")


# --- What is wrong from the start -----------------------------------------------------------------

WANTED = ("-e", "bdr_ddl_database=appdb")


@pytest.mark.parametrize(
    ("text", "more", "told"),
    [
        ("SELECT 1", (), "bdr_ddl_database: the group has several databases, name the script's: appdb, other"),
        ("SELECT 1", (*WANTED, "--limit", "alpha"), "bravo was not looked at"),
        ("SELECT 1", (*WANTED, "-e", "bdr_ddl_script=/no/such.sql"), "/no/such.sql cannot be read on the controller"),
        ("SELECT 1", (*WANTED, "-e", "bdr_ddl_lock_timeout_seconds=soon"), "'soon'; a whole number of seconds"),
        ("SELECT 1;\n\\i other.sql\n", WANTED, "bad.sql, line 2: a backslash outside of quotes"),
    ],
)
def test_a_script_that_cannot_be_run(pair: Group, text: str, more: tuple[str, ...], told: str) -> None:
    run = ddl(pair, text, "bad.sql", *more)
    assert run.code != 0, run.output
    (error,) = map(words, run.errors())
    assert told in error
    assert run.changed() == set()
    assert journal(pair, "alpha") == journal(pair, "bravo") == []


def test_a_file_that_is_no_text(pair: Group) -> None:
    path = pair.directory / "latin1.sql"
    path.write_bytes("SELECT 'Zürich'".encode("latin-1"))
    run = pair.play("ddl", *WANTED, "-e", f"bdr_ddl_script={path}")
    assert "cannot be read on the controller: it is not UTF-8" in words(run.errors()[0])


def test_of_two_databases_the_one_that_is_named_gets_the_script(pair: Group) -> None:
    text = '\ufeffCREATE TABLE "Ünï \'c" (id int PRIMARY KEY, name text);\r\n'
    assert ran_on(did(pair, text, "two.sql", "-e", "bdr_ddl_database=other")) == {"alpha", "bravo"}
    assert [journal(pair, node, "other") for node in pair.ports] == [["two.sql"]] * 2
    assert [journal(pair, node) for node in pair.ports] == [[]] * 2
    replicates(pair, '"Ünï \'c"', database="other")
    assert ran_on(did(pair, "SELECT 1", "two.sql", *WANTED)) == {"alpha", "bravo"}
