# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The work of a build, from the source to a staged server that was tried. Runs as the unprivileged user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import typing as t
import urllib.error
import urllib.request

from .. import _answers
from .._program import platform_name
from . import adapt, host, manifest, recipe, source, told
from .spec import SERVER, BuildProblem, Source, Spec
from .trial import Trial

Tell = t.Callable[[t.Mapping[str, t.Any]], None]
CONNECT_SECONDS = 60


class Work:
    """One build in a tree of its own: sources, objects, stage."""

    def __init__(self, spec: Spec, identities: manifest.Identities, places: recipe.Places, tell: Tell) -> None:
        self.spec = spec
        self.identities = identities
        self.places = places
        self._tell = tell
        self._env = host.environment(places.tree)
        self._jobs = len(os.sched_getaffinity(0))
        self._trees: dict[str, str] = {}
        self._version = ""

    def run(self) -> dict[str, t.Any]:
        """Do every step but the last, publishing, and return the facts of the manifest."""
        self._step("fetch")
        for name, each in self.spec.sources.items():
            self._trees[name] = self._fetch(name, each)
        self._step("edit")
        found = self._edit()
        final = manifest.directory(self.spec, self._version, self.places.key)
        os.mkdir(self.places.objects)
        options = adapt.configure_options(self.spec, found, final)
        for step, commands in recipe.steps(self.spec, self.places, self._trees, final, options, self._jobs):
            self._step(step)
            for command in commands:
                self._run(command)
        self._step("smoke test")
        staged = f"{self.places.stage}{final}"
        proven = self._smoke_test(staged)
        flags = adapt.compiler_flags(self.spec, found)
        catalog_version = _answers.catalog_version(host.reader(self._trees[SERVER])(source.CATALOG_VERSION) or "")
        facts = {
            "key": self.places.key,
            "postgresql_version": self._version,
            "major": source.major_of(self._version),
            "catalog_version": catalog_version,
            "compiler": host.compiler(self.spec),
            "platform": platform_name(),
            "runtime_packages": self._runtime_packages(staged),
            "flags": flags,
            "smoke_test": proven,
            "staged": staged,
        }
        return manifest.manifest(self.spec, self.identities, found, facts)

    def _step(self, name: str) -> None:
        self._tell({"step": name})
        print(f"\n=== {name}", flush=True)

    def _run(self, command: recipe.Command) -> None:
        print(f"$ {' '.join(command.arguments)}", flush=True)
        before = os.lseek(1, 0, os.SEEK_CUR)
        code = subprocess.call(command.arguments, env={**self._env, **command.env}, stdin=subprocess.DEVNULL)
        if code:
            with open("/proc/self/fd/1", "rb") as log:
                log.seek(before)
                lines = told.first_errors(log.read().decode("utf-8", "replace"))
            raise BuildProblem("\n".join([f"{command.what} failed:", *lines]))

    # --- Sources

    def _fetch(self, name: str, each: Source) -> str:
        directory = self.places.source(name)
        if each.kind == "directory":
            return directory
        os.makedirs(directory)
        if each.kind == "archive":
            if not os.path.exists(self.places.archive(each)):
                self._download(each, self.places.archive(each))
            self._run(recipe.unpack(self.places, name, each))
            return os.path.join(directory, source.top_of(os.listdir(directory)).rstrip("/"))
        commit = self.identities[name].split()[1]
        store = self.places.repository(each)
        self._run(recipe.Command("git init", ("git", "init", "--quiet", "--bare", store)))
        with open(os.path.join(store, "objects", "info", "alternates"), "w", encoding="utf-8") as file:
            file.write(self._objects_of(each))
        self._get(each, commit, store)
        for command in recipe.checkout(self.places, name, each, commit):
            self._run(command)
        return directory

    def _objects_of(self, each: Source) -> str:
        if not each.reference:
            return ""
        code, out, err = host.ask(["git", "-C", each.reference, "rev-parse", "--git-path", "objects"], self._env)
        if code:
            raise BuildProblem(f"{each.variable('reference')}: {each.reference}: {source.said(err)}")
        return os.path.join(each.reference, out.strip()) + "\n"

    def _get(self, each: Source, commit: str, store: str) -> None:
        says = ""
        for command in recipe.fetches(self.places, each, commit):
            if host.ask(recipe.has_commit(commit), {**self._env, "GIT_DIR": store})[0] == 0:
                return
            print(f"$ {' '.join(command.arguments)}", flush=True)
            # A clone over a slow line takes longer than any answer may.
            env = {**self._env, **command.env}
            done = subprocess.run(
                command.arguments, env=env, stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
            )
            print(done.stderr, flush=True)
            says = done.stderr or says
        if host.ask(recipe.has_commit(commit), {**self._env, "GIT_DIR": store})[0]:
            what = f"{each.variable('version')}: {each.where} gives out no commit {commit}"
            raise BuildProblem(f"{what}: {source.said(says)}")

    def _download(self, each: Source, path: str) -> None:
        print(f"$ download {each.where}", flush=True)
        try:
            with urllib.request.urlopen(each.where, timeout=CONNECT_SECONDS) as answer, open(
                f"{path}.new", "wb"
            ) as file:
                shutil.copyfileobj(answer, file)
        except (OSError, ValueError) as error:
            raise BuildProblem(f"{each.variable('archive')}: {each.where} cannot be fetched: {error}") from None
        host.check_archive(each, f"{path}.new")
        os.rename(f"{path}.new", path)

    # --- What an old tree needs

    def _edit(self) -> list[adapt.Adaptation]:
        readers = {name: host.reader(tree) for name, tree in self._trees.items()}
        problems = source.all_problems(self.spec, readers)
        if problems:
            raise BuildProblem(*problems)
        read = readers[SERVER]
        for edit in self.spec.edits:
            self._write(edit.file, source.edited(edit, read(edit.file) or ""))
        tree = adapt.tree_of(read)
        self._version = tree.version
        found = adapt.adaptations(tree, self._tools(tree.configure))
        for item in found:
            print(f"{item.what}: {item.why}", flush=True)
            if item.edit:
                self._write(item.edit.file, source.edited(item.edit, read(item.edit.file) or ""))
        return found

    def _write(self, name: str, text: str) -> None:
        path = os.path.join(self._trees[SERVER], name)
        if not os.path.realpath(path).startswith(os.path.realpath(self._trees[SERVER]) + os.sep):
            raise BuildProblem(f"bdr_build_edits: {name} leads out of the source tree")
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)

    def _tools(self, configure: str) -> adapt.Tools:
        refused = {}
        # The two tests say yes and no the other way round: flex's says what is fine, bison's what is too old.
        for tool, fine in (("flex", 0), ("bison", 1)):
            test, path = adapt.version_test(configure, tool), shutil.which(tool, path=self._env["PATH"])
            if test and path:
                version = host.ask([path, "--version"], self._env)[1].splitlines()[0]
                words = re.sub(r"[.a-z]", " ", version) if tool == "flex" else version
                if subprocess.run(["awk", test], input=words, encoding="utf-8", env=self._env).returncode != fine:
                    refused[tool.upper()] = (path, version)
        scanner = _answer(["flex", "-t"], '%option prefix="a_"\n%%\n', self._env)
        with tempfile.TemporaryDirectory(dir=self.places.tree) as scratch:
            objects = os.path.join(scratch, "a.o")
            compiler = [*self.spec.compiler.split(), "-x", "c", "-c", "-", "-o", objects]
            _answer(compiler, "int a;\n", self._env)
            separate = " C a" not in host.ask(["nm", objects], self._env)[1]
            accepts = {flag for flag in adapt.FLAGS if _accepts([*compiler, "-Werror", flag], self._env)}
        return adapt.Tools(refused, "a_lex_ALREADY_DEFINED" in scanner, separate, frozenset(accepts))

    # --- What was built

    def _runtime_packages(self, staged: str) -> list[str]:
        programs = []
        for path, _directories, names in os.walk(staged):
            files = (os.path.join(path, name) for name in names)
            programs += [file for file in files if not os.path.islink(file) and _is_elf(file)]
        # Where they will be installed there is nothing yet.
        _code, out, _err = host.ask(["ldd", *programs], {**self._env, "LD_LIBRARY_PATH": f"{staged}/lib"})
        found = {os.path.realpath(path) for path in manifest.libraries(out) if not path.startswith(staged)}
        return manifest.package_names(host.ask(["dpkg", "-S", *manifest.sides(found)], self._env)[1])

    def _smoke_test(self, staged: str) -> dict[str, t.Any]:
        for command in recipe.decoders(self.places, os.listdir(f"{self.places.objects}/contrib"), self._jobs):
            self._run(command)
        os.mkdir(self.places.trial)
        trial = Trial(self.spec, self.places, staged, self._trees[SERVER])
        if self.places.takes_sockets:
            return trial.run(self.places.trial)
        with tempfile.TemporaryDirectory(prefix="pgbdr-") as socket:
            return trial.run(socket)


def _answer(command: t.Sequence[str], given: str, env: t.Mapping[str, str]) -> str:
    """Return what a program says to what it is given."""
    done = subprocess.run(list(command), input=given, encoding="utf-8", env=dict(env), stdout=subprocess.PIPE)
    return done.stdout


def _accepts(compiler: t.Sequence[str], env: t.Mapping[str, str]) -> bool:
    done = subprocess.run(
        list(compiler), env=dict(env), input="int a;\n", encoding="utf-8", stderr=subprocess.DEVNULL, check=False
    )
    return done.returncode == 0


def _is_elf(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"
