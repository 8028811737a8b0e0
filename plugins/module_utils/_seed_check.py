# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""May a node be seeded, and from which donor: what seed_info saw on all nodes, against the plan. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ._engine import rules
from ._link_state import STREAMING
from ._seed import AUTO, FRESH, IN_PLACE, LOGICAL, PHYSICAL, PROMOTED, STANDBY, Found, candidates

SPARE = 1.1
"""How much more room than the donor's data takes a copy needs: the WAL that is written meanwhile."""


@dataclass(frozen=True)
class Request:
    """What the operator asked for; names that were left out are "". force and accept_loss repeat the node's name."""

    node: str
    donor: str = ""
    force: str = ""
    accept_loss: str = ""
    method: str = AUTO


@dataclass(frozen=True)
class Course:
    """What a run does: from which donor, up to which point, and whether it goes on with an earlier one."""

    donor: str
    point: str
    stage: str
    delivers: bool
    """The node may hold changes that the others do not have."""
    method: str
    """One of _seed.METHODS."""

    @property
    def begins(self) -> bool:
        """Tell whether nothing of an earlier run is used."""
        return self.stage == FRESH

    @property
    def forgets(self) -> bool:
        """Tell whether the others are to forget what they have of the node: its slots are those of an earlier time."""
        return self.stage == FRESH if self.method == LOGICAL else self.stage != PROMOTED


def problems(plan: t.Mapping[str, t.Any], request: Request, found: Found) -> list[str]:
    """Return every reason not to seed the node; nothing on any host has been changed yet."""
    name = request.node
    wrong = [
        f"{variable} names {value!r}; it must name the node that is seeded, {name}, or be left out"
        for variable, value in (("bdr_force", request.force), ("bdr_accept_loss", request.accept_loss))
        if value not in ("", name)
    ]
    silent = [
        f"bdr_hosts: {other} does not answer ({_error(found, other)}), and it must send to {name} and get from it; "
        f"start its server (unit {node['unit']}), or remove the node first"
        for other, node in sorted(plan["nodes"].items())
        if other != name and not node["standby_of"] and not found.get(other, {}).get("answers")
    ]
    if name not in found:
        silent.append(f"bdr_node: the host of {name} cannot be reached")
    if wrong or silent:
        return [*wrong, *silent]
    node = found[name]
    if node["data"] in ("foreign", "removed"):
        return [f"bdr_home of {name}: what lies there is {node['data']}. Empty it, or name another directory"]
    if IN_PLACE in rules(plan["engine"], plan["era"]).seed_methods and not node["has_data"]:
        return [
            f"bdr_node: {name} has no data any more, and with {plan['engine']} its server is its identity: a new one "
            "would be another node, for which the others have no room. Put its data back, or follow docs/reseed.md"
        ]
    if stage(request, node) != FRESH:
        if node["donor"] not in found:
            return [
                f"bdr_donor: {name} is half copied from {node['donor']}, which is no node of the group any more. Begin "
                f"anew with -e bdr_force={name}"
            ]
        if request.donor not in ("", node["donor"]):
            return [
                f"bdr_donor: {name} is half copied from {node['donor']}. Leave bdr_donor out to go on with that, or "
                f"begin anew with -e bdr_force={name}"
            ]
        return []
    return [*_needless(request, found), *_unsent(request, found), *_place(plan, request, found)]


def stage(request: Request, node: t.Mapping[str, t.Any]) -> str:
    """Return how far the node is; force begins anew."""
    return FRESH if request.force == request.node else str(node["stage"])


def course(plan: t.Mapping[str, t.Any], request: Request, found: Found, new_point: str) -> Course:
    """Return what the run does, of a request without problems."""
    node = found[request.node]
    at = stage(request, node)
    # Where its data is still in its place, somebody may have written to it since an earlier run let it deliver.
    delivers = node["data"] == "ours" and node["has_data"] and bool(_downstreams(request.node, found))
    if at == FRESH:
        return Course(donor_of(plan, request, found), new_point, at, delivers, method_of(plan, request, found))
    # The point of an earlier run may be marked already, and what the others' new slots keep would begin behind it.
    point = new_point if at == STANDBY else node["point"]
    return Course(node["donor"], point, at, delivers, node["method"])


def method_of(plan: t.Mapping[str, t.Any], request: Request, found: Found) -> str:
    """Return how the node gets its data: the method asked for, or the one that the engine prefers and that fits."""
    if request.method != AUTO:
        return request.method
    methods = rules(plan["engine"], plan["era"]).seed_methods
    return LOGICAL if LOGICAL in methods and no_physical_copy(plan, request, found) else methods[0]


def no_physical_copy(plan: t.Mapping[str, t.Any], request: Request, found: Found) -> list[str]:
    """Return why the donor's data directory cannot become the node's, each with what may be done about it."""
    name, donor = request.node, donor_of(plan, request, found)
    node, source = found[name], found[donor]
    reasons = []
    if source["tablespaces"]:
        reasons.append(
            f"{donor} has tablespaces ({', '.join(source['tablespaces'])}), which would be copied to the same paths; "
            "move their tables to pg_default first"
        )
    if source["sets"]:
        reasons.append(
            f"{donor} has replication sets of your own ({', '.join(source['sets'])}), which a copy loses; drop them "
            "for the time, or name a donor without"
        )
    reasons += [
        f"{donor} has the {end} {source[end]}, {name} has {node[end]}; a copy needs the same"
        for end in ("platform", "version")
        if node[end] and node[end] != source[end]
    ]
    return reasons


