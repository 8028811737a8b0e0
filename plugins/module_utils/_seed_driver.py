# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Run the jobs of a copy, several at a time, and note how far they are.

It outlives the module that starts it, and so the place where a module's files lie: the module hands its text to
Python. So it imports the standard library and nothing else. Rows go from process to process, and never through here.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import typing as t


class Failed(Exception):
    """A job that did not end well; its programs have printed why."""


def run(work: t.Mapping[str, t.Any], progress: str) -> None:
    """Run all phases, one behind the other."""
    for phase in work["phases"]:
        Phase(phase, work, progress).run()


class Phase:
    """Jobs that may run at the same time."""

    def __init__(self, phase: t.Mapping[str, t.Any], work: t.Mapping[str, t.Any], progress: str) -> None:
        self._name = phase["name"]
        self._all = len(phase["jobs"])
        self._left: queue.SimpleQueue[t.Any] = queue.SimpleQueue()
        for job in phase["jobs"]:
            self._left.put(job)
        self._threads = work["jobs"]
        self._texts: t.Mapping[str, str] = work["texts"]
        self._progress = progress
        self._began = time.time()
        self._done = 0
        self._wrong: list[str] = []
        self._lock = threading.Lock()

    def run(self) -> None:
        """Run them all; Failed names the first one that failed, when those beside it have ended."""
        self._note()
        workers = [threading.Thread(target=self._work) for _number in range(max(1, min(self._threads, self._all)))]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if self._wrong:
            raise Failed(self._wrong[0])

    def _work(self) -> None:
        while not self._wrong:
            try:
                job = self._left.get_nowait()
            except queue.Empty:
                return
            problem = piped([self._completed(command) for command in job["pipe"]])
            with self._lock:
                self._done += 1
                if problem:
                    self._wrong.append(f"{job['what']}: {problem}")
                self._note()

    def _completed(self, command: t.Iterable[str]) -> list[str]:
        """Return a command with the long texts that many of them share."""
        words = list(command)
        for mark, text in self._texts.items():
            words = [word.replace(mark, text) for word in words]
        return words

    def _note(self) -> None:
        with open(f"{self._progress}.new", "w", encoding="utf-8") as file:
            json.dump({"phase": self._name, "done": self._done, "of": self._all, "began": self._began}, file)
        os.rename(f"{self._progress}.new", self._progress)


def piped(commands: t.Sequence[t.Sequence[str]]) -> str:
    """Run commands, each reading what the one before it prints. Return what is wrong, "" if nothing is."""
    processes: list[subprocess.Popen[bytes]] = []
    for place, command in enumerate(commands):
        source = processes[-1].stdout if processes else subprocess.DEVNULL
        target = subprocess.PIPE if place < len(commands) - 1 else None
        processes.append(subprocess.Popen(command, stdin=source, stdout=target))
        if processes[:-1]:
            # The one before hears that nobody reads any more.
            t.cast("t.IO[bytes]", source).close()
    codes = [process.wait() for process in processes]
    return "" if not any(codes) else f"ended with {', '.join(map(str, codes))}"


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as given:
        given_work = json.load(given)
    try:
        run(given_work, sys.argv[2])
    except Failed as error:
        sys.exit(str(error))
