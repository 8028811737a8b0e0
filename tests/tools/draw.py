"""Draw the topologies: an SVG for each folder of inventories/ and for each inventory that docs/topologies.md shows.

    PYTHONPATH=collections .venv/bin/python tests/tools/draw.py

writes docs/pictures/, and tests/unit/test_docs.py compares.

What is drawn are the links of the plan. A shape that is refused has no plan: what it asked for is drawn, dashed.
A physical standby has no link: a dotted line ties it to the node it follows.
Colours are of middle brightness, so that a picture reads on a light page and on a dark one.
"""

from __future__ import annotations

import math
import re
import sys
import tempfile
import typing as t
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from ansible_collections.pgbdr.bdr.plugins.module_utils._inventory import parse
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import Link, PlanError
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._source import plan_of
from ansible_collections.pgbdr.bdr.tests.unit.ansible_variables import task_vars

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "pictures"
PAGE = ROOT / "docs" / "topologies.md"

BOX = (140, 54)
GAP = 14  # between two arrows of the same two nodes
MARGIN = 18
NODE, NODE_TEXT, TEXT, FRAME, REFUSED = "#2b63b3", "#ffffff", "#737b86", "#8b949e", "#c94a44"
STANDBY = f'stroke="{TEXT}" stroke-width="3" stroke-dasharray="2 5"'
DATABASES = ("#3b7dd8", "#b9641a", "#2e8b57", "#8a63c9")

Point = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """What is drawn: nodes with address and port, links, whether the collection refuses them, and who follows whom."""

    nodes: dict[str, tuple[str, int]]
    links: tuple[Link, ...]
    refused: bool = False
    standby_of: t.Mapping[str, str] = field(default_factory=dict)

    def pairs(self) -> set[tuple[str, str]]:
        return {(link.upstream, link.downstream) for link in self.links}


@dataclass(frozen=True)
class Frame:
    """What shows that several nodes share a host; below: the label stands under the nodes."""

    host: str
    corner: Point
    size: Point
    below: bool


# --- What is drawn --------------------------------------------------------------------------------


def shapes() -> dict[str, Shape]:
    """Return every shape by the name of its picture."""
    found = {path.name: shape_of(path) for path in sorted((ROOT / "inventories").iterdir()) if path.is_dir()}
    for name, inventory in shown_inventories():
        if name not in found:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "hosts.yml"
                path.write_text(inventory, "utf-8")
                found[name] = shape_of(path)
    return found


def shown_inventories() -> list[tuple[str, str]]:
    """Return the inventories on the page of topologies, each with the name of the picture that follows it."""
    pattern = r"```yaml\n(bdr:\n.*?)```\s+!\[[^\]]*\]\(pictures/(\w+)\.svg\)"
    return [(name, text) for text, name in re.findall(pattern, PAGE.read_text("utf-8"), re.DOTALL)]


def shape_of(inventory: Path) -> Shape:
    variables = task_vars(inventory)
    try:
        plan = plan_of(variables, lambda value: value)
    except PlanError:
        hosts = {host: dict(variables["hostvars"][host]) for host in variables["groups"]["bdr"]}
        group = parse("bdr", hosts)
        wanted = [
            Link(database.name, upstream, downstream)
            for database in group.databases
            for downstream, upstreams in database.upstreams
            for upstream in upstreams
        ]
        return Shape({node.name: (node.address, node.port) for node in group.nodes}, tuple(wanted), refused=True)
    standby_of = {node.name: node.standby_of for node in plan.nodes if node.standby_of}
    return Shape({node.name: (node.address, node.port) for node in plan.nodes}, plan.links, standby_of=standby_of)


# --- Where the nodes lie --------------------------------------------------------------------------


def layout(shape: Shape) -> dict[str, Point]:
    """Return the centre of each node: a hub in the middle, a one-way shape in layers, any other on a circle."""
    hub = hub_of(shape)
    if hub:
        return {hub: (0, 0), **circle([name for name in shape.nodes if name != hub])}
    depths = depths_of(shape)
    if depths:
        return layers(shape, depths)
    # Nodes of one host side by side.
    return circle(sorted(shape.nodes, key=lambda name: (shape.nodes[name], name)))


def hub_of(shape: Shape) -> str | None:
    """Return the node that exchanges with all others where the others exchange with nobody else."""
    pairs = shape.pairs()
    for hub in shape.nodes:
        spokes = {(hub, name) for name in shape.nodes if name != hub}
        if len(shape.nodes) > 3 and pairs == spokes | {(down, up) for up, down in spokes}:
            return hub
    return None


def depths_of(shape: Shape) -> dict[str, int] | None:
    """Return how far each node is from a node without upstreams, None where changes go round."""
    depths = dict.fromkeys(shape.nodes, 0)
    for _round in shape.nodes:
        deeper = {down: depths[up] + 1 for up, down in sorted(shape.pairs()) if depths[up] >= depths[down]}
        if not deeper:
            return depths
        depths.update(deeper)
    return None


