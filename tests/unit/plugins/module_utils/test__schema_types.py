# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for extensions, types and sequences."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.tests.unit.schemas import (
    ONE_WAY,
    column,
    database,
    findings,
    mends,
    table,
    three,
    told,
)

MOOD = "public.mood"


def types(**kinds):
    return {f"public.{name}": {"schema": "public", "oid": 1, **each} for name, each in kinds.items()}


def mood(*labels, **more):
    return database(types=types(mood={"kind": "enum", "labels": list(labels), **more}))


def only(kind, usual, odd, *more, **named):
    """Return the findings of nodes that differ in one kind of object."""
    return findings(three(database(**{kind: usual}), database(**{kind: odd})), *more, **named)


# --- Extensions -----------------------------------------------------------------------------------


def extension(version="1.10", schema="public"):
    return {"hstore": {"version": version, "schema": schema}}


def test_a_missing_extension():
    found = only("extensions", extension(schema="Ext"), {})
    assert told(found) == [("warning", "there on alpha, charlie, missing on bravo", ("bravo",))]
    assert mends(found) == ["bravo: CREATE EXTENSION hstore WITH SCHEMA \"Ext\" VERSION '1.10'"]


@pytest.mark.parametrize("odd", ["1.9", "1.9dev", "1", "0.11"])
def test_the_newest_version_is_the_one_to_follow(odd):
    found = only("extensions", extension(odd), extension())
    assert told(found) == [("warning", f"version 1.10 on bravo, {odd} on alpha, charlie", ("alpha", "charlie"))]
    assert mends(found)[0] == "alpha: ALTER EXTENSION hstore UPDATE TO '1.10'"


def test_an_extension_whose_type_a_table_has_is_an_error():
    def with_type(version):
        kinds = types(hstore={"kind": "base", "extension": "hstore"})
        return database(table(column("h", "public.hstore[]")), extensions=extension(version), types=kinds)

    assert [each.severity for each in findings(three(with_type("1"), with_type("2")))] == ["error"]


@pytest.mark.parametrize(
    ("engine", "era", "own"),
    [("pglogical", "", "pglogical"), ("contrib_bdr", "0.4", "bdr"), ("contrib_bdr", "0.7", "bdr")],
)
def test_the_engine_s_own_need_not_be_everywhere(engine, era, own):
    there = {own: {"version": "1", "schema": "x"}}
    assert only("extensions", there, {}, engine=engine, era=era) == []
    newer = {own: {"version": "2", "schema": "x"}}
    assert len(only("extensions", there, newer, engine=engine, era=era)) == 1


# --- Types ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ({"kind": "enum", "labels": ["a", "o'k", "\\"]}, "TYPE public.kind AS ENUM ('a', 'o''k', E'\\\\')"),
        ({"kind": "composite", "attributes": [["A", "text"], ["", ""]]}, 'TYPE public.kind AS ("A" text)'),
        ({"kind": "domain", "base": "integer"}, "DOMAIN public.kind AS integer"),
        (
            {
                "kind": "domain",
                "base": "integer",
                "default": "1",
                "not_null": True,
                "checks": [{"name": "c", "definition": "CHECK (x)"}],
            },
            "DOMAIN public.kind AS integer DEFAULT 1 NOT NULL CONSTRAINT c CHECK (x)",
        ),
        ({"kind": "range", "subtype": "integer"}, None),
    ],
)
def test_a_missing_type(kind, made):
    found = only("types", types(kind=kind), {})
    assert told(found) == [("warning", "there on alpha, charlie, missing on bravo", ("bravo",))]
    assert mends(found) == ([f"bravo: CREATE {made}"] if made else [])


def test_a_missing_type_brings_its_schema():
    found = findings(three(mood("a"), database(schemas=[])))
    assert mends(found)[0] == "bravo: CREATE SCHEMA IF NOT EXISTS public"


