# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say that a node has left, or what is left of it."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ..module_utils import _departure
from ..plugin_utils._controller import ControllerAction, Given


class ActionModule(ControllerAction):
    OPTIONS = {
        "departed": {"type": "dict", "required": True},
        "found": {"type": "list", "elements": "dict", "required": True},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Fail where something is left; in check mode it still is."""
        left = _departure.left({node["node"]: node for node in given["found"] if "node" in node})
        result = {"changed": False, "left": left}
        if self._play_context.check_mode:
            Display().display("\n" + "\n".join(left))
        elif left:
            result.update(failed=True, msg="; ".join(left))
        else:
            Display().display("\n" + _departure.farewell(given["departed"]) + "\n")
        return result
