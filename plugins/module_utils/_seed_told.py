# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a seeding is about to do, for a person. Pure."""

from __future__ import annotations

import typing as t

from ._seed import AUTO, COPIED, FRESH, HELD, IN_PLACE, LINKED, LOADED, LOGICAL, PROMOTED, Found
from ._seed_check import Course, Request, no_physical_copy


def told(plan: t.Mapping[str, t.Any], request: Request, way: Course, found: Found) -> str:
    """Return what is about to happen, for a person."""
    node, source = found[request.node], found[way.donor]
    home = plan["nodes"][request.node]["home"]
    size = f"{source['size_mb']} MB"
    steps = {
        FRESH: f"copies {way.donor} ({size}) to {request.node}{_how(plan, request, way, found)}",
        COPIED: f"goes on: the copy of {way.donor} lies beside the data of {request.node}",
        PROMOTED: f"goes on: the copy of {way.donor} is whole and becomes {request.node}",
        HELD: f"goes on: copies the rows of {way.donor} ({size}) to {request.node}",
        LOADED: f"goes on: {request.node} has the rows of {way.donor}, and is to be linked",
        LINKED: f"goes on: {request.node} has the rows of {way.donor}, and is linked",
    }
    if way.method == IN_PLACE:
        steps[FRESH] = f"copies the rows of {way.donor} ({size}) to {request.node}"
    lines = [steps.get(way.stage, f"goes on: {request.node} follows {way.donor}")]
    if way.method == IN_PLACE and way.stage in (FRESH, HELD):
        databases = ", ".join(plan["nodes"][request.node]["databases"])
        lines.append(f"replaces all rows of {databases} on {request.node}, at once")
    elif way.stage in (FRESH, COPIED) and node["data"] == "ours":
        lines.append(f"replaces all data in {home} of {node['host']}, once the copy is complete")
    if way.delivers:
        lines.append(f"first lets {request.node} deliver what only it has, closed to its clients")
    return "\n".join(f"reseed {line}" for line in lines)


def _how(plan: t.Mapping[str, t.Any], request: Request, way: Course, found: Found) -> str:
    if way.method != LOGICAL or way.stage != FRESH:
        return ""
    reasons = no_physical_copy(plan, request, found) if request.method == AUTO else []
    # What may be done about it is for those who want a physical copy.
    why = f", as {reasons[0].split('; ')[0].split(', which')[0]}" if reasons else ""
    return f" table by table{why}"
