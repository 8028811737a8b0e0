#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _instance."""

from __future__ import annotations

DOCUMENTATION = r"""
module: instance
short_description: One PostgreSQL instance of a group on this host
version_added: "0.1.0"
description:
  - Brings data directory, settings, access rules, passfile and service of a node to what the plan says, and starts it.
  - Touches only what lies in the node's own home and carries the collection's marker.
    Another PostgreSQL on the host is left alone.
  - Never restarts a running server. RV(restart_required) lists what waits for M(pgbdr.bdr.restart).
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
  - pgbdr.bdr.attributes.password
  - pgbdr.bdr.attributes.tls
  - pgbdr.bdr.attributes.accept_restored
options:
  state:
    description:
      - V(present) brings the instance up.
      - V(absent) stops it and removes its home with all its data.
    type: str
    choices: [present, absent]
    default: present
  confirm:
    description:
      - Name of the group, once more. Wanted with O(state=absent), since that destroys data.
    type: str
"""

EXAMPLES = r"""
- name: Bring up the instance
  pgbdr.bdr.instance:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    password: "{{ bdr_replication_password }}"

- name: Remove the instance and all its data
  pgbdr.bdr.instance:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    password: "{{ bdr_replication_password }}"
    state: absent
    confirm: quickstart
"""

RETURN = r"""
steps:
  description: What was done, or would be done, in order.
  type: list
  elements: str
  returned: always
  sample: [initialise /var/lib/pgbdr/quickstart/alpha/data, start the server]
restart_required:
  description: Settings that the server will only use after a restart.
  type: list
  elements: str
  returned: always
  sample: [max_wal_senders]
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import (
    NODE,
    PASSWORD,
    RESTORED,
    TLS,
    accepts_restored,
    alone,
    open_door,
    runner,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._instance import Instance

CONFIRM = "-e bdr_confirm"  # as the playbooks ask for it

ARGUMENT_SPEC = {
    **NODE,
    **PASSWORD,
    **TLS,
    **RESTORED,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "confirm": {"type": "str"},
}


def main() -> None:
    """Ensure the state asked for."""
    module, plan = open_door(ARGUMENT_SPEC)
    params = module.params
    if params["state"] == "absent" and params["confirm"] != plan.group:
        module.fail_json(
            msg=f"confirm: give the group's name ({CONFIRM}={plan.group}) to remove {plan.name} with all its data"
        )
    with alone(module, plan):
        instance = Instance(plan, runner(module), params["password"], params["tls"])
        instance.accepts_restored = accepts_restored(module, plan)
        ensure = instance.ensure_absent if params["state"] == "absent" else instance.ensure_present
        ensure(module.check_mode)
    module.exit_json(
        changed=bool(instance.steps),
        steps=instance.steps,
        diff=instance.diffs,
        restart_required=instance.restart_required,
    )


if __name__ == "__main__":
    main()
