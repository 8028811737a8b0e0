"""Sequences of a real group: no two nodes give the same value, whatever is made, loaded or joined."""

from __future__ import annotations

import contextlib
import itertools
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from groups import Group, words
from modules import runner, stand

NODES = ("alpha", "bravo", "charlie")
OFFSETS = {"alpha": 1, "bravo": 2, "charlie": 3, "delta": 4}
OFFSET = {"bdr_sequence_strategy": "offset", "bdr_existing_rows": "accept"}
DEADLINE_SECONDS = 60
EACH = 150
ODD = '"Über.Größe"."Dot.ted ""name"" %s {x}"'
ODD_SEQUENCE = '"Über.Größe"."Dot.ted ""name"" %s {x}_Ärger_seq"'

# A table each for serial, bigserial and identity, names that need care, a sequence that two tables share, one that
# feeds nothing; and some that the strategy cannot serve.
SCHEMA = f"""
CREATE SCHEMA "Über.Größe";
CREATE TABLE ser (id serial PRIMARY KEY, who text);
CREATE TABLE big (id bigserial PRIMARY KEY, who text);
CREATE TABLE idn (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, who text);
CREATE TABLE {ODD} ("Ärger" bigserial PRIMARY KEY, who text);
CREATE SEQUENCE shared CACHE 5;
CREATE TABLE one (id bigint PRIMARY KEY DEFAULT nextval('shared'), who text);
CREATE TABLE two (id int PRIMARY KEY DEFAULT nextval('shared'), who text);
CREATE SEQUENCE bare START 1000;
CREATE TABLE small (id smallserial PRIMARY KEY, who text);
CREATE SEQUENCE downwards INCREMENT -1;
CREATE SEQUENCE round CYCLE;
CREATE TABLE full_up (id smallserial PRIMARY KEY, who text);
CREATE UNLOGGED TABLE unlogged (id serial PRIMARY KEY);
"""
TABLES = ("ser", "big", "idn", ODD, "one", "two")
SERVED = ("ser_id_seq", "big_id_seq", "idn_id_seq", ODD_SEQUENCE, "shared", "bare", "small_id_seq", "round")

Make = t.Callable[..., Group]


def eventually(read: t.Callable[[], t.Any], wanted: t.Any) -> None:
    """Wait until a read gives what is wanted."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (found := read()) != wanted:
        assert time.monotonic() < deadline, f"still {found!r}, wanted {wanted!r}"
        time.sleep(0.05)


def upcoming(group: Group, node: str, sequence: str) -> int:
    """Return the next value of a sequence, without taking it."""
    ((last, called),) = group.sql(node, f"SELECT last_value, is_called FROM {sequence}")
    ((step,),) = group.sql(node, "SELECT seqincrement FROM pg_sequence WHERE seqrelid = %s::regclass", sequence)
    return last + step if called else last


def numbers(group: Group, node: str, sequence: str) -> tuple[int, int, int]:
    """Return a sequence's increment, and what its start and its next value leave."""
    ((step, start),) = group.sql(
        node, "SELECT seqincrement, seqstart FROM pg_sequence WHERE seqrelid = %s::regclass", sequence
    )
    return step, start % 100, upcoming(group, node, sequence) % 100


def own(group: Group, node: str, sequence: str) -> bool:
    """Tell whether a sequence gives the node's own values, after a restart of its counting, too."""
    return numbers(group, node, sequence) == (100, OFFSETS[node], OFFSETS[node])


settled_marks = itertools.count()


def settle(group: Group) -> None:
    """Wait until every row that was written has come through every link."""
    mark = next(settled_marks)
    for node in group.ports:
        group.sql(node, "INSERT INTO mark VALUES (%s, %s)", mark, node)
    for node in group.ports:
        eventually(
            lambda node=node: group.sql(node, "SELECT count(*) FROM mark WHERE mark = %s", mark)[0][0],
            len(group.ports),
        )


def write(group: Group, node: str, tables: t.Iterable[str], count: int = EACH) -> None:
    """Insert rows one by one, each in a transaction of its own."""
    with group.session(node) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        for _number in range(count):
            for table in tables:
                cursor.execute(f"INSERT INTO {table.replace('%', '%%')} (who) VALUES (%s)", (node,))


def rows(group: Group, node: str, table: str) -> list[tuple]:
    return group.sql(node, f"SELECT * FROM {table} ORDER BY 1")


