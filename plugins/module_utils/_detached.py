# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A command that goes on when its module returns, so that a playbook can tell meanwhile how far it is."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import typing as t

POLL_SECONDS = 0.2

# How a command ended is written by its parent, which outlives the module as well.
_PARENT = """
import os, subprocess, sys
log, ended, command = sys.argv[1], sys.argv[2], sys.argv[3:]
with open(log, "wb") as output:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})
with open(ended + ".new", "w") as file:
    file.write(str(done.returncode))
os.rename(ended + ".new", ended)
"""


class Detached:
    """One command at a time in a place; `path` is where its log and state are, `name` what it is run for."""

    def __init__(self, path: str, name: str) -> None:
        self._name = name
        self._log, self._ended = f"{path}.log", f"{path}.ended"
        self.state = f"{path}.run"
        """Path of a file that is there from the start until the command is forgotten."""

    def is_started(self) -> bool:
        """Tell whether a command was started for this name, running or not."""
        return self._found().get("name") == self._name

    def is_alive(self) -> bool:
        """Tell whether a command runs, for whichever name."""
        return self._runs()

    def runs_now(self) -> bool:
        """Tell whether a command that was started for this name runs."""
        return self.is_started() and self._runs()

    def start(self, command: t.Sequence[str]) -> None:
        """Start a command; one that runs for another name is ended."""
        self.forget()
        arguments = [sys.executable, "-c", _PARENT, self._log, self._ended, *command]
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(arguments, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
        with open(self.state, "w", encoding="utf-8") as file:
            json.dump({"name": self._name, "pid": process.pid, "began": _began(process.pid)}, file)

    def wait(self, seconds: float) -> int | None:
        """Return how the command ended, None where it runs on after so many seconds, -1 where it was cut off."""
        deadline = time.monotonic() + seconds
        while self._runs():
            if time.monotonic() >= deadline:
                return None
            time.sleep(POLL_SECONDS)
        try:
            with open(self._ended, encoding="ascii") as file:
                return int(file.read())
        except (OSError, ValueError):
            return -1

    def said(self) -> str:
        """Return what the command printed."""
        try:
            with open(self._log, encoding="utf-8", errors="replace") as file:
                return file.read().strip()
        except OSError:
            return ""

    def forget(self) -> None:
        """End what runs, and remove its traces."""
        if self._runs():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(int(self._found()["pid"]), signal.SIGKILL)
            while self._runs():
                time.sleep(POLL_SECONDS / 10)
        for path in (self.state, self._ended, self._log):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def _found(self) -> dict[str, t.Any]:
        try:
            with open(self.state, encoding="utf-8") as file:
                return dict(json.load(file))
        except (OSError, ValueError):
            return {}

    def _runs(self) -> bool:
        """A process id is used again; the time when a process began tells one from another."""
        found = self._found()
        return bool(found) and _began(int(found["pid"])) == found["began"]


def _began(pid: int) -> str:
    """Return when a process began, in ticks since the boot; "" where there is none, or one that PID 1 has to reap."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
