# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The rules for a table's keys and constraints: by what they say, whatever their names. Pure.

A downstream must not be stricter than its upstream, or it refuses a row that the upstream took. In a mesh, where
everybody is both, that makes them the same.
"""

from __future__ import annotations

import typing as t

from . import _schema_ddl as ddl
from ._schema_odd import (
    ERROR,
    WARNING,
    Definition,
    Finding,
    Group,
    Statements,
    found,
    stricter,
    there,
)

Tables = t.Mapping[str, Definition]
Relations = t.Mapping[str, t.Optional[Definition]]

PARTITIONED = "partitioned table"
ADVICE_FOREIGN = "apply does not check it: rows that break it can come from where it is missing"


def key_findings(group: Group, name: str, relations: Relations, tables: Tables) -> t.Iterator[Finding]:
    """Yield what differs in the keys and constraints of one table, and what is wrong with them on all nodes."""
    first = next(iter(tables.values()))
    if any(each != first for each in tables.values()):
        yield from _primary_key(group, name, tables)
        yield from _unique(group, name, tables)
        yield from _constraints(group, name, "checks", tables, ERROR)
        yield from _constraints(group, name, "exclusions", tables, ERROR)
        yield from _replica_identity(group, name, tables)
    # Of a table that is missing too: its keys come once all tables are there.
    foreign = {node: each or {} for node, each in relations.items() if not each or node in tables}
    yield from _constraints(group, name, "foreign_keys", foreign, WARNING, ADVICE_FOREIGN)
    if first["kind"] != PARTITIONED:
        yield from _without_key(group, name, tables)


# --- Primary key ----------------------------------------------------------------------------------


def _primary_key(group: Group, name: str, tables: Tables) -> t.Iterator[Finding]:
    keys = {node: each.get("primary_key") or {} for node, each in tables.items()}
    if any(key.get("inherited") for key in keys.values()):
        return
    odd = group.links.odd(
        {node: key.get("definition", "") for node, key in keys.items()}, prefer=bool, prefer_first=True
    )

    def mend(node: str) -> Statements:
        model = keys[odd.model] if odd else {}
        drop = [f"DROP CONSTRAINT {ddl.identifier(keys[node]['name'])}"] if keys[node] else []
        add = f"ADD {ddl.constraint(model['name'], model['definition'], _taken(tables[node]) if not drop else ())}"
        return [ddl.alter(name, *drop, add)]

    yield from found(ERROR, "table", name, odd, lambda value: value or "no primary key", mend)


# --- Constraints ----------------------------------------------------------------------------------


def _taken(table: Definition) -> set[str]:
    """Return the names that constraints and indexes of a table have."""
    named = [each for kind in ("checks", "exclusions", "foreign_keys") for each in table.get(kind, [])]
    key = [table["primary_key"]] if table.get("primary_key") else []
    return {*table.get("unique", {}), *(each["name"] for each in (*named, *key))}


def _by_definition(table: Definition, kind: str) -> dict[str, Definition]:
    """Return constraints by what they demand; one that is not valid yet is checked for new rows all the same."""
    return {each["definition"].replace(" NOT VALID", ""): each for each in table.get(kind, [])}


def _constraints(
    group: Group, name: str, kind: str, tables: Tables, severity: str, advice: str = ""
) -> t.Iterator[Finding]:
    by_node = {node: _by_definition(each, kind) for node, each in tables.items()}
    first = next(iter(by_node.values()))
    if all(each.keys() == first.keys() for each in by_node.values()):
        return
    for definition in sorted({definition for each in by_node.values() for definition in each}):
        holders = {node: each[definition] for node, each in by_node.items() if definition in each}
        if any(each.get("inherited") for each in holders.values()):
            continue  # the parent's finding
        odd = group.links.odd({node: node in holders for node in by_node}, stricter, prefer=bool)

        def mend(node: str, definition: str = definition, holders: Tables = holders) -> Statements:
            if node in holders:
                return [ddl.alter(name, f"DROP CONSTRAINT {ddl.identifier(holders[node]['name'])}")]
            own = next(iter(holders.values()))["name"]
            return [ddl.alter(name, f"ADD {ddl.constraint(own, definition, _taken(tables[node]))}")]

        yield from found(severity, "table", name, odd, there, mend, f"{definition} ", advice)


def _unique(group: Group, name: str, tables: Tables) -> t.Iterator[Finding]:
    """A unique index is as strict as a constraint."""
    by_node = {
        node: {each["key"]: {"name": index, **each} for index, each in table.get("unique", {}).items()}
        for node, table in tables.items()
    }
    for key in sorted({key for each in by_node.values() for key in each}):
        holders = {node: each[key] for node, each in by_node.items() if key in each}
        if any(each.get("inherited") for each in holders.values()):
            continue  # the parent's finding
        odd = group.links.odd({node: node in holders for node in by_node}, stricter, prefer=bool)

        def mend(node: str, key: str = key, holders: Tables = holders) -> Statements:
            if node in holders:
                return [_drop_unique(name, tables[node]["schema"], holders[node])]
            model = next(iter(holders.values()))
            taken = _taken(tables[node])
            if model.get("constraint"):
                return [ddl.alter(name, f"ADD {ddl.constraint(model['name'], model['constraint'], taken)}")]
            return [ddl.create_unique_index(name, model["name"], key, taken)]

        yield from found(ERROR, "table", name, odd, there, mend, f"UNIQUE {key} ")


def _drop_unique(name: str, schema: str, index: Definition) -> str:
    if index.get("constraint"):
        return ddl.alter(name, f"DROP CONSTRAINT {ddl.identifier(index['name'])}")
    return f"DROP INDEX {ddl.qualified(schema, index['name'])}"


# --- How rows are found ---------------------------------------------------------------------------


def _replica_identity(group: Group, name: str, tables: Tables) -> t.Iterator[Finding]:
    modes = {
        node: (each.get("replica_identity", ""), each.get("replica_index", ["", ""])[1])
        for node, each in tables.items()
    }
    odd = group.links.odd(modes)

    def mend(node: str) -> Statements | None:
        mode, key = odd.reference if odd else ("", "")
        index = next((own for own, each in tables[node].get("unique", {}).items() if each["key"] == key), "")
        if mode == "USING INDEX" and not index:
            return None  # its index comes first
        return ddl.replica_identity(name, {"replica_identity": mode, "replica_index": [index, key]})

    def tell(value: t.Any) -> str:
        return f"REPLICA IDENTITY {value[0] or 'DEFAULT'} {value[1]}".rstrip()

    advice = "what one node sends as UPDATE or DELETE another does not send or does not find"
    yield from found(ERROR, "table", name, odd, tell, mend, advice=advice)


def _without_key(group: Group, name: str, tables: Tables) -> t.Iterator[Finding]:
    """Yield a warning where no node has what finds a row; where one has, the difference is told already."""
    reasons = {node: _reason(table) for node, table in tables.items()}
    if not all(reasons.values()):
        return
    reason = next(iter(reasons.values()))
    mends = {node: _key_mend(name, table) for node, table in tables.items()}
    advice = "" if any(mends.values()) else f"give it one: {ddl.alter(name, 'ADD PRIMARY KEY (...)')}, on every node"
    yield Finding(
        severity=WARNING,
        kind="table",
        object=name,
        finding=f"{reason}: {group.rules.without_key}",
        nodes=tuple(tables),
        mend=tuple((node, tuple(each)) for node, each in mends.items() if each),
        advice=advice,
    )


def _reason(table: Definition) -> str:
    key = table.get("primary_key")
    if not key:
        unique = any(each.get("finds_rows") for each in table.get("unique", {}).values())
        return "a unique key that is not null, but no primary key" if unique else "no primary key"
    if key.get("deferrable"):
        return "its primary key is deferrable"
    if table.get("replica_identity") in ("FULL", "NOTHING"):
        return f"REPLICA IDENTITY {table['replica_identity']}"
    return ""


def _key_mend(name: str, table: Definition) -> Statements:
    key = table.get("primary_key")
    if key and not key.get("deferrable"):
        return [ddl.alter(name, "REPLICA IDENTITY DEFAULT")]
    if key:
        own = ddl.identifier(key["name"])
        plain = key["definition"].partition(" DEFERRABLE")[0]
        return [ddl.alter(name, f"DROP CONSTRAINT {own}", f"ADD CONSTRAINT {own} {plain}")]
    for each in table.get("unique", {}).values():
        if each.get("finds_rows") and not each.get("inherited"):
            columns = ", ".join(ddl.identifier(column) for column in each["finds_rows"])
            return [ddl.alter(name, f"ADD PRIMARY KEY ({columns})")]
    return []
