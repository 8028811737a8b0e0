# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute the plan on the controller: no host is contacted."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ..module_utils._model import PlanError
from ..plugin_utils import _text
from ..plugin_utils._controller import ControllerAction, Given, Refused
from ..plugin_utils._json_file import write
from ..plugin_utils._query import answered
from ..plugin_utils._source import plan_of


class ActionModule(ControllerAction):
    """One run gives the plan of the whole group; use it with run_once."""

    OPTIONS = {
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

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return the plan, or every reason why there is none."""
        try:
            without = given["without"]
            planned = plan_of(task_vars, self._templar.template, given["era"], without, given["seeding"])
            plan = planned.as_dict()
        except PlanError as error:
            raise Refused(f"without {without}: {error}" if without else str(error)) from error
        asked = answered(given["query"], plan)
        if given["print"]:
            Display().display(_text.plan(plan))
        changed = bool(given["file"]) and write(given["file"], plan, self._task.check_mode)
        return {**asked, "changed": changed, **plan}
