# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the health of a group, and write it as JSON or as a page."""

from __future__ import annotations

import datetime
import typing as t

import jmespath
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from jmespath.exceptions import JMESPathError

from ..module_utils._status import failure, status
from ..plugin_utils import _status_page, _status_text
from ..plugin_utils._json_file import write, write_text


class ActionModule(ActionBase):
    """Runs once, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the health, and what fails a run where it is to fail."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(
            {
                "plan": {"type": "dict", "required": True},
                "found": {"type": "list", "elements": "dict", "required": True},
                "warning_percent": {"type": "str", "default": "50"},
                "lag_mb": {"type": "str", "default": "16"},
                "restored": {"type": "dict", "default": {}},
                "file": {"type": "path", "default": ""},
                "query": {"type": "str"},
            }
        )
        problem = _number("bdr_slot_warning_percent", given["warning_percent"], 100)
        problem = problem or _number("bdr_status_lag_mb", given["lag_mb"], 1_000_000)
        if problem:
            return {**result, "failed": True, "msg": problem}
        # A host that cannot be reached left no such result.
        nodes = {host["node"]: _of_the_node(host) for host in given["found"] if "answers" in host}
        percent, lag_mb = int(given["warning_percent"]), int(given["lag_mb"])
        found = status(given["plan"], nodes, percent, lag_mb, given["restored"])
        found["at"] = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        try:
            if given["query"]:
                result["answer"] = jmespath.search(given["query"], found)
            else:
                Display().display(f"\n{_status_text.report(found)}\n")
            changed = bool(given["file"]) and _write(given["file"], found, self._task.check_mode)
        except JMESPathError as error:
            return {**result, "failed": True, "msg": f"bdr_query is no JMESPath expression: {error}"}
        except OSError as error:
            return {**result, "failed": True, "msg": f"bdr_status_file cannot be written: {error}"}
        return {**result, **found, "changed": changed, "failure": failure(found)}


def _number(name: str, value: str, highest: int) -> str:
    good = value.isdecimal() and 1 <= int(value) <= highest
    return "" if good else f"{name} is {value!r}; a whole number from 1 to {highest} is wanted"


def _of_the_node(host: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what the module found, without what Ansible adds to it."""
    return {name: value for name, value in host.items() if name not in ("changed", "failed", "invocation", "warnings")}


def _write(path: str, found: dict[str, t.Any], check_mode: bool) -> bool:
    # Rows of somebody's tables can stand in what a server said.
    if path.endswith((".html", ".htm")):
        return write_text(path, _status_page.page(found), check_mode, private=True)
    return write(path, found, check_mode, private=True)
