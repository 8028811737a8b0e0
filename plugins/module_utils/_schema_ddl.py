# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The DDL that mends what differs between nodes, as text for a person to read and run. Pure.

Nothing here is run: names are quoted for that reader's psql, types and expressions are the server's own words.
"""

from __future__ import annotations

import re
import typing as t

Definition = t.Mapping[str, t.Any]

# What PostgreSQL 15 to 17 and their elders do not take as a name without quotes.
KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case
    cast char character check coalesce collate collation column concurrently constraint create cross
    current_catalog current_date current_role current_schema current_time current_timestamp current_user dec
    decimal default deferrable desc distinct do else end except exists extract false fetch float for foreign freeze
    from full grant greatest group grouping having ilike in initially inner inout int integer intersect interval
    into is isnull join json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar
    json_serialize json_table json_value lateral leading least left like limit localtime localtimestamp merge_action
    national natural nchar none normalize not notnull null nullif numeric offset on only or order out outer over
    overlaps overlay placing position precision primary real references returning right row select session_user
    setof similar smallint some substring symmetric system_user table tablesample then time timestamp to trailing
    treat trim true union unique user using values varchar variadic verbose when where window with xmlattributes
    xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
    """,
    )
)


def identifier(name: str) -> str:
    """Return a name as SQL takes it, in quotes where it needs them."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in KEYWORDS:
        return name
    return '"{}"'.format(name.replace('"', '""'))


def qualified(schema: str, name: str) -> str:
    """Return the name of an object with its schema's."""
    return f"{identifier(schema)}.{identifier(name)}"


def literal(text: str) -> str:
    """Return a string as SQL takes it, whatever standard_conforming_strings says."""
    quoted = text.replace("'", "''")
    return "E'{}'".format(quoted.replace("\\", "\\\\")) if "\\" in text else f"'{quoted}'"


def alter(table: str, *actions: str) -> str:
    """Return one ALTER TABLE."""
    return f"ALTER TABLE {table} {', '.join(actions)}"


def column(found: Definition) -> str:
    """Return a column's definition, as CREATE TABLE and ADD COLUMN take it."""
    words = [_typed(found)]
    if found.get("generated"):
        words.append(f"GENERATED ALWAYS AS ({found['generated']}) STORED")
    elif found.get("identity"):
        words.append(f"GENERATED {found['identity']} AS IDENTITY")
    elif found.get("default"):
        words.append(f"DEFAULT {found['default']}")
    if found.get("not_null"):
        words.append("NOT NULL")
    return " ".join(words)


def _typed(found: Definition) -> str:
    collation = f" COLLATE {found['collation']}" if found.get("collation") else ""
    return f"{identifier(found['name'])} {found['type']}{collation}"


def add_column(table: str, found: Definition, stepwise: bool = False) -> list[str]:
    """Return what adds a column; stepwise: by statements none of which writes the table anew."""
    name = identifier(found["name"])
    if not stepwise or found.get("generated") or found.get("identity"):
        statements = [alter(table, f"ADD COLUMN {column(found)}")]
    else:
        statements = [alter(table, f"ADD COLUMN {_typed(found)}")]
        if found.get("default"):
            statements.append(alter(table, f"ALTER COLUMN {name} SET DEFAULT {found['default']}"))
        if found.get("not_null"):
            statements.append(alter(table, f"ALTER COLUMN {name} SET NOT NULL"))
    return [*statements, *set_storage(table, found)]


def set_storage(table: str, found: Definition) -> list[str]:
    """Return what sets a column's storage where it is not its type's own."""
    if not found.get("storage"):
        return []
    return [alter(table, f"ALTER COLUMN {identifier(found['name'])} SET STORAGE {found['storage']}")]


# Of the types that have a length and an alignment in common, any stands for a column that is dropped again.
FILLERS = {
    (-1, "i"): "text",
    (-1, "d"): "bigint[]",
    (1, "c"): "boolean",
    (2, "s"): "smallint",
    (4, "i"): "integer",
    (8, "d"): "bigint",
    (12, "d"): "timetz",
    (16, "c"): "uuid",
    (16, "d"): "interval",
    (64, "c"): "name",
}


FILLER = "pgbdr_dropped_"


def add_dropped(table: str, place: int, physical: t.Sequence[t.Any]) -> list[str] | None:
    """Return what leaves a dropped column behind, None where no type is known that is like it on disk."""
    filler = FILLERS.get((int(physical[0]), str(physical[1])))
    if filler is None:
        return None
    name = f"{FILLER}{place}"
    return [alter(table, f"ADD COLUMN {name} {filler}"), alter(table, f"DROP COLUMN {name}")]


