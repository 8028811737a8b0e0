"""Each module against a real server: do - again - change - check - absent, without a playbook around it."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import psycopg2
import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _naming
from ansible_collections.pgbdr.bdr.plugins.module_utils._inventory import parse
from ansible_collections.pgbdr.bdr.plugins.module_utils._plan import build_plan
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._addresses import with_networks
from groups import eventually
from modules import as_a_module

SOCKETS = "/var/run/postgresql"
PORTS = {"alpha": 5496, "bravo": 5497}
SECRET = {"password": "first"}


def node_plans(**variables: t.Any) -> dict[str, t.Any]:
    """Return the nodes of a pair on this machine, as plan_info returns them."""
    shared = {
        "bdr_group": "itmod",
        "bdr_address": "127.0.0.1",
        "bdr_databases": ["appdb"],
        "bdr_settings": {"max_wal_size": "64MB", "min_wal_size": "32MB"},
        **variables,
    }
    hosts = {name: {**shared, "bdr_port": port} for name, port in PORTS.items()}
    return build_plan(with_networks(parse("bdr", hosts))).as_dict()["nodes"]


class Modules:
    """Runs modules in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, name: str, node: str = "alpha", check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        """Run a module on a node's plan and return its result."""
        plans = options.pop("plans", None) or node_plans()
        arguments = {"node": plans[node], "_ansible_check_mode": check, "_ansible_diff": True, **options}
        if name == "host_info":
            arguments.update(SECRET)
        self._capsys.readouterr()
        module = importlib.import_module(f"ansible_collections.pgbdr.bdr.plugins.modules.{name}")
        with as_a_module(arguments):
            module.main()
        return json.loads(self._capsys.readouterr().out)

    def does(self, name: str, **options: t.Any) -> dict[str, t.Any]:
        """See a change predicted by check mode, done, and not done again."""
        predicted = self(name, check=True, **options)
        done = self(name, **options)
        assert not done.get("failed"), done
        assert done["changed"] is True
        assert predicted["changed"] is True
        assert predicted["steps"] == done["steps"]
        again = self(name, **options)
        assert again["changed"] is False and again["steps"] == [], again
        return done


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Modules:
    """Return a runner of modules."""
    return Modules(capsys)


