# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ddl_report
short_description: One table of what a SQL script did on each node
version_added: "0.3.0"
description:
  - Prints what M(pgbdr.bdr.ddl) returned on every node, one line a node.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
options:
  results:
    description:
      - What M(pgbdr.bdr.ddl) returned on each node.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what the script did on each node
  pgbdr.bdr.ddl_report:
    results: "{{ ansible_play_hosts | map('extract', hostvars, 'bdr_ddl_result') }}"
  run_once: true
"""

RETURN = r"""
nodes:
  description: The nodes that have the script now.
  type: list
  elements: str
  returned: always
"""
