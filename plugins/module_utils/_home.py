# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What lies in a node's home on this host: whose it is, which version, and what its server logged. Only reads."""

from __future__ import annotations

import json
import os
import re
import typing as t

from ._model import NodePlan

MARKER = ".pgbdr.json"
REMOVED = "removed"
"""Key of the marker, and state of the data, of a node that was taken out of its group for good."""
SEEDED = "seeded"
"""The same of a node that is half seeded: neither what it was nor a member yet."""
LOG_LINES = 30
TAIL_BYTES = 1024 * 1024
"""Of each log, so much is looked through: a server may log every statement."""
FAULTS = "WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT"
"""What a server says of a link that fails, without the rest."""


def found_data(plan: NodePlan) -> str:
    """Tell what is in the node's place: `absent`, `ours`, `removed`, `seeded` half-way, or `foreign`.

    A home without our marker is foreign as soon as anything lies in it but a file system's own lost+found, and so
    is a home that another node's marker claims.
    """
    try:
        with open(f"{plan.home}/{MARKER}", encoding="utf-8") as file:
            return _owner(json.load(file), plan)
    except FileNotFoundError:
        pass
    except ValueError:
        return "foreign"
    try:
        entries = set(os.listdir(plan.home)) - {"lost+found"}
    except FileNotFoundError:
        return "absent"
    return "foreign" if entries else "absent"


def _owner(marker: t.Any, plan: NodePlan) -> str:
    if not isinstance(marker, dict):
        return "foreign"
    states = [state for state in (REMOVED, SEEDED) if marker.pop(state, None)]
    if marker != identity(plan):
        return "foreign"
    return states[0] if states else "ours"


def identity(plan: NodePlan) -> dict[str, str]:
    """Return what the marker of the node's home says."""
    return {"group": plan.group, "node": plan.name}


def found_major(plan: NodePlan) -> int | None:
    """Return the major version of the data directory, None where there is none yet."""
    try:
        with open(f"{plan.data_directory}/PG_VERSION", encoding="ascii") as file:
            return int(file.read().split(".")[0])
    except (FileNotFoundError, NotADirectoryError):
        return None


class LogMark:
    """A place in the node's logs: what is written behind it, crash loops and all, belongs to what was just done."""

    def __init__(self, plan: NodePlan) -> None:
        self._directory = plan.log_directory
        self._sizes = self._found()

    def lines(self) -> list[str]:
        """Return the lines written since, oldest file first."""
        lines: list[str] = []
        for path, size in sorted(self._found().items(), key=lambda found: os.path.getmtime(found[0])):
            with open(path, encoding="utf-8", errors="replace") as file:
                # A log that is shorter than it was began anew.
                file.seek(self._sizes.get(path, 0) if self._sizes.get(path, 0) <= size else 0)
                lines += file.read().splitlines()
        return lines

    def _found(self) -> dict[str, int]:
        try:
            paths = [os.path.join(self._directory, name) for name in os.listdir(self._directory)]
            return {path: os.path.getsize(path) for path in paths}
        except OSError:
            return {}


def log_tail(plan: NodePlan, levels: str = "", lines: int = LOG_LINES) -> list[str]:
    """Return the last lines of the node's logs, oldest first: the server's own words when something fails.

    levels: a pattern of the levels wanted, all but statements where it is empty.
    """
    wanted = re.compile(rf" (?:{levels}):  " if levels else r"^(?!.* STATEMENT:  )")
    try:
        names = [os.path.join(plan.log_directory, name) for name in os.listdir(plan.log_directory)]
    except OSError:
        return []
    found: list[str] = []
    for name in sorted(names, key=os.path.getmtime):
        with open(name, "rb") as file:
            file.seek(max(0, os.path.getsize(name) - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
        found += [line for line in text.splitlines() if wanted.search(line)][-lines:]
    return found[-lines:]
