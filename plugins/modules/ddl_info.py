#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _ddl: what the journals of a node say."""

from __future__ import annotations

DOCUMENTATION = r"""
module: ddl_info
short_description: Which scripts ran on a node
version_added: "0.3.0"
description:
  - Reads the journal of M(pgbdr.bdr.ddl) in every database of the node.
  - Never fails for a server that is down or hangs. M(pgbdr.bdr.ddl_check) does, once it knows all nodes.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
options:
  answer_seconds:
    description:
      - How long the server may be silent before it counts as one that does not answer.
    type: int
    default: 10
"""

EXAMPLES = r"""
- name: See which scripts ran on the node
  pgbdr.bdr.ddl_info:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
  register: bdr_ddl_info
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
answers:
  description: Whether the server answers.
  type: bool
  returned: always
error:
  description: Why it does not; empty where it does.
  type: str
  returned: always
scripts:
  description: The scripts that ran, oldest first in each database.
  type: list
  elements: dict
  returned: always
  sample: [{database: appdb, script: add_column.sql, sha256: 5994471a..., finished_at: 2026-11-22 04:12:31.71+00}]
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils import _session
from ansible_collections.pgbdr.bdr.plugins.module_utils._ddl import journal
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, open_door
from ansible_collections.pgbdr.bdr.plugins.module_utils._session_types import SessionError

ARGUMENT_SPEC = {**NODE, "answer_seconds": {"type": "int", "default": 10}}


def main() -> None:
    """Read and return."""
    module, plan = open_door(ARGUMENT_SPEC)
    seconds = module.params["answer_seconds"]
    error, scripts = "", []
    try:
        for database in plan.databases:
            with _session.local(plan, database, seconds) as session:
                scripts += [{"database": database, **row} for row in journal(session, plan.name)]
    except SessionError as problem:
        error = str(problem)
    module.exit_json(changed=False, node=plan.name, answers=not error, error=error, scripts=scripts)


if __name__ == "__main__":
    main()
