# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute the plan on the controller: no host is contacted."""

from __future__ import annotations

import typing as t

import jmespath
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from jmespath.exceptions import JMESPathError

from ..module_utils._model import PlanError
from ..plugin_utils import _text
from ..plugin_utils._json_file import write
from ..plugin_utils._source import plan_of


class ActionModule(ActionBase):
    """One run gives the plan of the whole group; use it with run_once."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the plan, or every reason why there is none."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(
            {
                "era": {"type": "str"},
                "without": {"type": "str"},
                "seeding": {
                    "type": "dict",
                    "options": {
                        "node": {"type": "str", "required": True},
                        "donor": {"type": "str", "required": True},
                    },
                },
                "query": {"type": "str"},
                "print": {"type": "bool", "default": False},
                "file": {"type": "path"},
            }
        )
        try:
            without = arguments["without"]
            planned = plan_of(task_vars, self._templar.template, arguments["era"], without, arguments["seeding"])
            plan = planned.as_dict()
            if arguments["query"]:
                result["answer"] = jmespath.search(arguments["query"], plan)
        except PlanError as error:
            told = f"without {without}: {error}" if without else str(error)
            return {**result, "failed": True, "msg": told}
        except JMESPathError as error:
            return {**result, "failed": True, "msg": f"bdr_query is no JMESPath expression: {error}"}
        if arguments["print"]:
            Display().display(_text.plan(plan))
        changed = bool(arguments["file"]) and write(arguments["file"], plan, self._task.check_mode)
        return {**result, "changed": changed, **plan}
