# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: check_hosts
short_description: Check all hosts against the plan before one of them is changed
version_added: "0.1.0"
description:
  - Fails with every reason not to start. These are foreign data directories, ports in use, another major version,
    a server that cannot read the data, data that is older than what ran there before, too little disk, differences in
    architecture, encoding and collation, clock skew, and rows that a new link would not carry.
  - Runs on the controller and changes nothing. Use it with C(run_once).
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.plan
options:
  found:
    description:
      - What M(pgbdr.bdr.host_info) returned on each host.
    type: list
    elements: dict
    required: true
  accept_restored:
    description:
      - What M(pgbdr.bdr.host_info) was given; each name has to be a node's.
    type: str
    default: ""
    version_added: "0.6.0"
"""

EXAMPLES = r"""
- name: Check all hosts together
  pgbdr.bdr.check_hosts:
    plan: "{{ bdr_plan }}"
    found: "{{ ansible_play_hosts | map('extract', hostvars, 'bdr_host') }}"
  run_once: true
"""

RETURN = r"""
seeds:
  description: Nodes that are new in a group which holds rows, and so are seeded first.
  type: list
  elements: str
  returned: success
installs:
  description: Missing packages, by node; nodes that share a machine leave them to the first.
  type: dict
  returned: success
builders:
  description: The node whose host builds the server for a node's host, by node; the first of each platform.
  type: dict
  returned: success
"""
