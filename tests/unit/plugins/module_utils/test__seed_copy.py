# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy table by table: what is copied in which pieces, and by which commands."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _commands, _seed_copy
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed_copy import Ends, Piece, Table
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan

PLAN = node_plan("charlie")
ENDS = Ends("appdb", "host=alpha", "host=/new", "LATIN1", "00A-1")
MB = 1024 * 1024


def table(name: str, mb: float, heap_mb: float | None = None, **more) -> Table:
    heap = int((mb if heap_mb is None else heap_mb) * MB)
    return Table(f"public.{name}", heap, int(mb * MB), ("id", '"a, b"'), **more)


# --- Pieces ---------------------------------------------------------------------------------------


def told(pieces: list[Piece]) -> list[tuple]:
    return [(piece.table.name.split(".")[1], piece.first, piece.end) for piece in pieces]


@pytest.mark.parametrize(
    ("tables", "jobs", "may_split", "wanted"),
    [
        ([], 4, True, []),
        # The largest first, by name on a tie
        (
            [table("b", 1), table("c", 2), table("a", 1)],
            4,
            True,
            [("c", None, None), ("a", None, None), ("b", None, None)],
        ),
        # One that the others would wait for, in parts of about the same size
        (
            [table("large", 1024), table("small", 10)],
            4,
            True,
            [
                ("large", 0, 32768),
                ("large", 32768, 65536),
                ("large", 65536, 98304),
                ("large", 98304, None),
                ("small", None, None),
            ],
        ),
        # With as many jobs as that, nobody waits.
        (
            [table("large", 1000), *(table(f"t{i}", 300) for i in range(4))],
            2,
            True,
            [("large", None, None), *((f"t{i}", None, None) for i in range(4))],
        ),
        # Small ones never, with one job never, and not where a part is read by reading all of it
        ([table("large", 64)], 4, True, [("large", None, None)]),
        ([table("large", 1024)], 1, True, [("large", None, None)]),
        ([table("large", 1024)], 4, False, [("large", None, None)]),
        # Not in more parts than it has blocks: long values lie elsewhere.
        ([table("wide", 1024, 1 / 128)], 4, True, [("wide", None, None)]),
        ([table("wide", 1024, 2 / 128)], 4, True, [("wide", 0, 1), ("wide", 1, None)]),
        ([table("empty", 0)], 4, True, [("empty", None, None)]),
    ],
)
def test_pieces(tables, jobs, may_split, wanted):
    assert told(_seed_copy.pieces(tables, jobs, may_split)) == wanted


@pytest.mark.parametrize("mb", [65, 257, 1000, 1023.99, 5000])
def test_no_block_is_left_out_or_copied_twice(mb):
    found = _seed_copy.pieces([table("t", mb)], 4, True)
    bounds = sorted((piece.first, piece.end) for piece in found if piece.end is not None)
    last = [piece.first for piece in found if piece.end is None]
    assert bounds[0][0] == 0
    assert [end for _first, end in bounds] == [*(first for first, _end in bounds[1:]), *last]


# --- Commands -------------------------------------------------------------------------------------

ROW = {"name": "public.t", "heap": 1, "bytes": 2, "columns": ["id", "v"], "condition": "", "of_extension": False}


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({}, Table("public.t", 1, 2, ("id", "v"))),
        ({"columns": None}, Table("public.t", 1, 2, ())),
        ({"condition": " where id > 5 ", "of_extension": True}, Table("public.t", 1, 2, ("id", "v"), "id > 5", True)),
        ({"condition": "", "of_extension": True}, Table("public.t", 1, 2, ("id", "v"), "", True)),
    ],
)
def test_a_table(row, wanted):
    assert _seed_copy.table({**ROW, **row}) == wanted


T = Table("public.t", 1, 2, ("id", "v"))
OF_EXTENSION = Table("public.t", 1, 2, ("id",), "id > 5", True)


