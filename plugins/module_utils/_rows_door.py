# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What the doors share that write rows: how long they wait, and what they return."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ._model import NodePlan
from ._repair_batch import Outcome
from ._repair_work import steps

ROW_WAITS: dict[str, t.Any] = {
    "lock_timeout_seconds": {"type": "int", "default": 5},
    "answer_seconds": {"type": "int", "default": 10},
}


def exit_with(
    module: AnsibleModule, plan: NodePlan, found: t.Mapping[str, t.Any], outcome: Outcome, counted: str
) -> None:
    """Return what became of the rows, their tables being those of what was found. counted: the name of their number."""
    done = steps(found, outcome.done)
    module.exit_json(
        changed=bool(done),
        node=plan.name,
        there=outcome.there,
        stale=outcome.stale,
        refused=outcome.refused,
        steps=done,
        diff={"before": "", "after": "".join(f"{line}\n" for line in done)},
        **{counted: sum(outcome.done.values())},
    )
