# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether a node may leave, from what was seen on all of them."""

from __future__ import annotations

import typing as t

from ..module_utils import _departure
from ..plugin_utils._controller import ControllerAction, Given, Refused


class ActionModule(ControllerAction):
    OPTIONS = {
        "plan": {"type": "dict", "required": True},
        "name": {"type": "str", "default": ""},
        "confirm": {"type": "str", "default": ""},
        "accept_loss": {"type": "str", "default": ""},
        "found": {"type": "list", "elements": "dict"},
        "heartbeats": {"type": "list", "elements": "dict"},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Fail with every reason, or return the node's state and who stays."""
        plan, name, accept_loss = given["plan"], given["name"], given["accept_loss"]
        found = {node["node"]: node for node in given["found"] or () if "node" in node}
        wrong = _departure.request_problems(plan, name, given["confirm"], accept_loss)
        tried = None if self._play_context.check_mode else given["heartbeats"]
        if given["heartbeats"] is not None and not wrong:
            wrong = _departure.problems(plan, name, accept_loss, found, tried)
        if wrong:
            raise Refused("\n".join(wrong))
        state = _departure.state_of(plan, name, found)
        nodes = plan["nodes"]
        result = {"changed": False, "state": state, "nodes": nodes, "host": nodes[name]["host"]}
        if given["heartbeats"] is not None:
            result["undelivered"] = _departure.undelivered(plan, name, found, tried)
        return {**result, "remaining": _departure.remaining(plan, name, found)}
