# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is odd and whom to follow: links, majorities, and what an upstream that hears nothing back decides."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._schema_odd import (
    Links,
    found,
    missing,
    no_mend,
    stricter,
    there,
    unequal,
)
from ansible_collections.pgbdr.bdr.tests.unit.schemas import MESH, NODES, ONE_WAY

CHAIN = (("alpha", "bravo"), ("bravo", "charlie"))
PAIR = (("alpha", "bravo"), ("bravo", "alpha"))


def odd(pairs, values, *rule, **more):
    named = dict(zip(NODES, values, strict=False))
    return Links(pairs, named).odd(named, *rule, **more)


@pytest.mark.parametrize(
    ("pairs", "values", "rule", "reference", "nodes"),
    [
        (MESH, "xxy", unequal, "x", "charlie"),
        (MESH, "yxx", unequal, "x", "alpha"),
        (ONE_WAY, "xyy", unequal, "x", "bravo charlie"),
        (ONE_WAY, "xyx", unequal, "x", "bravo"),
        (CHAIN, "xyy", unequal, "x", "bravo charlie"),
        (CHAIN, "xxy", unequal, "x", "charlie"),
        (MESH, (1, 1, 0), missing, 1, "charlie"),
        (MESH, (0, 0, 1), stricter, 0, "charlie"),
        (MESH, (1, 1, 0), stricter, 1, "charlie"),
        (ONE_WAY, (0, 1, 1), stricter, 0, "bravo charlie"),
    ],
)
def test_whom_to_follow(pairs, values, rule, reference, nodes):
    result = odd(pairs, values, rule)
    assert (result.reference, " ".join(result.nodes)) == (reference, nodes)


@pytest.mark.parametrize(
    ("pairs", "values", "rule"),
    [
        (MESH, "xxx", unequal),
        (ONE_WAY, (0, 1, 1), missing),
        (ONE_WAY, (1, 0, 0), stricter),
        ((), "xyz", unequal),
        # Two downstreams of one upstream send each other nothing.
        (ONE_WAY, (1, 0, 1), stricter),
    ],
)
def test_nobody_is_odd(pairs, values, rule):
    assert odd(pairs, values, rule) is None


def test_links_of_nodes_that_did_not_answer_do_not_count():
    assert Links(MESH, ("alpha", "bravo")).pairs == set(PAIR)


def test_what_is_preferred_breaks_a_tie_or_comes_first():
    assert odd(PAIR, "xy").even
    assert odd(PAIR, "xy").reference == "x"
    preferred = odd(PAIR, "xy", prefer=lambda value: value == "y")
    assert (preferred.reference, preferred.even) == ("y", False)
    assert odd(MESH, "xxy", prefer=lambda value: value == "y").reference == "x"
    assert odd(MESH, "xxy", prefer=lambda value: value == "y", prefer_first=True).nodes == ("alpha", "bravo")


def test_a_finding_tells_of_a_tie_only_where_there_is_a_mend_to_turn_round():
    tie = odd(PAIR, "xy")
    (with_mend,) = found("error", "table", "t", tie, str, lambda node: [f"on {node}"], "is ", "mind this")
    assert with_mend.finding == "is x on alpha, y on bravo"
    assert with_mend.mend == (("bravo", ("on bravo",)),)
    assert with_mend.advice == (
        "as many nodes have the one as the other; the mend follows alpha, turn it round where alpha is wrong; mind this"
    )
    (without,) = found("error", "table", "t", tie, str, no_mend)
    assert (without.mend, without.advice) == ((), "")
    assert list(found("error", "table", "t", None, str, no_mend)) == []


def test_words():
    assert (there(True), there(False)) == ("there", "missing")
