# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what was salvaged, choose what is applied where, and print it."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ..module_utils import _salvage
from ..module_utils._salvage import SalvageError
from ..plugin_utils import _salvage_text


class ActionModule(ActionBase):
    """Runs once, on the controller."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Return the salvage, the changes that are applied, and the node that they are applied on."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, given = self.validate_argument_spec(
            {
                "plan": {"type": "dict", "required": True},
                "file": {"type": "path", "default": ""},
                "confirm": {"type": "str", "default": ""},
                "target": {"type": "str", "default": ""},
                "conflicts": {"type": "str", "default": "leave"},
            }
        )
        plan, path = given["plan"], given["file"]
        names = [name for name, share in plan["nodes"].items() if not share["standby_of"]]
        try:
            found = _salvage.salvage_of(_text(path), path, plan["group"])
            _salvage.refuse_request(found, given["confirm"], given["conflicts"])
            target = _salvage.target_of(found, given["target"], names)
        except SalvageError as error:
            return {**result, "failed": True, "msg": str(error)}
        changes = _salvage.chosen(found, given["conflicts"])
        Display().display(_salvage_text.plan(found, changes, target, given["conflicts"]))
        if not given["confirm"]:
            Display().display(_salvage_text.how(found, path))
        return {
            **result,
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
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise SalvageError(f"bdr_salvage_file: {path} cannot be read: {why}") from error