def test_types_are_made_before_those_that_are_made_of_them():
    kinds = types(
        a={"kind": "composite", "attributes": [["x", "public.b(3)[]"]]},
        b={"kind": "domain", "base": "public.c"},
        c={"kind": "enum", "labels": ["x"]},
        d={"kind": "range", "subtype": "numeric(3,1)"},
    )
    found = findings(
        three(database(table(column("v", "public.a")), types=kinds), database(table(column("v", "public.a"))))
    )
    assert [(each.severity, each.object) for each in found] == [
        ("error", "public.c"),
        ("error", "public.b"),
        ("error", "public.a"),
        ("warning", "public.d"),
    ]


@pytest.mark.parametrize(
    ("usual", "odd", "node", "mended"),
    [
        ("ab", "a", "bravo", ["'b'"]),
        ("ab", "b", "bravo", ["'a' BEFORE 'b'"]),
        ("abcd", "bd", "bravo", ["'a' BEFORE 'b'", "'c' BEFORE 'd'"]),
        ("a", "ab", "alpha", ["'b'"]),
        ("ab", "ba", "bravo", []),
        ("a", "b", "bravo", []),
    ],
)
def test_labels_are_added_and_never_moved(usual, odd, node, mended):
    found = findings(three(mood(*usual), mood(*odd)))
    assert node in found[0].nodes
    ours = [each for each in mends(found) if each.startswith(node)]
    assert ours == [f"{node}: ALTER TYPE {MOOD} ADD VALUE {each}" for each in mended]


DOMAIN = {"kind": "domain", "base": "integer"}
CHECK = {"checks": [{"name": "c", "definition": "CHECK (x)"}]}


@pytest.mark.parametrize(
    ("usual", "odd", "mended"),
    [
        ({**DOMAIN, **CHECK}, DOMAIN, ["ALTER DOMAIN public.k ADD CONSTRAINT c CHECK (x)"]),
        (DOMAIN, {**DOMAIN, **CHECK}, ["ALTER DOMAIN public.k DROP CONSTRAINT c"]),
        ({**DOMAIN, "default": "1"}, DOMAIN, ["ALTER DOMAIN public.k SET DEFAULT 1"]),
        (DOMAIN, {**DOMAIN, "default": "1"}, ["ALTER DOMAIN public.k DROP DEFAULT"]),
        ({**DOMAIN, "not_null": True}, DOMAIN, ["ALTER DOMAIN public.k SET NOT NULL"]),
        (DOMAIN, {**DOMAIN, "not_null": True}, ["ALTER DOMAIN public.k DROP NOT NULL"]),
        (DOMAIN, {**DOMAIN, "base": "text"}, []),
        (DOMAIN, {"kind": "enum", "labels": ["a"]}, []),
        ({"kind": "range", "subtype": "integer"}, {"kind": "range", "subtype": "text"}, []),
        (
            {"kind": "composite", "attributes": [["a", "text"], ["B", "text"]]},
            {"kind": "composite", "attributes": [["a", "text"]]},
            ['ALTER TYPE public.k ADD ATTRIBUTE "B" text'],
        ),
        (
            {"kind": "composite", "attributes": [["a", "text"], ["b", "text"]]},
            {"kind": "composite", "attributes": [["a", "integer"]]},
            [],
        ),
        (
            {"kind": "composite", "attributes": [["a", "text"], ["", ""]]},
            {"kind": "composite", "attributes": [["a", "text"]]},
            [],
        ),
        (
            {"kind": "composite", "attributes": [["a", "text"]]},
            {"kind": "composite", "attributes": [["a", "integer"]]},
            [],
        ),
    ],
)
def test_another_definition(usual, odd, mended):
    found = only("types", types(k=usual), types(k=odd))
    assert [each for each in mends(found) if each.startswith("bravo: ")] == [f"bravo: {each}" for each in mended]


