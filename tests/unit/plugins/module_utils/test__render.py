# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts of a node's files."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _render
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import HbaRule, Setting
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan

BANNER = "# Written by pgbdr.bdr for the group bdr, node alpha. Changes here are overwritten."


def knows_nothing(name: str) -> bool:
    return False


def lines_of_settings(*found: Setting) -> list[str]:
    banner, *lines = _render.settings(replace(node_plan(), settings=found), knows_nothing).splitlines()
    assert banner == BANNER
    return lines


def lines_of_hba(*rules: HbaRule, operator: tuple[str, ...] = ()) -> list[str]:
    banner, *lines = _render.hba(replace(node_plan(), hba=rules, operator_hba=operator)).splitlines()
    assert banner == BANNER
    return lines


@pytest.mark.parametrize(
    ("value", "quoted"),
    [
        ("", "''"),
        ("logical", "'logical'"),
        ("16 MB", "'16 MB'"),
        ("it's", "'it''s'"),
        ("back\\slash", "'back\\\\slash'"),
        ("\\'", "'\\\\'''"),
        ("%m [%p] # é", "'%m [%p] # é'"),
        ("host=192.0.2.11 dbname='my db'", "'host=192.0.2.11 dbname=''my db'''"),
    ],
)
def test_a_setting_is_quoted_and_gives_its_reason(value, quoted):
    assert lines_of_settings(Setting("name", value, "fixed", "why")) == [f"name = {quoted}  # why"]


def test_settings_are_one_a_line_in_the_order_of_the_plan():
    found = lines_of_settings(Setting("b", "2", "fixed", "two"), Setting("a", "1", "fixed", "one"))
    assert found == ["b = '2'  # two", "a = '1'  # one"]
    assert _render.settings(node_plan(), knows_nothing).endswith("\n")


@pytest.mark.parametrize(("known", "written"), [([], []), (["other"], []), (["new"], ["new = 'x'  # why"])])
def test_a_setting_that_is_probed_is_written_where_the_server_knows_it(known, written):
    """Of other settings nothing is asked: that they are known is the plan's matter."""
    asked: list[str] = []

    def knows(name: str) -> bool:
        asked.append(name)
        return name in known

    old, new = Setting("old", "x", "fixed", "why"), Setting("new", "x", "list", "why", probed=True)
    lines = _render.settings(replace(node_plan(), settings=(old, new)), knows).splitlines()[1:]
    assert lines == ["old = 'x'  # why", *written]
    assert asked == ["new"]


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (HbaRule("local", "all", "postgres", "", "peer", "map=pgbdr"), "local all postgres peer map=pgbdr"),
        (HbaRule("local", "all", "all", "", "peer"), "local all all peer"),
        (
            HbaRule("host", "appdb", "bdr_replication", "192.0.2.12/32", "scram-sha-256"),
            "host appdb bdr_replication 192.0.2.12/32 scram-sha-256",
        ),
        (HbaRule("hostssl", '"my db"', "u", "bravo", "md5"), 'hostssl "my db" u bravo md5'),
        (HbaRule("host", "replication", "u", "::1/128", "md5"), "host replication u ::1/128 md5"),
    ],
)
def test_an_access_rule_is_written_as_it_stands(rule, line):
    assert lines_of_hba(rule) == [line]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("appdb", "appdb"),
        ("_app_2", "_app_2"),
        ("alltogether", "alltogether"),
        # Keywords of the field
        ("all", '"all"'),
        ("replication", '"replication"'),
        ("sameuser", '"sameuser"'),
        ("samerole", '"samerole"'),
        ("samegroup", '"samegroup"'),
        # No plain words
        ("", '""'),
        ("2nd", '"2nd"'),
        ("Orders", '"Orders"'),
        ("my db", '"my db"'),
        ("app-db", '"app-db"'),
        ("a,b", '"a,b"'),
        ("+admins", '"+admins"'),
        ("@file", '"@file"'),
        ("#x", '"#x"'),
        ('say "x"', '"say ""x"""'),
        ("Ünïted", '"Ünïted"'),
        ("ünited", '"ünited"'),
        ("a\n", '"a\n"'),
    ],
)
def test_a_name_is_quoted_where_it_is_no_plain_word(name, wanted):
    assert _render.hba_name(name) == wanted


def test_the_operator_s_lines_stand_behind_ours():
    rule = HbaRule("local", "all", "all", "", "peer")
    line = "host all app 198.51.100.0/24 scram-sha-256"
    assert lines_of_hba(rule, operator=(line,)) == ["local all all peer", line]


