# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From rows to definitions: what is as usual is left out."""

from __future__ import annotations

import json

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _schema
from ansible_collections.pgbdr.bdr.plugins.module_utils import _schema_sql as sql
from ansible_collections.pgbdr.bdr.tests.unit.builders import FakeSession

INDEX = "CREATE UNIQUE INDEX u ON public.city USING btree (id)"
ASKED = ("RELATIONS", "COLUMNS", "CONSTRAINTS", "UNIQUE_INDEXES", "PARENTS", "SEQUENCES")


def relation(**more):
    usual = {
        "oid": 1,
        "schema": "public",
        "name": "city",
        "kind": "r",
        "unlogged": False,
        "owner": "postgres",
        "options": None,
        "replica_identity": "d",
        "is_partition": False,
        "bound": None,
        "partition_key": None,
    }
    return {**usual, **more}


def column(position=1, **more):
    usual = {
        "oid": 1,
        "position": position,
        "name": "id",
        "dropped": False,
        "type": "integer",
        "not_null": False,
        "inherited": False,
        "length": 4,
        "alignment": "i",
        "expression": None,
        "storage": None,
        "type_storage": "p",
        "collation": None,
        "identity": "",
        "generated": "",
    }
    return {**usual, **more}


def index(**more):
    usual = {
        "oid": 1,
        "name": "u",
        "definition": INDEX,
        "options": None,
        "immediate": True,
        "is_primary": False,
        "plain": True,
        "columns": "1",
        "key_columns": 1,
        "replica_index": False,
        "constraint_name": None,
        "constraint_definition": None,
        "inherited": False,
    }
    return {**usual, **more}


def constraint(**more):
    return {"oid": 1, "name": "c", "kind": "c", "definition": "CHECK", "deferrable": False, "inherited": False, **more}


def session(schemas=None, known=(), **rows):
    """Return a session with the rows given by the names of the queries."""
    answers = {
        "SETTINGS": [],
        "NO_COMPILING": [],
        "PROBE": [{"name": name} for name in known],
        "VERSION": [{"version": 150018}],
        "SCHEMAS": [{"name": "public"}],
        "EXTENSIONS": [],
        "TYPES": [],
        "LABELS": [],
        "ATTRIBUTES": [],
        "DOMAIN_CHECKS": [],
        **dict.fromkeys(ASKED, []),
        **rows,
    }
    return FakeSession({sql.query(getattr(sql, name), known): list(found) for name, found in answers.items()})


def city(physical=False, **rows):
    """Return the definition of one table, without what every table has."""
    found = _schema.read(session(**{"RELATIONS": [relation()], **rows}), physical=physical)["relations"]["public.city"]
    return {name: value for name, value in found.items() if name not in ("schema", "kind", "owner")}


def test_an_empty_database():
    assert _schema.read(session()) == {
        "version": 150018,
        "schemas": ["public"],
        "extensions": {},
        "types": {},
        "sequences": {},
        "relations": {},
    }


def test_what_is_as_usual_is_left_out():
    found = _schema.read(session(RELATIONS=[relation(schema="S", name="order")], COLUMNS=[column()]))
    assert found["relations"] == {
        '"S"."order"': {
            "schema": "S",
            "kind": "table",
            "owner": "postgres",
            "columns": [{"name": "id", "type": "integer"}],
        }
    }
    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(("schemas", "given"), [(None, None), ([], None), (["a"], ["a"])])
def test_schemas_narrow_the_queries_down(schemas, given):
    asked = session()
    _schema.read(asked, schemas)
    assert {json.dumps(values) for text, values in asked.asked if "%(schemas)s" in text} == {
        json.dumps({"schemas": given})
    }


def test_the_probe_decides_what_is_asked():
    known = {"pg_class.relispartition", "pg_attribute.attidentity"}
    _schema.read(session(known=known))  # another text would be a query that nobody expected


