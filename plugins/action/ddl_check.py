# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a script, and compare it with what was seen on all nodes, before one of them is changed."""

from __future__ import annotations

import functools
import typing as t

from ..module_utils import _ddl_check as check
from ..plugin_utils import _text_file
from ..plugin_utils._controller import ControllerAction, Given, Refused


class ActionModule(ControllerAction):
    OPTIONS = {
        "script": {"type": "path", "default": ""},
        "name": {"type": "str", "default": ""},
        "database": {"type": "str", "default": ""},
        "lock_timeout_seconds": {"type": "raw", "default": 5},
        "statement_timeout_seconds": {"type": "raw", "default": 600},
        "plan": {"type": "dict", "required": True},
        "hosts": {"type": "list", "elements": "dict", "required": True},
        "found": {"type": "list", "elements": "dict", "required": True},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Fail with every problem, or return what the script is and where it runs."""
        plan, path = given["plan"], given["script"]
        if not path:
            raise Refused(check.unreadable(path, ""))
        # As psql does, without the mark that some editors put at the beginning.
        text = _text_file.read(path, functools.partial(check.unreadable, path), "utf-8-sig")
        database = check.database_of(plan, given["database"])
        limits = {name: given[name] for name in check.LIMITS}
        script = check.Script(path, text, check.name_of(path, given["name"]), database, limits)
        hosts, found = ({host["node"]: host for host in given[name]} for name in ("hosts", "found"))
        problems = check.problems(plan, script, hosts, found)
        if problems:
            raise Refused("\n".join(problems))
        nodes = check.members(plan, database)
        told = {"name": script.name, "database": database, "text": text, "nodes": nodes, **check.limits(script)}
        return {"changed": False, **told, "there": check.there(script, nodes, found)}
