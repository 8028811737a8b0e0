# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: departure_check
short_description: Check whether a node may leave its group, before anything is changed
version_added: "0.3.0"
description:
  - Fails with every reason not to remove the node. These are a name or a confirmation that is wrong, another node
    that does not answer, and changes that the node did not send yet, or that nobody can tell of.
  - Runs on the controller and changes nothing. Use it with C(run_once).
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.consent
options:
  plan:
    description:
      - What M(pgbdr.bdr.plan_info) returned, the departed node included.
    type: dict
    required: true
  name:
    description:
      - Name of the node that is to leave.
    type: str
    default: ""
  found:
    description:
      - What M(pgbdr.bdr.departure_info) returned on each node.
    type: list
    elements: dict
  heartbeats:
    description:
      - What M(pgbdr.bdr.heartbeat) returned on the nodes that stay. Without it only names are checked.
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: Check whether charlie may leave
  pgbdr.bdr.departure_check:
    plan: "{{ bdr_plan }}"
    name: charlie
    confirm: charlie
    found: "{{ ansible_play_hosts | map('extract', hostvars, 'bdr_departure') }}"
  run_once: true
"""

RETURN = r"""
state:
  description: Whether the node is V(alive), V(dead) or V(removed) already.
  type: str
  returned: success
remaining:
  description: The identities of the nodes that stay.
  type: list
  elements: list
  returned: success
undelivered:
  description:
    - What of the node does not get to the others, or is not seen to. With O(accept_loss) this is no reason to fail.
  type: list
  elements: str
  returned: when O(heartbeats) is given
host:
  description: Inventory host of the node.
  type: str
  returned: success
nodes:
  description: Each node's share of the plan, the departed one included.
  type: dict
  returned: success
"""
