# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Where a build works, and the programs that it runs. Pure."""

from __future__ import annotations

import hashlib
import posixpath
import typing as t
from dataclasses import dataclass, field

from . import manifest, source
from .spec import SERVER, Source, Spec

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GIT_CONFIG = "[safe]\n\tdirectory = *\n[advice]\n\tdetachedHead = false\n"
"""Who names a repository trusts it; by itself git refuses one that belongs to somebody else."""

_KEPT = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_LONGEST_SOCKET_DIRECTORY = 80


def environment(home: str, callers: t.Mapping[str, str]) -> dict[str, str]:
    """Return the environment of every program of a build: nothing of the caller's but its proxies."""
    kept = {name: callers[name] for name in _KEPT if name in callers}
    own = {"GIT_CONFIG_GLOBAL": posixpath.join(home, "gitconfig"), "GIT_TERMINAL_PROMPT": "0", "HOME": home}
    return {"PATH": PATH, "LC_ALL": "C", **own, **kept}


@dataclass(frozen=True)
class Places:
    """Paths in the work directory. Only `fetched` and what lies in `trees` belong to the user that compiles."""

    work: str
    key: str

    @property
    def lock(self) -> str:
        """Return the lock of all builds on the host."""
        return f"{self.work}/lock"

    @property
    def log(self) -> str:
        """Return the log of the build."""
        return f"{self.work}/logs/{self.key[: manifest.SHORT]}.log"

    @property
    def state(self) -> str:
        """Return the file of the state that callers read."""
        return f"{self.work}/logs/{self.key[: manifest.SHORT]}.json"

    @property
    def trees(self) -> str:
        """Return the directory of what goes away after a build."""
        return f"{self.work}/trees"

    @property
    def fetched(self) -> str:
        """Return the directory of what is kept of repositories and archives."""
        return f"{self.work}/fetched"

    @property
    def tree(self) -> str:
        """Return the directory of this build."""
        return f"{self.trees}/{self.key[: manifest.SHORT]}"

    @property
    def objects(self) -> str:
        """Return where the server is compiled, out of its source tree."""
        return f"{self.tree}/objects"

    @property
    def stage(self) -> str:
        """Return the root that is installed into first."""
        return f"{self.tree}/stage"

    @property
    def trial(self) -> str:
        """Return the home of the smoke test."""
        return f"{self.tree}/trial"

    @property
    def takes_sockets(self) -> bool:
        """Tell whether the name of a socket in the home of the smoke test is short enough."""
        return len(self.trial) <= _LONGEST_SOCKET_DIRECTORY

    def source(self, name: str) -> str:
        """Return where the tree of a source is unpacked or checked out."""
        return f"{self.tree}/sources/{name}"

    @property
    def archives(self) -> str:
        """Return the directory of what root keeps: local archives, and builds for other hosts."""
        return f"{self.work}/archives"

    def archive(self, each: Source) -> str:
        """Return where an archive is kept."""
        return f"{self.archives if each.where.startswith('/') else self.fetched}/{each.checksum}"

    def repository(self, each: Source) -> str:
        """Return where what was fetched of a repository is kept."""
        return f"{self.fetched}/{hashlib.sha256(each.where.encode()).hexdigest()[: manifest.SHORT]}.git"


@dataclass(frozen=True)
class Command:
    """A program to run, what it is for, and what its environment holds more."""

    what: str
    arguments: tuple[str, ...]
    env: t.Mapping[str, str] = field(default_factory=dict)


def fetches(places: Places, each: Source, commit: str) -> list[Command]:
    """Return the fetches of a commit to try in turn; those after the first that brings it are left out."""
    store = {"GIT_DIR": places.repository(each)}
    return [
        Command("git fetch", ("git", "fetch", "--quiet", "--no-tags", *arguments), store)
        for arguments in source.fetches(each, commit)
    ]


def has_commit(commit: str) -> tuple[str, ...]:
    """Return how git is asked whether a commit is there."""
    return ("git", "cat-file", "-e", f"{commit}^{{commit}}")


def checkout(places: Places, name: str, each: Source, commit: str) -> list[Command]:
    """Return how a commit that was fetched becomes a tree."""
    store = {"GIT_DIR": places.repository(each)}
    tree = {**store, "GIT_WORK_TREE": places.source(name), "GIT_INDEX_FILE": f"{places.tree}/{name}.index"}
    return [
        # contrib/bdr writes the commit that HEAD is into its version.
        Command("git update-ref", ("git", "update-ref", "--no-deref", "HEAD", commit), store),
        Command("git checkout", ("git", "checkout", "--quiet", "--force", commit), tree),
    ]


def unpack(places: Places, name: str, each: Source) -> Command:
    """Return how an archive becomes a tree."""
    what = ("--file", places.archive(each), "--directory", places.source(name))
    return Command("unpacking", ("tar", "--extract", "--no-same-owner", *what))


Steps = t.List[t.Tuple[str, t.List[Command]]]


def steps(
    spec: Spec, places: Places, trees: t.Mapping[str, str], final: str, options: t.Sequence[str], jobs: int
) -> Steps:
    """Return the steps from configure to the staged server, with their programs.

    trees: the directories of the sources; final: where the build will be installed; options: those of configure.
    """
    git = {"GIT_DIR": places.repository(spec.source)}

    def make(what: str, directory: str, *arguments: str, parallel: bool = True) -> Command:
        many = (f"-j{jobs}",) if parallel else ()
        return Command(what, ("make", *many, "-C", directory, *arguments), git)

    def install(directory: str) -> Command:
        return make("install", directory, "install", f"DESTDIR={places.stage}", parallel=False)

    contrib = [f"{places.objects}/contrib/{name}" for name in spec.contrib]
    found: Steps = [
        (
            "configure",
            [Command("configure", ("env", "-C", places.objects, f"{trees[SERVER]}/configure", *options))],
        ),
        ("compile", [make("compile", places.objects)]),
        ("contrib", [make(f"contrib/{name}", where) for name, where in zip(spec.contrib, contrib)]),
        ("install", [install(where) for where in (places.objects, *contrib)]),
    ]
    extensions = []
    for extension in spec.extensions:
        what, tree = f"extension {extension.name}", trees[extension.name]
        # The server will lie elsewhere than where it is staged.
        given = ("USE_PGXS=1", f"PG_CONFIG={places.stage}{final}/bin/pg_config", f"rpathdir={final}/lib")
        extensions += [make(what, tree, *given), make(what, tree, *given, "install", parallel=False)]
    return [*found, ("extensions", extensions)] if extensions else found


def decoders(places: Places, there: t.Container[str], jobs: int) -> list[Command]:
    """Return how the modules are compiled that the smoke test decodes with; none of them is installed by that."""
    return [
        Command(f"contrib/{name}", ("make", f"-j{jobs}", "-C", f"{places.objects}/contrib/{name}"))
        for name in ("test_decoding", "test_logical_decoding")
        if name in there
    ]
