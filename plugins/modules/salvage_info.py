#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _salvaging: what only one node has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: salvage_info
short_description: Changes of a node that it never sent to another one
version_added: "0.6.0"
description:
  - Compares the rows of a node with those of another one, the donor, and judges each row that differs. It runs on the
    host of the node, whose server must be up, and changes nothing.
  - A version of a row that the node committed later than all that the donor got from it is a change that was not sent.
    So is a row that is gone from the node, though the node had the version that the donor has.
  - A row that both changed is a conflict. What cannot be told is returned as unclear, and what could not be looked at
    in RV(left).
  - It needs C(track_commit_timestamp), and servers from 14 on. Elsewhere every row that differs is unclear.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
options:
  donor:
    description:
      - The share of the node to compare with, from RV(pgbdr.bdr.plan_info#module:nodes) of M(pgbdr.bdr.plan_info).
      - The replication role must be let to read its tables, see M(pgbdr.bdr.read_access).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: See what only charlie has
  pgbdr.bdr.salvage_info:
    node: "{{ bdr_plan.nodes.charlie }}"
    donor: "{{ bdr_plan.nodes.alpha }}"
  register: bdr_salvage_found
"""

RETURN = r"""
salvage:
  description:
    - What was found. C(sent) says for each database when the last change was committed that the donor has of the node.
      C(changes) names its table by the place in C(tables), and has the version of both nodes. C(seen) is the hash of
      the donor's row, C(wanted) that of the node's. C(left) is what could not be looked at, and why.
  type: dict
  returned: success
  sample:
    node: charlie
    donor: alpha
    hash: {mode: record, seed: 123, equality: exact}
    sent: {appdb: "2026-11-22 12:13:57.265075"}
    tables: [{database: appdb, schema: public, name: city, key: [id], columns: [], always: [], fingerprint: 3f}]
    changes:
      - table: 0
        key: {id: "5"}
        kind: insert
        verdict: unsent
        reason: alpha has no such row
        apply: true
        newest: ""
        node: {committed: "2026-11-22 12:14:02.000001", origin: charlie, values: {id: "5", name: Lyon}}
        donor: null
        seen: null
        wanted: "52"
    left: [{what: table public.log (appdb), reason: it has no key}]
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, one_error, open_door, share_of
from ansible_collections.pgbdr.bdr.plugins.module_utils._salvaging import Salvage

ARGUMENT_SPEC = {**NODE, "donor": {"type": "dict", "required": True}}


def main() -> None:
    """Compare, judge."""
    module, plan = open_door(ARGUMENT_SPEC)
    with one_error(module):
        found = Salvage(plan, share_of(module, "donor")).find()
    module.exit_json(changed=False, salvage=found)


if __name__ == "__main__":
    main()
