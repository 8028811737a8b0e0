# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The topology of a group as SVG: nodes on a circle, links as arrows of the colour of their state. Pure."""

from __future__ import annotations

import html
import math
import typing as t

from ..module_utils._status_links import amount

Mapping = t.Mapping[str, t.Any]
Point = t.Tuple[float, float]

BOX = (132, 46)
MARGIN = (20, 12)
GAP = 15  # between arrows of the same two nodes
LABELLED_NODES = 6
"""Up to so many nodes each link is labelled with its lag, beyond it only those that do not stream."""


def svg(found: Mapping) -> str:
    """Return the picture; the classes of its parts are styled by the page."""
    places = _places(list(found["nodes"]))
    low, high = ([around([place[axis] for place in places.values()]) for axis in (0, 1)] for around in (min, max))
    left, top = low[0] - BOX[0] / 2 - MARGIN[0], low[1] - BOX[1] / 2 - MARGIN[1]
    width, height = high[0] - low[0] + BOX[0] + 2 * MARGIN[0], high[1] - low[1] + BOX[1] + 2 * MARGIN[1]
    is_small = len(places) <= LABELLED_NODES
    ways = [(link, aside, _way(link, aside, places)) for link, aside in _asides(found["links"])]
    return (
        f'<svg viewBox="{_n(left)} {_n(top)} {_n(width)} {_n(height)}" role="img" '
        'aria-label="The links of the group">\n'
        + "".join(_arrow(link, way) for link, _aside, way in ways)
        + "".join(_node(name, found["nodes"][name], place) for name, place in places.items())
        # Above all lines, so that none runs through them.
        + "".join(_label(link, aside, way, is_small) for link, aside, way in ways)
        + "</svg>\n"
    )


def _places(names: t.Sequence[str]) -> dict[str, Point]:
    count = len(names)
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


class Way(t.NamedTuple):
    """Where an arrow runs: from start to end, in a direction of length one, and which side is aside."""

    start: Point
    end: Point
    along: Point
    aside: Point


def _way(link: Mapping, aside: float, places: t.Mapping[str, Point]) -> Way:
    first, second = sorted((link["upstream"], link["downstream"]))
    (x1, y1), (x2, y2) = places[first], places[second]
    length = math.hypot(x2 - x1, y2 - y1)
    normal = (-(y2 - y1) / length, (x2 - x1) / length)
    shift = (normal[0] * aside, normal[1] * aside)
    up, down = places[link["upstream"]], places[link["downstream"]]
    direction = 1 if link["upstream"] == first else -1
    along = (direction * normal[1], -direction * normal[0])
    return Way(_border(up, down, shift, 3), _border(down, up, shift, 5), along, normal)


def _arrow(link: Mapping, way: Way) -> str:
    (x1, y1), (x2, y2), along = way.start, way.end, way.along
    foot = (x2 - 11 * along[0], y2 - 11 * along[1])
    head = [(x2, y2), *((foot[0] - side * along[1], foot[1] + side * along[0]) for side in (5, -5))]
    told = f"{link['upstream']} -> {link['downstream']} ({link['database']}): {link['state']}"
    return (
        f'<g class="link {html.escape(link["state"])}"><title>{html.escape(told)}</title>'
        f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(foot[0])}" y2="{_n(foot[1])}"/>'
        f'<polygon points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in head)}"/></g>\n'
    )


def _label(link: Mapping, aside: float, way: Way, is_small: bool) -> str:
    """Return the state and the lag on the outer side of the arrow, nearer to the downstream."""
    if link["state"] == "streaming" and not is_small:
        return ""
    lag = "" if link["lag_bytes"] is None else amount(link["lag_bytes"])
    label = lag if link["state"] == "streaming" else f"{link['state']} {lag}".strip()
    out = -8.0 if aside < 0 else 8.0
    x, y = (way.start[axis] + 0.6 * (way.end[axis] - way.start[axis]) + out * way.aside[axis] for axis in (0, 1))
    side = out * way.aside[0]
    anchor = "start" if side > 3 else "end" if side < -3 else "middle"
    down = 4 if anchor != "middle" else 10 if out * way.aside[1] > 0 else -2
    place = f'x="{_n(x)}" y="{_n(y + down)}" text-anchor="{anchor}"'
    return f'<text class="label {html.escape(link["state"])}" {place}>{html.escape(label)}</text>\n' if label else ""


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