def layers(shape: Shape, depths: t.Mapping[str, int]) -> dict[str, Point]:
    """Return places in columns, upstreams left of their downstreams and level with the middle of them."""
    rows: dict[str, float] = {}
    for name in shape.nodes:
        if not depths[name]:
            settle(name, shape, depths, rows)
    return {name: (depths[name] * 1.6 * BOX[0], rows[name] * 1.5 * BOX[1]) for name in shape.nodes}


def settle(name: str, shape: Shape, depths: t.Mapping[str, int], rows: dict[str, float]) -> None:
    """Give a node and all behind it a row: a node of its own children is level with their middle."""
    children = sorted(down for up, down in shape.pairs() if up == name and depths[down] == depths[name] + 1)
    own = [child for child in children if child not in rows]
    for child in own:
        settle(child, shape, depths, rows)
    taken = [row for other, row in rows.items() if depths[other] == depths[name]]
    level = sum(rows[child] for child in own) / len(own) if own else max(rows.values(), default=-1) + 1
    rows[name] = max([level, *(row + 1 for row in taken)])


def circle(names: t.Sequence[str]) -> dict[str, Point]:
    """Return places on an ellipse, with a flat top where the number is even and a point where it is odd."""
    count = len(names)
    wide, high = max(1.05 * BOX[0], 0.37 * BOX[0] * count), max(1.6 * BOX[1], 0.62 * BOX[1] * count)
    start = -90 if count % 2 else -90 - 180 / count
    places = {}
    for number, name in enumerate(names):
        angle = math.radians(start + 360 * number / count)
        places[name] = (wide * math.cos(angle), high * math.sin(angle))
    return places


# --- Drawing --------------------------------------------------------------------------------------


def svg(shape: Shape) -> str:
    places = layout(shape)
    frames = frames_of(shape, places)
    corners = [*((x + side * BOX[0] / 2, y + side * BOX[1] / 2) for x, y in places.values() for side in (-1, 1))]
    for frame in frames:
        corners += [frame.corner, (frame.corner[0] + frame.size[0], frame.corner[1] + frame.size[1])]
    left, top = (min(corner[axis] for corner in corners) - MARGIN for axis in (0, 1))
    right, bottom = (max(corner[axis] for corner in corners) + MARGIN for axis in (0, 1))
    names = sorted({link.database for link in shape.links})
    colours = {name: REFUSED if shape.refused else DATABASES[place] for place, name in enumerate(names)}
    width, height = max(right - left, 300), bottom - top + 24 * (len(names) + bool(shape.standby_of))
    left -= (width - (right - left)) / 2
    said = "; ".join(
        [
            *(f"{link.upstream} to {link.downstream} ({link.database})" for link in shape.links),
            *(f"{name} is a physical standby of {followed}" for name, followed in shape.standby_of.items()),
        ]
    )
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{n(left)} {n(top)} {n(width)} {n(height)}" '
        f'width="{n(width)}" height="{n(height)}" role="img" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">',
        f"<title>{escape(said)}</title>",
        *(line for frame in frames for line in frame_lines(frame)),
        *(line for arrow in arrows(shape, places) for line in arrow_lines(arrow, colours, shape.refused)),
        *(standby_line(places[followed], places[name]) for name, followed in shape.standby_of.items()),
        *(line for name in shape.nodes for line in node_lines(name, shape.nodes[name], places[name])),
        *(
            line
            for place, name in enumerate(names)
            for line in legend(shape, name, colours[name], (left, bottom), place)
        ),
        *standby_legend(shape, (left, bottom), len(names)),
        "</svg>",
    ]
    return "".join(f"{line}\n" for line in lines)


def n(value: float) -> str:
    """Return a number with one decimal at most; adding 0 turns -0 into 0."""
    return f"{round(value, 1) + 0:g}"


def frames_of(shape: Shape, places: t.Mapping[str, Point]) -> list[Frame]:
    """Return a frame around the nodes of each host that has several, its label on the side away from the middle."""
    by_host = defaultdict(list)
    for name, (address, _port) in shape.nodes.items():
        by_host[address].append(places[name])
    frames = []
    for host, points in sorted(by_host.items()):
        if len(points) > 1:
            (left, right), (top, bottom) = ((min(axis), max(axis)) for axis in zip(*points, strict=True))
            below = top > 0
            corner = (left - BOX[0] / 2 - 16, top - BOX[1] / 2 - (16 if below else 34))
            size = (right - left + BOX[0] + 32, bottom - top + BOX[1] + 50)
            frames.append(Frame(host, corner, size, below))
    return frames


def frame_lines(frame: Frame) -> t.Iterator[str]:
    (x, y), (width, height) = frame.corner, frame.size
    yield (
        f'<rect x="{n(x)}" y="{n(y)}" width="{n(width)}" height="{n(height)}" rx="12" '
        f'fill="none" stroke="{FRAME}" stroke-dasharray="2 4"/>'
    )
    line = y + height - 10 if frame.below else y + 20
    yield f'<text x="{n(x + 14)}" y="{n(line)}" font-size="13" fill="{TEXT}">one host, {escape(frame.host)}</text>'


