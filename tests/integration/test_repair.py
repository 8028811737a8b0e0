"""repair.yml on a real group: rows that differ come to one version, and nothing else is touched."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._repair import make
from comparing import compare, write
from groups import Group, Run, eventually, words
from modules import runner

Make = t.Callable[..., Group]
Found = dict[str, t.Any]
NODES = ("alpha", "bravo", "charlie")
MESH = {("appdb", one, other) for one in NODES for other in NODES if one != other}
ODD = 'public."Größe %s ""x {y}"'

# What needs care on the way: values that text does not hold by itself, columns that the server fills, names.
SCHEMA = f"""
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a text, b int);
CREATE DOMAIN short AS varchar(5);
CREATE TABLE mark (mark int, node text, PRIMARY KEY (mark, node));
CREATE TABLE city (id int PRIMARY KEY, name text, size int);
CREATE TABLE town (id int PRIMARY KEY, name text UNIQUE, city int REFERENCES city ON DELETE CASCADE);
CREATE TABLE everything (
    id bigint GENERATED ALWAYS AS IDENTITY, code char(4), at timestamptz, PRIMARY KEY (code, at),
    f8 float8, f4 float4, n numeric, b bytea, j json, jb jsonb, e mood, es mood[], p pair, s short, i interval,
    r int4range, bits bit varying, x xml, nothing text, empty text DEFAULT 'other', big text,
    length int GENERATED ALWAYS AS (octet_length(b)) STORED);
CREATE TABLE {ODD} ("Ä%s" text, "b ""c" numeric, "%(v0)s" text, PRIMARY KEY ("Ä%s", "b ""c"));
CREATE TABLE floats (f float8 PRIMARY KEY, t text);
"""
TABLES = ("public.city", "public.town", "public.everything", 'public.Größe %s "x {y}', "public.floats")
EVERYTHING = """
INSERT INTO everything (code, at, f8, f4, n, b, j, jb, e, es, p, s, i, r, bits, x, empty, big) VALUES
('a', '2026-01-01 00:00:00.000001+00', 0.1, 'NaN', 1.10, '\\x00ff27', '{"a" :1}', '{"a": 1.0}', 'sad', '{ok,NULL}',
 '(,)', 'é%s''', '1 mon 25:00', '[1,4)', '101', '<a>%</a>', '', repeat('x', 1000000)),
('b ', 'infinity', '-0', 1e-40, 'NaN', '', 'null', '[]', 'ok', '{}', NULL, E'\\n\\\\', '-1 s', 'empty', '', NULL,
 ' ', NULL)
