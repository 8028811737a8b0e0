"""Metrics, alerts and the heartbeat on real servers, with the distribution's exporter and Prometheus."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
import typing as t
import urllib.request
from pathlib import Path

import pytest
import yaml
from ansible_collections.pgbdr.bdr.plugins.module_utils._monitor_queries import METRICS
from ansible_collections.pgbdr.bdr.plugins.module_utils._monitor_rules import RULES, Limits, rules
from groups import Group, eventually
from modules import stand

BIN = "/usr/lib/postgresql/15/bin"
PROGRAMS = ("prometheus", "promtool", "prometheus-postgres-exporter")
NODES = ("alpha", "bravo")
EXPORTERS = {"alpha": 6310, "bravo": 6311}
PROMETHEUS = 6320
RUN = "Run the node's exporter and its heartbeat"
FOR_SECONDS, LAG_SECONDS = 2, 8
VARIABLES = {
    "bdr_deny_truncate": True,
    "bdr_settings": {"max_wal_size": "64MB", "min_wal_size": "32MB", "max_slot_wal_keep_size": "96MB"},
    "bdr_monitor_heartbeat_seconds": 1,
    "bdr_monitor_for_seconds": FOR_SECONDS,
    "bdr_monitor_lag_seconds": LAG_SECONDS,
    "bdr_monitor_wal_percent": 40,
}
BRAVO_FROM_ALPHA = {"database": "appdb", "upstream": "alpha", "downstream": "bravo"}

Alert = tuple[str, str]


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    missing = [name for name in PROGRAMS if not os.path.exists(f"/usr/bin/{name}")]
    assert missing == [], "the monitoring was NOT tested: install them by make prometheus"


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a pair that stands and is monitored, after a dry run that changed nothing."""
    found = make_group("hmon", 6300, NODES, **VARIABLES)
    found.variables["bdr_monitor_directory"] = str(found.directory / "monitor")
    found.host_variables.update({name: {"bdr_monitor_port": port} for name, port in EXPORTERS.items()})
    stand(found)
    dry = found.must("monitor", "--check")
    assert {(RUN, node) for node in NODES} <= dry.changed()
    assert not (found.directory / "monitor").exists() and not Path("/etc/pgbdr/hmon").exists()
    assert found.sql("alpha", "SELECT 1 FROM pg_roles WHERE rolname = 'pgbdr_monitor'") == []
    found.must("monitor")
    return found


