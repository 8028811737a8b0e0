# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What is there to build with: programs, packages, disk, sources and builds on this host. Only reads."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
import typing as t

from . import manifest, recipe, source, told
from .spec import BuildProblem, Source, Spec

GIT_SECONDS = 120


def environment(home: str) -> dict[str, str]:
    """Return the environment of every program of a build, with git's settings in its home."""
    found = recipe.environment(home, os.environ)
    with open(found["GIT_CONFIG_GLOBAL"], "w", encoding="ascii") as file:
        file.write(recipe.GIT_CONFIG)
    return found


def ask(command: t.Sequence[str], env: t.Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run a program and return its exit code and what it said."""
    try:
        done = subprocess.run(
            list(command),
            env=dict(env or {"PATH": recipe.PATH, "LC_ALL": "C"}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        return 127, "", str(error)
    except subprocess.TimeoutExpired:
        return 124, "", f"no answer within {GIT_SECONDS} s"
    return done.returncode, done.stdout, done.stderr


def compiler(spec: Spec) -> str:
    """Return path and version of the compiler, "" where there is none."""
    path = shutil.which(spec.compiler.split()[0], path=recipe.PATH)
    code, out, _err = ask([path, "--version"]) if path else (1, "", "")
    return f"{path} {out.splitlines()[0]}" if path and code == 0 and out else ""


def has_package_index() -> bool:
    """Tell whether apt knows any package. A fresh host has yet to fetch the lists, which check mode does not."""
    return bool(glob.glob("/var/lib/apt/lists/*_Packages*"))


def installed(spec: Spec, key: str) -> tuple[str, dict[str, t.Any]] | None:
    """Return directory and manifest of the build of a key, None where it is not installed."""
    above = manifest.builds(spec)
    for name in os.listdir(above) if os.path.isdir(above) else ():
        if manifest.is_build(name, key):
            directory = os.path.join(above, name)
            try:
                with open(os.path.join(directory, manifest.FILE), encoding="utf-8") as file:
                    found = json.load(file)
            except (OSError, ValueError):
                continue
            if found.get("key") == key:
                return directory, found
    return None


def disk_problems(spec: Spec) -> list[str]:
    """Return which of the two directories is too small for a build."""
    problems = []
    for variable, path, needed_mb in told.needs(spec):
        existing = path
        while not os.path.exists(existing):
            existing = os.path.dirname(existing)
        free_mb = shutil.disk_usage(existing).free // 2**20
        problems += told.disk_problem(variable, path, free_mb, needed_mb)
    return problems


def identities(spec: Spec) -> dict[str, str] | None:
    """Return what each source is, None where there is no git yet to ask."""
    found = {name: identity(each) for name, each in spec.sources.items()}
    return None if None in found.values() else {name: value for name, value in found.items() if value}


def identity(each: Source) -> str | None:
    """Return what a source is, None where there is no git yet to ask."""
    if each.kind == "archive":
        if each.where.startswith("/"):
            check_archive(each)
        return f"sha256 {each.checksum}"
    if each.kind == "directory":
        return _directory(each)
    if source.COMMIT.fullmatch(each.version):
        return f"commit {each.version}"
    if shutil.which("git", path=recipe.PATH) is None:
        return None
    with tempfile.TemporaryDirectory() as home:
        command = ["git", "ls-remote", "--", each.where, *source.refs(each.version)]
        code, out, err = ask(command, environment(home))
    if code:
        raise BuildProblem(f"{each.variable('repository')}: git cannot read {each.where}: {source.said(err)}")
    return f"commit {source.commit_of(each, out)}"


def check_archive(each: Source, path: str = "") -> None:
    """Fail unless an archive, or what was fetched of it, is the one with the checksum."""
    digest = hashlib.sha256()
    try:
        with open(path or each.where, "rb") as file:
            for block in iter(lambda: file.read(2**20), b""):
                digest.update(block)
    except OSError as error:
        raise BuildProblem(f"{each.variable('archive')}: {each.where}: {error.strerror}") from None
    if digest.hexdigest() != each.checksum:
        raise source.another_archive(each, digest.hexdigest())


def files_of(directory: str) -> tuple[str, list[str]]:
    """Return the commit of a tree that is a git repository, "" for others, and its files but what git ignores."""
    with tempfile.TemporaryDirectory() as home:
        git = ["git", "-C", directory]
        code, out, _err = ask([*git, "rev-parse", "--show-toplevel", "HEAD"], environment(home))
        if code == 0 and os.path.realpath(out.splitlines()[0]) == os.path.realpath(directory):
            _code, names, _err = ask([*git, "ls-files", "-z", "-co", "--exclude-standard"], environment(home))
            present = {name for name in names.split("\0") if name and os.path.lexists(os.path.join(directory, name))}
            return out.splitlines()[1], sorted(present)
    return "", sorted(
        os.path.relpath(os.path.join(path, name), directory)
        for path, _directories, names in os.walk(directory)
        for name in names
    )


def _directory(each: Source) -> str:
    if not os.path.isdir(each.where):
        raise BuildProblem(f"{each.variable('directory')}: {each.where} is no directory on this host")
    commit, names = files_of(each.where)
    digest = hashlib.sha256()
    for name in names:
        path = os.path.join(each.where, name)
        mode = os.lstat(path).st_mode
        digest.update(f"{name}\0{stat.S_ISLNK(mode)} {bool(mode & 0o100)}\0".encode("utf-8", "surrogateescape"))
        if stat.S_ISREG(mode):
            with open(path, "rb") as file:
                digest.update(hashlib.sha256(file.read()).digest())
        elif stat.S_ISLNK(mode):
            digest.update(os.readlink(path).encode("utf-8", "surrogateescape"))
    # What is in the files counts, not the commit: a working tree may hold more than was committed.
    return f"tree {digest.hexdigest()}" + (f" of {commit}" if commit else "")


def reader(directory: str) -> source.Read:
    """Return how files of a tree are read."""

    def read(name: str) -> str | None:
        try:
            with open(os.path.join(directory, name), encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        except OSError:
            return None

    return read


def early_problems(spec: Spec) -> list[str]:
    """Return what stands against the server's tree where it lies on this host already."""
    if spec.source.kind == "directory":
        return source.tree_problems(spec, reader(spec.source.where))
    if spec.source.kind == "archive" and spec.source.where.startswith("/"):
        try:
            # One pass, forwards: going back in a compressed file means to begin anew.
            with tarfile.open(spec.source.where, "r|*") as archive:
                return source.tree_problems(spec, _archive_reader(archive, source.wanted_files(spec)))
        except (tarfile.TarError, EOFError, OSError, ImportError) as error:
            return [f"bdr_build_archive: {spec.source.where} cannot be unpacked: {error}"]
    return []


def _archive_reader(archive: tarfile.TarFile, wanted: t.Container[str]) -> source.Read:
    texts, tops = {}, set()
    for member in archive:
        name = member.name[2:] if member.name.startswith("./") else member.name
        tops.add(name.partition("/")[0])
        if member.isfile() and (name in wanted or name.partition("/")[2] in wanted):
            file = archive.extractfile(member)
            texts[name] = file.read().decode("utf-8", "surrogateescape") if file else ""
    top = source.top_of(tops)
    return lambda name: texts.get(f"{top}{name}")
