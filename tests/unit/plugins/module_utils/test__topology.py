# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every shape, and every reason to refuse one."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._inventory import parse
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import Link
from ansible_collections.pgbdr.bdr.plugins.module_utils._topology import (
    downstream_count,
    links,
    upstream_count,
)
from ansible_collections.pgbdr.bdr.tests.unit.builders import group, inventory, only_problem, problems


def shape(names: str, **shared) -> set[str]:
    """Return the links of the database appdb as "upstream downstream"."""
    return {f"{link.upstream} {link.downstream}" for link in links(group(names, **shared))}


def upstreams(**of: str) -> dict:
    """Return the variables of a custom shape: each node's upstreams, split at blanks."""
    return {
        "bdr_topology": "custom",
        "own": {node: {"bdr_upstreams": names.split()} for node, names in of.items()},
    }


def pairs(text: str) -> set[str]:
    return {pair.replace(">", " ") for pair in text.split()}


@pytest.mark.parametrize(
    ("names", "shared", "wanted"),
    [
        ("a b", {}, "a>b b>a"),
        ("a b c", {"bdr_topology": "mesh"}, "a>b a>c b>a b>c c>a c>b"),
        ("a b", {"bdr_topology": "one_way", "bdr_upstream": "a"}, "a>b"),
        ("a b c", {"bdr_topology": "one_way", "bdr_upstream": "b"}, "b>a b>c"),
        ("a b", upstreams(a="b", b="a"), "a>b b>a"),
        ("a b c", upstreams(a="b c", b="a c", c="a b"), "a>b a>c b>a b>c c>a c>b"),
        # A chain, a tree and a hub, each meant.
        ("a b c", {**upstreams(b="a", c="b"), "bdr_partial_reach": True}, "a>b b>c"),
        ("a b c d", {**upstreams(b="a", c="a", d="b"), "bdr_partial_reach": True}, "a>b a>c b>d"),
        ("a b c", {**upstreams(a="b c", b="a", c="a"), "bdr_partial_reach": True}, "b>a c>a a>b a>c"),
        ("a b c", {**upstreams(b="a"), "bdr_partial_reach": True}, "a>b"),
        ("a b c", {"bdr_topology": "custom", "bdr_partial_reach": True}, ""),
        # Two pairs and two rings of three are no ring of all.
        ("a b c d", {**upstreams(a="b", b="a", c="d", d="c"), "bdr_partial_reach": True}, "a>b b>a c>d d>c"),
        (
            "a b c d e f",
            {**upstreams(a="c", b="a", c="b", d="f", e="d", f="e"), "bdr_partial_reach": True},
            "a>b b>c c>a d>e e>f f>d",
        ),
    ],
)
def test_a_shape_has_its_links(names, shared, wanted):
    assert shape(names, **shared) == pairs(wanted)


def test_links_are_sorted_and_belong_to_a_database():
    found = links(
        group(
            "a b c",
            bdr_databases=[
                {"name": "orders", "nodes": ["b", "a"]},
                {"name": "log", "topology": "one_way", "upstream": "c"},
                {"name": "ends", "topology": "custom", "upstreams": {"c": ["a"]}, "nodes": ["a", "c"]},
            ],
            bdr_partial_reach=True,
        )
    )
    assert [str(link) for link in found] == [
        "a -> c (ends)",
        "c -> a (log)",
        "c -> b (log)",
        "a -> b (orders)",
        "b -> a (orders)",
    ]


@pytest.mark.parametrize("count", [2, 3, 6, 100])
def test_a_mesh_of_n_has_n_times_n_minus_one_links(count):
    names = " ".join(f"n{number:03}" for number in range(count))
    assert len(links(group(names))) == count * (count - 1)


def test_counts_are_per_database():
    found = [Link("x", "a", "b"), Link("y", "a", "b"), Link("x", "b", "a"), Link("x", "c", "a")]
    assert [upstream_count(found, node) for node in "abcd"] == [2, 2, 0, 0]
    assert [downstream_count(found, node) for node in "abcd"] == [2, 1, 1, 0]


ONE_WAY = {"bdr_topology": "one_way"}


