# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The rules for what tables are made of: extensions, types, sequences. Pure."""

from __future__ import annotations

import re
import typing as t

from . import _schema_ddl as ddl
from ._schema_odd import (
    ERROR,
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
from ._schema_tables import needed_sequences

Definitions = t.Mapping[str, Definition]
NUMBERS = (
    "no DDL sets these numbers, and rows carry them: make the type on all nodes by one copy of a node, or use text"
)


def used_types(group: Group) -> set[str]:
    """Return the types that columns of tables have, and what those are made of."""
    todo = {
        _bare(column["type"])
        for database in group.databases.values()
        for relation in database["relations"].values()
        for column in relation.get("columns", ())
        if "type" in column
    }
    types: dict[str, Definition] = {}
    for database in group.databases.values():
        types.update(database["types"])
    used: set[str] = set()
    while todo:
        name = todo.pop()
        if name in types and name not in used:
            used.add(name)
            todo |= {_bare(each) for each in _parts(types[name])}
    return used


def _bare(name: str) -> str:
    """Return a type without the brackets of an array and without modifiers."""
    return re.sub(r"(\([^()]*\))?(\[\])*$", "", name)


def _parts(found_type: Definition) -> list[str]:
    named = [each[1] for each in found_type.get("attributes", ())]
    return [*named, *(found_type[each] for each in ("base", "subtype") if found_type.get(each))]


# --- Extensions -----------------------------------------------------------------------------------


def extension_findings(group: Group, name: str, used: t.Collection[str]) -> t.Iterator[Finding]:
    """Yield where an extension is missing or of another version."""
    extensions = group.each("extensions", name)
    in_use = any(
        each.get("extension") == name and key in used
        for database in group.databases.values()
        for key, each in database["types"].items()
    )
    severity = ERROR if in_use else WARNING
    if name not in group.rules.extensions:
        held = {node: bool(each) for node, each in extensions.items()}
        odd = group.links.odd(held, missing, prefer=bool, prefer_first=True)
        model = (extensions[odd.model] if odd else None) or {}

        def create(_node: str) -> Statements:
            schema, version = ddl.identifier(model["schema"]), ddl.literal(model["version"])
            return [f"CREATE EXTENSION {ddl.identifier(name)} WITH SCHEMA {schema} VERSION {version}"]

        yield from found(severity, "extension", ddl.identifier(name), odd, there, create)
    versions = {node: each["version"] for node, each in extensions.items() if each}
    odd = group.links.odd(versions, prefer=_version, prefer_first=True)

    def update(_node: str) -> Statements:
        return [f"ALTER EXTENSION {ddl.identifier(name)} UPDATE TO {ddl.literal(odd.reference if odd else '')}"]

    yield from found(severity, "extension", ddl.identifier(name), odd, str, update, "version ")


def _version(text: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(number or 0), word) for number, word in re.findall(r"(\d+)|([^\d.]+)", text))


# --- Types ----------------------------------------------------------------------------------------


def type_findings(group: Group, name: str, used: t.Collection[str]) -> t.Iterator[Finding]:
    """Yield where a type is missing or another one, and, where they matter, where its numbers differ."""
    types = group.each("types", name)
    severity = ERROR if name in used else WARNING
    present = {node: each for node, each in types.items() if each}
    if not any(each.get("extension") for each in present.values()):
        yield from _type_presence(group, name, types, severity)
        yield from _type_definition(group, name, present, severity)
    if group.rules.ships_tuples and name in used:
        numbers = {node: (each["oid"], tuple(each.get("label_oids", ()))) for node, each in present.items()}
        odd = group.links.odd(numbers)
        yield from found(ERROR, "type", name, odd, _numbers, no_mend, "numbers ", NUMBERS)


def _numbers(value: Value) -> str:
    oid, labels = value
    return f"{oid} (labels {', '.join(map(str, labels))})" if labels else str(oid)


def _type_presence(group: Group, name: str, types: t.Mapping[str, t.Any], severity: str) -> t.Iterator[Finding]:
    held = {node: bool(each) for node, each in types.items()}
    odd = group.links.odd(held, missing, prefer=bool, prefer_first=True)
    if odd is None:
        return
    model = types[odd.model]
    depth = _depth(group.databases[odd.model]["types"], name)

    def mend(node: str) -> Statements | None:
        make = create_type(name, model)
        schemas = group.databases[node]["schemas"]
        schema = (
            [] if model["schema"] in schemas else [f"CREATE SCHEMA IF NOT EXISTS {ddl.identifier(model['schema'])}"]
        )
        return [*schema, make] if make else None

    yield from found(severity, "type", name, odd, there, mend, depth=depth)


def _depth(types: Definitions, name: str) -> int:
    if name not in types:
        return 0
    return 1 + max((_depth(types, _bare(part)) for part in _parts(types[name])), default=0)


def create_type(name: str, model: Definition) -> str | None:
    """Return what makes a type, None for one that takes more than its definition says."""
    if model["kind"] == "enum":
        return f"CREATE TYPE {name} AS ENUM ({', '.join(map(ddl.literal, model.get('labels', ())))})"
    if model["kind"] == "composite":
        parts = [f"{ddl.identifier(each)} {kind}" for each, kind in model.get("attributes", ()) if each]
        return f"CREATE TYPE {name} AS ({', '.join(parts)})"
    if model["kind"] == "domain":
        words = [f"CREATE DOMAIN {name} AS {model['base']}"]
        words += [f"DEFAULT {model['default']}"] if model.get("default") else []
        words += ["NOT NULL"] if model.get("not_null") else []
        words += [ddl.constraint(each["name"], each["definition"]) for each in model.get("checks", ())]
        return " ".join(words)
    return None


