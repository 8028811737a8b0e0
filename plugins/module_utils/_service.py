# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""How a node's server is started and stopped: by systemd where it is PID 1, by pg_ctl elsewhere."""

from __future__ import annotations

import os
import typing as t

from ._commands import pg_ctl
from ._model import NodePlan
from ._program import Runner, mentions
from ._render import unit
from ._start_check import CHECK, NOTE, SCRIPT_FILE, START
from ._start_note import note, refusal

START_SECONDS = 300


class ServiceError(Exception):
    """A server that did not start, stop or reload; the message is the program's own."""


class Service:
    """One node's server under some manager."""

    def __init__(self, plan: NodePlan, run: Runner) -> None:
        self.plan = plan
        self._run = run

    @property
    def unit_file(self) -> tuple[str, str] | None:
        """Return path and text of the manager's own file for the node, None where it has none."""
        return None

    def is_running(self) -> bool:
        """Tell whether the server runs."""
        raise NotImplementedError

    def is_enabled(self) -> bool:
        """Tell whether the server comes back after a boot; True where nobody can say."""
        return True

    def enable(self) -> None:
        """Let the server come back after a boot."""

    def disable(self) -> None:
        """Do not start the server at a boot any more."""

    def learn(self) -> None:
        """Make the manager read its file again."""

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop the server; its clients are disconnected."""
        raise NotImplementedError

    def halt(self) -> None:
        """Stop the server if it runs, and whatever is about to start it."""
        if self.is_running():
            self.stop()

    def _look_at_data(self, mode: str) -> None:
        refused = refusal(self.plan, self._run, mode)
        if refused:
            raise ServiceError(refused)

    def _must(self, command: t.Sequence[str]) -> None:
        code, out, err = self._run(command)
        if code:
            raise ServiceError(f"{' '.join(command)} failed ({code}): {(err or out).strip()}")


class Systemd(Service):
    """A unit of our own for each node."""

    @property
    def unit_file(self) -> tuple[str, str]:
        """Return path and text of the unit."""
        notifies = mentions(f"{self.plan.bin_directory}/postgres", "sd_notify")
        script = f"/bin/sh {self.plan.home}/{SCRIPT_FILE}"
        text = unit(self.plan, self.plan.bin_directory, notifies, (f"{script} {START}", f"{script} {NOTE}"))
        return f"/etc/systemd/system/{self.plan.unit}", text

    def is_running(self) -> bool:
        """Ask systemd."""
        return self._run(["systemctl", "is-active", "--quiet", self.plan.unit])[0] == 0

    def is_enabled(self) -> bool:
        """Ask systemd."""
        return self._run(["systemctl", "is-enabled", "--quiet", self.plan.unit])[0] == 0

    def enable(self) -> None:
        """Enable the unit."""
        self._must(["systemctl", "enable", "--quiet", self.plan.unit])

    def disable(self) -> None:
        """Disable the unit."""
        self._must(["systemctl", "disable", "--quiet", self.plan.unit])

    def learn(self) -> None:
        """Reload the units."""
        self._must(["systemctl", "daemon-reload"])

    def start(self) -> None:
        """Start the unit; a unit that failed before may start again."""
        self._look_at_data(CHECK)  # the unit does it again, but for whoever reads the journal
        self._run(["systemctl", "reset-failed", self.plan.unit])
        self._must(["systemctl", "start", self.plan.unit])

    def stop(self) -> None:
        """Stop the unit."""
        self._must(["systemctl", "stop", self.plan.unit])

    def halt(self) -> None:
        """Stop a unit that is there in any case: one that failed waits to be started again, every few seconds."""
        if os.path.exists(self.unit_file[0]):
            self.stop()


class PgCtl(Service):
    """pg_ctl as the postgres user: for hosts without systemd. Nothing starts the server at a boot."""

    def is_running(self) -> bool:
        """Ask pg_ctl, which knows a stale pid file from a live one."""
        if is_dead(f"{self.plan.data_directory}/postmaster.pid"):
            return False
        return self._run(pg_ctl(self.plan, "status"))[0] == 0

    def start(self) -> None:
        """Start the server with a log of its own until its collector takes over; not with another one's data."""
        self._look_at_data(START)
        log = f"{self.plan.log_directory}/startup.log"
        self._must(pg_ctl(self.plan, "-w", "-t", str(START_SECONDS), "-s", "-l", log, "start"))

    def stop(self) -> None:
        """Stop the server in fast mode."""
        self._must(pg_ctl(self.plan, "-w", "-t", str(START_SECONDS), "-s", "-m", "fast", "stop"))
        note(self.plan, self._run)


def service(plan: NodePlan, run: Runner) -> Service:
    """Return the manager of this host."""
    return Systemd(plan, run) if is_systemd() else PgCtl(plan, run)


def is_systemd() -> bool:
    """Tell whether PID 1 is systemd, as sd_booted(3) does."""
    return os.path.isdir("/run/systemd/system")


def is_dead(pid_file: str) -> bool:
    """Tell whether the process of a pid file is gone, or a zombie that PID 1 has yet to reap.

    kill(pid, 0), which pg_ctl and the server ask, takes a zombie for alive.
    """
    try:
        with open(pid_file, encoding="ascii") as file:
            pid = int(file.readline())
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except (OSError, ValueError):
        return True
