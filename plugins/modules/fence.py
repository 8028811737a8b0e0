#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _fence."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fence
short_description: Close a node to its clients, keep it from starting, or take it out of the group
version_added: "0.3.0"
description:
  - A closed node lets its downstreams and the local superuser in and nobody else, so that nothing is written to it
    while it sends what it has. M(pgbdr.bdr.instance) opens it again.
  - A node that is out has its server stopped and its service disabled. Its data stays, marked, so that
    M(pgbdr.bdr.instance) does not start it again.
  - A node that holds an older copy of its data has its server stopped, and the server does not start until
    M(pgbdr.bdr.seed) has replaced the data, or M(pgbdr.bdr.instance) is told to accept it.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
options:
  state:
    description:
      - V(closed) shuts clients out.
      - V(out) takes the node out for good.
      - V(restored) stops the node and keeps it from starting.
    type: str
    choices: [closed, out, restored]
    required: true
  why:
    description:
      - What tells that the data is an older copy. Wanted with O(state=restored); the node says it when it is to start.
    type: str
    default: ""
    version_added: "0.6.0"
"""

EXAMPLES = r"""
- name: Shut clients out
  pgbdr.bdr.fence:
    node: "{{ bdr_plan.nodes.charlie }}"
    state: closed
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
refused:
  description: What the node says from now on when it is to start.
  type: str
  returned: when state is V(restored)
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, alone, open_door, runner
from ansible_collections.pgbdr.bdr.plugins.module_utils._fence import closed, out, restored
from ansible_collections.pgbdr.bdr.plugins.module_utils._start_check import refusal

ARGUMENT_SPEC = {
    **NODE,
    "state": {"type": "str", "choices": ["closed", "out", "restored"], "required": True},
    "why": {"type": "str", "default": ""},
}


def main() -> None:
    """Bring the fence up."""
    module, plan = open_door(ARGUMENT_SPEC)
    with alone(module, plan):
        run, state, why = runner(module), module.params["state"], module.params["why"]
        if state == "restored":
            diffs = restored(plan, run, module.check_mode, why)
            module.exit_json(changed=bool(diffs), node=plan.name, diff=diffs, refused=refusal(plan, why))
        diffs = (closed if state == "closed" else out)(plan, run, module.check_mode)
    module.exit_json(changed=bool(diffs), node=plan.name, diff=diffs)


if __name__ == "__main__":
    main()