@pytest.fixture(scope="module")
def group(make_group: Make) -> Group:
    """Return a group whose nodes count each by itself, with tables, and rows that came from alpha."""
    made = make_group("hqseq", 5640, NODES)
    made.host_variables = {node: {"bdr_sequence_offset": offset} for node, offset in OFFSETS.items()}
    stand(made)
    made.everywhere("CREATE TABLE mark (mark int, node text, PRIMARY KEY (mark, node))")
    made.everywhere(SCHEMA)
    made.everywhere("SELECT setval('full_up_id_seq', 32760)")
    return made


def test_without_a_strategy_nodes_give_the_same_values(group: Group) -> None:
    """What all of this is for: three rows are written, and one is left."""
    group.everywhere("CREATE TABLE lost (id serial PRIMARY KEY, who text)")
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(group.session(node)) for node in NODES]
        for connection in connections:
            connection.cursor().execute("INSERT INTO lost (who) VALUES ('me')")
        for connection in connections:
            connection.commit()
    settle(group)
    for node in NODES:
        assert len(rows(group, node, "lost")) == 1


def test_a_strategy_without_offsets_stops_before_anything(group: Group) -> None:
    group.variables.update(OFFSET)
    told = {"alpha": {"bdr_sequence_offset": 1}, "bravo": {"bdr_sequence_offset": 1}}
    whole, group.host_variables = group.host_variables, told
    run = group.play()
    group.host_variables = whole
    (error,) = run.errors()
    assert "bdr_sequence_offset of charlie is missing; set it to 2" in error
    assert "bdr_sequence_offset: alpha and bravo all have 1; 2 is free" in error
    assert group.sql("alpha", "SELECT 1 FROM pg_event_trigger WHERE evtname = 'pgbdr_fit_new_sequences'") == []


def test_sequences_in_use_are_given_their_own_values(group: Group) -> None:
    write(group, "alpha", TABLES, 250)
    group.sql("alpha", "INSERT INTO small (who) VALUES ('alpha')")
    settle(group)
    before = {node: {name: upcoming(group, node, name) for name in SERVED} for node in NODES}
    predicted = group.must("site", "--check", "--diff")
    assert {node: {name: upcoming(group, node, name) for name in SERVED} for node in NODES} == before
    shown = words(predicted.output)
    assert 'sequence public.ser_id_seq in appdb: {"increment": 100, "next": 10302, "start": 2}' in shown
    done = group.must()
    assert done.changed() == predicted.changed()
    assert {task for task, _host in done.changed()} == {"Give each node its own values of sequences"}
    for node, name in itertools.product(NODES, SERVED):
        assert own(group, node, name), (node, name, numbers(group, node, name))
        assert upcoming(group, node, name) >= before[node][name]
    # The rows that came from alpha count on every node, whatever its own sequence gave.
    assert {node: upcoming(group, node, "ser_id_seq") for node in NODES} == {
        "alpha": 10301,
        "bravo": 10302,
        "charlie": 10303,
    }
    # Not touched: it cannot be served, or never leaves the node.
    for name, step in (("downwards", -1), ("full_up_id_seq", 1), ("unlogged_id_seq", 1)):
        assert group.sql("alpha", "SELECT seqincrement FROM pg_sequence WHERE seqrelid = %s::regclass", name) == [
            (step,)
        ]


def test_what_cannot_be_served_is_named_each_time(group: Group) -> None:
    run = group.must()
    assert run.changed() == set()
    told = words(run.output)
    assert "sequence public.downwards in appdb descends, so it is left alone, and nodes give the same values" in told
    assert "sequence public.full_up_id_seq in appdb has no value left for this node, so it is left alone" in told
    assert "sequence public.round in appdb cycles: after its last value it gives those of other nodes" in told
    # 32767 values, of which a node has every hundredth, and one hundredth was skipped.
    assert "sequence public.small_id_seq in appdb has 324 values left for this node" in told
    assert "public.ser_id_seq" not in told


def test_all_nodes_write_at_once_and_no_row_is_lost(group: Group) -> None:
    before = {table: len(rows(group, "alpha", table)) for table in TABLES}
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: write(group, node, TABLES), NODES))
    settle(group)
    for table in TABLES:
        assert len(rows(group, "alpha", table)) == before[table] + EACH * len(NODES)
        for node in NODES[1:]:
            assert rows(group, node, table) == rows(group, "alpha", table)
    both = "SELECT count(*) = count(DISTINCT id) FROM (SELECT id FROM one UNION ALL SELECT id FROM two) s"
    assert group.sql("alpha", both) == [(True,)]