@pytest.mark.parametrize(("kind", "name"), [("v", "view"), ("m", "materialized view"), ("f", "foreign table")])
def test_views_come_by_name_only(kind, name):
    found = _schema.read(session(RELATIONS=[relation(kind=kind)]))["relations"]
    assert found == {"public.city": {"schema": "public", "kind": name}}


@pytest.mark.parametrize(
    ("more", "parents", "told"),
    [
        ({"unlogged": True}, [], {"unlogged": True}),
        ({"options": ["fillfactor=70", "x=a=b"]}, [], {"options": {"fillfactor": "70", "x": "a=b"}}),
        ({"replica_identity": "f"}, [], {"replica_identity": "FULL"}),
        ({}, ["a", "B"], {"inherits": ["public.a", 'public."B"']}),
        ({"is_partition": True, "bound": "DEFAULT"}, ["a"], {"partition_of": "public.a", "bound": "DEFAULT"}),
        # Its parent is being dropped.
        ({"is_partition": True}, [], {}),
        ({"kind": "p", "partition_key": "LIST (id)"}, [], {"partition_key": "LIST (id)"}),
    ],
)
def test_a_table_as_a_whole(more, parents, told):
    rows = [{"oid": 1, "schema": "public", "name": name} for name in parents]
    assert city(RELATIONS=[relation(**more)], PARENTS=rows) == {"columns": [], **told}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"not_null": True, "inherited": True}, {"not_null": True, "inherited": True}),
        ({"expression": "1"}, {"default": "1"}),
        ({"expression": "1", "generated": "s"}, {"generated": "1"}),
        ({"identity": "a"}, {"identity": "ALWAYS"}),
        ({"identity": None, "generated": None}, {}),
        ({"collation": "pg_catalog.c"}, {"collation": "pg_catalog.c"}),
        ({"storage": "m", "type_storage": "x"}, {"storage": "MAIN", "type_storage": "EXTENDED"}),
    ],
)
def test_a_column(more, told):
    assert city(COLUMNS=[column(**more)]) == {"columns": [{"name": "id", "type": "integer", **told}]}


def test_places_are_told_where_they_matter():
    rows = [column(dropped=True, type="-", length=2, alignment="s"), column(2)]
    assert city(COLUMNS=rows) == {"columns": [{"name": "id", "type": "integer"}]}
    assert city(physical=True, COLUMNS=rows) == {
        "columns": [{"dropped": [2, "s"]}, {"name": "id", "type": "integer", "physical": [4, "i"]}]
    }


# --- Keys -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, {}),
        ({"immediate": False}, {"key": "USING btree (id) DEFERRABLE"}),
        ({"constraint_name": "u", "constraint_definition": "UNIQUE (id)"}, {"constraint": "UNIQUE (id)"}),
        ({"inherited": True}, {"inherited": True}),
        (
            {
                "definition": f"{INDEX} WITH (fillfactor='70') WHERE v = ' WITH (a=b)'",
                "options": "fillfactor=70",
                "plain": False,
            },
            {"key": "USING btree (id) WHERE v = ' WITH (a=b)'"},
        ),
        (
            {"definition": f"{INDEX} WHERE v = ' WITH (a=b)'"},
            {"key": "USING btree (id) WHERE v = ' WITH (a=b)'"},
        ),
    ],
)
def test_a_unique_index(more, told):
    found = city(COLUMNS=[column()], UNIQUE_INDEXES=[index(**more)])
    assert found["unique"] == {"u": {"key": "USING btree (id)", **told}}


@pytest.mark.parametrize(
    ("more", "not_null", "finds"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"immediate": False}, True, False),
        ({"plain": False, "columns": "0"}, True, False),
        # What is INCLUDEd is no part of the key.
        ({"columns": "1 2"}, True, True),
        ({"columns": "1 2", "key_columns": 2}, True, False),
    ],
)
def test_a_unique_key_that_finds_rows(more, not_null, finds):
    rows = [column(not_null=not_null), column(2, name="v")]
    found = city(COLUMNS=rows, UNIQUE_INDEXES=[index(**more)])
    assert found["unique"]["u"].get("finds_rows") == (["id"] if finds else None)


