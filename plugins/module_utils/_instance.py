# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""One PostgreSQL instance of ours on this host: observe what is there, plan, apply.

Ours is what lies in a home with our marker; anything else is never touched.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import typing as t
from dataclasses import replace

from . import _birth, _commands, _connection_file, _loaded, _render
from ._conninfo import passfile
from ._files import ManagedFile, empty_home, give, make_directory
from ._home import MARKER, REMOVED, SEEDED, found_data, found_major, identity, log_tail
from ._hosts import half_seeded, was_removed
from ._model import NodePlan
from ._program import Runner, mentions
from ._service import ServiceError, service
from ._start_note import forget, refusal, script_file
from ._tls import check_key_pair

ORPHANS = re.compile('pre-existing shared memory block|lock file "postmaster.pid" already exists')
SIGNAL_FILE = "standby.signal"
"""What makes a server since PostgreSQL 12 a standby; before, recovery.conf does."""
ORPHAN_SECONDS = 15
"""How long a server that crashed, and its children, may take to go; until then no new one starts."""


Previous = t.Mapping[ManagedFile, t.Tuple[str, float]]
"""What the files that a server reads held, and when they were written."""


class InstanceError(Exception):
    """Something stands where the instance should be, or it did not come up."""


class Instance:
    """Observe, plan and apply for one node."""

    def __init__(
        self, plan: NodePlan, run: Runner, password: str, tls: t.Mapping[str, str], is_seeding: bool = False
    ) -> None:
        self.plan = plan
        self.accepts_restored = False
        self._is_seeding = is_seeding
        self._run = run
        self._service = service(plan, run)
        self._files = list(self._wanted_files(password, tls))
        self.steps: list[str] = []
        self.diffs: list[dict[str, str]] = []
        self.restart_required: list[str] = []

    def ensure_present(self, check_mode: bool) -> None:
        """Bring the instance to what the plan says and start it. Never restarts: see restart_required."""
        self._refuse_what_lies_there()
        self._refuse_overrides()
        self._refuse_restored(check_mode)
        running = self._service.is_running()
        initialised = found_major(self.plan) is not None
        wrong = [file for file in self._files if file.differences()]
        previous = {file: (text, os.stat(file.path).st_mtime) for file, text in _present(wrong)}
        if not initialised:
            source = f" as a copy of {self.plan.standby_of}" if self.plan.standby_of else ""
            self._plan(f"initialise {self.plan.data_directory}{source}")
        for file in wrong:
            self._plan(f"write {file.path}", file.diff())
        if not self._service.is_enabled():
            self._plan(f"enable {self.plan.unit}")
        if not running:
            self._plan("start the server")
        elif self._must_reload(wrong):
            self._plan("reload the server")
        if check_mode:
            if running:
                settings = self._settings_file()
                found = settings.found() or ""
                self.restart_required = _loaded.predicted_restart(self.plan, self._run, found, settings.text)
            return
        self._apply(initialised, wrong, running, previous)

    def ensure_absent(self, check_mode: bool) -> None:
        """Stop the server and remove home and unit."""
        if found_data(self.plan) == "foreign":
            raise InstanceError(
                f"{self.plan.home} is not this node's: it has no {MARKER}, or another's. Nothing was removed"
            )
        unit_file = self._service.unit_file
        has_unit = unit_file is not None and os.path.exists(unit_file[0])
        if self._service.is_running():
            self._plan("stop the server")
        if has_unit:
            self._plan(f"remove {self.plan.unit}")
        if found_data(self.plan) != "absent":
            self._plan(f"remove {self.plan.home} with all its data")
        if check_mode:
            return
        if self._service.is_running():
            self._service.stop()
        if has_unit and unit_file:
            self._service.disable()
            os.unlink(unit_file[0])
            self._service.learn()
        if found_data(self.plan) != "absent":
            empty_home(self.plan.home, MARKER)

    def restart(self) -> None:
        """Stop and start the server."""
        if self._service.is_running():
            self._service.stop()
        self._start()

    def _plan(self, step: str, diff: t.Mapping[str, str] | None = None) -> None:
        self.steps.append(step)
        shown = diff or {"before": "", "after": f"{step}\n"}
        self.diffs.append(dict(shown))

    def _wanted_files(self, password: str, tls: t.Mapping[str, str]) -> t.Iterator[ManagedFile]:
        plan, data = self.plan, self.plan.data_directory
        unit_file = self._service.unit_file
        yield ManagedFile(
            f"{data}/{_render.SETTINGS_FILE}", _render.settings(plan, self._knows), 0o600, "postgres", "reload"
        )
        yield ManagedFile(f"{data}/pg_hba.conf", _render.hba(plan), 0o600, "postgres", "reload")
        yield ManagedFile(f"{data}/pg_ident.conf", _render.ident(), 0o600, "postgres", "reload")
        yield ManagedFile(f"{data}/postgresql.conf", self._including(), 0o600, "postgres", "reload")
        if plan.standby_of:
            yield self._recovery_file()
        yield script_file(plan)
        yield ManagedFile(plan.passfile, passfile(plan.passfile_entries, password), 0o600, "postgres", secret=True)
        texts = {name: text for name, text in tls.items() if text} if plan.tls != "off" else {}
        if texts:
            check_key_pair(plan.name, texts)
        for name, text in sorted(texts.items()):
            yield ManagedFile(f"{plan.home}/tls/{name}", text, 0o600, "postgres", "reload", secret=True)
        if unit_file:
            yield ManagedFile(*unit_file, 0o644, "root")

    def _recovery_file(self) -> ManagedFile:
        """Return what makes the server a standby: a file that only has to be there, or one that says all."""
        if self._knows(SIGNAL_FILE):
            return ManagedFile(f"{self.plan.data_directory}/{SIGNAL_FILE}", "", 0o600, "postgres")
        return ManagedFile(f"{self.plan.data_directory}/recovery.conf", _render.recovery(self.plan), 0o600, "postgres")

    def _knows(self, setting: str) -> bool:
        return mentions(f"{self.plan.bin_directory}/postgres", setting)

    def _including(self) -> str:
        """Return postgresql.conf with our file included behind everything else; the rest of it stays the operator's."""
        path = f"{self.plan.data_directory}/postgresql.conf"
        text = ManagedFile(path, "", 0o600, "postgres").found() or ""
        return _render.including(text, _connection_file.is_used(self.plan))

    def _settings_file(self) -> ManagedFile:
        return self._files[0]

    def _refuse_what_lies_there(self) -> None:
        found = found_data(self.plan)
        if found == "foreign":
            raise InstanceError(
                f"{self.plan.home} is not this node's: it has no {MARKER}, or another's. Empty it, or set bdr_home"
            )
        if found == REMOVED:
            raise InstanceError(was_removed(self.plan.name, self.plan.home))
        if found == SEEDED and not self._is_seeding:
            raise InstanceError(half_seeded(self.plan.name))

    def _refuse_restored(self, check_mode: bool) -> None:
        refused = "" if self._is_seeding else refusal(self.plan, self._run)
        if refused and not self.accepts_restored:
            raise InstanceError(refused)
        if refused:
            self._plan(f"accept what lies in {self.plan.data_directory}")
            if not check_mode:
                forget(self.plan)

    def _refuse_overrides(self) -> None:
        """ALTER SYSTEM writes a file that is read last: what replication needs must not stand there otherwise."""
        text = ManagedFile(f"{self.plan.data_directory}/postgresql.auto.conf", "", 0o600, "postgres").found() or ""
        for problem in _render.overrides(self.plan, text):
            raise InstanceError(problem)

    def _must_reload(self, wrong: t.Iterable[ManagedFile]) -> bool:
        read = [file for file in self._files if file.effect == "reload"]
        return any(file in read for file in wrong) or _loaded.is_behind(self.plan, [file.path for file in read])

    def _apply(self, initialised: bool, wrong: t.Sequence[ManagedFile], running: bool, previous: Previous) -> None:
        if not initialised:
            self._initialise()
        for file in self._files:
            if file in wrong:
                self._write(file)
        if any(file.owner == "root" for file in wrong):
            self._service.learn()
        if not self._service.is_enabled():
            self._service.enable()
        if not running:
            self._checked(previous, lambda: _loaded.check(self.plan, self._run))
            self._start()
        elif "reload the server" in self.steps:
            self._checked(previous, self._reload)
        self.restart_required = _loaded.pending_restart(self.plan, self._run)

    def _write(self, file: ManagedFile) -> None:
        if file.path.startswith(f"{self.plan.home}/tls/"):
            make_directory(f"{self.plan.home}/tls", "postgres", 0o700)
        if file.path.endswith("/postgresql.conf"):
            # initdb may have written it after the plan was made.
            file = replace(file, text=self._including())
        file.write()

    def _initialise(self) -> None:
        """Make the data directory beside its place and rename: a killed run leaves nothing that looks initialised."""
        made = self.make_data()
        forget(self.plan)
        os.rename(made, self.plan.data_directory)

    def make_data(self) -> str:
        """Run initdb, or copy the node that is followed, beside the data directory. Return where."""
        unfinished = self.begin_data()
        if self.plan.standby_of:
            self._must(_commands.pg_basebackup(self.plan, unfinished), f"the copy of {self.plan.standby_of}")
        else:
            _birth.initdb(self.plan, unfinished, lambda: self._must(_commands.initdb(self.plan, unfinished), "initdb"))
        self.finish_data(unfinished)
        return unfinished

    def begin_data(self) -> str:
        """Make room beside the data directory, and have there what a copy needs. Return where."""
        make_directory(self.plan.home, "postgres", 0o700)
        if found_data(self.plan) == "absent":
            ManagedFile(f"{self.plan.home}/{MARKER}", self._marker(), 0o600, "postgres").write()
        make_directory(self.plan.log_directory, "postgres", 0o700)
        unfinished = f"{self.plan.data_directory}.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        for file in self._files if self.plan.standby_of else ():
            if file.owner == "postgres" and not file.path.startswith(self.plan.data_directory):
                self._write(file)  # how the node that is copied is reached
        return unfinished

    def finish_data(self, unfinished: str) -> None:
        """Leave behind what connects the node that was copied to its upstreams, and what is its own or its server's."""
        for name in (_render.CONNECTIONS_FILE, _render.SETTINGS_FILE, "postmaster.pid"):
            if os.path.exists(f"{unfinished}/{name}"):
                os.unlink(f"{unfinished}/{name}")
        give(unfinished, "postgres", 0o700)

    def _must(self, command: t.Sequence[str], what: str) -> None:
        code, out, err = self._run(command)
        if code:
            raise InstanceError(f"{what} failed: {(err or out).strip()}")

    def _marker(self) -> str:
        return json.dumps(identity(self.plan), indent=2) + "\n"

    def _start(self) -> None:
        if not os.path.isdir(self.plan.socket_directory):
            make_directory(self.plan.socket_directory, "postgres", 0o2775)
        deadline = time.monotonic() + ORPHAN_SECONDS
        while True:
            try:
                return self._service.start()
            except ServiceError as error:
                tail = "\n".join(log_tail(self.plan))
                if not ORPHANS.search(tail) or time.monotonic() >= deadline:
                    raise InstanceError(f"the server of {self.plan.name} does not start: {error}\n{tail}") from error
                time.sleep(0.2)

    def _reload(self) -> None:
        _loaded.check(self.plan, self._run)
        _loaded.reload(self.plan)

    def _checked(self, previous: Previous, load: t.Callable[[], None]) -> None:
        try:
            load()
        except _loaded.SettingsRefused as error:
            told = f"bdr_settings, bdr_hba: the server of {self.plan.name} refuses them"
            # Left in place, a wrong file would keep the server down after its next boot.
            for file, (text, modified) in previous.items():
                replace(file, text=text).write()
                # As old as it was: the server has read it, and the next run need not load it again.
                os.utime(file.path, (modified, modified))
            told += ", the previous ones are back" if previous else ""
            raise InstanceError(f"{told}: {error}") from error


def _present(files: t.Iterable[ManagedFile]) -> t.Iterator[tuple[ManagedFile, str]]:
    for file in files:
        text = file.found() if file.effect == "reload" else None
        if text is not None:
            yield file, text