@pytest.fixture(scope="module")
def prometheus(group: Group) -> t.Iterator[None]:
    """Run Prometheus with the files that the playbook wrote, at short intervals."""
    directory = group.directory / "prometheus"
    directory.mkdir()
    written = group.directory / "monitor"
    config = {
        # A server that is down costs its exporter a second for each database.
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"},
        "rule_files": [str(written / "*.rules.yml")],
        "scrape_configs": [{"job_name": "pgbdr", "file_sd_configs": [{"files": [str(written / "*.targets.json")]}]}],
    }
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        *("/usr/bin/prometheus", f"--config.file={directory}/prometheus.yml"),
        *(f"--storage.tsdb.path={directory}/data", f"--web.listen-address=127.0.0.1:{PROMETHEUS}"),
    ]
    with open(directory / "log", "wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            eventually(lambda: len(asked("targets")["activeTargets"]), len(NODES))
            yield
        finally:
            process.terminate()


def fetched(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()
    except OSError as error:
        return str(error)


def asked(what: str) -> dict[str, t.Any]:
    """Return what Prometheus says, nothing as long as it does not."""
    answer = fetched(f"http://127.0.0.1:{PROMETHEUS}/api/v1/{what}")
    with contextlib.suppress(ValueError):
        return json.loads(answer)["data"]
    return {"activeTargets": [], "alerts": []}


def firing() -> dict[str, list[dict[str, str]]]:
    """Return the labels of the alerts that fire, by the alert's name."""
    found: dict[str, list[dict[str, str]]] = {}
    for alert in asked("alerts")["alerts"]:
        if alert["state"] == "firing":
            found.setdefault(alert["labels"]["alertname"], []).append(alert["labels"])
    return found


def fires(name: str, **labels: str) -> None:
    """Wait until an alert fires, for these labels and no others."""
    wanted = {"group": "hmon", **labels}

    def those() -> list[dict[str, str]]:
        return [{key: alert.get(key, "") for key in wanted} for alert in firing().get(name, [])]

    eventually(those, [wanted], 90)


def clear() -> None:
    eventually(firing, {}, 120)


def metrics(node: str) -> dict[str, float]:
    """Return what a node's exporter tells: name with labels to value."""
    lines = fetched(f"http://127.0.0.1:{EXPORTERS[node]}/metrics").splitlines()
    pairs = [line.rpartition(" ") for line in lines if line.startswith(("bdr_", "pg_"))]
    return {name: float(value) for name, _space, value in pairs}


def pid_of(what: str, node: str) -> int:
    """Return the process that stands for the exporter or the heartbeat, where no systemd runs it."""
    return int(json.loads(Path(f"/etc/pgbdr/hmon/{node}/{what}.run").read_text())["pid"])


def stop(group: Group, node: str) -> None:
    file = group.home(node) / "data/postmaster.pid"
    os.kill(int(file.read_text().split()[0]), signal.SIGINT)
    eventually(file.exists, False)


def start(group: Group, node: str) -> None:
    home = group.home(node)
    command = ["runuser", "-u", "postgres", "--", "env", f"PGPASSFILE={home}/passfile", f"{BIN}/pg_ctl"]
    arguments = ["-D", f"{home}/data", "-l", f"{home}/log/startup.log", "-w", "start"]
    subprocess.run([*command, *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL)


# --- What is made ---------------------------------------------------------------------------------


def test_a_second_run_changes_nothing(group: Group) -> None:
    assert group.must("monitor").changed() == set()


def test_the_files_are_what_prometheus_and_grafana_read(group: Group) -> None:
    written = group.directory / "monitor"
    done = subprocess.run(
        ["promtool", "check", "rules", str(written / "pgbdr-hmon.rules.yml")], capture_output=True, text=True
    )
    assert done.returncode == 0 and f"{len(RULES)} rules found" in done.stdout, done.stdout + done.stderr
    targets = json.loads((written / "pgbdr-hmon.targets.json").read_text())
    assert [(found["targets"], found["labels"]["node"]) for found in targets] == [
        ([f"127.0.0.1:{port}"], node) for node, port in EXPORTERS.items()
    ]
    assert json.loads((written / "pgbdr.dashboard.json").read_text())["panels"]


def test_every_metric_is_told_and_every_link_is_well(group: Group) -> None:
    eventually(lambda: sum(value for name, value in metrics("bravo").items() if "heartbeat_seen" in name), 2.0)
    found = metrics("bravo")
    names = {name.partition("{")[0] for name in found}
    told = {
        f"{name}_{column}" for name, columns in METRICS.items() for column, kind, _said in columns if kind == "GAUGE"
    }
    assert {name for name in names if name.startswith("bdr_")} == told
    assert found["pg_up"] == 1 and found["pg_exporter_last_scrape_error"] == 0
    link = 'database="appdb",downstream="bravo",server="/var/run/postgresql:6301",upstream="alpha"'
    assert found[f"bdr_connection_up{{{link}}}"] == 1 and found[f"bdr_connection_conflict{{{link}}}"] == 0
    beats = {name: value for name, value in found.items() if name.startswith("bdr_heartbeat_age_seconds")}
    assert len(beats) == 2 and all(0 <= value < 60 for value in beats.values())


def test_the_role_may_read_that_and_nothing_else(group: Group) -> None:
    group.everywhere("CREATE TABLE IF NOT EXISTS secret (id int PRIMARY KEY)")
    rights = """
        SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls, rolpassword IS NOT NULL,
               (SELECT array_agg(roleid::regrole::text) FROM pg_auth_members WHERE member = a.oid),
               has_table_privilege(a.oid, 'secret', 'SELECT'),
               has_table_privilege(a.oid, 'pgbdr.heartbeat', 'INSERT, UPDATE, DELETE'),
               has_table_privilege(a.oid, 'pglogical.node_interface', 'SELECT')
          FROM pg_authid a WHERE rolname = 'pgbdr_monitor'"""
    assert group.sql("alpha", rights) == [(False, False, ["pg_monitor"], False, False, False)]


def test_an_exporter_listens_on_the_loopback_only(group: Group) -> None:
    addresses = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None)} - {"127.0.0.1", "::1"}
    for address in (found for found in addresses if "." in found):
        if not address.startswith("127."):
            with pytest.raises(OSError), socket.create_connection((address, EXPORTERS["alpha"]), 2):
                pass
    found = Path("/proc/net/tcp").read_text().splitlines()
    listening = [line.split()[1] for line in found if line.split()[3] == "0A"]
    assert [place for place in listening if place.endswith(f":{EXPORTERS['alpha']:04X}")] == ["0100007F:18A6"]


def test_queries_only_read_and_lock_nobody_out(group: Group) -> None:
    """The role runs them all where nothing can be written; they take the lock of reading alone."""
    queries = json.loads(Path("/etc/pgbdr/hmon/alpha/queries.yml").read_text())
    with group.session("alpha") as session, session.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute("SET LOCAL ROLE pgbdr_monitor")
        for name, entry in queries.items():
            cursor.execute(entry["query"])
            assert cursor.fetchall(), name
        cursor.execute(
            "SELECT DISTINCT mode, locktype FROM pg_locks WHERE pid = pg_backend_pid() AND locktype <> 'virtualxid'"
        )
        assert cursor.fetchall() == [("AccessShareLock", "relation")]


def test_what_has_died_or_changed_is_started_again_and_nothing_else(group: Group) -> None:
    before = pid_of("heartbeat", "bravo")
    os.killpg(pid_of("exporter", "bravo"), signal.SIGKILL)
    run = group.must("monitor")
    assert run.changed() == {(RUN, "bravo")}
    assert run.tasks[RUN]["bravo"]["steps"] == ["start the exporter"]
    assert pid_of("heartbeat", "bravo") == before
    eventually(lambda: metrics("bravo").get("pg_up"), 1.0)


# --- Alerts that fire and clear -------------------------------------------------------------------


def test_a_group_that_is_well_has_no_alert(group: Group, prometheus: None) -> None:
    eventually(lambda: [target["health"] for target in asked("targets")["activeTargets"]], ["up", "up"])
    clear()
    time.sleep(2 * FOR_SECONDS)  # what lasts so long would fire
    assert firing() == {}


def test_status_tells_node_exporter_the_same(group: Group, tmp_path: Path) -> None:
    file = tmp_path / "hmon.prom"
    group.must("status", "-e", f"bdr_status_file={file}")
    told = file.read_text("utf-8")
    assert 'bdr_status_ok{group="hmon"} 1\n' in told
    assert 'upstream="alpha",downstream="bravo",state="streaming"} 1\n' in told
    checked = subprocess.run(["promtool", "check", "metrics"], input=told, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    page = (Path(__file__).resolve().parents[2] / "docs" / "monitor.md").read_text("utf-8")
    (text,) = re.findall(r"```yaml\n(groups:\n.*?)```", page, re.DOTALL)
    (tmp_path / "rules.yml").write_text(text)
    checked = subprocess.run(["promtool", "check", "rules", tmp_path / "rules.yml"], capture_output=True, text=True)
    assert checked.returncode == 0 and "2 rules found" in checked.stdout, checked.stdout + checked.stderr
    assert set(re.findall(r"bdr_status_\w+", text)) <= set(re.findall(r"(?m)^(bdr_status_\w+){", told))


def test_a_disabled_link_fires_and_so_does_the_wal_it_holds_back(group: Group, prometheus: None) -> None:
    group.sql("bravo", "SELECT pglogical.alter_subscription_disable('alpha_bravo', true)")
    fires("BdrLinkDisabled", **BRAVO_FROM_ALPHA, node="bravo", severity="critical")
    fires("BdrSlotInactive", **BRAVO_FROM_ALPHA, node="alpha", slot="pgl_appdb_alpha_alpha_bravo")
    fires("BdrRowsLate", **BRAVO_FROM_ALPHA, node="bravo")
    for _segment in range(3):
        group.sql("alpha", "SELECT pg_logical_emit_message(false, 'bulk', repeat('x', 16 * 1048576))")
    fires("BdrWalNearLoss", **BRAVO_FROM_ALPHA, node="alpha")
    assert "BdrHeartbeatStopped" not in firing() and "BdrApplyCrashLoop" not in firing()
    assert all(alert["downstream"] == "bravo" for alerts in firing().values() for alert in alerts)
    group.sql("bravo", "SELECT pglogical.alter_subscription_enable('alpha_bravo', true)")
    eventually(lambda: metrics("alpha").get(slot("lag_bytes", "alpha", "bravo")), 0.0, 90)
    group.sql("alpha", "CHECKPOINT")
    clear()


def slot(column: str, upstream: str, downstream: str) -> str:
    where = f'server="/var/run/postgresql:{6300 + NODES.index(upstream)}"'
    name = f'slot="pgl_appdb_{upstream}_{upstream}_{downstream}"'
    return f'bdr_slot_{column}{{database="appdb",downstream="{downstream}",{where},{name},upstream="{upstream}"}}'


def test_a_conflict_fires_and_clears_when_the_row_is_mended(group: Group, prometheus: None) -> None:
    group.everywhere("CREATE TABLE mail (id int PRIMARY KEY, address text UNIQUE)")
    group.sql("alpha", "INSERT INTO mail VALUES (1, 'a'), (2, 'b')")
    eventually(lambda: group.sql("bravo", "SELECT count(*) FROM mail"), [(2,)])
    with group.session("bravo") as session, session.cursor() as cursor:
        cursor.execute("SELECT pg_replication_origin_create('here')")
        cursor.execute("SELECT pg_replication_origin_session_setup('here')")
        cursor.execute("UPDATE mail SET address = 'z' WHERE id = 2")
        session.commit()
        group.sql("alpha", "UPDATE mail SET address = 'z' WHERE id = 1")
        fires("BdrDivergentConflict", **BRAVO_FROM_ALPHA, node="bravo")
        cursor.execute("UPDATE mail SET address = 'b' WHERE id = 2")
        session.commit()
    assert group.play("site").code == 0
    clear()


def test_a_worker_that_ends_for_another_reason_fires_as_that(group: Group, prometheus: None) -> None:
    group.sql("alpha", "CREATE TABLE gone (id int PRIMARY KEY)")
    group.sql("alpha", "INSERT INTO gone VALUES (1)")
    fires("BdrApplyCrashLoop", **BRAVO_FROM_ALPHA, node="bravo")
    assert "BdrDivergentConflict" not in firing()
    group.sql("bravo", "CREATE TABLE gone (id int PRIMARY KEY)")
    assert group.play("site").code == 0
    clear()


def test_a_node_that_is_down_fires_and_clears(group: Group, prometheus: None) -> None:
    stop(group, "bravo")
    fires("BdrNodeDown", node="bravo")
    fires("BdrSlotInactive", **BRAVO_FROM_ALPHA, node="alpha")
    start(group, "bravo")
    assert group.play("site").code == 0
    clear()


def test_a_heartbeat_that_stopped_fires_and_the_playbook_mends_it(group: Group, prometheus: None) -> None:
    os.killpg(pid_of("heartbeat", "alpha"), signal.SIGKILL)
    fires("BdrHeartbeatStopped", database="appdb", node="alpha", upstream="alpha")
    assert "BdrRowsLate" not in firing(), "the link is well"
    assert group.must("monitor").changed() == {(RUN, "alpha")}
    clear()


def test_a_table_without_its_guard_fires_and_site_yml_mends_it(group: Group, prometheus: None) -> None:
    group.sql("alpha", "DROP TRIGGER pgbdr_deny_truncate ON mail")
    fires("BdrGuardDrift", database="appdb", node="alpha")
    group.must("site")
    clear()


def test_an_exporter_that_died_fires(group: Group, prometheus: None) -> None:
    os.killpg(pid_of("exporter", "bravo"), signal.SIGKILL)
    fires("BdrExporterDown", node="bravo")
    group.must("monitor")
    clear()


# --- Rules, by promtool ---------------------------------------------------------------------------

PAIR = 'group="g",database="d",upstream="a",downstream="b"'
UP = f'bdr_connection_up{{{PAIR},node="b"}}'
ENABLED = f'bdr_connection_enabled{{{PAIR},node="b"}}'
CONFLICT = f'bdr_connection_conflict{{{PAIR},node="b"}}'
ACTIVE = f'bdr_slot_active{{{PAIR},node="a"}}'
PRESENT = f'bdr_slot_present{{{PAIR},node="a"}}'
AGE = "bdr_heartbeat_age_seconds{" + PAIR
SEEN = "bdr_heartbeat_seen{" + PAIR
LIMIT = 'bdr_node_wal_limit_bytes{group="g",node="a"}'
CLOCK = 'bdr_node_clock_seconds{group="g",node='
NOTHING: dict[str, str] = {}
# Series that make an alert fire, and such that are as close to it and do not. Values are one a minute.
CASES: dict[str, tuple[dict[str, str], ...]] = {
    "BdrExporterDown": ({'up{group="g",node="a"}': "0x9"}, {'up{group="g",node="a"}': "1x9", 'up{group="h"}': "0x9"}),
    "BdrNodeDown": ({'pg_up{group="g",node="a"}': "0x9"}, {'pg_up{group="g",node="a"}': "1x9"}),
    "BdrMetricsIncomplete": (
        {'pg_exporter_last_scrape_error{group="g",node="a"}': "1x9", 'pg_up{group="g",node="a"}': "1x9"},
        {'pg_exporter_last_scrape_error{group="g",node="a"}': "1x9", 'pg_up{group="g",node="a"}': "0x9"},
    ),
    "BdrLinkDisabled": ({ENABLED: "0x9"}, {ENABLED: "1x9"}),
    "BdrApplyCrashLoop": (
        {UP: "0x9", ENABLED: "1x9", CONFLICT: "0x9", ACTIVE: "0x9"},
        {UP: "0x9", ENABLED: "1x9", CONFLICT: "0x9"},
        {UP: "0x9", ENABLED: "1x9", CONFLICT: "1x9", ACTIVE: "0x9"},
    ),
    "BdrDivergentConflict": ({CONFLICT: "1x9"}, {CONFLICT: "0x9"}),
    "BdrApplyWaits": ({f"bdr_connection_waiting{{{PAIR}}}": "1x9"}, {f"bdr_connection_waiting{{{PAIR}}}": "1 0 1 0 0"}),
    "BdrSlotMissing": ({PRESENT: "0x9"}, {PRESENT: "1x9"}),
    "BdrSlotInactive": ({ACTIVE: "0x9", PRESENT: "1x9"}, {ACTIVE: "0x9", PRESENT: "0x9"}),
    "BdrWalLost": ({f"bdr_slot_lost{{{PAIR}}}": "1x9"}, {f"bdr_slot_lost{{{PAIR}}}": "0x9"}),
    "BdrWalNearLoss": (
        {f'bdr_slot_wal_held_bytes{{{PAIR},node="a"}}': "51x9", LIMIT: "100x9"},
        {f'bdr_slot_wal_held_bytes{{{PAIR},node="a"}}': "49x9", LIMIT: "100x9"},
        {f'bdr_slot_wal_held_bytes{{{PAIR},node="a"}}': "51x9", LIMIT: " ".join(["NaN"] * 9)},
    ),
    "BdrLinkLags": (
        {f"bdr_slot_lag_bytes{{{PAIR}}}": "67108865x9"},
        {f"bdr_slot_lag_bytes{{{PAIR}}}": "67108864x9"},
    ),
    "BdrRowsLate": (
        {f'{AGE},own="no"}}': "61x9"},
        {f'{SEEN},own="no"}}': "0x9"},
        {f'{AGE},own="no"}}': "59x9", f'{SEEN},own="no"}}': "1x9"},
        {f'{AGE},own="no"}}': "61x9", f'{AGE},own="yes"}}': "61x9"},
    ),
    "BdrHeartbeatStopped": (
        {f'{AGE},own="yes"}}': "61x9"},
        {f'{SEEN},own="yes"}}': "0x9"},
        {f'{AGE},own="no"}}': "61x9"},
    ),
    "BdrXminOld": (
        {f"bdr_slot_xmin_age{{{PAIR}}}": "10000001x9"},
        {f"bdr_slot_xmin_age{{{PAIR}}}": "10000000x9"},
    ),
    "BdrClockSkew": (
        {f'{CLOCK}"a"}}': "0+60x9", f'{CLOCK}"b"}}': "1.5+60x9"},
        {f'{CLOCK}"a"}}': "0+60x9", f'{CLOCK}"b"}}': "0.5+60x9"},
        # One slow scrape is no clock that is wrong.
        {f'{CLOCK}"a"}}': "0 60 120 180 240 300 360 420", f'{CLOCK}"b"}}': "0 60 120 180 240 300 360 425"},
    ),
    "BdrGuardDrift": (
        {'bdr_tables_unguarded{group="g",database="d"}': "1x9"},
        {'bdr_tables_unguarded{group="g"}': "0x9"},
    ),
    "BdrTablesWithoutKey": (
        {'bdr_tables_keyless{group="g",database="d"}': "1x9"},
        {'bdr_tables_keyless{group="g"}': "0x9"},
    ),
}
FIRE_TWICE = ("BdrRowsLate", "BdrHeartbeatStopped")
"""Those whose first two cases fire."""


def test_every_rule_has_its_cases() -> None:
    assert list(CASES) == [rule.name for rule in RULES]


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, cases in CASES.items() for place in range(len(cases))]
)
def test_a_rule_fires_where_it_should_and_only_there(name: str, place: int, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rules("g", Limits(), "https://docs.example")))
    series = [{"series": series, "values": values} for series, values in CASES[name][place].items()]
    fires_now = place == 0 or (place == 1 and name in FIRE_TWICE)
    query = f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)'
    expected = {"expr": query, "eval_time": "7m", "exp_samples": [{"labels": "{}", "value": int(fires_now)}]}
    tests = [{"interval": "1m", "input_series": series, "promql_expr_test": [expected]}]
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}))
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# --- Removing -------------------------------------------------------------------------------------


