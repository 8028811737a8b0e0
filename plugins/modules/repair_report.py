# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: repair_report
short_description: One table of what a repair did on each node
version_added: "0.4.0"
description:
  - Prints what M(pgbdr.bdr.repair) returned on every node, and each row that was not repaired with the reason.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
options:
  repair:
    description:
      - The plan of repair, as M(pgbdr.bdr.repair_plan) returned it.
    type: dict
    required: true
  results:
    description:
      - What M(pgbdr.bdr.repair) returned on each node. Results without numbers, as those of hosts that cannot be
        reached, are left out.
    type: list
    elements: dict
    required: true
  comparison:
    description:
      - The comparison of the same rows behind the repair, as M(pgbdr.bdr.divergence_info) returned it.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what was repaired
  pgbdr.bdr.repair_report:
    repair: "{{ bdr_repair_found.repair }}"
    results: >-
      {{ ansible_play_hosts_all | map('extract', hostvars) | map(attribute='bdr_repair_result', default={}) }}
  run_once: true
"""

RETURN = r"""
failure:
  description: How many rows were not repaired, and what still differs; empty where all is equal.
  type: str
  returned: success
  sample: "1 row changed since the comparison and was left alone: compare again and make a new plan"
"""
