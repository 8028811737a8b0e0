# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A copy table by table: what is copied in which pieces, by which commands, in which order. Pure.

The rows of a table, or of a part of its blocks, go through a pipe from one psql to another, several at a time, into
tables without indexes and constraints. Those are made afterwards, several at a time.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from . import _commands
from ._model import NodePlan

BLOCK = 8192
LEAST_PIECE = 64 * 1024 * 1024
"""A smaller table is never split: parts are not loaded as cheaply as a table that is empty."""
ALIKE = "-c datestyle=ISO -c intervalstyle=postgres -c extra_float_digits=3 -c bytea_output=hex -c xmlbinary=base64"
"""What makes a text that one server prints another one's, whatever an operator set for a role or a database."""
READS = (
    f"{ALIKE} -c statement_timeout=0 -c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c row_security=off "
    "-c synchronize_seqscans=off"
)
DATA = "data"
LAST_ROWS = "last rows"
INDEXES = "indexes and constraints"
STATISTICS = "statistics"
PHASES = (DATA, LAST_ROWS, INDEXES, STATISTICS)
"""The phases that take time, in their order."""

TABLES = r"""
SELECT format('%I.%I', n.nspname, c.relname) AS name, pg_relation_size(c.oid) AS heap, pg_table_size(c.oid) AS bytes,
       (SELECT array_agg(quote_ident(a.attname) ORDER BY a.attnum) FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
       coalesce(e.condition, '') AS condition, e.condition IS NOT NULL AS of_extension
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (SELECT x.extcondition[array_position(x.extconfig, c.oid)] AS condition
                       FROM pg_extension x WHERE c.oid = ANY(x.extconfig)) e ON true
 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pglogical') AND n.nspname !~ '^pg_(toast|temp)'
   AND (e.condition IS NOT NULL
        OR NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
 ORDER BY 1
"""
# One query for all: their positions are no columns of a view for a role that may only read.
SEQUENCES = r"""
SELECT string_agg(format('SELECT %L AS name, last_value, is_called FROM %I.%I',
                         format('%I.%I', n.nspname, c.relname), n.nspname, c.relname), ' UNION ALL ') AS query
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S' AND c.relpersistence = 'p'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pglogical') AND n.nspname !~ '^pg_(toast|temp)'
"""


@dataclass(frozen=True)
class Table:
    """A table to be copied; the server quoted its name and the names of its columns."""

    name: str
    heap: int
    bytes: int
    columns: tuple[str, ...]
    own_rows: str = ""
    """Which of its rows are an operator's own, where the others come with an extension."""
    of_extension: bool = False

    @property
    def column_list(self) -> str:
        """Return the columns as SQL lists them."""
        return ", ".join(self.columns)


def table(row: t.Mapping[str, t.Any]) -> Table:
    """Return a table of TABLES."""
    # As pg_extension_config_dump() was given it, with its keyword.
    own_rows = re.sub(r"(?i)^\s*where\s", "", row["condition"]).strip()
    return Table(row["name"], row["heap"], row["bytes"], tuple(row["columns"] or ()), own_rows, row["of_extension"])


@dataclass(frozen=True)
class Piece:
    """Blocks of a table, from one on up to another one; all of them where first and end are None."""

    table: Table
    first: int | None = None
    end: int | None = None


