# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The rules for one table: what must be the same on its nodes, what may differ, and the DDL between the two. Pure."""

from __future__ import annotations

import re
import typing as t

from . import _schema_ddl as ddl
from ._schema_columns import column_findings
from ._schema_keys import key_findings
from ._schema_odd import (
    ERROR,
    NOTE,
    WARNING,
    Definition,
    Finding,
    Group,
    Statements,
    Value,
    found,
    missing,
    no_mend,
    there,
)

TABLES = ("table", "partitioned table")
SET_LOGGED_SINCE = 90500

Tables = t.Mapping[str, Definition]


def table_findings(group: Group, name: str) -> t.Iterator[Finding]:
    """Yield what differs in one table, or is wrong with it on all nodes."""
    relations = group.each("relations", name)
    tables = {node: each for node, each in relations.items() if each and each["kind"] in TABLES}
    if not tables:
        return
    if all(each.get("unlogged") for each in tables.values()):
        yield Finding(NOTE, "table", name, "unlogged: its rows stay on their node", tuple(tables))
        return
    yield from _presence(group, name, relations, tables)
    if len({each["kind"] for each in tables.values()}) > 1:
        return
    first = next(iter(tables.values()))
    if any(each != first for each in tables.values()):
        yield from _attributes(group, name, tables)
        yield from column_findings(group, name, tables)
    yield from key_findings(group, name, relations, tables)


def _presence(group: Group, name: str, relations: Tables, tables: Tables) -> t.Iterator[Finding]:
    kinds = {node: each["kind"] if each else "missing" for node, each in relations.items()}
    others = {node for node, kind in kinds.items() if node not in tables and kind != "missing"}
    if others or len(set(kinds.values()) - {"missing"}) > 1:
        # What is a table on one node is something else on another.
        present = {node: kind for node, kind in kinds.items() if kind != "missing"}
        yield from found(ERROR, "table", name, group.links.odd(present), str, no_mend)
    held = {node: node in tables for node in relations if node not in others}
    odd = group.links.odd(held, missing, prefer=bool, prefer_first=True)
    if odd is None:
        return
    model = tables[odd.model]

    def mend(node: str) -> Statements:
        return _create(group, name, model, odd.model, node)

    depth = _depth(group.databases[odd.model]["relations"], name)
    advice = f"rows that are on {odd.model} already do not come by themselves"
    yield from found(ERROR, "table", name, odd, there, mend, advice=advice, depth=depth)


def _depth(relations: Tables, name: str) -> int:
    """Return how many tables this one stands on, so that parents are made first."""
    relation = relations.get(name, {})
    parents = [*relation.get("inherits", []), *([relation["partition_of"]] if relation.get("partition_of") else [])]
    return 1 + max((_depth(relations, parent) for parent in parents), default=0)


def _create(group: Group, name: str, model: Definition, source: str, node: str) -> Statements:
    target = group.databases[node]
    statements = []
    if model["schema"] not in target["schemas"]:
        statements.append(f"CREATE SCHEMA IF NOT EXISTS {ddl.identifier(model['schema'])}")
    owned = []
    for sequence, each in needed_sequences(group.databases[source], name).items():
        if sequence not in target["sequences"]:
            statements.append(ddl.create_sequence(sequence, each))
            if each.get("table") == name:
                owned.append(f"ALTER SEQUENCE {sequence} OWNED BY {name}.{each['column']}")
    return [*statements, *ddl.create_table(name, model, group.rules.ships_tuples), *owned]


def needed_sequences(database: Definition, name: str) -> dict[str, Definition]:
    """Return the sequences that a table's defaults read."""
    defaults = " ".join(each.get("default", "") for each in database["relations"][name]["columns"])
    named = [each.replace("''", "'") for each in re.findall(r"'((?:[^']|'')+)'::regclass", defaults)]
    return {each: database["sequences"][each] for each in named if each in database["sequences"]}


# --- What a table has as a whole ------------------------------------------------------------------


def _attributes(group: Group, name: str, tables: Tables) -> t.Iterator[Finding]:
    yield from _logged(group, name, tables)
    yield from _inheritance(group, name, tables)
    yield from _partition(group, name, tables)
    yield from _options(group, name, tables)
    owners = {node: each["owner"] for node, each in tables.items()}
    odd = group.links.odd(owners)

    def own(_node: str) -> Statements:
        return [ddl.alter(name, f"OWNER TO {ddl.identifier(odd.reference if odd else '')}")]

    yield from found(WARNING, "table", name, odd, ddl.identifier, own, "owned by ")


def _logged(group: Group, name: str, tables: Tables) -> t.Iterator[Finding]:
    logged = {node: not each.get("unlogged") for node, each in tables.items()}

    def mend(node: str) -> Statements | None:
        able = group.databases[node]["version"] >= SET_LOGGED_SINCE
        return [ddl.alter(name, "SET LOGGED")] if able else None

    odd = group.links.odd(logged, prefer=bool, prefer_first=True)
    yield from found(ERROR, "table", name, odd, lambda value: "logged" if value else "unlogged", mend)


def _inheritance(group: Group, name: str, tables: Tables) -> t.Iterator[Finding]:
    parents = {node: tuple(each.get("inherits", ())) for node, each in tables.items()}
    odd = group.links.odd(parents)

    def mend(node: str) -> Statements:
        wanted = odd.reference if odd else ()
        drop = [ddl.alter(name, f"NO INHERIT {parent}") for parent in parents[node] if parent not in wanted]
        return drop + [ddl.alter(name, f"INHERIT {parent}") for parent in wanted if parent not in parents[node]]

    def tell(value: Value) -> str:
        return f"inherits {', '.join(value)}" if value else "inherits nothing"

    yield from found(ERROR, "table", name, odd, tell, mend)


def _partition(group: Group, name: str, tables: Tables) -> t.Iterator[Finding]:
    keys = {node: each.get("partition_key", "") for node, each in tables.items()}
    odd = group.links.odd(keys)
    yield from found(WARNING, "table", name, odd, str, no_mend, "partitioned by ", "partitions are what replicates")
    places = {node: (each.get("partition_of", ""), each.get("bound", "")) for node, each in tables.items()}
    odd = group.links.odd(places)

    def mend(node: str) -> Statements:
        parent, bound = odd.reference if odd else ("", "")
        leave = [ddl.alter(places[node][0], f"DETACH PARTITION {name}")] if places[node][0] else []
        return leave + ([ddl.alter(parent, f"ATTACH PARTITION {name} {bound}")] if parent else [])

    def tell(value: Value) -> str:
        return f"partition of {value[0]} {value[1]}" if value[0] else "no partition"

    yield from found(ERROR, "table", name, odd, tell, mend)


def _options(group: Group, name: str, tables: Tables) -> t.Iterator[Finding]:
    """Fillfactor and autovacuum are each node's own; the other parameters are the table's."""
    for option in sorted({option for each in tables.values() for option in each.get("options", {})}):
        if option == "fillfactor" or option.startswith("autovacuum_"):
            continue
        values = {node: each.get("options", {}).get(option, "") for node, each in tables.items()}
        odd = group.links.odd(values, prefer=bool)

        def mend(_node: str, option: str = option, value: str = odd.reference if odd else "") -> Statements:
            action = f"SET ({ddl.options({option: value})})" if value else f"RESET ({option})"
            return [ddl.alter(name, action)]

        # A catalog table is decoded in another way.
        severity = ERROR if option == "user_catalog_table" else WARNING
        yield from found(severity, "table", name, odd, lambda value: value or "not set", mend, f"{option} ")
