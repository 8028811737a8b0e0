#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _ddl: a script on one node, once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ddl
short_description: Run a SQL script on one node, once
version_added: "0.3.0"
description:
  - Runs the script in one transaction, together with the row of C(pgbdr.ddl_journal) that says so. A script that the
    journal has is not run again; another text under its name is refused.
  - What the script does stays on the node, since it runs on every node of its database. The playbook C(ddl.yml) does
    that, one node after the other, and looks at all of them first.
  - A statement that refuses to be in a transaction, such as C(CREATE INDEX CONCURRENTLY), may be the only one of its
    script. Its row of the journal comes behind it.
  - A server that does not answer any more is given up; nothing that is not committed stays.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
options:
  database:
    description:
      - Database the script is for.
    type: str
    required: true
  name:
    description:
      - The script's name in the journal.
    type: str
    required: true
  script:
    description:
      - The script's text, SQL without commands of psql and without control of transactions.
    type: str
    required: true
  lock_timeout_seconds:
    description:
      - How long a statement may wait for a lock. V(0) is no limit.
    type: int
    default: 5
  statement_timeout_seconds:
    description:
      - How long a statement may take. V(0) is no limit.
    type: int
    default: 600
  answer_seconds:
    description:
      - How long a server may be silent before another connection is made, to see whether it still answers and who
        holds the lock. It is done earlier where O(lock_timeout_seconds) is short.
    type: int
    default: 10
  nodes:
    description:
      - The nodes of the database in the order of the run, so that an error can say which have the script.
    type: list
    elements: str
    default: []
  there:
    description:
      - Which of them had it before.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Add a column on the node
  pgbdr.bdr.ddl:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    database: appdb
    name: 2026-11-add-column
    script: "{{ lookup('ansible.builtin.file', 'add_column.sql') }}"
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
database:
  description: The script's database.
  type: str
  returned: always
name:
  description: The script's name.
  type: str
  returned: always
state:
  description: V(ran), V(was there), or V(would run) in check mode.
  type: str
  returned: always
statements:
  description: How many statements the script has.
  type: int
  returned: always
seconds:
  description: How long it took.
  type: float
  returned: always
rewritten:
  description: Tables with rows that were rewritten.
  type: list
  elements: str
  returned: always
rows_written:
  description: For each table of which the script wrote rows, how many.
  type: dict
  returned: always
steps:
  description: What was done, or would be done.
  type: list
  elements: str
  returned: always
  sample: [run script add_column.sql in appdb]
"""

import time

from ansible_collections.pgbdr.bdr.plugins.module_utils import _session
from ansible_collections.pgbdr.bdr.plugins.module_utils._ddl import THERE, Task, run_script, seconds_of_silence
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, alone, engine_of, open_door

ARGUMENT_SPEC = {
    **NODE,
    "database": {"type": "str", "required": True},
    "name": {"type": "str", "required": True},
    "script": {"type": "str", "required": True},
    "lock_timeout_seconds": {"type": "int", "default": 5},
    "statement_timeout_seconds": {"type": "int", "default": 600},
    "answer_seconds": {"type": "int", "default": 10},
    "nodes": {"type": "list", "elements": "str", "default": []},
    "there": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Look into the journal, run, note."""
    module, plan = open_door(ARGUMENT_SPEC, no_log=True)  # a script may hold a password
    engine = engine_of(module, plan)
    task = Task(
        node=plan.name,
        database=module.params["database"],
        name=module.params["name"],
        script=module.params["script"],
        lock_seconds=module.params["lock_timeout_seconds"],
        statement_seconds=module.params["statement_timeout_seconds"],
        nodes=tuple(module.params["nodes"]),
        there=tuple(module.params["there"]),
    )
    started = time.monotonic()
    silence = seconds_of_silence(task, module.params["answer_seconds"])
    limit = task.statement_seconds and task.statement_seconds + module.params["answer_seconds"]
    with alone(module, plan), _session.local(plan, task.database, silence, limit) as session:
        done = run_script(session, engine, task, module.check_mode)
        notices = session.notices()
    for notice in notices:
        module.warn(f"{plan.name}: {notice}")
    changed = done.state != THERE
    module.exit_json(
        changed=changed,
        node=plan.name,
        database=task.database,
        name=task.name,
        state=done.state,
        statements=done.statements,
        seconds=round(time.monotonic() - started, 2),
        rewritten=list(done.rewritten),
        rows_written=dict(done.rows_written),
        steps=[f"run script {task.name} in {task.database}"] if changed else [],
        diff={"before": "", "after": task.script} if changed else {"before": "", "after": ""},
    )


if __name__ == "__main__":
    main()
