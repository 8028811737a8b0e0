# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Give a node the group's data: how far it is, whom it is copied from, and what it is on the way. Pure.

The node becomes a physical standby of its donor. Once it follows closely, its other upstreams make its slots, the
donor applies what they wrote until then, and marks a point in its WAL. There the standby stops following and becomes
a node of its own: it holds of every upstream all up to a position that it knows, and each slot is older than that.
Nobody has to stop writing.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from . import _render
from ._engine import rules
from ._engine.base import EngineRules
from ._model import Group, HbaRule, NodePlan, Plan, Setting
from ._render import hba_name
from ._sizing import STANDBY_SIZES

FRESH = "fresh"
COPIED = "copied"
STANDBY = "standby"
PROMOTED = "promoted"
"""How far a node is: nothing of this seeding is there; the copy lies beside its place; it follows the donor; it stands
by itself, and its slots must be kept."""

AUTO = "auto"
PHYSICAL = "physical"
LOGICAL = "logical"
IN_PLACE = "in_place"
METHODS = (PHYSICAL, LOGICAL, IN_PLACE)
"""Ways to the group's data: `physical` copies the donor's data directory, which becomes the node's own; `logical` makes
a new server, and copies the group's databases to it table by table; `in_place` replaces the rows of a node that keeps
its server, and with it its identity."""

HELD = "held"
LOADED = "loaded"
LINKED = "linked"
"""How far a node is whose rows are replaced: it applies nothing; it has the new rows, and is to be told from where to
go on; it goes on."""

RECEIPT = "pgbdr_seed.json"
"""File in a data directory that was copied: of whom, and the name of the point to come."""

Found = t.Mapping[str, t.Mapping[str, t.Any]]
"""What seed_info returned, by node; a node that could not be reached is not in it."""


def slot_of_standby(engine_node: str) -> str:
    """Return the physical slot on the donor that keeps its WAL while the node is copied."""
    return f"pgbdr_seed_{engine_node}"


def with_seeding(group: Group, plan: Plan, name: str, donor: str) -> Plan:
    """Return the plan of the group while a node is seeded: the donor lets it copy, and new links may meet rows."""
    node, follower = group.node(name), replace(group.node(name), standby_of=donor)
    engine = rules(group.engine, group.era)
    shares = [replace(share, existing_rows="accept") for share in plan.nodes]
    for place, share in enumerate(shares):
        if share.name == donor:
            shares[place] = replace(
                share, hba=tuple(dict.fromkeys((*share.hba, *_copying(group, engine, node.sources))))
            )
        if share.name == name:
            shares[place] = replace(share, primary_conninfo=engine.primary_conninfo(group, follower))
    return replace(plan, nodes=tuple(shares))


def _copying(group: Group, engine: EngineRules, sources: t.Iterable[str]) -> t.Iterator[HbaRule]:
    line_type = "host" if group.tls == "off" else "hostssl"
    for source in sources:
        yield HbaRule(line_type, "replication", hba_name(group.replication_user), source, engine.auth_method)


def standby(share: NodePlan, donor: NodePlan, point: str) -> NodePlan:
    """Return the node as a standby that stops at a point; without the engine, whose workers would start.

    A standby does not start with less of something than its donor has (PostgreSQL manual, Hot Standby).
    """
    kept = {setting.name: setting for setting in share.settings if not setting.name.startswith("pglogical.")}
    for size in (setting for setting in donor.settings if setting.name in STANDBY_SIZES):
        own = kept.get(size.name)
        if own is None or int(own.value) < int(size.value):
            kept[size.name] = replace(size, why=f"not less than on {donor.name}")
    settings = {**kept, **{setting.name: setting for setting in _standby_settings(share, point)}}
    return replace(
        _render.closed(share),
        standby_of=donor.name,
        connections=(),
        settings=tuple(settings[name] for name in sorted(settings)),
    )


def _standby_settings(share: NodePlan, point: str) -> t.Iterator[Setting]:
    why = "while the node is seeded"
    values = {
        "hot_standby": "on",
        "primary_conninfo": share.primary_conninfo,
        "primary_slot_name": slot_of_standby(share.engine_node),
        "recovery_target_action": "promote",
        "recovery_target_name": point,
        "shared_preload_libraries": "",
    }
    for name, value in values.items():
        yield Setting(name, value, "fixed", why)


