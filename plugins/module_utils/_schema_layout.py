# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The places of a table's columns, which count where rows travel as they lie on disk: dropped ones too. Pure."""

from __future__ import annotations

import typing as t

from . import _schema_ddl as ddl
from ._schema_odd import ERROR, Definition, Finding, Group, Statements, Value, found

Tables = t.Mapping[str, Definition]
Columns = t.Sequence[t.Mapping[str, t.Any]]

FILL = "rows that are there already get the default or nothing: fill the column as it is on {model}"
DROP = "look first at what is in the columns that it drops"
PARENTS = "mend its parents first"
ANEW = "no DDL moves a column: make the table anew with its columns, dropped ones too, in the same order"


def layout_findings(group: Group, name: str, tables: Tables) -> t.Iterator[Finding]:
    """Yield where the columns' places differ: what comes behind a place is read by its place.

    The one to follow is the one that others come to by adding columns; without such a one, what most nodes have.
    """
    layouts = {node: tuple(_place(each) for each in table["columns"]) for node, table in tables.items()}
    classes = set(layouts.values())

    def grows_from_all(layout: Value) -> bool:
        return all(layout[: len(other)] == other for other in classes)

    odd = group.links.odd(layouts, prefer=grows_from_all, prefer_first=True)
    if odd is None:
        return
    model = tables[odd.model]["columns"]
    inherited = any(each.get("inherited") for table in tables.values() for each in table["columns"])
    mends = {
        node: None if inherited or odd.even else _repair(name, tables[node]["columns"], model) for node in odd.nodes
    }
    advice = FILL.format(model=odd.model)
    if inherited:
        advice = PARENTS
    elif not all(mends.values()):
        advice = ANEW
    elif any(_drops(each) for statements in mends.values() for each in statements or ()):
        advice = DROP
    yield from found(ERROR, "table", name, odd, _told, lambda node: mends[node], "columns ", advice)


def _drops(statement: str) -> bool:
    return "DROP COLUMN" in statement and ddl.FILLER not in statement


def _place(column: t.Mapping[str, t.Any]) -> tuple[t.Any, ...]:
    """Return what stands at a place: a name, or nothing and what the dropped column was like on disk."""
    return ("", *column["dropped"]) if "dropped" in column else (column["name"],)


def _told(layout: Value) -> str:
    return "({})".format(", ".join(ddl.identifier(place[0]) if place[0] else "dropped" for place in layout))


def _repair(name: str, columns: Columns, model: Columns) -> Statements | None:
    """Return what brings columns into the places of the model: drop what is dropped there, add what is behind.

    None where no DDL does, or where a column would be dropped that the model still has, at another place.
    """
    kept = {each["name"] for each in model if "name" in each}
    statements: Statements = []
    for was, wanted in zip(columns, model):
        if _place(was) == _place(wanted):
            continue
        if "dropped" not in wanted or was.get("physical") != wanted["dropped"] or was["name"] in kept:
            return None
        statements.append(ddl.alter(name, f"DROP COLUMN {ddl.identifier(was['name'])}"))
    for place, column in enumerate(model[len(columns) :], len(columns) + 1):
        if "dropped" in column:
            added = ddl.add_dropped(name, place, column["dropped"])
        else:
            added = ddl.add_column(name, column, stepwise=True)
        if added is None:
            return None
        statements += added
    return statements if len(columns) <= len(model) else None
