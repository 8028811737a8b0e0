# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: link_report
short_description: One table of all links, and a failure where one is silent
version_added: "0.1.0"
description:
  - Prints what M(pgbdr.bdr.heartbeat) saw on every node, one line a link.
  - Fails when a link does not stream, with the last log lines of both servers.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.plan
options:
  heartbeats:
    description:
      - What M(pgbdr.bdr.heartbeat) returned on each node.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show all links
  pgbdr.bdr.link_report:
    plan: "{{ bdr_plan }}"
    heartbeats: "{{ ansible_play_hosts | map('extract', hostvars, 'bdr_heartbeat') }}"
  run_once: true
"""

RETURN = r"""
links:
  description: State of each link, sorted.
  type: list
  elements: dict
  returned: always
"""