def request_problems(plan: t.Mapping[str, t.Any], name: str, confirm: str, donor: str, method: str = AUTO) -> list[str]:
    """Return what is wrong with what the operator asked for."""
    nodes = plan["nodes"]
    names = ", ".join(sorted(nodes))
    if not name:
        return [f"bdr_node is missing: name the node to be seeded, with -e bdr_node=...; the group has {names}"]
    if name not in nodes:
        return [f"bdr_node: the group {plan['group']} has no node {name!r}; it has {names}"]
    if confirm != name:
        said = f"names {confirm!r}" if confirm else "is missing"
        return [f"bdr_confirm {said}: all data of {name} is replaced; repeat its name, -e bdr_confirm={name}"]
    methods = rules(plan["engine"], plan["era"]).seed_methods
    if method not in (AUTO, *methods):
        return [
            f"bdr_seed_method is {method!r}; {plan['engine']} knows {', '.join(methods)}, and {AUTO} chooses by itself"
        ]
    followers = sorted(other for other, node in nodes.items() if node["standby_of"] == name)
    if followers:
        return [
            f"bdr_standby_of: {' and '.join(followers)} would follow a server that is gone; take it out of the "
            "inventory for the time, remove its data, and let site.yml copy it anew afterwards"
        ]
    if nodes[name]["standby_of"]:
        return [f"bdr_node: {name} is a physical standby; remove its data, and site.yml copies it anew"]
    if donor and donor not in candidates(plan, name):
        return [f"bdr_donor: {donor!r} cannot seed {name}: {_told(why_not(plan, name, donor))}"]
    if not candidates(plan, name):
        reasons = [_told(why_not(plan, name, other)) for other in sorted(nodes) if other != name]
        return [f"bdr_node: no node can seed {name}: {'; '.join(reasons) or 'it is the only one'}"]
    return []


def number_problems(jobs: int, limit_seconds: int) -> list[str]:
    """Return what is wrong with how many tables are copied at a time, and with how long slots stay that nobody uses."""
    wrong = [] if jobs >= 1 else [f"bdr_seed_jobs is {jobs}; at least 1 table must be copied at a time"]
    if limit_seconds < 0:
        wrong.append(f"bdr_seed_limit_seconds is {limit_seconds}; give a number of seconds, or 0 for no limit")
    return wrong


def candidates(plan: t.Mapping[str, t.Any], name: str) -> list[str]:
    """Return the nodes that a node may be copied from."""
    return [other for other in sorted(plan["nodes"]) if other != name and not why_not(plan, name, other)]


def sources(plan: t.Mapping[str, t.Any], name: str) -> list[str]:
    """Return the nodes that one without any data can be made from."""
    if PHYSICAL not in rules(plan["engine"], plan["era"]).seed_methods:
        return []
    return candidates(plan, name)


def why_not(plan: t.Mapping[str, t.Any], name: str, donor: str) -> list[str]:
    """Return why a node cannot be copied from another one: it must hold the same databases from the same upstreams."""
    nodes = plan["nodes"]
    if donor not in nodes:
        return [f"the group has no node {donor!r}"]
    node, other = nodes[name], nodes[donor]
    if other["standby_of"]:
        return [f"{donor} is a physical standby"]
    if sorted(node["databases"]) != sorted(other["databases"]):
        return [f"{donor} has the databases {', '.join(other['databases'])}, {name} has {', '.join(node['databases'])}"]
    wanted = {(link["database"], link["upstream"]) for link in node["connections"]}
    known = {(link["database"], link["upstream"]) for link in other["connections"]}
    known |= {(database, donor) for database in other["databases"]}
    reasons = [f"{donor} gets nothing from {upstream} ({database})" for database, upstream in sorted(wanted - known)]
    more = known - wanted - {(database, name) for database in node["databases"]}
    reasons += [
        f"{donor} gets rows of {upstream} ({database}) that {name} does not get"
        for database, upstream in sorted(more)
        if upstream != donor
    ]
    for database in node["databases"]:
        if (database, donor) not in wanted:
            reasons.append(f"{donor} is no upstream of {name} ({database})")
    return reasons


def _told(reasons: t.Sequence[str]) -> str:
    return ", ".join(reasons)
