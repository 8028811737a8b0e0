# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print all slots of the group, warn, and say which one is to be dropped where that was asked for and confirmed."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ..module_utils._slot_report import DropRefused, gone, report, to_drop
from ..plugin_utils import _text
from ..plugin_utils._controller import ControllerAction, Given, Refused


class ActionModule(ControllerAction):
    OPTIONS = {
        "plan": {"type": "dict", "required": True},
        "found": {"type": "list", "elements": "dict", "required": True},
        "warning_percent": {"type": "str", "default": "50"},
        "drop": {"type": "str", "default": ""},
        "confirm": {"type": "str", "default": ""},
        "drop_on": {"type": "str", "default": ""},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Show the table; a drop that must not be is the one failure."""
        percent = given["warning_percent"]
        if not (percent.isdecimal() and 1 <= int(percent) <= 100):
            raise Refused(f"bdr_slot_warning_percent is {percent!r}; a whole number from 1 to 100 is wanted")
        # A host that cannot be reached left no such result.
        nodes = {host["node"]: host for host in given["found"] if "answers" in host}
        slots = report(given["plan"], nodes, int(percent))
        Display().display(f"\n{_text.slots(slots)}\n")
        dropped: dict[str, t.Any] = {}
        try:
            if given["drop"] or given["confirm"] or given["drop_on"]:
                dropped = to_drop(given["plan"], slots, given["drop"], given["confirm"], given["drop_on"])
                if not dropped:
                    Display().display(gone(slots, given["drop"], given["drop_on"]))
        except DropRefused as error:
            raise Refused(str(error)) from error
        warnings = [finding["message"] for finding in slots["findings"]]
        return {**slots, "changed": False, "warnings": warnings, "drop": dropped}