NEW = {
    "a_id_seq": "CREATE TABLE a (id serial PRIMARY KEY)",
    "b_id_seq": "CREATE TABLE b (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
    "a_n_seq": "ALTER TABLE a ADD COLUMN n bigserial",
    "c": "CREATE SEQUENCE c START 55 INCREMENT 5",
    "inside.d_id_seq": "CREATE SCHEMA inside CREATE TABLE d (id serial PRIMARY KEY)",
    "e": "BEGIN; SAVEPOINT s; CREATE SEQUENCE e; RELEASE s; COMMIT",
    "f_id_seq": "CREATE TABLE f (id int PRIMARY KEY); INSERT INTO f VALUES (500 + {offset});"
    " ALTER TABLE f ALTER id ADD GENERATED ALWAYS AS IDENTITY",
    "g": "CREATE SEQUENCE g; ALTER SEQUENCE g RESTART WITH 77",
}


def test_a_new_sequence_gives_the_node_s_own_values_at_once(group: Group) -> None:
    for node in NODES:
        for text in NEW.values():
            group.sql(node, text.format(offset=OFFSETS[node]))
    for node, name in itertools.product(NODES, NEW):
        assert own(group, node, name), (node, name, numbers(group, node, name))
    assert upcoming(group, "bravo", "f_id_seq") == 602
    # As a role that owns nothing of the collection's, and by the engine's own way to send DDL.
    group.everywhere("CREATE ROLE maker; CREATE SCHEMA made AUTHORIZATION maker")
    group.everywhere("SET ROLE maker; CREATE TABLE made.h (id serial PRIMARY KEY)")
    group.sql("alpha", "SELECT pglogical.replicate_ddl_command('CREATE TABLE public.sent (id serial PRIMARY KEY)')")
    for node in NODES:
        eventually(lambda node=node: group.sql(node, "SELECT to_regclass('sent') IS NOT NULL"), [(True,)])
        assert own(group, node, "made.h_id_seq") and own(group, node, "sent_id_seq")


def test_counting_from_the_start_again_stays_with_the_node_s_own_values(group: Group) -> None:
    group.everywhere("CREATE TABLE again (id serial PRIMARY KEY); INSERT INTO again DEFAULT VALUES")
    group.everywhere("TRUNCATE again RESTART IDENTITY")
    for node in NODES:
        assert upcoming(group, node, "again_id_seq") == OFFSETS[node]


def test_a_new_sequence_that_cannot_be_served_is_told_of(group: Group) -> None:
    with group.session("alpha") as connection:
        connection.cursor().execute("CREATE SEQUENCE too_small MAXVALUE 0 MINVALUE -5")
        assert "sequence public.too_small has no value left for this node" in str(connection.notices)


def test_a_second_run_changes_nothing(group: Group) -> None:
    group.must()  # a table of CREATE SCHEMA gets its replication set by site.yml only
    assert group.must().changed() == set()


DRIFT = {
    "a value set by hand": "SELECT setval('ser_id_seq', 20000)",
    "a step of one": "ALTER EVENT TRIGGER pgbdr_fit_new_sequences DISABLE; ALTER SEQUENCE big_id_seq INCREMENT 1;"
    " ALTER EVENT TRIGGER pgbdr_fit_new_sequences ENABLE ALWAYS",
    "a start of the old kind": "ALTER EVENT TRIGGER pgbdr_fit_new_sequences DISABLE; ALTER SEQUENCE shared START 7;"
    " ALTER EVENT TRIGGER pgbdr_fit_new_sequences ENABLE ALWAYS",
    "a disabled trigger": "ALTER EVENT TRIGGER pgbdr_fit_new_sequences DISABLE",
    "no trigger": "DROP EVENT TRIGGER pgbdr_fit_new_sequences",
    "a function of another text": "CREATE OR REPLACE FUNCTION pgbdr.fit_new_sequences() RETURNS event_trigger"
    " LANGUAGE plpgsql AS 'BEGIN END'",
    "no function": "DROP EVENT TRIGGER pgbdr_fit_new_sequences; DROP FUNCTION pgbdr.fit_new_sequences();"
    " DROP FUNCTION pgbdr.fit_sequence(regclass, bigint, bigint, bigint)",
}


