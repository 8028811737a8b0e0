# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what only one node has into files of the controller, and print it."""

from __future__ import annotations

import datetime
import json
import typing as t
from pathlib import Path

from ansible.utils.display import Display

from ..module_utils import _salvage, _salvage_sql
from ..plugin_utils import _private_file, _salvage_text
from ..plugin_utils._controller import ControllerAction, Given


class ActionModule(ControllerAction):
    OPTIONS = {
        "group": {"type": "str", "required": True},
        "salvage": {"type": "dict", "required": True},
        "directory": {"type": "path", "default": "."},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return where it stands, and the words with which a run stops."""
        now = datetime.datetime.now(datetime.timezone.utc)
        found = _salvage.sealed(given["salvage"], given["group"], now.strftime("%Y-%m-%d %H:%M:%S"))
        name = f"salvage-{given['group']}-{found['node']}-{now.strftime('%Y%m%dT%H%M%S')}"
        path = Path(given["directory"]).absolute() / name
        Display().display(_salvage_text.report(found))
        if not self._task.check_mode:
            try:
                _private_file.write(Path(f"{path}.sql"), _salvage_sql.script(found))
                _private_file.write(Path(f"{path}.json"), json.dumps(found, indent=2, ensure_ascii=False) + "\n")
            except OSError as error:
                return {
                    "failed": True,
                    "msg": f"bdr_salvage_directory: {path}.json cannot be written: {error.strerror}. Nothing was wiped",
                }
            Display().display(f"written: {path}.json and {path}.sql")
        return {
            "changed": True,
            "file": f"{path}.json",
            "sql": f"{path}.sql",
            "counts": _salvage.counted(found),
            "stop": _salvage_text.stop(found, str(path)),
        }