def constraint(name: str, definition: str, taken: t.Collection[str] = ()) -> str:
    """Return the clause of a constraint; without a name where another one has it, so that the server finds one."""
    return definition if name in taken else f"CONSTRAINT {identifier(name)} {definition}"


def create_unique_index(table: str, name: str, key: str, taken: t.Collection[str] = ()) -> str:
    """Return what makes a unique index."""
    named = "" if name in taken else f"{identifier(name)} "
    return f"CREATE UNIQUE INDEX {named}ON {table} {key}"


def options(found: t.Mapping[str, str]) -> str:
    """Return storage parameters as WITH and SET take them."""
    return ", ".join(f"{name}={literal(value)}" for name, value in sorted(found.items()))


def create_table(name: str, found: Definition, fill_dropped: bool = False) -> list[str]:
    """Return what makes a table with all but its foreign keys; they come when every table is there."""
    inherited = found.get("partition_of") or found.get("inherits")
    own = [each for each in found["columns"] if not (inherited and each.get("inherited")) and "name" in each]
    parts = [] if found.get("partition_of") else [column(each) for each in own]
    fillers: list[str] = []
    if fill_dropped and not inherited:
        parts, fillers = _with_fillers(name, found)
    parts += [constraint(each["name"], each["definition"]) for each in _constraints(found) if not each.get("inherited")]
    head = f"CREATE {'UNLOGGED ' if found.get('unlogged') else ''}TABLE {name}"
    if found.get("partition_of"):
        head += f" PARTITION OF {found['partition_of']}"
        body = f" ({', '.join(parts)})" if parts else ""
        body += f" {found['bound']}"
    else:
        body = f" ({', '.join(parts)})"
        body += f" INHERITS ({', '.join(found['inherits'])})" if found.get("inherits") else ""
    body += f" PARTITION BY {found['partition_key']}" if found.get("partition_key") else ""
    body += f" WITH ({options(found['options'])})" if found.get("options") else ""
    statements = [head + body, *fillers]
    for each in own:
        statements += set_storage(name, each)
    statements += [
        create_unique_index(name, index, each["key"])
        for index, each in found.get("unique", {}).items()
        if not each.get("constraint") and not each.get("inherited")
    ]
    statements += replica_identity(name, found) if found.get("replica_identity") else []
    return [*statements, alter(name, f"OWNER TO {identifier(found['owner'])}")]


def _with_fillers(name: str, found: Definition) -> tuple[list[str], list[str]]:
    """Return the columns with one in the place of each dropped one, and what drops those again."""
    parts, drops = [], []
    for place, each in enumerate(found["columns"], 1):
        if "dropped" in each:
            filler = FILLERS.get((int(each["dropped"][0]), str(each["dropped"][1])), "text")
            parts.append(f"{FILLER}{place} {filler}")
            drops.append(alter(name, f"DROP COLUMN {FILLER}{place}"))
        else:
            parts.append(column(each))
    return parts, drops


def _constraints(found: Definition) -> t.Iterator[Definition]:
    if found.get("primary_key"):
        yield found["primary_key"]
    for name, each in found.get("unique", {}).items():
        if each.get("constraint"):
            yield {"name": name, "definition": each["constraint"], "inherited": each.get("inherited")}
    yield from found.get("checks", [])
    yield from found.get("exclusions", [])


def replica_identity(table: str, found: Definition) -> list[str]:
    """Return what sets how a row is told in an UPDATE or DELETE."""
    mode = found.get("replica_identity") or "DEFAULT"
    if mode == "USING INDEX":
        mode = f"USING INDEX {identifier(found['replica_index'][0])}" if found.get("replica_index") else "NOTHING"
    return [alter(table, f"REPLICA IDENTITY {mode}")]


def create_sequence(name: str, found: Definition) -> str:
    """Return what makes a sequence; where it starts is every node's own."""
    words = [f"CREATE SEQUENCE {name}"]
    words += [f"AS {found['type']}"] if found["type"] != "bigint" else []
    words += [f"INCREMENT BY {found['increment']}"] if found["increment"] != 1 else []
    words += ["CYCLE"] if found.get("cycle") else []
    words += [f"USING {identifier(found['access_method'])}"] if found.get("access_method") else []
    return " ".join(words)
