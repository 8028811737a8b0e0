# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: plan_info
short_description: The plan of a group, from the inventory alone
version_added: "0.1.0"
description:
  - Reads the variables of the hosts in the inventory group that C(bdr_hosts) names (C(bdr) by default),
    checks them and expands the topology.
  - Returns for each node its slots, connections, settings, access rules and sizes, each number with its
    formula and source.
  - Runs on the controller and contacts no host. Use it with C(run_once).
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
options:
  era:
    description:
      - Era of contrib/bdr that a server of the group was seen to be of, as M(pgbdr.bdr.server_info) returns it.
        C(bdr_era) wins; without either the plan is for 0.7, and RV(era_assumed) says so.
    type: str
  without:
    description:
      - Inventory host to leave out, the plan of the group once that node has left.
    type: str
  seeding:
    description:
      - The plan of the group while a node is seeded. Its donor lets it copy, and links that are made meet rows.
    type: dict
    suboptions:
      node:
        description:
          - Name of the node that is seeded.
        type: str
        required: true
      donor:
        description:
          - Name of the node it is copied from.
        type: str
        required: true
  query:
    description:
      - A JMESPath expression over the plan; its answer is returned in RV(answer).
    type: str
  file:
    description:
      - Write the plan there as JSON, on the controller.
    type: path
  print:
    description:
      - Print the plan for a person.
    type: bool
    default: false
requirements:
  - jmespath and netaddr on the controller
"""

EXAMPLES = r"""
- name: Compute the plan of the group
  pgbdr.bdr.plan_info:
  register: bdr_plan
  run_once: true

- name: Ask how many slots each node has
  pgbdr.bdr.plan_info:
    query: "nodes.*.{node: name, slots: length(slots)}"
  run_once: true
"""

RETURN = r"""
group:
  description: Name of the group.
  type: str
  returned: success
engine:
  description: What carries the links.
  type: str
  returned: success
era:
  description: Era of contrib/bdr, empty for another engine.
  type: str
  returned: success
era_assumed:
  description: Whether neither C(bdr_era) nor a server said which era it is.
  type: bool
  returned: success
links:
  description: All links, sorted.
  type: list
  elements: dict
  returned: success
nodes:
  description: Each node's share of the plan, by its name.
  type: dict
  returned: success
answer:
  description: What the query found.
  type: raw
  returned: when O(query) is given
"""
