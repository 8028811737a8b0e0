# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What the actions share that need no host: they compare what hosts have told, and print or write it."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

Given = t.Mapping[str, t.Any]


class Refused(Exception):
    """The task fails, with this text, and returns what it has found until then."""

    def __init__(self, message: str, found: Given | None = None) -> None:
        super().__init__(message)
        self.found: Given = found or {}


class ControllerAction(ActionBase):
    """Runs once, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    OPTIONS: t.ClassVar[dict[str, t.Any]]
    """Its argument spec. The module of the same name documents it."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the answer to what the task gives, or why there is none."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(self.OPTIONS)
        try:
            return {**result, **self.answer(given, task_vars)}
        except Refused as refused:
            return {**result, **refused.found, "failed": True, "msg": str(refused)}

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return the result of the task."""
        raise NotImplementedError
