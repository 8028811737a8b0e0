# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules for columns by their places, for engines that send rows as they lie on disk."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._schema_layout import ANEW, DROP, FILL, PARENTS
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

ALTER = "ALTER TABLE public.city"


def placed(name, length=-1, alignment="i", **more):
    return column(name, physical=[length, alignment], **more)


def dropped(length=-1, alignment="i"):
    return {"dropped": [length, alignment]}


def by_place(usual, odd, *more, nodes=("alpha", "bravo", "charlie")):
    first = placed("id", 4)
    cities = [database({**table(), "columns": [first, *columns]}) for columns in (usual, odd)]
    return findings(three(*cities, nodes=nodes), *more, engine="contrib_bdr", era="0.7")


@pytest.mark.parametrize(
    ("usual", "odd", "said", "mended", "advice"),
    [
        (
            [placed("a", default="1", not_null=True)],
            [],
            "(id, a) on alpha, charlie, (id) on bravo",
            ["ADD COLUMN a text", "ALTER COLUMN a SET DEFAULT 1", "ALTER COLUMN a SET NOT NULL"],
            FILL.format(model="alpha"),
        ),
        (
            [dropped(8, "d"), placed("b")],
            [],
            "(id, dropped, b) on alpha, charlie, (id) on bravo",
            ["ADD COLUMN pgbdr_dropped_2 bigint", "DROP COLUMN pgbdr_dropped_2", "ADD COLUMN b text"],
            FILL.format(model="alpha"),
        ),
        (
            [dropped(), placed("b")],
            [placed("A")],
            '(id, dropped, b) on alpha, charlie, (id, "A") on bravo',
            ['DROP COLUMN "A"', "ADD COLUMN b text"],
            DROP,
        ),
        # A column that most nodes still have is not dropped because one has dropped it.
        ([placed("a")], [dropped()], "(id, a) on alpha, charlie, (id, dropped) on bravo", [], ANEW),
        # Nor one that is there once more, at another place.
        (
            [dropped(), placed("a")],
            [placed("a")],
            "(id, dropped, a) on alpha, charlie, (id, a) on bravo",
            [],
            ANEW,
        ),
        (
            [placed("a"), placed("b")],
            [placed("b"), placed("a")],
            "(id, a, b) on alpha, charlie, (id, b, a) on bravo",
            [],
            ANEW,
        ),
        ([placed("a")], [placed("b"), placed("c")], "(id, a) on alpha, charlie, (id, b, c) on bravo", [], ANEW),
        ([dropped()], [placed("b"), placed("c")], "(id, dropped) on alpha, charlie, (id, b, c) on bravo", [], ANEW),
        ([dropped(3, "c")], [], "(id, dropped) on alpha, charlie, (id) on bravo", [], ANEW),
        ([dropped(4, "i")], [placed("a")], "(id, dropped) on alpha, charlie, (id, a) on bravo", [], ANEW),
        ([dropped(4, "i")], [dropped(8, "d")], "(id, dropped) on alpha, charlie, (id, dropped) on bravo", [], ANEW),
    ],
)
def test_places_that_differ(usual, odd, said, mended, advice):
    found = by_place(usual, odd)
    assert told(found) == [("error", f"columns {said}", ("bravo",))]
    assert mends(found) == [f"bravo: {ALTER} {each}" for each in mended]
    assert found[0].advice == advice


def test_the_one_to_follow_is_the_one_that_others_grow_to():
    found = by_place([], [placed("a")])
    assert told(found) == [("error", "columns (id, a) on bravo, (id) on alpha, charlie", ("alpha", "charlie"))]
    assert mends(found) == [f"{node}: {ALTER} ADD COLUMN a text" for node in ("alpha", "charlie")]
    # One way too: nothing takes a column from a place behind.
    assert mends(by_place([], [placed("a")], ONE_WAY))[0] == f"alpha: {ALTER} ADD COLUMN a text"


def test_of_two_nodes_none_is_told_to_drop_a_column():
    found = by_place([dropped()], [placed("a")], nodes=("alpha", "bravo"))
    assert (mends(found), found[0].advice) == ([], ANEW)


def test_one_node_can_be_mended_and_another_not():
    columns = {"alpha": [dropped()], "bravo": [], "charlie": [placed("b")], "delta": [dropped()]}
    links = [(up, down) for up in columns for down in columns if up != down]
    nodes = {node: database({**table(), "columns": [placed("id", 4), *each]}) for node, each in columns.items()}
    nodes["charlie"]["relations"]["public.city"]["columns"].append(placed("c"))
    (found,) = findings(nodes, links, engine="contrib_bdr", era="0.4")
    assert (found.nodes, [node for node, _statements in found.mend], found.advice) == (
        ("bravo", "charlie"),
        ["bravo"],
        ANEW,
    )


def test_places_of_a_child_are_mended_with_its_parents():
    found = by_place([placed("a", inherited=True)], [])
    assert (mends(found), found[0].advice) == ([], PARENTS)


def test_where_columns_have_places_the_rest_is_compared_by_name():
    found = by_place([placed("a", not_null=True)], [placed("a")])
    assert told(found) == [("error", "column a NOT NULL on alpha, charlie, nullable on bravo", ("bravo",))]
    wider = by_place([column("a", "integer", physical=[4, "i"])], [column("a", "bigint", physical=[8, "d"])])
    assert told(wider) == [("error", "column a integer on alpha, charlie, bigint on bravo", ("bravo",))]