"""


@pytest.fixture(scope="module")
def group(make_group: Make) -> Group:
    """Return a group with tables and equal rows."""
    made = make_group("hzrepair", 5920, NODES)
    made.must()
    made.everywhere(SCHEMA)
    # The role that reads for its node is made able to.
    made.everywhere("GRANT pg_read_all_data TO bdr_replication")
    made.sql("alpha", "INSERT INTO city SELECT n, 'city ' || n, n FROM generate_series(1, 300) n")
    made.sql("alpha", "INSERT INTO town SELECT n, 'town ' || n, n FROM generate_series(1, 50) n")
    settle(made)
    return made


def settle(group: Group) -> None:
    """Wait until every row that was written has come through every link."""
    mark = time.monotonic_ns() % 1_000_000_007
    for node in group.ports:
        group.sql(node, "INSERT INTO mark VALUES (%s, %s)", mark, node)
    read = "SELECT count(*) FROM mark WHERE mark = %s"
    for node in group.ports:
        eventually(lambda node=node: group.sql(node, read, mark), [(len(group.ports),)])


def plant(group: Group, node: str, text: str) -> None:
    """Change rows on one node so that they stay there, whatever triggers and foreign keys say."""
    with group.session(node) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT pg_replication_origin_create('planted') WHERE NOT EXISTS"
            " (SELECT FROM pg_replication_origin WHERE roname = 'planted')"
        )
        connection.commit()
        cursor.execute("SELECT pg_replication_origin_session_setup('planted')")
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(text)
        connection.commit()
        # Before the session ends, so that the next one finds it free.
        cursor.execute("SELECT pg_replication_origin_session_reset()")
        connection.commit()


@pytest.fixture
def equal(group: Group) -> t.Iterator[Group]:
    """Return the group with equal rows, and mend by force what a test leaves behind."""
    yield group
    for table in ("town", "city", "everything", "floats", ODD):
        for node in NODES:
            plant(group, node, f"DELETE FROM {table}")
    for node in NODES:
        plant(group, node, "INSERT INTO city SELECT n, 'city ' || n, n FROM generate_series(1, 300) n")
        plant(group, node, "INSERT INTO town SELECT n, 'town ' || n, n FROM generate_series(1, 50) n")
    settle(group)


def differences(group: Group) -> list[tuple[str, Found]]:
    """Return the table and the key of each row that differs, by a look of its own."""
    found = compare(group, *TABLES)
    return [(table["name"], row["key"]) for table in found["tables"] for row in table["differences"]]


def planned(group: Group, policy: str = "majority", delete: bool = False, *names: str) -> Found:
    return make(compare(group, *(names or TABLES)), policy, delete, MESH)


def applied(group: Group, plan: Found, *arguments: str) -> Run:
    path = group.directory / "repair.json"
    path.write_text(json.dumps(plan), encoding="utf-8")
    return group.play("repair", "-e", f"bdr_repair_plan={path}", *arguments)


def planning(group: Group, policy: str, *arguments: str) -> Run:
    path = write(compare(group, *TABLES), group.directory / "compare.json")
    return group.play("repair", "-e", f"bdr_compare_file={path}", "-e", f"bdr_repair_policy={policy}", *arguments)


def versions(group: Group, node: str, table: str = "city") -> list[tuple]:
    """Return which transaction wrote each row: it tells whether one was written again."""
    return group.sql(node, f"SELECT t.xmin::text, t::text FROM {table} t ORDER BY 2")


PLANTED = """
UPDATE city SET name = 'odd' WHERE id IN (5, 6);
DELETE FROM city WHERE id BETWEEN 10 AND 12;
INSERT INTO city VALUES (1001, 'more', NULL), (1002, '', 0);
"""


def test_the_playbook_plans_shows_and_changes_nothing_and_then_repairs(equal: Group) -> None:
    plant(equal, "bravo", PLANTED)
    before = {node: versions(equal, node) for node in NODES}
    run = planning(equal, "majority")
    assert run.code == 0, run.output
    assert "majority, deletes nothing" in run.output
    assert "update public.city (appdb) id=5 on bravo as on alpha" in run.output
    assert "which bdr_repair_delete does not allow: id=1001, id=1002" in words(run.output)
    assert {node: versions(equal, node) for node in NODES} == before
    path = equal.directory / "repair.json"
    plan = json.loads(path.read_text("utf-8"))
    assert len(plan["steps"]) == 5 and path.stat().st_mode & 0o077 == 0
    assert planning(equal, "majority").changed() == set(), "the same plan is not written again"

    checked = equal.play("repair", "-e", f"bdr_repair_plan={path}", "--check")
    assert checked.code == 0 and "bravo  5         0" in checked.output
    assert {node: versions(equal, node) for node in NODES} == before
    run = equal.must("repair", "-e", f"bdr_repair_plan={path}")
    assert "bravo  5         0             0      0" in run.output
    assert ("Repair the rows of the node", "bravo") in run.changed()
    assert differences(equal) == [("city", {"id": "1001"}), ("city", {"id": "1002"})]
    settle(equal)
    for node in ("alpha", "charlie"):
        assert versions(equal, node) == before[node], "what was repaired stayed on its node"

    again = equal.must("repair", "-e", f"bdr_repair_plan={path}")
    assert again.changed() == set() and "bravo  0         5" in again.output

    assert planning(equal, "majority", "-e", "bdr_repair_delete=true").code == 0
    assert equal.must("repair", "-e", f"bdr_repair_plan={path}").code == 0
    assert differences(equal) == []
    settle(equal)
    for node in ("alpha", "charlie"):
        assert versions(equal, node) == before[node]


def test_values_of_every_kind_come_through(equal: Group, capsys: pytest.CaptureFixture[str]) -> None:
    odd = f"INSERT INTO {ODD} VALUES (E'k%s\\'', 1.00, '%(x)s'), ('{{{{ 1 }}}}', 2, NULL)"
    plant(equal, "alpha", EVERYTHING)
    plant(equal, "alpha", odd)
    plant(equal, "alpha", "INSERT INTO floats VALUES (0.1, 'a'), ('NaN', 'b'), ('-Infinity', NULL), (1e-320, 'd')")
    plan = planned(equal, "source=alpha")
    assert len(plan["steps"]) == 2 * 8
    run = applied(equal, plan)
    assert run.code == 0, run.output
    assert differences(equal) == []
    for table in ("everything", ODD, "floats"):
        (wanted, *others) = (equal.sql(node, f"SELECT t::text FROM {table} t ORDER BY 1") for node in NODES)
        assert others == [wanted, wanted] and wanted
    # And changed: all that can be, over all that is there.
    plant(
        equal,
        "bravo",
        "UPDATE everything SET f8 = 1, f4 = 1, n = 1.1, b = '1', j = '{}', jb = '{}', e = NULL, es = NULL, p = '(1,2)',"
        " s = NULL, i = NULL, r = NULL, bits = NULL, x = '<b/>', nothing = '', empty = NULL, big = 'x'",
    )
    plant(equal, "bravo", f"UPDATE {ODD} SET \"%(v0)s\" = ''; UPDATE floats SET t = ''")
    plan = planned(equal)
    assert {step["action"] for step in plan["steps"]} == {"update"}
    found = runner(equal, capsys)("repair", "bravo", repair=plan)
    assert (found["repaired"], found["refused"], found["stale"]) == (len(plan["steps"]), [], []), found
    assert differences(equal) == []


def test_a_value_that_the_server_gives_itself_is_mended_too(equal: Group, capsys: pytest.CaptureFixture[str]) -> None:
    """An UPDATE cannot write it; columns that are not compared keep what the node has."""
    for node in NODES:
        plant(equal, node, "INSERT INTO everything (id, code, at) OVERRIDING SYSTEM VALUE VALUES (7, 'a', 'infinity')")
    plant(equal, "bravo", "ALTER TABLE everything ADD own text DEFAULT 'kept'")
    plant(equal, "bravo", "UPDATE everything SET own = 'mine'; DELETE FROM everything")
    values = "(id, code, at, own) OVERRIDING SYSTEM VALUE VALUES (8, 'a', 'infinity', 'mine')"
    plant(equal, "bravo", f"INSERT INTO everything {values}")
    found = runner(equal, capsys)("repair", "bravo", repair=planned(equal))
    assert found["repaired"] == 1, found
    assert equal.sql("bravo", "SELECT id, own FROM everything") == [(7, "mine")]
    equal.sql("bravo", "ALTER TABLE everything DROP own")


def test_a_row_that_does_not_come_out_as_it_was_read_is_refused(
    equal: Group, capsys: pytest.CaptureFixture[str]
) -> None:
    length = "ALTER TABLE everything DROP length; ALTER TABLE everything ADD length int GENERATED ALWAYS AS ({}) STORED"
    for node in NODES:
        values = "(id, code, at, b) OVERRIDING SYSTEM VALUE VALUES (7, 'a', '2026-01-01', '123')"
        plant(equal, node, f"INSERT INTO everything {values}")
    equal.sql("bravo", length.format("7"))
    before = versions(equal, "bravo", "everything")
    found = runner(equal, capsys)("repair", "bravo", repair=planned(equal))
    equal.sql("bravo", length.format("octet_length(b)"))
    (refused,) = found["refused"]
    assert "the row does not come out as it was read" in refused["reason"] and found["repaired"] == 0
    assert len(before) == len(versions(equal, "bravo", "everything")) == 1


def test_a_stale_plan_leaves_what_changed_alone(equal: Group) -> None:
    plant(equal, "bravo", "UPDATE city SET name = 'odd' WHERE id <= 5; DELETE FROM city WHERE id IN (6, 7)")
    plan = planned(equal)
    plant(equal, "bravo", "UPDATE city SET size = -1 WHERE id = 1; DELETE FROM city WHERE id = 2")
    plant(equal, "bravo", "INSERT INTO city VALUES (6, 'another', 6)")
    plant(equal, "alpha", "UPDATE city SET size = -1 WHERE id = 3; DELETE FROM city WHERE id = 4")
    run = applied(equal, plan)
    assert run.code != 0
    assert "bravo  2         0             5      0" in run.output
    (error,) = run.errors()
    assert error.startswith(
        "5 rows changed since the comparison and were left alone: compare again and make a new plan"
    )
    assert "the nodes differ in public.city (appdb): 5 rows" in error, "the same rows were compared again"
    for line in (
        "public.city (appdb) id=1: bravo has another version by now",
        "public.city (appdb) id=2: bravo has no such row any more",
        "public.city (appdb) id=3: alpha has another version by now",
        "public.city (appdb) id=4: alpha has no such row any more",
        "public.city (appdb) id=6: bravo has another version by now",
    ):
        assert f"bravo: {line}" in run.output
    left = equal.sql("bravo", "SELECT id, name, size FROM city WHERE id < 8 ORDER BY 1")
    assert left == [(1, "odd", -1), (3, "odd", 3), (4, "odd", 4), (5, "city 5", 5), (6, "another", 6), (7, "city 7", 7)]


def test_a_row_that_changes_while_it_is_waited_for_is_left_alone(
    equal: Group, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(equal, "bravo", "UPDATE city SET name = 'odd' WHERE id = 1")
    plan = planned(equal)
    with equal.session("bravo") as writer:
        writer.cursor().execute("UPDATE city SET size = -1 WHERE id = 1")

        def commit() -> None:
            eventually(lambda: equal.sql("bravo", "SELECT count(*) FROM pg_locks WHERE NOT granted"), [(1,)])
            writer.commit()

        other = threading.Thread(target=commit)
        other.start()
        found = runner(equal, capsys)("repair", "bravo", repair=plan)
        other.join()
    assert [row["reason"] for row in found["stale"]] == ["bravo has another version by now"], found
    settle(equal)
    assert equal.sql("bravo", "SELECT name, size FROM city WHERE id = 1") == [("odd", -1)]


def test_a_row_that_stays_locked_is_told_and_the_others_are_mended(
    equal: Group, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(equal, "bravo", "UPDATE city SET name = 'odd' WHERE id <= 3")
    plan = planned(equal)
    with equal.session("bravo") as writer:
        writer.cursor().execute("SELECT FROM city WHERE id = 2 FOR UPDATE")
        found = runner(equal, capsys)("repair", "bravo", repair=plan, lock_timeout_seconds=1)
    ((key, reason),) = [(row["key"], row["reason"]) for row in found["refused"]]
    assert key == {"id": "2"} and "another session uses it" in reason
    assert differences(equal) == [("city", {"id": "2"})]


def test_rows_that_exchanged_unique_values_are_mended(equal: Group, capsys: pytest.CaptureFixture[str]) -> None:
    plant(
        equal,
        "bravo",
        "DELETE FROM town WHERE id = 3; UPDATE town SET name = 'town 3' WHERE id = 1;"
        "UPDATE town SET name = 'town 1' WHERE id = 2; UPDATE town SET city = 7777 WHERE id = 4",
    )
    found = runner(equal, capsys)("repair", "bravo", repair=planned(equal))
    assert (found["repaired"], found["refused"]) == (4, []), found
    assert differences(equal) == []
    plant(equal, "bravo", "UPDATE town SET name = 'x' WHERE id = 9; UPDATE town SET name = 'town 9' WHERE id = 51")
    plant(equal, "bravo", "INSERT INTO town VALUES (60, 'town 9', 1)")
    found = runner(equal, capsys)("repair", "bravo", repair=planned(equal))
    (refused,) = found["refused"]
    assert "duplicate key value violates unique constraint" in refused["reason"] and refused["key"] == {"id": "9"}


def test_children_are_not_touched(equal: Group, capsys: pytest.CaptureFixture[str]) -> None:
    """Deleting a row that is too many does not take with it what refers to it."""
    for node in NODES:
        plant(equal, node, "INSERT INTO town VALUES (99, 'orphan', 1001)")
    plant(equal, "bravo", "INSERT INTO city VALUES (1001, 'odd', 1)")
    found = runner(equal, capsys)("repair", "bravo", repair=planned(equal, delete=True))
    assert found["steps"] == ["delete 1 row of public.city in appdb"]
    assert differences(equal) == []


# The other messages are those of tests/unit; these tell that the playbook hands over what it is given.
BAD = {
    "no comparison": (["-e", "bdr_repair_policy=majority"], "bdr_compare_file: name the file that compare.yml wrote"),
    "an unknown policy": (
        ["-e", "bdr_compare_file={compare}", "-e", "bdr_repair_policy=loudest"],
        "bdr_repair_policy is 'loudest'; wanted: majority, newest or source=<node>",
    ),
    "an edited plan": (["-e", "bdr_repair_plan={edited}"], "was changed after it was made"),
    "both": (
        ["-e", "bdr_repair_plan={edited}", "-e", "bdr_repair_policy=majority"],
        "bdr_repair_plan applies a plan as it is",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_clear_error_and_nothing_is_changed(equal: Group, what: str) -> None:
    arguments, wanted = BAD[what]
    plant(equal, "bravo", "UPDATE city SET name = 'odd' WHERE id = 1")
    before = {node: versions(equal, node) for node in NODES}
    found = compare(equal, *TABLES)
    plan = make(found, "majority", False, MESH)
    edited = {**plan, "steps": [{**plan["steps"][0], "node": "charlie"}]}
    texts = {"compare": found, "edited": edited}
    paths: dict[str, Path] = {name: write(text, equal.directory / f"{name}.json") for name, text in texts.items()}
    run = equal.play("repair", *(argument.format(**paths) for argument in arguments))
    assert run.code != 0
    (error,) = run.errors()
    assert wanted in error
    assert {node: versions(equal, node) for node in NODES} == before


def test_a_table_that_changed_since_stops_the_plan_on_all_nodes(equal: Group) -> None:
    plant(equal, "alpha", "UPDATE city SET name = 'odd' WHERE id = 2; UPDATE town SET city = NULL WHERE id = 2")
    plant(equal, "bravo", "UPDATE city SET name = 'odd' WHERE id = 1")
    plan = planned(equal)
    equal.sql("bravo", "ALTER TABLE city ALTER size TYPE bigint")
    try:
        before = {node: versions(equal, node) for node in NODES}
        run = applied(equal, plan)
        assert run.code != 0
        said = "table public.city (appdb) of bravo has another definition than when it was compared"
        assert said in words(run.output)
        assert {node: versions(equal, node) for node in NODES} == before
    finally:
        equal.sql("bravo", "ALTER TABLE city ALTER size TYPE int")


def test_a_plan_of_a_node_that_is_down_is_not_begun(equal: Group) -> None:
    plant(equal, "alpha", "UPDATE city SET name = 'odd' WHERE id = 2")
    plant(equal, "bravo", "UPDATE city SET name = 'odd' WHERE id = 1")
    plan = planned(equal)
    before = versions(equal, "alpha")
    os.kill(int((equal.home("bravo") / "data/postmaster.pid").read_text().split()[0]), signal.SIGINT)
    try:
        run = applied(equal, plan)
        assert run.code != 0 and "the server of bravo cannot be reached" in words(run.output)
        assert versions(equal, "alpha") == before
    finally:
        equal.must()
    settle(equal)


def test_under_load_all_ends_equal(equal: Group) -> None:
    """Writers on all nodes, each on rows of its own, while what differs is repaired again and again."""
    stop = threading.Event()
    problems: list[BaseException] = []

    def writer(node: str, remainder: int) -> None:
        try:
            with equal.session(node) as connection:
                connection.autocommit = True
                cursor = connection.cursor()
                number = 0
                while not stop.is_set():
                    number += 1
                    cursor.execute("UPDATE city SET size = size + 1 WHERE id = %s", (3 * (number % 100) + remainder,))
                    cursor.execute("INSERT INTO city VALUES (%s, 'new', 0)", (10_000 + 3 * number + remainder,))
                    time.sleep(0.002)
        except BaseException as error:
            problems.append(error)

    plant(equal, "bravo", "UPDATE city SET name = 'odd' WHERE id % 7 = 0; DELETE FROM city WHERE id % 11 = 0")
    plant(equal, "charlie", "UPDATE city SET name = 'other' WHERE id % 13 = 0")
    threads = [threading.Thread(target=writer, args=(node, place)) for place, node in enumerate(NODES)]
    for thread in threads:
        thread.start()
    repaired = 0
    try:
        for _round in range(3):
            run = applied(equal, planned(equal, "source=alpha", False, "public.city"), "-e", "bdr_repair_fail=false")
            assert run.code == 0, run.output
            repaired += run.output.count("Repair the rows of the node")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert problems == []
    settle(equal)
    # What is in flight looks like a difference to a comparison without a fence; now nothing is.
    run = applied(equal, planned(equal, "source=alpha", False, "public.city"))
    assert run.code == 0, run.output
    assert differences(equal) == []