def test_what_is_refused_is_told_before_anything_is_changed(group: Group) -> None:
    run = group.play("monitor", "-e", "bdr_monitor_heartbeat_seconds=0")
    assert run.code != 0 and run.changed() == set()
    assert "bdr_monitor_heartbeat_seconds is 0; a whole number from 1 to 3600 is wanted" in run.errors()[0]


def test_it_is_taken_away_without_a_trace(group: Group) -> None:
    pids = [pid_of(what, node) for what in ("exporter", "heartbeat") for node in NODES]
    absent = ("monitor", "-e", "bdr_monitor_state=absent")
    assert {host for _task, host in group.must(*absent, "--check").changed()} == set(NODES)
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    assert group.must(*absent).changed() == {(RUN, node) for node in NODES}
    assert not any(re.search("State:\tS|State:\tR", state_of(pid)) for pid in pids)
    assert not Path("/etc/pgbdr/hmon").exists()
    for node in NODES:
        assert group.sql(node, "SELECT 1 FROM pg_roles WHERE rolname = 'pgbdr_monitor'") == []
        eventually(lambda node=node: group.sql(node, "SELECT 1 FROM pgbdr.heartbeat WHERE downstream = ''"), [])
    assert group.must(*absent).changed() == set()


def state_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/status").read_text()
    return ""
