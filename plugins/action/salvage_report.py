# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print what became of salvaged changes."""

from __future__ import annotations

import typing as t

from ..plugin_utils import _rows_report, _salvage_text
from ..plugin_utils._controller import ControllerAction, Given


class ActionModule(ControllerAction):
    OPTIONS = {
        "salvage": {"type": "dict", "required": True},
        **_rows_report.OPTIONS,
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return what fails a run."""
        # A host that failed, or was not asked to write, left no such result.
        results = [each for each in given["results"] if "applied" in each]
        outcome = _salvage_text.outcome(given["salvage"], results)
        return _rows_report.report(outcome, _salvage_text.failure(results), given["comparison"])
