# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a script, and compare it with what was seen on all nodes, before one of them is changed."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase

from ..module_utils import _ddl_check as check


class ActionModule(ActionBase):
    """Runs once, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Fail with every problem, or return what the script is and where it runs."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(
            {
                "script": {"type": "path", "default": ""},
                "name": {"type": "str", "default": ""},
                "database": {"type": "str", "default": ""},
                "lock_timeout_seconds": {"type": "raw", "default": 5},
                "statement_timeout_seconds": {"type": "raw", "default": 600},
                "plan": {"type": "dict", "required": True},
                "hosts": {"type": "list", "elements": "dict", "required": True},
                "found": {"type": "list", "elements": "dict", "required": True},
            }
        )
        plan, path = arguments["plan"], arguments["script"]
        try:
            # As psql does, without the mark that some editors put at the beginning.
            text = Path(path).read_text(encoding="utf-8-sig") if path else ""
        except (OSError, UnicodeDecodeError) as error:
            why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
            return {**result, "failed": True, "msg": check.unreadable(path, str(why))}
        if not path:
            return {**result, "failed": True, "msg": check.unreadable(path, "")}
        database = check.database_of(plan, arguments["database"])
        limits = {name: arguments[name] for name in check.LIMITS}
        script = check.Script(path, text, check.name_of(path, arguments["name"]), database, limits)
        hosts, found = ({host["node"]: host for host in arguments[name]} for name in ("hosts", "found"))
        problems = check.problems(plan, script, hosts, found)
        if problems:
            return {**result, "failed": True, "msg": "\n".join(problems)}
        nodes = check.members(plan, database)
        told = {"name": script.name, "database": database, "text": text, "nodes": nodes, **check.limits(script)}
        return {**result, "changed": False, **told, "there": check.there(script, nodes, found)}
