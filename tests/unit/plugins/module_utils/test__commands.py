# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command lines of the server's programs, word by word."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _commands
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import Setting
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan

WATCHED = "connect_timeout=5 keepalives_idle=10 keepalives_interval=5 keepalives_count=4"
AS_POSTGRES = "runuser -u postgres -- env -C /"
BIN = "/usr/lib/postgresql/15/bin"
HOME = "/var/lib/pgbdr/bdr/alpha"
PASSFILE = f"PGPASSFILE={HOME}/passfile"
ALPHA = node_plan()
STANDBY = node_plan("delta", "alpha bravo charlie delta", own={"delta": {"bdr_standby_of": "alpha"}})


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (_commands.as_postgres("true"), "true"),
        (
            _commands.initdb(ALPHA, f"{HOME}/new"),
            f"{BIN}/initdb -D {HOME}/new -U postgres --data-checksums --auth-local=peer --auth-host=reject "
            "--encoding=UTF8 --locale=C.UTF-8",
        ),
        (
            _commands.initdb(
                node_plan(bdr_encoding="LATIN1", bdr_locale="de_DE", bdr_bin_directory="/opt/pg/bin"), "/x"
            ),
            "/opt/pg/bin/initdb -D /x -U postgres --data-checksums --auth-local=peer --auth-host=reject "
            "--encoding=LATIN1 --locale=de_DE",
        ),
        (_commands.pg_ctl(ALPHA, "stop", "-m", "fast"), f"{PASSFILE} {BIN}/pg_ctl -D {HOME}/data stop -m fast"),
        (_commands.read_setting(ALPHA, "port"), f"{BIN}/postgres -D {HOME}/data -C port"),
    ],
)
def test_a_program_runs_as_postgres_from_a_directory_it_may_be_in(command, words):
    assert command == shlex.split(f"{AS_POSTGRES} {words}")


# --- A copy table by table ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (
            _commands.psql(ALPHA, "host=x", "SELECT 1", "COMMIT"),
            f"PGAPPNAME='pgbdr copy' {BIN}/psql -X -q -At -w -v ON_ERROR_STOP=1 -d host=x -c 'SELECT 1' -c COMMIT",
        ),
        (
            _commands.psql(ALPHA, "host=x", settings="-c a=b", encoding="UTF8"),
            f"PGAPPNAME='pgbdr copy' 'PGOPTIONS=-c a=b' PGCLIENTENCODING=UTF8 {BIN}/psql -X -q -At -w -v "
            "ON_ERROR_STOP=1 -d host=x",
        ),
        (
            _commands.pg_waldump(ALPHA, ("0001", "0002"), "0/1", "0/2"),
            f"TZ=UTC {BIN}/pg_waldump -p {HOME}/data/pg_wal -r Transaction -s 0/1 -e 0/2 0001 0002",
        ),
        (_commands.stop_loading(ALPHA, "/new", "fast"), f"{BIN}/pg_ctl -D /new -w -t 3600 -s -m fast stop"),
        (_commands.to_disk(ALPHA, "/new"), f"{BIN}/initdb -S -D /new"),
        (
            _commands.pg_dumpall_roles(ALPHA, "host=x", "appdb"),
            f"PGAPPNAME='pgbdr copy' {BIN}/pg_dumpall -w -r -d host=x -l appdb",
        ),
        (
            _commands.pg_dump_schema(ALPHA, "host=x", "00A-1", "/file"),
            f"PGAPPNAME='pgbdr copy' {BIN}/pg_dump -w -Fc --section=pre-data --section=post-data --no-subscriptions "
            "--no-blobs --exclude-schema=pglogical --lock-wait-timeout=60000 --snapshot=00A-1 -f /file -d host=x",
        ),
        (_commands.pg_restore(ALPHA, "-l", "/file"), f"{BIN}/pg_restore --exit-on-error --no-tablespaces -l /file"),
        (
            _commands.analyze(ALPHA, "/new", 5432, "appdb", 3),
            f"{BIN}/vacuumdb -w -q -Z -j 3 -h /new -p 5432 -U postgres -d appdb",
        ),
    ],
)
def test_what_a_copy_table_by_table_runs(command, words):
    assert command == shlex.split(f"{AS_POSTGRES} {words}")


@pytest.mark.parametrize(("marks_times", "wanted"), [(True, "on"), (False, "off")])
def test_a_server_that_is_loaded_is_open_to_nobody_else(marks_times, wanted):
    command = _commands.loading_server(ALPHA, "/a new", "start", marks_times=marks_times)
    options = shlex.split(command[command.index("-o") + 1])[1::2]
    assert {"listen_addresses=", "unix_socket_directories=/a new", "shared_preload_libraries="} <= set(options)
    assert f"track_commit_timestamp={wanted}" in options
    assert command[-1] == "start"


def test_a_copy_is_made_of_the_node_that_is_followed():
    """Without asking for a password, and with the WAL that it needs to start."""
    command = _commands.pg_basebackup(STANDBY, "/new")
    assert command == [
        *shlex.split(AS_POSTGRES),
        "PGPASSFILE=/var/lib/pgbdr/bdr/delta/passfile",
        *shlex.split(f"{BIN}/pg_basebackup -w -X stream -c fast -d"),
        f"{STANDBY.primary_conninfo} {WATCHED}",
        *("-D", "/new"),
    ]
    assert "host=192.0.2.11 " in STANDBY.primary_conninfo


def test_a_copy_keeps_its_wal_by_a_slot_where_one_is_named():
    named = replace(STANDBY, settings=(*STANDBY.settings, Setting("primary_slot_name", "pgbdr_seed_x", "fixed", "why")))
    found, without = _commands.pg_basebackup(named, "/new"), _commands.pg_basebackup(STANDBY, "/new")
    place = found.index("-S")
    assert found[place : place + 2] == ["-S", "pgbdr_seed_x"]
    assert [*found[:place], *found[place + 2 :]] == without


def test_a_password_is_in_no_process_list():
    shared = {"bdr_replication_password": "secret"}
    own = {"delta": {"bdr_standby_of": "alpha"}}
    standby = node_plan("delta", "alpha bravo charlie delta", own=own, **shared)
    assert "secret" not in str((_commands.pg_basebackup(standby, "/x"), _commands.pg_ctl(node_plan(**shared), "start")))
