# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Monitoring on a node's host: observe role, grants, files and processes, plan, apply. What is not ours is let be."""

from __future__ import annotations

import os
import typing as t

from . import _session
from ._detached import Detached
from ._engine import monitoring
from ._files import ManagedFile
from ._model import NodePlan
from ._monitor import (
    FORGET_BEAT,
    GRANTED,
    GRANTS,
    REVOKES,
    ROLE,
    SET_ROLE,
    USER,
    WORKS_AS,
    Process,
    directory,
    processes,
    unit_text,
)
from ._program import Runner
from ._service import ServiceError, is_systemd, service
from ._session_types import Statement
from ._state import GONE, Item, State, Step, diff, shown

_WANTED_ROLE = {"login": True, "more privileges": False, "member of pg_monitor": True}


class Manager:
    """Runs processes by systemd where it is PID 1. Elsewhere they are detached, and nothing starts them at a boot."""

    def __init__(self, plan: NodePlan, run: Runner) -> None:
        self._plan = plan
        self._run = run
        self._systemd = is_systemd()

    def files(self, process: Process) -> list[ManagedFile]:
        """Return the files of a process."""
        found = [ManagedFile(path, text, 0o644, "root") for path, text in process.files]
        if self._systemd:
            found.append(ManagedFile(self._unit_file(process), unit_text(self._plan, process), 0o644, "root"))
        return found

    def is_there(self, process: Process) -> bool:
        """Tell whether the process runs, or would at a boot."""
        if not self._systemd:
            return self._detached(process, "").is_alive()
        return os.path.exists(self._unit_file(process)) or self._pid(process) != "0"

    def works(self, process: Process) -> bool:
        """Tell whether the process runs as its files say now, and does so after a boot."""
        if not self._systemd:
            return self._detached(process, process.works_as).runs_now()
        enabled = self._run(["systemctl", "is-enabled", "--quiet", process.unit])[0] == 0
        return enabled and f"{WORKS_AS}={process.works_as}" in _environment(self._pid(process))

    def start(self, process: Process) -> None:
        """Start the process anew."""
        if not self._systemd:
            self._detached(process, process.works_as).start(process.detached)
            return
        self._must(["systemctl", "daemon-reload"])
        self._must(["systemctl", "enable", "--quiet", process.unit])
        self._run(["systemctl", "reset-failed", process.unit])
        self._must(["systemctl", "restart", process.unit])

    def remove(self, process: Process) -> None:
        """Stop the process, for good."""
        if not self._systemd:
            self._detached(process, "").forget()
            return
        self._run(["systemctl", "disable", "--quiet", "--now", process.unit])
        if os.path.exists(self._unit_file(process)):
            os.unlink(self._unit_file(process))
        self._must(["systemctl", "daemon-reload"])

    def _detached(self, process: Process, name: str) -> Detached:
        return Detached(f"{directory(self._plan)}/{process.name}", name)

    def _unit_file(self, process: Process) -> str:
        return f"/etc/systemd/system/{process.unit}"

    def _pid(self, process: Process) -> str:
        return self._run(["systemctl", "show", "--property=MainPID", "--value", process.unit])[1].strip() or "0"

    def _must(self, command: t.Sequence[str]) -> None:
        code, out, err = self._run(command)
        if code:
            raise ServiceError(f"{' '.join(command)} failed ({code}): {(err or out).strip()}")


def _environment(pid: str) -> list[str]:
    try:
        with open(f"/proc/{pid}/environ", encoding="utf-8", errors="replace") as file:
            return file.read().split("\0")
    except OSError:
        return []


