# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print one line a node of what a script did there."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ..plugin_utils import _text
from ..plugin_utils._controller import ControllerAction, Given


class ActionModule(ControllerAction):
    OPTIONS = {"results": {"type": "list", "elements": "dict", "required": True}}

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Show the table."""
        Display().display(f"\n{_text.scripts(given['results'])}\n")
        return {"changed": False, "nodes": [found["node"] for found in given["results"]]}