@pytest.mark.parametrize(
    ("piece", "extra", "wanted"),
    [
        (Piece(T), "", "COPY (SELECT id, v FROM ONLY public.t) TO STDOUT"),
        (
            Piece(T, 0, 5),
            "",
            "COPY (SELECT id, v FROM ONLY public.t WHERE (ctid >= '(0,0)'::tid) AND (ctid < '(5,0)'::tid)) TO STDOUT",
        ),
        (Piece(T, 5), "x", "COPY (SELECT id, v FROM ONLY public.t WHERE (ctid >= '(5,0)'::tid) AND (x)) TO STDOUT"),
        (Piece(OF_EXTENSION), "x", "COPY (SELECT id FROM ONLY public.t WHERE (id > 5) AND (x)) TO STDOUT"),
    ],
)
def test_what_is_read(piece, extra, wanted):
    assert _seed_copy.source(piece, extra) == wanted


@pytest.mark.parametrize(
    ("piece", "wanted"),
    [
        (Piece(T), ["BEGIN", "TRUNCATE ONLY public.t", "COPY public.t (id, v) FROM STDIN WITH (FREEZE)", "COMMIT"]),
        # Beside what others load, or an extension brought
        (Piece(T, 0, 5), ["COPY public.t (id, v) FROM STDIN"]),
        (Piece(OF_EXTENSION), ["COPY public.t (id) FROM STDIN"]),
    ],
)
def test_what_is_written(piece, wanted):
    assert _seed_copy.target(piece) == wanted


@pytest.mark.parametrize(
    ("piece", "what"), [(Piece(T), "appdb: public.t"), (Piece(T, 7, 9), "appdb: public.t from block 7 on")]
)
def test_a_job_reads_as_of_the_snapshot_and_in_the_encoding_of_the_database(piece, what):
    job = _seed_copy.job(PLAN, ENDS, piece, "x")
    read, write = job["pipe"]
    assert job["what"] == what
    begin = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET TRANSACTION SNAPSHOT '00A-1'"]
    assert read[read.index("-c") :: 2] == ["-c"] * 4
    assert read[read.index("-c") + 1 :: 2] == [*begin, _seed_copy.source(piece, "x"), "COMMIT"]
    assert write[write.index("-c") + 1 :: 2] == _seed_copy.target(piece)
    assert ("host=alpha" in read, "host=/new" in write) == (True, True)
    assert "PGCLIENTENCODING=LATIN1" in read and "PGCLIENTENCODING=LATIN1" in write
    assert f"PGOPTIONS={_seed_copy.READS}" in read and f"PGOPTIONS={_seed_copy.ALIKE}" in write
    assert _commands.APPLICATION in read


# --- What is not copied ---------------------------------------------------------------------------

KEPT = [
    "; Selected TOC Entries:",
    "2; 3079 16400 EXTENSION - hstore ",
    "215; 1259 16385 TABLE public pglogical app",
    "6; 2615 16386 SCHEMA - pgbdr postgres",
    "7; 2615 16387 SCHEMA - pglogical_of_mine postgres",
    "3500; 3466 16501 EVENT TRIGGER - pgbdr_guard postgres",
    "220; 1255 16502 FUNCTION pgbdr assign_replication_set() postgres",
]
LEFT_OUT = [
    "3; 3079 16385 EXTENSION - pglogical ",
    "3400; 0 0 COMMENT - EXTENSION pglogical ",
    "3401; 0 0 ACL - SCHEMA pglogical postgres",
    "3402; 0 0 ACL pglogical TABLE depend postgres",
    "3499; 3466 16500 EVENT TRIGGER - pgbdr_assign_replication_set postgres",
]


def test_what_a_member_gets_from_its_engine_is_left_out():
    assert _seed_copy.restored([*KEPT, *LEFT_OUT]) == KEPT


def test_a_role_that_a_new_server_has_is_not_made():
    script = "CREATE ROLE app;\nCREATE ROLE postgres;\nALTER ROLE postgres WITH SUPERUSER;\n"
    assert _seed_copy.roles(script) == "CREATE ROLE app;\nALTER ROLE postgres WITH SUPERUSER;\n"


def test_values_of_sequences():
    rows = [
        {"name": "public.s", "last_value": 5, "is_called": True},
        {"name": 'public."it\'s"', "last_value": 1, "is_called": False},
    ]
    assert _seed_copy.values(rows) == (
        "SELECT pg_catalog.setval('public.s', 5, true);\nSELECT pg_catalog.setval('public.\"it''s\"', 1, false);\n"
    )