def donor_of(plan: t.Mapping[str, t.Any], request: Request, found: Found) -> str:
    """Return the donor: the one asked for, or of the healthy ones the one that is least behind, "" where none is."""
    fit = [other for other in candidates(plan, request.node) if not unfit(request.node, other, found)]
    if request.donor:
        return request.donor if request.donor in fit else ""
    return min(fit, key=lambda other: (behind(request.node, found[other]), other), default="")


def unfit(name: str, donor: str, found: Found) -> list[str]:
    """Return why a donor would hand on what is not whole."""
    return [
        f"{link['upstream']} -> {donor} ({link['database']}) is {link['state']}"
        for link in found[donor]["links"]
        if link["upstream"] != name and link["state"] != STREAMING
    ]


def behind(name: str, node: t.Mapping[str, t.Any]) -> int:
    """Return how many bytes of the others' WAL a node has yet to apply."""
    return sum(link["behind_bytes"] or 0 for link in node["links"] if link["upstream"] != name)


def _needless(request: Request, found: Found) -> t.Iterator[str]:
    node = found[request.node]
    if request.force or not node["answers"] or not node["links"]:
        return
    sends = [link for seen in found.values() for link in seen["links"] if link["upstream"] == request.node]
    if all(link["state"] == STREAMING for link in (*node["links"], *sends)):
        yield (
            f"bdr_node: {request.node} is healthy, all its links stream. To replace its data all the same, say so with "
            f"-e bdr_force={request.node}"
        )


def _unsent(request: Request, found: Found) -> t.Iterator[str]:
    """Look whether changes can be lost that nobody is left to send."""
    downstreams = _downstreams(request.node, found)
    if downstreams and not found[request.node]["has_data"] and not request.accept_loss:
        yield (
            f"bdr_node: {request.node} has no data any more, so what it did not send to {' and '.join(downstreams)} is "
            f"lost. Put its data back, or say that you accept this with -e bdr_accept_loss={request.node}"
        )
    elif found[request.node]["refused"] and not request.accept_loss:
        yield found[request.node]["refused"]


def _downstreams(name: str, found: Found) -> list[str]:
    return sorted(
        {
            other
            for other, seen in found.items()
            for link in seen["links"]
            if link["upstream"] == name and link["exists"]
        }
    )


def _place(plan: t.Mapping[str, t.Any], request: Request, found: Found) -> t.Iterator[str]:
    """Look at what the copy needs, on the donor, here and on the other upstreams."""
    name = request.node
    donor = donor_of(plan, request, found)
    if not donor:
        asked = [request.donor] if request.donor else candidates(plan, name)
        reasons = "; ".join(reason for other in asked for reason in unfit(name, other, found))
        yield f"bdr_donor: no donor is whole: {reasons}. Mend these links with site.yml first, or name another donor"
        return
    node, source = found[name], found[donor]
    need = int(source["size_mb"] * SPARE)
    if need > node["free_mb"]:
        yield (
            f"bdr_home of {name}: the copy of {donor} needs {need} MB beside what lies there, {node['free_mb']} MB are "
            "free. Give the node more disk, or remove its data first"
        )
    method = method_of(plan, request, found)
    if method == PHYSICAL:
        yield from (f"bdr_donor: {reason}" for reason in no_physical_copy(plan, request, found))
    if method == LOGICAL:
        yield from _no_logical_copy(name, donor, found)
    if method != IN_PLACE:  # there the node's slots are replaced, under names with ids
        yield from _slots(plan, name, donor, found)


def _no_logical_copy(name: str, donor: str, found: Found) -> t.Iterator[str]:
    node, source = found[name], found[donor]
    if source["large_objects"]:
        yield (
            f"bdr_donor: {donor} has large objects ({', '.join(source['large_objects'])}), which are no rows of a "
            "table and would be lost; move them to columns of type bytea first"
        )
    if node["version"] and _major(node["version"]) < _major(source["version"]):
        yield (
            f"bdr_donor: {donor} has the version {source['version']}, {name} has {node['version']}, and an older "
            "server cannot take all that a newer one holds; bring it to the same version first"
        )


def _major(version: str) -> int:
    return int(version.split(".")[0])


def _slots(plan: t.Mapping[str, t.Any], name: str, donor: str, found: Found) -> t.Iterator[str]:
    for other, seen in sorted(found.items()):
        if other == name:
            continue
        slots = [slot["name"] for slot in plan["nodes"][other]["slots"] if slot["downstream"] == name]
        needed = len(set(slots) - set(seen["slots"])) + (other == donor)
        if needed > seen["free_slots"]:
            yield (
                f"bdr_settings: {other} needs {needed} free slots to seed {name} and has {seen['free_slots']}; drop "
                "those that nobody needs (slots.yml), or raise max_replication_slots"
            )


def _error(found: Found, name: str) -> str:
    return str(found.get(name, {}).get("error") or "its host cannot be reached")
