# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The statements of a repair. Pure.

Each names the row as it was seen, by key and hash, so that one which changed is not touched, even where that happens
while the statement waits for it. Each returns the hash of what it wrote. Values travel as text and are cast back.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ._compare_hash import quoted, relation, row_hash
from ._compare_keys import Key, canonical, key_match, key_select, key_values
from ._compare_table import CompareColumn, CompareTable, common
from ._repair import DELETE, INSERT, UPDATE
from ._repair_work import SEND
from ._session_types import Row, Statement

Mapping = t.Mapping[str, t.Any]

# Columns whose values the server gives itself unless an INSERT says otherwise; an UPDATE cannot.
ALWAYS = """
SELECT a.attname::text AS name FROM pg_attribute a
 WHERE a.attrelid = (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                      WHERE n.nspname = %(schema)s AND c.relname = %(name)s)
   AND a.attnum > 0 AND NOT a.attisdropped AND row_to_json(a)->>'attidentity' = 'a'
"""
# Triggers and foreign keys were obeyed where the row was written first.
AS_APPLY = "SET session_replication_role = replica"


@dataclass(frozen=True)
class Target:
    """A table that is repaired: as the node has it, what is compared of it, and how that is hashed."""

    own: CompareTable
    compared: CompareTable
    hash: Mapping
    always: tuple[str, ...]

    def row_hash(self, alias: str = "t") -> str:
        """Return the hash of what is compared of a row."""
        names = {column.name for column in self.compared.columns}
        hashed = self.hash
        return row_hash(self.compared, hashed["mode"], hashed["equality"], hashed["seed"], alias, names)

    @property
    def columns(self) -> list[CompareColumn]:
        """Return the columns that get the values of another node, by their types here."""
        names = {column.name for column in self.compared.columns}
        return [column for column in self.own.columns if column.name in names and not column.generated]

    @property
    def whole(self) -> list[str]:
        """Return the names of all columns that can be written."""
        return [column.name for column in self.own.columns if not column.generated]

    def key(self, readable: Mapping) -> Key:
        """Return a row's key as key_select() returns it."""
        return canonical(self.compared, readable)


def target(
    node: str, tables: t.Mapping[str, CompareTable], named: Mapping, hashed: Mapping, always: t.Iterable[str]
) -> Target:
    """Return the target of a node; tables are by node, named is the table of the plan of repair."""
    both, _notes = common(tables)
    columns = tuple(column for column in both.columns if column.name in named["columns"])
    compared = replace(both, columns=columns, key=tuple(named["key"]), keys=(tuple(named["key"]),))
    return Target(tables[node], compared, hashed, tuple(always))


def look(found: Target, keys: t.Sequence[Mapping]) -> Statement:
    """Return what reads the hashes of some rows."""
    some, values = key_values(found.compared, [found.key(key) for key in keys])
    return Statement(
        f"SELECT {key_select(found.compared)}, {found.row_hash()} AS hash"
        f" FROM {some} JOIN {relation(found.compared)} ON {key_match(found.compared)}",
        values=values,
    )


def hashes(found: Target, rows: t.Iterable[Row]) -> dict[Key, str]:
    """Return what look() read: hash by key."""
    places = range(len(found.compared.key))
    return {tuple(row[f"k{place}"] for place in places): str(row["hash"]) for row in rows}


def read(found: Target, key: Mapping) -> Statement:
    """Return what reads a row's values as text, v0, v1 ..., with its hash.

    By the types' own output: a cast to text may be one that users have defined. It makes no difference between NULL
    and nothing, but only of NULL that is NULL does it make nothing: a composite of NULLs is (,).
    """
    some, values = key_values(found.compared, [found.key(key)])
    names = [f"t.{quoted(column.name)}" for column in found.columns]
    texts = [
        f"CASE WHEN concat({name}) = '' AND {name} IS NULL THEN NULL ELSE concat({name}) END AS v{place}"
        for place, name in enumerate(names)
    ]
    return Statement(
        f"SELECT {', '.join([f'{found.row_hash()} AS hash', *texts])}"
        f" FROM {some} JOIN {relation(found.compared)} ON {key_match(found.compared)}",
        values=values,
    )


