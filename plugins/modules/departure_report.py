# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: departure_report
short_description: Prove that nothing of a departed node is left
version_added: "0.3.0"
description:
  - Fails when a node that stays still has something of the departed one.
  - Runs on the controller and changes nothing. Use it with C(run_once).
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
options:
  departed:
    description:
      - The share of the plan of the node that left.
    type: dict
    required: true
  found:
    description:
      - What M(pgbdr.bdr.departure_info) returned on the nodes that stay.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Prove that nothing of charlie is left
  pgbdr.bdr.departure_report:
    departed: "{{ bdr_plan.nodes.charlie }}"
    found: "{{ ansible_play_hosts | map('extract', hostvars, 'bdr_departure') }}"
  run_once: true
"""

RETURN = r"""
left:
  description: What is left, and where.
  type: list
  elements: str
  returned: always
"""
