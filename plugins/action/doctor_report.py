# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what the logs of a group tell, and write it as JSON."""

from __future__ import annotations

import datetime
import typing as t

from ..module_utils._doctor import diagnose, failure
from ..plugin_utils import _doctor_text
from ..plugin_utils._controller import ControllerAction, Given, Refused
from ..plugin_utils._json_file import write
from ..plugin_utils._query import answered_or_told


class ActionModule(ControllerAction):
    OPTIONS = {
        "plan": {"type": "dict", "required": True},
        "read": {"type": "list", "elements": "dict", "required": True},
        "seen": {"type": "list", "elements": "dict", "required": True},
        "file": {"type": "path", "default": ""},
        "query": {"type": "str"},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return the findings, and what fails a run where it is to fail."""
        # A host that cannot be reached left no such result.
        read = {host["node"]: host for host in given["read"] if "files" in host}
        seen = {host["node"]: host for host in given["seen"] if "answers" in host}
        found = diagnose(given["plan"], read, seen)
        found["at"] = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        asked = answered_or_told(given["query"], found, lambda: f"\n{_doctor_text.report(found)}\n")
        try:
            # Rows of somebody's tables can stand in what a server said.
            changed = bool(given["file"]) and write(given["file"], found, self._task.check_mode, private=True)
        except OSError as error:
            raise Refused(f"bdr_doctor_file cannot be written: {error}", asked) from error
        return {**asked, **found, "changed": changed, "failure": failure(found)}