def test_words_of_a_definition_leave_the_name_out():
    found = only("types", types(k=DOMAIN), types(k={**DOMAIN, "not_null": True}))
    assert told(found) == [("warning", "integer on alpha, charlie, integer NOT NULL on bravo", ("bravo",))]
    ranges = [types(k={"kind": "range", "subtype": each}) for each in ("integer", "text")]
    assert told(only("types", *ranges))[0][1] == "range of integer on alpha, charlie, range of text on bravo"


def numbered(oid, *labels, used=True, **more):
    kind = {"kind": "enum", "labels": ["a"] * len(labels), "oid": oid, "label_oids": list(labels), **more}
    city = table(column("m", MOOD if used else "text", physical=[4, "i"]))
    city["columns"][0]["physical"] = [4, "i"]
    return database(city, types={MOOD: {"schema": "public", **kind}})


@pytest.mark.parametrize("era", ["0.4", "0.7"])
def test_numbers_matter_where_rows_carry_them(era):
    engine = {"engine": "contrib_bdr", "era": era}
    found = findings(three(numbered(1, 2), numbered(1, 3)), **engine)
    assert told(found) == [("error", "numbers 1 (labels 2) on alpha, charlie, 1 (labels 3) on bravo", ("bravo",))]
    assert mends(found) == []
    assert told(findings(three(numbered(1), numbered(2)), **engine))[0][1] == "numbers 1 on alpha, charlie, 2 on bravo"
    assert findings(three(numbered(1, used=False), numbered(2, used=False)), **engine) == []
    assert findings(three(numbered(1), numbered(2))) == []


def test_of_an_extension_s_type_only_the_number_counts():
    theirs = {"extension": "hstore"}
    assert findings(three(numbered(1, 5, **theirs), numbered(2, 6, 7, **theirs))) == []
    assert (
        len(findings(three(numbered(1, 5, **theirs), numbered(2, 6, 7, **theirs)), engine="contrib_bdr", era="0.4"))
        == 1
    )


# --- Sequences ------------------------------------------------------------------------------------


def sequence(**more):
    return {"public.s": {"schema": "public", "type": "bigint", "increment": 1, **more}}


@pytest.mark.parametrize(
    ("more", "made"),
    [
        ({}, "public.s"),
        ({"type": "integer", "increment": -2, "cycle": True}, "public.s AS integer INCREMENT BY -2 CYCLE"),
        ({"access_method": "bdr"}, "public.s USING bdr"),
    ],
)
def test_a_missing_sequence(more, made):
    found = only("sequences", sequence(**more), {})
    assert told(found) == [("warning", "there on alpha, charlie, missing on bravo", ("bravo",))]
    assert mends(found) == [f"bravo: CREATE SEQUENCE {made}"]
    lacking = three(database(sequences=sequence(**more)), database(schemas=[]))
    assert mends(findings(lacking))[0] == "bravo: CREATE SCHEMA IF NOT EXISTS public"


@pytest.mark.parametrize(
    ("usual", "odd", "wanted", "other"),
    [
        ({}, {"increment": 3}, "INCREMENT BY 1", "INCREMENT BY 3"),
        ({"type": "integer"}, {}, "AS integer", "AS bigint"),
        ({}, {"cycle": True}, "NO CYCLE", "CYCLE"),
        ({"cycle": True}, {}, "CYCLE", "NO CYCLE"),
    ],
)
def test_a_sequence_that_counts_another_way(usual, odd, wanted, other):
    found = only("sequences", sequence(**usual), sequence(**odd))
    assert told(found) == [("warning", f"{wanted} on alpha, charlie, {other} on bravo", ("bravo",))]
    assert mends(found) == [f"bravo: ALTER SEQUENCE public.s {wanted}"]


def test_one_way_a_downstream_may_have_a_sequence_of_its_own():
    assert only("sequences", {}, sequence(), ONE_WAY) == []


def test_a_view_that_is_missing_takes_no_sequence_along():
    views = database(relations={"public.v": {"schema": "public", "kind": "view"}}, sequences=sequence())
    assert [each.object for each in findings(three(views, database()))] == ["public.s"]