def test_the_index_that_stands_for_the_key_of_a_row():
    rows = [column()]
    assert city(COLUMNS=rows, UNIQUE_INDEXES=[index(is_primary=True)]).keys() == {"columns"}
    found = city(COLUMNS=rows, UNIQUE_INDEXES=[index(is_primary=True, replica_index=True)])
    assert found["replica_index"] == ["u", "USING btree (id)"]


def test_constraints_by_their_kind():
    rows = [
        constraint(kind="p", name="p", definition="PRIMARY KEY (id)", deferrable=True),
        constraint(),
        constraint(name="d", inherited=True),
        constraint(kind="x", name="x", definition="EXCLUDE"),
        constraint(kind="f", name="f", definition="FOREIGN"),
    ]
    assert city(CONSTRAINTS=rows) == {
        "columns": [],
        "primary_key": {"name": "p", "definition": "PRIMARY KEY (id)", "deferrable": True},
        "checks": [{"name": "c", "definition": "CHECK"}, {"name": "d", "definition": "CHECK", "inherited": True}],
        "exclusions": [{"name": "x", "definition": "EXCLUDE"}],
        "foreign_keys": [{"name": "f", "definition": "FOREIGN"}],
    }


# --- Types, extensions, sequences -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "rows", "told"),
    [
        (
            {"kind": "e"},
            {"LABELS": [{"oid": 7, "label": "a", "number": 8}, {"oid": 9, "label": "other", "number": 10}]},
            {"kind": "enum", "labels": ["a"], "label_oids": [8]},
        ),
        (
            {"kind": "c"},
            {
                "ATTRIBUTES": [
                    {"oid": 7, "name": "a", "dropped": False, "type": "text"},
                    {"oid": 7, "name": "...", "dropped": True, "type": "-"},
                ]
            },
            {"kind": "composite", "attributes": [["a", "text"], ["", ""]]},
        ),
        (
            {"kind": "d", "base": "integer", "not_null": True, "expression": "1"},
            {"DOMAIN_CHECKS": [{"oid": 7, "name": "c", "definition": "CHECK"}]},
            {
                "kind": "domain",
                "base": "integer",
                "not_null": True,
                "default": "1",
                "checks": [{"name": "c", "definition": "CHECK"}],
            },
        ),
        ({"kind": "r", "subtype": "integer"}, {}, {"kind": "range", "subtype": "integer"}),
        ({"kind": "b", "extension": "hstore", "expression": "x"}, {}, {"kind": "base", "extension": "hstore"}),
    ],
)
def test_a_type(more, rows, told):
    usual = {
        "oid": 7,
        "type": "public.k",
        "schema": "public",
        "extension": None,
        "base": None,
        "not_null": False,
        "expression": None,
        "subtype": None,
    }
    found = _schema.read(session(TYPES=[{**usual, **more}], **rows))["types"]
    assert found == {"public.k": {"schema": "public", "oid": 7, **told}}


def test_extensions():
    row = {"name": "hstore", "version": "1.8", "schema": "public"}
    assert _schema.read(session(EXTENSIONS=[row]))["extensions"] == {"hstore": {"version": "1.8", "schema": "public"}}


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, {}),
        ({"cycle": True}, {"cycle": True}),
        ({"access_method": "local"}, {}),
        ({"access_method": "bdr"}, {"access_method": "bdr"}),
        (
            {"table_schema": "public", "table_name": "T", "column_name": "Id"},
            {"table": 'public."T"', "column": '"Id"'},
        ),
    ],
)
def test_a_sequence(more, told):
    usual = {
        "schema": "public",
        "name": "s",
        "increment": 1,
        "cycle": False,
        "type": "bigint",
        "access_method": None,
        "table_schema": None,
        "table_name": None,
        "column_name": None,
    }
    found = _schema.read(session(SEQUENCES=[{**usual, **more}]))["sequences"]
    assert found == {"public.s": {"schema": "public", "type": "bigint", "increment": 1, **told}}
