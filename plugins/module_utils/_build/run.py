# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A build as a run of its own: it outlives the module that started it, is alone on the host, and ends published."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import pwd
import shutil
import signal
import stat
import tarfile
import tempfile
import time
import traceback
import typing as t

from . import host, manifest, recipe, told
from .spec import BuildProblem, Spec
from .told import State
from .work import Work

FOLLOW_SECONDS = 10
"""How long a caller waits for news at most."""


class Run:
    """The build of one key on this host."""

    def __init__(self, spec: Spec, identities: manifest.Identities, key: str) -> None:
        self.spec = spec
        self.identities = identities
        self.key = key
        self.places = recipe.Places(spec.work_directory, key)

    def attend(self, seen: str) -> State | None:
        """Start the build or join the one that runs. Return news of it, None when it is installed.

        seen: what the caller knows, as told(...)["seen"]; a build that was seen running and failed is an error, one
        that failed before is begun anew.
        """
        deadline = time.monotonic() + FOLLOW_SECONDS
        while not host.installed(self.spec, self.key):
            state = self._state()
            lock = self._take()
            if lock is None:
                news = told.news(state, self.places.log, time.time(), seen)
                if news["seen"] != seen or time.monotonic() > deadline:
                    return news
                time.sleep(0.2)
                continue
            with lock:
                if host.installed(self.spec, self.key):
                    return None
                if told.is_the_one(seen, state):
                    raise BuildProblem(told.epitaph(state, self.places.log))
                return self._start(lock)
        return None

    # --- The lock and the state

    def _take(self) -> t.IO[str] | None:
        """Return the lock of all builds on this host, None while another holds it."""
        os.makedirs(self.spec.work_directory, exist_ok=True)
        lock = open(self.places.lock, "a", encoding="ascii")  # noqa: SIM115
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        return lock

    def passed(self, seen: str) -> list[State]:
        """Return the steps that a caller who followed the build has not been told of."""
        return told.passed(self._state(), seen) if seen else []

    def _state(self) -> State:
        try:
            with open(self.places.state, encoding="utf-8") as file:
                return t.cast("State", json.load(file))
        except (OSError, ValueError):
            return {}

    def _note(self, state: State) -> State:
        with open(f"{self.places.state}.new", "w", encoding="utf-8") as file:
            json.dump(state, file)
        os.rename(f"{self.places.state}.new", self.places.state)
        return state

    # --- The process that outlives its caller

    def _start(self, lock: t.IO[str]) -> State:
        account = _account(self.spec.user)
        for directory in (os.path.dirname(self.places.log), self.places.archives, self.places.trees):
            os.makedirs(directory, exist_ok=True)
        os.makedirs(self.places.fetched, exist_ok=True)
        os.chown(self.places.fetched, account.pw_uid, -1)
        # Nobody else builds here now: what lies there was killed, or failed and was looked at since.
        for name in os.listdir(self.places.trees):
            shutil.rmtree(os.path.join(self.places.trees, name))
        state = self._note(told.first_state(bool(self.spec.extensions), time.time()))
        if os.fork() == 0:
            self._outlive(lock, account, state)
        return told.news(state, self.places.log, time.time())

    def _outlive(self, lock: t.IO[str], account: pwd.struct_passwd, state: State) -> None:
        """Be the process of the build, and never return."""
        try:
            os.setsid()
            log = os.open(self.places.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
            null = os.open(os.devnull, os.O_RDONLY)
            for target, source in enumerate((null, log, log)):
                os.dup2(source, target)
            kept = lock.fileno()
            os.closerange(3, kept)
            os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
            os.umask(0o022)
            self._supervise(account, state)
        except BaseException as error:
            traceback.print_exc()
            self._note({**state, "status": "failed", "error": str(error) or repr(error)})
        finally:
            os._exit(0)

    def _supervise(self, account: pwd.struct_passwd, state: State) -> None:
        """As root: prepare, let the work be done by the unprivileged user, publish what it staged."""
        state = self._note({**state, "pid": os.getpid()})
        self._prepare(account)
        read_end, write_end = os.pipe()
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            self._descend(account, parent, write_end)
        os.close(write_end)
        facts: State | None = None
        has_extensions = bool(self.spec.extensions)
        with os.fdopen(read_end, encoding="utf-8") as messages:
            for line in messages:
                message = json.loads(line)
                state = self._note(told.after(state, message, has_extensions, time.time()))
                facts = message.get("facts", facts)
        _pid, status = os.waitpid(child, 0)
        if facts is None:
            self._note(told.failed(state, status))
            return
        state = self._note(told.after(state, {"step": "publish"}, has_extensions, time.time()))
        self._publish({**facts, "built_seconds": round(time.time() - state["started"], 1)})
        self._note({**state, "status": "built"})

    def _prepare(self, account: pwd.struct_passwd) -> None:
        """Bring to the build user what it may not be able to read: local trees and archives.

        All of it is root's until it is through: where that user can write, root writes nothing.
        """
        os.makedirs(os.path.dirname(self.places.source("")))
        for name, each in self.spec.sources.items():
            if each.kind == "archive" and each.where.startswith("/"):
                path = self.places.archive(each)
                shutil.copyfile(each.where, f"{path}.new")
                host.check_archive(each, f"{path}.new")
                os.rename(f"{path}.new", path)
            elif each.kind == "directory":
                target = self.places.source(name)
                for file in host.files_of(each.where)[1]:
                    if os.path.isdir(os.path.join(each.where, file)):
                        continue  # a submodule of git
                    os.makedirs(os.path.dirname(os.path.join(target, file)), exist_ok=True)
                    shutil.copy2(os.path.join(each.where, file), os.path.join(target, file), follow_symlinks=False)
        _give(self.places.tree, account.pw_uid, account.pw_gid)

    def _descend(self, account: pwd.struct_passwd, parent: int, write_end: int) -> None:
        """Be the unprivileged process that works, and never return."""

        def tell(message: t.Mapping[str, t.Any]) -> None:
            os.write(write_end, (json.dumps(message) + "\n").encode())

        try:
            os.setpgid(0, 0)
            os.setgroups([])
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
            os.chdir(self.places.tree)
            # Without the process that would publish it the work is worth nothing; make goes with its group.
            signal.signal(signal.SIGTERM, lambda *_unused: os.killpg(0, signal.SIGKILL))
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)
            if os.getppid() == parent:
                tell({"facts": Work(self.spec, self.identities, self.places, tell).run()})
        except BuildProblem as error:
            print(error, flush=True)
            tell({"error": str(error)})
        except BaseException as error:
            traceback.print_exc()
            tell({"error": f"{type(error).__name__}: {error}"})
        finally:
            os._exit(0)

    # --- Publishing

    def _publish(self, facts: State) -> None:
        """Copy the staged server beside the other builds, as root's, and give it its name when it is whole."""
        staged = facts.pop("staged")
        if host.installed(self.spec, self.key):
            # By a run with another work directory; servers may use it already.
            shutil.rmtree(self.places.tree)
            return
        final = manifest.directory(self.spec, facts["postgresql_version"], self.key)
        unfinished = os.path.join(manifest.builds(self.spec), f".{os.path.basename(final)}")
        os.makedirs(manifest.builds(self.spec), exist_ok=True)
        for leftover in (unfinished, final):
            shutil.rmtree(leftover, ignore_errors=True)
        shutil.copytree(staged, unfinished, symlinks=True)
        _give(unfinished, 0, 0)
        with open(os.path.join(unfinished, manifest.FILE), "w", encoding="utf-8") as file:
            json.dump(facts, file, indent=2, sort_keys=True)
            file.write("\n")
        # What has its name must be whole after a power cut too.
        os.sync()
        shutil.rmtree(self.places.tree)
        os.rename(unfinished, final)