class Monitored:
    """One node's monitoring."""

    def __init__(self, plan: NodePlan, run: Runner, listen: str, port: int, seconds: int) -> None:
        self.plan = plan
        self._engine = monitoring(plan)
        self._processes = processes(plan, self._engine, listen, port, seconds)
        self._manager = Manager(plan, run)
        self._is_running = service(plan, run).is_running()
        self.steps: list[str] = []
        self.diffs: list[dict[str, str]] = []

    def ensure_present(self, check_mode: bool) -> None:
        """Make the role and what it may read, write the files, and start what does not run as they say."""
        if not self.plan.standby_of:  # has what the node it follows has
            self._grant(check_mode)
        for process in self._processes:
            wrong = [file for file in self._manager.files(process) if file.differences()]
            for file in wrong:
                self._plan(f"write {file.path}", file.diff())
            works = not wrong and self._manager.works(process)
            if not works:
                self._plan(f"start the {process.name}")
            if not check_mode:
                os.makedirs(directory(self.plan), 0o755, exist_ok=True)
                for file in wrong:
                    file.write()
                if not works:
                    self._manager.start(process)

    def ensure_absent(self, check_mode: bool) -> None:
        """Stop both, remove their files, and take back what was granted; a server that is down keeps the role."""
        for process in self._processes:
            if self._manager.is_there(process):
                self._plan(f"remove the {process.name}")
                if not check_mode:
                    self._manager.remove(process)
        place = directory(self.plan)
        if os.path.isdir(place):
            self._plan(f"remove {place}")
            if not check_mode:
                _remove(place)
        if self._is_running and not self.plan.standby_of:
            self._revoke(check_mode)

    def _plan(self, step: str, shown_as: t.Mapping[str, str] | None = None) -> None:
        self.steps.append(step)
        self.diffs.append(dict(shown_as or {"before": "", "after": f"{step}\n"}))

    def _tell(self, steps: t.Sequence[Step]) -> None:
        self.steps += map(str, steps)
        if steps:
            self.diffs.append(shown(steps))

    def _grant(self, check_mode: bool) -> None:
        wanted: State = {_role(): _WANTED_ROLE}
        if not self._is_running:
            if not check_mode:
                raise _session.SessionError(
                    f"the server of {self.plan.name} does not run; bring it up with site.yml, then run monitor.yml"
                )
            self._tell(diff({}, {**wanted, **{_grants(name): {} for name in self.plan.databases}}))
            return
        with _session.local(self.plan, "postgres") as session:
            found = _observed_role(session)
            steps = diff(found, wanted)
            self._tell(steps)
            if steps and not check_mode:
                verb = "ALTER" if found else "CREATE"
                session.apply(Statement(text.format(verb=verb), {"role": USER}) for text in SET_ROLE)
        for database in self.plan.databases:
            with _session.local(self.plan, database) as session:
                if not self._engine.is_member(session):
                    raise _session.SessionError(
                        f"{database} of {self.plan.name} is no member of the group yet; run site.yml, then monitor.yml"
                    )
                granted = session.value(GRANTED, {"role": USER}) and self._engine.is_granted(session, USER)
                steps = diff({_grants(database): {}} if granted else {}, {_grants(database): {}})
                self._tell(steps)
                if steps and not check_mode:
                    session.apply(Statement(text, {"role": USER}) for text in (*GRANTS, *self._engine.grants))

    def _revoke(self, check_mode: bool) -> None:
        for database in sorted(_session.present_databases(self.plan)):
            with _session.local(self.plan, database) as session:
                is_member = self._engine.is_member(session)
                beats = is_member and session.rows(
                    "SELECT 1 AS found FROM pgbdr.heartbeat WHERE upstream = %(node)s AND downstream = ''",
                    {"node": self.plan.name},
                )
                if beats:
                    self._tell([Step(Item("heartbeat of", self.plan.name, database), {}, GONE)])
                    if not check_mode:
                        session.apply([Statement(FORGET_BEAT, values={"node": self.plan.name})])
                if is_member and session.rows(ROLE, {"role": USER}) and not check_mode:
                    session.apply(Statement(text, {"role": USER}) for text in (*self._engine.revokes, *REVOKES))
        with _session.local(self.plan, "postgres") as session:
            steps = diff(_observed_role(session), {_role(): GONE})
            self._tell(steps)
            if steps and not check_mode:
                session.apply([Statement("DROP ROLE {role}", {"role": USER})])


def _observed_role(session: _session.Session) -> State:
    return {
        _role(): {
            "login": row["login"],
            "more privileges": row["more"],
            "member of pg_monitor": row["monitors"],
        }
        for row in session.rows(ROLE, {"role": USER})
    }


def _role() -> Item:
    return Item("role", USER)


def _grants(database: str) -> Item:
    return Item("grants of monitoring to", USER, database)


def _remove(place: str) -> None:
    for name in os.listdir(place):
        os.unlink(os.path.join(place, name))
    os.rmdir(place)
    for above in (os.path.dirname(place), os.path.dirname(os.path.dirname(place))):
        if os.listdir(above):
            return
        os.rmdir(above)
