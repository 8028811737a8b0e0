"""Sequences with the guide's engine: nodes with values of their own, and its global ones where the build has them."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from groups import Group, words

DEADLINE_SECONDS = 90
LOCAL_DDL = "SET bdr.skip_ddl_replication = on; SET bdr.skip_ddl_locking = on; SET bdr.permit_unsafe_ddl_commands = on;"
NODES = ("alpha", "bravo")
OFFSETS = {"alpha": 1, "bravo": 2}
EACH = 100
TASK = "Give each node its own values of sequences"

Make = t.Callable[..., Group]


def eventually(read: t.Callable[[], t.Any], wanted: t.Any) -> None:
    """Wait until a read gives what is wanted."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (found := read()) != wanted:
        assert time.monotonic() < deadline, f"still {found!r}, wanted {wanted!r}"
        time.sleep(0.1)


def make(group: Group, text: str) -> None:
    for node in group.ports:
        group.sql(node, f"{LOCAL_DDL} {text}")


def upcoming(group: Group, node: str, sequence: str) -> int:
    """Return the next value of a sequence, without taking it."""
    ((value,),) = group.sql(
        node, f"SELECT last_value + CASE WHEN is_called THEN increment_by ELSE 0 END FROM {sequence}"
    )
    return value


def own(group: Group, node: str, sequence: str) -> bool:
    """Tell whether a sequence gives the node's own values, after a restart of its counting, too."""
    ((step, start),) = group.sql(node, f"SELECT increment_by, start_value FROM {sequence}")
    return (step, start % 100, upcoming(group, node, sequence) % 100) == (100, OFFSETS[node], OFFSETS[node])


def write(group: Group, node: str, table: str, count: int = EACH) -> None:
    with group.session(node) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        for _number in range(count):
            cursor.execute(f"INSERT INTO {table} (who) VALUES (%s)", (node,))


def count(group: Group, node: str, table: str) -> int:
    return group.sql(node, f"SELECT count(*) FROM {table}")[0][0]


@pytest.fixture(scope="module")
def group(make_group: Make) -> t.Iterator[Group]:
    """Return a pair whose nodes count each by itself, with a table and rows that came from alpha."""
    made = make_group("hqbdr", 5644, NODES)
    made.host_variables = {node: {"bdr_sequence_offset": offset} for node, offset in OFFSETS.items()}
    made.must()
    make(made, "CREATE TABLE ser (id serial PRIMARY KEY, who text)")
    make(made, 'CREATE SCHEMA "Ü.b"; CREATE TABLE "Ü.b"."T ""1"" %" (id bigserial PRIMARY KEY, who text)')
    make(made, "CREATE TABLE small (id smallserial PRIMARY KEY, who text)")
    write(made, "alpha", "ser", 250)
    eventually(lambda: count(made, "bravo", "ser"), 250)
    made.variables.update({"bdr_sequence_strategy": "offset", "bdr_existing_rows": "accept"})
    yield made
    made.variables["bdr_sequence_strategy"] = "none"  # it is removed without the nodes' own variables


def test_sequences_in_use_are_given_their_own_values(group: Group) -> None:
    predicted = group.must("site", "--check", "--diff")
    assert upcoming(group, "alpha", "ser_id_seq") == 251
    done = group.must()
    assert done.changed() == predicted.changed() == {(TASK, node) for node in NODES}
    assert (upcoming(group, "alpha", "ser_id_seq"), upcoming(group, "bravo", "ser_id_seq")) == (10301, 10302)
    for node in NODES:
        assert own(group, node, "ser_id_seq") and own(group, node, '"Ü.b"."T ""1"" %_id_seq"')
    again = group.must()
    assert again.changed() == set()
    # The sequence itself has room: before 10 only the column knows better.
    assert "sequence public.small_id_seq in appdb has 328 values left for this node" in words(again.output)


def test_all_nodes_write_at_once_and_no_row_is_lost(group: Group) -> None:
    before = count(group, "alpha", "ser")
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: write(group, node, "ser"), NODES))
    for node in NODES:
        eventually(lambda node=node: count(group, node, "ser"), before + EACH * len(NODES))
    tables = [group.sql(node, "SELECT * FROM ser ORDER BY 1") for node in NODES]
    assert tables[0] == tables[1]


def test_a_new_sequence_gives_the_node_s_own_values_at_once(group: Group) -> None:
    make(group, "CREATE TABLE a (id serial PRIMARY KEY, who text)")
    make(group, "ALTER TABLE a ADD n bigserial")
    make(group, "CREATE SEQUENCE c START 55 INCREMENT 5")
    make(group, "CREATE SCHEMA inside CREATE TABLE d (id serial PRIMARY KEY)")
    make(group, "BEGIN; SAVEPOINT s; CREATE SEQUENCE e; RELEASE s; COMMIT")
    for node in NODES:
        for name in ("a_id_seq", "a_n_seq", "c", "inside.d_id_seq", "e"):
            assert own(group, node, name), (node, name)