@pytest.mark.parametrize(
    ("database", "field"), [("all", '"all"'), ("sameuser", '"sameuser"'), ("my db", '"my db"'), ("appdb", "appdb")]
)
def test_a_database_called_all_is_only_itself(database, field):
    lines = _render.hba(node_plan(names="alpha bravo", bdr_databases=[database])).splitlines()
    assert [line for line in lines if line.startswith("host")] == [
        f"host {field} bdr_replication 192.0.2.12 scram-sha-256"
    ]


def test_a_closed_node_lets_its_downstreams_and_the_superuser_in_and_nobody_else():
    open_ = node_plan(bdr_hba=["host appdb app 198.51.100.0/24 scram-sha-256"])
    closed = _render.closed(open_)
    gone = set(_render.hba(open_).splitlines()) - set(_render.hba(closed).splitlines())
    assert gone == {"local all all peer", "host appdb app 198.51.100.0/24 scram-sha-256"}
    assert [line.split()[:3] for line in _render.hba(closed).splitlines()[1:]] == [
        ["local", "all", "postgres"],
        ["host", "appdb", "bdr_replication"],
        ["host", "appdb", "bdr_replication"],
    ]
    assert replace(closed, hba=open_.hba, operator_hba=open_.operator_hba) == open_


def test_replication_stays_the_keyword_where_it_is_meant():
    lines = _render.hba(node_plan(names="alpha bravo", bdr_engine="contrib_bdr", bdr_databases=["all"])).splitlines()
    assert lines[-2:] == [
        'host "all" bdr_replication 192.0.2.12 md5',
        "host replication bdr_replication 192.0.2.12 md5",
    ]


def test_ident_maps_root_and_postgres():
    assert _render.ident() == "pgbdr postgres postgres\npgbdr root postgres\n"


CHECK = ("/bin/sh check start", "/bin/sh check note")


def test_the_unit_of_a_server_that_notifies():
    lines = _render.unit(node_plan(), "/opt/pg/bin", notifies=True, check=CHECK).splitlines()
    assert lines[0] == BANNER
    assert "Type=notify" in lines
    assert "ExecStart=/opt/pg/bin/postgres -D /var/lib/pgbdr/bdr/alpha/data" in lines
    assert not any(line.startswith("PIDFile") for line in lines)


def test_the_unit_of_a_server_that_does_not():
    lines = _render.unit(node_plan(), "/opt/pg/bin", notifies=False, check=CHECK).splitlines()
    assert "Type=forking" in lines
    assert "PIDFile=/var/lib/pgbdr/bdr/alpha/data/postmaster.pid" in lines
    (start,) = [line for line in lines if line.startswith("ExecStart=")]
    assert start.startswith("ExecStart=/opt/pg/bin/pg_ctl -D /var/lib/pgbdr/bdr/alpha/data -w ")
    assert start.endswith("-l /var/lib/pgbdr/bdr/alpha/log/startup.log start")


@pytest.mark.parametrize("notifies", [True, False])
def test_both_units_run_as_postgres_and_hold_no_secret(notifies):
    lines = _render.unit(node_plan(), "/opt/pg/bin", notifies=notifies, check=CHECK).splitlines()
    assert {"User=postgres", "Group=postgres", "Restart=on-failure", "WantedBy=multi-user.target"} <= set(lines)
    assert "Environment=PGPASSFILE=/var/lib/pgbdr/bdr/alpha/passfile" in lines
    # A failure of the first keeps the server down; behind its end it is too late for one.
    assert {"ExecStartPre=/bin/sh check start", "ExecStopPost=-/bin/sh check note"} <= set(lines)
    assert [line for line in lines if line.startswith("[")] == ["[Unit]", "[Service]", "[Install]"]


def test_the_include_lines_name_their_files():
    assert _render.INCLUDE_LINE == "include 'pgbdr.conf'\n"
    # The file of the connections comes with the databases, after the server's first start.
    assert _render.INCLUDE_CONNECTIONS == "include_if_exists 'pgbdr_connections.conf'\n"
    assert _render.SETTINGS_FILE in _render.INCLUDE_LINE
    assert _render.CONNECTIONS_FILE in _render.INCLUDE_CONNECTIONS


# --- The file of connections, written and read ----------------------------------------------------


def connections_text(*found: Setting) -> str:
    return _render.connections(node_plan(), found)


def test_connections_are_written_as_settings_are():
    lines = connections_text(Setting("bdr.connections", "b", "fixed", "two"), Setting("a.b", "1", "fixed", "x"))
    assert lines.splitlines() == [BANNER, "bdr.connections = 'b'  # two", "a.b = '1'  # x"]
    assert connections_text() == f"{BANNER}\n"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bravo, charlie",
        "host=192.0.2.12 dbname='my db'",
        "'",
        "''",
        "'" * 3,
        "\\",
        "\\\\",
        "\\'",
        "'\\",
        "it's \\'so\\' # not a remark",
        "a = 'b'",
        "é",
    ],
)
@pytest.mark.parametrize("why", ["why", "it's", "x = 'y'", "'"])
def test_a_setting_is_read_as_it_was_written(value, why):
    other = Setting("bdr.z_9.dsn", "z", "fixed", why)
    text = connections_text(Setting("bdr.a.dsn", value, "fixed", why), other)
    assert _render.settings_in(text) == {"bdr.a.dsn": value, "bdr.z_9.dsn": "z"}


