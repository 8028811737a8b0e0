# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call the module of the same name until the comparison is through, and show how far it is."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils._compare_progress import lines

SLICE_SECONDS = 10
FIRST_SLICE_SECONDS = 3
"""The first news comes early: it tells how long the rest will take."""


class ActionModule(ActionBase):
    """Each call compares for a while; nothing is at work on the host between two calls, or behind a run that ended."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the comparison; without one where the time given by stop_after_seconds was too short."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = {**self._task.args, "slice_seconds": FIRST_SLICE_SECONDS}
        window = int(arguments.pop("stop_after_seconds", None) or 0)
        started = time.monotonic()
        while True:
            answer = self._execute_module(module_args=arguments, task_vars=task_vars)
            progress = answer.pop("progress", None)
            if not progress or answer.get("failed"):
                return {**result, **answer}
            for line in lines(progress):
                Display().display(line)
            if window and time.monotonic() - started >= window:
                return {**result, **answer, "stopped": True}
            arguments = {**arguments, "slice_seconds": SLICE_SECONDS, "fresh": False, "goes_on": True}
