# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers of each time have for their slots, and the names they take. The SQL is run in tests/integration."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _slot_dialects
from ansible_collections.pgbdr.bdr.plugins.module_utils._slot_dialects import (
    DIALECTS,
    PROBE,
    SlotRefused,
    name_problem,
    probe,
)
from ansible_collections.pgbdr.bdr.tests.unit.builders import FakeSession

NEW_WAL = ["function pg_current_wal_lsn"]
SERVERS = {
    "PostgreSQL 15": [
        *NEW_WAL,
        "view pg_replication_slots",
        "function pg_create_logical_replication_slot",
        *(f"column {name}" for name in ("slot_type", "datoid", "active_pid", "catalog_xmin", "restart_lsn")),
        *("column wal_status", "column safe_wal_size", "column confirmed_flush_lsn"),
        *("column flush_lsn", "column replay_lag"),
    ],
    "0.7": [
        "view pg_replication_slots",
        "function pg_create_logical_replication_slot",
        *(f"column {name}" for name in ("slot_type", "datoid", "catalog_xmin", "restart_lsn")),
        "column flush_location",
    ],
    "0.5": [
        "view pg_replication_slots",
        "function pg_create_decoding_replication_slot",
        *(f"column {name}" for name in ("slot_type", "datoid", "catalog_xmin", "restart_lsn")),
    ],
    "0.4": ["view pg_stat_logical_decoding", "function init_logical_replication", "column database"],
    "0.4 without functions": ["view pg_stat_logical_decoding", "column database"],
    "0.3": ["view pg_stat_logical_replication", "column database"],
}


class Told(FakeSession):
    """A server that has some things, and answers any query with the rows given last."""

    def __init__(self, has: list[str], rows: list[dict]) -> None:
        super().__init__({PROBE: [{"has": name} for name in has]})
        self.told = rows

    def rows(self, text, values=None):
        if text == PROBE:
            return super().rows(text, values)
        self.asked.append((text, values))
        return self.told


@pytest.mark.parametrize(
    ("server", "create", "drop", "by_walsender", "keeps_wal", "tells_process"),
    [
        ("PostgreSQL 15", "pg_create_logical_replication_slot", "pg_drop_replication_slot", False, True, True),
        ("0.7", "pg_create_logical_replication_slot", "pg_drop_replication_slot", False, True, False),
        ("0.5", "pg_create_decoding_replication_slot", "pg_drop_replication_slot", False, True, False),
        ("0.4", "init_logical_replication", "stop_logical_replication", False, False, False),
        ("0.4 without functions", "INIT_LOGICAL_REPLICATION", "FREE_LOGICAL_REPLICATION", True, False, False),
        ("0.3", "INIT_LOGICAL_REPLICATION", "FREE_LOGICAL_REPLICATION", True, False, False),
    ],
)
def test_a_server_is_told_by_what_it_has(server, create, drop, by_walsender, keeps_wal, tells_process):
    found = probe(Told(SERVERS[server], []))
    assert create in found.dialect.create and drop in found.dialect.drop
    assert found.dialect.by_walsender is by_walsender
    # Of commands there is none that leaves a slot in use alone.
    assert bool(found.dialect.drop_if_idle) is not by_walsender
    assert (found.keeps_wal, found.tells_process) == (keeps_wal, tells_process)


def test_a_server_without_logical_slots_is_refused():
    with pytest.raises(SlotRefused, match="the server knows no logical slots"):
        probe(Told(NEW_WAL, []))


def test_everything_a_dialect_is_told_by_is_asked_for():
    asked = _slot_dialects._PROBED
    for dialect in DIALECTS:
        kind, name = dialect.has.split()
        assert name in asked[f"{kind}s"] and dialect.view in asked["views"]