def arrows(shape: Shape, places: t.Mapping[str, Point]) -> t.Iterator[tuple[Link, Point, Point]]:
    """Yield each link with start and end; links of the same two nodes run side by side."""
    between = defaultdict(list)
    for link in sorted(shape.links):
        between[tuple(sorted((link.upstream, link.downstream)))].append(link)
    for (first, second), links in between.items():
        (x1, y1), (x2, y2) = places[first], places[second]
        length = math.hypot(x2 - x1, y2 - y1)
        for place, link in enumerate(links):
            aside = (place - (len(links) - 1) / 2) * GAP
            shift = (-(y2 - y1) / length * aside, (x2 - x1) / length * aside)
            ends = places[link.upstream], places[link.downstream]
            yield link, border(*ends, shift, 3), border(*reversed(ends), shift, 5)


def border(centre: Point, towards: Point, shift: Point, gap: float) -> Point:
    """Return where a line from a box, moved aside by shift, leaves the box."""
    line = (towards[0] - centre[0], towards[1] - centre[1])
    reach = [
        (math.copysign(BOX[axis] / 2 + gap, line[axis]) - shift[axis]) / line[axis]
        for axis in (0, 1)
        if abs(line[axis]) > 1e-9
    ]
    part = min(reach)
    return centre[0] + shift[0] + part * line[0], centre[1] + shift[1] + part * line[1]


def arrow_lines(arrow: tuple[Link, Point, Point], colours: t.Mapping[str, str], dashed: bool) -> t.Iterator[str]:
    link, (x1, y1), (x2, y2) = arrow
    length = math.hypot(x2 - x1, y2 - y1)
    along = ((x2 - x1) / length, (y2 - y1) / length)
    foot = (x2 - 11 * along[0], y2 - 11 * along[1])
    head = [(x2, y2), *((foot[0] - side * along[1], foot[1] + side * along[0]) for side in (5, -5))]
    colour = colours[link.database]
    dash = ' stroke-dasharray="7 5"' if dashed else ""
    ends = f'x1="{n(x1)}" y1="{n(y1)}" x2="{n(foot[0])}" y2="{n(foot[1])}"'
    yield f'<line {ends} stroke="{colour}" stroke-width="2"{dash}/>'
    yield f'<polygon points="{" ".join(f"{n(x)},{n(y)}" for x, y in head)}" fill="{colour}"/>'


def node_lines(name: str, where: tuple[str, int], place: Point) -> t.Iterator[str]:
    x, y = place
    corner = f'x="{n(x - BOX[0] / 2)}" y="{n(y - BOX[1] / 2)}"'
    yield f'<rect {corner} width="{BOX[0]}" height="{BOX[1]}" rx="10" fill="{NODE}"/>'
    text = f'text-anchor="middle" fill="{NODE_TEXT}"'
    yield f'<text x="{n(x)}" y="{n(y - 3)}" {text} font-size="17" font-weight="600">{escape(name)}</text>'
    yield f'<text x="{n(x)}" y="{n(y + 16)}" {text} font-size="13">{escape(where[0])}:{where[1]}</text>'


def legend(shape: Shape, database: str, colour: str, corner: Point, place: int) -> t.Iterator[str]:
    x, y = corner[0] + MARGIN, corner[1] + 10 + 24 * place
    count = Counter(link.database for link in shape.links)[database]
    word = "refused" if shape.refused else f"{count} links" if count > 1 else "1 link"
    yield f'<line x1="{n(x)}" y1="{n(y - 5)}" x2="{n(x + 26)}" y2="{n(y - 5)}" stroke="{colour}" stroke-width="2"/>'
    yield f'<polygon points="{n(x + 34)},{n(y - 5)} {n(x + 24)},{n(y - 10)} {n(x + 24)},{n(y)}" fill="{colour}"/>'
    yield f'<text x="{n(x + 44)}" y="{n(y)}" font-size="14" fill="{TEXT}">{escape(database)}: {word}</text>'


def standby_line(followed: Point, standby: Point) -> str:
    """Return the line from a node to its physical standby: no arrow, since it is no link."""
    (x1, y1), (x2, y2) = border(followed, standby, (0, 0), 3), border(standby, followed, (0, 0), 3)
    return f'<line x1="{n(x1)}" y1="{n(y1)}" x2="{n(x2)}" y2="{n(y2)}" {STANDBY}/>'


def standby_legend(shape: Shape, corner: Point, place: int) -> t.Iterator[str]:
    if shape.standby_of:
        x, y = corner[0] + MARGIN, corner[1] + 10 + 24 * place
        yield f'<line x1="{n(x)}" y1="{n(y - 5)}" x2="{n(x + 34)}" y2="{n(y - 5)}" {STANDBY}/>'
        yield f'<text x="{n(x + 44)}" y="{n(y)}" font-size="14" fill="{TEXT}">physical standby</text>'


def main() -> int:
    PICTURES.mkdir(exist_ok=True)
    for name, shape in shapes().items():
        (PICTURES / f"{name}.svg").write_text(svg(shape), "utf-8")
        print(PICTURES / f"{name}.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
