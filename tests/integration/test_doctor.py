"""The logs of real servers: what goes wrong is recognised with its link and its mend, and over once it is mended."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import typing as t

import health
import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._doctor import diagnose
from groups import Group, eventually
from health import NODES, SETTINGS, looked_at, plan_of, with_tables
from modules import Runner, runner

BIN = "/usr/lib/postgresql/15/bin"
SITE, SCHEMA = "ansible-playbook playbooks/site.yml", "ansible-playbook playbooks/schema.yml"
PASSWORD = "no secret"
GEHEIM = "geheim-2026"


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a plex that stands, with some tables."""
    return with_tables(make_group("hdoc", 6280, NODES, bdr_settings=SETTINGS, bdr_replication_password=PASSWORD))


@pytest.fixture
def run(group: Group, capsys: pytest.CaptureFixture[str]) -> Runner:
    """Return a runner of modules on the nodes of the group."""
    return runner(group, capsys)


Look = t.Callable[[], dict[str, t.Any]]


@pytest.fixture
def look(group: Group, run: Runner) -> Look:
    """Return what puts the logs together, as doctor.yml does."""
    plan = plan_of(group)

    def found() -> dict[str, t.Any]:
        seen = looked_at(run)
        return diagnose(plan, {node: run("log_info", node) for node in NODES}, seen)

    return found


def told(found: dict[str, t.Any], state: str = "going_on") -> dict[tuple[str, str], dict[str, t.Any]]:
    """Return the errors and warnings in a state, by link and the first words of the message."""
    return {
        (finding["about"], " ".join(finding["message"].split()[:3])): finding
        for finding in found["findings"]
        if finding["state"] == state
    }


def seen(look: Look, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], dict[str, t.Any]]:
    """Wait until just that goes on, and return it."""
    found: dict[str, t.Any] = {}

    def read() -> set[tuple[str, str]]:
        found.update(look())
        return set(told(found))

    eventually(read, wanted)
    return told(found)


played = functools.partial(health.played, "doctor")


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


def kick(group: Group, node: str, subscription: str) -> None:
    for verb in ("disable", "enable"):
        group.sql(node, f"SELECT pglogical.alter_subscription_{verb}('{subscription}', true)")


def log_of(group: Group, node: str) -> str:
    return "".join(path.read_text("utf-8", "replace") for path in (group.home(node) / "log").glob("postgresql-*.log"))


# --- A group that is well -------------------------------------------------------------------------


def test_a_group_that_is_well_is_told_so_and_secrets_stay_in_the_log(group: Group, look: Look) -> None:
    with pytest.raises(Exception, match="does not exist"):
        group.sql("alpha", f"ALTER ROLE nobody PASSWORD '{GEHEIM}'")
    with pytest.raises(Exception, match="invalid input syntax"):
        group.sql("bravo", f"SELECT '{GEHEIM}'::int")
    eventually(lambda: GEHEIM in log_of(group, "alpha") and GEHEIM in log_of(group, "bravo"), True)
    run, found = played(group)
    assert run.code == 0 and run.changed() == {("Tell what the logs say", "alpha")}, "the file"
    assert found["ok"] and not told(found) and [link["state"] for link in found["links"]] == ["streaming"] * 6
    clients = {(row["node"], row["message"]): row["count"] for row in found["clients"]}
    assert clients["alpha", 'role "..." does not exist'] == 1
    assert clients["bravo", 'invalid input syntax for type integer: "..."'] == 1
    assert GEHEIM not in run.output + json.dumps(found)
    assert [row["files"] > 0 and row["lines"] > 0 for row in found["nodes"].values()] == [True] * 3
    assert group.sql("alpha", "SHOW log_lock_waits") == [("on",)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"bdr_doctor_since": "yesterday"}, "bdr_doctor_since is 'yesterday'; a time such as 90 min, 24 h or 7 d"),
        ({"bdr_query": "findings["}, "bdr_query is no JMESPath expression"),
        ({"bdr_doctor_file": "/nosuch/doctor.json"}, "bdr_doctor_file cannot be written"),
    ],
)
def test_bad_input_is_one_error(group: Group, given: dict[str, t.Any], said: str) -> None:
    run = group.play("doctor", "-e", json.dumps(given))
    assert run.code != 0 and len(run.errors()) == 1 and said in run.errors()[0]


# --- What goes wrong ------------------------------------------------------------------------------


def waits(look: Look) -> list[dict[str, t.Any]]:
    """Return what is told of changes that wait, by the link from alpha to bravo."""
    return [
        found
        for (about, _message), found in told(look()).items()
        if about == "alpha -> bravo (appdb)" and "a change waits" in found["meaning"]
    ]


def test_a_change_that_waits_for_a_lock_is_told(group: Group, look: Look) -> None:
    with group.session("bravo") as session, session.cursor() as cursor:
        cursor.execute("LOCK town")
        group.sql("alpha", "UPDATE town SET n = n + 1")
        # Standing up may have waited for a lock as well, so that the log does not tell when this one was waited for.
        eventually(lambda: len(waits(look)), 1)
        (finding,) = waits(look)
        assert finding["severity"] == "warning" and "waits for a AccessExclusiveLock" not in finding["meaning"]
        assert "a change waits for a RowExclusiveLock on relation" in finding["meaning"]
    eventually(lambda: told(look()), {})


