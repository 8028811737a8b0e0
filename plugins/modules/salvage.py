#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _salvage_apply: changes of a node that is gone, written on another one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: salvage
short_description: Write what a node had not sent on another node, whose links carry it on
version_added: "0.6.0"
description:
  - Applies changes that M(pgbdr.bdr.salvage_info) found and M(pgbdr.bdr.salvage_plan) chose.
  - Looks at each row again, and the statement itself asks for it as it was seen. A row that is not as it was is left
    alone and returned in RV(stale). One that is right already is not written again.
  - What is written is sent to the other nodes, as what an application writes. Triggers do not fire and foreign keys are
    not asked, as when changes of other nodes are applied. What the triggers did on the node is among the changes.
  - Fails before anything is changed where the definition of a table is not the one that was compared.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
  - pgbdr.bdr.attributes.row_waits
options:
  salvage:
    description:
      - What was salvaged, as M(pgbdr.bdr.salvage_plan) returned it.
    type: dict
    required: true
  changes:
    description:
      - The changes of it that are applied.
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Apply what was salvaged
  pgbdr.bdr.salvage:
    node: "{{ bdr_plan.nodes.alpha }}"
    salvage: "{{ bdr_salvage_found.salvage }}"
    changes: "{{ bdr_salvage_found.changes }}"
  register: bdr_salvage_result
"""

RETURN = r"""
node:
  description: The node.
  type: str
  returned: success
applied:
  description: How many rows were written, or would be.
  type: int
  returned: success
there:
  description: How many rows were right already.
  type: int
  returned: success
stale:
  description: The rows that are not as they were when they were salvaged, and what is different now.
  type: list
  elements: dict
  returned: success
  sample: [{table: 0, key: {id: "5"}, reason: alpha has another version by now}]
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
  sample: [insert 3 rows of public.city in appdb]
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, alone, open_door
from ansible_collections.pgbdr.bdr.plugins.module_utils._rows_door import ROW_WAITS, exit_with
from ansible_collections.pgbdr.bdr.plugins.module_utils._salvage_apply import Task, apply

ARGUMENT_SPEC = {
    **NODE,
    "salvage": {"type": "dict", "required": True},
    "changes": {"type": "list", "elements": "dict", "required": True},
    **ROW_WAITS,
}


def main() -> None:
    """Look, write, count."""
    module, plan = open_door(ARGUMENT_SPEC, no_log=True)  # values of rows are for no system log
    task = Task(
        plan=plan,
        salvage=module.params["salvage"],
        changes=module.params["changes"],
        check_mode=module.check_mode,
        lock_seconds=module.params["lock_timeout_seconds"],
        answer_seconds=module.params["answer_seconds"],
    )
    with alone(module, plan):
        outcome = apply(task)
    exit_with(module, plan, task.salvage, outcome, "applied")


if __name__ == "__main__":
    main()
