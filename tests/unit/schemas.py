# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What definitions of tables are compared with: databases of nodes, each a copy that a case changes. No server."""

from __future__ import annotations

import copy
import typing as t

from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import rules
from ansible_collections.pgbdr.bdr.plugins.module_utils._schema_diff import compare
from ansible_collections.pgbdr.bdr.plugins.module_utils._schema_odd import Finding

Definition = dict[str, t.Any]
NODES = ("alpha", "bravo", "charlie")
MESH = tuple((up, down) for up in NODES for down in NODES if up != down)
ONE_WAY = (("alpha", "bravo"), ("alpha", "charlie"))
CITY = "public.city"


def column(name: str, kind: str = "text", **more: t.Any) -> Definition:
    """Return a column as _schema.read() tells it."""
    return {"name": name, "type": kind, **more}


def table(*columns: Definition, **more: t.Any) -> Definition:
    """Return a table with a primary key over its column id."""
    return {
        "schema": "public",
        "kind": "table",
        "owner": "postgres",
        "columns": [column("id", "integer", not_null=True), *columns],
        "primary_key": {"name": "city_pkey", "definition": "PRIMARY KEY (id)"},
        **more,
    }


def database(city: Definition | None = None, **more: t.Any) -> Definition:
    """Return a database that holds the table public.city."""
    return {
        "version": 150018,
        "schemas": ["public"],
        "extensions": {},
        "types": {},
        "sequences": {},
        "relations": {} if city is None else {CITY: city},
        **more,
    }


def three(everywhere: Definition, bravo: Definition, nodes: t.Sequence[str] = NODES) -> dict[str, Definition]:
    """Return the same database on each node, but bravo's."""
    return {node: copy.deepcopy(bravo if node == "bravo" else everywhere) for node in nodes}


def findings(
    definitions: t.Mapping[str, Definition],
    links: t.Sequence[tuple[str, str]] = MESH,
    engine: str = "pglogical",
    era: str = "",
) -> list[Finding]:
    """Return what compare() finds."""
    return compare(definitions, links, rules(engine, era).schema)


def told(found: t.Iterable[Finding]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return severity, words and nodes of findings."""
    return [(each.severity, each.finding, each.nodes) for each in found]


def mends(found: t.Iterable[Finding]) -> list[str]:
    """Return the DDL of findings, each statement with its node."""
    return [f"{node}: {sql}" for each in found for node, statements in each.mend for sql in statements]
