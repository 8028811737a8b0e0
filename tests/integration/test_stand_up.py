"""A group from nothing, in order: predicted, built, used, run again, drifted, mended, restarted, removed."""

from __future__ import annotations

import os
import time
import typing as t

import psycopg2
import pytest
from groups import HOMES, Group, Run, eventually, words

NODES = ("alpha", "bravo", "charlie")
DEADLINE_SECONDS = 30


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return the group that the tests of this file take through its life, in their order."""
    return make_group("itest", 5470, NODES, bdr_replication_password="pä ss'\"\\ %s $HOME :x {} ñ")


def replicates(group: Group, table: str, database: str = "appdb") -> None:
    """Write a row on each node and wait until every node has all of them."""
    for place, node in enumerate(group.ports):
        group.sql(node, f"INSERT INTO {table} VALUES (%s, %s)", place + 1, node, database=database)
    wanted = [(place + 1, node) for place, node in enumerate(group.ports)]
    for node in group.ports:
        eventually(lambda node=node: group.sql(node, f"TABLE {table} ORDER BY 1", database=database), wanted)


def started(group: Group) -> dict[str, t.Any]:
    """Return when each server was started."""
    return {node: group.sql(node, "SELECT pg_postmaster_start_time()")[0][0] for node in group.ports}


@pytest.fixture(scope="module")
def predicted(group: Group) -> Run:
    """Return the check-mode run on the empty machine."""
    run = group.must("site", "--check")
    assert not (HOMES / group.name).exists(), "check mode made something"
    assert not (group.directory / "secrets").exists(), "check mode made a password"
    return run


@pytest.fixture(scope="module")
def built(group: Group, predicted: Run) -> Run:
    """Return the run that built the group."""
    return group.must()


def test_check_mode_predicts_what_the_run_does(predicted: Run, built: Run) -> None:
    assert predicted.changed() == built.changed()
    for task, hosts in built.tasks.items():
        for host, result in hosts.items():
            if "steps" in result:
                assert predicted.tasks[task][host]["steps"] == result["steps"], (task, host)


def test_the_run_ends_with_a_table_of_streaming_links(built: Run) -> None:
    for upstream in NODES:
        for downstream in NODES:
            if upstream != downstream:
                assert f"appdb {upstream} -> {downstream} streaming" in words(built.output)
    assert "Try next, on the host of alpha" in built.output


def test_rows_travel_between_all_nodes(group: Group, built: Run) -> None:
    group.everywhere("CREATE TABLE city (id int PRIMARY KEY, name text)")
    replicates(group, "city")
    group.sql("bravo", "UPDATE city SET name = 'changed' WHERE id = 1")
    group.sql("charlie", "DELETE FROM city WHERE id = 2")
    for node in NODES:
        eventually(lambda node=node: group.sql(node, "TABLE city ORDER BY 1"), [(1, "changed"), (3, "charlie")])


def test_an_ordinary_role_may_create_replicated_tables(group: Group, built: Run) -> None:
    for node in NODES:
        group.sql(node, "CREATE ROLE nobody LOGIN")
        group.sql(node, "CREATE SCHEMA own AUTHORIZATION nobody")
        group.sql(node, "SET ROLE nobody; CREATE TABLE own.city (id int PRIMARY KEY, name text)")
    replicates(group, "own.city")


def test_a_table_without_a_key_takes_inserts_and_warns_until_it_has_one(group: Group, built: Run) -> None:
    group.everywhere("CREATE TABLE log (id int, line text)")
    replicates(group, "log")
    in_set = "SELECT set_name FROM pglogical.tables WHERE relname = 'log'"
    assert group.sql("alpha", in_set) == [("default_insert_only",)]
    run = group.must()
    assert "public.log in appdb has no primary key: only its INSERTs are replicated" in words(run.output)
    assert run.changed() == set()
    group.everywhere("ALTER TABLE log ADD PRIMARY KEY (id)")
    assert group.sql("alpha", in_set) == [("default",)]
    assert "no primary key" not in group.must().output


def test_the_last_update_wins_everywhere(group: Group, built: Run) -> None:
    for node in NODES:
        for name in group.sql(node, "SELECT sub_name FROM pglogical.subscription"):
            group.sql(node, "SELECT pglogical.alter_subscription_disable(%s, true)", name[0])
    for node in ("charlie", "alpha", "bravo"):
        group.sql(node, "UPDATE city SET name = %s WHERE id = 1", f"by {node}")
        time.sleep(0.01)
    run = group.must()
    assert {task for task, _host in run.changed()} == {"Link the node to its upstreams"}
    for node in NODES:
        eventually(lambda node=node: group.sql(node, "SELECT name FROM city WHERE id = 1"), [("by bravo",)])


def test_a_second_run_changes_nothing(group: Group, built: Run) -> None:
    run = group.must()
    assert run.changed() == set()
    assert {host: stats["changed"] for host, stats in run.stats.items()} == dict.fromkeys(NODES, 0)


DRIFT = [
    (
        "alpha",
        "SELECT pglogical.alter_subscription_disable('bravo_alpha', true)",
        "enabled of subscription bravo_alpha",
    ),
    (
        "alpha",
        "SELECT pglogical.alter_subscription_remove_replication_set('charlie_alpha', 'default')",
        "change sets of subscription charlie_alpha in appdb",
    ),
    (
        "bravo",
        "SELECT pglogical.alter_node_add_interface('alpha', 'wrong', 'host=127.0.0.1 port=1 dbname=x')",
        "",
    ),
    (
        "bravo",
        "SELECT pglogical.alter_subscription_interface('alpha_bravo', 'wrong')",
        "dsn, worker of subscription alpha_bravo",
    ),
    (
        "charlie",
        "UPDATE pglogical.subscription SET sub_forward_origins = '{all}' WHERE sub_name = 'alpha_charlie'",
        "change forward_origins of subscription alpha_charlie in appdb",
    ),
    (
        "charlie",
        "UPDATE pglogical.subscription SET sub_apply_delay = '7 seconds' WHERE sub_name = 'bravo_charlie'",
        "change apply_delay_ms of subscription bravo_charlie in appdb",
    ),
    (
        "alpha",
        "SELECT pglogical.replication_set_remove_table('default', 'city')",
        "change set of table public.city in appdb",
    ),
    ("alpha", "ALTER ROLE bdr_replication SUPERUSER", "more privileges of role bdr_replication"),
    ("bravo", "ALTER ROLE bdr_replication NOREPLICATION", "change replication of role bdr_replication"),
    ("charlie", "ALTER ROLE bdr_replication PASSWORD 'wrong'", "change password of role bdr_replication"),
    (
        "bravo",
        "REVOKE SELECT ON pglogical.node FROM bdr_replication",
        "create grants on pglogical to bdr_replication in appdb",
    ),
    (
        "alpha",
        "ALTER EVENT TRIGGER pgbdr_assign_replication_set DISABLE",
        "change enabled of event trigger pgbdr_assign_replication_set in appdb",
    ),
    (
        "bravo",
        "DROP EVENT TRIGGER pgbdr_assign_replication_set",
        "create event trigger pgbdr_assign_replication_set in appdb",
    ),
    (
        "charlie",
        "REVOKE UPDATE ON pgbdr.heartbeat FROM bdr_replication",
        "create grants on the heartbeat to bdr_replication in appdb",
    ),
]


def test_drift_is_seen_and_mended(group: Group, built: Run) -> None:
    for node, statement, _step in DRIFT:
        group.sql(node, statement)
    eventually(
        lambda: group.sql("bravo", "SELECT status FROM pglogical.show_subscription_status('alpha_bravo')"), [("down",)]
    )
    check = group.must("site", "--check")
    for node, statement, step in DRIFT:
        planned = [text for task in check.tasks.values() for text in task.get(node, {}).get("steps", ())]
        assert any(step in text for text in planned), f"{statement} on {node} went unseen: {planned}"
    run = group.must()
    assert check.changed() == run.changed()
    assert group.must().changed() == set()
    state = "SELECT coalesce(sub_forward_origins, '{}'), sub_apply_delay::text FROM pglogical.subscription"
    assert group.sql("charlie", state) == [([], "00:00:00")] * 2
    group.sql("bravo", "INSERT INTO city VALUES (50, 'after the drift')")
    for node in NODES:
        eventually(lambda node=node: group.sql(node, "SELECT name FROM city WHERE id = 50"), [("after the drift",)])


def test_changed_files_are_put_back_and_loaded(group: Group, built: Run) -> None:
    data = group.home("alpha") / "data"
    (data / "pg_hba.conf").write_text("local all all trust\n")
    os.chmod(group.home("alpha") / "passfile", 0o644)
    before = started(group)
    assert group.must().changed() == {("Bring up the instance", "alpha")}
    assert "trust" not in (data / "pg_hba.conf").read_text()
    assert (group.home("alpha") / "passfile").stat().st_mode & 0o777 == 0o600
    assert started(group) == before


def test_a_setting_that_needs_no_restart_only_reloads(group: Group, built: Run) -> None:
    group.variables["bdr_settings"] = {"max_wal_size": "64MB", "min_wal_size": "32MB", "work_mem": "8MB"}
    before = started(group)
    assert {task for task, _host in group.must().changed()} == {"Bring up the instance"}
    assert group.sql("charlie", "SHOW work_mem") == [("8MB",)]
    assert started(group) == before


def test_a_setting_that_needs_a_restart_restarts_one_node_at_a_time(group: Group, built: Run) -> None:
    group.variables["bdr_settings"] = {"max_wal_size": "64MB", "min_wal_size": "32MB", "max_wal_senders": 20}
    before = started(group)
    check = group.must("site", "--check")
    assert started(group) == before
    run = group.must()
    # Whether a downstream's worker met the server while it was down is chance.
    by_chance = {task for task in run.changed() if task[0] == "Wait until the downstreams stream from it again"}
    assert check.changed() == run.changed() - by_chance
    after = started(group)
    assert all(after[node] > before[node] for node in NODES)
    assert [host for host in run.tasks["Restart the node and wait until its links stream again"]] == list(NODES)
    assert group.must().changed() == set()
    assert started(group) == after


def test_a_restart_that_a_killed_run_left_out_is_made_up(group: Group, built: Run) -> None:
    settings = group.home("bravo") / "data" / "pgbdr.conf"
    text = settings.read_text()
    settings.write_text(text.replace("max_wal_senders = '20'", "max_wal_senders = '21'"))
    group.sql("bravo", "SELECT pg_reload_conf()")
    waits = "SELECT count(*) FROM pg_settings WHERE pending_restart"
    eventually(lambda: group.sql("bravo", waits), [(1,)])
    group.host_variables["bravo"] = {"bdr_node_settings": {"max_wal_senders": 21}}
    before = started(group)
    group.must()
    after = started(group)
    assert group.sql("bravo", "SHOW max_wal_senders") == [("21",)]
    assert {node for node in NODES if after[node] != before[node]} == {"bravo"}


def test_a_node_that_does_not_come_back_stops_the_roll(group: Group, built: Run) -> None:
    before = started(group)
    (group.home("bravo") / "data" / "postgresql.auto.conf").write_text("shared_buffers = '4TB'\n")
    group.host_variables.clear()
    group.variables["bdr_settings"] = {"max_wal_size": "64MB", "min_wal_size": "32MB", "max_wal_senders": 22}
    run = group.play()
    assert run.code != 0
    assert "the server of bravo does not start" in words(run.output)
    assert "shared memory" in words(run.output), "the server's own words are missing"
    assert group.sql("charlie", "SELECT pg_postmaster_start_time()")[0][0] == before["charlie"]
    (group.home("bravo") / "data" / "postgresql.auto.conf").write_text("")
    group.must()
    assert group.must().changed() == set()


def test_a_silent_link_fails_the_run_with_the_servers_words(group: Group, built: Run) -> None:
    # One link only: of two, whichever is told of first ends the run.
    for node in ("charlie", "alpha"):
        group.sql(node, "CREATE TABLE only_here (id int PRIMARY KEY)")
    group.sql("alpha", "INSERT INTO only_here VALUES (1)")
    eventually(
        lambda: group.sql("bravo", "SELECT status FROM pglogical.show_subscription_status('alpha_bravo')"), [("down",)]
    )
    run = group.play("site", "-e", "bdr_group_wait_seconds=8")
    assert run.code != 0
    assert "alpha -> bravo (appdb)" in words(run.output)
    assert "only_here" in words(run.output), "the server's own words are missing"
    group.sql("bravo", "CREATE TABLE only_here (id int PRIMARY KEY)")
    group.must()
    assert group.sql("bravo", "TABLE only_here") == [(1,)]


def test_secrets_stay_where_they_belong(group: Group, built: Run) -> None:
    password = group.variables["bdr_replication_password"]
    verifier = group.sql("alpha", "SELECT rolpassword FROM pg_authid WHERE rolname = 'bdr_replication'")[0][0]
    for node in NODES:
        for log in (group.home(node) / "log").iterdir():
            text = log.read_text(errors="replace")
            assert "pä ss" not in text and verifier not in text and "SCRAM-SHA-256$" not in text
        assert not any(password in str(row) for row in group.sql(node, "SELECT * FROM pglogical.node_interface"))
        assert group.home(node).stat().st_mode & 0o077 == 0
    assert "pä ss" not in built.output


def test_removing_the_group_asks_for_its_name(group: Group, built: Run) -> None:
    for wrong in ((), ("-e", "bdr_confirm=ites")):
        run = group.play("remove_group", *wrong)
        assert run.code != 0
        assert "confirm: give the group's name (-e bdr_confirm=itest)" in words(run.output)
        assert group.sql("alpha", "SELECT 1") == [(1,)]
    check = group.must("remove_group", "--check", "-e", "bdr_confirm=itest")
    assert group.sql("alpha", "SELECT 1") == [(1,)]
    done = group.must("remove_group", "-e", "bdr_confirm=itest")
    assert done.changed() == check.changed()
    assert not (HOMES / group.name).exists()
    with pytest.raises(psycopg2.OperationalError):
        group.sql("alpha", "SELECT 1")
    assert group.must("remove_group", "-e", "bdr_confirm=itest").changed() == set()
