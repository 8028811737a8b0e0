#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _monitoring."""

from __future__ import annotations

DOCUMENTATION = r"""
module: monitor
short_description: A node's exporter of metrics and its heartbeat
version_added: "0.6.0"
description:
  - Makes the role C(pgbdr_monitor), which is a member of C(pg_monitor) and may read the engine's list of connections
    and the table of heartbeats, and nothing else. It comes in by the local socket, as the operating system's user of
    that name, which must be there.
  - Runs the distribution's C(prometheus-postgres-exporter) for the node, with queries that tell of the node's links.
  - Runs the heartbeat, which writes the node's own row of C(pgbdr.heartbeat) again and again.
  - By systemd where it is PID 1. Elsewhere both are detached processes, and nothing starts them at a boot.
  - A physical standby has an exporter and no heartbeat.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
options:
  state:
    description:
      - V(present) brings it about.
      - V(absent) stops both processes and removes their files, the node's heartbeats and the role. Of a server that is
        down the role stays.
    type: str
    choices: [present, absent]
    default: present
  listen:
    description:
      - The address that the exporter listens on.
    type: str
    default: 127.0.0.1
  port:
    description:
      - Its port. V(0) stands for the server's port plus 3755, which is 9187 for 5432.
    type: int
    default: 0
  heartbeat_seconds:
    description:
      - How long to wait between two heartbeats, from 1 to 3600 seconds.
    type: int
    default: 10
"""

EXAMPLES = r"""
- name: Monitor the node
  pgbdr.bdr.monitor:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
"""

RETURN = r"""
steps:
  description: What was done, or would be done, in order.
  type: list
  elements: str
  returned: always
  sample: [create role pgbdr_monitor, start the exporter]
node:
  description: Name of the node.
  type: str
  returned: always
listen:
  description: The address that the exporter listens on.
  type: str
  returned: always
port:
  description: Its port.
  type: int
  returned: always
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, alone, open_door, runner
from ansible_collections.pgbdr.bdr.plugins.module_utils._monitor import exporter_port, is_monitored, problems
from ansible_collections.pgbdr.bdr.plugins.module_utils._monitoring import Monitored

ARGUMENT_SPEC = {
    **NODE,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "listen": {"type": "str", "default": "127.0.0.1"},
    "port": {"type": "int", "default": 0},
    "heartbeat_seconds": {"type": "int", "default": 10},
}


def main() -> None:
    """Ensure the state asked for."""
    module, plan = open_door(ARGUMENT_SPEC)
    params = module.params
    found = problems(plan, params["heartbeat_seconds"], params["port"])
    if found and params["state"] == "present":
        module.fail_json(msg="\n".join(found))
    told = {"node": plan.name, "listen": params["listen"], "port": exporter_port(plan, params["port"])}
    if not is_monitored(plan):
        module.exit_json(changed=False, steps=[], diff=[], **told)
    with alone(module, plan):
        node = Monitored(plan, runner(module), params["listen"], params["port"], params["heartbeat_seconds"])
        ensure = node.ensure_absent if params["state"] == "absent" else node.ensure_present
        ensure(module.check_mode)
    module.exit_json(changed=bool(node.steps), steps=node.steps, diff=node.diffs, **told)


if __name__ == "__main__":
    main()