def _account(name: str) -> pwd.struct_passwd:
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        raise BuildProblem(f"bdr_build_user: there is no user {name} on this host; the role makes it") from None
    if account.pw_uid == 0:
        raise BuildProblem(f"bdr_build_user: {name} is root; a build runs programs of its source, name another user")
    return account


def _give(directory: str, uid: int, gid: int) -> None:
    """Give a tree to a user, without the bits that would lend his rights to others."""
    for path, _directories, names in os.walk(directory, topdown=False):
        for name in (*names, "."):
            file = os.path.join(path, name)
            os.chown(file, uid, gid, follow_symlinks=False)
            if not os.path.islink(file):
                os.chmod(file, stat.S_IMODE(os.lstat(file).st_mode) & 0o755)


def pack(directory: str, archive: str) -> None:
    """Pack a build with its manifest last: where a host has that, it has everything."""
    os.makedirs(os.path.dirname(archive), exist_ok=True)
    name = os.path.basename(directory)
    last = f"{name}/{manifest.FILE}"
    descriptor, unfinished = tempfile.mkstemp(dir=os.path.dirname(archive))
    with os.fdopen(descriptor, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as packed:
            packed.add(directory, name, filter=lambda item: None if item.name == last else item)
            packed.add(os.path.join(directory, manifest.FILE), last)
        # Fetched by whoever logs in.
        os.fchmod(descriptor, 0o644)
    os.rename(unfinished, archive)
