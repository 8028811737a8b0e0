#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _repairing: one node's share of a plan of repair."""

from __future__ import annotations

DOCUMENTATION = r"""
module: repair
short_description: Bring a node's rows to the version that a plan of repair says is right
version_added: "0.4.0"
description:
  - Carries out the node's steps of a plan that M(pgbdr.bdr.repair_plan) made.
  - Looks at each row again, on this node and on the one it comes from. A row that is not as it was compared any more
    is left alone and returned in RV(stale). The statement itself asks for the row as it was seen, so one that changes
    meanwhile is left alone too.
  - Triggers do not fire and foreign keys are not asked, as when changes of other nodes are applied.
  - What is written stays on the node, where the engine can do that, and counts as old, so that any change of an
    application wins over it. Engine contrib_bdr from 0.5 on cannot. There the node that has the right row sends it to
    all others anew, and a row that is to go is deleted for all.
  - Fails before anything is changed where the definition of a table is not the one that was compared.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
  - pgbdr.bdr.attributes.row_waits
options:
  repair:
    description:
      - The plan of repair, as M(pgbdr.bdr.repair_plan) returned it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Repair
  pgbdr.bdr.repair:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    repair: "{{ bdr_repair_found.repair }}"
  register: bdr_repair_result
"""

RETURN = r"""
node:
  description: The node.
  type: str
  returned: success
repaired:
  description: How many rows were mended, or would be.
  type: int
  returned: success
there:
  description: How many rows were right already.
  type: int
  returned: success
stale:
  description: The rows that are not as they were when they were compared, and what is different now.
  type: list
  elements: dict
  returned: success
  sample: [{table: 0, key: {id: "5"}, reason: bravo has another version by now}]
refused:
  description: The rows that the server did not take, and why.
  type: list
  elements: dict
  returned: success
  sample: [{table: 0, key: {id: "5"}, reason: "table public.city: canceling statement due to lock timeout"}]
steps:
  description: What was done, or would be done, in order.
  type: list
  elements: str
  returned: success
  sample: [update 3 rows of public.city in appdb]
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, alone, engine_of, open_door
from ansible_collections.pgbdr.bdr.plugins.module_utils._repairing import Task, repair
from ansible_collections.pgbdr.bdr.plugins.module_utils._rows_door import ROW_WAITS, exit_with

ARGUMENT_SPEC = {
    **NODE,
    "repair": {"type": "dict", "required": True},
    **ROW_WAITS,
}


def main() -> None:
    """Look, mend, count."""
    module, plan = open_door(ARGUMENT_SPEC, no_log=True)  # keys of rows are for no system log
    task = Task(
        plan=plan,
        engine=engine_of(module, plan),
        repair=module.params["repair"],
        check_mode=module.check_mode,
        lock_seconds=module.params["lock_timeout_seconds"],
        answer_seconds=module.params["answer_seconds"],
    )
    with alone(module, plan):
        outcome = repair(task)
    exit_with(module, plan, task.repair, outcome, "repaired")


if __name__ == "__main__":
    main()
