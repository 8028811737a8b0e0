# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the plan with what host_info saw on all hosts, before any of them is changed."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils._hosts import accepted_problems, builders, installs, problems
from ..module_utils._hosts_rows import seeds


class ActionModule(ActionBase):
    """Runs once, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Fail with every problem of every host, or with none."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(
            {
                "plan": {"type": "dict", "required": True},
                "found": {"type": "list", "elements": "dict", "required": True},
                "accept_restored": {"type": "str", "default": ""},
            }
        )
        hosts = {host["node"]: host for host in arguments["found"]}
        found = accepted_problems(arguments["plan"], arguments["accept_restored"])
        found += problems(arguments["plan"], hosts)
        if found:
            return {**result, "failed": True, "msg": "\n".join(found)}
        result.update(changed=False, installs=installs(hosts), builders=builders(hosts))
        return {**result, "seeds": seeds(arguments["plan"], hosts)}
