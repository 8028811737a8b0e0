# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test of a fresh server, for servers of each age."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._build import smoke as s

from .test_spec import spec

OLD = {"max_logical_slots", "track_commit_timestamp", "unix_socket_directories"}
TODAY = {"max_replication_slots", "max_worker_processes", "track_commit_timestamp", "unix_socket_directories"}


@pytest.mark.parametrize(
    ("known", "lines", "not_there"),
    [
        (OLD, ["wal_level = 'logical'", "max_logical_slots = '4'", "unix_socket_directories = '/s'"], "max_worker"),
        (TODAY, ["wal_level = 'logical'", "max_replication_slots = '4'", "max_worker_processes = '16'"], "max_logical"),
        (set(), ["unix_socket_directory = '/s'", "listen_addresses = ''"], "wal_"),
    ],
)
def test_settings_are_what_the_server_knows(known, lines, not_there):
    found = s.settings(known, "/s", ["bdr", "b"], "$libdir:/o").splitlines()
    assert {*lines, "shared_preload_libraries = 'bdr,b'", "dynamic_library_path = '$libdir:/o'"} <= set(found)
    assert [line for line in found if line.startswith(not_there)] == []


def test_settings_are_probed_as_whole_words():
    assert s.known(b"\0max_logical_slots\0xmax_replication_slots\0max_worker_processes_x\0") == {"max_logical_slots"}


def test_what_is_loaded_at_the_start():
    options = spec(
        contrib=["btree_gist", "bdr"], extensions=[{"name": n, "directory": "/a"} for n in ("pglogical", "sql_only")]
    )
    assert s.preloaded(options, lambda name: name != "sql_only") == ["bdr", "pglogical"]
    assert s.preloaded(spec(contrib=["btree_gist"]), lambda name: True) == []


BOTH = {"test_decoding", "test_logical_decoding"}


def test_a_server_of_today_decodes_by_itself():
    way = s.decoding({"pg_logical_slot_get_changes"}, BOTH)
    assert way is not None and way.contrib == ()
    assert [name for name, _sql in way.before] == ["slot"]
    assert "pg_create_logical_replication_slot" in way.before[0][1]


def test_a_server_of_2013_needs_a_module_to_read_and_a_checkpoint():
    way = s.decoding({"init_logical_replication"}, BOTH)
    assert way is not None and way.contrib == ("test_logical_decoding",)
    assert [name for name, _sql in way.before] == ["checkpoint", "slot"]
    assert "start_logical_replication" in way.after[1]


@pytest.mark.parametrize(
    ("functions", "contrib"),
    [
        (set(), BOTH),
        ({"pg_logical_slot_get_changes"}, set()),
        ({"init_logical_replication"}, {"test_decoding"}),
    ],
)
def test_a_server_that_cannot_be_seen_decoding(functions, contrib):
    assert s.decoding(functions, contrib) is None


def test_functions_of_a_module_that_is_not_installed():
    script = "-- one\n\\echo Use CREATE EXTENSION \\quit\nCREATE FUNCTION a() AS 'MODULE_PATHNAME', 'a' LANGUAGE C;\n"
    assert s.functions_of(script, "/o/a") == "-- one\nCREATE FUNCTION a() AS '/o/a', 'a' LANGUAGE C;"


def decoded(inserts: int = 3, updates: int = 2, deletes: int = 1) -> str:
    words = ["INSERT"] * inserts + ["UPDATE"] * updates + ["DELETE"] * deletes
    return "\n".join(["BEGIN 1", *(f"table public.pgbdr_smoke: {word}: number[integer]:1" for word in words), "COMMIT"])


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        (decoded(), ""),
        (decoded(updates=0), "decoded UPDATE 0 times instead of 2"),
        (decoded(inserts=4, deletes=0), "decoded INSERT 4 times instead of 3, DELETE 0 times instead of 1"),
    ],
)
def test_what_was_decoded_is_counted(output, wanted):
    assert s.decoded_problem(output) == wanted


class Server:
    """Answers by the name of a statement, and keeps what it was told."""

    def __init__(self, **answers: str) -> None:
        self.answers = {"rows": s.LEFT, "decode": decoded(), **answers}
        self.told: list[tuple[str, str]] = []

    def must(self, name: str, sql: str) -> str:
        self.told.append((name, sql))
        return self.answers.get(name, "")

    def prove(self, *there: str) -> dict[str, bool]:
        return s.prove(self.must, lambda name: f"-- {name} MODULE_PATHNAME", there, "/o/contrib")


DONE = {"insert": True, "update": True, "delete": True}


def test_a_server_of_today_is_proven():
    server = Server(functions="pg_logical_slot_get_changes")
    assert server.prove("test_decoding") == {**DONE, "decoded": True}
    names = [name for name, _sql in server.told]
    assert names == ["functions", "table", "slot", "insert", "update", "delete", "rows", "decode"]


def test_a_server_of_2013_is_proven():
    server = Server(functions="init_logical_replication")
    assert server.prove("test_decoding", "test_logical_decoding") == {**DONE, "decoded": True}
    reader = "test_logical_decoding"
    assert server.told[1] == (reader, f"-- {reader} /o/contrib/{reader}/{reader}")


def test_a_server_that_cannot_decode_is_proven_without():
    assert Server().prove("test_decoding") == {**DONE, "decoded": False}


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        ({"rows": "1one,12two,13two"}, "the server left 1one,12two,13two instead of 12two,13two"),
        ({"decode": decoded(updates=0)}, "the server decoded UPDATE 0 times instead of 2"),
    ],
)
def test_a_server_that_is_wrong(answers, wanted):
    with pytest.raises(s.NotProven, match=wanted):
        Server(functions="pg_logical_slot_get_changes", **answers).prove("test_decoding")
