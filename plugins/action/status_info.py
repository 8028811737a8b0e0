# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the module of the same name, with what is known of the last look, and add how far the host's clock is off."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase

from ..plugin_utils._clock import offset
from ..plugin_utils._status_history import counted_until


class ActionModule(ActionBase):
    """The host's clock is read twice between two readings of the controller's, so the look itself does not count."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the module's result, with the clock as an offset and its uncertainty."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        history, node = args.pop("history", ""), args.get("node")
        if history and isinstance(node, t.Mapping) and {"group", "name"} <= set(node):
            args["conflicts_since"] = counted_until(history, node["group"], node["name"])
        before = time.time() * 1000
        result.update(self._execute_module(module_args=args, task_vars=task_vars))
        after = time.time() * 1000
        if "clock" in result:
            host = result["clock"]
            result["clock"] = offset(before, host["started_ms"], host["ended_ms"], after)
        return result
