#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _seed_source."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seed_source
short_description: The donor's part while another node is seeded from it
version_added: "0.5.0"
description:
  - Keeps the donor's WAL for the copy by a physical slot, marks the point where the copy ends, and removes the slot.
  - For a copy table by table, keeps a snapshot of each database instead. Nobody has to wait for it.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
options:
  seeded:
    description:
      - The share of the plan of the node that is seeded.
    type: dict
    required: true
  method:
    description:
      - How the node is seeded, as M(pgbdr.bdr.seed_check) returned it. With V(in_place) there is no slot here and no
        point to mark. V(open) lets the replication role read the tables and make slots at once, on each upstream.
    type: str
    choices: [physical, logical, in_place]
    default: physical
  state:
    description:
      - V(open) has the slot.
      - V(marked) has, beyond that, the point in its WAL. What the donor knows of SQL scripts that ran counts for the
        new node as well, whose copy holds what they did.
      - V(snapshot) has new snapshots in sessions that stay open behind the module, and lets the replication role read
        what a copy needs. Done anew each time.
      - V(released) has no snapshot, and has taken those rights back.
      - V(closed) has, beyond that, no slot for the copy.
    type: str
    choices: [open, marked, snapshot, released, closed]
    required: true
  point:
    description:
      - Name of the point. Needed with O(state=marked).
    type: str
    default: ""
  skew_ms:
    description:
      - With O(state=snapshot), how far the clocks of the nodes may be apart.
    type: int
    default: 1000
  wait_seconds:
    description:
      - With O(state=marked) and O(state=snapshot), how long what the others wrote until now may take to get here.
    type: int
    default: 300
  limit_seconds:
    description:
      - How long the physical slot stays when nobody uses it, in seconds. V(0) sets no limit.
      - V(closed) ends the limits of the node's other slots as well, which M(pgbdr.bdr.slot) has set.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Keep the WAL for the copy
  pgbdr.bdr.seed_source:
    node: "{{ bdr_plan.nodes.alpha }}"
    seeded: "{{ bdr_plan.nodes.charlie }}"
    state: open
"""

RETURN = r"""
steps:
  description: What was done, or would be done, in order.
  type: list
  elements: str
  returned: always
position:
  description: Where the point is in the donor's WAL.
  type: str
  returned: when a point was marked
snapshots:
  description:
    - The C(database) and the name of its C(snapshot), with the C(positions) up to where it holds each upstream.
  type: list
  elements: dict
  returned: with O(state=snapshot)
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pgbdr.bdr.plugins.module_utils._apply import apply_part
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.access import Access
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, alone, open_door, runner, share_of
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import NodePlan
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed import IN_PLACE
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed_snapshot import SnapshotSource
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed_source import InPlaceSource

ARGUMENT_SPEC = {
    **NODE,
    "method": {"type": "str", "choices": ["physical", "logical", "in_place"], "default": "physical"},
    "seeded": {"type": "dict", "required": True},
    "state": {"type": "str", "choices": ["open", "marked", "snapshot", "released", "closed"], "required": True},
    "point": {"type": "str", "default": ""},
    "skew_ms": {"type": "int", "default": 1000},
    "wait_seconds": {"type": "int", "default": 300},
    "limit_seconds": {"type": "int", "default": 0},
}


def main() -> None:
    """Bring the state about."""
    module, plan = open_door(ARGUMENT_SPEC)
    is_in_place = module.params["method"] == IN_PLACE
    source = InPlaceSource(plan, runner(module)) if is_in_place else SnapshotSource(plan, share_of(module, "seeded"))
    told: dict[str, t.Any] = {}
    with alone(module, plan):
        if isinstance(source, SnapshotSource):
            told = _bring(source, module, plan)
        elif module.params["state"] == "closed":
            source.close(module.check_mode)
        else:
            source.open(module.check_mode)
    diff = [{"before": "", "after": f"{step}\n"} for step in source.steps]
    module.exit_json(changed=bool(source.steps), steps=source.steps, diff=diff, **told)


def _bring(source: SnapshotSource, module: AnsibleModule, plan: NodePlan) -> dict[str, t.Any]:
    given, check_mode, seconds = module.params, module.check_mode, module.params["wait_seconds"]
    if given["state"] in ("released", "closed"):
        source.release(check_mode)
        if given["state"] == "closed":
            source.close(check_mode)
        return {}
    if given["state"] == "snapshot":
        apply_part(plan, Access(plan), runner(module), check_mode)
        return {"snapshots": source.take(check_mode, seconds, given["skew_ms"] / 1000)}
    source.open(check_mode, given["limit_seconds"])
    return {"position": source.mark(given["point"], check_mode, seconds)} if given["state"] == "marked" else {}


if __name__ == "__main__":
    main()
