# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Plans and links as text for a person. Pure; the tables are the same on a terminal and in the docs."""

from __future__ import annotations

import shlex
import typing as t

from ..module_utils._slot_report import link_of, size

Mapping = t.Mapping[str, t.Any]


def table(header: t.Sequence[str], rows: t.Iterable[t.Sequence[str]]) -> list[str]:
    """Return aligned lines: header, rule, rows."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def plan(found: Mapping) -> str:
    """Return the plan: the group, its links, and for each node the numbers and where they come from."""
    assumed = " (assumed: no server was asked, and bdr_era is not set)" if found["era_assumed"] else ""
    engine = f"{found['engine']} {found['era']}".strip() + assumed
    nodes = found["nodes"].values()
    lines = [
        f"Group {found['group']}: {len(nodes)} nodes, {len(found['links'])} links, engine {engine}",
        "",
        *table(
            ("node", "address", "port", "databases", "upstreams", "downstreams", "standby of", "home"),
            [_node_row(node) for node in nodes],
        ),
        "",
        *table(("database", "upstream", "downstream"), [_link_row(link) for link in found["links"]]),
    ]
    for shape, names in _alike(nodes):
        lines += [
            "",
            f"Sizes of {', '.join(names)}",
            "",
            *table(("what", "value", "from", "source"), shape),
        ]
    lines += [f"warning: {warning}" for warning in found["warnings"]]
    return "\n".join(lines)


def links(states: t.Sequence[Mapping]) -> str:
    """Return one line a link: database, direction, state and round trip."""
    rows = [
        (
            state["database"],
            f"{state['upstream']} -> {state['downstream']}",
            state["state"],
            str(state.get("round_trip_ms", "")),
        )
        for state in states
    ]
    return "\n".join(table(("database", "link", "state", "round trip ms"), rows))


def slots(found: Mapping) -> str:
    """Return one line a slot: its link, use, what it holds back and how far it is from losing that."""
    header = ("node", "slot", "link", "active", "WAL held", "xmin age", "until lost", "verdict")
    lines = table(header, [_slot_row(slot) for slot in found["slots"]])
    for node, kept in found["wal_kept"].items():
        lines.append(f"{node}: its slots keep no WAL; wal_keep_segments keeps {size(kept)} for all of them")
    lines += [f"{node} does not answer: {error}" for node, error in found["silent"].items()]
    return "\n".join(lines)


def _slot_row(slot: Mapping) -> tuple[str, ...]:
    held, until, ages = slot["wal_held_bytes"], slot["until_lost_bytes"], (slot["xmin_age"], slot["catalog_xmin_age"])
    return (
        slot["node"],
        slot["name"],
        link_of(slot) if slot["verdict"] == "link" else "",
        "yes" if slot["active"] else "no",
        "" if held is None else size(held),
        str(max((age for age in ages if age is not None), default="")),
        "lost"
        if slot["wal_status"] == "lost"
        else ""
        if held is None
        else "no limit"
        if until is None
        else size(until),
        slot["verdict"],
    )


def scripts(results: t.Sequence[Mapping]) -> str:
    """Return one line a node: what a script did there."""
    rows = [
        (
            found["node"],
            found["database"],
            found["name"],
            found["state"],
            str(found["statements"]),
            ", ".join(f"{table} ({count})" for table, count in found["rows_written"].items()),
            ", ".join(found["rewritten"]),
            str(found["seconds"]),
        )
        for found in results
    ]
    header = ("node", "database", "script", "state", "statements", "rows written", "tables rewritten", "seconds")
    return "\n".join(table(header, rows))


def next_command(plan_found: Mapping) -> str:
    """Return the command to try next: a session on the first node."""
    node = next(node for node in plan_found["nodes"].values() if node["databases"])
    database = shlex.quote(node["databases"][0])
    where = f"-h {node['socket_directory']} -p {node['port']} -U postgres -d {database}"
    return f"\nTry next, on the host of {node['name']}, as root or postgres: psql {where}\n"


def _node_row(node: Mapping) -> tuple[str, ...]:
    up, down = (_figure(node, name) for name in ("upstreams", "downstreams"))
    return (
        node["name"],
        node["address"],
        str(node["port"]),
        ", ".join(node["databases"]),
        up,
        down,
        node["standby_of"],
        node["home"],
    )


def _figure(node: Mapping, name: str) -> str:
    return next(str(figure["value"]) for figure in node["figures"] if figure["name"] == name)


def _link_row(link: Mapping) -> tuple[str, ...]:
    return (link["database"], link["upstream"], link["downstream"])


def _alike(nodes: t.Iterable[Mapping]) -> t.Iterator[tuple[tuple[tuple[str, ...], ...], list[str]]]:
    """Yield each set of sizes once, with the names of the nodes that share it: in a mesh all do."""
    by_shape: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for node in nodes:
        figures = [
            (
                figure["name"],
                f"{figure['value']} {figure['unit']}",
                figure["formula"],
                figure["source"],
            )
            for figure in node["figures"]
        ]
        settings = [
            (
                setting["name"],
                setting["value"],
                setting["why"],
                f"settings file ({setting['rule']})",
            )
            for setting in node["settings"]
            if setting["rule"] == "minimum" or "wal" in setting["name"]
        ]
        by_shape.setdefault((*figures, *settings), []).append(node["name"])
    yield from by_shape.items()
