# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slot_report
short_description: One table of all slots of a group, and what to warn of
version_added: "0.3.0"
description:
  - Puts together what M(pgbdr.bdr.slot_info) returned on each node, prints one line a slot, and warns of slots that
    hold back too much WAL, have lost it, are abandoned or missing.
  - Decides whether a slot may be dropped by name, and on which node. Dropping it is M(pgbdr.bdr.slot)'s work.
  - Never fails for what it found, but for a drop that was asked for and must not be.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.plan
options:
  found:
    description:
      - What M(pgbdr.bdr.slot_info) returned on each node. A host that could not be reached may be among them.
    type: list
    elements: dict
    required: true
  warning_percent:
    description:
      - The soft limit. A slot that holds back this much of what it may is warned of, a whole number from 1 to 100.
        What it may is C(max_slot_wal_keep_size) of its server, or the figure C(wal_retention) of the plan where there
        is no such limit.
    type: str
    default: "50"
  drop:
    description:
      - Name of the abandoned slot that shall be dropped.
    type: str
    default: ""
  confirm:
    description:
      - The same name once more.
    type: str
    default: ""
  drop_on:
    description:
      - The node that has it, needed where several have a slot of that name.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show all slots
  pgbdr.bdr.slot_report:
    plan: "{{ bdr_plan }}"
    found: "{{ ansible_play_hosts_all | map('extract', hostvars, 'bdr_slots') }}"
  register: bdr_slot_report
  run_once: true
"""

RETURN = r"""
slots:
  description:
    - Every slot as M(pgbdr.bdr.slot_info) has it, with C(node), its verdict by all nodes, C(has_limit),
      C(allowed_bytes) and C(used_percent).
  type: list
  elements: dict
  returned: always
findings:
  description: What to warn of, each with C(severity) (V(error) or V(warning)), C(node), C(slot) and C(message).
  type: list
  elements: dict
  returned: always
silent:
  description: The nodes that did not answer, with what they said instead.
  type: dict
  returned: always
wal_kept:
  description: Of nodes whose slots keep no WAL, the bytes that the server keeps for all of them.
  type: dict
  returned: always
drop:
  description: The slot that shall be dropped, empty where none was asked for or it is gone.
  type: dict
  returned: success
"""
