#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _guard: TRUNCATE denied on replicated tables."""

from __future__ import annotations

DOCUMENTATION = r"""
module: deny_truncate
short_description: The guard that denies TRUNCATE on replicated tables
version_added: "0.3.0"
description:
  - Gives every replicated table of the node's databases a trigger that denies TRUNCATE with the message of the
    BDR User Guide, except tables that are allowed, and repairs one that was disabled or replaced.
  - An event trigger gives it to a new table at once, whoever makes the table and however it comes.
  - Apply workers do not fire it.
  - Tables are locked for a moment each, some of them at a time. One that another session keeps locked for more than
    a second is an error that names it; what was done before it stays, and the next run does the rest.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
options:
  state:
    description:
      - Whether the guard is there. V(absent) removes triggers, event trigger and functions.
      - By default what the plan says, that is C(bdr_deny_truncate).
    type: str
    choices: [present, absent]
  tables_allowed:
    description:
      - Tables that the guard leaves alone, each as C(schema.table), in double quotes where SQL needs them. They need
        not exist.
      - By default what the plan says, that is C(bdr_truncatable_tables).
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Deny TRUNCATE as the plan says
  pgbdr.bdr.deny_truncate:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"

- name: Deny TRUNCATE on all tables but two
  pgbdr.bdr.deny_truncate:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    state: present
    tables_allowed: [public.staging, 'etl."Input 2"']
"""

RETURN = r"""
steps:
  description: What was done, or would be done, in order; of tables the first 20 and how many more.
  type: list
  elements: str
  returned: always
  sample: [change guard of table public.account in appdb]
tables:
  description: For each database that is there, how many tables have the guard now, or would have it.
  type: dict
  returned: always
  sample: {appdb: 12}
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._apply import apply_part
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import (
    NODE,
    alone,
    engine_of,
    exit_with,
    open_door,
    runner,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._fields import WrongValue
from ansible_collections.pgbdr.bdr.plugins.module_utils._guard import Guard, as_told, guarded

ARGUMENT_SPEC = {
    **NODE,
    "state": {"type": "str", "choices": ["present", "absent"]},
    "tables_allowed": {"type": "list", "elements": "str"},
}


def main() -> None:
    """Observe, plan, apply."""
    module, plan = open_door(ARGUMENT_SPEC)
    engine = engine_of(module, plan)
    try:
        plan = as_told(plan, module.params["state"], module.params["tables_allowed"])
    except WrongValue as error:
        module.fail_json(msg=f"tables_allowed {error}")
    with alone(module, plan):
        outcome = apply_part(plan, Guard(plan, engine), runner(module), module.check_mode)
    exit_with(module, outcome, tables=guarded(outcome.wanted))


if __name__ == "__main__":
    main()
