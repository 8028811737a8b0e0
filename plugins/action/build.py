# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call the module of the same name until the build is through, and show each step."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils._build.told import lines, progress


class ActionModule(ActionBase):
    """The work goes on by itself on the host; each call waits for news of it."""

    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the module's last result; it changed something where a build was waited for."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = {**self._task.args, "seen": ""}
        waited = False
        host = task_vars["inventory_hostname"]
        while True:
            answer = self._execute_module(module_args=arguments, task_vars=task_vars)
            news = answer.pop("progress", None)
            passed = answer.pop("passed", [])
            for line in lines(host, news) if news else [progress(host, step) for step in passed]:
                Display().display(line)
            if not news:
                break
            waited = True
            arguments["seen"] = news["seen"]
        return {**result, **answer, "changed": answer.get("changed", False) or waited}
