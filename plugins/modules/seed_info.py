#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _seed_look."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seed_info
short_description: What a node can give to one that is seeded, or how far it is itself
version_added: "0.5.0"
description:
  - Tells whether the server answers, how much it holds, whether its links stream and how far they are behind, and
    how far an earlier seeding of the node itself got.
  - Never fails because a server is down; RV(answers) tells.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
"""

EXAMPLES = r"""
- name: Look at the node
  pgbdr.bdr.seed_info:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
  register: bdr_seed_info
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
host:
  description: Inventory host of the node.
  type: str
  returned: always
data:
  description: What lies in the node's home, V(absent), V(ours), V(removed), V(seeded) half-way, or V(foreign).
  type: str
  returned: always
has_data:
  description: Whether there is a data directory.
  type: bool
  returned: always
refused:
  description: Why its data must not be started, empty where it may; see M(pgbdr.bdr.restored_info).
  type: str
  returned: always
stage:
  description:
    - How far a seeding of the node got. V(fresh) where nothing of one is there, V(copied), V(standby) or V(promoted).
  type: str
  returned: always
donor:
  description: Of whom the node is a copy, empty where it is none.
  type: str
  returned: always
method:
  description: How an earlier seeding of the node copies it, empty where there is none.
  type: str
  returned: always
point:
  description: Name of the point in the donor's WAL where the copy ends.
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
links:
  description: The node's incoming links, whether each is there, its state and how far it is behind.
  type: list
  elements: dict
  returned: always
  sample: [{database: appdb, upstream: bravo, exists: true, state: streaming, behind_bytes: 0}]
size_mb:
  description: What all databases of the server take.
  type: int
  returned: always
free_mb:
  description: What is free where the node's home is or will be.
  type: int
  returned: always
slots:
  description: Names of all slots of the server.
  type: list
  elements: str
  returned: always
free_slots:
  description: How many more slots the server can have.
  type: int
  returned: always
sets:
  description: Replication sets that an operator made.
  type: list
  elements: str
  returned: always
tablespaces:
  description: Tablespaces beside the server's own.
  type: list
  elements: str
  returned: always
large_objects:
  description: Databases that hold large objects.
  type: list
  elements: str
  returned: always
platform:
  description: Distribution and architecture of the host.
  type: str
  returned: always
missing_packages:
  description: Packages of the server and of the modules that are not installed.
  type: list
  elements: str
  returned: always
version:
  description: Version of the server's program, empty where there is none.
  type: str
  returned: always
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, one_error, open_door, runner
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed_look import look

ARGUMENT_SPEC = {**NODE}


def main() -> None:
    """Read and return."""
    module, plan = open_door(ARGUMENT_SPEC)
    with one_error(module):
        seen = look(plan, runner(module))
    module.exit_json(changed=False, node=plan.name, host=plan.host, **seen)


if __name__ == "__main__":
    main()
