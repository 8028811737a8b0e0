# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for keys and constraints."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.tests.unit.schemas import (
    CITY,
    ONE_WAY,
    database,
    findings,
    mends,
    table,
    three,
    told,
)

ALTER = f"ALTER TABLE {CITY}"
PARTITIONED = {"kind": "partitioned table"}


def both(usual, odd, *more, **named):
    return findings(three(database(table(**usual)), database(table(**odd))), *more, **named)


def check(name="c", definition="CHECK (x)", **more):
    return {"checks": [{"name": name, "definition": definition, **more}]}


def unique(name="u", key="USING btree (v)", **more):
    return {"unique": {name: {"key": key, **more}}}


CONSTRAINT = {"constraint": "UNIQUE (v)"}


@pytest.mark.parametrize(
    ("usual", "odd", "said", "mended"),
    [
        (check(), {}, "CHECK (x) there on alpha, charlie, missing on bravo", f"{ALTER} ADD CONSTRAINT c CHECK (x)"),
        ({}, check('"'), "CHECK (x) missing on alpha, charlie, there on bravo", f'{ALTER} DROP CONSTRAINT """"'),
        (
            {"exclusions": [{"name": "e", "definition": "EXCLUDE"}]},
            {},
            "EXCLUDE there on alpha, charlie, missing on bravo",
            f"{ALTER} ADD CONSTRAINT e EXCLUDE",
        ),
        (
            unique(),
            {},
            "UNIQUE USING btree (v) there on alpha, charlie, missing on bravo",
            f"CREATE UNIQUE INDEX u ON {CITY} USING btree (v)",
        ),
        ({}, unique("U"), "UNIQUE USING btree (v) missing on alpha, charlie, there on bravo", 'DROP INDEX public."U"'),
        (
            unique(**CONSTRAINT),
            {},
            "UNIQUE USING btree (v) there on alpha, charlie, missing on bravo",
            f"{ALTER} ADD CONSTRAINT u UNIQUE (v)",
        ),
        (
            {},
            unique(**CONSTRAINT),
            "UNIQUE USING btree (v) missing on alpha, charlie, there on bravo",
            f"{ALTER} DROP CONSTRAINT u",
        ),
    ],
)
def test_a_constraint_that_one_node_has_and_another_lacks(usual, odd, said, mended):
    found = both(usual, odd)
    assert told(found) == [("error", said, ("bravo",))]
    assert mends(found) == [f"bravo: {mended}"]


@pytest.mark.parametrize(
    ("usual", "odd"),
    [
        (check("a"), check("b")),
        (check(), check(definition="CHECK (x) NOT VALID")),
        (unique("a"), unique("b", **CONSTRAINT)),
        (check(inherited=True), {}),
        (unique(inherited=True), {}),
        ({"primary_key": {"name": "p", "definition": "PRIMARY KEY (id)"}}, {}),
        ({"primary_key": {"name": "p", "definition": "PRIMARY KEY (a)", "inherited": True}}, {}),
    ],
)
def test_what_is_as_strict_or_the_parent_s(usual, odd):
    assert both(usual, odd) == []


@pytest.mark.parametrize("kind", [check, unique])
def test_what_one_node_inherits_is_its_parent_s_finding_whatever_the_others_have(kind):
    nodes = {"alpha": kind(inherited=True), "bravo": kind(), "charlie": {}}
    assert findings({node: database(table(**more)) for node, more in nodes.items()}) == []


@pytest.mark.parametrize("kind", ["checks", "exclusions", "foreign_keys"])
def test_a_name_that_is_taken_is_left_to_the_server(kind):
    definition = {"name": "c", "definition": "OTHER"}
    found = both(
        check(), {kind: [definition], **unique("u2"), "primary_key": {"name": "c2", "definition": "PRIMARY KEY (id)"}}
    )
    added = [each for each in mends(found) if "CHECK" in each]
    assert added == [f"bravo: {ALTER} ADD CHECK (x)"]
    assert f"bravo: CREATE UNIQUE INDEX ON {CITY} USING btree (v)" in mends(both(unique("c"), check()))
    assert f"bravo: {ALTER} ADD UNIQUE (v)" in mends(both(unique("c", **CONSTRAINT), check()))


def test_one_way_a_downstream_may_be_less_strict():
    strict = {**check(), **unique()}
    assert both(strict, {}, ONE_WAY) == []
    assert [each.nodes for each in both({}, strict, ONE_WAY)] == [("bravo",)] * 2


