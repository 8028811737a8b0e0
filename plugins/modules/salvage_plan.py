# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: salvage_plan
short_description: Choose which salvaged changes are applied, and on which node
version_added: "0.6.0"
description:
  - Reads a file that M(pgbdr.bdr.salvage_file) wrote and prints what applying it does. No node is touched.
  - A change is applied where its C(apply) in the file is true, and left alone where it is false. Where it is null, as
    of a conflict that nobody has decided, O(conflicts) says.
  - A checksum stands over all the rest, so a file that was changed elsewhere is refused.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.plan
options:
  file:
    description:
      - The file of JSON, on the controller.
    type: path
    default: ''
  confirm:
    description:
      - The node whose changes are applied, once more. Without it nothing is applied.
    type: str
    default: ''
  target:
    description:
      - The node that writes. By default the one that the changes were compared with.
    type: str
    default: ''
  conflicts:
    description:
      - What becomes of rows that the others changed as well. V(leave) leaves them alone, V(newest) applies those that
        the node committed later, V(apply) applies all.
    type: str
    default: leave
"""

EXAMPLES = r"""
- name: Read what was salvaged
  pgbdr.bdr.salvage_plan:
    plan: "{{ bdr_plan }}"
    file: salvage-paris-charlie-20261122T121404.json
  register: bdr_salvage_found
  run_once: true
"""

RETURN = r"""
salvage:
  description: The file without its changes.
  type: dict
  returned: success
changes:
  description: The changes that are applied.
  type: list
  elements: dict
  returned: success
keys:
  description: Their rows, for O(pgbdr.bdr.divergence_info#module:only).
  type: list
  elements: dict
  returned: success
  sample: [{database: appdb, table: public.city, keys: [{id: "5"}]}]
target:
  description: The node that writes.
  type: str
  returned: success
host:
  description: Its inventory host.
  type: str
  returned: success
apply:
  description: Whether O(confirm) was given.
  type: bool
  returned: success
"""
