# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What is asked of a server to find changes that were never sent, and what writes them anew. Pure.

Values are the text that the types themselves give. Queries have values, so every % of their own is doubled.
"""

from __future__ import annotations

import typing as t
from dataclasses import asdict, replace

from ._compare.hashing import Hashing, Probed
from ._compare.queries import ORIGIN, Asked
from ._compare_hash import quoted, relation, row_hash, type_name
from ._compare_keys import Key, key_match, key_select, key_values
from ._compare_table import CompareColumn, CompareTable
from ._repair_sql import Target
from ._salvage import CONFLICT, DELETE, INSERT, UNSENT
from ._session_types import Statement

Mapping = t.Mapping[str, t.Any]

_TIME = "to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')"
"""A time as text of one width: such texts are in the order of the times."""

# What the servers keep the times of. A transaction's number comes round again after four billions.
RANGE = """
SELECT greatest(3, h.last - (h.last - h.oldest + 4294967296) %% 4294967296)::int8 AS first, h.last
  FROM (SELECT txid_snapshot_xmax(txid_current_snapshot()) AS last, oldest_commit_ts_xid::text::int8 AS oldest
          FROM pg_control_checkpoint() WHERE %(all)s) h
"""
_COMMITS = """
  FROM generate_series(%(first)s::int8, %(last)s::int8) x,
       pg_xact_commit_timestamp_origin((CASE WHEN x %% 4294967296 > 2 THEN x %% 4294967296 ELSE 3 END)::text::xid) c
