# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the alert rules and the targets of a group for Prometheus."""

from __future__ import annotations

import json
import os
import typing as t

import yaml

from ..module_utils._monitor_rules import Limits, problems, rules, targets
from ..plugin_utils._controller import ControllerAction, Given, Refused
from ..plugin_utils._json_file import write_text


class ActionModule(ControllerAction):
    OPTIONS = {
        "plan": {"type": "dict", "required": True},
        "found": {"type": "list", "elements": "dict", "required": True},
        "limits": {"type": "dict", "required": True},
        "docs_url": {"type": "str", "required": True},
        "directory": {"type": "path", "required": True},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return which files were written."""
        limits = {**given["limits"], "clock_skew_ms": given["plan"]["max_clock_skew_ms"]}
        limits = {name: int(value) for name, value in limits.items()}
        wrong = problems(limits)
        if wrong:
            raise Refused("\n".join(wrong))
        group, directory = given["plan"]["group"], given["directory"]
        files = {
            f"pgbdr-{group}.rules.yml": _yaml(rules(group, Limits(**limits), given["docs_url"].rstrip("/"))),
            f"pgbdr-{group}.targets.json": _json(targets(given["found"], given["plan"])),
        }
        try:
            if not self._task.check_mode:
                os.makedirs(directory, exist_ok=True)
            written = [
                name
                for name, text in files.items()
                if write_text(os.path.join(directory, name), text, self._task.check_mode)
            ]
        except OSError as error:
            raise Refused(f"bdr_monitor_directory cannot be written: {error}") from error
        return {"changed": bool(written), "files": sorted(files), "written": written}


def _yaml(found: t.Any) -> str:
    return str(yaml.safe_dump(found, sort_keys=False, width=1000, allow_unicode=True))


def _json(found: t.Any) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
