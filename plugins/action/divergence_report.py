# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what a comparison found, and write it as JSON and as a page."""

from __future__ import annotations

import typing as t

import jmespath
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from jmespath.exceptions import JMESPathError

from ..plugin_utils import _compare_page, _compare_text
from ..plugin_utils._json_file import write, write_text


class ActionModule(ActionBase):
    """Runs once, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the verdict and what fails a run."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(
            {
                "comparison": {"type": "dict", "required": True},
                "plan": {"type": "dict", "required": True},
                "file": {"type": "path", "default": ""},
                "page": {"type": "path", "default": ""},
                "query": {"type": "str"},
            }
        )
        found, group, check = given["comparison"], given["plan"]["group"], self._task.check_mode
        changed = False
        try:
            if given["query"]:
                result["answer"] = jmespath.search(given["query"], found)
            else:
                Display().display(_compare_text.report(found))
            if given["file"]:
                changed = write(given["file"], found, check, private=True)
            if given["page"]:
                changed = write_text(given["page"], _compare_page.page(group, found), check, private=True) or changed
        except JMESPathError as error:
            return {**result, "failed": True, "msg": f"bdr_query is no JMESPath expression: {error}"}
        except OSError as error:
            return {**result, "failed": True, "msg": f"the comparison cannot be written: {error}"}
        return {**result, "changed": changed, "verdict": found["verdict"], "failure": _compare_text.failure(found)}
