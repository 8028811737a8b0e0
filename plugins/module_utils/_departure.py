# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""May a node leave its group for good, and has it left: what departure_info saw on all nodes, against the plan. Pure.

A change that only the departed node holds is lost with it, and one that got to some nodes only makes these differ
for good. So a node that answers sends everything first, and one that does not takes the operator's word.
"""

from __future__ import annotations

import typing as t

from ._link_state import STREAMING

Found = t.Mapping[str, t.Mapping[str, t.Any]]
"""What departure_info returned, by node; a node that could not be reached is not in it."""

Heartbeats = t.Sequence[t.Mapping[str, t.Any]]
"""What heartbeat returned on the nodes that stay."""


def request_problems(plan: t.Mapping[str, t.Any], name: str, confirm: str, accept_loss: str) -> list[str]:
    """Return what is wrong with what the operator asked for."""
    names = ", ".join(sorted(plan["nodes"]))
    if not name:
        return [f"bdr_node is missing: name the node that is to leave, with -e bdr_node=...; the group has {names}"]
    if name not in plan["nodes"]:
        return [f"bdr_node: the group {plan['group']} has no node {name!r}; it has {names}"]
    if confirm != name:
        said = f"names {confirm!r}" if confirm else "is missing"
        return [f"bdr_confirm {said}: removing {name} cannot be undone; repeat its name, -e bdr_confirm={name}"]
    if accept_loss not in ("", name):
        return [f"bdr_accept_loss names {accept_loss!r}; it must name the node that leaves, {name}, or be left out"]
    standbys = sorted(other for other, node in plan["nodes"].items() if node["standby_of"] == name)
    if standbys:
        return [f"bdr_standby_of: {' and '.join(standbys)} would have nothing to follow; take it out of the inventory"]
    if plan["nodes"][name]["standby_of"]:
        return [f"bdr_node: {name} is a physical standby and has no links; stop it and take it out of the inventory"]
    return []


def state_of(plan: t.Mapping[str, t.Any], name: str, found: Found) -> str:
    """Return `alive`, `removed` (by an earlier run) or `dead`: nobody can say what it still has to send."""
    departed = found.get(name, {})
    if departed.get("data") == "removed":
        return "removed"
    return "alive" if departed.get("answers") else "dead"


def problems(
    plan: t.Mapping[str, t.Any], name: str, accept_loss: str, found: Found, heartbeats: Heartbeats | None
) -> list[str]:
    """Return every reason not to remove the node; nothing on any host has been changed yet.

    heartbeats: None where rows were not tried, in check mode.
    """
    silent = [
        f"bdr_hosts: {other} does not answer ({_error(found, other)}), and what it has of {name} is removed there; "
        "bring it up with site.yml, or remove it first"
        for other, node in sorted(plan["nodes"].items())
        if other != name and not node["standby_of"] and not found.get(other, {}).get("answers")
    ]
    return silent if silent or accept_loss == name else undelivered(plan, name, found, heartbeats)


def undelivered(plan: t.Mapping[str, t.Any], name: str, found: Found, heartbeats: Heartbeats | None) -> list[str]:
    """Return what of the node does not get to the others, or is not seen to."""
    state = state_of(plan, name, found)
    if state == "dead":
        return [_unsent(name, found)]
    if state == "removed" or heartbeats is None:
        return []
    return [*_stuck(name, heartbeats), *_untried(plan, name, heartbeats)]


def remaining(plan: t.Mapping[str, t.Any], name: str, found: Found) -> list[list[str]]:
    """Return the identities of the nodes that stay."""
    return [
        list(identity)
        for other in sorted(plan["nodes"])
        if other != name
        for identity in found.get(other, {}).get("identities", [])
    ]


def left(found: Found) -> list[str]:
    """Return what is left of the departed node, by node that stays."""
    return [f"{other} still has {thing}" for other, node in sorted(found.items()) for thing in node.get("left", [])]


def farewell(departed: t.Mapping[str, t.Any]) -> str:
    """Return what an operator does next."""
    return (
        f"{departed['name']} has left the group {departed['group']}; nothing of it is left on the others.\n"
        f"Now take it out of the inventory. Its data is still in {departed['home']} of {departed['host']}."
    )


def _error(found: Found, name: str) -> str:
    return str(found.get(name, {}).get("error") or "its host cannot be reached")


def _unsent(name: str, found: Found) -> str:
    in_use = [f"{other} still sends to it" for other, node in sorted(found.items()) if node.get("in_use")]
    got = [
        f"{other} has its changes of {database} up to {position}"
        for other, node in sorted(found.items())
        for database, position in sorted(node.get("received", {}).items())
        if position
    ]
    known = "; ".join([*in_use, *got]) or "how far its changes got is not known"
    return (
        f"bdr_node: {name} does not answer ({_error(found, name)}), so changes that it did not send yet would be lost, "
        f"and what it sent to some nodes only stays a difference between them ({known}). Bring it up with site.yml and "
        f"run this again; if it is gone for good, say so with -e bdr_accept_loss={name}"
    )


def _stuck(name: str, heartbeats: Heartbeats) -> list[str]:
    return [
        f"bdr_node: changes of {name} do not get to {link['downstream']} ({link['database']}): {link['state']}. Mend "
        "the link with site.yml, which also lets clients in again, and run this again; or give these changes up with "
        f"-e bdr_accept_loss={name}"
        for heartbeat in heartbeats
        for link in heartbeat.get("links", [])
        if link["upstream"] == name and link["state"] != STREAMING
    ]


def _untried(plan: t.Mapping[str, t.Any], name: str, heartbeats: Heartbeats) -> list[str]:
    tried = {
        (link["database"], link["downstream"])
        for heartbeat in heartbeats
        for link in heartbeat.get("links", [])
        if link["upstream"] == name
    }
    return [
        f"bdr_node: nothing proves that changes of {name} get to {link['downstream']} ({link['database']}); "
        "run this again"
        for link in plan["links"]
        if link["upstream"] == name and (link["database"], link["downstream"]) not in tried
    ]
