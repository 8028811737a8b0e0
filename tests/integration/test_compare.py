"""compare.yml on a real group: what is planted is found, what is on its way is not told, what is stopped goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

import psycopg2
import pytest
from groups import ROOT, SOCKETS, Group, Run, eventually, words
from modules import node_plans, stand

NODES = ("alpha", "bravo", "charlie")
ROWS = 30_000
# What a session writes under an origin is not sent on.
LOCALLY = """
SET session_replication_role = replica;
SELECT pg_replication_origin_create('planted')
 WHERE NOT EXISTS (SELECT 1 FROM pg_replication_origin WHERE roname = 'planted');
SELECT pg_replication_origin_session_setup('planted');
"""
TABLES = (
    "CREATE TABLE big (id int PRIMARY KEY, number int, note text, amount numeric)",
    'CREATE TABLE "Odd %s" ("a b" text, n numeric, at timestamptz, "100%" float8, PRIMARY KEY ("a b", n, "100%"))',
    "CREATE TABLE by_unique (code uuid NOT NULL UNIQUE, note text)",
    "CREATE TABLE no_key (a int, b text)",
    "CREATE TABLE quiet (id int PRIMARY KEY, note text)",
)
SETTINGS = {
    **dict.fromkeys(("others", "nodes", "without", "databases", "schemas", "tables", "replication_sets", "only"), []),
    **{"columns": {}, "where": {}, "equality": "exact", "max_differences": 1000, "fence_seconds": 60},
    **{"max_lag_mb": 0, "max_active": 0, "fresh": False, "slice_seconds": 0, "stop_after_seconds": 0},
    "goes_on": False,
}
# A process of its own, so that it can be killed: it prints what the module returns.
MODULE = """
import json, sys
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.work import Comparison
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import node_plan
given = json.load(open(sys.argv[1]))
with Comparison(node_plan(given.pop("node")), given) as comparison:
    print(json.dumps(comparison.go_on()))
"""


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a mesh of three with tables that are equal on all nodes."""
    group = make_group("hmesh", 5850, NODES, bdr_allowed_downtime_seconds=36000, bdr_settings={"max_wal_size": "1GB"})
    stand(group)
    for statement in TABLES:
        group.everywhere(statement)
    alpha = (
        f"INSERT INTO big SELECT i, i % 7, md5(i::text), i / 3.0 FROM generate_series(1, {ROWS}) i",
        "INSERT INTO \"Odd %s\" SELECT 'k' || i % 9, i / 4.0, now(), i / 7.0 FROM generate_series(1, 900) i",
        "INSERT INTO by_unique SELECT md5(i::text)::uuid, 'n' || i FROM generate_series(1, 3000) i",
        "INSERT INTO no_key SELECT i % 40, 'x' || i % 90 FROM generate_series(1, 3000) i",
    )
    for statement in alpha:
        group.sql("alpha", statement)
    for node in NODES:
        eventually(lambda node=node: group.sql(node, "SELECT (SELECT count(*) FROM no_key)")[0][0], 3000)
        group.sql(node, "ANALYZE")
    return group


def plant(group: Group, node: str, statement: str) -> None:
    """Change a node alone; its name says what a person would call divergence."""
    for _attempt in range(100):
        try:
            group.sql(node, LOCALLY + statement)
            return
        except psycopg2.errors.ObjectInUse:  # the server has yet to end the session of the one before
            time.sleep(0.05)
    raise AssertionError(f"another session of {node} keeps the origin")


def compare(group: Group, *arguments: str, **options: t.Any) -> tuple[Run, dict[str, t.Any]]:
    """Run compare.yml. Return the run and the comparison that it wrote."""
    path = group.directory / "compare.json"
    path.unlink(missing_ok=True)
    given = {f"bdr_compare_{name}": value for name, value in {"file": str(path), **options}.items()}
    run = group.play("compare", "-e", json.dumps(given), *arguments)
    return run, json.loads(path.read_text("utf-8")) if path.exists() else {}


