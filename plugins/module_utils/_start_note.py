# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The check of a node's data before a start, as modules use it; and what makes it start from anew."""

from __future__ import annotations

import contextlib
import os

from ._commands import as_postgres
from ._files import ManagedFile
from ._model import NodePlan
from ._program import Runner
from ._start_check import CHECK, FENCE_FILE, NOTE, NOTE_FILE, SCRIPT_FILE, script


def script_file(plan: NodePlan) -> ManagedFile:
    """Return the script, as the unit calls it."""
    return ManagedFile(f"{plan.home}/{SCRIPT_FILE}", script(plan), 0o700, "postgres")


def refusal(plan: NodePlan, run: Runner, mode: str = CHECK) -> str:
    """Return why the node's data must not be started, "" where it may. The script need not be installed."""
    if not os.path.isdir(plan.home):
        return ""
    code, _out, err = run(as_postgres("sh", "-c", script(plan), SCRIPT_FILE, mode))
    return err.strip() if code else ""


def note(plan: NodePlan, run: Runner) -> None:
    """Note how far the node's data is."""
    refusal(plan, run, NOTE)


def forget(plan: NodePlan) -> None:
    """Forget what ran here before: other data takes its place, and is to."""
    for name in (FENCE_FILE, NOTE_FILE):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{plan.home}/{name}")


def fence_file(plan: NodePlan, why: str) -> ManagedFile:
    """Return what keeps the node from starting, whatever its data says of itself."""
    return ManagedFile(f"{plan.home}/{FENCE_FILE}", f"{why}\n", 0o600, "postgres")
