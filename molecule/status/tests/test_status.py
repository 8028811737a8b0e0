# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What status.yml tells of a group in trouble, on hosts of their own. Each test but the last mends what it broke."""

from __future__ import annotations

import json
import subprocess
import typing as t
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from nodes import Node, eventually, partition
from plays import Runner, player

EVERYBODY = ("alpha", "charlie", "echo")
LINKS = [f"{upstream} {downstream}" for upstream in EVERYBODY for downstream in EVERYBODY if upstream != downstream]
TABLES = """
CREATE TABLE town (id int PRIMARY KEY, n int);
CREATE TABLE mail (id int PRIMARY KEY, address text UNIQUE);
CREATE TABLE gone (id int PRIMARY KEY);
"""
# What would be another if anything had been written on a node.
STATE = """
SELECT pg_snapshot_xmax(pg_current_snapshot()), pg_conf_load_time();
SELECT slot_name, active FROM pg_replication_slots ORDER BY 1;
SELECT sub_name, sub_enabled FROM pglogical.subscription ORDER BY 1;
"""
# What a row gets by it stays on the node.
ALONE = """
SELECT pg_replication_origin_create('here') WHERE NOT EXISTS (SELECT FROM pg_replication_origin WHERE roname = 'here');
SELECT pg_replication_origin_session_setup('here');
"""
# A worker that failed, as it does while the other end is away, is tried again after three minutes at the latest.
RETRIED_SECONDS = 240
WAL = "SELECT pg_logical_emit_message(false, 'fill', repeat('x', 4000000)) FROM generate_series(1, 8)"

Look = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def play(nodes: dict[str, Node], tmp_path: Path) -> Runner:
    """Return what runs a playbook on the hosts, as an operator's inventory would name them."""
    return player(nodes, tmp_path)


@pytest.fixture
def look(play: Runner, tmp_path: Path) -> Look:
    """Return what runs status.yml and returns its JSON."""

    def found(run: Runner = play) -> dict[str, t.Any]:
        file = tmp_path / "status.json"
        file.unlink(missing_ok=True)
        done = run(EVERYBODY, "status", "-e", f"bdr_status_file={file}", "-e", "bdr_status_fail=false", must=False)
        assert file.exists(), done.output
        told: dict[str, t.Any] = json.loads(file.read_text())
        return told

    return found


def states(found: dict[str, t.Any], *names: str) -> dict[str, str]:
    """Return the state of the links that are named, else of those that do not stream."""
    told = {f"{link['upstream']} {link['downstream']}": link["state"] for link in found["links"]}
    return {name: state for name, state in told.items() if (name in names if names else state != "streaming")}


def errors(found: dict[str, t.Any]) -> list[str]:
    return [finding["message"] for finding in found["findings"] if finding["severity"] == "error"]


def of(name: str) -> list[str]:
    """Return the links of a node."""
    return [link for link in LINKS if name in link.split()]


@contextmanager
def hangs(command: str, again: str, node: Node) -> t.Iterator[None]:
    node.run(command, node.unit)
    try:
        yield
    finally:
        node.run(again, node.unit)


