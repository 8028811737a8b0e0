# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what was salvaged, choose what is applied where, and print it."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ..module_utils import _salvage
from ..module_utils._salvage import SalvageError
from ..plugin_utils import _salvage_text, _text_file
from ..plugin_utils._controller import ControllerAction, Given, Refused


class ActionModule(ControllerAction):
    OPTIONS = {
        "plan": {"type": "dict", "required": True},
        "file": {"type": "path", "default": ""},
        "confirm": {"type": "str", "default": ""},
        "target": {"type": "str", "default": ""},
        "conflicts": {"type": "str", "default": "leave"},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return the salvage, the changes that are applied, and the node that they are applied on."""
        plan, path = given["plan"], given["file"]
        names = [name for name, share in plan["nodes"].items() if not share["standby_of"]]
        try:
            found = _salvage.salvage_of(_text(path), path, plan["group"])
            _salvage.refuse_request(found, given["confirm"], given["conflicts"])
            target = _salvage.target_of(found, given["target"], names)
        except SalvageError as error:
            raise Refused(str(error)) from error
        changes = _salvage.chosen(found, given["conflicts"])
        Display().display(_salvage_text.plan(found, changes, target, given["conflicts"]))
        if not given["confirm"]:
            Display().display(_salvage_text.how(found, path))
        return {
            "changed": False,
            "apply": bool(given["confirm"]),
            "host": plan["nodes"][target]["host"],
            "target": target,
            "salvage": {name: value for name, value in found.items() if name != "changes"},
            "changes": changes,
            "keys": _salvage.keys_of(found, changes),
        }


def _text(path: str) -> str:
    if not path:
        raise SalvageError("bdr_salvage_file is missing: name the .json that reseed.yml wrote, -e bdr_salvage_file=...")
    return _text_file.read_named("bdr_salvage_file", path)
