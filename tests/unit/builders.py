# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables are made with: inventories, groups, plans, hosts that were looked at, and a session of rows."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._inventory import parse
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import Group, NodePlan, Plan, PlanError
from ansible_collections.pgbdr.bdr.plugins.module_utils._plan import build_plan

Variables = dict[str, t.Any]

THREE = "alpha bravo charlie"


def inventory(
    names: str = THREE, own: t.Mapping[str, Variables] | None = None, **shared: t.Any
) -> dict[str, Variables]:
    """Return hosts and their variables: an address each, the database appdb, what all share, what is their own."""
    return {
        name: {
            "ansible_host": f"192.0.2.{number}",
            "bdr_databases": ["appdb"],
            **shared,
            **(own or {}).get(name, {}),
        }
        for number, name in enumerate(names.split(), 11)
    }


def group(names: str = THREE, own: t.Mapping[str, Variables] | None = None, **shared: t.Any) -> Group:
    """Return the group of such an inventory."""
    return parse("bdr", inventory(names, own, **shared))


def plan(names: str = THREE, own: t.Mapping[str, Variables] | None = None, **shared: t.Any) -> Plan:
    """Return the plan of such an inventory."""
    return build_plan(group(names, own, **shared))


def node_plan(name: str = "alpha", names: str = THREE, **shared: t.Any) -> NodePlan:
    """Return one node's share of such a plan."""
    return next(node for node in plan(names, **shared).nodes if node.name == name)


def problems(function: t.Callable[..., t.Any], *arguments: t.Any, **named: t.Any) -> tuple[str, ...]:
    """Return what a PlanError lists."""
    with pytest.raises(PlanError) as caught:
        function(*arguments, **named)
    return caught.value.problems


def only_problem(function: t.Callable[..., t.Any], *arguments: t.Any, **named: t.Any) -> str:
    """Return the one problem of a PlanError."""
    (problem,) = problems(function, *arguments, **named)
    return problem


def settings(node: NodePlan) -> dict[str, str]:
    """Return a node's settings as a mapping."""
    return {setting.name: setting.value for setting in node.settings}


def connection_settings(node: NodePlan) -> dict[str, str]:
    """Return what makes a node's connections, where settings do, as a mapping."""
    return {setting.name: setting.value for setting in node.connection_settings}


def figures(node: NodePlan) -> dict[str, int]:
    """Return a node's figures as a mapping."""
    return {figure.name: figure.value for figure in node.figures}


def database_found(name: str = "appdb", **changes: t.Any) -> Variables:
    """Return a database as host_info sees it."""
    sound = {
        "name": name,
        "encoding": "UTF8",
        "collate": "C.UTF-8",
        "ctype": "C.UTF-8",
        "connections": [],
        "table_with_rows": "",
    }
    return {**sound, **changes}


def server_found(version: str = "15.8", catalog_version: int = 202209061, era: str = "") -> Variables:
    """Return the server's programs as host_info sees them."""
    return {"version": version, "catalog_version": catalog_version, "era": era}


def host_found(name: str, **changes: t.Any) -> Variables:
    """Return a host on which nothing stands against the node, as host_info sees it."""
    sound = {
        "node": name,
        "architecture": "x86_64 little-endian 64 bit",
        "machine": f"machine of {name}",
        "service_manager": "systemd",
        "platform": "x86_64, debian 12",
        "server": server_found(),
        "data": "absent",
        "catalog_version": 0,
        "major": None,
        "running": False,
        "address_problem": "",
        "port_taken": False,
        "missing_packages": [],
        "disk": {"file_system": 1, "free_mb": 100_000, "wal_mb": 0},
        "databases": {},
        "restored": {"refused": ""},
        "clock": {"offset_ms": 0.0, "uncertainty_ms": 0.0},
    }
    return {**sound, **changes}


def hosts_found(names: str = THREE, **changes: Variables) -> dict[str, Variables]:
    """Return such hosts by node; changes are given by the node's name."""
    return {name: host_found(name, **changes.get(name, {})) for name in names.split()}


class FakeSession:
    """Answers each query with the rows given for it; a query nobody expected is an error."""

    def __init__(self, answers: t.Mapping[str, list[Variables]]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, t.Any]] = []

    def rows(self, text: str, values: t.Mapping[str, t.Any] | None = None) -> list[Variables]:
        """Return the rows given for the query."""
        self.asked.append((text, values))
        return self.answers[text]

    def value(self, text: str, values: t.Mapping[str, t.Any] | None = None) -> t.Any:
        """Return the first column of the first of them."""
        return next((next(iter(row.values())) for row in self.rows(text, values)), None)


def slot_seen(name: str, downstream: str, **changes: t.Any) -> Variables:
    """Return a link's slot in which nothing is wrong, as status_info sees it."""
    sound = {
        "name": name,
        "database": "appdb",
        "active": True,
        "wal_held_bytes": 56,
        "behind_bytes": 0,
        "behind_seconds": 0.0,
        "sender": "streaming",
        "wal_status": "reserved",
        "until_lost_bytes": 96 * 1024 * 1024,
        "xmin_age": None,
        "catalog_xmin_age": 0,
        "verdict": "link",
        "downstream": downstream,
    }
    return {**sound, **changes}


def incoming_seen(name: str, **changes: t.Any) -> Variables:
    """Return a downstream's end of a link in which nothing is wrong, as status_info sees it."""
    sound = {
        "database": "appdb",
        "name": name,
        "status": "running",
        "worker": "1:2",
        "pid": 7,
        "age_seconds": 60.0,
        "waits_seconds": None,
        "waits_for": None,
        "blocked_by": [],
        "blockers": [],
        "origin_lsn": "0/1",
        "failure": None,
    }
    return {**sound, **changes}


def node_seen(name: str, names: str = THREE, **changes: t.Any) -> Variables:
    """Return a node of a mesh in which nothing is wrong, as status_info sees it."""
    others = [other for other in names.split() if other != name]
    sound = {
        "node": name,
        "answers": True,
        "error": "",
        "reason": "",
        "is_standby": False,
        "slots_keep_wal": True,
        "wal_limit_bytes": 96 * 1024 * 1024,
        "wal_kept_bytes": 0,
        "identity": {"sysid": name, "timeline": 1, "databases": {"appdb": 16385}},
        "slots": [slot_seen(f"pgl_appdb_{name}_{name}_{other}", other) for other in others],
        "lsn": "0/1C24D48",
        "wal_file": "000000010000000000000001",
        "incoming": [incoming_seen(f"{other}_{name}") for other in others],
        "findings": [],
        "log_time": "2026-11-22 11:09:52",
        "settings": {"max_connections": "100"},
        "pending_restart": [],
        "restored": {"refused": ""},
        "seeding": "",
        "databases": {"appdb": {"error": "", "unguarded": [], "keyless": []}},
        "clock": {"offset_ms": 0.0, "uncertainty_ms": 0.0},
    }
    return {**sound, **changes}


def nodes_seen(names: str = THREE, **changes: Variables) -> dict[str, Variables]:
    """Return such nodes by name; changes are given by the node's name."""
    return {name: node_seen(name, names, **changes.get(name, {})) for name in names.split()}