def test_a_table_that_the_engine_sends_gives_each_node_its_own_values(group: Group) -> None:
    if not group.sql("alpha", "SELECT 1 FROM pg_settings WHERE name = 'bdr.skip_ddl_replication'"):
        pytest.skip("this era sends no DDL")
    group.sql("alpha", "SET statement_timeout = '60s'; CREATE TABLE sent (id serial PRIMARY KEY, who text)")
    found = "SELECT count(*) FROM pg_class WHERE relname = 'sent_id_seq'"
    eventually(lambda: group.sql("bravo", found), [(1,)])
    for node in NODES:
        assert own(group, node, "sent_id_seq"), node
        write(group, node, "sent", 1)
    eventually(lambda: group.sql("alpha", "SELECT id FROM sent ORDER BY 1"), [(1,), (2,)])


def test_drift_is_mended_on_that_node_alone(group: Group) -> None:
    elsewhere = upcoming(group, "bravo", "ser_id_seq")
    off, on = ("ALTER EVENT TRIGGER pgbdr_fit_new_sequences " + how for how in ("DISABLE", "ENABLE ALWAYS"))
    group.sql("alpha", f"{LOCAL_DDL} {off}; ALTER SEQUENCE ser_id_seq INCREMENT 1; {on}")
    group.sql("alpha", "SELECT setval('a_id_seq', 50)")
    assert group.must().changed() == {(TASK, "alpha")}
    assert own(group, "alpha", "ser_id_seq") and own(group, "alpha", "a_id_seq")
    assert upcoming(group, "alpha", "ser_id_seq") > group.sql("alpha", "SELECT max(id) FROM ser")[0][0]
    assert upcoming(group, "bravo", "ser_id_seq") == elsewhere and own(group, "bravo", "ser_id_seq")


def test_rows_that_hold_values_to_come_move_a_sequence(group: Group) -> None:
    ahead = upcoming(group, "bravo", "ser_id_seq") + 300
    group.sql("alpha", f"INSERT INTO ser VALUES ({ahead}, 'by hand')")
    eventually(lambda: group.sql("bravo", f"SELECT count(*) FROM ser WHERE id = {ahead}"), [(1,)])
    assert group.must("sequences").changed() == {("Move sequences above the rows", "bravo")}
    assert upcoming(group, "bravo", "ser_id_seq") > ahead


def test_global_sequences_are_the_default_of_new_ones(group: Group) -> None:
    group.variables["bdr_sequence_strategy"] = "engine"
    run = group.must()
    assert run.changed() == {(TASK, node) for node in NODES}
    told = words(run.output)
    assert "so that nodes give the same values of them" in told and "make them anew, USING bdr" in told
    assert "public.a_id_seq" in told
    assert group.must().changed() == set()
    make(group, "CREATE TABLE glob (id bigserial PRIMARY KEY, who text)")
    kind = "SELECT seqamname::text FROM pg_seqam a JOIN pg_class c ON c.relam = a.oid WHERE relname = 'glob_id_seq'"
    for node in NODES:
        assert group.sql(node, kind) == [("bdr",)]
    if not group.sql("alpha", "SELECT 1 FROM pg_settings WHERE name = 'bdr.skip_ddl_replication'"):
        # The build as it comes starts no worker for them.
        eventually(lambda: "no worker hands out the values of global sequences" in words(group.must().output), True)
        return
    for node in NODES:
        eventually(lambda node=node: succeeds(lambda: write(group, node, "glob", 20)), True)
    for node in NODES:
        eventually(lambda node=node: count(group, node, "glob") >= 40, True)


def succeeds(action: t.Callable[[], t.Any]) -> bool:
    """Try what fails until all nodes have agreed on values."""
    try:
        action()
    except Exception as error:  # noqa: BLE001
        assert "not initialized yet" in str(error)
        return False
    return True


def test_offset_takes_new_ones_back_and_leaves_global_ones_alone(group: Group) -> None:
    group.variables["bdr_sequence_strategy"] = "offset"
    group.must()
    assert group.must().changed() == set()
    make(group, "CREATE SEQUENCE back")
    assert all(own(group, node, "back") for node in NODES)
    assert group.sql("alpha", "SELECT increment_by FROM glob_id_seq") == [(1,)]


def test_a_node_that_never_has_global_sequences_is_one_error_before_anything(make_group: Make, group: Group) -> None:
    if group.sql("alpha", "SELECT 1 FROM pg_settings WHERE name = 'bdr.skip_ddl_replication'"):
        pytest.skip("in this era every node has the extension")
    shape = {"bdr_topology": "one_way", "bdr_upstream": "alpha", "bdr_sequence_strategy": "engine", "bdr_era": "0.4"}
    lone = make_group("hqone", 5646, NODES, **shape)
    run = lone.play()
    (error,) = run.errors()
    assert "alpha has no global sequences in appdb; set it to offset" in error
    assert not lone.home("alpha").exists() and not Path("/opt/pgbdr/hqone").is_symlink()
