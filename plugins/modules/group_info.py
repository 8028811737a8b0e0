#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _as_is: a node as its server has it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: group_info
short_description: A node as it is, in the shape of its share of the plan
version_added: "0.8.0"
description:
  - Reads from a node's server what the plan says of it, and returns it under the plan's own names, so that the two can
    be compared field by field.
  - What the plan does not know comes with it, such as a connection or a slot that somebody made by hand.
  - M(pgbdr.bdr.status_info) tells instead what the node's links do, and what site.yml would change.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
"""

EXAMPLES = r"""
- name: Read the node as it is
  pgbdr.bdr.group_info:
    node: "{{ bdr_plan_group.nodes[inventory_hostname] }}"
  register: bdr_group_as_is

- name: Show the connections that nobody planned
  ansible.builtin.debug:
    msg: "{{ bdr_group_as_is.as_is.connections | difference(bdr_plan_group.nodes[inventory_hostname].connections) }}"
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
answers:
  description: Whether its server does.
  type: bool
  returned: always
error:
  description: What it says instead, empty where it answers.
  type: str
  returned: always
as_is:
  description: The fields of the plan that a server knows.
  type: dict
  returned: when it answers
  contains:
    connections:
      description:
        - The node's downstream ends of links, C(database), C(upstream), C(name), C(dsn), C(slot), C(apply_delay_ms).
        - The C(slot) of one of contrib_bdr that is not planned is empty, since only its upstream knows that.
      type: list
      elements: dict
    data_directory:
      description: The data directory.
      type: str
    databases:
      description: The databases that hold the engine.
      type: list
      elements: str
    encoding:
      description: Their encoding.
      type: str
    hba:
      description: The rules of pg_hba.conf in their order. None before PostgreSQL 10, which does not tell.
      type: list
      elements: dict
    listen_addresses:
      description: Where the server listens.
      type: list
      elements: str
    locale:
      description: The collation of the databases.
      type: str
    log_directory:
      description: The directory of the logs.
      type: str
    major:
      description: Major version of the server, 0 before PostgreSQL 10.
      type: int
    port:
      description: Its port.
      type: int
    settings:
      description: C(name) and C(value) of each setting that the plan names, as the server shows it.
      type: list
      elements: dict
    slots:
      description:
        - The engine's slots, C(database), C(downstream), C(name), C(plugin). The C(downstream) is empty where only that
          can tell.
      type: list
      elements: dict
    socket_directory:
      description: Where its socket is.
      type: str
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils import _session
from ansible_collections.pgbdr.bdr.plugins.module_utils._as_is import look
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, engine_of, open_door
from ansible_collections.pgbdr.bdr.plugins.module_utils._slot_dialects import SlotRefused

ARGUMENT_SPEC = {**NODE}


def main() -> None:
    """Look and return."""
    module, plan = open_door(ARGUMENT_SPEC)
    try:
        found = look(plan, engine_of(module, plan))
    except (_session.SessionError, SlotRefused) as error:
        module.exit_json(changed=False, node=plan.name, answers=False, error=" ".join(str(error).split()))
    module.exit_json(changed=False, node=plan.name, answers=True, error="", as_is=found)


if __name__ == "__main__":
    main()
