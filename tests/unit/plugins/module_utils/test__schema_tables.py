# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for a table as a whole: presence, kind, owner, parents, storage parameters."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.tests.unit.schemas import (
    CITY,
    ONE_WAY,
    column,
    database,
    findings,
    mends,
    table,
    three,
    told,
)

ALTER = f"ALTER TABLE {CITY}"


def test_equal_nodes_have_no_findings():
    city = table(column("v"), unique={"u": {"key": "USING btree (v)"}}, checks=[{"name": "c", "definition": "CHECK"}])
    assert findings(three(database(city), database(city))) == []
    assert findings(three(database(city), database(city)), engine="contrib_bdr", era="0.4") == []


@pytest.mark.parametrize(
    ("usual", "odd", "severity", "said", "mended"),
    [
        ({}, {"owner": 'O"x'}, "warning", 'owned by postgres on alpha, charlie, "O""x" on bravo', "OWNER TO postgres"),
        ({}, {"unlogged": True}, "error", "logged on alpha, charlie, unlogged on bravo", "SET LOGGED"),
        (
            {"inherits": ["public.a"]},
            {"inherits": ["public.b"]},
            "error",
            "inherits public.a on alpha, charlie, inherits public.b on bravo",
            "NO INHERIT public.b; INHERIT public.a",
        ),
        (
            {},
            {"inherits": ["x.y"]},
            "error",
            "inherits nothing on alpha, charlie, inherits x.y on bravo",
            "NO INHERIT x.y",
        ),
        (
            {"options": {"a": "1"}},
            {},
            "warning",
            "a 1 on alpha, charlie, not set on bravo",
            "SET (a='1')",
        ),
        ({}, {"options": {"a": "1"}}, "warning", "a not set on alpha, charlie, 1 on bravo", "RESET (a)"),
        (
            {},
            {"options": {"user_catalog_table": "true"}},
            "error",
            "user_catalog_table not set on alpha, charlie, true on bravo",
            "RESET (user_catalog_table)",
        ),
    ],
)
def test_an_attribute_that_differs(usual, odd, severity, said, mended):
    found = findings(three(database(table(**usual)), database(table(**odd))))
    assert told(found) == [(severity, said, ("bravo",))]
    assert mends(found) == [f"bravo: {ALTER} {action}" for action in mended.split("; ")]


@pytest.mark.parametrize("option", ["fillfactor", "autovacuum_enabled", "autovacuum_vacuum_scale_factor"])
def test_a_parameter_that_may_differ(option):
    assert findings(three(database(table()), database(table(options={option: "1"})))) == []


def test_a_table_is_logged_rather_than_not_whatever_most_nodes_have():
    found = findings(three(database(table(unlogged=True)), database(table())))
    assert mends(found) == [f"{node}: {ALTER} SET LOGGED" for node in ("alpha", "charlie")]


def test_an_old_server_cannot_set_a_table_logged():
    old = database(table(unlogged=True), version=90300)
    assert mends(findings(three(database(table(), version=90300), old))) == []


def test_unlogged_everywhere_is_a_note_and_not_compared():
    found = findings(three(database(table(unlogged=True)), database(table(column("more"), unlogged=True))))
    assert told(found) == [("note", "unlogged: its rows stay on their node", ("alpha", "bravo", "charlie"))]


# --- Presence -------------------------------------------------------------------------------------


def test_a_missing_table_is_made():
    found = findings(three(database(table(column("v"))), database()))
    assert told(found) == [("error", "there on alpha, charlie, missing on bravo", ("bravo",))]
    assert mends(found) == [
        f"bravo: CREATE TABLE {CITY} (id integer NOT NULL, v text, CONSTRAINT city_pkey PRIMARY KEY (id))",
        f"bravo: {ALTER} OWNER TO postgres",
    ]
    assert found[0].advice == "rows that are on alpha already do not come by themselves"


def test_a_table_on_one_node_only_is_made_on_the_others():
    found = findings(three(database(), database(table())))
    assert told(found) == [("error", "there on bravo, missing on alpha, charlie", ("alpha", "charlie"))]


