# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""From Ansible's hostvars to a Plan: reads the group's hosts once and translates nothing."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError

from ..module_utils import _inventory
from ..module_utils._model import Group, Plan, PlanError
from ..module_utils._plan import build_plan
from ..module_utils._seed import with_seeding
from ._addresses import with_networks

DEFAULT_HOSTS = "bdr"


Template = t.Callable[[t.Any], t.Any]


def value_of(variables: t.Mapping[str, t.Any], template: Template, name: str, default: t.Any = None) -> t.Any:
    """Return a variable as a play sees it: variables reach a plugin as they are written, templates and all."""
    found = template(variables[name]) if name in variables else None
    return default if found is None else found


def plan_of(
    task_vars: t.Mapping[str, t.Any],
    template: Template,
    probed_era: str | None = None,
    without: str | None = None,
    seeding: t.Mapping[str, str] | None = None,
) -> Plan:
    """Return the plan of the nodes in the inventory group bdr_hosts; PlanError lists what stands against it.

    probed_era: what a server of the group was seen to be of. without: the inventory host of a node that is to leave.
    seeding: the node that is seeded, and its donor.
    """
    group = with_networks(group_of(task_vars, template, probed_era, without))
    plan = build_plan(group)
    return with_seeding(group, plan, seeding["node"], seeding["donor"]) if seeding else plan


def group_of(
    task_vars: t.Mapping[str, t.Any], template: Template, probed_era: str | None = None, without: str | None = None
) -> Group:
    """Return the group of the same nodes, before anything is derived."""
    group_name = str(value_of(task_vars, template, "bdr_hosts", DEFAULT_HOSTS))
    if group_name not in task_vars["groups"]:
        raise PlanError([f"bdr_hosts: the inventory has no group {group_name}; name the group of the nodes"])
    problems = _password_problems(task_vars, template)
    hosts = {
        host: _variables_of(host, task_vars["hostvars"][host], problems)
        for host in task_vars["groups"][group_name]
        if host != without
    }
    if problems:
        raise PlanError(dict.fromkeys(problems))
    return _inventory.parse(group_name, hosts, probed_era)


def _password_problems(task_vars: t.Mapping[str, t.Any], template: Template) -> list[str]:
    """Look at the password before any host is changed; the message never shows it."""
    try:
        password_of(task_vars, template)
    except ValueError as error:
        return [str(error)]
    except AnsibleError as error:
        return [f"bdr_replication_password is a template or vault value that did not resolve: {error}"]
    return []


def password_of(variables: t.Mapping[str, t.Any], template: Template) -> str | None:
    """Return bdr_replication_password where it is given; ValueError where it is none."""
    password = value_of(variables, template, "bdr_replication_password")
    if password is None:
        return None
    if not isinstance(password, str) or not password or any(mark in password for mark in "\n\r\0"):
        raise ValueError("bdr_replication_password must be a string of one line, not empty; quote it in YAML")
    return str(password)


def _variables_of(host: str, variables: t.Mapping[str, t.Any], problems: list[str]) -> dict[str, t.Any]:
    """Return what the plan reads of a host. Other bdr_ variables go by name only: a secret is never touched."""
    found: dict[str, t.Any] = {}
    for name in variables:
        if name in _inventory.READ:
            try:
                found[name] = variables[name]
            except AnsibleError as error:
                # What the group shares is told of once, not once for each host.
                where = "" if name in _inventory.GROUP_FIELDS else f" of {host}"
                problems.append(f"{name}{where} is a template that did not resolve: {error}")
        elif name.startswith("bdr_"):
            found[name] = None
    return found