def start(group: Group, **options: t.Any) -> subprocess.Popen[str]:
    """Start the module on alpha, in a process of its own."""
    members = node_plans(group)
    path = group.directory / "given.json"
    path.write_text(json.dumps({**SETTINGS, "node": members["alpha"], "members": members, **options}))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    command = [sys.executable, "-c", MODULE, str(path)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def compared(group: Group, **options: t.Any) -> dict[str, t.Any]:
    """Return what the module does, called once."""
    process = start(group, **options)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return t.cast("dict[str, t.Any]", json.loads(output))


def table(comparison: dict[str, t.Any], name: str) -> dict[str, t.Any]:
    """Return a table of a comparison."""
    return next(each for each in comparison["tables"] if each["name"] == name)


def rows(comparison: dict[str, t.Any], name: str) -> dict[str, str]:
    """Return the verdict of each row of a table that differs, by its key as text."""
    found = table(comparison, name)["differences"]
    return {",".join(row["key"].values()): row["verdict"] for row in found}


# --- What is told ---------------------------------------------------------------------------------


def test_an_equal_group_is_equal_and_a_second_run_changes_nothing(group: Group) -> None:
    first, found = compare(group)
    assert (first.code, found["verdict"]) == (0, "equal"), first.output
    assert {each["name"] for each in found["tables"]} == {"big", "Odd %s", "by_unique", "no_key", "quiet"}
    assert table(found, "big")["rows"] == dict.fromkeys(NODES, ROWS)
    assert table(found, "no_key")["rows"] == dict.fromkeys(NODES, 3000)
    again = group.must("compare")
    assert again.changed() == set()
    assert group.must("compare", "--check").changed() == set()


def test_what_is_planted_is_told_with_nodes_columns_times_and_origins(group: Group) -> None:
    plant(group, "bravo", "DELETE FROM big WHERE id IN (1, 15000)")
    plant(group, "charlie", f"INSERT INTO big VALUES ({ROWS + 9}, 1, 'only here', 1)")
    plant(group, "charlie", "UPDATE big SET note = 'other', amount = 0 WHERE id = 29999")
    plant(group, "alpha", "UPDATE big SET amount = 5.00 WHERE id = 15")
    plant(group, "bravo", """UPDATE "Odd %s" SET at = 'infinity' WHERE "a b" = 'k5' AND n = 3.5""")
    plant(group, "charlie", "UPDATE by_unique SET note = NULL WHERE code = md5('7')::uuid")
    plant(group, "bravo", "INSERT INTO no_key VALUES (0, 'x0'), (-1, 'new')")
    group.sql("charlie", "CREATE TABLE only_here (id int PRIMARY KEY)")
    page = group.directory / "compare.html"
    run, found = compare(group, "-e", f"bdr_compare_page={page}")
    assert run.code != 0 and "the nodes differ in" in words(run.output)
    assert "29999" in page.read_text("utf-8")
    wanted = {"1", "15000", str(ROWS + 9), "29999", "15"}
    assert rows(found, "big") == dict.fromkeys(wanted, "different")
    by_key = {row["key"]["id"]: row for row in table(found, "big")["differences"]}
    other = by_key["29999"]
    assert (other["columns"], other["majority"], other["newest"]) == (
        ["amount", "note"],
        ["alpha", "bravo"],
        ["charlie"],
    )
    assert [version["nodes"] for version in other["versions"]] == [["alpha", "bravo"], ["charlie"]]
    assert other["versions"][1]["values"] == {"amount": "0", "note": "other"}
    assert other["origin"] == {"alpha": "alpha", "bravo": "alpha", "charlie": "planted"}
    assert by_key["1"]["versions"][1] == {"nodes": ["bravo"], "hash": None, "count": 0, "values": {}}
    pairs = {tuple(pair.pop("nodes")): pair for pair in table(found, "big")["pairs"]}
    assert pairs["alpha", "bravo"] == {"only_first": 2, "only_second": 0, "different": 1, "unproven": 0}
    assert pairs["bravo", "charlie"] == {"only_first": 0, "only_second": 3, "different": 1, "unproven": 0}
    assert rows(found, "Odd %s") == {"k5,3.5,2": "different"} or len(rows(found, "Odd %s")) == 1
    assert len(rows(found, "by_unique")) == 1 and table(found, "by_unique")["key_kind"] == "unique"
    counts = [[version["count"] for version in row["versions"]] for row in table(found, "no_key")["differences"]]
    assert sorted(map(sorted, counts)) in ([[0, 1], [8, 9]], [[0, 1], [33, 34]], [[0, 1], [16, 17]]), counts
    only = table(found, "only_here")
    assert (only["verdict"], only["missing_on"]) == ("different", ["alpha", "bravo"])
    group.sql("charlie", "DROP TABLE only_here CASCADE")


def test_equality_of_sql_is_a_choice_and_the_report_says_which(group: Group) -> None:
    _run, found = compare(group, tables=["big"], equality="sql")
    assert "15" not in rows(found, "big") and "29999" in rows(found, "big")
    assert found["hash"]["equality"] == "sql"


def test_columns_rows_and_tables_are_chosen(group: Group) -> None:
    _run, found = compare(group, tables=["public.b*"], columns={"big": ["number"]}, where={"big": "id % 2 = 1"})
    assert [each["name"] for each in found["tables"]] == ["by_unique", "big"]
    assert set(rows(found, "big")) == {"1", str(ROWS + 9)}, "columns that are not compared, and even keys, differ"
    assert table(found, "big")["rows"] == {"alpha": ROWS // 2, "bravo": ROWS // 2 - 1, "charlie": ROWS // 2 + 1}


def test_two_nodes_of_three(group: Group) -> None:
    _run, found = compare(group, tables=["big"], nodes=["alpha", "charlie"])
    assert found["nodes"] == ["alpha", "charlie"] and "15000" not in rows(found, "big")
    assert all(row["majority"] == [] for row in table(found, "big")["differences"])


def test_more_differences_than_wanted_are_cut_and_said(group: Group) -> None:
    _run, found = compare(group, tables=["big"], max_differences=2)
    assert table(found, "big")["truncated"] and table(found, "big")["verdict"] == "different"


def test_repair_makes_the_group_equal_again(group: Group) -> None:
    _run, _found = compare(group, tables=["big", "Odd %s", "by_unique"])
    policy = ("-e", "bdr_repair_policy=majority", "-e", "bdr_repair_delete=true")
    plan = group.directory / "repair.json"
    made = ("-e", f"bdr_compare_file={group.directory / 'compare.json'}", "-e", f"bdr_repair_file={plan}")
    group.must("repair", *made, *policy)
    assert compare(group, tables=["big"])[1]["verdict"] == "different", "a plan alone changes nothing"
    done = group.must("repair", "-e", f"bdr_repair_plan={plan}")
    assert {host for task, host in done.changed() if "Repair the rows" in task} == set(NODES)
    run, found = compare(group, tables=["big", "Odd %s", "by_unique"])
    assert (run.code, found["verdict"]) == (0, "equal"), run.output
    assert group.must("repair", "-e", f"bdr_repair_plan={plan}").changed() == set()
    plant(group, "bravo", "DELETE FROM no_key WHERE a = -1")
    plant(group, "bravo", "DELETE FROM no_key WHERE ctid = (SELECT max(ctid) FROM no_key WHERE (a, b) = (0, 'x0'))")


# --- While it is written --------------------------------------------------------------------------


class Writers:
    """A writer on each node, each with its own third of the keys: nothing that they do diverges."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(place,)) for place in range(len(NODES))]
        self.written = 0
        self.errors: list[str] = []

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, place: int) -> None:
        chance = random.Random(place)
        try:
            with self._group.session(NODES[place]) as session, session.cursor() as cursor:
                session.autocommit = True
                while not self._stop.is_set():
                    key = chance.randrange(1, ROWS // 3) * 3 + place
                    if key % 101 == 0:  # what tests plant
                        continue
                    if chance.random() < 0.6:
                        cursor.execute("UPDATE big SET number = number + 1 WHERE id = %s", (key,))
                    else:
                        cursor.execute("DELETE FROM big WHERE id = %s", (key,))
                        cursor.execute("INSERT INTO big VALUES (%s, 0, 'again', 1)", (key,))
                    # Rows that are hardly ever at rest.
                    cursor.execute("UPDATE big SET number = number + 1 WHERE id = %s", (3 + place,))
                    self.written += 1
                    time.sleep(0.004)
        except Exception as error:
            self.errors.append(repr(error))


def test_nothing_false_and_nothing_missed_while_all_nodes_write(group: Group) -> None:
    chance = random.Random(1)
    with Writers(group) as writers:
        for _round in range(5):
            key, node = 101 * chance.randrange(1, ROWS // 101), chance.choice(NODES)
            note = group.sql(node, "SELECT note FROM big WHERE id = %s", key)[0][0]
            plant(group, node, f"UPDATE big SET note = 'planted' WHERE id = {key}")
            found = compared(group, tables=["big"])["comparison"]
            assert rows(found, "big") == {str(key): "different"}
            plant(group, node, f"UPDATE big SET note = '{note}' WHERE id = {key}")
        assert writers.errors == [] and writers.written > 100
    eventually(lambda: compared(group, tables=["big"])["comparison"]["verdict"], "equal")


def test_what_cannot_be_fenced_is_unproven_with_the_link(group: Group) -> None:
    """A link that is stopped holds a change back: a naive comparison would call it a difference."""
    name = group.sql("bravo", "SELECT sub_name::text FROM pglogical.subscription WHERE sub_name LIKE 'alpha%%'")[0][0]
    group.sql("bravo", "SELECT pglogical.alter_subscription_disable(%s, true)", name)
    group.sql("alpha", "UPDATE big SET note = 'on its way' WHERE id = 202")
    eventually(lambda: group.sql("charlie", "SELECT note FROM big WHERE id = 202")[0][0], "on its way")
    run, found = compare(group, tables=["big"], fence_seconds=2)
    assert rows(found, "big") == {"202": "unproven"} and found["verdict"] == "unproven"
    assert "from alpha to bravo is not known: a row was not seen within 2 s" in words(run.output)
    assert run.code != 0 and found["fence"]["unfenced"][0]["link"] == "alpha -> bravo (appdb)"
    group.sql("bravo", "SELECT pglogical.alter_subscription_enable(%s, true)", name)
    group.must("site")
    assert compare(group, tables=["big"])[1]["verdict"] == "equal"


def test_a_node_that_hangs_meanwhile_is_left_out_and_told(group: Group) -> None:
    group.everywhere("CREATE TABLE slow (id int PRIMARY KEY, note text)")
    group.sql("alpha", "INSERT INTO slow SELECT i, repeat('x', 500) FROM generate_series(1, 60000) i")
    for node in NODES:
        eventually(lambda node=node: group.sql(node, "SELECT count(*) FROM slow")[0][0], 60000)
    postmaster = (group.home("charlie") / "data/postmaster.pid").read_text().split()[0]
    process = start(group, tables=["slow"], where={"slow": "pg_sleep(0.0001) IS NOT NULL"}, fence_seconds=3)
    query = "SELECT pid FROM pg_stat_activity WHERE query LIKE '%%pg_sleep(0.0001)%%' AND pid <> pg_backend_pid()"
    eventually(lambda: len(group.sql("charlie", query)) > 0, True)
    stopped = [int(postmaster), *(pid for (pid,) in group.sql("charlie", query))]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        output, errors = process.communicate(timeout=200)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    assert process.returncode == 0, errors
    found = json.loads(output)["comparison"]
    assert [each["node"] for each in found["absent"]] == ["charlie"] and found["verdict"] == "unproven"
    assert table(found, "slow")["verdict"] == "equal", "alpha and bravo are"
    assert set(table(found, "slow")["rows"]) >= {"alpha", "bravo"}


# --- Stopped, and gone on with --------------------------------------------------------------------


def test_killed_at_any_point_it_goes_on_to_the_same_verdict(group: Group) -> None:
    plant(group, "bravo", "DELETE FROM big WHERE id IN (1010, 20200)")
    plant(group, "charlie", "UPDATE slow SET note = 'other' WHERE id IN (7, 59999)")
    chance, slow = random.Random(2), {"slow": "pg_sleep(0.00002) IS NOT NULL"}
    kills = 0
    for _attempt in range(6):
        process = start(group, tables=["big", "slow"], where=slow)
        time.sleep(chance.uniform(0.4, 2.5))
        kills += process.poll() is None
        process.kill()
        process.communicate()
    found = compared(group, tables=["big", "slow"], where=slow)["comparison"]
    assert kills, "each was through before it was killed"
    assert set(rows(found, "big")) == {"1010", "20200"} and set(rows(found, "slow")) == {"7", "59999"}


def test_it_stops_after_a_time_and_goes_on_where_it_was(group: Group) -> None:
    slow = {"slow": "pg_sleep(0.0001) IS NOT NULL"}
    run, found = compare(group, tables=["slow"], where=slow, stop_after_seconds=1)
    assert run.code != 0 and found == {} and "stopped after bdr_compare_stop_after_seconds" in words(run.output)
    assert "compare: 0 of 1 tables" in run.output and "compare: bravo: public.slow (appdb)" in run.output
    refused, _found = compare(group, tables=["slow"])
    assert "a comparison with other settings was stopped" in words(refused.output) and refused.code != 0
    group.sql("charlie", "ALTER TABLE slow ADD COLUMN more int")
    altered, _found = compare(group, tables=["slow"], where=slow)
    assert "public.slow of charlie has been altered or dropped since" in words(altered.output) and altered.code != 0
    group.sql("charlie", "ALTER TABLE slow DROP COLUMN more")
    _run, found = compare(group, tables=["slow"], where=slow)
    assert set(rows(found, "slow")) == {"7", "59999"} and table(found, "slow")["rows"]["alpha"] == 60000


def test_it_pauses_while_a_node_is_busy(group: Group) -> None:
    with group.session("bravo") as session, session.cursor() as cursor:
        busy = threading.Thread(target=lambda: cursor.execute("SELECT pg_sleep(6)"))
        busy.start()
        found = compared(group, tables=["quiet"], max_active=1, slice_seconds=1, fresh=True)
        busy_sessions = found["progress"]["paused"]
        busy.join()
    assert "active sessions" in busy_sessions or found["progress"]["tables_done"] == 0
    assert compared(group, tables=["quiet"], max_active=50)["comparison"]["verdict"] == "equal"


def test_no_snapshot_is_kept_for_longer_than_a_block(group: Group) -> None:
    process = start(group, tables=["slow"], where={"slow": "pg_sleep(0.0001) IS NOT NULL"}, fresh=True)
    oldest = "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 FROM pg_stat_activity"
    ages = []
    while process.poll() is None:
        ages += [group.sql("bravo", f"{oldest} WHERE usename = 'bdr_replication'")[0][0]]
    _output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert len(ages) > 10 and sum(age > 3 for age in ages) == 0, max(ages)


# --- Bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"nodes": ["alpha"]}, "bdr_compare_nodes: a comparison needs two nodes, and there is only alpha"),
        ({"nodes": ["alpha", "zulu"]}, "bdr_compare_nodes: the group has no node 'zulu'; it has alpha, bravo, charlie"),
        ({"without": ["alpha", "bravo", "charlie"]}, "a comparison needs two nodes, and there is none"),
        ({"databases": ["nope"]}, "bdr_compare_databases: no node that is compared has the database 'nope'"),
        ({"tables": ["nope"]}, "alpha and bravo and charlie have no table in common that bdr_compare_tables names"),
        ({"max_differences": 0}, "bdr_compare_max_differences is 0; a number from 1 on is wanted"),
        ({"columns": {"quiet": ["nope"]}, "tables": ["quiet"]}, "bdr_compare_columns: it has no column nope"),
        ({"where": {"quiet": "nope = 1"}, "tables": ["quiet"]}, 'column "nope" does not exist'),
    ],
)
def test_bad_input_is_one_error(group: Group, options: dict[str, t.Any], said: str) -> None:
    run, _found = compare(group, **options, fresh=True)
    assert run.code != 0 and said in words(run.output), run.output


def test_a_server_that_is_down_is_told_with_what_to_do(group: Group) -> None:
    data = group.home("charlie") / "data"
    pg_ctl = ["runuser", "-u", "postgres", "--", f"/opt/pgbdr/{group.name}/bin/pg_ctl", "-D", str(data), "-m", "fast"]
    if not Path(pg_ctl[4]).exists():
        pg_ctl[4] = "/usr/lib/postgresql/15/bin/pg_ctl"
    subprocess.run([*pg_ctl, "stop"], check=True, cwd="/", stdout=subprocess.DEVNULL)
    run, _found = compare(group, tables=["quiet"], fresh=True)
    assert run.code != 0 and "charlie does not answer" in words(run.output)
    assert '-e \'{"bdr_compare_without": ["charlie"]}\'' in words(run.output)
    run, found = compare(group, tables=["quiet"], without=["charlie"], fresh=True)
    assert (run.code, found["nodes"], found["verdict"]) == (0, ["alpha", "bravo"], "equal")
    group.must("site")


def test_a_node_outside_the_group_is_compared_by_its_dsn(group: Group) -> None:
    dsn = f"host={SOCKETS} port={group.ports['charlie']} dbname=appdb user=postgres"
    found = compared(group, nodes=["alpha", "outside"], others=[{"name": "outside", "dsn": dsn}], tables=["big"])
    assert set(rows(found["comparison"], "big")) == set(), "what differs is on bravo"
