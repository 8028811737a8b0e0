# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: repair_plan
short_description: A plan that brings differing rows to one version
version_added: "0.4.0"
description:
  - Makes a plan from a comparison and writes it, or reads one that was made. Prints it either way. No node is touched.
  - For each differing row a policy says which version is right. The plan holds the keys and hashes of rows, and no
    other value of them. What it leaves out, it names with the reason.
  - A checksum stands over the plan, so one that was changed after it was made is refused.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.plan
options:
  comparison:
    description:
      - File on the controller that M(pgbdr.bdr.divergence_report) wrote, to make a plan from.
    type: path
    default: ''
  found:
    description:
      - The comparison itself, as M(pgbdr.bdr.divergence_info) returned it. The plan is not written then, and is to be
        applied.
    type: dict
    default: {}
  nodes:
    description:
      - Names of the nodes that the plan may mend. By default all.
    type: list
    elements: str
    default: []
  policy:
    description:
      - Which version of a row is right. V(majority) is the one on more than half of the nodes, V(newest) the one
        committed last, V(source=alpha) the one on the node alpha.
      - Asked for with O(comparison).
    type: str
    default: ''
  delete:
    description:
      - Whether the plan may delete rows, where no row is what is right.
    type: bool
    default: false
  file:
    description:
      - Where the plan is written, on the controller.
    type: path
    default: repair.json
  repair:
    description:
      - File on the controller that holds a plan, to be applied. Not together with O(comparison) and O(policy).
    type: path
    default: ''
"""

EXAMPLES = r"""
- name: Make a plan
  pgbdr.bdr.repair_plan:
    plan: "{{ bdr_plan }}"
    comparison: compare.json
    policy: majority
  run_once: true

- name: Read it again
  pgbdr.bdr.repair_plan:
    plan: "{{ bdr_plan }}"
    repair: repair.json
  register: bdr_repair_found
  run_once: true
"""

RETURN = r"""
repair:
  description:
    - The plan. C(steps) says what is done on which node, C(left) what is left out and why; both name their table by its
      place in C(tables).
  type: dict
  returned: success
  sample:
    format: 1
    session: 20261122T091500
    policy: majority
    delete: false
    hash: {mode: record, seed: 123, equality: exact}
    nodes: [alpha, bravo]
    tables: [{database: appdb, schema: public, name: city, key: [id], columns: [id, name], fingerprints: {alpha: 3f}}]
    steps:
      - {table: 0, key: {id: "5"}, action: update, node: bravo, source: alpha, seen: {bravo: "52", alpha: "51"}}
    left: [{table: 0, key: {id: "7"}, nodes: [charlie], reason: it would be deleted}]
    checksum: 9e1f
keys:
  description: The rows that it repairs, for O(pgbdr.bdr.divergence_info#module:only).
  type: list
  elements: dict
  returned: success
  sample: [{database: appdb, table: public.city, keys: [{id: "5"}]}]
apply:
  description: Whether the plan was given to be applied.
  type: bool
  returned: success
"""
