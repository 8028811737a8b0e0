#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _compare.access: what the replication role may read."""

from __future__ import annotations

DOCUMENTATION = r"""
module: read_access
short_description: The right of the other nodes to read a node's tables
version_added: "0.4.0"
description:
  - Lets the replication role read all tables of the node's databases, so that another member of the group can compare
    them with its own.
  - Servers from 14 on have roles for that, C(pg_read_all_data) and C(pg_read_all_stats), and the replication role is
    made a member of them. On older servers it gets USAGE on each schema and SELECT on the tables that are there now.
  - Does nothing where the server is down; M(pgbdr.bdr.divergence_info) says so.
  - The role may take a base backup, and so read everything, without this as well.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
"""

EXAMPLES = r"""
- name: Let the other nodes read the tables
  pgbdr.bdr.read_access:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
"""

RETURN = r"""
steps:
  description: What was granted, or would be.
  type: list
  elements: str
  returned: always
  sample: [create membership in pg_read_all_data]
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._apply import Outcome, apply_part
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.access import Access
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, alone, exit_with, open_door, runner
from ansible_collections.pgbdr.bdr.plugins.module_utils._service import service

ARGUMENT_SPEC = NODE


def main() -> None:
    """Observe, plan, apply."""
    module, plan = open_door(ARGUMENT_SPEC)
    run = runner(module)
    with alone(module, plan):
        is_up = service(plan, run).is_running()
        outcome = apply_part(plan, Access(plan), run, module.check_mode) if is_up else Outcome()
    exit_with(module, outcome)


if __name__ == "__main__":
    main()