@pytest.mark.parametrize("text", ["", "\n", f"{BANNER}\n", "# a = 'b'\n", "a = b\n", "a = 'b\n"])
def test_what_is_no_line_of_ours_is_not_read(text):
    assert _render.settings_in(text) == {}


def test_a_line_written_by_hand_is_read_too():
    assert _render.settings_in("  a='b'\n") == {"a": "b"}


# --- recovery.conf --------------------------------------------------------------------------------


def test_a_standby_before_postgresql_12_has_its_way_to_the_primary_in_a_file():
    conninfo = "host=192.0.2.11 user='it''s me'"
    plan = replace(node_plan(), standby_of="bravo", primary_conninfo=conninfo)
    assert _render.recovery(plan).splitlines() == [
        BANNER,
        "standby_mode = 'on'  # a physical standby",
        "primary_conninfo = 'host=192.0.2.11 user=''it''''s me'''  # bdr_standby_of: bravo",
        "recovery_target_timeline = 'latest'  # follows its primary through a failover",
    ]
    assert _render.settings_in(_render.recovery(plan))["primary_conninfo"] == conninfo


# --- The operator's files -------------------------------------------------------------------------

OURS = _render.INCLUDE_LINE
BOTH = _render.INCLUDE_LINE + _render.INCLUDE_CONNECTIONS


@pytest.mark.parametrize("text", ["", "a = 1\n", "a = 1\n# b = 2\n\n", "include 'mine.conf'\n"])
def test_our_files_are_included_behind_what_the_operator_has(text):
    assert _render.including(text, False) == text + OURS
    assert _render.including(text, True) == text + BOTH


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (OURS, ""),
        (BOTH, ""),
        (f"a = 1\n{BOTH}", "a = 1\n"),
        # What was written behind them since goes before them, so that ours win.
        (f"{BOTH}a = 1\n", "a = 1\n"),
        (f"{OURS}a = 1\n{OURS}", "a = 1\n"),
        (f"  {OURS.strip()}  \na = 1\n", "a = 1\n"),
        (OURS.strip(), ""),
        # A last line without its end is ended first.
        ("a = 1", "a = 1\n"),
        # A comment is the operator's.
        (f"#{OURS}", f"#{OURS}"),
    ],
)
@pytest.mark.parametrize(("has_connections", "ours"), [(False, OURS), (True, BOTH)])
def test_our_files_are_included_once_and_last(text, rest, has_connections, ours):
    found = _render.including(text, has_connections)
    assert found == rest + ours
    assert _render.including(found, has_connections) == found


HEAD = "# Do not edit this file manually!\n# It will be overwritten by the ALTER SYSTEM command.\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD,
        # The same once more
        "wal_level = 'logical'\n",
        # The operator's own, and what may be set as he likes
        "work_mem = '64MB'\n",
        "max_slot_wal_keep_size = '10GB'\n",
        "jit = 'on'\n",
        "# wal_level = 'replica'\n",
        "primary_conninfo = 'host=''a b'''\n",
    ],
)
def test_what_alter_system_may_set(text):
    assert [*_render.overrides(node_plan(bdr_settings={"jit": False}), text)] == []


def test_what_alter_system_set_otherwise_is_told_with_the_mend():
    text = f"{HEAD}work_mem = '64MB'\nwal_level = 'replica'\nmax_wal_senders = '99'\n"
    assert [*_render.overrides(node_plan(), text)] == [
        "postgresql.auto.conf of alpha sets wal_level to 'replica', wanted is 'logical'. "
        "Run ALTER SYSTEM RESET wal_level there, and set it in bdr_settings if it may differ",
        "postgresql.auto.conf of alpha sets max_wal_senders to '99', wanted is '9'. "
        "Run ALTER SYSTEM RESET max_wal_senders there, and set it in bdr_settings if it may differ",
    ]


def test_what_alter_system_set_is_compared_as_the_server_reads_it():
    plan = replace(node_plan(), settings=(Setting("a.b", "it's\\", "fixed", "why"),))
    assert [*_render.overrides(plan, "a.b = 'it''s\\\\'\n")] == []
    assert len([*_render.overrides(plan, "a.b = 'its'\n")]) == 1