@contextmanager
def frozen(name: str) -> t.Iterator[None]:
    """Freeze a host: it takes connections, as far as its kernel does that alone, and answers nothing."""
    container = f"pgbdr-status-{name}"
    subprocess.run(["podman", "pause", container], check=True, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        subprocess.run(["podman", "unpause", container], check=True, stdout=subprocess.DEVNULL)


def test_a_group_that_is_well_is_left_as_it_is(look: Look, nodes: dict[str, Node]) -> None:
    for node in nodes.values():
        node.psql(TABLES)
    nodes["alpha"].psql("INSERT INTO town VALUES (1, 1); INSERT INTO mail VALUES (1, 'a'), (2, 'b')")
    for node in nodes.values():
        eventually(lambda node=node: node.psql("SELECT count(*) FROM mail"), "2")
    eventually(lambda: states(look()), {}, RETRIED_SECONDS)
    before = {name: node.psql(STATE) for name, node in nodes.items()}
    found = look()
    assert found["ok"] and found["findings"] == [] and len(found["links"]) == len(LINKS)
    assert {name: node.psql(STATE) for name, node in nodes.items()} == before


def test_a_line_that_is_cut_is_seen_at_both_of_its_links_alone(look: Look, nodes: dict[str, Node]) -> None:
    with partition(nodes["alpha"], nodes["charlie"]):
        nodes["alpha"].psql("UPDATE town SET n = n + 1")
        eventually(lambda: sorted(states(look())), ["alpha charlie", "charlie alpha"], 60)
        assert "unknown" not in states(look()).values(), "both ends answer"
    eventually(lambda: states(look()), {}, RETRIED_SECONDS)
    eventually(lambda: nodes["charlie"].psql("SELECT n FROM town"), nodes["alpha"].psql("SELECT n FROM town"))


def test_a_server_that_hangs_is_told_of_and_the_others_stream(look: Look, nodes: dict[str, Node]) -> None:
    with hangs("systemctl kill --signal=STOP %s", "systemctl kill --signal=CONT %s", nodes["charlie"]):
        found = look()
        assert found["nodes"]["charlie"]["reason"] == "silent"
        assert errors(found)[0].startswith("charlie does not answer")
        assert sorted(states(found)) == of("charlie")
    eventually(lambda: states(look()), {}, RETRIED_SECONDS)


def test_a_host_that_hangs_is_told_of_and_the_others_stream(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    # As Ansible has it by default: a connection that is held open, and nobody looks whether it is alive.
    monkeypatch.setenv("ANSIBLE_SSH_ARGS", "-C -o ControlMaster=auto -o ControlPersist=60s")
    look()
    with frozen("charlie"):
        found = look()
    assert found["nodes"]["charlie"]["reason"] == "unreachable"
    assert sorted(states(found)) == of("charlie")
    eventually(lambda: states(look()), {}, RETRIED_SECONDS)


def test_a_server_that_is_down_is_told_with_what_starts_it(look: Look, nodes: dict[str, Node]) -> None:
    with hangs("systemctl stop %s", "systemctl start %s", nodes["charlie"]):
        found = look()
        assert found["nodes"]["charlie"]["reason"] == "down"
        assert states(found) == dict.fromkeys(of("charlie"), "down")
    eventually(lambda: states(look()), {}, RETRIED_SECONDS)


def test_a_clock_that_is_wrong_is_told(look: Look, nodes: dict[str, Node], tmp_path: Path) -> None:
    """Hosts here share their clock, so what looks at echo's is told another time."""
    echo, skewed = nodes["echo"], "/usr/local/bin/python3-ahead"
    echo.run("apt-get -q update && apt-get -qy install --no-install-recommends faketime")
    echo.run(
        "printf '#!/bin/sh\\nexec faketime -f +60s /usr/bin/python3 \"$@\"\\n' > %s && chmod +x %s", skewed, skewed
    )
    variable = "ansible_python_interpreter"
    found = {
        name: replace(node, variables={**node.variables, variable: "/usr/bin/python3"}) for name, node in nodes.items()
    }
    found["echo"].variables[variable] = skewed  # type: ignore[index]
    told = look(player(found, tmp_path, own=(variable,)))
    assert [error for error in errors(told) if "clock" in error] != []
    assert 50_000 < told["nodes"]["echo"]["clock"]["offset_ms"] < 70_000
    assert states(told) == {}


def test_what_stops_links_is_told_apart_all_at_once(look: Look, play: Runner, nodes: dict[str, Node]) -> None:
    alpha, charlie, echo = nodes.values()
    # alpha to charlie: both have the address; alpha to echo: the table is missing there.
    charlie.psql(f"{ALONE} UPDATE mail SET address = 'z' WHERE id = 2")
    echo.psql("DROP TABLE gone CASCADE")
    # charlie to alpha: somebody holds the table.
    hold = "psql -h /var/run/postgresql -U postgres -d appdb -c 'BEGIN; LOCK town; SELECT pg_sleep(600)'"
    alpha.run(f"systemd-run --unit=molecule-lock {hold}")
    eventually(
        lambda: alpha.psql(
            "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'town'::regclass"
        ),
        "1",
    )
    charlie.psql("UPDATE town SET n = n + 1")
    # charlie to echo: disabled; echo to alpha: the slot is gone.
    echo.psql("SELECT pglogical.alter_subscription_disable('charlie_echo', true)")
    alpha.psql("SELECT pglogical.alter_subscription_disable('echo_alpha', true)")
    slot = "pgl_appdb_echo_echo_alpha"
    eventually(lambda: echo.psql(f"SELECT active FROM pg_replication_slots WHERE slot_name = '{slot}'"), "f")
    echo.psql(f"SELECT pg_drop_replication_slot('{slot}')")
    alpha.psql("UPDATE mail SET address = 'z' WHERE id = 1")
    alpha.psql("INSERT INTO gone VALUES (1)")
    wanted = {
        **{"alpha charlie": "stopped_by_conflict", "alpha echo": "crash_looping", "charlie alpha": "waiting_for_lock"},
        **{"charlie echo": "down", "echo alpha": "slot_missing", "echo charlie": "streaming"},
    }
    eventually(lambda: states(look(), *LINKS), wanted, 60)


def test_what_was_said_is_what_mends(look: Look, play: Runner, nodes: dict[str, Node]) -> None:
    alpha, charlie, echo = nodes.values()
    mends = {f"{link['upstream']} {link['downstream']}": link["mend"] for link in look()["links"]}
    assert "change or delete one of the two rows on this node" in mends["alpha charlie"]
    charlie.psql(f"{ALONE} UPDATE mail SET address = 'b' WHERE id = 2")
    assert "schema.yml" in mends["alpha echo"]
    echo.psql(f"{ALONE} CREATE TABLE gone (id int PRIMARY KEY)")
    command = mends["charlie alpha"].partition("on the host of alpha: ")[2]
    alpha.run(command)
    assert mends["charlie echo"] == "ansible-playbook playbooks/site.yml"
    assert mends["echo alpha"] == "ansible-playbook playbooks/reseed.yml -e bdr_node=alpha -e bdr_confirm=alpha"
    play(EVERYBODY, "reseed", "-e", "bdr_node=alpha", "-e", "bdr_confirm=alpha")
    eventually(lambda: states(look()), {}, RETRIED_SECONDS)
    assert "alpha, charlie, echo: equal" in play(EVERYBODY, "compare").output


def test_the_exporter_and_the_heartbeat_are_services(play: Runner, nodes: dict[str, Node], tmp_path: Path) -> None:
    given = ("-e", f"bdr_monitor_directory={tmp_path}/monitor", "-e", "bdr_monitor_heartbeat_seconds=1")
    play(EVERYBODY, "monitor", *given)
    assert play(EVERYBODY, "monitor", *given).output.count("changed=0") == len(EVERYBODY)
    for name, node in nodes.items():
        for what in ("exporter", "heartbeat"):
            unit = f"pgbdr_{what}-bdr-{name}.service"
            service = node.host.service(unit)
            assert service.is_running and service.is_enabled
            before = node.run("systemctl show --property=MainPID --value %s", unit)
            node.run("systemctl kill --signal=KILL %s", unit)
            eventually(
                lambda node=node, unit=unit, before=before: (
                    node.run("systemctl show --property=MainPID --value %s", unit) not in (before, "0")
                ),
                True,
            )
        eventually(lambda node=node: up(node), {"1"})
    play(EVERYBODY, "monitor", *given, "-e", "bdr_monitor_state=absent")
    for name, node in nodes.items():
        assert not node.host.service(f"pgbdr_heartbeat-bdr-{name}.service").is_running
        assert not node.host.file(f"/etc/pgbdr/bdr/{name}").exists


def up(node: Node) -> set[str]:
    """Return what the exporter says of the node's connections."""
    ask = "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:9187/metrics').read().decode())"
    done = node.host.run("python3 -c %s", ask)
    return {line.split()[-1] for line in done.stdout.splitlines() if line.startswith("bdr_connection_up{")}


def test_wal_that_is_lost_is_told_last_since_only_seeding_mends_it(look: Look, nodes: dict[str, Node]) -> None:
    charlie = nodes["charlie"]
    charlie.run("systemctl stop %s", charlie.unit)
    lost = "SELECT count(*) FROM pg_replication_slots WHERE wal_status = 'lost'"
    for _attempt in range(20):
        for statement in (WAL, "SELECT pg_switch_wal()", "CHECKPOINT"):
            nodes["alpha"].psql(statement)
        if nodes["alpha"].psql(lost) != "0":
            break
    found = look()
    assert states(found) == {**dict.fromkeys(of("charlie"), "down"), "alpha charlie": "wal_lost"}
    (link,) = (link for link in found["links"] if link["state"] == "wal_lost")
    assert link["mend"] == "ansible-playbook playbooks/reseed.yml -e bdr_node=charlie -e bdr_confirm=charlie"
