# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The logs of a node's home, read from a time on: in a stream, whatever their size. Only reads; needs no server."""

from __future__ import annotations

import os
import re
import stat
import time
import typing as t

from ._engine.server import EngineServer
from ._log_reading import Reading, stamp, zone
from ._model import NodePlan
from ._session_types import Row

LINE_BYTES = 64 * 1024
"""As much of a line as is read: a statement can be as long as a transaction."""
TAIL_BYTES = 64 * 1024
KEPT_SECONDS = 6 * 86400
"""The file of a day is written over a week later."""

_TIME = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def read(plan: NodePlan, engine: EngineServer, back: int) -> Row:
    """Return what the logs of the last seconds tell."""
    now = time.time()
    since = now - back
    reading = Reading(engine.dialect, plan.replication_user, since)
    files, size = 0, 0
    for path, mtime in _files(plan.log_directory, since):
        with open(path, "rb") as file:
            files += 1
            size += os.fstat(file.fileno()).st_size
            reading.begin(zone(_tail(file), mtime), mtime)
            for line in _lines(file):
                reading.take(line)
    found = reading.result()
    for group in (*found["known"], *found["unknown"]):
        group["connection"] = engine.connection_of(group.pop("worker"))
    return {"since": stamp(since), "read_at": stamp(now), "files": files, "bytes": size, **found}


def _files(directory: str, since: float) -> list[tuple[str, float]]:
    """Return the files that were written since, the oldest first."""
    try:
        paths = [os.path.join(directory, name) for name in os.listdir(directory)]
    except FileNotFoundError:
        return []
    found = []
    for path in paths:
        status = os.lstat(path)
        if stat.S_ISREG(status.st_mode) and status.st_mtime >= since:
            found.append((path, status.st_mtime))
    return sorted(found, key=lambda each: each[1])


def _tail(file: t.BinaryIO) -> str:
    file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_BYTES))
    text = file.read(TAIL_BYTES).decode("utf-8", "replace")
    file.seek(0)
    return text


def _lines(file: t.BinaryIO) -> t.Iterator[str]:
    """Yield the lines, the long ones cut."""
    is_rest = False
    # Not past what was there when the reading began: a server may write faster than this reads.
    left = os.fstat(file.fileno()).st_size
    while left > 0:
        piece = file.readline(min(LINE_BYTES, left))
        if not piece:
            return
        left -= len(piece)
        if not is_rest:
            yield piece.decode("utf-8", "replace").rstrip("\r\n")
        is_rest = not piece.endswith(b"\n")


def holding(plan: NodePlan, wanted: t.Pattern[bytes], since: float, begins: str, most: int) -> tuple[list[str], bool]:
    """Return the lines that hold what is wanted in the files written since, and whether that is all of them.

    The oldest first. begins: since as the lines of the log begin. No more than so many bytes are read, the newest.
    """
    found: list[list[str]] = []
    left, is_all = most, time.time() - since < KEPT_SECONDS
    for path, _mtime in reversed(_files(plan.log_directory, since)):
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = _first(file, size, begins.encode())
            if size - start > left:
                start, is_all = size - left, False
            left -= size - start
            file.seek(start)
            if start:
                file.readline()  # it is cut
            found.append([line.decode("utf-8", "replace") for line in file if wanted.search(line)])
    return [line for lines in reversed(found) for line in lines], is_all


def _first(file: t.BinaryIO, size: int, begins: bytes) -> int:
    """Return a place in a log not behind the first line of a time on, and not far before it."""
    low, high = 0, size
    while high - low > TAIL_BYTES:
        middle = (low + high) // 2
        file.seek(middle)
        lines = file.read(TAIL_BYTES).split(b"\n")[1:]
        at = next((line[:19] for line in lines if _TIME.match(line)), None)
        if at is not None and at < begins:
            low = middle
        else:
            high = middle
    return low
