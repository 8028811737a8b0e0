# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what became of a plan of repair on each node."""

from __future__ import annotations

import typing as t

from ..plugin_utils import _repair_text, _rows_report
from ..plugin_utils._controller import ControllerAction, Given


class ActionModule(ControllerAction):
    OPTIONS = {
        "repair": {"type": "dict", "required": True},
        **_rows_report.OPTIONS,
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return what fails a run."""
        # A host that failed, or cannot be reached, left no such result; it has failed already.
        results = [each for each in given["results"] if "repaired" in each]
        outcome = _repair_text.outcome(given["repair"], results)
        return _rows_report.report(outcome, _repair_text.failure(results), given["comparison"])