def clean() -> None:
    """Remove what a run of these tests that was killed, or this one, has left."""
    home = Path("/var/lib/pgbdr/itmod")
    for data in home.glob("*/data"):
        stop = [
            "runuser",
            "-u",
            "postgres",
            "--",
            "env",
            "-C",
            "/",
            "/usr/lib/postgresql/15/bin/pg_ctl",
            "-D",
            str(data),
        ]
        subprocess.run([*stop, "-w", "-m", "immediate", "stop"], check=False, capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def _clean_before_and_after() -> t.Iterator[None]:
    clean()
    yield
    clean()


def sql(node: str, text: str, database: str = "appdb") -> list[tuple]:
    """Run SQL as the local superuser."""
    connection = psycopg2.connect(host=SOCKETS, port=PORTS[node], dbname=database, user="postgres")
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_instance(run: Modules) -> None:
    for node in PORTS:
        found = run("host_info", node)
        assert (found["data"], found["running"], found["port_taken"]) == ("absent", False, False)
        done = run.does("instance", node=node, **SECRET)
        assert done["steps"][0].startswith("initialise ") and done["steps"][-1] == "start the server"
        assert done["restart_required"] == []
    found = run("host_info")
    assert (found["data"], found["major"], found["running"], found["port_taken"]) == ("ours", 15, True, False)
    assert found["disk"]["wal_mb"] >= 16
    assert run("host_info", plans={"alpha": {**node_plans()["alpha"], "port": PORTS["bravo"]}})["running"] is True


def test_instance_shows_what_differs_but_no_secret(run: Modules) -> None:
    plans = node_plans(bdr_settings={"work_mem": "9MB"})
    result = run("instance", check=True, plans=plans, password="second")
    shown = json.dumps(result["diff"])
    assert "work_mem = '9MB'" in shown
    assert "first" not in shown and "second" not in shown
    assert result["steps"][-1] == "reload the server"


def test_instance_loads_what_a_killed_run_wrote_and_did_not_load(run: Modules) -> None:
    plans = node_plans(bdr_settings={"max_wal_size": "64MB", "work_mem": "9MB"})
    assert run("instance", plans=plans, **SECRET)["steps"][-1] == "reload the server"
    settings = Path("/var/lib/pgbdr/itmod/alpha/data/pgbdr.conf")
    text = settings.read_text()
    run("instance", **SECRET)
    time.sleep(0.05)
    settings.write_text(text)
    assert sql("alpha", "SHOW work_mem", "postgres") == [("4MB",)]
    done = run("instance", plans=plans, **SECRET)
    assert done["steps"] == ["reload the server"]
    assert sql("alpha", "SHOW work_mem", "postgres") == [("9MB",)]
    run("instance", **SECRET)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"bdr_settings": {"work_mem": "banana"}}, 'parameter "work_mem"'),
        ({"bdr_settings": {"max_connections": "banana"}}, 'parameter "max_connections"'),
        ({"bdr_settings": {"no_such_setting": 1}}, 'parameter "no_such_setting"'),
        ({"bdr_settings": {"pglogical.conflict_log_level": "loud"}}, "pglogical.conflict_log_level = loud"),
        ({"bdr_hba": ["host all all 10.0.0.0/8 scram"]}, 'invalid authentication method "scram"'),
    ],
)
def test_instance_puts_back_what_the_server_refuses(run: Modules, variables: dict[str, t.Any], told: str) -> None:
    data = Path("/var/lib/pgbdr/itmod/alpha/data")
    before = {name: (data / name).read_text() for name in ("pgbdr.conf", "pg_hba.conf")}
    result = run("instance", plans=node_plans(**variables), **SECRET)
    assert result["failed"]
    assert result["msg"].startswith("bdr_settings, bdr_hba: the server of alpha refuses them, the previous ones are")
    assert told in result["msg"]
    assert {name: (data / name).read_text() for name in before} == before
    assert run("instance", **SECRET)["restart_required"] == []


def test_instance_refuses_what_alter_system_sets_against_the_plan(run: Modules) -> None:
    overrides = Path("/var/lib/pgbdr/itmod/alpha/data/postgresql.auto.conf")
    before = overrides.read_text()
    sql("alpha", "ALTER SYSTEM SET work_mem = '5MB'", "postgres")
    assert run("instance", check=True, **SECRET)["changed"] is False
    sql("alpha", "ALTER SYSTEM SET pglogical.conflict_resolution = 'keep_local'", "postgres")
    for name in ("instance", "host_info"):
        message = run(name, check=True, **SECRET)["msg"]
        assert message.startswith("postgresql.auto.conf of alpha sets pglogical.conflict_resolution to 'keep_local'")
        assert "ALTER SYSTEM RESET pglogical.conflict_resolution" in message
    overrides.write_text(before)


def test_instance_refuses_a_key_of_another_certificate(run: Modules) -> None:
    plans = node_plans(bdr_tls="require", bdr_tls_certificate="", bdr_tls_key="")
    files = {"server.crt": "no certificate", "server.key": "no key"}
    for name in ("instance", "host_info"):
        result = run(name, plans=plans, tls=files, **SECRET)
        assert result["failed"]
        assert result["msg"].startswith("bdr_tls_certificate and bdr_tls_key of alpha are no pair")
    assert not Path("/var/lib/pgbdr/itmod/alpha/tls").exists()


