# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a plan of repair from a comparison, or read one that was made, and print it."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ..module_utils import _repair
from ..module_utils._repair import RepairError
from ..plugin_utils import _repair_text, _text_file
from ..plugin_utils._controller import ControllerAction, Given, Refused
from ..plugin_utils._json_file import write


class ActionModule(ControllerAction):
    OPTIONS = {
        "plan": {"type": "dict", "required": True},
        "comparison": {"type": "path", "default": ""},
        "found": {"type": "dict", "default": {}},
        "nodes": {"type": "list", "elements": "str", "default": []},
        "policy": {"type": "str", "default": ""},
        "delete": {"type": "bool", "default": False},
        "file": {"type": "path", "default": "repair.json"},
        "repair": {"type": "path", "default": ""},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return the plan of repair and whether it is to be applied."""
        changed = False
        try:
            found = self._apply(given) if given["repair"] else self._make(given)
            if given["comparison"]:
                changed = self._write(given["file"], found)
        except RepairError as error:
            raise Refused(str(error)) from error
        Display().display(_repair_text.plan(found, given["file"] if given["comparison"] else ""))
        return {
            "changed": changed,
            "repair": found,
            "apply": not given["comparison"],
            "keys": _repair.keys_of(found),
        }

    def _make(self, given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        found = given["found"] or self._comparison(given)
        links = {(link["database"], link["upstream"], link["downstream"]) for link in given["plan"]["links"]}
        return _repair.make(found, given["policy"], given["delete"], links, given["nodes"])

    def _comparison(self, given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        if not given["comparison"]:
            raise RepairError(_repair.NOTHING_GIVEN)
        text = _text_file.read_named("bdr_compare_file", given["comparison"])
        return _repair.comparison_of(text, given["comparison"], given["plan"]["nodes"])

    def _apply(self, given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        if given["comparison"] or given["policy"]:
            raise RepairError(_repair.BOTH_GIVEN)
        text = _text_file.read_named("bdr_repair_plan", given["repair"])
        return _repair.plan_of(text, given["repair"], given["plan"]["nodes"])

    def _write(self, path: str, found: dict[str, t.Any]) -> bool:
        try:
            return write(path, found, self._task.check_mode, private=True)
        except OSError as error:
            raise RepairError(f"bdr_repair_file: {path} cannot be written: {error.strerror}") from error
