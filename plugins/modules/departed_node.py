#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _departed: remove what a node left behind."""

from __future__ import annotations

DOCUMENTATION = r"""
module: departed_node
short_description: Remove everything of a departed node from another one
version_added: "0.3.0"
description:
  - Removes the node's connections to the departed node, its slots, its origins or identifiers, its entry among the
    engine's nodes and its heartbeats. Access rules and passwords are files, see M(pgbdr.bdr.instance).
  - Whatever reads from one of these slots is disconnected.
  - Engine contrib_bdr up to 0.4 keeps the row of C(pg_replication_identifier). Its number would otherwise be given to
    the next node, together with the position up to which changes are taken as received.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
options:
  departed:
    description:
      - The share of the plan of the node that leaves.
    type: dict
    required: true
  remaining:
    description:
      - The identities of all nodes that stay, as M(pgbdr.bdr.departure_check) returns them.
    type: list
    elements: list
    required: true
  connections_only:
    description:
      - Remove the connections and nothing else. Where they are settings, a restart must come before the rest.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Remove what charlie left behind
  pgbdr.bdr.departed_node:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    departed: "{{ bdr_plan.nodes.charlie }}"
    remaining: "{{ bdr_departure_check.remaining }}"
"""

RETURN = r"""
steps:
  description: What was done, or would be done, in order.
  type: list
  elements: str
  returned: always
  sample: [remove subscription charlie_alpha in appdb]
restart_required:
  description: What the server will only use after a restart, where the engine's connections are settings.
  type: list
  elements: str
  returned: always
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._departed import erase
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, alone, exit_with, open_door, runner, share_of
from ansible_collections.pgbdr.bdr.plugins.module_utils._links import restart_required

ARGUMENT_SPEC = {
    **NODE,
    "departed": {"type": "dict", "required": True},
    "remaining": {"type": "list", "elements": "list", "required": True},
    "connections_only": {"type": "bool", "default": False},
}


def main() -> None:
    """Observe and remove."""
    module, plan = open_door(ARGUMENT_SPEC)
    departed = share_of(module, "departed")
    remaining = {(str(sysid), str(oid)) for sysid, oid in module.params["remaining"]}
    with alone(module, plan):
        outcome = erase(plan, departed, remaining, module.check_mode, module.params["connections_only"])
        restart = restart_required(plan, runner(module), outcome, module.check_mode)
    exit_with(module, outcome, restart_required=restart)


if __name__ == "__main__":
    main()
