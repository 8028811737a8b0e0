#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _sequences: which values a node's sequences give."""

from __future__ import annotations

DOCUMENTATION = r"""
module: sequences
short_description: Keep nodes from giving the same value of a sequence
version_added: "0.3.0"
description:
  - Carries out the group's C(bdr_sequence_strategy) in every database of the node.
  - With V(offset) each sequence gives the node's own values, C(bdr_sequence_offset) and every
    C(bdr_sequence_increment)-th after it, above all that this node knows of. New sequences get theirs from an event
    trigger. A sequence that fits is left alone, and none ever moves down.
  - With V(engine) new sequences are the engine's global ones, where the server has them.
  - With V(none) the event trigger goes; nothing else is done or undone.
  - Sequences that no two nodes can be kept apart in are left alone and named in a warning.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
options:
  margin:
    description:
      - How many values a sequence in use skips when it is given its own, a hundredth of those left at most.
      - Other nodes may have given them by the old rule, and not sent the rows yet. More than they give from
        the moment this node is looked at until the last one has its own.
    type: int
    default: 10000
  compare_rows:
    description:
      - Also look for rows that hold a value which a sequence that fits is yet to give, and move it above them.
      - Reads every row that is above a sequence, so it is for the time after rows were loaded or a strategy was
        changed, when all links have caught up.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Give the node its own values
  pgbdr.bdr.sequences:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"

- name: See whether rows that were loaded hold values that are yet to come
  pgbdr.bdr.sequences:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    compare_rows: true
  check_mode: true
  diff: true
"""

RETURN = r"""
steps:
  description: What was done, or would be done, in order.
  type: list
  elements: str
  returned: always
  sample: ["change increment, next, start of sequence public.invoice_id_seq in appdb"]
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
from ansible_collections.pgbdr.bdr.plugins.module_utils._sequences import MARGIN, Sequences

ARGUMENT_SPEC = {
    **NODE,
    "margin": {"type": "int", "default": MARGIN},
    "compare_rows": {"type": "bool", "default": False},
}


def main() -> None:
    """Observe, plan, apply."""
    module, plan = open_door(ARGUMENT_SPEC)
    if module.params["margin"] < 0:
        module.fail_json(msg=f"margin is {module.params['margin']}; wanted: a whole number, 0 or more")
    part = Sequences(plan, engine_of(module, plan), module.params["margin"], module.params["compare_rows"])
    with alone(module, plan):
        outcome = apply_part(plan, part, runner(module), module.check_mode)
    outcome.warnings += part.warnings
    exit_with(module, outcome)


if __name__ == "__main__":
    main()
