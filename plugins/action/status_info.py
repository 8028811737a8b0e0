# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the module of the same name and add how far the host's clock is from the controller's."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase

from ..plugin_utils._clock import offset


class ActionModule(ActionBase):
    """The host's clock is read twice between two readings of the controller's, so the look itself does not count."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the module's result, with the clock as an offset and its uncertainty."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        before = time.time() * 1000
        result.update(self._execute_module(task_vars=task_vars))
        after = time.time() * 1000
        if "clock" in result:
            host = result["clock"]
            result["clock"] = offset(before, host["started_ms"], host["ended_ms"], after)
        return result