# --- Primary keys ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("odd", "said", "mended"),
    [
        (None, "no primary key", "ADD CONSTRAINT city_pkey PRIMARY KEY (id)"),
        (
            {"name": "p", "definition": "PRIMARY KEY (a)"},
            "PRIMARY KEY (a)",
            "DROP CONSTRAINT p, ADD CONSTRAINT city_pkey PRIMARY KEY (id)",
        ),
    ],
)
def test_another_primary_key(odd, said, mended):
    found = both({}, {"primary_key": odd})
    assert told(found) == [("error", f"PRIMARY KEY (id) on alpha, charlie, {said} on bravo", ("bravo",))]
    assert mends(found) == [f"bravo: {ALTER} {mended}"]


def test_a_primary_key_that_most_nodes_lack_is_added_to_them():
    assert both({"primary_key": None}, {})[0].nodes == ("alpha", "charlie")


WITHOUT = "only its INSERTs are replicated"
UNIQUE_KEY = unique("u", finds_rows=["V"])


@pytest.mark.parametrize(
    ("city", "said", "mended"),
    [
        ({"primary_key": None}, "no primary key", []),
        ({"primary_key": None, **unique()}, "no primary key", []),
        (
            {"primary_key": None, **UNIQUE_KEY},
            "a unique key that is not null, but no primary key",
            ['ADD PRIMARY KEY ("V")'],
        ),
        (
            {"primary_key": None, **unique("u", finds_rows=["V"], inherited=True)},
            "a unique key that is not null, but no primary key",
            [],
        ),
        (
            {"primary_key": {"name": "P", "definition": "PRIMARY KEY (id) DEFERRABLE INITIALLY", "deferrable": True}},
            "its primary key is deferrable",
            ['DROP CONSTRAINT "P", ADD CONSTRAINT "P" PRIMARY KEY (id)'],
        ),
        ({"replica_identity": "FULL"}, "REPLICA IDENTITY FULL", ["REPLICA IDENTITY DEFAULT"]),
        ({"replica_identity": "NOTHING"}, "REPLICA IDENTITY NOTHING", ["REPLICA IDENTITY DEFAULT"]),
    ],
)
def test_a_table_whose_rows_are_not_found_is_a_warning_everywhere(city, said, mended):
    found = both(city, city)
    assert told(found) == [("warning", f"{said}: {WITHOUT}", ("alpha", "bravo", "charlie"))]
    assert mends(found) == [f"{node}: {ALTER} {each}" for node in ("alpha", "bravo", "charlie") for each in mended]
    assert bool(found[0].advice) is not bool(mended)


def test_a_partitioned_table_needs_no_key_of_its_own():
    city = {**PARTITIONED, "primary_key": None}
    assert both(city, city) == []


@pytest.mark.parametrize(("era", "said"), [("0.4", "stops every link"), ("0.7", "are refused")])
def test_what_becomes_of_a_table_without_a_key_is_the_engine_s_word(era, said):
    found = both({"primary_key": None}, {"primary_key": None}, engine="contrib_bdr", era=era)
    assert said in found[0].finding


# --- Replica identity -----------------------------------------------------------------------------

BY_INDEX = {"replica_identity": "USING INDEX", "replica_index": ["u", "USING btree (v)"]}


@pytest.mark.parametrize(
    ("usual", "odd", "said", "mended"),
    [
        ({}, {"replica_identity": "FULL"}, "DEFAULT on alpha, charlie, REPLICA IDENTITY FULL on bravo", ["DEFAULT"]),
        (
            {**BY_INDEX, **unique()},
            unique("own"),
            "USING INDEX USING btree (v) on alpha, charlie, REPLICA IDENTITY DEFAULT on bravo",
            ["USING INDEX own"],
        ),
        (
            {**BY_INDEX},
            {},
            "USING INDEX USING btree (v) on alpha, charlie, REPLICA IDENTITY DEFAULT on bravo",
            [],
        ),
    ],
)
def test_another_replica_identity(usual, odd, said, mended):
    found = both(usual, odd)
    assert told(found) == [("error", f"REPLICA IDENTITY {said}", ("bravo",))]
    assert mends(found) == [f"bravo: {ALTER} REPLICA IDENTITY {each}" for each in mended]


# --- Foreign keys ---------------------------------------------------------------------------------

FOREIGN = {"foreign_keys": [{"name": "f", "definition": "FOREIGN KEY (id) REFERENCES public.z(id)"}]}


def test_a_foreign_key_is_a_warning_since_apply_checks_none():
    found = both(FOREIGN, {})
    assert [each.severity for each in found] == ["warning"]
    assert mends(found) == [f"bravo: {ALTER} ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES public.z(id)"]


def test_foreign_keys_of_a_missing_table_come_when_all_tables_are_there():
    found = findings(three(database(table(**FOREIGN)), database()))
    assert [(each.severity, "FOREIGN" in each.finding) for each in found] == [("error", False), ("warning", True)]
    assert not any("FOREIGN" in each for each in mends(found[:1]))
