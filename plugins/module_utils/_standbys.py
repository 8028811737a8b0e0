# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Physical standbys among the nodes: what one may follow, and what it cannot take part in. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ._model import Database, Node

NO_DECODING = (
    "a physical standby is read-only and cannot decode changes: it has no link of its own, neither as upstream nor as "
    "downstream (the guide's sites whose standby feeds the others need that, and no release of contrib/bdr could do it)"
)


def with_standbys(nodes: t.Sequence[Node]) -> tuple[Node, ...]:
    """Return the nodes; each followed one counts its standbys on top of those outside the inventory."""
    followed = [node.standby_of for node in nodes]
    return tuple(replace(node, physical_standbys=node.physical_standbys + followed.count(node.name)) for node in nodes)


def standby_problems(nodes: t.Sequence[Node]) -> list[str]:
    """Return what stands against following the node that bdr_standby_of names."""
    by_name = {node.name: node for node in nodes}
    return [problem for node in nodes if node.standby_of for problem in _problems(node, by_name)]


def _problems(node: Node, by_name: t.Mapping[str, Node]) -> t.Iterator[str]:
    variable = f"bdr_standby_of of {node.name}"
    followed = by_name.get(node.standby_of)
    masters = ", ".join(name for name, other in sorted(by_name.items()) if not other.standby_of)
    if followed is None:
        yield f"{variable} names {node.standby_of}, which is no node of the group. Its masters: {masters}"
    elif followed is node:
        yield f"{variable} names {node.name} itself; name the node it shall follow, or take it out"
    elif followed.standby_of:
        yield (
            f"{variable} names {followed.name}, which is a standby itself; cascading is not set up. "
            f"Name one of the masters: {masters}"
        )
    if node.apply_delay_ms:
        yield f"bdr_apply_delay_ms of {node.name} is for links, and a physical standby has none; take it out"


def standby_link_problems(nodes: t.Sequence[Node], databases: t.Iterable[Database]) -> list[str]:
    """Return where a standby was made an end of a link."""
    standbys = {node.name for node in nodes if node.standby_of}
    named = {
        name
        for database in databases
        for name in (
            *database.members,
            database.upstream or "",
            *(end for downstream, upstreams in database.upstreams for end in (downstream, *upstreams)),
        )
    }
    return [
        f"bdr_standby_of: {name} is named in bdr_databases or as an upstream, but {NO_DECODING}; take it out there"
        for name in sorted(standbys & named)
    ]
