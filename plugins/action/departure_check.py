# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether a node may leave, from what was seen on all of them."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils import _departure


class ActionModule(ActionBase):
    """Runs once, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Fail with every reason, or return the node's state and who stays."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(
            {
                "plan": {"type": "dict", "required": True},
                "name": {"type": "str", "default": ""},
                "confirm": {"type": "str", "default": ""},
                "accept_loss": {"type": "str", "default": ""},
                "found": {"type": "list", "elements": "dict"},
                "heartbeats": {"type": "list", "elements": "dict"},
            }
        )
        plan, name, accept_loss = arguments["plan"], arguments["name"], arguments["accept_loss"]
        found = {node["node"]: node for node in arguments["found"] or () if "node" in node}
        wrong = _departure.request_problems(plan, name, arguments["confirm"], accept_loss)
        if arguments["heartbeats"] is not None and not wrong:
            tried = None if self._play_context.check_mode else arguments["heartbeats"]
            wrong = _departure.problems(plan, name, accept_loss, found, tried)
        if wrong:
            return {**result, "failed": True, "msg": "\n".join(wrong)}
        state = _departure.state_of(plan, name, found)
        nodes = plan["nodes"]
        result.update(changed=False, state=state, nodes=nodes, host=nodes[name]["host"])
        return {**result, "remaining": _departure.remaining(plan, name, found)}
