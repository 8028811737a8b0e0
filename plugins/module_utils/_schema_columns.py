# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The rules for a table's columns, by name. Pure."""

from __future__ import annotations

import typing as t

from . import _schema_ddl as ddl
from ._schema_layout import FILL, layout_findings
from ._schema_odd import (
    ERROR,
    NOTE,
    WARNING,
    Definition,
    Finding,
    Group,
    Odd,
    Statements,
    Value,
    found,
    missing,
    no_mend,
    stricter,
    there,
)

Tables = t.Mapping[str, Definition]
Column = t.Mapping[str, t.Any]
Columns = t.Mapping[str, Column]
STRINGS = {"text", "character varying", "character"}
NOT_NULL_FILL = "; where there are rows, add it without NOT NULL, fill them, then SET NOT NULL"


def column_findings(group: Group, name: str, tables: Tables) -> t.Iterator[Finding]:
    """Yield what differs in the columns of one table."""
    by_name = {
        node: {each["name"]: each for each in table["columns"] if "name" in each} for node, table in tables.items()
    }
    if group.rules.ships_tuples:
        yield from layout_findings(group, name, tables)
    for column in dict.fromkeys(column for each in by_name.values() for column in each):
        columns = {node: each.get(column) for node, each in by_name.items()}
        if any(each and each.get("inherited") for each in columns.values()):
            continue  # the parent's finding
        if not group.rules.ships_tuples:
            yield from _presence(group, name, column, columns)
        present = {node: each for node, each in columns.items() if each}
        first = next(iter(present.values()))
        if any(each != first for each in present.values()):
            for rule in RULES:
                yield from rule(group, name, column, present)


# --- Which columns there are ----------------------------------------------------------------------


def _presence(group: Group, name: str, column: str, columns: t.Mapping[str, Column | None]) -> t.Iterator[Finding]:
    held = {node: bool(each) for node, each in columns.items()}
    odd = group.links.odd(held, missing, prefer=bool, prefer_first=True)
    what = f"column {ddl.identifier(column)} "
    if odd:
        model = columns[odd.model] or {}
        advice = FILL.format(model=odd.model)
        if model.get("not_null") and not (model.get("default") or model.get("identity")):
            advice += NOT_NULL_FILL
        mend = ddl.add_column(name, model)
        yield from found(ERROR, "table", name, odd, there, lambda _node: mend, what, advice)
    # What a downstream has beyond its upstream must fill itself.
    needy = {node: bool(each and _must_be_given(each)) for node, each in columns.items()}
    without = {node for node, each in columns.items() if not each}
    pairs = [(up, down) for up, down in group.links.pairs if up in without and needy[down]]
    strict = tuple(
        node for node in columns if any(down == node and (node, up) not in group.links.pairs for up, down in pairs)
    )
    if strict:
        relax = (ddl.alter(name, f"ALTER COLUMN {ddl.identifier(column)} DROP NOT NULL"),)
        said = f"{what}NOT NULL without a default on {', '.join(strict)}, missing on {', '.join(sorted(without))}"
        yield Finding(ERROR, "table", name, said, strict, tuple((node, relax) for node in strict))


def _must_be_given(column: Column) -> bool:
    fills_itself = column.get("default") or column.get("generated") or column.get("identity")
    return bool(column.get("not_null")) and not fills_itself


# --- What a column is -----------------------------------------------------------------------------


def _column(name: str, column: str, action: str) -> str:
    return ddl.alter(name, f"ALTER COLUMN {ddl.identifier(column)} {action}")


def _values(present: Columns, attribute: str) -> dict[str, t.Any]:
    return {node: each.get(attribute) or "" for node, each in present.items()}


def _found(
    severity: str,
    name: str,
    column: str,
    odd: Odd | None,
    tell: t.Callable[[Value], str],
    mend: t.Callable[[str], Statements | None],
    advice: str = "",
) -> t.Iterator[Finding]:
    yield from found(severity, "table", name, odd, tell, mend, f"column {ddl.identifier(column)} ", advice)


