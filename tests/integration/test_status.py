"""The health of a group on real servers: each state of a link provoked and told apart, and nothing changed by it."""

from __future__ import annotations

import contextlib
import datetime
import functools
import json
import os
import re
import shlex
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import health
import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._conflicts import WORD
from ansible_collections.pgbdr.bdr.plugins.module_utils._logs import holding
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import node_plan
from ansible_collections.pgbdr.bdr.plugins.module_utils._status import status
from ansible_collections.pgbdr.bdr.plugins.module_utils._status_look import LATE_SECONDS
from groups import Group, eventually, words
from health import NODES, SETTINGS, looked_at, plan_of, with_tables
from modules import Runner, node_plans, runner, stand

BIN = "/usr/lib/postgresql/15/bin"
SHOWN = "Show the health"
BULK = "CREATE TABLE bulk (id int PRIMARY KEY, filler text);"
# Some 4 MB of the log, as of a server that logs what its clients do.
CHATTER = "DO $$BEGIN FOR n IN 1..20000 LOOP RAISE LOG 'chatter % %', n, repeat('x', 100); END LOOP; END$$"


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a plex that stands, with some tables."""
    made = make_group("hstat", 6100, NODES, bdr_settings=SETTINGS, bdr_deny_truncate=True)
    return with_tables(made, BULK)


@pytest.fixture
def run(group: Group, capsys: pytest.CaptureFixture[str]) -> Runner:
    """Return a runner of modules on the nodes of the group."""
    return runner(group, capsys)


@pytest.fixture
def look(group: Group, run: Runner) -> t.Callable[..., dict[str, t.Any]]:
    """Return what puts the health of the group together, as status.yml does."""
    plan = plan_of(group)

    def found(lag_mb: int = 16) -> dict[str, t.Any]:
        return status(plan, looked_at(run), 50, lag_mb)

    return found


Look = t.Callable[..., dict[str, t.Any]]


def links(found: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    return {f"{link['upstream']} {link['downstream']}": link for link in found["links"]}


def wrong(found: dict[str, t.Any]) -> dict[str, str]:
    """Return the links that do not stream, with the state and the end at fault."""
    return {
        name: f"{link['state']} {link['end']}".strip()
        for name, link in links(found).items()
        if link["state"] != "streaming"
    }


def seen(look: Look, wanted: dict[str, str], **options: t.Any) -> dict[str, t.Any]:
    """Wait until just these links do not stream, and return the whole."""
    found: dict[str, t.Any] = {}

    def read() -> dict[str, str]:
        found.update(look(**options))
        return wrong(found)

    eventually(read, wanted)
    return found


def messages(found: dict[str, t.Any], severity: str) -> list[str]:
    return [finding["message"] for finding in found["findings"] if finding["severity"] == severity]


played = functools.partial(health.played, "status")


def processes(group: Group, node: str) -> list[int]:
    """Return the processes of a node's server, the first of them all first."""
    postmaster = int((group.home(node) / "data/postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [postmaster, *map(int, children)]


@contextlib.contextmanager
def stopped(pids: t.Sequence[int]) -> t.Iterator[None]:
    """Stop processes for a while: they are there, and do nothing."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def stop(group: Group, node: str) -> None:
    os.kill(processes(group, node)[0], signal.SIGINT)
    eventually((group.home(node) / "data/postmaster.pid").exists, False)


def start(group: Group, node: str) -> None:
    home = group.home(node)
    command = ["runuser", "-u", "postgres", "--", "env", f"PGPASSFILE={home}/passfile", f"{BIN}/pg_ctl"]
    arguments = ["-D", f"{home}/data", "-l", f"{home}/log/startup.log", "-w", "start"]
    subprocess.run([*command, *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL)


def alone(group: Group, node: str, text: str) -> None:
    """Run SQL on a node and keep it there."""
    with group.session(node) as session, session.cursor() as cursor:
        cursor.execute(
            "SELECT pg_replication_origin_create('here') WHERE NOT EXISTS "
            "(SELECT FROM pg_replication_origin WHERE roname = 'here')"
        )
        cursor.execute("SELECT pg_replication_origin_session_setup('here')")
        cursor.execute(text)
        session.commit()


def state_of(group: Group) -> dict[str, t.Any]:
    """Return what would be another if anything had been written on a node."""
    queries = (
        "SELECT pg_snapshot_xmax(pg_current_snapshot())::text, pg_conf_load_time()::text",
        "SELECT slot_name::text, active FROM pg_replication_slots ORDER BY 1",
        "SELECT sub_name::text, sub_enabled FROM pglogical.subscription ORDER BY 1",
        "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pglogical apply%' ORDER BY 1",
    )
    return {node: [group.sql(node, query) for query in queries] for node in NODES}


# --- A group that is well -------------------------------------------------------------------------


def test_a_group_that_is_well_is_told_so_and_left_as_it_is(group: Group, look: Look) -> None:
    seen(look, {})
    before = state_of(group)
    run, found = played(group)
    assert run.code == 0 and run.changed() == {(SHOWN, "alpha")}, "the file"
    assert run.output.count("  streaming  ") == 6 and "hstat is well: 6 streaming" in run.output
    assert found["ok"] and found["findings"] == [] and wrong(found) == {}
    clocks = [node["clock"] for node in found["nodes"].values()]
    assert all(abs(clock["offset_ms"]) <= clock["uncertainty_ms"] + 1 for clock in clocks)
    assert all(link["lag_bytes"] == 0 and link["until_lost_bytes"] > 64 * 2**20 for link in found["links"])
    page = group.directory / "status.html"
    query = "links[?state=='streaming'] | length(@)"
    run = group.must("status", "-e", json.dumps({"bdr_query": query, "bdr_status_file": str(page)}))
    assert "bdr_status_report.answer: 6" in run.output and "  streaming  " not in run.output
    assert page.read_text().startswith("<!doctype html>") and page.read_text().count('class="link streaming"') == 6
    assert run.changed() == {(SHOWN, "alpha")}
    assert state_of(group) == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bdr_status_lag_mb": 0}, "bdr_status_lag_mb is '0'; a whole number from 1 to 1000000 is wanted"),
        ({"bdr_query": "links["}, "bdr_query is no JMESPath expression"),
        ({"bdr_status_file": "/nosuch/status.json", "bdr_status_history": ""}, "bdr_status_file cannot be written"),
        ({"bdr_status_history": "/nosuch/looks.jsonl"}, "bdr_status_history cannot be written"),
        ({"bdr_status_history": "/etc"}, "bdr_status_history cannot be read"),
        ({"bdr_status_history": "/etc/hosts"}, "bdr_status_history: /etc/hosts holds something else than looks"),
    ],
)
def test_bad_input_is_one_error(group: Group, given: dict[str, t.Any], said: str) -> None:
    run = group.play("status", "-e", json.dumps(given))
    assert run.code != 0 and len(run.errors()) == 1 and said in run.errors()[0]


def test_what_is_not_as_it_should_be_is_warned_of(group: Group, look: Look) -> None:
    group.sql("alpha", "ALTER SYSTEM SET work_mem = '8MB'")
    group.sql("alpha", "ALTER SYSTEM SET max_prepared_transactions = 7")
    group.sql("alpha", "SELECT pg_reload_conf()")
    group.everywhere("CREATE TABLE journal (line text)")
    group.sql("bravo", "DROP TRIGGER pgbdr_deny_truncate ON town")
    wanted = [
        "alpha has to restart for max_prepared_transactions",
        "work_mem differs: 8192 (kB) on alpha, its default on bravo, its default on charlie",
        "public.town in appdb lacks the guard it should have on bravo",
        "public.journal in appdb lacks a primary key on alpha, bravo, charlie",
    ]
    found: dict[str, t.Any] = {}

    def warned() -> list[str]:
        found.update(look())
        return messages(found, "warning")

    eventually(warned, wanted)
    assert found["ok"] and wrong(found) == {}
    # A setting that is gone from the file goes on waiting for a restart; one that is as it was does not.
    group.sql("alpha", "ALTER SYSTEM SET max_prepared_transactions = 0")
    group.sql("alpha", "ALTER SYSTEM RESET work_mem")
    group.sql("alpha", "SELECT pg_reload_conf()")
    group.everywhere("DROP TABLE journal CASCADE")
    group.sql(
        "bravo",
        "CREATE TRIGGER pgbdr_deny_truncate BEFORE TRUNCATE ON town EXECUTE PROCEDURE pgbdr.deny_truncate()",
    )
    eventually(lambda: look()["findings"], [])
    group.sql("alpha", "ALTER SYSTEM RESET ALL")
    group.sql("alpha", "SELECT pg_reload_conf()")


def not_as_planned(found: dict[str, t.Any]) -> list[str]:
    return [message for message in messages(found, "warning") if "site.yml would" in message]


def test_what_site_would_change_is_told_and_not_changed(group: Group, look: Look) -> None:
    data = group.home("alpha") / "data"
    with open(data / "pg_hba.conf", "a") as file:
        file.write("host all all 10.9.9.9/32 scram-sha-256\n")
    group.sql("bravo", "ALTER ROLE bdr_replication PASSWORD 'another'")
    before, text = state_of(group), (data / "pg_hba.conf").read_text()
    page = group.directory / "drift.html"
    run, found = played(group)
    assert run.code == 0 and found["ok"]
    assert not_as_planned(found) == [
        f"alpha is not as planned, site.yml would: write {data}/pg_hba.conf; reload the server",
        "bravo is not as planned, site.yml would: change password of role bdr_replication",
    ]
    assert found["nodes"]["charlie"]["drift"] == {"steps": [], "error": ""}
    assert not_as_planned(found)[0] in words(run.output)
    group.must("status", "-e", f"bdr_status_file={page}")
    assert page.read_text().count("change password of role bdr_replication") == 2, "the finding, the table of nodes"
    assert state_of(group) == before and (data / "pg_hba.conf").read_text() == text
    stand(group)
    assert played(group)[1]["findings"] == []


def test_a_look_for_drift_waits_for_no_lock(group: Group) -> None:
    with group.session("charlie") as session, session.cursor() as cursor:
        cursor.execute("LOCK pglogical.replication_set_table")
        _run, found = played(group)
    assert not_as_planned(found) == [
        "what site.yml would change on charlie is not known: "
        "a look takes more than 3 s, somebody holds a lock on what it reads"
    ]


def test_without_the_password_nobody_makes_one_to_look_for_drift(group: Group) -> None:
    password = group.variables.pop("bdr_replication_password")
    secrets = group.directory / "secrets"
    _run, found = played(group, bdr_secrets_directory=str(secrets))
    group.variables["bdr_replication_password"] = password
    assert found["ok"] and len(not_as_planned(found)) == 1 and not secrets.exists()
    assert not_as_planned(found)[0].startswith("what site.yml would change on alpha, bravo, charlie is not known: ")


def test_a_node_is_told_as_it_is_in_the_shape_of_the_plan(group: Group, run: Runner) -> None:
    for node, plan in node_plans(group).items():
        as_is = run("group_info", node)["as_is"]
        settings = {setting["name"]: setting["value"] for setting in as_is.pop("settings")}
        assert as_is == {name: plan[name] for name in as_is}
        assert len(as_is) == 12 and settings["max_slot_wal_keep_size"] == "96MB"
        # What came with a minor release only, the server may not know.
        assert {each["name"] for each in plan["settings"] if not each["probed"]} <= set(settings)
    slot = {"database": "appdb", "downstream": "", "name": "pgl_appdb_alpha_alpha_gone", "plugin": "pglogical_output"}
    group.sql("alpha", "SELECT pg_create_logical_replication_slot(%s, %s)", slot["name"], slot["plugin"])
    group.sql("bravo", "SELECT pglogical.alter_subscription_remove_replication_set('alpha_bravo', 'ddl_sql')")
    group.sql("bravo", "SELECT pglogical.alter_node_add_interface('alpha', 'by_hand', 'host=by_hand password=s3cret')")
    group.sql("bravo", "SELECT pglogical.alter_subscription_interface('alpha_bravo', 'by_hand')")
    assert slot in run("group_info", "alpha")["as_is"]["slots"]
    dsns = {each["name"]: each["dsn"] for each in run("group_info", "bravo")["as_is"]["connections"]}
    assert dsns["alpha_bravo"] == "host=by_hand password=********"
    group.sql("alpha", "SELECT pg_drop_replication_slot(%s)", slot["name"])
    stand(group)


# --- Since the last look --------------------------------------------------------------------------


def in_the_log(group: Group, node: str, text: str, count: int) -> None:
    """Wait until a node's log has a text so often, and until a look takes it for complete."""
    log = max((group.home(node) / "log").glob("postgresql-*.log"), key=os.path.getmtime)
    eventually(lambda: log.read_text("utf-8").count(text), count)
    written = time.time()
    eventually(lambda: time.time() > written + LATE_SECONDS + 1, True)


def test_conflicts_since_the_last_look_are_counted_by_link(group: Group) -> None:
    group.everywhere("CREATE TABLE tide (id int PRIMARY KEY, n int)")
    group.sql("alpha", "INSERT INTO tide SELECT n, 0 FROM generate_series(1, 4) n")
    eventually(lambda: group.sql("bravo", "SELECT count(*) FROM tide"), [(4,)])
    history = group.directory / "looks.jsonl"
    _run, first = played(group, bdr_status_history=str(history))
    assert {link["conflicts"]["count"] if link["conflicts"] else None for link in first["links"]} == {None}
    subscriptions = {"alpha": "bravo_alpha", "bravo": "alpha_bravo"}
    for node, name in subscriptions.items():
        group.sql(node, f"SELECT pglogical.alter_subscription_disable('{name}', true)")
    alone(group, "bravo", "DELETE FROM tide WHERE id = 4")
    for node in ("alpha", "bravo"):  # what bravo writes is newer
        group.sql(node, "UPDATE tide SET n = length(%s) WHERE id < 4", node)
    group.sql("alpha", "UPDATE tide SET n = 9 WHERE id = 4")
    for node, name in subscriptions.items():
        group.sql(node, f"SELECT pglogical.alter_subscription_enable('{name}', true)")
    in_the_log(group, "bravo", "relation public.tide (local index tide_pkey). Resolution: keep_local", 3)
    in_the_log(group, "alpha", "relation public.tide (local index tide_pkey). Resolution: apply_remote", 3)
    run, second = played(group, bdr_status_history=str(history))
    counted = {name: link["conflicts"] for name, link in links(second).items()}
    ends = ("count", "kept", "skipped", "overwritten", "complete")
    assert [counted["alpha bravo"][end] for end in ends] == [4, 3, 1, 0, True]
    assert [counted["bravo alpha"][end] for end in ends] == [0, 0, 0, 3, True]
    assert counted["alpha bravo"]["since"] == first["nodes"]["bravo"]["conflicts"]["until"]
    assert re.search(r"alpha -> bravo +streaming .* 4 since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", run.output)
    assert messages(second, "warning")[0].startswith("alpha -> bravo (appdb) skipped 1 changes since ")
    _run, third = played(group, bdr_status_history=str(history))
    assert {link["conflicts"]["count"] for link in third["links"]} == {0} and third["findings"] == []
    assert len(history.read_text().splitlines()) == 3
    group.everywhere("DROP TABLE tide CASCADE")


def test_a_log_is_read_from_the_last_look_on_and_told_where_that_is_too_much(group: Group, tmp_path: Path) -> None:
    plan = node_plan({**node_plans(group)["alpha"], "log_directory": str(tmp_path / "log")})
    midnight = datetime.datetime(2026, 11, 22)
    times = [midnight + datetime.timedelta(seconds=number) for number in range(86400)]
    lines = [f"{at}.000 UTC [1] x CONFLICT: {number}" for number, at in enumerate(times)]
    Path(plan.log_directory).mkdir()
    (Path(plan.log_directory) / "a.log").write_text("\n".join([*lines, "19:08 a line without a time", ""]))
    now, whole = time.time(), {f"{line}\n" for line in lines}
    for since, first in (("2026-11-22 00:00:00", 0), ("2026-11-22 12:00:00", 43200), ("2026-11-22 23:59:59", 86399)):
        found, is_all = holding(plan, WORD, now - 60, since, 10**9)
        assert is_all and f"{lines[first]}\n" in found and set(found) <= whole and found[-1] == f"{lines[-1]}\n"
        assert len(found) < 86400 - first + 4000, "no more than a piece of what was before"
    found, is_all = holding(plan, WORD, now - 60, "2026-11-22 00:00:00", 100_000)
    assert not is_all and 1500 < len(found) < 2500 and found[-1].strip() == lines[-1]
    assert holding(plan, WORD, now - 7 * 86400, "2026-11-22 23:59:59", 10**9)[1] is False
    assert holding(plan, WORD, now + 60, "2026-11-22 23:59:59", 10**9) == ([], True)


def test_looks_are_kept_beside_the_page_and_drawn_there_or_not_kept_at_all(group: Group) -> None:
    page = group.directory / "kept.html"
    beside = group.directory / "kept.history.jsonl"
    given = {"bdr_status_file": str(page)}
    group.must("status", "-e", json.dumps({**given, "bdr_status_history": ""}))
    group.must("status", "-e", json.dumps(given), "--check")
    assert not beside.exists() and "Lag over time" not in page.read_text()
    for _look in range(2):
        group.must("status", "-e", json.dumps(given))
    assert len(beside.read_text().splitlines()) == 2 and page.read_text().count("<polyline") == 6
    beside.write_text("torn\n" + beside.read_text())
    run = group.must("status", "-e", json.dumps(given))
    assert f"bdr_status_history: 1 lines of {beside} cannot be read, and are left out" in words(run.output)
    assert len(beside.read_text().splitlines()) == 3


# --- One link -------------------------------------------------------------------------------------


def worker(run: Runner, node: str, name: str) -> dict[str, t.Any]:
    (found,) = (row for row in run("status_info", node)["incoming"] if row["name"] == name)
    return found


def test_a_link_that_is_behind_catches_up(group: Group, look: Look, run: Runner) -> None:
    with stopped([worker(run, "bravo", "alpha_bravo")["pid"]]):
        group.sql("alpha", "INSERT INTO bulk SELECT n, repeat('x', 1000) FROM generate_series(1, 4000) n")
        found = seen(look, {"alpha bravo": "catching_up"}, lag_mb=2)
        link = links(found)["alpha bravo"]
        assert link["lag_bytes"] > 2 * 2**20 and found["ok"]
        assert wrong(look()) == {}, "16 MB are the default"
    seen(look, {}, lag_mb=1)


def test_a_worker_that_waits_for_a_lock_is_told_with_who_holds_it(group: Group, look: Look) -> None:
    with group.session("bravo") as session, session.cursor() as cursor:
        cursor.execute("SET application_name = 'forgotten'; LOCK town; SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
        group.sql("alpha", "UPDATE town SET n = n + 1")
        found = links(seen(look, {"alpha bravo": "waiting_for_lock downstream"}))["alpha bravo"]
        first, second = found["evidence"]
        assert first.endswith("s for a lock on town") and second == f"PID {pid} (forgotten, postgres) holds it"
        # The mend is a command, and mends.
        command = found["mend"].partition("on the host of bravo: ")[2]
        subprocess.run([*("runuser", "-u", "postgres", "--"), *shlex.split(command)], check=True, cwd="/")
    seen(look, {})
    eventually(lambda: group.sql("bravo", "SELECT n FROM town"), group.sql("alpha", "SELECT n FROM town"))


def test_a_key_that_both_ends_have_stops_the_link_and_is_no_crash_loop(group: Group, look: Look, run: Runner) -> None:
    alone(group, "bravo", "UPDATE mail SET address = 'z' WHERE id = 2")
    group.sql("alpha", "UPDATE mail SET address = 'z' WHERE id = 1")
    found = seen(look, {"alpha bravo": "stopped_by_conflict downstream"})
    link = links(found)["alpha bravo"]
    said = "; ".join(link["evidence"])
    assert 'duplicate key value violates unique constraint "mail_address_key"; Key (address)=(z)' in said
    assert "apply UPDATE from remote relation public.mail in commit before 0/" in said
    assert "change or delete one of the two rows on this node" in link["mend"]
    told = found["nodes"]["bravo"]["findings"]
    assert any(finding.startswith("duplicate key value violates unique constraint") for finding in told)
    alone(group, "bravo", "UPDATE mail SET address = 'b' WHERE id = 2")
    run("links", "bravo")
    # It ended a moment ago, and what the log says is not of now.
    seen(look, {})
    eventually(lambda: group.sql("bravo", "SELECT address FROM mail WHERE id = 1"), [("z",)])


def test_a_worker_that_ends_again_and_again_is_a_crash_loop(group: Group, look: Look, run: Runner) -> None:
    group.sql("charlie", "DROP TABLE gone CASCADE")
    group.sql("alpha", "INSERT INTO gone VALUES (1)")
    found = links(seen(look, {"alpha charlie": "crash_looping downstream"}))["alpha charlie"]
    assert 'relation "public.gone" does not exist' in found["evidence"]
    assert found["worker_failure"]["times"] >= 2 and "schema.yml" in found["mend"]
    group.sql("charlie", CHATTER)
    again = links(look())["alpha charlie"]
    assert again["state"] == "crash_looping", "a log that says much else hides it"
    assert again["worker_failure"]["times"] >= 2
    alone(group, "charlie", "CREATE TABLE gone (id int PRIMARY KEY)")
    run("links", "charlie")
    seen(look, {})
    eventually(lambda: group.sql("charlie", "SELECT id FROM gone"), [(1,)])


def test_a_connection_that_is_disabled_or_gone_is_down_at_its_downstream(group: Group, look: Look, run: Runner) -> None:
    group.sql("bravo", "SELECT pglogical.alter_subscription_disable('charlie_bravo', true)")
    found = links(seen(look, {"charlie bravo": "down downstream"}))["charlie bravo"]
    assert "its connection on bravo is disabled" in found["evidence"][0] and found["mend"].endswith("site.yml")
    run("links", "bravo")
    seen(look, {})


def test_an_upstream_that_lets_its_downstream_in_no_more_is_the_end_at_fault(
    group: Group, look: Look, run: Runner
) -> None:
    group.sql("alpha", "ALTER ROLE bdr_replication NOLOGIN")
    for verb in ("disable", "enable"):
        group.sql("bravo", f"SELECT pglogical.alter_subscription_{verb}('alpha_bravo', true)")
    found = links(seen(look, {"alpha bravo": "down upstream"}))["alpha bravo"]
    assert any('role "bdr_replication" is not permitted to log in' in said for said in found["evidence"])
    group.sql("alpha", "ALTER ROLE bdr_replication LOGIN")
    run("links", "bravo")
    seen(look, {})


# --- A node ---------------------------------------------------------------------------------------


def test_a_node_that_hangs_is_told_of_in_time_and_is_not_called_down(group: Group, look: Look, run: Runner) -> None:
    """Every process of its server: nothing of it answers, and the others' connections to it stay."""
    with stopped(processes(group, "alpha")):
        began = time.monotonic()
        assert not run("status_info", "alpha")["answers"]
        # What the ten seconds of the whole leave to a node; how long Ansible takes depends on who else is at work here.
        assert 3 <= time.monotonic() - began < 5
        whole, found = played(group)
    assert whole.code != 0
    assert found["nodes"]["alpha"]["reason"] == "silent" and not found["ok"]
    silent = "the server of alpha cannot be reached: the server does not answer within 3 s"
    assert messages(found, "error") == [f"alpha does not answer: {silent}"]
    assert whole.errors() == ["hstat is not well: alpha does not answer"]
    assert wrong(found) == dict.fromkeys(
        ("alpha bravo", "alpha charlie", "bravo alpha", "charlie alpha"),
        "unknown",
    )
    assert links(found)["alpha bravo"]["evidence"] == [f"alpha: {silent}", "its worker on bravo is running"]
    assert links(found)["bravo alpha"]["evidence"][1].startswith("slot pgl_appdb_bravo_bravo_alpha of bravo is in use")
    seen(look, {})


def test_a_node_that_is_down_and_a_host_that_is_gone_are_told_apart(group: Group, look: Look, run: Runner) -> None:
    stop(group, "charlie")
    away = {
        **{"alpha charlie": "down downstream", "bravo charlie": "down downstream"},
        **{"charlie alpha": "down upstream", "charlie bravo": "down upstream"},
    }
    found = seen(look, away)
    assert messages(found, "error")[0].startswith("charlie is down: ")
    assert links(found)["alpha charlie"]["mend"] == "ansible-playbook playbooks/site.yml"
    group.host_variables["bravo"] = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    played_without, shown = played(group, bdr_status_fail=False)
    group.host_variables.clear()
    assert [error for error in played_without.errors() if "not well" in error] == []
    assert shown["nodes"]["bravo"]["reason"] == "unreachable"
    # bravo reads from alpha all the same.
    assert wrong(shown) == {**away, "alpha bravo": "unknown", "bravo alpha": "unknown"}
    start(group, "charlie")
    for node in NODES:
        run("links", node)
    seen(look, {})


# --- What cannot be undone comes last -------------------------------------------------------------


def test_wal_that_is_lost_is_told_with_the_command_that_seeds_again(group: Group, look: Look, run: Runner) -> None:
    stop(group, "charlie")
    states: list[str] = []
    for segment in range(12):
        group.sql("alpha", "INSERT INTO bulk VALUES (%s, 'x')", 10_000 + segment)
        group.sql("alpha", "SELECT pg_switch_wal()")
        group.sql("alpha", "CHECKPOINT")
        found = look()
        states.append(links(found)["alpha charlie"]["state"])
        if states[-1] == "wal_lost":
            break
        until = links(found)["alpha charlie"]["until_lost_bytes"]
        assert until is not None and (until > 48 * 2**20 or len(messages(found, "warning")) == 1), found["findings"]
    assert states == [*["down"] * (len(states) - 1), "wal_lost"] and len(states) > 3
    link = links(found)["alpha charlie"]
    assert link["evidence"] == ["slot pgl_appdb_alpha_alpha_charlie of alpha has lost its WAL (wal_status is lost)"]
    assert link["mend"] == "ansible-playbook playbooks/reseed.yml -e bdr_node=charlie -e bdr_confirm=charlie"
    assert wrong(found)["bravo charlie"] == "down downstream"
    start(group, "charlie")
    for node in ("alpha", "bravo"):
        run("links", node)
    seen(look, {"alpha charlie": "wal_lost upstream"})


def test_a_slot_that_is_gone_is_told_as_such(group: Group, look: Look) -> None:
    group.sql("alpha", "SELECT pg_drop_replication_slot('pgl_appdb_alpha_alpha_charlie')")
    found = links(look())["alpha charlie"]
    assert (found["state"], found["end"]) == ("slot_missing", "upstream")
    assert found["mend"] == "ansible-playbook playbooks/reseed.yml -e bdr_node=charlie -e bdr_confirm=charlie"
    run = group.play("status")
    assert run.code != 0 and run.changed() == set()
    assert run.errors() == ["hstat is not well: alpha -> charlie (appdb) is slot_missing"]
    assert "slot_missing" in run.output and run.output.count("  streaming  ") == 5