def test_a_missing_table_brings_its_schema_and_its_sequences():
    city = table(schema="new")
    city["columns"][0]["default"] = "nextval('new.\"o''s\"'::regclass)"
    sequences = {
        'new."o\'s"': {"schema": "new", "type": "bigint", "increment": 1, "table": CITY, "column": "id"},
    }
    found = findings(three(database(city, sequences=sequences, schemas=["new"]), database()))
    assert told(found) == [("error", "there on alpha, charlie, missing on bravo", ("bravo",))]
    assert mends(found)[:2] == ["bravo: CREATE SCHEMA IF NOT EXISTS new", 'bravo: CREATE SEQUENCE new."o\'s"']
    assert mends(found)[-1] == f'bravo: ALTER SEQUENCE new."o\'s" OWNED BY {CITY}.id'


def test_a_sequence_that_is_there_or_another_table_s_is_left_as_it_is():
    city = table()
    city["columns"][0]["default"] = (
        "nextval('public.a'::regclass) + nextval('public.b'::regclass) + nextval('gone'::regclass)"
    )
    a_and_b = {name: {"schema": "public", "type": "bigint", "increment": 1} for name in ("public.a", "public.b")}
    target = database(sequences={"public.a": a_and_b["public.a"]})
    statements = mends(findings(three(database(city, sequences=a_and_b), target)))
    assert [each for each in statements if "SEQUENCE" in each] == ["bravo: CREATE SEQUENCE public.b"]


def test_parents_are_made_before_their_children():
    relations = {
        "public.a": table(partition_of="public.z", bound="DEFAULT"),
        "public.b": table(inherits=["public.elsewhere"]),
        "public.z": table(kind="partitioned table", partition_key="LIST (id)"),
    }
    found = findings(three(database(relations=relations), database()))
    assert [each.object for each in found] == ["public.z", "public.a", "public.b"]


def test_one_way_a_table_of_the_downstream_s_own_is_no_finding():
    assert findings(three(database(), database(table())), ONE_WAY) == []
    assert [each.nodes for each in findings(three(database(table()), database()), ONE_WAY)] == [("bravo",)]


def test_a_table_that_is_a_view_elsewhere():
    view = database(relations={CITY: {"schema": "public", "kind": "view"}})
    found = findings(three(database(table()), view))
    assert told(found) == [("error", "table on alpha, charlie, view on bravo", ("bravo",))]
    assert mends(found) == []
    assert findings(three(view, view)) == []


def test_a_partitioned_table_is_not_compared_with_an_ordinary_one():
    found = findings(three(database(table()), database(table(column("v"), kind="partitioned table"))))
    assert told(found) == [("error", "table on alpha, charlie, partitioned table on bravo", ("bravo",))]


# --- Partitions -----------------------------------------------------------------------------------


def test_another_partition_key_is_a_warning():
    parent = {"kind": "partitioned table"}
    found = findings(
        three(
            database(table(**parent, partition_key="LIST (id)")),
            database(table(**parent, partition_key="HASH (id)")),
        )
    )
    assert told(found) == [("warning", "partitioned by LIST (id) on alpha, charlie, HASH (id) on bravo", ("bravo",))]


@pytest.mark.parametrize(
    ("usual", "odd", "mended"),
    [
        (("public.p", "DEFAULT"), ("", ""), ["ALTER TABLE public.p ATTACH PARTITION public.city DEFAULT"]),
        (("", ""), ("public.p", "DEFAULT"), ["ALTER TABLE public.p DETACH PARTITION public.city"]),
        (
            ("public.p", "FOR VALUES IN (1)"),
            ("public.q", "DEFAULT"),
            [
                "ALTER TABLE public.q DETACH PARTITION public.city",
                "ALTER TABLE public.p ATTACH PARTITION public.city FOR VALUES IN (1)",
            ],
        ),
    ],
)
def test_a_partition_elsewhere(usual, odd, mended):
    def partition(place):
        return table(partition_of=place[0], bound=place[1]) if place[0] else table()

    found = findings(three(database(partition(usual)), database(partition(odd))))
    assert mends(found) == [f"bravo: {each}" for each in mended]
    words = [f"partition of {place[0]} {place[1]}" if place[0] else "no partition" for place in (usual, odd)]
    assert told(found) == [("error", f"{words[0]} on alpha, charlie, {words[1]} on bravo", ("bravo",))]