def test_instance_asks_for_a_restart_and_does_none(run: Modules) -> None:
    before = sql("alpha", "SELECT pg_postmaster_start_time()", "postgres")
    plans = node_plans(bdr_settings={"max_wal_senders": 33})
    assert run("instance", check=True, plans=plans, **SECRET)["restart_required"] == ["max_wal_senders"]
    assert run("instance", plans=plans, **SECRET)["restart_required"] == ["max_wal_senders"]
    assert run("instance", plans=plans, **SECRET)["restart_required"] == ["max_wal_senders"]
    assert sql("alpha", "SELECT pg_postmaster_start_time()", "postgres") == before
    assert run("restart", check=True, plans=plans, **SECRET)["changed"] is True
    assert sql("alpha", "SELECT pg_postmaster_start_time()", "postgres") == before
    assert run("restart", plans={"alpha": {**plans["alpha"], "connections": []}}, **SECRET)["changed"] is True
    assert sql("alpha", "SHOW max_wal_senders", "postgres") == [("33",)]
    assert run("instance", plans=plans, **SECRET)["restart_required"] == []


def test_instance_comes_back_after_a_crash(run: Modules) -> None:
    """kill -9 leaves a pid file, a socket and its lock behind; none of them is in the way."""
    pid = int(Path("/var/lib/pgbdr/itmod/bravo/data/postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGKILL)
    found = run("host_info", "bravo")
    assert (found["running"], found["port_taken"], found["pending"]) == (False, False, ["start the server"])
    assert run("links", "bravo", check=True)["links"][0]["state"] == "not known while the server is down"
    assert run.does("instance", node="bravo", **SECRET)["steps"] == ["start the server"]


def test_node(run: Modules) -> None:
    for node in PORTS:
        done = run.does("node", node=node, **SECRET)
        assert done["steps"][:2] == ["create role bdr_replication", "create database appdb"]
    assert run.does("node", password="third")["steps"] == ["change password of role bdr_replication"]
    run.does("node", **SECRET)
    result = run("node", password="fourth", check=True)
    assert "fourth" not in json.dumps(result)


def test_names_of_slots_are_the_servers(run: Modules) -> None:
    for database in ("appdb", "application_production", "Äpp-db", "a" * 63):
        found = sql("alpha", f"SELECT pglogical.pglogical_gen_slot_name('{database}', 'alpha', 'alpha_bravo')")
        assert _naming.pglogical_slot(database, "alpha", "alpha_bravo") == found[0][0]


def test_links(run: Modules) -> None:
    assert run("links", check=True)["links"][0]["state"] == "not there yet"
    for node in PORTS:
        done = run.does("links", node=node)
        assert [link["state"] for link in done["links"]] == ["streaming"]
    sql("alpha", "SELECT pglogical.alter_subscription_disable('bravo_alpha', true)")
    assert run.does("links")["steps"] == ["change enabled of subscription bravo_alpha in appdb"]
    sql("alpha", "SELECT pglogical.alter_subscription_remove_replication_set('bravo_alpha', s) FROM "
                 "unnest(ARRAY['default', 'default_insert_only', 'ddl_sql']) s")  # fmt: skip
    # Its worker may or may not be down by now.
    assert run.does("links")["steps"][0].startswith("change sets")
    plans = node_plans(bdr_apply_delay_ms=1500)
    assert run.does("links", plans=plans)["steps"] == ["change apply_delay_ms of subscription bravo_alpha in appdb"]


def test_a_connection_that_is_not_planned_is_left_alone_and_named(run: Modules) -> None:
    plans = node_plans(bdr_topology="one_way", bdr_upstream="alpha")
    one_way = {**node_plans()["alpha"], "connections": plans["alpha"]["connections"]}
    assert one_way["connections"] == []
    result = run("links", plans={"alpha": {**one_way}})
    assert result["changed"] is False
    assert sql("alpha", "SELECT count(*) FROM pglogical.subscription") == [(1,)]


def test_heartbeat_waits_for_its_rows(run: Modules) -> None:
    assert run("heartbeat", check=True)["links"][0]["state"] == "not tried (check mode)"
    link = run("heartbeat", "bravo")["links"][0]
    assert link["state"] == "streaming" and link["round_trip_ms"] < 1500
    # alpha applies bravo's rows 1.5 s late since the last test.
    assert run("heartbeat")["links"][0]["round_trip_ms"] >= 1500
    late = run("heartbeat", plans=node_plans(bdr_apply_delay_ms=1500), timeout_seconds=1)["links"][0]
    assert late["state"] == "streaming" and "round_trip_ms" not in late
    assert run("heartbeat", timeout_seconds=1)["links"][0]["state"].startswith("row not seen within 1")


def test_an_upstream_that_is_away_is_told_by_name(run: Modules) -> None:
    plan = node_plans()["alpha"]
    away = plan["connections"][0]["dsn"].replace("port=5497", "port=1")
    plan["connections"][0]["dsn"] = away
    state = run("heartbeat", plans={"alpha": plan}, timeout_seconds=1)["links"][0]["state"]
    assert state.startswith("bravo cannot be reached") and "refused" in state


def test_a_worker_that_pglogical_has_lost_is_ended(run: Modules) -> None:
    """Another process of the worker's name keeps its origin, so every worker that pglogical starts fails."""
    sql("alpha", "SELECT pglogical.alter_subscription_disable('bravo_alpha', true)")
    worker = "SELECT format('pglogical apply %s:%s', d.oid, sub_id) FROM pglogical.subscription, pg_database d"
    ((name,),) = sql("alpha", f"{worker} WHERE datname = current_database()")
    old = "count(*) FILTER (WHERE backend_start < clock_timestamp() - interval '1 s')"
    workers = f"SELECT count(*), {old} FROM pg_stat_activity WHERE application_name = '{name}'"
    eventually(lambda: sql("alpha", workers), [(0, 0)])
    lost = psycopg2.connect(host=SOCKETS, port=PORTS["alpha"], dbname="appdb", user="postgres", application_name=name)
    with contextlib.closing(lost):
        lost.autocommit = True
        cursor = lost.cursor()
        cursor.execute("SELECT pg_replication_origin_session_setup('pgl_appdb_bravo_bravo_alpha')")
        sql("alpha", "SELECT pglogical.alter_subscription_enable('bravo_alpha', true)")
        told = f"is already active for PID {lost.get_backend_pid()}"
        logs = Path("/var/lib/pgbdr/itmod/alpha/log")
        eventually(lambda: any(told in log.read_text() for log in logs.iterdir()), True)
        # A worker that has just failed looks the same for a moment.
        eventually(lambda: sql("alpha", workers), [(1, 1)])
        result = run("links", wait_seconds=20)
        assert not result.get("failed"), result
        assert "worker of subscription bravo_alpha" in result["steps"][0]
        assert [link["state"] for link in result["links"]] == ["streaming"]
        with pytest.raises(psycopg2.OperationalError):
            cursor.execute("SELECT 1")


def test_a_plan_that_is_none_is_refused(run: Modules) -> None:
    result = run("links", plans={"alpha": {"name": "alpha"}})
    assert result["failed"] and result["msg"].startswith("node: not a node's share of the plan")


def test_absent(run: Modules) -> None:
    assert run("instance", state="absent", **SECRET)["msg"].startswith(
        "confirm: give the group's name (-e bdr_confirm=itmod)"
    )
    assert run("instance", state="absent", confirm="other", **SECRET)["failed"]
    assert sql("alpha", "SELECT 1") == [(1,)]
    for node in PORTS:
        done = run.does("instance", node=node, state="absent", confirm="itmod", **SECRET)
        assert done["steps"][0] == "stop the server"
    assert run("host_info")["data"] == "absent"


def test_what_is_pending_is_what_the_modules_would_do(run: Modules) -> None:
    """Also on a host where the server's programs are not installed yet."""
    plans = node_plans(bdr_bin_directory="/no/such/directory")
    steps = [step for name in ("instance", "node") for step in run(name, check=True, plans=plans, **SECRET)["steps"]]
    steps += run("links", check=True, plans=plans)["steps"]
    assert run("host_info", plans=plans)["pending"] == steps
    assert steps[-1] == "create subscription bravo_alpha in appdb"
