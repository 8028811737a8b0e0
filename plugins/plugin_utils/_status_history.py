# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Looks at the health of groups, kept in a file of the controller: a line of JSON each, the oldest first.

It is written as a whole or not at all. Of two runs at the same time one may lose its line.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from . import _private_file

Look = t.Dict[str, t.Any]

LOOKS = 1000
BYTES = 4 * 1024 * 1024
"""What the file may hold; older looks are left out."""
_PLACES = ("database", "upstream", "downstream", "state", "lag_bytes", "lag_seconds")


class HistoryError(Exception):
    """The file is no history; whatever it holds stays."""


def read(path: str) -> tuple[list[Look], int]:
    """Return the looks, and how many lines are none."""
    lines = _lines(path)
    looks = [look for look in map(_look, lines) if look]
    if lines and not looks:
        raise HistoryError(
            f"bdr_status_history: {path} holds something else than looks of status.yml; name another file, or remove it"
        )
    return looks, len(lines) - len(looks)


def counted_until(path: str, group: str, node: str) -> float:
    """Return up to when a node's conflicts were counted before, by its own clock, 0 where they never were."""
    try:
        lines = _lines(path)
    except OSError:  # told of where the look is added
        return 0
    for line in reversed(lines):
        look = _look(line)
        if look and look["group"] == group and node in look["counted"]:
            return float(look["counted"][node])
    return 0


def add(path: str, looks: t.Sequence[Look], look: Look) -> None:
    """Write the looks and one more."""
    lines = [json.dumps(each, ensure_ascii=False, separators=(",", ":")) + "\n" for each in [*looks, look][-LOOKS:]]
    sizes = [len(line.encode()) for line in lines]
    while len(lines) > 1 and sum(sizes) > BYTES:
        del lines[0], sizes[0]
    if not Path(path).parent.is_dir():
        raise FileNotFoundError(f"[Errno 2] No such directory: '{Path(path).parent}'")
    _private_file.write(Path(path), "".join(lines))


def look_of(found: t.Mapping[str, t.Any]) -> Look:
    """Return what is kept of a look."""
    conflicts = {name: node.get("conflicts") for name, node in found["nodes"].items()}
    return {
        **{"at": found["at"], "group": found["group"]},
        "counted": {name: each["until"] for name, each in conflicts.items() if each},
        "links": [
            [*(link[name] for name in _PLACES), link["conflicts"]["count"] if link["conflicts"] else None]
            for link in found["links"]
        ],
    }


def _lines(path: str) -> list[bytes]:
    try:
        return Path(path).read_bytes().splitlines()
    except FileNotFoundError:
        return []


def _look(line: bytes) -> Look | None:
    try:
        found = json.loads(line)
        is_look = (
            isinstance(found["at"], str)
            and isinstance(found["group"], str)
            and all(isinstance(until, (int, float)) for until in found["counted"].values())
            and all(len(link) == len(_PLACES) + 1 for link in found["links"])
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return found if is_look else None
