# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at the server's programs, but only where the plan needs to be told what they are."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ..module_utils._model import PlanError
from ..module_utils._plan import bin_directory
from ..plugin_utils._source import group_of, value_of

_NOTHING = {"changed": False, "program": "", "version": "", "catalog_version": 0, "era": ""}


class ActionModule(ActionBase):
    """One host stands for all of the group; use it with run_once."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the module's result, or nothing known where the inventory says all there is to know."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        if value_of(task_vars, self._templar.template, "bdr_engine", "pglogical") == "pglogical":
            # To read all hosts on each of them would cost the more the larger the group is.
            return {**result, **_NOTHING}
        try:
            group = group_of(task_vars, self._templar.template)
        except PlanError:  # plan_info tells of it
            group = None
        if group is None or not group.era_assumed:
            return {**result, **_NOTHING}
        arguments = {"bin_directory": bin_directory(group)}
        result.update(self._execute_module(module_args=arguments, task_vars=task_vars))
        return result
