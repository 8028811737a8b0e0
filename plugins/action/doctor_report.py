# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what the logs of a group tell, and write it as JSON."""

from __future__ import annotations

import datetime
import typing as t

import jmespath
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from jmespath.exceptions import JMESPathError

from ..module_utils._doctor import diagnose, failure
from ..plugin_utils import _doctor_text
from ..plugin_utils._json_file import write


class ActionModule(ActionBase):
    """Runs once, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the findings, and what fails a run where it is to fail."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(
            {
                "plan": {"type": "dict", "required": True},
                "read": {"type": "list", "elements": "dict", "required": True},
                "seen": {"type": "list", "elements": "dict", "required": True},
                "file": {"type": "path", "default": ""},
                "query": {"type": "str"},
            }
        )
        # A host that cannot be reached left no such result.
        read = {host["node"]: host for host in given["read"] if "files" in host}
        seen = {host["node"]: host for host in given["seen"] if "answers" in host}
        found = diagnose(given["plan"], read, seen)
        found["at"] = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        try:
            if given["query"]:
                result["answer"] = jmespath.search(given["query"], found)
            else:
                Display().display(f"\n{_doctor_text.report(found)}\n")
            # Rows of somebody's tables can stand in what a server said.
            changed = bool(given["file"]) and write(given["file"], found, self._task.check_mode, private=True)
        except JMESPathError as error:
            return {**result, "failed": True, "msg": f"bdr_query is no JMESPath expression: {error}"}
        except OSError as error:
            return {**result, "failed": True, "msg": f"bdr_doctor_file cannot be written: {error}"}
        return {**result, **found, "changed": changed, "failure": failure(found)}
