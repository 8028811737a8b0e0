# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What is told of a build while it runs and when it fails. Pure."""

from __future__ import annotations

import itertools
import re
import typing as t

from .spec import Spec

_ERRORS = re.compile(
    r": (fatal )?error: |: error \d+$|undefined reference|multiple definition|No space left on device"
    r"|^configure: error|^collect2: |\*\*\*.*(missing|No rule)|: command not found|Cannot allocate memory"
)
# make's own words about a failure come after the failure.
_ECHO = re.compile(r"^make(\[\d+\])?: ")
BEFORE, AFTER, TAIL = 1, 6, 12


def steps(extensions: bool) -> tuple[str, ...]:
    """Return the steps of a build in order."""
    late = ("extensions",) if extensions else ()
    return ("fetch", "edit", "configure", "compile", "contrib", "install", *late, "smoke test", "publish")


def first_errors(log: str) -> list[str]:
    """Return the first lines of a log that tell of an error, with what stands around them; else its end."""
    lines = log.splitlines()
    for place, line in enumerate(lines):
        if _ERRORS.search(line) and not _ECHO.match(line):
            after = itertools.takewhile(lambda each: not _ECHO.match(each), lines[place + 1 : place + AFTER + 1])
            return [*lines[max(0, place - BEFORE) : place + 1], *after]
    return lines[-TAIL:]


State = t.Dict[str, t.Any]
"""What the process of a build notes of itself: run, started, status, step, number, of, error, and each step so far."""


def first_state(extensions: bool, now: float) -> State:
    """Return the state of a build that begins."""
    names = steps(extensions)
    begun = {"run": f"{now:.3f}", "started": now, "status": "running", "error": ""}
    return {**begun, **_entered(names[0], names, 0), "steps": [_entered(names[0], names, 0)]}


def _entered(step: str, names: t.Sequence[str], elapsed: int) -> State:
    return {"step": step, "number": names.index(step) + 1, "of": len(names), "elapsed": elapsed}


def news(state: State, log: str, now: float, seen: str = "") -> State:
    """Return what a caller is told while the lock is held; the new "seen" is what it says when it asks again."""
    if state.get("status") != "running":
        waiting = {"step": "wait for another build on this host", "number": 0, "of": 0, "elapsed": 0}
        return {**waiting, "seen": "", "log": log, "passed": []}
    said = {name: state[name] for name in ("step", "number", "of")}
    return {
        **said,
        "elapsed": int(now - state["started"]),
        "seen": f"{state['run']}:{state['number']}",
        "log": log,
        "passed": passed(state, seen),
    }


def passed(state: State, seen: str) -> list[State]:
    """Return the steps that began since a caller asked last; all of a run that it has not seen."""
    known = int(seen.rpartition(":")[2]) if is_the_one(seen, state) else 0
    return [entry for entry in state["steps"] if entry["number"] > known]


def after(state: State, message: t.Mapping[str, t.Any], extensions: bool, now: float) -> State:
    """Return the state after a message of the process that works: a step that begins, or an error."""
    state = {**state, "error": message.get("error", state["error"])}
    if message.get("step", state["step"]) == state["step"]:
        return state
    entered = _entered(message["step"], steps(extensions), int(now - state["started"]))
    return {**state, **entered, "steps": [*state["steps"], entered]}


def failed(state: State, status: int) -> State:
    """Return the state of a build whose process has ended, with its wait status and without a server."""
    ended = f"the build ended by signal {status & 127} at step {state['step']}"
    return {**state, "status": "failed", "error": state["error"] or ended}


def is_the_one(seen: str, state: State) -> bool:
    """Tell whether a caller has seen just this run of the build at work."""
    return seen != "" and seen.rpartition(":")[0] == state.get("run")


def epitaph(state: State, log: str) -> str:
    """Return why a build that was seen at work has ended without a server."""
    killed = f"the build was killed at step {state.get('step')}; run again, it begins anew with what was fetched"
    return f"{state.get('error') or killed}\nThe whole log: {log}"


def lines(host: str, told: State) -> list[str]:
    """Return what is printed of news: a line for each step that began, or one for the step that goes on."""
    return [progress(host, entry) for entry in told["passed"] or [told]]


def progress(host: str, state: State) -> str:
    """Return the line that is printed while a build runs."""
    of = f" ({state['number']} of {state['of']})" if state["number"] else ""
    return f"bdr_build {host}: {state['step']}{of}, {state['elapsed']} s"


def disk_problem(variable: str, path: str, free_mb: int, needed_mb: int) -> list[str]:
    """Return whether a directory has room for a build."""
    if free_mb >= needed_mb:
        return []
    return [
        f"{variable}: {path} has {free_mb} MB free, {needed_mb} MB are needed to build; "
        f"make room or set {variable} to a directory that has it"
    ]


def needed_mb(sources: int, debug: bool) -> int:
    """Return what a build takes at most in the work directory: trees, objects and the staged server.

    Measured are 250 MB for PostgreSQL 15 without debug information; the rest is room for that, and for newer ones.
    """
    return (1000 if debug else 600) + 100 * (sources - 1)


SERVER_MB = 200
"""What an installed server takes at most, without debug information; measured are 24 to 33 MB."""


def needs(spec: Spec) -> list[tuple[str, str, int]]:
    """Return which variables name directories that need room for a build, the directories, and how many MB."""
    return [
        ("bdr_build_work_directory", spec.work_directory, needed_mb(len(spec.sources), spec.debug)),
        ("bdr_build_prefix", spec.prefix, SERVER_MB),
    ]
