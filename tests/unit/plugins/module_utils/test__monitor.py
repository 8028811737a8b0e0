# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs for a node, from which files, by which unit; what stands against it."""

from __future__ import annotations

import dataclasses
import re
import subprocess

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _engine
from ansible_collections.pgbdr.bdr.plugins.module_utils._monitor import (
    directory,
    dsn,
    exporter_port,
    is_monitored,
    problems,
    processes,
    unit_text,
)
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan

PLAN = node_plan(bdr_group="london")


def made(plan=PLAN, listen="127.0.0.1", port=0, seconds=10):
    return processes(plan, _engine.monitoring(plan), listen, port, seconds)


def test_an_exporter_and_a_heartbeat_run_for_a_node():
    exporter, heartbeat = made()
    assert (exporter.unit, exporter.user) == ("pgbdr_exporter-london-alpha.service", "pgbdr_monitor")
    assert (heartbeat.unit, heartbeat.user) == ("pgbdr_heartbeat-london-alpha.service", "postgres")
    assert "--web.listen-address=127.0.0.1:9187" in exporter.command
    assert [path for path, _text in exporter.files] == ["/etc/pgbdr/london/alpha/queries.yml"]
    assert heartbeat.command == ("/bin/sh", f"{directory(PLAN)}/heartbeat.sh")


def test_a_physical_standby_writes_no_heartbeat():
    plan = node_plan("charlie", own={"charlie": {"bdr_standby_of": "alpha"}})
    assert [process.name for process in made(plan)] == ["exporter"]


@pytest.mark.parametrize(
    ("listen", "wanted"), [("192.0.2.1", "=192.0.2.1:9999"), ("::1", "=[::1]:9999"), ("", "=:9999")]
)
def test_an_exporter_listens_where_it_shall(listen, wanted):
    assert made(listen=listen, port=9999)[0].command[1] == f"--web.listen-address{wanted}"


def test_the_exporter_is_told_each_database():
    plan = node_plan(bdr_databases=["appdb", "a,b %c"])
    ((name, value),) = made(plan)[0].environment
    assert name == "DATA_SOURCE_NAME"
    assert value.split(",") == [dsn(plan, database) for database in plan.databases]
    assert "@/a%2Cb%20%25c?" in value and value.count("password") == 0


def test_a_unit_says_the_same_in_its_own_words():
    exporter = made(node_plan(bdr_databases=["a b"]))[0]
    text = unit_text(PLAN, exporter)
    assert "@/a%%20b?" in text, "a % means something in a unit"
    assert f'Environment="PGBDR_WORKS_AS={exporter.works_as}"' in text
    assert "User=pgbdr_monitor\n" in text and "Restart=always\n" in text
    assert f"ExecStart={' '.join(exporter.command)}\n" in text


def test_where_there_is_no_systemd_the_command_says_it_all():
    exporter = made()[0]
    ((name, value),) = exporter.environment
    wanted = ["runuser", "-u", "pgbdr_monitor", "--", "env", "-C", "/", f"{name}={value}", *exporter.command]
    assert exporter.detached == wanted


def test_what_a_process_has_read_tells_it_from_another():
    assert [process.works_as for process in made()] == [process.works_as for process in made()]
    assert made(seconds=11)[0].works_as == made()[0].works_as
    assert made(seconds=11)[1].works_as != made()[1].works_as
    assert made(port=1)[0].works_as != made()[0].works_as


def test_the_script_is_one_that_a_shell_reads():
    plan = dataclasses.replace(node_plan(bdr_databases=["it's"]), bin_directory="/opt/pg/bin")
    script, beat = (text for _path, text in made(plan)[1].files)
    assert subprocess.run(["/bin/sh", "-n"], input=script, text=True).returncode == 0
    assert "    sleep 10\n" in script
    (call,) = re.findall("^    /opt/pg/bin/psql .*", script, re.MULTILINE)
    said = subprocess.run(["/bin/sh", "-c", f'set -- {call.strip().split(" >")[0]}; echo "$4"'], capture_output=True)
    assert b"dbname='it\\'s'" not in call.encode() and b"dbname='it\\'s'" in said.stdout
    assert "upstream = 'alpha' AND downstream = ''" in beat


@pytest.mark.parametrize(
    ("shared", "seconds", "port", "wanted"),
    [
        ({}, 10, 0, []),
        (
            {"bdr_engine": "contrib_bdr"},
            10,
            0,
            ["bdr_engine: monitoring is for the engine pglogical only so far"],
        ),
        ({"bdr_port": 65000}, 10, 0, ["bdr_monitor_port: alpha has the port 65000, and its exporter's would be 68755"]),
        ({"bdr_port": 65000}, 10, 9187, []),
        ({}, 0, 0, ["bdr_monitor_heartbeat_seconds is 0; a whole number from 1 to 3600 is wanted"]),
        ({}, 3601, 0, ["bdr_monitor_heartbeat_seconds is 3601; a whole number from 1 to 3600 is wanted"]),
    ],
)
def test_what_stands_against_it_is_told(shared, seconds, port, wanted):
    found = problems(node_plan(**shared), seconds, port)
    assert len(found) == len(wanted)
    assert all(said.startswith(begin) for said, begin in zip(found, wanted, strict=True))


def test_ports_and_engines():
    assert exporter_port(PLAN, 0) == PLAN.port + 3755 and exporter_port(PLAN, 1) == 1
    assert is_monitored(PLAN) and not is_monitored(node_plan(bdr_engine="contrib_bdr"))
