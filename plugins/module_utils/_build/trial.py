# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The smoke test: a throw-away server of the staged programs. Runs as the unprivileged user."""

from __future__ import annotations

import os
import subprocess
import time
import typing as t

from . import host, recipe, smoke, told
from .spec import BuildProblem, Spec

START_SECONDS = 60


class Trial:
    """A throw-away server of the staged programs, on a socket only."""

    def __init__(self, spec: Spec, places: recipe.Places, staged: str, tree: str) -> None:
        self._spec = spec
        self._bin = f"{staged}/bin"
        self._contrib = f"{places.objects}/contrib"
        self._tree = tree
        self._home = places.trial
        self._data = f"{places.trial}/data"
        # psql looks for libpq where it will be installed.
        self._env = {**host.environment(places.trial), "LD_LIBRARY_PATH": f"{staged}/lib"}

    def run(self, socket: str) -> dict[str, t.Any]:
        """Return what worked; fail with the server's own words."""
        self._socket = socket
        initdb = [f"{self._bin}/initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        code, out, err = host.ask(initdb, self._env)
        if code:
            raise BuildProblem(f"smoke test: initdb failed: {(err or out).strip()}")
        preload = self._libraries()
        with open(f"{self._data}/postgresql.conf", "a", encoding="utf-8") as file:
            path = f"$libdir:{self._contrib}/{smoke.PLUGIN}"
            file.write(smoke.settings(self._known(), self._socket, preload, path))
        with open(f"{self._home}/log", "wb") as log:
            server = subprocess.Popen(
                [f"{self._bin}/postgres", "-D", self._data],
                env=self._env,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        try:
            self._wait(server)
            there = os.listdir(self._contrib)
            return {**smoke.prove(self._must, self._script, there, self._contrib), "preloaded": preload}
        except smoke.NotProven as problem:
            raise BuildProblem("\n".join([f"smoke test: {problem}", "The server says:", *self._log()])) from None
        finally:
            server.terminate()
            server.wait()

    def _known(self) -> set[str]:
        with open(f"{self._bin}/postgres", "rb") as file:
            return smoke.known(file.read())

    def _libraries(self) -> list[str]:
        directory = host.ask([f"{self._bin}/pg_config", "--pkglibdir"], self._env)[1].strip()
        return smoke.preloaded(self._spec, lambda name: os.path.exists(f"{directory}/{name}.so"))

    def _wait(self, server: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self._psql("SELECT 1")[0]:
            if server.poll() is not None or time.monotonic() > deadline:
                raise smoke.NotProven("the server does not start")
            time.sleep(0.1)

    def _psql(self, sql: str) -> tuple[int, str, str]:
        psql = [f"{self._bin}/psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-h", self._socket, "-U", "postgres"]
        return host.ask([*psql, "-d", "postgres", "-c", sql], self._env)

    def _log(self) -> list[str]:
        with open(f"{self._home}/log", encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()[-told.TAIL :]

    def _must(self, name: str, sql: str) -> str:
        code, out, err = self._psql(sql)
        if code:
            raise smoke.NotProven(f"{name} failed: {err.strip()}")
        return out.strip()

    def _script(self, name: str) -> str:
        with open(f"{self._tree}/contrib/{name}/{name}--1.0.sql", encoding="utf-8") as file:
            return file.read()
