# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges between blocks, where they are sampled, and how many blocks a query takes."""

from __future__ import annotations

import random

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare import blocks
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.blocks import BLOCK_ROWS, Pace, ctids, edges


@pytest.mark.parametrize(
    ("pages", "rows", "wanted"),
    [
        (0, 0.0, []),
        (0, 1e6, []),
        (40, BLOCK_ROWS - 1, []),
        (40, BLOCK_ROWS, [0, 10, 20, 30]),
        (40, 2.0 * BLOCK_ROWS, [0, 5, 10, 15, 20, 25, 30, 35]),
        # Wide statistics on few pages: each page once.
        (3, 100.0 * BLOCK_ROWS, [0, 1, 2]),
        (1, 1e9, [0]),
    ],
)
def test_which_pages_are_sampled(pages, rows, wanted):
    assert blocks.sampled_pages(pages, rows) == wanted


def test_sampled_pages_are_there_and_looked_at_once():
    chance = random.Random(2)
    for _time in range(500):
        pages, rows = chance.randrange(5000), chance.random() * 10 ** chance.randrange(8)
        found = blocks.sampled_pages(pages, rows)
        assert found == sorted(set(found))
        assert all(0 <= page < pages for page in found)


def test_places_of_the_first_rows():
    assert ctids([0, 7]) == ["(0,1)", "(0,2)", "(7,1)", "(7,2)"]
    assert ctids([]) == []


def keys(text: str) -> list[blocks.Key]:
    return [(each,) for each in text]


@pytest.mark.parametrize(
    ("sampled", "of_blocks", "wanted"),
    [
        ("", 0, ""),
        ("", 9, ""),
        ("abcdef", 0, ""),
        ("abcdef", 1, ""),
        ("abcdef", 2, "d"),
        ("abcdef", 3, "ce"),
        ("abcdef", 6, "bcdef"),
        # Each key once, however often it was sampled or would be chosen.
        ("aabbccdd", 4, "bcd"),
        ("ab", 9, "ab"),
        ("a", 9, "a"),
    ],
)
def test_which_keys_are_edges(sampled, of_blocks, wanted):
    assert edges(keys(sampled), of_blocks * BLOCK_ROWS) == keys(wanted)


def test_a_part_of_a_block_makes_no_edge():
    assert edges(keys("ab"), 2 * BLOCK_ROWS - 1) == []


def test_every_row_is_in_one_block():
    """Whatever was sampled: the edges are in order, so from one to the next every key has its place."""
    chance = random.Random(3)
    for _time in range(300):
        sampled = sorted((chance.randrange(60), chance.randrange(3)) for _each in range(chance.randrange(80)))
        chosen = edges([tuple(map(str, key)) for key in sampled], chance.random() * 30 * BLOCK_ROWS)
        ends = [None, *((int(one), int(other)) for one, other in chosen), None]
        assert ends[1:-1] == sorted(set(ends[1:-1]))
        for key in [(-1, 0), (99, 9), *sampled, *((chance.randrange(60), chance.randrange(3)) for _each in range(20))]:
            holding = [
                (low, high)
                for low, high in zip(ends, ends[1:], strict=False)
                if (low is None or low <= key) and (high is None or key < high)
            ]
            assert len(holding) == 1, (key, chosen)


def test_the_first_query_is_one_block():
    assert Pace().blocks() == 1


@pytest.mark.parametrize(
    ("rate", "wanted"), [(0.1, 1), (10, 3), (100, 30), (99.99, 29), (1e6, blocks.MOST_BLOCKS), (0, 1)]
)
def test_a_query_takes_what_fits_into_its_time(rate, wanted):
    assert Pace(rate).blocks() == wanted


def test_the_pace_follows_what_queries_took():
    pace = Pace()
    pace.took(1, 0.01)
    assert pace.blocks_per_second == pytest.approx(100), "the first one is all there is to know"
    pace.took(10, 1.0)
    assert pace.blocks_per_second == pytest.approx(73)
    pace.took(10**6, 1.0)
    assert pace.blocks_per_second == pytest.approx(0.7 * 73 + 0.3 * 4 * 73), "no leap: it may have been an empty range"
    pace.took(1, 0.0)
    assert pace.blocks_per_second < 10**4


def test_the_pace_comes_to_what_it_should_be():
    pace = Pace()
    for _time in range(60):
        pace.took(pace.blocks(), pace.blocks() / 500)
    assert pace.blocks() == pytest.approx(500 * blocks.QUERY_SECONDS, abs=2)
    for _time in range(60):
        pace.took(pace.blocks(), pace.blocks() * 2.0)
    assert pace.blocks() == 1, "a slow server gets the smallest queries"