def write(found: Target, action: str, key: Mapping, seen: str | None, row: Row) -> Statement:
    """Return what mends a row, and the hash that it has then; no row where it is not as it was seen."""
    text, values = _FORMS[action](found, key)
    given = {f"v{place}": row[f"v{place}"] for place in range(len(found.columns))} if row else {}
    return Statement(text, values={**values, **given, "seen": seen}, about=_about(found))


def _about(found: Target) -> str:
    return f"table {found.own.schema}.{found.own.name}"


def _insert(found: Target, key: Mapping) -> tuple[str, Row]:
    some, values = key_values(found.compared, [found.key(key)])
    names = [column.name for column in found.columns]
    return (
        f"{_into(found, names)} SELECT {', '.join(_given(found))} WHERE NOT EXISTS"
        f" (SELECT 1 FROM {some} JOIN {relation(found.compared)} ON {key_match(found.compared)}){_returning(found)}",
        dict(values),
    )


def _update(found: Target, key: Mapping) -> tuple[str, Row]:
    if set(found.always) - set(found.compared.key):
        return _anew(found, key, dict(zip((column.name for column in found.columns), _given(found))))
    some, values = key_values(found.compared, [found.key(key)])
    settings = [
        f"{quoted(column.name)} = {given}"
        for column, given in zip(found.columns, _given(found))
        if column.name not in found.always
    ]
    return (
        f"UPDATE {relation(found.own)} SET {', '.join(settings)} FROM {some} WHERE {_as_seen(found)}"
        f" RETURNING {found.row_hash()} AS hash",
        dict(values),
    )


def _delete(found: Target, key: Mapping) -> tuple[str, Row]:
    some, values = key_values(found.compared, [found.key(key)])
    text = f"DELETE FROM {relation(found.own)} USING {some} WHERE {_as_seen(found)}"
    return f"{text} RETURNING {found.row_hash()} AS hash", dict(values)


def _send(found: Target, key: Mapping) -> tuple[str, Row]:
    return _anew(found, key, {})


def _anew(found: Target, key: Mapping, given: t.Mapping[str, str]) -> tuple[str, Row]:
    """Return what deletes a row and inserts it with some other values: in one statement, so never without it."""
    some, values = key_values(found.compared, [found.key(key)])
    expressions = [given.get(name, f"gone.{quoted(name)}") for name in found.whole]
    return (
        f"WITH gone AS (DELETE FROM {relation(found.own)} USING {some} WHERE {_as_seen(found)} RETURNING t.*)"
        f" {_into(found, found.whole)} SELECT {', '.join(expressions)} FROM gone{_returning(found)}",
        dict(values),
    )


def _as_seen(found: Target) -> str:
    return f"{key_match(found.compared)} AND {found.row_hash()} = %(seen)s::bigint"


def _given(found: Target) -> list[str]:
    # A literal that is cast goes through the type's own input. The statement has values: a % of a name is doubled.
    return [f"%(v{place})s::{column.type.replace('%', '%%')}" for place, column in enumerate(found.columns)]


def _into(found: Target, names: t.Iterable[str]) -> str:
    overriding = " OVERRIDING SYSTEM VALUE" if found.always else ""
    columns = ", ".join(map(quoted, names))
    return f"INSERT INTO {quoted(found.own.schema)}.{quoted(found.own.name)} ({columns}){overriding}"


def _returning(found: Target) -> str:
    return f" RETURNING {found.row_hash(quoted(found.own.name))} AS hash"


_FORMS: dict[str, t.Callable[[Target, Mapping], tuple[str, Row]]] = {
    INSERT: _insert,
    UPDATE: _update,
    DELETE: _delete,
    SEND: _send,
}
