# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The shape of the links: from each database's topology to its links, and every check a shape can fail. Pure."""

from __future__ import annotations

import typing as t

from ._model import Database, Group, Link, PlanError

TOPOLOGIES = ("mesh", "one_way", "custom")

RING = (
    "changes are not cascaded from node to node, so in a ring each change would reach the next node only "
    "(BDR User Guide, Circular Replication). Use bdr_topology: mesh"
)


def links(group: Group) -> tuple[Link, ...]:
    """Return all links of the group, sorted; PlanError when a shape cannot carry the group."""
    problems: list[str] = []
    found: list[Link] = []
    for database in group.databases:
        problems += _member_problems(group, database)
        if not problems:
            shape = sorted(_SHAPES[database.topology](database))
            problems += _reach_problems(group, database, shape)
            found += shape
    if problems:
        raise PlanError(problems)
    return tuple(sorted(found))


def upstream_count(all_links: t.Iterable[Link], node: str) -> int:
    """Return in how many links the node is the downstream: its upstreams, counted per database."""
    return sum(link.downstream == node for link in all_links)


def downstream_count(all_links: t.Iterable[Link], node: str) -> int:
    """Return in how many links the node is the upstream: its downstreams, counted per database."""
    return sum(link.upstream == node for link in all_links)


def _mesh(database: Database) -> t.Iterator[Link]:
    for upstream in database.members:
        for downstream in database.members:
            if upstream != downstream:
                yield Link(database.name, upstream, downstream)


def _one_way(database: Database) -> t.Iterator[Link]:
    for member in database.members:
        if member != database.upstream:
            yield Link(database.name, str(database.upstream), member)


def _custom(database: Database) -> t.Iterator[Link]:
    for downstream, upstreams in database.upstreams:
        for upstream in upstreams:
            yield Link(database.name, upstream, downstream)


_SHAPES: dict[str, t.Callable[[Database], t.Iterator[Link]]] = {
    "mesh": _mesh,
    "one_way": _one_way,
    "custom": _custom,
}


def _member_problems(group: Group, database: Database) -> list[str]:
    nodes = {node.name for node in group.nodes}
    where = f"database {database.name}"
    problems = [
        f"bdr_databases: {where} names the node {member}, which is no host of the inventory group "
        f"{group.name}. Its hosts: {', '.join(sorted(nodes))}"
        for member in database.members
        if member not in nodes
    ]
    if len(database.members) < 2:
        problems.append(
            f"bdr_databases: {where} has {len(database.members)} node(s); replication needs at least two. "
            f"Add hosts to the inventory group {group.name}"
        )
    if database.topology == "one_way":
        problems += _one_way_problems(database)
    if database.topology == "custom":
        problems += _custom_problems(database)
    return problems


def _one_way_problems(database: Database) -> list[str]:
    if database.upstream is None:
        return [f"bdr_upstream: topology one_way of {database.name} needs the node that feeds the others"]
    if database.upstream not in database.members:
        return [
            f"bdr_upstream: {database.upstream} is no node of {database.name}. Its nodes: {', '.join(database.members)}"
        ]
    return []


def _custom_problems(database: Database) -> list[str]:
    problems = []
    for downstream, upstreams in database.upstreams:
        if downstream not in database.members:
            problems.append(
                f"bdr_databases: upstreams of {database.name} names {downstream}, which is none of its nodes"
            )
        for upstream in upstreams:
            if upstream == downstream:
                problems.append(
                    f"bdr_upstreams of {downstream} names {downstream} itself ({database.name}). "
                    "A node cannot replicate from itself; take it out"
                )
            elif upstream not in database.members:
                problems.append(
                    f"bdr_upstreams of {downstream} names {upstream}, which is no node of {database.name}. "
                    f"Its nodes: {', '.join(database.members)}"
                )
        problems += [
            f"bdr_upstreams of {downstream} names {upstream} twice ({database.name})"
            for upstream in sorted({name for name in upstreams if upstreams.count(name) > 1})
        ]
    return problems


def _reach_problems(group: Group, database: Database, shape: t.Sequence[Link]) -> list[str]:
    if database.topology != "custom":
        return []
    ring = _ring(shape)
    if len(ring) > 2 and len(ring) == len(database.members):
        return [f"bdr_upstreams: {' -> '.join((*ring, ring[0]))} is a ring in {database.name}: {RING}"]
    missing = _unreached(database, shape)
    if not missing or group.partial_reach:
        return []
    named = ", ".join(f"{link.upstream} to {link.downstream}" for link in missing[:5])
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    return [
        f"bdr_upstreams: in {database.name} changes never get from {named}{more}: changes are not cascaded. "
        "Link those nodes directly, or set bdr_partial_reach: true if this is meant"
    ]


def _ring(shape: t.Sequence[Link]) -> list[str]:
    """Return the nodes of the only cycle where every node has one upstream and one downstream, else []."""
    following = {link.upstream: link.downstream for link in shape}
    if not shape or len(following) != len(shape) or set(following) != set(following.values()):
        return []
    ring = [shape[0].upstream]
    while following[ring[-1]] != ring[0]:
        ring.append(following[ring[-1]])
    return ring


def _unreached(database: Database, shape: t.Sequence[Link]) -> list[Link]:
    present = set(shape)
    return [link for link in _mesh(database) if link not in present]
