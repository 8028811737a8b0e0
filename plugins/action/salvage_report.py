# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what became of salvaged changes."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..plugin_utils import _compare_text, _salvage_text


class ActionModule(ActionBase):
    """Runs once, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return what fails a run."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(
            {
                "salvage": {"type": "dict", "required": True},
                "results": {"type": "list", "elements": "dict", "required": True},
                "comparison": {"type": "dict", "default": {}},
            }
        )
        # A host that failed, or was not asked to write, left no such result.
        results = [each for each in given["results"] if "applied" in each]
        Display().display(_salvage_text.outcome(given["salvage"], results))
        failures = [_salvage_text.failure(results)]
        if given["comparison"]:
            Display().display(_compare_text.report(given["comparison"]))
            failures.append(_compare_text.failure(given["comparison"]))
        return {**result, "changed": False, "failure": "; ".join(filter(None, failures))}
