# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The databases of a group: each a name, or a mapping with a topology and nodes of its own. Pure."""

from __future__ import annotations

import typing as t

from . import _fields as f
from ._model import Database
from ._topology import TOPOLOGIES

_DATABASE_FIELDS: f.Fields = {
    "name": (f.text, None),
    "topology": (f.choice(*TOPOLOGIES), None),
    "upstream": (f.text, None),
    "nodes": (f.listing(f.text), None),
    "upstreams": (f.mapping(f.listing(f.text)), None),
}


def databases(
    shared: t.Mapping[str, t.Any],
    members: tuple[str, ...],
    upstreams: t.Mapping[str, tuple[str, ...] | None],
    problems: list[str],
) -> tuple[Database, ...]:
    """Return the databases of bdr_databases, sorted; what is wrong goes to problems.

    shared: the group's variables. upstreams: each node's bdr_upstreams, for topology custom.
    """
    found = shared["bdr_databases"]
    if not f.is_list(found) or not found:
        wrong = "is missing" if found is None else f"is {f.shown(found)}"
        problems.append(f"bdr_databases {wrong}; wanted: a list of database names, such as [appdb]")
        return ()
    entries = [entry if isinstance(entry, t.Mapping) else {"name": entry} for entry in found]
    parsed = [_database(place, entry, shared, members, upstreams, problems) for place, entry in enumerate(entries, 1)]
    problems += _database_name_problems([database.name for database in parsed])
    if shared["bdr_upstream"] and not any(database.topology == "one_way" for database in parsed):
        problems.append("bdr_upstream is read with bdr_topology: one_way only; take it out or change the topology")
    if not any(database.topology == "custom" for database in parsed):
        problems += [
            f"bdr_upstreams of {node} is read with bdr_topology: custom only; take it out or change the topology"
            for node, named in sorted(upstreams.items())
            if named is not None
        ]
    return tuple(sorted(parsed, key=lambda database: database.name))


def _database(
    place: int,
    entry: t.Mapping[str, t.Any],
    shared: t.Mapping[str, t.Any],
    members: tuple[str, ...],
    upstreams: t.Mapping[str, tuple[str, ...] | None],
    problems: list[str],
) -> Database:
    where = f" of bdr_databases, item {place},"
    values = f.fields_of(_DATABASE_FIELDS, entry, where, problems)
    problems += [
        f"bdr_databases item {place} has an unknown key {key!r}; known: {', '.join(_DATABASE_FIELDS)}"
        for key in entry
        if key not in _DATABASE_FIELDS
    ]
    if "name" not in entry:
        problems.append(f"bdr_databases item {place} has no name")
    named = values["nodes"] or ()
    if values["nodes"] == ():
        problems.append(f"nodes{where} is an empty list; name the nodes, or leave it out for all of them")
    problems += [
        f"nodes{where} names {node} twice; name each node once"
        for node in sorted({node for node in named if named.count(node) > 1})
    ]
    topology = values["topology"] or shared["bdr_topology"]
    if values["upstream"] and topology != "one_way":
        problems.append(f"upstream{where} is read with topology one_way only; take it out or change the topology")
    if values["upstreams"] and topology != "custom":
        problems.append(f"upstreams{where} is read with topology custom only; take it out or change the topology")
    own = values["upstreams"]
    if own is None:
        own = tuple(sorted((node, named) for node, named in upstreams.items() if named))
    return Database(
        name=values["name"] or "",
        topology=topology,
        members=tuple(sorted(values["nodes"] or members)),
        upstream=values["upstream"] or shared["bdr_upstream"],
        upstreams=own,
    )


def _database_name_problems(names: t.Sequence[str]) -> list[str]:
    problems = [
        f"bdr_databases: {name} is one of the server's own databases; replicate a database of yours"
        for name in ("postgres", "replication", "template0", "template1")
        if name in names
    ]
    problems += [
        f"bdr_databases: {name!r} has {len(name.encode())} bytes; a name has 63 at most"
        for name in names
        if len(name.encode()) > 63
    ]
    problems += [
        f"bdr_databases names {name} twice; name each database once"
        for name in sorted({name for name in names if name and names.count(name) > 1})
    ]
    return problems