def _type_definition(group: Group, name: str, present: Definitions, severity: str) -> t.Iterator[Finding]:
    definitions = {
        node: create_type(name, each) or f"{each['kind']} of {each.get('subtype', '')}"
        for node, each in present.items()
    }

    def reachable(definition: Value) -> bool:
        """Tell whether every node can be brought there: labels and attributes can only be added."""
        model = next(present[node] for node in present if definitions[node] == definition)
        return all(_type_mend(name, each, model) is not None for each in present.values())

    odd = group.links.odd(definitions, prefer=reachable, prefer_first=True)

    def mend(node: str) -> Statements | None:
        return _type_mend(name, present[node], present[odd.model]) if odd else None

    def tell(value: Value) -> str:
        return str(value).replace(f"CREATE TYPE {name} AS ", "").replace(f"CREATE DOMAIN {name} AS ", "")

    yield from found(severity, "type", name, odd, tell, mend)


def new_labels(name: str, labels: t.Sequence[str], wanted: t.Sequence[str]) -> Statements | None:
    """Return what adds the labels that are missing, each at its place; None where the order is another one."""
    if [label for label in wanted if label in labels] != list(labels):
        return None
    statements = []
    have = list(labels)
    for place, label in enumerate(wanted):
        if label in labels:
            continue
        where = f" BEFORE {ddl.literal(have[place])}" if place < len(have) else ""
        statements.append(f"ALTER TYPE {name} ADD VALUE {ddl.literal(label)}{where}")
        have.insert(place, label)
    return statements


def _enum_mend(name: str, was: Definition, model: Definition) -> Statements | None:
    return new_labels(name, was.get("labels", ()), model.get("labels", ()))


def _domain_mend(name: str, was: Definition, model: Definition) -> Statements | None:
    if was["base"] != model["base"]:
        return None
    alter = f"ALTER DOMAIN {name}"
    statements = []
    if was.get("default") != model.get("default"):
        statements.append(
            f"{alter} SET DEFAULT {model['default']}" if model.get("default") else f"{alter} DROP DEFAULT"
        )
    if was.get("not_null") != model.get("not_null"):
        statements.append(f"{alter} {'SET' if model.get('not_null') else 'DROP'} NOT NULL")
    has, wants = was.get("checks", []), model.get("checks", [])
    statements += [f"{alter} DROP CONSTRAINT {ddl.identifier(each['name'])}" for each in has if each not in wants]
    return statements + [
        f"{alter} ADD {ddl.constraint(each['name'], each['definition'])}" for each in wants if each not in has
    ]


def _composite_mend(name: str, was: Definition, model: Definition) -> Statements | None:
    has, wants = list(was.get("attributes", ())), list(model.get("attributes", ()))
    if wants[: len(has)] != has or not all(each for each, _type in wants[len(has) :]):
        return None
    return [f"ALTER TYPE {name} ADD ATTRIBUTE {ddl.identifier(each)} {kind}" for each, kind in wants[len(has) :]]


_MENDS: dict[str, t.Callable[[str, Definition, Definition], Statements | None]] = {
    "enum": _enum_mend,
    "domain": _domain_mend,
    "composite": _composite_mend,
}


def _type_mend(name: str, was: Definition, model: Definition) -> Statements | None:
    """Return what makes a type what another one is, None where no DDL does."""
    mend = _MENDS.get(str(model["kind"]))
    return mend(name, was, model) if mend and was["kind"] == model["kind"] else None


# --- Sequences ------------------------------------------------------------------------------------


def sequence_findings(group: Group, name: str, of_missing_tables: t.Collection[tuple[str, str]]) -> t.Iterator[Finding]:
    """Yield where a sequence is missing or counts another way. Where it stands is every node's own."""
    sequences = group.each("sequences", name)
    held = {node: bool(each) for node, each in sequences.items() if (node, name) not in of_missing_tables}
    odd = group.links.odd(held, missing, prefer=bool, prefer_first=True)
    model = (sequences[odd.model] if odd else None) or {}

    def create(node: str) -> Statements:
        schemas = group.databases[node]["schemas"]
        schema = (
            [] if model["schema"] in schemas else [f"CREATE SCHEMA IF NOT EXISTS {ddl.identifier(model['schema'])}"]
        )
        return [*schema, ddl.create_sequence(name, model)]

    advice = "let each node give values of its own"
    yield from found(WARNING, "sequence", name, odd, there, create, advice=advice)
    present = {node: each for node, each in sequences.items() if each}
    for attribute, words in _SEQUENCE_ATTRIBUTES.items():
        odd = group.links.odd({node: each.get(attribute, "") for node, each in present.items()})

        def change(
            _node: str, words: t.Callable[[Value], str] = words, wanted: Value = odd.reference if odd else ""
        ) -> Statements:
            return [f"ALTER SEQUENCE {name} {words(wanted)}"]

        yield from found(WARNING, "sequence", name, odd, words, change, advice=advice)


_SEQUENCE_ATTRIBUTES: dict[str, t.Callable[[Value], str]] = {
    "type": lambda value: f"AS {value}",
    "increment": lambda value: f"INCREMENT BY {value}",
    "cycle": lambda value: "CYCLE" if value else "NO CYCLE",
}


def sequences_of_missing_tables(group: Group) -> set[tuple[str, str]]:
    """Return the sequences, by node, that are made with a table that is missing there."""
    found_pairs: set[tuple[str, str]] = set()
    for database in group.databases.values():
        for node, other in group.databases.items():
            for table in database["relations"].keys() - other["relations"].keys():
                if database["relations"][table].get("columns"):
                    found_pairs |= {(node, sequence) for sequence in needed_sequences(database, table)}
    return found_pairs
