# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call the module of the same name until the copy is through, and show how far it is."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils._seed_progress import line

SLICE_SECONDS = 10
FIRST_SLICE_SECONDS = 3


class ActionModule(ActionBase):
    """The copy goes on between two calls, and behind a run that was killed; the next run returns to it."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return what the last call returned."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        total = int(self._task.args.get("size_mb") or 0)
        arguments = {name: value for name, value in self._task.args.items() if name != "size_mb"}
        if arguments.get("state") == "copied":
            arguments["slice_seconds"] = FIRST_SLICE_SECONDS
        started = time.monotonic()
        while True:
            answer = self._execute_module(module_args=arguments, task_vars=task_vars)
            progress = answer.pop("progress", None)
            if "held_seconds" in answer:
                Display().display(
                    f"reseed held all writing on {arguments['donor']['name']} for {answer['held_seconds']} s"
                )
            if not progress or answer.get("failed"):
                return {**result, **answer}
            donor, node = arguments["donor"]["name"], arguments["node"]["name"]
            Display().display(line(donor, node, progress, total, time.monotonic() - started))
            arguments = {**arguments, "slice_seconds": SLICE_SECONDS, "begin": False}