def test_what_stops_links_is_told_by_link_with_its_mend_and_is_over_when_mended(
    group: Group, look: Look, run: Runner
) -> None:
    alone(group, "bravo", "UPDATE mail SET address = 'z' WHERE id = 2")
    group.sql("alpha", "UPDATE mail SET address = 'z' WHERE id = 1")
    alone(group, "charlie", "DROP TABLE gone CASCADE")
    group.sql("bravo", "INSERT INTO gone VALUES (1)")
    group.sql("charlie", "ALTER ROLE bdr_replication PASSWORD 'another'")
    kick(group, "bravo", "charlie_bravo")
    wanted = {
        ("alpha -> bravo (appdb)", "duplicate key value"),
        ("bravo -> charlie (appdb)", 'relation "public.gone" does'),
        ("charlie -> bravo (appdb)", "password authentication failed"),
    }
    found = seen(look, wanted)
    conflict, missing, refused = (found[key] for key in sorted(wanted))
    assert conflict["node"] == "bravo" and conflict["end"] == "downstream" and conflict["run"] == [SITE]
    assert "Key (address)=(z) already exists." in conflict["said"] and "mail_address_key" in conflict["meaning"]
    assert missing["node"] == "charlie" and missing["run"] == [SCHEMA, SITE]
    assert refused["run"] == [SITE] and PASSWORD not in json.dumps(found and list(found.values()))
    whole, written = played(group)
    assert whole.code != 0 and not written["ok"] and set(told(written)) == wanted
    assert whole.errors() == [
        "hdoc is not well: "
        + "; ".join(f"{each['about']}: {each['message']}" for each in written["findings"] if each["going_on"])
    ]
    assert "error, going on: alpha -> bravo (appdb): duplicate key value" in whole.output
    assert f"  run: {SCHEMA}" in whole.output
    asked = group.must(
        "doctor", "-e", json.dumps({"bdr_query": "length(findings[?going_on])", "bdr_doctor_fail": False})
    )
    assert "bdr_doctor_report.answer: 3" in asked.output and "going on:" not in asked.output

    alone(group, "bravo", "UPDATE mail SET address = 'b' WHERE id = 2")
    alone(group, "charlie", "CREATE TABLE gone (id int PRIMARY KEY)")
    group.sql("charlie", f"ALTER ROLE bdr_replication PASSWORD '{PASSWORD}'")
    for node in ("bravo", "charlie"):
        run("links", node)
    eventually(lambda: group.sql("charlie", "SELECT id FROM gone"), [(1,)])
    eventually(lambda: told(look()), {})
    over = told(look(), "over")
    assert wanted <= set(over)
    assert {over[key]["why"] for key in wanted} == {"the link is streaming"}
    whole, _written = played(group)
    assert whole.code == 0 and "error, over: alpha -> bravo (appdb): duplicate key value" in whole.output


def test_the_log_of_a_server_that_is_down_is_read(group: Group, look: Look, run: Runner) -> None:
    home = group.home("alpha")
    os.kill(int((home / "data/postmaster.pid").read_text().split()[0]), signal.SIGINT)
    eventually((home / "data/postmaster.pid").exists, False)
    for node in ("bravo", "charlie"):
        kick(group, node, f"alpha_{node}")
    wanted = {(f"alpha -> {node} (appdb)", "could not connect") for node in ("bravo", "charlie")}

    def going_on() -> set[tuple[str, str]]:
        return {(about, said) for about, said in told(look()) if about != "alpha"}

    eventually(going_on, wanted)
    found = look()
    assert found["nodes"]["alpha"]["server"] == "down" and found["nodes"]["alpha"]["lines"] > 0
    assert ("alpha", "its server is") in told(found) and not found["ok"]
    command = ["runuser", "-u", "postgres", "--", "env", f"PGPASSFILE={home}/passfile", f"{BIN}/pg_ctl"]
    arguments = ["-D", f"{home}/data", "-l", f"{home}/log/startup.log", "-w", "start"]
    subprocess.run([*command, *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL)
    for node in NODES:
        run("links", node)
    eventually(lambda: told(look()), {})


def test_a_slot_that_is_gone_and_wal_that_is_lost_ask_for_a_seeding(group: Group, look: Look) -> None:
    for subscription in ("bravo_alpha", "charlie_alpha"):
        group.sql("alpha", f"SELECT pglogical.alter_subscription_disable('{subscription}', true)")
    gone = "SELECT active FROM pg_replication_slots WHERE slot_name = 'pgl_appdb_bravo_bravo_alpha'"
    eventually(lambda: group.sql("bravo", gone), [(False,)])
    group.sql("bravo", "SELECT pg_drop_replication_slot('pgl_appdb_bravo_bravo_alpha')")
    for _segment in range(10):
        group.sql("charlie", "SELECT pg_logical_emit_message(false, 'x', 'y')")
        group.sql("charlie", "SELECT pg_switch_wal()")
    group.sql("charlie", "CHECKPOINT")
    lost = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'pgl_appdb_charlie_charlie_alpha'"
    eventually(lambda: group.sql("charlie", lost), [("lost",)])
    for subscription in ("bravo_alpha", "charlie_alpha"):
        group.sql("alpha", f"SELECT pglogical.alter_subscription_enable('{subscription}', true)")
    reseed = "ansible-playbook playbooks/reseed.yml -e bdr_node=alpha -e bdr_confirm=alpha"

    def asked() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for finding in look()["findings"]:
            if finding["going_on"] and finding["run"] == [reseed]:
                found.setdefault(finding["about"], set()).add(finding["node"])
        return found

    # Both ends tell of it.
    both = {"bravo -> alpha (appdb)": {"alpha", "bravo"}, "charlie -> alpha (appdb)": {"alpha", "charlie"}}
    eventually(asked, both)
