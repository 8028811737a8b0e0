# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which node gives which values of a sequence: value = offset + n x increment. Pure.

A node keeps its offset for good: values that it gave already are in rows everywhere. So the offset is the
operator's, said once for each node, and not counted from who happens to be in the group.
"""

from __future__ import annotations

import typing as t

from ._model import Node

STRATEGIES = ("none", "offset", "engine")
"""Sequences as they are; each node its own residue; the engine's own global sequences."""


def offset_problems(shared: t.Mapping[str, t.Any], nodes: t.Sequence[Node]) -> list[str]:
    """Return what is wrong with the offsets of the nodes; physical standbys have none of their own."""
    if shared["bdr_sequence_strategy"] == "engine" and shared["bdr_engine"] != "contrib_bdr":
        return ["bdr_sequence_strategy: only contrib_bdr has sequences of its own; use offset"]
    if shared["bdr_sequence_strategy"] != "offset":
        return []
    increment = shared["bdr_sequence_increment"]
    writers = [node for node in nodes if not node.standby_of]
    taken = {node.sequence_offset for node in writers}
    free = next((number for number in range(1, increment + 1) if number not in taken), None)
    by_offset: dict[int, list[str]] = {}
    for node in writers:
        by_offset.setdefault(node.sequence_offset, []).append(node.host)
    problems = []
    for offset, hosts in sorted(by_offset.items()):
        names = " and ".join(sorted(hosts))
        if not offset:
            mend = f"set it to {free}" if free and len(hosts) == 1 else f"give each its own, from 1 to {increment}"
            problems.append(f"bdr_sequence_offset of {names} is missing; {mend}, and keep it for good")
        elif offset > increment:
            problems.append(f"bdr_sequence_offset of {names} is {offset}; {increment} is the most, the increment")
        elif len(hosts) > 1:
            mend = f"{free} is free" if free else "none is free, so raise bdr_sequence_increment"
            problems.append(f"bdr_sequence_offset: {names} all have {offset}; {mend}")
    return problems
