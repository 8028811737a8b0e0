# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The lag of each link over time as SVG: a line with gaps where nobody knows it, above a band of its states. Pure."""

from __future__ import annotations

import datetime
import html
import statistics
import typing as t

from ..module_utils._status_links import amount

Mapping = t.Mapping[str, t.Any]
Key = t.Tuple[str, str, str]

WIDTH, HEIGHT = 480.0, 76.0
TOP, FLOOR, BAND = 14.0, 54.0, 4.0
POINTS = 240
"""Of more looks than these, those that lie together are drawn as one, with the largest lag of them."""
LINKS = 24
"""So many links are drawn, those with the largest lag first."""
PAUSE = 5
"""A line is broken where the next look came so many times later than looks do."""


class Point(t.NamedTuple):
    """What a look saw of a link."""

    at: float
    state: str
    lag: int | None


def charts(group: str, looks: t.Sequence[Mapping], links: t.Sequence[Mapping]) -> str:
    """Return the charts of a group's links, empty with less than two looks."""
    own = [look for look in looks if look["group"] == group]
    if len(own) < 2:
        return ""
    times = [_seconds(look["at"]) for look in own]
    first, last = min(times), max(times)
    series: dict[Key, list[Point]] = {_key(link): [] for link in links}
    for at, look in zip(times, own):
        for database, upstream, downstream, state, lag, *_more in look["links"]:
            if (database, upstream, downstream) in series:
                series[(database, upstream, downstream)].append(Point(at, str(state), lag))
    drawn = sorted(series.items(), key=lambda each: -max((point.lag or 0 for point in each[1]), default=0))
    left_out = len(drawn) - LINKS
    more = f'<p class="dim">{left_out} more links, with less lag, are not drawn.</p>\n' if left_out > 0 else ""
    pause = PAUSE * statistics.median(later - at for at, later in zip(sorted(times), sorted(times)[1:]))
    figures = "".join(_figure(key, points, first, last, pause) for key, points in drawn[:LINKS])
    return f'<h2>Lag over time</h2>\n{more}<div class="charts">\n{figures}</div>\n'


def _key(link: Mapping) -> Key:
    return (link["database"], link["upstream"], link["downstream"])


def _seconds(at: str) -> float:
    try:
        return datetime.datetime.fromisoformat(at).timestamp()
    except ValueError:
        return 0.0


def _figure(key: Key, points: t.Sequence[Point], first: float, last: float, pause: float) -> str:
    name = html.escape(f"{key[1]} \u2192 {key[2]} ({key[0]})")
    known = [point.lag for point in points if point.lag is not None]
    most = max(known, default=0)
    now = points[-1] if points else Point(last, "unknown", None)
    told = "not known" if now.lag is None else amount(now.lag)
    scale = (WIDTH / ((last - first) or 1), (FLOOR - TOP) / (most or 1))
    few = _fewer(points, first, last)
    return (
        f"<figure><figcaption>{name}: now {told}, at most {amount(most)}</figcaption>\n"
        f'<svg class="chart" viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="lag of {name}">\n'
        f'<line x1="0" y1="{TOP:g}" x2="{WIDTH:g}" y2="{TOP:g}"/><line x1="0" y1="{FLOOR:g}" x2="{WIDTH:g}" '
        f'y2="{FLOOR:g}"/>\n<text x="0" y="{TOP - 3:g}">{amount(most)}</text>\n'
        f'<text x="0" y="{HEIGHT - 3:g}">{_time(first)}</text>'
        f'<text x="{WIDTH:g}" y="{HEIGHT - 3:g}" text-anchor="end">{_time(last)} UTC</text>\n'
        f"{_lines(few, first, scale, pause)}{_band(few, first, scale[0], pause)}</svg></figure>\n"
    )


def _fewer(points: t.Sequence[Point], first: float, last: float) -> list[Point]:
    """Return no more points than can be told apart; a peak stays a peak."""
    if len(points) <= POINTS:
        return list(points)
    places: dict[int, list[Point]] = {}
    for point in points:
        places.setdefault(int((point.at - first) / ((last - first) or 1) * (POINTS - 1)), []).append(point)
    found = []
    for _place, together in sorted(places.items()):
        known = [point.lag for point in together if point.lag is not None]
        found.append(Point(together[-1].at, together[-1].state, max(known) if known else None))
    return found


def _lines(points: t.Iterable[Point], first: float, scale: tuple[float, float], pause: float) -> str:
    found = ""
    for run in _runs(points, pause, lambda point: point.lag is not None):
        if run[0].lag is None:
            continue
        places = [((point.at - first) * scale[0], FLOOR - (point.lag or 0) * scale[1]) for point in run]
        if len(places) == 1:
            found += f'<circle cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="2"/>\n'
        else:
            found += f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>\n'
    return found


def _band(points: t.Iterable[Point], first: float, scale: float, pause: float) -> str:
    """Return the states below the line, each from its first look to its last."""
    found = ""
    for run in _runs(points, pause, lambda point: point.state):
        left, right = ((run[place].at - first) * scale for place in (0, -1))
        start = min(left, WIDTH - 2)
        state = html.escape(run[0].state)
        found += (
            f'<rect class="{state}" x="{start:.1f}" y="{FLOOR + 2:g}" width="{max(right - start, 2):.1f}" '
            f'height="{BAND:g}"><title>{state} {_time(run[0].at)} to {_time(run[-1].at)}</title></rect>\n'
        )
    return found


def _runs(points: t.Iterable[Point], pause: float, what: t.Callable[[Point], t.Any]) -> list[list[Point]]:
    """Return points that are alike and follow on each other."""
    runs: list[list[Point]] = []
    for point in points:
        if runs and what(runs[-1][-1]) == what(point) and point.at - runs[-1][-1].at <= pause:
            runs[-1].append(point)
        else:
            runs.append([point])
    return runs


def _time(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
