# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""bdr_databases: names, or mappings with a topology, nodes and upstreams of their own."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.tests.unit.builders import group, only_problem, problems


@pytest.mark.parametrize(
    ("shared", "wanted"),
    [
        ({"bdr_databases": ["b", "a"]}, ["a mesh", "b mesh"]),
        ({"bdr_databases": [{"name": "a"}, "b"]}, ["a mesh", "b mesh"]),
        ({"bdr_databases": ("a",)}, ["a mesh"]),
        ({"bdr_topology": "one_way", "bdr_upstream": "alpha"}, ["appdb one_way from alpha"]),
        (
            {
                "bdr_databases": ["a", {"name": "b", "topology": "one_way", "upstream": "bravo"}],
                "bdr_upstream": "alpha",
            },
            ["a mesh from alpha", "b one_way from bravo"],
        ),
        ({"bdr_databases": [{"name": "my db é"}]}, ["my db é mesh"]),
        ({"bdr_databases": ["ü" * 31 + "x"]}, ["ü" * 31 + "x mesh"]),
    ],
)
def test_databases(shared, wanted):
    found = [
        f"{database.name} {database.topology}" + (f" from {database.upstream}" if database.upstream else "")
        for database in group(**shared).databases
    ]
    assert found == wanted


def test_a_database_may_have_nodes_of_its_own():
    found = group(bdr_databases=[{"name": "a", "nodes": ["charlie", "alpha"]}, "b"])
    assert [database.members for database in found.databases] == [
        ("alpha", "charlie"),
        ("alpha", "bravo", "charlie"),
    ]


def test_upstreams_are_said_by_the_nodes_or_by_the_database():
    by_nodes = group("a b", bdr_topology="custom", own={"b": {"bdr_upstreams": ["a"]}, "a": {"bdr_upstreams": []}})
    by_database = group("a b", bdr_databases=[{"name": "appdb", "topology": "custom", "upstreams": {"b": ["a"]}}])
    assert by_nodes.databases == by_database.databases
    assert by_nodes.databases[0].upstreams == (("b", ("a",)),)


def test_upstreams_of_a_database_win():
    databases = [{"name": "x", "upstreams": {"a": ["b"]}}, {"name": "y"}]
    found = group("a b", bdr_topology="custom", own={"b": {"bdr_upstreams": ["a"]}}, bdr_databases=databases)
    assert [database.upstreams for database in found.databases] == [(("a", ("b",)),), (("b", ("a",)),)]


NAMES = "a list of database names, such as [appdb]"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, f"bdr_databases is missing; wanted: {NAMES}"),
        ([], f"bdr_databases is the list []; wanted: {NAMES}"),
        ("appdb", f"bdr_databases is the string 'appdb'; wanted: {NAMES}"),
        ("{{ nope }}", f"bdr_databases is the string '{{{{ nope }}}}'; wanted: {NAMES}"),
        (5, f"bdr_databases is the number '5'; wanted: {NAMES}"),
        ({"appdb": {}}, "bdr_databases is the mapping"),
        ([5], "name of bdr_databases, item 1, is the number '5'; a string is wanted"),
        ([["a"]], "name of bdr_databases, item 1, is the list ['a']"),
        (["a", None], "name of bdr_databases, item 2, is nothing (null)"),
        (["{{ nope }}"], "name of bdr_databases, item 1, is a template that did not resolve"),
        ([""], "name of bdr_databases, item 1, is ''"),
        ([{}], "bdr_databases item 1 has no name"),
        ([{"nodes": ["alpha", "bravo"]}], "bdr_databases item 1 has no name"),
        (
            [{"name": "a", "topolgy": "mesh"}],
            "bdr_databases item 1 has an unknown key 'topolgy'; known: name, topology,",
        ),
        ([{"name": "a", "topology": "ring"}], "topology of bdr_databases, item 1, is the string 'ring'; one of mesh,"),
        ([{"name": "a", "nodes": "alpha"}], "nodes of bdr_databases, item 1, is the string 'alpha'; a list is wanted"),
        ([{"name": "a", "upstream": ["alpha"]}], "upstream of bdr_databases, item 1, is the list"),
        ([{"name": "a", "upstreams": ["alpha"]}], "upstreams of bdr_databases, item 1, is the list"),
        (
            [{"name": "a", "upstreams": {"alpha": "bravo"}}],
            "item 1, entry alpha is the string 'bravo'; a list is wanted",
        ),
        (["a", "b", "a"], "bdr_databases names a twice; name each database once"),
        (["a", {"name": "a"}, "a"], "bdr_databases names a twice"),
        (["postgres"], "bdr_databases: postgres is one of the server's own databases"),
        (["template0"], "bdr_databases: template0 is one of the server's own"),
        (["template1"], "bdr_databases: template1 is one of the server's own databases; replicate a database of yours"),
        (["replication"], "bdr_databases: replication is one of"),
        (["d" * 64], "has 64 bytes; a name has 63 at most"),
        (["ü" * 32], "has 64 bytes; a name has 63 at most"),
        (
            [{"name": "a", "nodes": []}],
            "nodes of bdr_databases, item 1, is an empty list; name the nodes, or leave it out for all of them",
        ),
        (
            ["x", {"name": "a", "nodes": ["alpha", "bravo", "alpha", "alpha"]}],
            "nodes of bdr_databases, item 2, names alpha twice; name each node once",
        ),
        (
            [{"name": "a", "upstream": "alpha"}],
            "upstream of bdr_databases, item 1, is read with topology one_way only; take it out or change the topology",
        ),
        (
            [{"name": "a", "topology": "custom", "upstream": "alpha"}],
            "upstream of bdr_databases, item 1, is read with topology one_way only",
        ),
        pytest.param(
            [{"name": "a", "upstreams": {"alpha": ["bravo"]}}],
            "upstreams of bdr_databases, item 1, is read with topology custom only",
        ),
    ],
)
def test_databases_that_are_refused(value, said):
    assert said in only_problem(group, bdr_databases=value)


@pytest.mark.parametrize("shared", [{"bdr_topology": "mesh"}, {"bdr_topology": "one_way", "bdr_upstream": "alpha"}])
@pytest.mark.parametrize("named", [["alpha"], []])
def test_upstreams_that_nothing_reads_are_refused(shared, named):
    problem = only_problem(group, own={"bravo": {"bdr_upstreams": named}}, **shared)
    assert problem.startswith("bdr_upstreams of bravo is read with bdr_topology: custom only; take it out")


@pytest.mark.parametrize(
    "shared",
    [
        {"bdr_topology": "mesh"},
        {"bdr_topology": "custom", "bdr_partial_reach": True},
        {"bdr_topology": "one_way", "bdr_databases": [{"name": "a", "topology": "mesh"}]},
    ],
)
def test_an_upstream_that_nothing_reads_is_refused(shared):
    problem = only_problem(group, bdr_upstream="alpha", **shared)
    assert problem == "bdr_upstream is read with bdr_topology: one_way only; take it out or change the topology"


def test_upstreams_that_one_database_reads_are_fine():
    databases = ["x", {"name": "y", "topology": "custom"}]
    assert group(bdr_databases=databases, own={"bravo": {"bdr_upstreams": ["alpha"]}})


def test_every_problem_of_every_database_is_listed():
    found = problems(group, bdr_databases=["template1", {"name": 5}, {"nodes": "alpha"}, "a", "a"])
    assert len(found) == 5
