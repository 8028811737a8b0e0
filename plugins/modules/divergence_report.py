# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: divergence_report
short_description: What differs in the rows of a group's nodes, as text, JSON and a page
version_added: "0.4.0"
description:
  - Prints a comparison with its verdict, one line a table, and the first rows that differ, with each version of them.
  - Writes it as JSON and as one HTML page that needs nothing else, readable by their owner only, since both hold
    values of rows.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.plan
options:
  comparison:
    description:
      - The comparison, as M(pgbdr.bdr.divergence_info) returned it.
    type: dict
    required: true
  file:
    description:
      - Write the comparison there as JSON, on the controller. M(pgbdr.bdr.repair_plan) reads it.
    type: path
    default: ''
  page:
    description:
      - Write the page there, on the controller.
    type: path
    default: ''
  query:
    description:
      - A JMESPath expression over the comparison; its answer is returned in RV(answer). The text is not printed then.
    type: str
requirements:
  - jmespath on the controller
"""

EXAMPLES = r"""
- name: Show what differs
  pgbdr.bdr.divergence_report:
    comparison: "{{ bdr_comparison }}"
    plan: "{{ bdr_plan }}"
    file: compare.json
    page: compare.html
  run_once: true
"""

RETURN = r"""
verdict:
  description: V(equal), V(different) or V(unproven).
  type: str
  returned: success
failure:
  description: What is not equal, or not proven to be, in one sentence; empty where everything is.
  type: str
  returned: success
  sample: "the nodes differ in public.city (appdb): 5 rows"
answer:
  description: What the query found.
  type: raw
  returned: when O(query) is given
"""
