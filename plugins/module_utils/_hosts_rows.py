# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What the nodes hold already, and what that means for links that are yet to be made. Pure."""

from __future__ import annotations

import typing as t

from ._seed import sources

Found = t.Mapping[str, t.Mapping[str, t.Any]]


def lost_problems(plan: t.Mapping[str, t.Any], found: Found) -> t.Iterator[str]:
    """A node whose data is gone would come back as another one, which up to 0.4 takes the servers of the rest down."""
    for name in plan["nodes"]:
        if name not in found or found[name]["major"] is not None:
            continue
        linked = [
            node
            for node, other in plan["nodes"].items()
            for connection in other["connections"]
            if connection["upstream"] == name
            and connection["name"] in _contents(found, node, connection["database"]).get("connections", ())
        ]
        if linked:
            yield (
                f"bdr_home of {name}: there is no data directory, but {', '.join(sorted(set(linked)))} had links from "
                f"it: a new one would be another node to them. {_way_back(plan, name)}"
            )


def _way_back(plan: t.Mapping[str, t.Any], name: str) -> str:
    if sources(plan, name):
        return (
            "Put its data back; or give up what it did not send, and copy another node: "
            f"reseed.yml -e bdr_node={name} -e bdr_confirm={name} -e bdr_accept_loss={name}"
        )
    return "Put its data back; to give it up, remove the whole group"


def seeds(plan: t.Mapping[str, t.Any], found: Found) -> list[str]:
    """Return the nodes that are new in a group which holds rows: a link alone would bring them none of these."""
    return [
        name
        for name, node in plan["nodes"].items()
        if name in found
        and found[name]["major"] is None
        and node["existing_rows"] != "accept"
        and sources(plan, name)
        and any(
            _contents(found, connection["upstream"], connection["database"]).get("table_with_rows")
            for connection in node["connections"]
        )
    ]


def crowd_problems(new: t.Sequence[str]) -> t.Iterator[str]:
    if len(new) > 1:
        yield (
            f"bdr_hosts: {' and '.join(new)} are new, and the group holds rows: each is seeded from a group that is "
            "whole. Add them to the inventory one at a time, with a run of site.yml each"
        )


def row_problems(plan: t.Mapping[str, t.Any], found: Found, new: t.Collection[str]) -> t.Iterator[str]:
    """Rows written before a link exists are never sent, so a new link between databases with rows needs a word.

    new: nodes that are seeded, whose links begin where their copy ends.
    """
    missing: dict[tuple[str, str], list[str]] = {}
    for name, node in plan["nodes"].items():
        # A server that is down tells nothing; the links module looks again once it is up.
        if name not in found or node["existing_rows"] == "accept" or _is_down(found[name]):
            continue
        for connection in node["connections"]:
            database, upstream = connection["database"], connection["upstream"]
            if connection["name"] in _contents(found, name, database).get("connections", ()):
                continue
            if name in new or upstream in new:
                continue
            for end in (upstream, name):
                if _contents(found, end, database).get("table_with_rows"):
                    missing.setdefault((database, end), []).append(f"{upstream} -> {name}")
    for (database, end), links in sorted(missing.items()):
        yield rows_in_the_way(_contents(found, end, database)["table_with_rows"], database, end, links)


def rows_in_the_way(table: str, database: str, node: str, links: t.Sequence[str]) -> str:
    """Return the problem that a table with rows is for links that do not exist yet."""
    return (
        f"bdr_existing_rows: {table} of {database} on {node} has rows, and {', '.join(links)} does not exist yet: "
        "rows from before a link are not sent through it. "
        "Empty the tables, or set bdr_existing_rows: accept if both ends hold the same rows"
    )


def _is_down(host: t.Mapping[str, t.Any]) -> bool:
    return host["major"] is not None and not host["running"]


def _contents(found: Found, node: str, database: str) -> t.Mapping[str, t.Any]:
    contents: t.Mapping[str, t.Any] = found.get(node, {}).get("databases", {}).get(database, {})
    return contents
