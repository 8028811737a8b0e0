# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the health of a group, and write it as JSON or as a page."""

from __future__ import annotations

import datetime
import typing as t

from ansible.utils.display import Display

from ..module_utils._status import failure, status
from ..plugin_utils import _status_metrics, _status_page, _status_text
from ..plugin_utils._controller import ControllerAction, Given, Refused
from ..plugin_utils._json_file import replace_text, write, write_text
from ..plugin_utils._query import answered_or_told
from ..plugin_utils._status_history import HistoryError, Look, add, look_of, read


class ActionModule(ControllerAction):
    OPTIONS = {
        "plan": {"type": "dict", "required": True},
        "found": {"type": "list", "elements": "dict", "required": True},
        "warning_percent": {"type": "str", "default": "50"},
        "lag_mb": {"type": "str", "default": "16"},
        "restored": {"type": "dict", "default": {}},
        "file": {"type": "path", "default": ""},
        "history": {"type": "path", "default": ""},
        "query": {"type": "str"},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Return the health, and what fails a run where it is to fail."""
        problem = _number("bdr_slot_warning_percent", given["warning_percent"], 100)
        problem = problem or _number("bdr_status_lag_mb", given["lag_mb"], 1_000_000)
        if problem:
            raise Refused(problem)
        # A host that cannot be reached left no such result.
        nodes = {host["node"]: _of_the_node(host) for host in given["found"] if "answers" in host}
        percent, lag_mb = int(given["warning_percent"]), int(given["lag_mb"])
        found = status(given["plan"], nodes, percent, lag_mb, given["restored"])
        found["at"] = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        asked = answered_or_told(given["query"], found, lambda: f"\n{_status_text.report(found)}\n")
        try:
            looks = _looked(given["history"], found, self._task.check_mode)
            changed = bool(given["history"])
            changed = bool(given["file"]) and _write(given["file"], found, looks, self._task.check_mode) or changed
        except HistoryError as error:
            raise Refused(str(error), asked) from error
        except OSError as error:
            raise Refused(f"bdr_status_file cannot be written: {error}", asked) from error
        return {**asked, **found, "changed": changed, "failure": failure(found)}


def _number(name: str, value: str, highest: int) -> str:
    good = value.isdecimal() and 1 <= int(value) <= highest
    return "" if good else f"{name} is {value!r}; a whole number from 1 to {highest} is wanted"


def _of_the_node(host: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return what the module found, without what Ansible adds to it."""
    return {name: value for name, value in host.items() if name not in ("changed", "failed", "invocation", "warnings")}


def _looked(path: str, found: dict[str, t.Any], check_mode: bool) -> list[Look]:
    """Add the look to the history, and return all there are."""
    if not path:
        return []
    try:
        looks, others = read(path)
    except OSError as error:
        raise HistoryError(f"bdr_status_history cannot be read: {error}") from error
    if others:
        Display().warning(f"bdr_status_history: {others} lines of {path} cannot be read, and are left out")
    look = look_of(found)
    if not check_mode:
        try:
            add(path, looks, look)
        except OSError as error:
            raise HistoryError(f"bdr_status_history cannot be written: {error}") from error
    return [*looks, look]


def _write(path: str, found: dict[str, t.Any], looks: t.Sequence[Look], check_mode: bool) -> bool:
    # Rows of somebody's tables can stand in what a server said.
    if path.endswith((".html", ".htm")):
        return write_text(path, _status_page.page(found, looks), check_mode, private=True)
    if path.endswith(".prom"):
        return replace_text(path, _status_metrics.metrics(found), check_mode)
    return write(path, found, check_mode, private=True)
