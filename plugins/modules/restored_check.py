# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: restored_check
short_description: Find nodes that hold an older copy of their data, or another node's
version_added: "0.6.0"
description:
  - Compares what the nodes know of each other's changes. A node that knows less of its own than the others got from it
    was restored, or copied from another one.
  - Nodes are looked at one beside the other, so what the first looks tell are suspects only. Look at these once
    more, and call this again with both.
  - Runs on the controller and changes nothing. Use it with C(run_once).
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.plan
options:
  found:
    description:
      - What M(pgbdr.bdr.restored_info) returned on each node. M(pgbdr.bdr.host_info) and M(pgbdr.bdr.status_info)
        return the same as C(restored).
    type: list
    elements: dict
    required: true
  again:
    description:
      - What M(pgbdr.bdr.restored_info) returned of the suspects afterwards.
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: Find nodes that know less than the others got from them
  pgbdr.bdr.restored_check:
    plan: "{{ bdr_plan }}"
    found: "{{ ansible_play_hosts | map('extract', hostvars, 'bdr_restored_look') }}"
  register: bdr_restored
  run_once: true
"""

RETURN = r"""
nodes:
  description: What is told of each such node.
  type: dict
  returned: always
  sample:
    charlie: "charlie holds an older copy of its data, or another node's: alpha has its changes of appdb up to 0/5, its
      own WAL ends at 0/4"
"""
