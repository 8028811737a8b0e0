# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The topology of a group as SVG: nodes on a circle, links as arrows of the colour of their state. Pure."""

from __future__ import annotations

import html
import math
import typing as t

from ..module_utils._slot_report import size

Mapping = t.Mapping[str, t.Any]
Point = t.Tuple[float, float]

BOX = (132, 46)
GAP = 13  # between arrows of the same two nodes
LABELLED_NODES = 6
"""Up to so many nodes each link is labelled with its lag, beyond it only those that do not stream."""


def svg(found: Mapping) -> str:
    """Return the picture; the classes of its parts are styled by the page."""
    places = _places(list(found["nodes"]))
    wide, high = (max(abs(place[axis]) for place in places.values()) + BOX[axis] / 2 + 40 for axis in (0, 1))
    is_small = len(places) <= LABELLED_NODES
    arrows = "".join(_arrow(link, aside, places, is_small) for link, aside in _asides(found["links"]))
    nodes = "".join(_node(name, found["nodes"][name], place) for name, place in places.items())
    return (
        f'<svg viewBox="{_n(-wide)} {_n(-high)} {_n(2 * wide)} {_n(2 * high)}" role="img" '
        f'aria-label="The links of the group">\n{arrows}{nodes}</svg>\n'
    )


def _places(names: t.Sequence[str]) -> dict[str, Point]:
    count = len(names)
    if count == 1:
        return {names[0]: (0.0, 0.0)}
    wide, high = max(230.0, 62.0 * count), max(150.0, 42.0 * count)
    start = -90.0 if count % 2 else -90.0 - 180.0 / count
    angles = {name: math.radians(start + 360.0 * place / count) for place, name in enumerate(names)}
    return {name: (wide * math.cos(angle), high * math.sin(angle)) for name, angle in angles.items()}


def _asides(links: t.Sequence[Mapping]) -> t.Iterator[tuple[Mapping, float]]:
    """Yield each link with how far it runs aside of the line between its nodes, so that none hides another."""
    between: dict[tuple[str, ...], list[Mapping]] = {}
    for link in links:
        between.setdefault(tuple(sorted((link["upstream"], link["downstream"]))), []).append(link)
    for alike in between.values():
        for place, link in enumerate(alike):
            yield link, (place - (len(alike) - 1) / 2) * GAP


def _arrow(link: Mapping, aside: float, places: t.Mapping[str, Point], is_small: bool) -> str:
    first, second = sorted((link["upstream"], link["downstream"]))
    (x1, y1), (x2, y2) = places[first], places[second]
    length = math.hypot(x2 - x1, y2 - y1)
    shift = (-(y2 - y1) / length * aside, (x2 - x1) / length * aside)
    up, down = places[link["upstream"]], places[link["downstream"]]
    start, end = _border(up, down, shift, 3), _border(down, up, shift, 5)
    along = ((end[0] - start[0]), (end[1] - start[1]))
    way = math.hypot(*along) or 1.0
    along = (along[0] / way, along[1] / way)
    foot = (end[0] - 11 * along[0], end[1] - 11 * along[1])
    head = [end, *((foot[0] - side * along[1], foot[1] + side * along[0]) for side in (5, -5))]
    label = _label(link, is_small)
    # Two labels of one pair stand apart: each nearer to its downstream.
    at = (start[0] + 0.66 * way * along[0], start[1] + 0.66 * way * along[1])
    text = f'<text x="{_n(at[0])}" y="{_n(at[1] + 4)}">{html.escape(label)}</text>' if label else ""
    told = f"{link['upstream']} -> {link['downstream']} ({link['database']}): {link['state']}"
    return (
        f'<g class="link {html.escape(link["state"])}"><title>{html.escape(told)}</title>'
        f'<line x1="{_n(start[0])}" y1="{_n(start[1])}" x2="{_n(foot[0])}" y2="{_n(foot[1])}"/>'
        f'<polygon points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in head)}"/>{text}</g>\n'
    )


def _label(link: Mapping, is_small: bool) -> str:
    if link["state"] == "streaming" and not is_small:
        return ""
    lag = "" if link["lag_bytes"] is None else size(link["lag_bytes"])
    return lag if link["state"] == "streaming" else f"{link['state']} {lag}".strip()


def _border(centre: Point, towards: Point, shift: Point, gap: float) -> Point:
    """Return where a line from a box, moved aside by shift, leaves the box."""
    line = (towards[0] - centre[0], towards[1] - centre[1])
    reach = [
        (math.copysign(BOX[axis] / 2 + gap, line[axis]) - shift[axis]) / line[axis]
        for axis in (0, 1)
        if abs(line[axis]) > 1e-9
    ]
    part = min(reach)
    return centre[0] + shift[0] + part * line[0], centre[1] + shift[1] + part * line[1]


def _node(name: str, node: Mapping, place: Point) -> str:
    x, y = place
    state = "up" if node["answers"] else node["reason"]
    return (
        f'<g class="node {html.escape(state)}"><rect x="{_n(x - BOX[0] / 2)}" y="{_n(y - BOX[1] / 2)}" '
        f'width="{BOX[0]}" height="{BOX[1]}" rx="9"/>'
        f'<text class="name" x="{_n(x)}" y="{_n(y - 2)}">{html.escape(name)}</text>'
        f'<text x="{_n(x)}" y="{_n(y + 15)}">{html.escape(state)}</text></g>\n'
    )


def _n(value: float) -> str:
    """Return a number with one decimal at most; adding 0 turns -0 into 0."""
    return f"{round(value, 1) + 0:g}"
