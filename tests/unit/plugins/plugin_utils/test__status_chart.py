# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lag of links over time, as a picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml

import pytest
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._status_chart import HEIGHT, LINKS, POINTS, WIDTH, charts

LINK = {"database": "appdb", "upstream": "alpha", "downstream": "bravo"}
KB = 1024


def at(minute: int) -> str:
    return f"2026-11-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00+00:00"


def looks(*lags: int | None, minutes: list[int] | None = None, state: str = "streaming") -> list[dict]:
    places = minutes or list(range(len(lags)))
    row = ["appdb", "alpha", "bravo", state]
    return [
        {"at": at(minute), "group": "bdr", "links": [[*row, lag, 0.0, None]]}
        for minute, lag in zip(places, lags, strict=True)
    ]


def drawn(*lags: int | None, minutes: list[int] | None = None) -> str:
    return charts("bdr", looks(*lags, minutes=minutes), [LINK])


def lines(picture: str) -> list[list[tuple[float, float]]]:
    return [
        [(float(x), float(y)) for x, y in (place.split(",") for place in points.split())]
        for points in re.findall(r'<polyline points="([^"]*)"', picture)
    ]


def test_with_one_look_there_is_nothing_to_draw():
    assert drawn(5) == "" and charts("other", looks(1, 2), [LINK]) == ""


def test_a_line_goes_from_the_first_look_to_the_last_and_as_high_as_the_largest_lag():
    picture = drawn(0, 2 * KB, KB)
    assert lines(picture) == [[(0.0, 54.0), (240.0, 14.0), (480.0, 34.0)]]
    assert "alpha \u2192 bravo (appdb): now 1.0 kB, at most 2.0 kB" in picture
    assert "2026-11-01 00:00:00" in picture and "2026-11-01 00:02:00 UTC" in picture
    assert lines(drawn(0, 0)) == [[(0.0, 54.0), (480.0, 54.0)]]


def test_where_the_lag_is_not_known_the_line_has_a_gap():
    picture = drawn(0, 1, None, 1, 1, None, 1)
    assert [len(line) for line in lines(picture)] == [2, 2] and picture.count("<circle") == 1
    assert "now not known" in drawn(1, None)
    assert lines(drawn(None, None)) == []


def test_where_nobody_looked_for_long_the_line_has_a_gap():
    assert [len(line) for line in lines(drawn(1, 1, 1, 1, 1, minutes=[0, 1, 2, 60, 61]))] == [3, 2]
    assert [len(line) for line in lines(drawn(1, 1, 1, 1, 1, minutes=[0, 1, 2, 6, 7]))] == [5]


def test_the_states_are_a_band_below_the_line():
    both = [*looks(1, 1), *looks(None, None, minutes=[2, 3], state="down"), *looks(1, minutes=[4])]
    picture = charts("bdr", both, [LINK])
    bands = re.findall(r'<rect class="(\w+)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', picture)
    assert bands == [("streaming", "0.0", "120.0"), ("down", "240.0", "120.0"), ("streaming", "478.0", "2.0")]
    assert "<title>down 2026-11-01 00:02:00 to 2026-11-01 00:03:00</title>" in picture


@pytest.mark.parametrize("number", [POINTS, POINTS * 4])
def test_many_looks_are_drawn_as_fewer_and_a_peak_stays(number):
    peak = [0] * number
    peak[number // 2] = 9 * KB
    (line,) = lines(drawn(*peak))
    assert len(line) <= POINTS and min(y for _x, y in line) == 14.0
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in line)
    assert lines(drawn(*[None] * number)) == []


def test_of_many_links_those_with_the_largest_lag_are_drawn():
    names = [f"n{number:03}" for number in range(LINKS + 6)]
    links = [{**LINK, "downstream": name} for name in names]
    rows = [["appdb", "alpha", name, "streaming", place, 0.0, None] for place, name in enumerate(names)]
    two = [{"at": at(minute), "group": "bdr", "links": rows} for minute in (0, 1)]
    picture = charts("bdr", two, links)
    assert picture.count("<figure>") == LINKS and "6 more links, with less lag" in picture
    assert "n029" in picture and "n005" not in picture


def test_a_link_that_is_new_or_gone_and_a_time_that_is_none_do_no_harm():
    new = {**LINK, "downstream": "<new>"}
    picture = charts("bdr", [*looks(1, 2), {"at": "yesterday", "group": "bdr", "links": []}], [LINK, new])
    assert picture.count("<figure>") == 2 and "&lt;new&gt;" in picture and "<new>" not in picture
    assert charts("bdr", looks(1, 2), [new]).count("<polyline") == 0


def test_it_is_well_formed():
    xml.fromstring(f"<div>{drawn(0, 5, None, 7)}</div>")
