# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare the plan with what host_info saw on all hosts, before any of them is changed."""

from __future__ import annotations

import typing as t

from ..module_utils._hosts import accepted_problems, builders, installs, problems
from ..module_utils._hosts_rows import seeds
from ..plugin_utils._controller import ControllerAction, Given, Refused


class ActionModule(ControllerAction):
    OPTIONS = {
        "plan": {"type": "dict", "required": True},
        "found": {"type": "list", "elements": "dict", "required": True},
        "accept_restored": {"type": "str", "default": ""},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Fail with every problem of every host, or with none."""
        hosts = {host["node"]: host for host in given["found"]}
        found = accepted_problems(given["plan"], given["accept_restored"])
        found += problems(given["plan"], hosts)
        if found:
            raise Refused("\n".join(found))
        return {
            "changed": False,
            "installs": installs(hosts),
            "builders": builders(hosts),
            "seeds": seeds(given["plan"], hosts),
        }
