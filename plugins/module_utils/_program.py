# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What the server's programs on this host are and can do: probed, since version numbers do not tell. Only reads."""

from __future__ import annotations

import os
import platform
import shutil
import typing as t

from . import _answers
from ._model import NodePlan

Runner = t.Callable[[t.Sequence[str]], t.Tuple[int, str, str]]
"""Runs a program and returns its exit status, output and errors."""

ERA_BY_SETTING = (("max_logical_slots", "0.4"), ("max_replication_slots", "0.7"))
"""The setting for slots was renamed between the eras of contrib/bdr."""

ENGINE_LIBRARY = "bdr.so"


def server_facts(bin_directory: str, run: Runner) -> dict[str, t.Any]:
    """Return the server's program, version, catalog version and era of contrib/bdr; "" or 0 where there is none."""
    program = f"{bin_directory}/postgres"
    if not os.path.exists(program):
        return {"program": "", "version": "", "catalog_version": 0, "era": ""}
    _code, version, _err = run([program, "--version"])
    return {
        "program": os.path.realpath(program),
        "version": version.strip().rpartition(" ")[2],
        "catalog_version": _catalog_version(bin_directory, run),
        "era": _era(program, bin_directory, run),
    }


def speaks_as_planned(plan: NodePlan, facts: t.Mapping[str, t.Any]) -> bool:
    """Tell whether the server is of the era that was planned for, and so understands what it is asked."""
    return not facts["version"] or facts["era"] == plan.era or not plan.era


def platform_name() -> str:
    """Return processor and release of the distribution of this host."""
    try:
        with open("/etc/os-release", encoding="utf-8") as file:
            return _answers.platform(platform.machine(), file.read())
    except FileNotFoundError:
        return _answers.platform(platform.machine(), "")


def missing_packages(names: t.Sequence[str], run: Runner) -> list[str]:
    """Return which packages are not installed; none where nobody can say."""
    if not names or shutil.which("dpkg-query") is None:
        return []
    return _answers.not_installed(names, run(["dpkg-query", "-W", "-f=${Package} ${db:Status-Abbrev}\n", *names])[1])


def mentions(path: str, word: str) -> bool:
    """Tell whether a program's file holds a word."""
    try:
        with open(path, "rb") as program:
            return word.encode() in program.read()
    except FileNotFoundError:  # a first run in check mode comes before the server
        return True


def runs_another(pid: int, program: str) -> bool:
    """Tell whether a process runs another program than the one that lies there now. A package's upgrade is none."""
    running = os.readlink(f"/proc/{pid}/exe")
    return running.replace(" (deleted)", "") != os.path.realpath(program)


def data_catalog_version(data_directory: str) -> int:
    """Return the catalog version of a data directory, 0 where there is none: pg_control, third field."""
    try:
        with open(f"{data_directory}/global/pg_control", "rb") as file:
            return int.from_bytes(file.read(16)[12:], "little")
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _era(program: str, bin_directory: str, run: Runner) -> str:
    directory = _configured(bin_directory, run, "--pkglibdir")
    if not os.path.exists(f"{directory}/{ENGINE_LIBRARY}"):
        return ""
    return next((era for setting, era in ERA_BY_SETTING if mentions(program, setting)), "")


def _catalog_version(bin_directory: str, run: Runner) -> int:
    directory = _configured(bin_directory, run, "--includedir-server")
    try:
        with open(f"{directory}/catalog/catversion.h", encoding="utf-8") as file:
            return _answers.catalog_version(file.read())
    except FileNotFoundError:
        return 0


def _configured(bin_directory: str, run: Runner, option: str) -> str:
    program = f"{bin_directory}/pg_config"
    return run([program, option])[1].strip() if os.path.exists(program) else ""
