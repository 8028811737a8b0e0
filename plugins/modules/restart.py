#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _instance and _wait: a restart that ends when replication is back."""

from __future__ import annotations

DOCUMENTATION = r"""
module: restart
short_description: Restart a node and wait until its links stream again
version_added: "0.1.0"
description:
  - Restarts one node's server and ends when the links into it stream again that had been up before.
  - Links out of it are the downstreams' own; M(pgbdr.bdr.links) on those waits for them.
  - Use it in a play with C(serial) 1 and C(any_errors_fatal), so that a node that does not come back stops the roll.
attributes:
  check_mode:
    support: full
    description: Tells that it would restart, and does not.
  diff_mode:
    support: none
    description: A restart has no before and after.
  idempotent:
    support: none
    description: Every call restarts, but with O(required_only).
extends_documentation_fragment:
  - pgbdr.bdr.attributes.node
  - pgbdr.bdr.attributes.password
author:
  - pgbdr.bdr contributors (@pgbdr)
options:
  wait_seconds:
    description:
      - How long to wait until the links stream again.
    type: int
    default: 60
  required_only:
    description:
      - Leave a server alone for which nothing waits for a restart any more.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Restart the nodes one at a time
  hosts: bdr
  serial: 1
  any_errors_fatal: true
  tasks:
    - name: Restart
      pgbdr.bdr.restart:
        node: "{{ bdr_plan.nodes[inventory_hostname] }}"
        password: "{{ bdr_replication_password }}"
"""

RETURN = r"""
links:
  description: State of each link into the node when the waiting ended.
  type: list
  elements: dict
  returned: always
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import (
    NODE,
    PASSWORD,
    alone,
    engine_of,
    open_door,
    runner,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._instance import Instance
from ansible_collections.pgbdr.bdr.plugins.module_utils._loaded import pending_restart
from ansible_collections.pgbdr.bdr.plugins.module_utils._wait import (
    established,
    observed_links,
    wait_for_links,
)

ARGUMENT_SPEC = {
    **NODE,
    **PASSWORD,
    "wait_seconds": {"type": "int", "default": 60},
    "required_only": {"type": "bool", "default": False},
}


def main() -> None:
    """Restart and wait."""
    module, plan = open_door(ARGUMENT_SPEC)
    engine = engine_of(module, plan)
    if module.check_mode:
        module.exit_json(changed=True, links=observed_links(plan, "would wait"))
    with alone(module, plan):
        if module.params["required_only"] and not pending_restart(plan, runner(module)):
            module.exit_json(changed=False, links=[])
        before = established(plan, engine)
        instance = Instance(plan, runner(module), module.params["password"], {})
        instance.restart()
        links = wait_for_links(plan, engine, module.params["wait_seconds"], before)
    module.exit_json(changed=True, links=links)


if __name__ == "__main__":
    main()
