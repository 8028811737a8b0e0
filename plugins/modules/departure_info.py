#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _departed: what is seen of a node that leaves."""

from __future__ import annotations

DOCUMENTATION = r"""
module: departure_info
short_description: What a node has of another one that leaves the group
version_added: "0.3.0"
description:
  - Tells whether the server answers, who it is to its upstreams, and how far the changes of the departed node got here.
  - With O(remaining), tells also what is left of the departed node here, and which of its slots are in use.
  - Run on the departed node itself, tells whether it still answers.
  - Never fails because a server is down; RV(answers) tells.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
options:
  departed:
    description:
      - The share of the plan of the node that leaves.
    type: dict
    required: true
  remaining:
    description:
      - The identities of all nodes that stay, from a first call on each of them. Where slots are named after
        identities, what none of them accounts for is the departed node's.
    type: list
    elements: list
"""

EXAMPLES = r"""
- name: Look for what the others have of charlie
  pgbdr.bdr.departure_info:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    departed: "{{ bdr_plan.nodes.charlie }}"
  register: bdr_departure
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
data:
  description: What lies in the node's home, V(absent), V(ours), V(removed) or V(foreign).
  type: str
  returned: always
answers:
  description: Whether the node's server answers.
  type: bool
  returned: always
error:
  description: Why it does not.
  type: str
  returned: always
identities:
  description: System identifier and oid of each database, where slots are named after them.
  type: list
  elements: list
  returned: always
received:
  description: For each database, up to which position of its WAL the changes of the departed node arrived.
  type: dict
  returned: always
in_use:
  description: Slots of the departed node that something reads from.
  type: list
  elements: str
  returned: always
left:
  description: What is left of the departed node here.
  type: list
  elements: str
  returned: always
  sample: [subscription charlie_alpha in appdb]
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._departed import look
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, one_error, open_door, share_of

ARGUMENT_SPEC = {
    **NODE,
    "departed": {"type": "dict", "required": True},
    "remaining": {"type": "list", "elements": "list"},
}


def main() -> None:
    """Read and return."""
    module, plan = open_door(ARGUMENT_SPEC)
    known = module.params["remaining"]
    remaining = None if known is None else {(str(sysid), str(oid)) for sysid, oid in known}
    with one_error(module):
        seen = look(plan, share_of(module, "departed"), remaining)
    module.exit_json(changed=False, node=plan.name, **seen)


if __name__ == "__main__":
    main()
