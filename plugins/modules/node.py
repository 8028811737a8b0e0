#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _apply: the node's own objects."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node
short_description: Make an instance a member of its group
version_added: "0.1.0"
description:
  - Replication role, databases, the engine's extension and node, replication sets, and the trigger that puts
    new tables into them.
  - Reads what is there and repairs what differs. Objects that the plan does not know are left alone.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
  - pgbdr.bdr.attributes.password
"""

EXAMPLES = r"""
- name: Make the node a member
  pgbdr.bdr.node:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    password: "{{ bdr_replication_password }}"
"""

RETURN = r"""
steps:
  description: What was done, or would be done, in order.
  type: list
  elements: str
  returned: always
  sample: [create role bdr_replication, create database appdb]
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._apply import apply_member
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import (
    NODE,
    PASSWORD,
    alone,
    engine_of,
    exit_with,
    open_door,
    runner,
)

ARGUMENT_SPEC = {**NODE, **PASSWORD}


def main() -> None:
    """Observe, plan, apply."""
    module, plan = open_door(ARGUMENT_SPEC)
    engine = engine_of(module, plan)
    with alone(module, plan):
        outcome = apply_member(plan, engine, module.params["password"], runner(module), module.check_mode)
    exit_with(module, outcome)


if __name__ == "__main__":
    main()