@pytest.mark.parametrize("drift", DRIFT)
def test_drift_is_mended(group: Group, capsys: pytest.CaptureFixture[str], drift: str) -> None:
    group.sql("bravo", DRIFT[drift])
    run = runner(group, capsys)
    # What site.yml looks at first.
    pending = {node: run("host_info", node, password="unknown")["pending"] for node in NODES}
    done = run("sequences", "bravo")
    assert done["changed"] and set(done["steps"]) <= set(pending["bravo"])
    assert [step for node in ("alpha", "charlie") for step in pending[node] if "sequence" in step] == []
    assert run("sequences", "bravo")["changed"] is False
    group.sql("bravo", "DROP SEQUENCE IF EXISTS after_drift; CREATE SEQUENCE after_drift")
    for name in (*SERVED, "after_drift"):
        assert own(group, "bravo", name), name
    ((highest,),) = group.sql("bravo", "SELECT max(id) FROM ser")
    assert upcoming(group, "bravo", "ser_id_seq") > highest


def test_a_writer_in_the_midst_of_a_transaction_is_not_run_over(group: Group) -> None:
    group.sql("bravo", "ALTER EVENT TRIGGER pgbdr_fit_new_sequences DISABLE")
    group.sql("bravo", "ALTER SEQUENCE big_id_seq INCREMENT 1")
    with group.session("bravo") as connection:
        connection.cursor().execute("INSERT INTO big (who) VALUES ('long') RETURNING id")
        run = group.play()
        (error,) = run.errors()
        assert (
            "sequence public.big_id_seq stays as it is: a transaction that took a value of it is open; run again"
            in error
        )
        connection.commit()
    assert group.must().changed() == {("Give each node its own values of sequences", "bravo")}
    assert own(group, "bravo", "big_id_seq")


def test_a_node_that_joins_has_values_of_its_own(group: Group) -> None:
    """Its rows are loaded behind the group's back, as a seed does, and hold values that its sequences would give."""
    group.ports["delta"] = 5643
    joined = group.must()
    assert ("Give each node its own values of sequences", "delta") in joined.changed()
    group.sql("delta", "CREATE TABLE mark (mark int, node text, PRIMARY KEY (mark, node))")
    group.sql("delta", SCHEMA)
    assert upcoming(group, "delta", "ser_id_seq") == 4
    with group.session("delta") as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT pg_replication_origin_create('load')")
        cursor.execute("SELECT pg_replication_origin_session_setup('load')")
        cursor.executemany("INSERT INTO ser VALUES (%s, %s)", rows(group, "alpha", "ser"))
        connection.commit()
    assert group.must().changed() == set(), "a sequence that fits is left alone by site.yml"
    run = group.must("sequences")
    assert run.changed() == {("Move sequences above the rows", "delta")}
    assert group.must("sequences").changed() == set()
    ((highest,),) = group.sql("delta", "SELECT max(id) FROM ser WHERE id % 100 = 4")
    assert upcoming(group, "delta", "ser_id_seq") > highest
    assert own(group, "delta", "ser_id_seq")
    before = len(rows(group, "alpha", "ser"))
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: write(group, node, ["ser"]), group.ports))
    settle(group)
    for node in group.ports:
        assert rows(group, node, "ser") == rows(group, "alpha", "ser")
    assert len(rows(group, "alpha", "ser")) == before + EACH * 4


def test_a_strategy_changed_under_writers_loses_no_row(group: Group) -> None:
    """From counting by ones on one node to own values on all of them, with writers on all from then on."""
    group.everywhere("ALTER EVENT TRIGGER pgbdr_fit_new_sequences DISABLE")
    group.everywhere("CREATE TABLE busy (id bigserial PRIMARY KEY, who text)")
    with ThreadPoolExecutor() as pool:
        writer = pool.submit(write, group, "alpha", ["busy"], 4000)
        group.must("sequences")
        list(pool.map(lambda node: write(group, node, ["busy"]), group.ports))
        writer.result()
    settle(group)
    for node in group.ports:
        assert len(rows(group, node, "busy")) == 4000 + EACH * 4


def test_none_takes_the_trigger_away_and_leaves_the_values(group: Group) -> None:
    group.variables["bdr_sequence_strategy"] = "none"
    run = group.must()
    assert run.changed() == {("Give each node its own values of sequences", node) for node in group.ports}
    assert group.must().changed() == set()
    found = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'pgbdr'::regnamespace AND proname LIKE 'fit%'"
    for node in group.ports:
        assert group.sql(node, found) == [(0,)]
        assert own(group, node, "ser_id_seq")
    group.sql("alpha", "CREATE SEQUENCE by_itself")
    assert upcoming(group, "alpha", "by_itself") == 1
