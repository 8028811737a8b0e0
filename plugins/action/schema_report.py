# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare what schema_info read on all nodes and print it."""

from __future__ import annotations

import typing as t

from ..module_utils._schema_diff import report
from ..plugin_utils import _schema_text
from ..plugin_utils._controller import ControllerAction, Given, Refused
from ..plugin_utils._json_file import write
from ..plugin_utils._query import answered_or_told


class ActionModule(ControllerAction):
    OPTIONS = {
        "plan": {"type": "dict", "required": True},
        "found": {"type": "list", "elements": "dict", "required": True},
        "query": {"type": "str"},
        "file": {"type": "path"},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return the findings; fail where there is nothing to compare."""
        found = report(given["plan"], given["found"])
        asked = answered_or_told(given["query"], found, lambda: _schema_text.report(given["plan"]["group"], found))
        silence = _schema_text.silence(found)
        if silence:
            raise Refused(silence, asked)
        changed = bool(given["file"]) and write(given["file"], found, self._task.check_mode)
        return {**asked, "changed": changed, **found, "failure": _schema_text.failure(found)}
