# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What the actions share that tell what became of rows, and of the comparison of the same rows afterwards."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from . import _compare_text

OPTIONS: dict[str, t.Any] = {
    "results": {"type": "list", "elements": "dict", "required": True},
    "comparison": {"type": "dict", "default": {}},
}


def report(outcome: str, failure: str, comparison: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Print both; return what fails a run."""
    Display().display(outcome)
    failures = [failure]
    if comparison:
        Display().display(_compare_text.report(comparison))
        failures.append(_compare_text.failure(comparison))
    return {"changed": False, "failure": "; ".join(filter(None, failures))}
