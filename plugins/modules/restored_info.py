#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _restored_look."""

from __future__ import annotations

DOCUMENTATION = r"""
module: restored_info
short_description: What a node knows of its own changes and of the others'
version_added: "0.6.0"
description:
  - A restored backup of a node, or a copy of another one in its place, knows less than the others got from it.
    M(pgbdr.bdr.restored_check) finds it by what this returns of each node.
  - Changes nothing. A server that is down is no failure; then only RV(refused) tells something.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
"""

EXAMPLES = r"""
- name: See what the node knows
  pgbdr.bdr.restored_info:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
  register: bdr_restored_look
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
refused:
  description:
    - Why its server does not start, with what mends it; empty where it may start. Its data is older than what ran there
      before, or of another server.
  type: str
  returned: always
lsn:
  description: The end of its WAL, empty where its server does not answer.
  type: str
  returned: always
names:
  description: Of each database whose it takes itself for, empty where the engine keeps no names.
  type: dict
  returned: always
beats:
  description: The rows that M(pgbdr.bdr.heartbeat) sent, as they are here, each with the time when it was written.
  type: list
  elements: dict
  returned: always
slots:
  description: The slots of links, and how far each downstream is behind.
  type: list
  elements: dict
  returned: always
incoming:
  description: The connections, each with the upstream's position that was applied last.
  type: list
  elements: dict
  returned: always
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, one_error, open_door, runner
from ansible_collections.pgbdr.bdr.plugins.module_utils._restored_look import look

ARGUMENT_SPEC = {**NODE}


def main() -> None:
    """Look and return."""
    module, plan = open_door(ARGUMENT_SPEC)
    with one_error(module):
        seen = look(plan, runner(module))
    module.exit_json(changed=False, node=plan.name, **seen)


if __name__ == "__main__":
    main()