def pieces(tables: t.Iterable[Table], jobs: int, may_split: bool) -> list[Piece]:
    """Return what is copied by a job each, the largest first.

    A table is split where it would take longer than all others together do with the jobs there are.
    """
    known = list(tables)
    most = max(LEAST_PIECE, sum(each.bytes for each in known) // jobs)
    found: list[tuple[int, Piece]] = []
    for each in known:
        blocks = each.heap // BLOCK
        parts = min(-(-each.bytes // most), blocks) if may_split else 1
        if parts <= 1:
            found.append((each.bytes, Piece(each)))
            continue
        bounds: list[int | None] = [blocks * part // parts for part in range(parts)]
        # Rows behind the last block that was seen are younger than the snapshot, or are not.
        for first, end in zip(bounds, [*bounds[1:], None]):
            found.append((each.bytes // parts, Piece(each, first, end)))
    return [piece for _size, piece in sorted(found, key=lambda item: (-item[0], item[1].table.name))]


def source(piece: Piece, extra: str = "") -> str:
    """Return the COPY that reads a piece; extra: one more condition."""
    conditions = [piece.table.own_rows] if piece.table.own_rows else []
    if piece.first is not None:
        conditions.append(f"ctid >= '({piece.first},0)'::tid")
    if piece.end is not None:
        conditions.append(f"ctid < '({piece.end},0)'::tid")
    conditions += [extra] if extra else []
    where = f" WHERE {' AND '.join(f'({condition})' for condition in conditions)}" if conditions else ""
    return f"COPY (SELECT {piece.table.column_list} FROM ONLY {piece.table.name}{where}) TO STDOUT"


def target(piece: Piece) -> list[str]:
    """Return what loads a piece. What is loaded behind a TRUNCATE needs neither WAL nor a later VACUUM."""
    copy = f"COPY {piece.table.name} ({piece.table.column_list}) FROM STDIN"
    if piece.first is not None or piece.table.of_extension:
        return [copy]
    return ["BEGIN", f"TRUNCATE ONLY {piece.table.name}", f"{copy} WITH (FREEZE)", "COMMIT"]


@dataclass(frozen=True)
class Ends:
    """Both ends of a database's copy, as libpq's conninfo, and what the texts between them are in."""

    database: str
    source: str
    target: str
    encoding: str
    snapshot: str


def reading(plan: NodePlan, ends: Ends, statement: str) -> list[str]:
    """Return what runs a statement on the donor, as of the snapshot."""
    begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    statements = (begin, f"SET TRANSACTION SNAPSHOT '{ends.snapshot}'", statement, "COMMIT")
    return _commands.psql(plan, ends.source, *statements, settings=READS, encoding=ends.encoding)


def writing(plan: NodePlan, ends: Ends, *statements: str) -> list[str]:
    """Return what runs statements on the new server."""
    return _commands.psql(plan, ends.target, *statements, settings=ALIKE, encoding=ends.encoding)


def job(plan: NodePlan, ends: Ends, piece: Piece, extra: str = "") -> dict[str, t.Any]:
    """Return what copies a piece, as the driver takes it."""
    read = reading(plan, ends, source(piece, extra))
    write = writing(plan, ends, *target(piece))
    part = "" if piece.first is None else f" from block {piece.first} on"
    return {"what": f"{ends.database}: {piece.table.name}{part}", "pipe": [read, write]}


_LEFT_OUT = re.compile(
    r"\d+; \d+ \d+ (?:EXTENSION - pglogical|COMMENT - EXTENSION pglogical|SCHEMA - pglogical|ACL - SCHEMA pglogical|"
    r"[A-Z ]+ pglogical .*|EVENT TRIGGER - pgbdr_assign_replication_set)(?: |$)"
)


def restored(listing: t.Iterable[str]) -> list[str]:
    """Return the lines of an archive's list without what the node gets as a member, from its engine."""
    return [line for line in listing if not _LEFT_OUT.match(line)]


def roles(text: str) -> str:
    """Return a script of pg_dumpall without the role that a new server has by itself."""
    return "".join(line for line in text.splitlines(keepends=True) if line.strip() != "CREATE ROLE postgres;")


def values(rows: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    """Return the script that gives sequences their values; their names are quoted for SQL, not as texts."""
    script = "SELECT pg_catalog.setval('{name}', {value}, {called});\n"
    return "".join(
        script.format(
            name=str(row["name"]).replace("'", "''"),
            value=row["last_value"],
            called="true" if row["is_called"] else "false",
        )
        for row in rows
    )
