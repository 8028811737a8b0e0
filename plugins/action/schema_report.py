# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare what schema_info read on all nodes and print it."""

from __future__ import annotations

import typing as t

import jmespath
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from jmespath.exceptions import JMESPathError

from ..module_utils._schema_diff import report
from ..plugin_utils import _schema_text
from ..plugin_utils._json_file import write


class ActionModule(ActionBase):
    """Runs once, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the findings; fail where there is nothing to compare."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(
            {
                "plan": {"type": "dict", "required": True},
                "found": {"type": "list", "elements": "dict", "required": True},
                "query": {"type": "str"},
                "file": {"type": "path"},
            }
        )
        found = report(arguments["plan"], arguments["found"])
        try:
            if arguments["query"]:
                result["answer"] = jmespath.search(arguments["query"], found)
            else:
                Display().display(_schema_text.report(arguments["plan"]["group"], found))
        except JMESPathError as error:
            return {**result, "failed": True, "msg": f"bdr_query is no JMESPath expression: {error}"}
        silence = _schema_text.silence(found)
        if silence:
            return {**result, "failed": True, "msg": silence}
        changed = bool(arguments["file"]) and write(arguments["file"], found, self._task.check_mode)
        return {**result, "changed": changed, **found, "failure": _schema_text.failure(found)}
