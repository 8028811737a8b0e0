# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Files as a state: what they should hold, who owns them, what a change of them means to a running server."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass


@dataclass(frozen=True)
class ManagedFile:
    """A file of ours. effect: `reload` or `none`, what a running server needs after a change."""

    path: str
    text: str
    mode: int
    owner: str
    effect: str = "none"
    secret: bool = False

    def found(self) -> str | None:
        """Return what the file holds, None where there is no file."""
        try:
            with open(self.path, encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def differences(self) -> list[str]:
        """Return in what the file differs from what it should be: content, mode, owner."""
        found = self.found()
        if found is None:
            return ["content"]
        status = os.stat(self.path)
        return [
            name
            for name, differs in (
                ("content", found != self.text),
                ("mode", stat.S_IMODE(status.st_mode) != self.mode),
                ("owner", _name_of(status.st_uid) != self.owner),
            )
            if differs
        ]

    def write(self) -> None:
        """Put the file there at once: a reader sees the old one or the new one, never half of it."""
        directory = os.path.dirname(self.path)
        descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=".pgbdr-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(self.text)
                file.flush()
                os.fsync(file.fileno())
            give(temporary, self.owner, self.mode)
            os.rename(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise

    def diff(self) -> dict[str, str]:
        """Return before and after for --diff; a secret file shows that it differs, never what it holds."""
        before, after = self.found() or "", self.text
        if self.secret:
            before, after = ("(not shown)\n" if before else ""), "(not shown, changed)\n"
        return {
            "before_header": self.path,
            "after_header": self.path,
            "before": before,
            "after": after,
        }


def point_to(link: str, target: str) -> None:
    """Make a symbolic link point to a target, at once: it always points somewhere.

    Nodes that share a host do it one after the other.
    """
    directory, temporary = os.path.dirname(link), f"{link}.new"
    os.makedirs(directory, exist_ok=True)
    lock = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.lexists(temporary):
            os.unlink(temporary)
        os.symlink(target, temporary)
        os.rename(temporary, link)
    finally:
        os.close(lock)


def give(path: str, owner: str, mode: int) -> None:
    """Set owner, group and mode of a path."""
    account = pwd.getpwnam(owner)
    os.chown(path, account.pw_uid, account.pw_gid)
    os.chmod(path, mode)


def make_directory(path: str, owner: str, mode: int) -> None:
    """Make a directory and what is missing above it; only the last one is given away."""
    os.makedirs(path, exist_ok=True)
    give(path, owner, mode)


def empty_home(home: str, marker: str) -> None:
    """Remove what lies in a home, and the home where nothing holds it."""
    # The marker goes last: a removal that was killed can be run again.
    for name in os.listdir(home):
        path = os.path.join(home, name)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif name != marker:
            os.unlink(path)
    os.unlink(f"{home}/{marker}")
    try:
        os.rmdir(home)
        os.rmdir(os.path.dirname(home))
    except OSError:  # a mount point, or other nodes of the group
        return


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