"""
# '' for the node itself, null for an origin that has no name any more.
NEWEST = (
    f"SELECT CASE WHEN c.roident = 0 THEN '' ELSE o.roname END AS origin, {_TIME.format('max(c.timestamp)')} AS newest"
    f"{_COMMITS}  LEFT JOIN pg_replication_origin o ON o.roident = c.roident"
    " WHERE c.timestamp IS NOT NULL GROUP BY 1"
)
TIMES = (
    f"SELECT DISTINCT {_TIME.format('c.timestamp')} AS time{_COMMITS} WHERE c.timestamp = ANY(%(times)s::timestamptz[])"
)
SLICE = 1000000
"""So many transactions are looked at in one query."""

_COMMITTED = {
    "timestamp": _TIME.format("pg_xact_commit_timestamp(t.xmin)"),
    "": "NULL::text",
}


class RowQueries:
    """How rows of a table are read on both nodes."""

    def __init__(self, table: CompareTable, hashing: Hashing, probed: t.Mapping[str, Probed]) -> None:
        self.table = table
        self._hash = row_hash(table, hashing.mode, hashing.equality, hashing.seed)
        self._probed = probed
        self.names = [column.name for column in table.columns if not column.generated]

    def read(self, node: str, keys: t.Sequence[Key], whole: bool) -> Asked:
        """Return what reads hash, commit time and origin of some rows; whole: their values, too, as v0, v1 ..."""
        some, values = key_values(self.table, keys)
        what = [key_select(self.table), *self._told(node), *(self._values() if whole else ())]
        match = key_match(self.table)
        return f"SELECT {', '.join(what)} FROM {some} JOIN {relation(self.table)} ON {match}", {**values}

    def loose(self, node: str, newest: str) -> Asked:
        """Return what reads the rows that the node itself wrote later than that, for a table without a key."""
        what = ", ".join([*self._told(node), *self._values()])
        text = f"SELECT {what} FROM {relation(self.table)} OFFSET 0"
        return f"SELECT * FROM ({text}) s WHERE s.origin = '' AND s.committed > %(newest)s", {"newest": newest}

    def times_there(self, hashes: t.Sequence[str]) -> Asked:
        """Return what counts how often some rows are there, by their hashes."""
        return (
            f"SELECT h::text AS hash, count(*) AS number FROM (SELECT {self._hash} AS h FROM {relation(self.table)}"
            " OFFSET 0) s WHERE h = ANY(%(hashes)s::int8[]) GROUP BY 1",
            {"hashes": list(hashes)},
        )

    def _told(self, node: str) -> list[str]:
        probed = self._probed[node]
        committed = _COMMITTED.get(probed.committed, _COMMITTED[""])
        return [
            f"({self._hash})::text AS hash",
            f"{committed} AS committed",
            f"{ORIGIN[probed.origin]} AS origin",
        ]

    def _values(self) -> list[str]:
        names = [f"t.{quoted(name)}" for name in self.names]
        # Of what concat() makes nothing, only NULL is NULL: a composite of NULLs is (,).
        return [
            f"CASE WHEN concat({name}) = '' AND {name} IS NULL THEN NULL ELSE concat({name}) END AS v{place}"
            for place, name in enumerate(names)
        ]


def told(table: CompareTable, always: t.Iterable[str]) -> dict[str, t.Any]:
    """Return a table as the file has it: all that its rows are hashed, found and written by."""
    return {
        "schema": table.schema,
        "name": table.name,
        "key": list(table.key),
        "columns": [asdict(column) for column in table.columns],
        "always": list(always),
    }


def compared(named: Mapping) -> CompareTable:
    """Return a table of the file as its rows were hashed."""
    columns = tuple(CompareColumn(**column) for column in named["columns"])
    key = tuple(named["key"])
    return CompareTable(named["schema"], named["name"], columns, key, keys=(key,) if key else ())


def target(own: CompareTable, named: Mapping, hashed: Mapping, always: t.Iterable[str]) -> Target:
    """Return what is written: own is the table as the node has it."""
    return Target(own, replace(compared(named), readable=own.readable), hashed, tuple(always))


def add(found: Target, row: Mapping) -> Statement:
    """Return what adds a row to a table without a key."""
    text = "INSERT INTO {schema}.{table} ({columns}){overriding} VALUES ({values})".format(
        schema=quoted(found.own.schema),
        table=quoted(found.own.name),
        columns=", ".join(quoted(column.name) for column in found.columns),
        overriding=" OVERRIDING SYSTEM VALUE" if found.always else "",
        values=", ".join(f"%(v{place})s::{type_name(column.type)}" for place, column in enumerate(found.columns)),
    )
    return Statement(text, values=row)


# --- Statements for a person ----------------------------------------------------------------------

_HEAD = r"""\set ON_ERROR_STOP on
-- Under these settings the values below mean what they meant.
SET datestyle = 'ISO, YMD'; SET intervalstyle = 'postgres'; SET timezone = 'UTC'; SET standard_conforming_strings = on;
SET bytea_output = 'hex'; SET extra_float_digits = 3; SET lc_monetary = 'C';
-- As when changes of another node are applied: no trigger fires, no foreign key is asked.
SET session_replication_role = replica;"""


def script(found: Mapping) -> str:
    """Return all changes as a script for psql; what is not unsent for certain is commented out."""
    lines = [
        f"-- What only {_comment(found['node'])} had, compared with {_comment(found['donor'])}, {found['made']} UTC.",
        "-- salvage.yml applies the .json beside this file and looks at each row again; this is for a person to read.",
    ]
    database = None
    for each in found["changes"]:
        table = found["tables"][each["table"]]
        if table["database"] != database:
            database = table["database"]
            lines += ["", f"\\connect {_argument(database)}", *_HEAD.split("\n")]
        lines += ["", *_of_change(found, table, each)]
    for each in found["left"]:
        lines += ["", f"-- not here: {_comment(each['what'])}: {_comment(each['reason'])}"]
    return "\n".join([*lines, ""])


def _of_change(found: Mapping, table: Mapping, each: Mapping) -> t.Iterator[str]:
    node, donor = found["node"], found["donor"]
    yield f"-- {each['verdict']}: {_comment(each['reason'])}"
    for name, version in ((node, each["node"]), (donor, each["donor"])):
        if version:
            origin = f" from {_comment(version['origin'])}" if version["origin"] else ""
            yield f"-- {_comment(name)}'s version: {version['committed'] or 'no time known'}{origin}"
    if each["verdict"] == CONFLICT:
        names = table["key"] + [name for name in each["donor"]["values"] if name not in table["key"]]
        values = ", ".join(f"{quoted(name)} {literal(each['donor']['values'].get(name))}" for name in names)
        yield f"-- {_comment(donor)} had: {values}"
    times = each["times"]["wanted"] - each["times"]["seen"] if "times" in each else 1
    prefix = "" if each["verdict"] == UNSENT else "-- "
    yield from [prefix + statement(table, each)] * times


def statement(table: Mapping, each: Mapping) -> str:
    """Return a change on one line. An update or a delete asks for the row as the donor had it."""
    columns = {column["name"]: column for column in table["columns"]}
    name = f"{quoted(table['schema'])}.{quoted(table['name'])}"

    def typed(column: str, value: str | None) -> str:
        return f"{literal(value)}::{type_name(columns[column]['type'])}"

    def equals(column: str, value: str | None) -> str:
        operators = columns[column]["operators"]
        operator = "=" if operators == "pg_catalog" else f"OPERATOR({quoted(operators)}.=)"
        return f"{quoted(column)} {operator} {typed(column, value)}"

    where = " AND ".join(equals(column, value) for column, value in each["key"].items())
    if each["kind"] == DELETE:
        return f"DELETE FROM ONLY {name} WHERE {where};"
    values = each["node"]["values"]
    if each["kind"] == INSERT:
        overriding = " OVERRIDING SYSTEM VALUE" if table["always"] else ""
        given = ", ".join(typed(column, value) for column, value in values.items())
        return f"INSERT INTO {name} ({', '.join(map(quoted, values))}){overriding} VALUES ({given});"
    before = each["donor"]["values"]
    new = [column for column in values if values[column] != before.get(column) and column not in table["always"]]
    settings = ", ".join(f"{quoted(column)} = {typed(column, values[column])}" for column in new)
    as_seen = "".join(f" AND {_as_seen(column, before[column])}" for column in new)
    return f"UPDATE ONLY {name} SET {settings} WHERE {where}{as_seen};" if new else f"-- {name}: nothing to set"


def _as_seen(column: str, value: str | None) -> str:
    # By the type's own output, as it was read: a cast to text may be another one.
    return f"{quoted(column)} IS NULL" if value is None else f"concat({quoted(column)}) = {literal(value)}"


def literal(value: str | None) -> str:
    """Return a value as SQL on one line."""
    if value is None:
        return "NULL"
    if not any(ord(each) < 32 or each == "\x7f" for each in value):
        return "'{}'".format(value.replace("'", "''"))
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return "E'{}'".format("".join(_escaped(each) for each in escaped))


def _escaped(sign: str) -> str:
    names = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return names.get(sign) or (f"\\x{ord(sign):02x}" if ord(sign) < 32 or sign == "\x7f" else sign)


def _argument(text: str) -> str:
    """Return a text as psql's own commands take it."""
    escaped = text.replace("\\", "\\\\").replace("'", "''")
    return "'{}'".format("".join(_escaped(each) for each in escaped))


def _comment(text: str) -> str:
    return " ".join(str(text).split())