@pytest.mark.parametrize(
    ("names", "shared", "variable", "said", "mend"),
    [
        ("a", {}, "bdr_databases", "appdb has 1 node(s)", "Add hosts to the inventory group bdr"),
        ("a b", ONE_WAY, "bdr_upstream", "one_way of appdb needs the node", "needs the node that feeds the others"),
        ("a b", {**ONE_WAY, "bdr_upstream": "z"}, "bdr_upstream", "z is no node of appdb", "Its nodes: a, b"),
        ("a b", upstreams(a="b", b="b"), "bdr_upstreams of b", "names b itself", "take it out"),
        ("a b", upstreams(a="b", b="a z"), "bdr_upstreams of b", "names z, which is no node", "Its nodes: a, b"),
        ("a b", upstreams(a="b", b="a a"), "bdr_upstreams of b", "names a twice", "twice"),
        ("a b c", upstreams(a="c", b="a", c="b"), "bdr_upstreams", "a -> b -> c -> a is a ring", "bdr_topology: mesh"),
        (
            "a b c d",
            upstreams(a="d", b="a", c="b", d="c"),
            "bdr_upstreams",
            "a -> b -> c -> d -> a is a ring in appdb: changes are not cascaded",
            "bdr_topology: mesh",
        ),
        # That a ring is meant does not make its changes go on.
        (
            "a b c",
            {**upstreams(a="c", b="a", c="b"), "bdr_partial_reach": True},
            "bdr_upstreams",
            "is a ring",
            "bdr_topology: mesh",
        ),
        (
            "a b c",
            upstreams(b="a", c="b"),
            "bdr_upstreams",
            "changes never get from a to c, b to a, c to a, c to b: changes are not cascaded",
            "bdr_partial_reach: true",
        ),
        ("a b c", upstreams(a="b c", b="a c", c="a"), "bdr_upstreams", "from b to c:", "Link those nodes directly"),
        (
            "a b c d",
            upstreams(b="a", c="b", d="c"),
            "bdr_upstreams",
            "from a to c, a to d, b to a, b to d, c to a and 4 more:",
            "bdr_partial_reach: true",
        ),
        # A ring that leaves a node out is refused for what that node misses.
        (
            "a b c d",
            upstreams(a="c", b="a", c="b", d="a"),
            "bdr_upstreams",
            "changes never get from a to c",
            "bdr_partial_reach: true",
        ),
        ("a b", {"bdr_topology": "custom"}, "bdr_upstreams", "from a to b, b to a", "Link those nodes directly"),
    ],
)
def test_a_shape_is_refused(names, shared, variable, said, mend):
    problem = only_problem(lambda: links(group(names, **shared)))
    assert problem.startswith(variable)
    assert said in problem
    assert mend in problem


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ({"nodes": ["a", "z"]}, "database appdb names the node z, which is no host of the inventory group bdr"),
        ({"nodes": ["a"]}, "database appdb has 1 node(s)"),
        (
            {"topology": "custom", "upstreams": {"z": ["a"]}},
            "bdr_databases: upstreams of appdb names z, which is none of its nodes",
        ),
        ({"nodes": ["a", "a", "b"]}, "nodes of bdr_databases, item 1, names a twice; name each node once"),
        ({"nodes": []}, "nodes of bdr_databases, item 1, is an empty list"),
    ],
)
def test_a_database_of_a_list_is_refused(database, said):
    variables = inventory("a b", bdr_databases=[{"name": "appdb", **database}])
    assert said in only_problem(lambda: links(parse("bdr", variables)))


def test_every_problem_is_listed():
    found = problems(
        lambda: links(
            group(
                "a b",
                bdr_databases=[
                    {"name": "one", "topology": "one_way"},
                    {"name": "two", "nodes": ["y", "z"]},
                    {"name": "three", "topology": "custom", "upstreams": {"a": ["a", "z", "z"]}},
                ],
            )
        )
    )
    assert [problem.split(":")[0].split(" of ")[0] for problem in found] == [
        "bdr_upstream",
        *["bdr_upstreams"] * 4,
        *["bdr_databases"] * 2,
    ]
