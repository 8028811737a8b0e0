# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: salvage_report
short_description: What became of salvaged changes
version_added: "0.6.0"
description:
  - Prints what M(pgbdr.bdr.salvage) returned, and each row that was not written with the reason.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
options:
  salvage:
    description:
      - What was salvaged, as M(pgbdr.bdr.salvage_plan) returned it.
    type: dict
    required: true
  results:
    description:
      - What M(pgbdr.bdr.salvage) returned, of all hosts. Results without numbers, as those of hosts that did not write,
        are left out.
    type: list
    elements: dict
    required: true
  comparison:
    description:
      - The comparison of the same rows afterwards, as M(pgbdr.bdr.divergence_info) returned it.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what was applied
  pgbdr.bdr.salvage_report:
    salvage: "{{ bdr_salvage_found.salvage }}"
    results: >-
      {{ ansible_play_hosts_all | map('extract', hostvars) | map(attribute='bdr_salvage_result', default={}) }}
  run_once: true
"""

RETURN = r"""
failure:
  description: How many rows were not written, and what still differs; empty where all is well.
  type: str
  returned: success
  sample: "1 row changed since and left alone: look at them, and run what you want of the .sql by hand"
"""
