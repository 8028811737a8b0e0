# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say that a node has left, or what is left of it."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils import _departure


class ActionModule(ActionBase):
    """Runs once, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Fail where something is left; in check mode it still is."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(
            {
                "departed": {"type": "dict", "required": True},
                "found": {"type": "list", "elements": "dict", "required": True},
            }
        )
        left = _departure.left({node["node"]: node for node in arguments["found"] if "node" in node})
        result.update(changed=False, left=left)
        if self._play_context.check_mode:
            Display().display("\n" + "\n".join(left))
        elif left:
            result.update(failed=True, msg="; ".join(left))
        else:
            Display().display("\n" + _departure.farewell(arguments["departed"]) + "\n")
        return result