@pytest.mark.parametrize(
    ("server", "there", "not_there"),
    [
        (
            "PostgreSQL 15",
            ["pg_wal_lsn_diff(", "s.slot_type AS kind", "s.active_pid AS pid", "s.wal_status AS", "s.datoid"],
            ["xlog", "NULL::", "{"],
        ),
        (
            "0.7",
            ["pg_xlog_location_diff(", "NULL::int AS pid", "NULL::text AS wal_status", "age(s.catalog_xmin)"],
            ["pg_wal", "s.active_pid", "s.safe_wal_size"],
        ),
        (
            "0.4",
            ["'logical'::text AS kind", "NULL::bigint AS wal_held_bytes", "d.oid = s.database"],
            ["restart_lsn", "s.catalog_xmin", "s.slot_type"],
        ),
        ("0.3", ["FROM pg_stat_logical_replication s"], ["restart_lsn"]),
    ],
)
def test_only_columns_that_are_there_are_asked_for(server, there, not_there):
    session = Told(SERVERS[server], [{"name": "one"}])
    assert probe(session).slots(session) == [{"name": "one"}]
    query = session.asked[-1][0]
    assert [text for text in there if text not in query] == []
    assert [text for text in not_there if text in query] == []


@pytest.mark.parametrize(
    ("server", "function"), [("PostgreSQL 15", "pg_walfile_name(pg_current_wal_lsn("), ("0.4", "pg_xlogfile_name(pg_")]
)
def test_the_timeline_is_the_start_of_a_wal_file_s_name(server, function):
    session = Told(SERVERS[server], [{"name": "0000001A0000000000000002"}])
    assert probe(session).timeline(session) == 26
    assert function in session.asked[-1][0]


def test_walsenders_come_as_the_server_has_them():
    session = Told(SERVERS["0.4"], [{"pid": 5}])
    assert probe(session).walsenders(session) == [{"pid": 5}]


MODERN, OLD = DIALECTS[0], DIALECTS[2]
COMMANDS = DIALECTS[3]


@pytest.mark.parametrize(
    ("name", "dialect", "problem"),
    [
        ("a_1", MODERN, ""),
        ("x" * 63, MODERN, ""),
        ("x" * 64, MODERN, "has 64 bytes, a slot's name has 63 at most"),
        ("x" * 64, OLD, "has 64 bytes"),
        ("ü" * 31, OLD, ""),
        ("ü" * 32, OLD, "has 64 bytes"),
        ("", OLD, "is no name"),
        ("a\nb", OLD, "is no name"),
        ("a\0b", OLD, "is no name"),
        ("a\x7fb", MODERN, "is no name"),
        ("A", MODERN, "has 'A' in it; this server takes a-z, 0-9 and _"),
        ("a b", MODERN, "has ' ' in it"),
        ("é", MODERN, "has 'é' in it"),
        ("bdr: 1:2-1-3:", OLD, ""),
        ('"', OLD, ""),
        ('"', COMMANDS, "would harm this server"),
        ("'", COMMANDS, ""),
        ("a/b", OLD, "would harm this server"),
        (".", OLD, "would harm"),
        ("..", OLD, "would harm"),
        ("...", OLD, ""),
        ("new", OLD, "would harm"),
        ("snapshots", OLD, "would harm"),
        ("checkpoints", OLD, "would harm"),
        ("new", MODERN, ""),
    ],
)
def test_a_name_is_looked_at_before_the_server_is_asked(name, dialect, problem):
    found = name_problem(name, dialect)
    assert problem in found and bool(problem) is bool(found)
    assert not found or found.startswith(f"name: {name!r} ")


@pytest.mark.parametrize(
    ("server", "there"),
    [
        ("PostgreSQL 15", ["pg_wal_lsn_diff(", "w.flush_lsn", "w.replay_lag"]),
        ("0.7", ["pg_xlog_location_diff(", "w.flush_location", "NULL::float8 AS behind_seconds"]),
        ("0.3", ["NULL::bigint AS behind_bytes", "NULL::float8 AS behind_seconds"]),
    ],
)
def test_how_far_a_walsender_is_behind_is_asked_as_far_as_the_server_says(server, there):
    session = Told(SERVERS[server], [{"pid": 1}])
    assert probe(session).senders(session) == [{"pid": 1}]
    assert [text for text in there if text not in session.asked[-1][0]] == []


@pytest.mark.parametrize(("server", "there"), [("PostgreSQL 15", "pg_walfile_name("), ("0.4", "pg_xlogfile_name(")])
def test_the_end_of_the_wal_is_told_with_its_file(server, there):
    session = Told(SERVERS[server], [{"lsn": "0/1", "wal_file": "01"}])
    assert probe(session).position(session) == {"lsn": "0/1", "wal_file": "01"}
    assert there in session.asked[-1][0]