def _type(group: Group, name: str, column: str, present: Columns) -> t.Iterator[Finding]:
    types = {node: (each["type"], each.get("collation") or "") for node, each in present.items()}
    odd = group.links.odd(types)
    same_type = len({value[0] for value in types.values()}) == 1

    def mend(node: str) -> Statements:
        wanted, collation = odd.reference if odd else ("", "")
        clause = f" COLLATE {collation}" if collation else ""
        # An explicit cast would cut a string that is too long; without one the server refuses.
        casts_itself = same_type or {_bare(wanted), _bare(present[node]["type"])} <= STRINGS
        using = "" if casts_itself else f" USING {ddl.identifier(column)}::{wanted}"
        change = _column(name, column, f"TYPE {wanted}{clause}{using}")
        default = present[odd.model].get("default") if odd else ""
        # A default need not follow its column's type.
        before = [] if same_type or not present[node].get("default") else ["DROP DEFAULT"]
        behind = [f"SET DEFAULT {default}"] if default and before else []
        return [*(_column(name, column, each) for each in before), change] + [
            _column(name, column, each) for each in behind
        ]

    def tell(value: Value) -> str:
        return f"{value[0]} COLLATE {value[1]}" if value[1] else str(value[0])

    advice = "the table is written anew" if not same_type else ""
    yield from _found(WARNING if same_type else ERROR, name, column, odd, tell, mend, advice)


def _bare(kind: str) -> str:
    return kind.partition("(")[0]


def _not_null(group: Group, name: str, column: str, present: Columns) -> t.Iterator[Finding]:
    strict = {node: bool(each.get("not_null")) for node, each in present.items()}
    odd = group.links.odd(strict, stricter, prefer=bool)

    def mend(_node: str) -> Statements:
        return [_column(name, column, f"{'SET' if odd and odd.reference else 'DROP'} NOT NULL")]

    yield from _found(ERROR, name, column, odd, lambda value: "NOT NULL" if value else "nullable", mend)


def _default(group: Group, name: str, column: str, present: Columns) -> t.Iterator[Finding]:
    odd = group.links.odd(_values(present, "default"), prefer=bool)

    def mend(_node: str) -> Statements:
        value = odd.reference if odd else ""
        return [_column(name, column, f"SET DEFAULT {value}" if value else "DROP DEFAULT")]

    yield from _found(NOTE, name, column, odd, lambda value: f"DEFAULT {value}" if value else "no default", mend)


def _generated(group: Group, name: str, column: str, present: Columns) -> t.Iterator[Finding]:
    odd = group.links.odd(_values(present, "generated"), prefer=bool)
    advice = "each node computes it: drop the column and add it anew"
    yield from _found(
        ERROR, name, column, odd, lambda value: f"generated as {value}" if value else "not generated", no_mend, advice
    )


def _identity(group: Group, name: str, column: str, present: Columns) -> t.Iterator[Finding]:
    kinds = _values(present, "identity")
    odd = group.links.odd(kinds, prefer=bool)

    def mend(node: str) -> Statements:
        wanted = odd.reference if odd else ""
        if not wanted:
            return [_column(name, column, "DROP IDENTITY")]
        verb = f"SET GENERATED {wanted}" if kinds[node] else f"ADD GENERATED {wanted} AS IDENTITY"
        drop = [_column(name, column, "DROP DEFAULT")] if present[node].get("default") else []
        strict = [] if present[node].get("not_null") else [_column(name, column, "SET NOT NULL")]
        return [*drop, *strict, _column(name, column, verb)]

    yield from _found(WARNING, name, column, odd, lambda value: f"identity {value}" if value else "no identity", mend)


def _storage(group: Group, name: str, column: str, present: Columns) -> t.Iterator[Finding]:
    odd = group.links.odd(_values(present, "storage"), prefer=bool)

    def mend(node: str) -> Statements:
        own = present[node].get("type_storage", "")
        return [_column(name, column, f"SET STORAGE {(odd.reference if odd else '') or own}")]

    yield from _found(NOTE, name, column, odd, lambda value: f"storage {value or 'of its type'}", mend)


RULES = (_type, _not_null, _default, _generated, _identity, _storage)
