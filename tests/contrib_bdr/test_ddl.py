"""SQL scripts on the guide's own engine: what stays on a node, and what would stop its links."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.tests.contrib_bdr.test_groups import changes_arrive, is_0_4, streaming
from groups import Group, Run, eventually, words

NODES = ("alpha", "bravo", "charlie")
RUN = "Run the script"

Make = t.Callable[..., Group]


@pytest.fixture(scope="module")
def group(make_group: Make) -> Group:
    """Return a group of three that stands."""
    group = make_group("hdreal", 5625, NODES)
    group.must()
    return group


def ddl(group: Group, text: str, name: str, *more: str) -> Run:
    """Run a script on the group."""
    path = group.directory / name
    path.write_text(text, encoding="utf-8")
    return group.play("ddl", "-e", f"bdr_ddl_script={path}", *more)


def did(group: Group, text: str, name: str) -> Run:
    run = ddl(group, text, name)
    assert run.code == 0, run.output
    assert streaming(run.output) == 12, run.output  # before and behind the script
    return run


def refused(group: Group, text: str, name: str, *more: str) -> str:
    """See a script fail with one error, and no node changed; return the error."""
    before = [described(group, node) for node in NODES]
    run = ddl(group, text, name, *more)
    assert run.code != 0, run.output
    assert [described(group, node) for node in NODES] == before
    (error,) = run.errors()
    return words(error)


def described(group: Group, node: str) -> list[tuple]:
    """Return columns of the tables, rows of the account and the journal of a node."""
    columns = """SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'public') ORDER BY 1, a.attnum"""
    scripts = group.sql(node, "SELECT script FROM pgbdr.ddl_journal WHERE node = %s ORDER BY 1", node)
    return [*group.sql(node, columns), *group.sql(node, "SELECT * FROM account ORDER BY 1"), *scripts]


def everywhere(group: Group, text: str, wanted: list[tuple]) -> None:
    for node in NODES:
        eventually(lambda node=node: group.sql(node, text), wanted)


def test_a_script_makes_a_table_everywhere_once(group: Group) -> None:
    text = "CREATE TABLE account (id int PRIMARY KEY, owner text, amount int);\nCREATE INDEX ON account (owner);"
    predicted = ddl(group, text, "account.sql", "--check")
    done = did(group, text, "account.sql")
    assert predicted.changed() == done.changed() == {(RUN, node) for node in NODES}
    assert did(group, text, "account.sql").changed() == set()
    for writer in NODES:
        changes_arrive(group, writer, NODES)


def test_a_new_column_carries_values(group: Group) -> None:
    group.sql("alpha", "INSERT INTO account VALUES (1, 'alpha', 1)")
    everywhere(group, "SELECT count(*) FROM account", [(1,)])
    did(group, "ALTER TABLE account ADD note text", "note.sql")
    group.sql("bravo", "INSERT INTO account VALUES (2, 'bravo', 2, 'with a note')")
    everywhere(group, "SELECT * FROM account ORDER BY 1", [(1, "alpha", 1, None), (2, "bravo", 2, "with a note")])


def test_a_rewrite_of_a_table_with_rows(group: Group) -> None:
    """Up to 0.4 it stays on the node; later eras would send it as rows of a table that nobody has, and refuse."""
    text = "ALTER TABLE account ALTER amount TYPE bigint"
    if is_0_4(group, "alpha"):
        assert "public.account" in did(group, text, "rewrite.sql").output
        group.sql("charlie", "INSERT INTO account VALUES (3, 'charlie', 5000000000, NULL)")
        everywhere(group, "SELECT amount FROM account WHERE id = 3", [(5000000000,)])
    else:
        error = refused(group, text, "rewrite.sql")
        assert "alpha, script rewrite.sql" in error and "Nothing is changed on alpha" in error, error
    group.sql("alpha", "INSERT INTO account VALUES (4, 'alpha', 4, NULL)")
    everywhere(group, "SELECT owner FROM account WHERE id = 4", [("alpha",)])


def test_a_rewrite_that_the_server_itself_lets_pass(group: Group) -> None:
    """CLUSTER and a table that is written anew by it are seen by the table's file."""
    text = "CLUSTER account USING account_pkey"
    if is_0_4(group, "alpha"):
        did(group, text, "cluster.sql")
    else:
        assert "rewrites public.account" in refused(group, text, "cluster.sql")
    group.sql("bravo", "INSERT INTO account VALUES (5, 'bravo', 5, NULL)")
    everywhere(group, "SELECT owner FROM account WHERE id = 5", [("bravo",)])


def test_rows_that_a_script_writes(group: Group) -> None:
    """Up to 0.4 each node writes them for itself: the same key from two nodes would stop links. Later: refused."""
    text = "INSERT INTO account VALUES (10, 'script', 10, NULL); UPDATE account SET note = 'x' WHERE id = 1"
    if is_0_4(group, "alpha"):
        did(group, text, "rows.sql")
        everywhere(
            group, "SELECT owner, note FROM account WHERE id IN (1, 10) ORDER BY id", [("alpha", "x"), ("script", None)]
        )
    else:
        assert "it writes rows of public.account (2)" in refused(group, text, "rows.sql")
    group.sql("charlie", "INSERT INTO account VALUES (6, 'charlie', 6, NULL)")
    everywhere(group, "SELECT owner FROM account WHERE id = 6", [("charlie",)])


def test_the_second_statement_fails(group: Group) -> None:
    error = refused(group, "CREATE TABLE town (id int PRIMARY KEY);\nSELECT nothing;", "town.sql")
    assert "alpha, script town.sql, statement 2 of 2, line 2" in error and "SQLSTATE 42703" in error


def test_the_holder_of_a_lock_is_named(group: Group) -> None:
    with group.session("alpha") as session:
        session.cursor().execute("SET application_name = 'the report'; SELECT * FROM account")
        limit = ("-e", "bdr_ddl_lock_timeout_seconds=2")
        error = refused(group, "ALTER TABLE account ADD held int", "held.sql", *limit)
        assert f"In the way: pid {session.get_backend_pid()} of the report" in error, error


def test_an_index_outside_of_a_transaction(group: Group) -> None:
    did(group, "CREATE INDEX CONCURRENTLY account_owner ON account (owner)", "index.sql")
    everywhere(group, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'account_owner'::regclass", [(True,)])


def test_nothing_of_it_is_in_the_way_of_the_next_run(group: Group) -> None:
    assert group.must().changed() == set()
