# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what a comparison found, and write it as JSON and as a page."""

from __future__ import annotations

import typing as t

from ..plugin_utils import _compare_page, _compare_text
from ..plugin_utils._controller import ControllerAction, Given, Refused
from ..plugin_utils._json_file import write, write_text
from ..plugin_utils._query import answered_or_told


class ActionModule(ControllerAction):
    OPTIONS = {
        "comparison": {"type": "dict", "required": True},
        "plan": {"type": "dict", "required": True},
        "file": {"type": "path", "default": ""},
        "page": {"type": "path", "default": ""},
        "query": {"type": "str"},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return the verdict and what fails a run."""
        found, group, check = given["comparison"], given["plan"]["group"], self._task.check_mode
        asked = answered_or_told(given["query"], found, lambda: _compare_text.report(found))
        changed = False
        try:
            if given["file"]:
                changed = write(given["file"], found, check, private=True)
            if given["page"]:
                changed = write_text(given["page"], _compare_page.page(group, found), check, private=True) or changed
        except OSError as error:
            raise Refused(f"the comparison cannot be written: {error}", asked) from error
        return {**asked, "changed": changed, "verdict": found["verdict"], "failure": _compare_text.failure(found)}
