# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ddl_check
short_description: Check a SQL script and all nodes of its database before it runs on one of them
version_added: "0.3.0"
description:
  - Reads the script on the controller. Fails with every reason not to run it. These are a script that cannot be run as
    one, a database that the group does not have, nodes that do not answer or are not as the plan says, and a journal
    that knows another script by this name.
  - Changes nothing. Use it with C(run_once).
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.plan
options:
  script:
    description:
      - Path of the script on the controller.
    type: path
    default: ''
  name:
    description:
      - The script's name in the journal. By default the name of its file.
    type: str
    default: ''
  database:
    description:
      - The script's database. By default the group's only one.
    type: str
    default: ''
  lock_timeout_seconds:
    description:
      - How long a statement may wait for a lock, a whole number. V(0) is no limit.
    type: raw
    default: 5
  statement_timeout_seconds:
    description:
      - How long a statement may take, a whole number. V(0) is no limit.
    type: raw
    default: 600
  hosts:
    description:
      - What M(pgbdr.bdr.host_info) returned on each host.
    type: list
    elements: dict
    required: true
  found:
    description:
      - What M(pgbdr.bdr.ddl_info) returned on each host.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Check script and nodes together
  pgbdr.bdr.ddl_check:
    script: "{{ bdr_ddl_script }}"
    plan: "{{ bdr_plan }}"
    hosts: "{{ ansible_play_hosts | map('extract', hostvars, 'bdr_host') }}"
    found: "{{ ansible_play_hosts | map('extract', hostvars, 'bdr_ddl_info') }}"
  run_once: true
"""

RETURN = r"""
name:
  description: The script's name in the journal.
  type: str
  returned: success
database:
  description: The script's database.
  type: str
  returned: success
text:
  description: The script itself.
  type: str
  returned: success
lock_timeout_seconds:
  description: How long a statement may wait for a lock.
  type: int
  returned: success
statement_timeout_seconds:
  description: How long a statement may take.
  type: int
  returned: success
nodes:
  description: The nodes it runs on, in order.
  type: list
  elements: str
  returned: success
there:
  description: Which of them ran it before.
  type: list
  elements: str
  returned: success
"""
