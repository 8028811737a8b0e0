# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: salvage_file
short_description: Write down what only one node has, before its data goes
version_added: "0.6.0"
description:
  - Prints what M(pgbdr.bdr.salvage_info) found, and writes it to two new files on the controller, one of JSON and one
    of SQL, named after the group, the node and the time.
  - They hold values of rows, so they are readable by their owner only. They are on the disk when the module returns.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
options:
  group:
    description:
      - Name of the group.
    type: str
    required: true
  salvage:
    description:
      - What was found, RV(pgbdr.bdr.salvage_info#module:salvage) of M(pgbdr.bdr.salvage_info).
    type: dict
    required: true
  directory:
    description:
      - Where the files are made, on the controller.
    type: path
    default: .
"""

EXAMPLES = r"""
- name: Write it down
  pgbdr.bdr.salvage_file:
    group: paris
    salvage: "{{ bdr_salvage_found.salvage }}"
    directory: /srv/salvage
  register: bdr_salvage_written
  run_once: true
"""

RETURN = r"""
file:
  description: The file of JSON, which salvage.yml applies.
  type: str
  returned: success
  sample: /srv/salvage/salvage-paris-charlie-20261122T121404.json
sql:
  description: The same as statements for a person.
  type: str
  returned: success
  sample: /srv/salvage/salvage-paris-charlie-20261122T121404.sql
counts:
  description: How many changes there are of each verdict.
  type: dict
  returned: success
  sample: {unsent: 7, conflict: 1, unclear: 0}
stop:
  description: What a run says that stops here for its operator to decide.
  type: str
  returned: success
"""
