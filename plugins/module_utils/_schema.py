# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""From a catalog's rows to the definitions of a database: plain, JSON-able, small, the same on equal nodes. Pure.

What is as usual is left out, so an equal table costs little on its way to the controller. Numbers that the server
gave itself (oids) stand with types only, where they can matter.
"""

from __future__ import annotations

import re
import typing as t
from collections import defaultdict

from . import _schema_sql as sql
from ._schema_ddl import identifier, qualified
from ._session_types import Row, Session

Definition = t.Dict[str, t.Any]
By = t.Mapping[int, t.List[Row]]

KINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table"}
TYPE_KINDS = {"e": "enum", "d": "domain", "r": "range", "c": "composite", "b": "base"}
CONSTRAINT_KINDS = {"p": "primary_key", "c": "checks", "x": "exclusions", "f": "foreign_keys"}
STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}
IDENTITY = {"a": "ALWAYS", "d": "BY DEFAULT"}
REPLICA_IDENTITY = {"d": "DEFAULT", "n": "NOTHING", "f": "FULL", "i": "USING INDEX"}


def read(session: Session, schemas: t.Sequence[str] | None = None, physical: bool = False) -> Definition:
    """Return the definitions of a session's database; schemas narrows them down.

    physical: with dropped columns and with what a column is like on disk, for engines that send rows as they lie there.
    """
    session.rows(sql.SETTINGS)
    session.rows(sql.NO_COMPILING)
    known = {str(row["name"]) for row in session.rows(sql.PROBE)}

    def ask(text: str) -> list[Row]:
        return session.rows(sql.query(text, known), {"schemas": list(schemas) if schemas else None})

    return {
        "version": session.value(sql.VERSION),
        "schemas": [row["name"] for row in session.rows(sql.SCHEMAS)],
        "extensions": {row.pop("name"): row for row in session.rows(sql.EXTENSIONS)},
        "types": _types(session),
        "sequences": {qualified(row["schema"], row["name"]): _sequence(row) for row in ask(sql.SEQUENCES)},
        "relations": _relations(ask, physical),
    }


def _by_owner(rows: t.Iterable[Row]) -> By:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row["oid"]].append(row)
    return found


def _sparse(**attributes: t.Any) -> Definition:
    """Return what is not as usual: neither empty nor false."""
    return {name: value for name, value in attributes.items() if value}


# --- Tables ---------------------------------------------------------------------------------------


def _relations(ask: t.Callable[[str], list[Row]], physical: bool) -> Definition:
    relations = ask(sql.RELATIONS)
    columns, constraints, indexes, parents = (
        _by_owner(ask(text)) for text in (sql.COLUMNS, sql.CONSTRAINTS, sql.UNIQUE_INDEXES, sql.PARENTS)
    )
    found: Definition = {}
    for row in relations:
        oid, name = row["oid"], qualified(row["schema"], row["name"])
        relation = {"schema": row["schema"], "kind": KINDS[row["kind"]]}
        if row["kind"] in "rp":
            relation.update(_table(row, parents.get(oid, [])))
            relation["columns"] = [
                _column(column, physical) for column in columns.get(oid, []) if physical or not column["dropped"]
            ]
            relation.update(_keys(indexes.get(oid, []), columns.get(oid, [])))
            relation.update(_constraints(constraints.get(oid, []), relation))
        found[name] = relation
    return found


def _table(row: Row, parents: t.Sequence[Row]) -> Definition:
    names = [qualified(parent["schema"], parent["name"]) for parent in parents]
    options = dict(option.partition("=")[::2] for option in row["options"] or ())
    identity = REPLICA_IDENTITY[row["replica_identity"]]
    return {
        "owner": row["owner"],
        **_sparse(
            unlogged=row["unlogged"],
            options=options,
            inherits=[] if row["is_partition"] else names,
            partition_of=names[0] if row["is_partition"] and names else "",
            bound=row["bound"],
            partition_key=row["partition_key"],
            replica_identity="" if identity == "DEFAULT" else identity,
        ),
    }


def _column(row: Row, physical: bool) -> Definition:
    if row["dropped"]:
        return {"dropped": [row["length"], row["alignment"]]}
    generated = row["generated"] or ""
    return {
        "name": row["name"],
        "type": row["type"],
        **_sparse(
            not_null=row["not_null"],
            default="" if generated else row["expression"],
            generated=row["expression"] if generated else "",
            identity=IDENTITY.get(row["identity"] or "", ""),
            collation=row["collation"],
            storage=STORAGE[row["storage"]] if row["storage"] else "",
            type_storage=STORAGE[row["type_storage"]] if row["storage"] else "",
            inherited=row["inherited"],
            physical=[row["length"], row["alignment"]] if physical else [],
        ),
    }


def _keys(rows: t.Sequence[Row], columns: t.Sequence[Row]) -> Definition:
    """Return the unique keys that are no primary key, and the index that stands for the key of a row."""
    names = {column["position"]: column["name"] for column in columns}
    not_null = {column["name"] for column in columns if column["not_null"]}
    unique: Definition = {}
    index: list[str] = []
    for row in rows:
        key = _index_key(row["definition"], row["options"])
        places = row["columns"].split()[: row["key_columns"]] if row["plain"] else []
        key_columns = [names[int(place)] for place in places]
        if row["replica_index"]:
            index = [row["name"], key]
        if not row["is_primary"]:
            unique[row["name"]] = {
                "key": key if row["immediate"] else f"{key} DEFERRABLE",
                **_sparse(
                    constraint=row["constraint_definition"] if row["constraint_name"] else "",
                    inherited=row["inherited"],
                    finds_rows=key_columns
                    if row["immediate"] and key_columns and not_null.issuperset(key_columns)
                    else [],
                ),
            }
    return _sparse(unique=unique, replica_index=index)


def _index_key(definition: str, options: str | None) -> str:
    """Return what an index is on and how, without its name, its table and its storage parameters."""
    key = definition.partition(" USING ")[2]
    return "USING " + (re.sub(r" WITH \([a-z_]+=[^)]*\)", "", key, count=1) if options else key)


def _constraints(rows: t.Sequence[Row], relation: Definition) -> Definition:
    found: Definition = {}
    for row in rows:
        kind = CONSTRAINT_KINDS[row["kind"]]
        constraint = {
            "name": row["name"],
            "definition": row["definition"],
            **_sparse(deferrable=row["deferrable"], inherited=row["inherited"]),
        }
        if kind == "primary_key":
            found[kind] = constraint
        else:
            found.setdefault(kind, []).append(constraint)
    return found


# --- Types and sequences --------------------------------------------------------------------------


def _types(session: Session) -> Definition:
    labels, attributes, checks = (
        _by_owner(session.rows(text)) for text in (sql.LABELS, sql.ATTRIBUTES, sql.DOMAIN_CHECKS)
    )
    found: Definition = {}
    for row in session.rows(sql.TYPES):
        oid = row["oid"]
        found[row["type"]] = {
            "schema": row["schema"],
            "kind": TYPE_KINDS[row["kind"]],
            "oid": oid,
            **_sparse(
                extension=row["extension"],
                labels=[label["label"] for label in labels.get(oid, [])],
                label_oids=[label["number"] for label in labels.get(oid, [])],
                attributes=[_attribute(attribute) for attribute in attributes.get(oid, [])],
                base=row["base"],
                not_null=row["not_null"],
                default=row["expression"] if row["kind"] == "d" else "",
                checks=[{"name": check["name"], "definition": check["definition"]} for check in checks.get(oid, [])],
                subtype=row["subtype"],
            ),
        }
    return found


def _attribute(row: Row) -> list[str]:
    return ["", ""] if row["dropped"] else [row["name"], row["type"]]


def _sequence(row: Row) -> Definition:
    owned = row["table_name"] is not None
    return {
        "schema": row["schema"],
        "type": row["type"],
        "increment": row["increment"],
        **_sparse(
            cycle=row["cycle"],
            access_method="" if row["access_method"] == "local" else row["access_method"],
            table=qualified(row["table_schema"], row["table_name"]) if owned else "",
            column=identifier(row["column_name"]) if owned else "",
        ),
    }
