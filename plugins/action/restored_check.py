# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the nodes that know less than the others got from them."""

from __future__ import annotations

import typing as t

from ..module_utils._restored import evidence, told
from ..plugin_utils._controller import ControllerAction, Given


class ActionModule(ControllerAction):
    OPTIONS = {
        "plan": {"type": "dict", "required": True},
        "found": {"type": "list", "elements": "dict", "required": True},
        "again": {
            "type": "list",
            "elements": "dict",
        },
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return what is told of each such node."""
        again = None if given["again"] is None else _by_node(given["again"])
        reasons = {} if again == {} else evidence(given["plan"], _by_node(given["found"]), again)
        return {"changed": False, "nodes": {name: told(name, why) for name, why in reasons.items()}}


def _by_node(looks: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, t.Mapping[str, t.Any]]:
    """Return the looks by node. One in which another look is takes that one; one that was not made is left out."""
    return {look["node"]: look.get("restored", look) for look in looks if "node" in look and "skipped" not in look}
