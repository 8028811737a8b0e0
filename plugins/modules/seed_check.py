# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seed_check
short_description: Check whether a node may be seeded, and choose its donor, before anything is changed
version_added: "0.5.0"
description:
  - Fails with every reason not to seed the node. These are a name or a confirmation that is wrong, a node that is
    healthy, another one that does not answer, no donor that is whole, and too little disk or too few slots.
  - Prints what is about to happen.
  - Runs on the controller and changes nothing. Use it with C(run_once).
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.plan
  - pgbdr.bdr.attributes.consent
options:
  name:
    description:
      - Name of the node that is to be seeded.
    type: str
    default: ""
  donor:
    description:
      - Name of the node to copy. By default, of those whose links all stream, the one that is least behind.
    type: str
    default: ""
  force:
    description:
      - The name of the node that is seeded, where it is healthy, or where an earlier seeding is to be begun anew.
    type: str
    default: ""
  method:
    description:
      - How the node gets the group's data. V(auto) takes the method that fits. V(physical) copies the donor's data
        directory, V(logical) its databases table by table.
    type: str
    default: auto
  jobs:
    description:
      - How many tables are to be copied at a time with the method V(logical).
    type: int
    default: 4
  limit_seconds:
    description:
      - How long a slot stays that is made for the node and that nobody uses, in seconds. V(0) sets no limit.
    type: int
    default: 86400
  found:
    description:
      - What M(pgbdr.bdr.seed_info) returned on each node. Without it only names are checked.
    type: list
    elements: dict
"""

EXAMPLES = r"""
- name: Check whether charlie may be seeded
  pgbdr.bdr.seed_check:
    plan: "{{ bdr_plan }}"
    name: charlie
    confirm: charlie
    found: "{{ ansible_play_hosts | map('extract', hostvars, 'bdr_seed_info') }}"
  run_once: true
"""

RETURN = r"""
name:
  description: Name of the node.
  type: str
  returned: success
host:
  description: Its inventory host.
  type: str
  returned: success
donor:
  description: Name of the donor.
  type: str
  returned: when O(found) is given
donor_host:
  description: Its inventory host.
  type: str
  returned: when O(found) is given
method:
  description: How the node gets the group's data.
  type: str
  returned: when O(found) is given
point:
  description: Name of the point in the donor's WAL where the copy is to end.
  type: str
  returned: when O(found) is given
size_mb:
  description: What the donor's databases take.
  type: int
  returned: when O(found) is given
begins:
  description: Whether nothing of an earlier seeding is used.
  type: bool
  returned: when O(found) is given
delivers:
  description: Whether the node must first send what only it has.
  type: bool
  returned: when O(found) is given
forgets:
  description: Whether the others must first remove what they have of the node.
  type: bool
  returned: when O(found) is given
"""
