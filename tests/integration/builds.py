"""Builds on this machine: the role bdr_build in a play of its own, under directories that nothing else uses."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from ansible_collections.pgbdr.bdr.tests.tools.source_package import source_packages
from groups import ROOT, Run

PREFIX = Path("/opt/pgbdr-test")
WORK = Path("/var/cache/pgbdr-test")
USER = "pgbdr-build"
# The distribution builds its own server for minutes; a run that takes longer hangs.
TIMEOUT_SECONDS = 1800

PLAY = """
- name: Build
  hosts: bdr
  gather_facts: false
  any_errors_fatal: true
  roles:
    - role: pgbdr.bdr.bdr_build
  post_tasks:
    - name: Write what it was
      ansible.builtin.copy:
        content: "{{ bdr_build_result | to_json }}"
        dest: "{{ result_file }}"
        mode: "0644"
      check_mode: false
      when: bdr_build_result is defined
"""


def distribution() -> dict[str, t.Any]:
    """Return the variables that build the distribution's PostgreSQL, with pglogical beside it."""
    found = source_packages()
    server, pglogical = found["postgresql-15"], found["pglogical"]
    return {
        "bdr_build_archive": server["archive"],
        "bdr_build_checksum": server["checksum"],
        "bdr_build_contrib": ["test_decoding", "btree_gist"],
        "bdr_build_extensions": [{"name": "pglogical", **pglogical}],
    }


@dataclass
class Build:
    """A play of the role on this machine, and what a test does with it."""

    directory: Path
    variables: dict[str, t.Any] = field(default_factory=dict)
    prefix: Path = PREFIX
    work: Path = WORK
    hosts: dict[str, dict[str, t.Any]] = field(default_factory=lambda: {"alpha": {}})

    def command(self, *arguments: str, **variables: t.Any) -> list[str]:
        """Write inventory and play, and return the command line."""
        shared = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "/usr/bin/python3",
            "bdr_build_needed": True,
            "bdr_build_builder": "alpha",
            "bdr_build_link": str(self.prefix / "test"),
            "bdr_build_data_directory": "",
            "bdr_build_era": "",
            "bdr_build_prefix": str(self.prefix),
            "bdr_build_work_directory": str(self.work),
            "bdr_build_cache": str(self.directory / "cache"),
            "result_file": str(self.directory / "result.json"),
            **self.variables,
            **variables,
        }
        self.directory.mkdir(exist_ok=True)
        (self.directory / "hosts.yml").write_text(yaml.safe_dump({"bdr": {"hosts": self.hosts, "vars": shared}}))
        (self.directory / "play.yml").write_text(PLAY)
        return [
            "ansible-playbook",
            "-i",
            str(self.directory / "hosts.yml"),
            str(self.directory / "play.yml"),
            *arguments,
        ]

    def start(self, *arguments: str, **variables: t.Any) -> subprocess.Popen[str]:
        """Start a run in a process group of its own, and go on."""
        command = self.command(*arguments, **variables)
        for path in (self.record, self.directory / "result.json"):
            path.unlink(missing_ok=True)
        return subprocess.Popen(
            command,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def play(self, *arguments: str, **variables: t.Any) -> Run:
        """Run the play to its end."""
        with self.start(*arguments, **variables) as run:
            try:
                output, _none = run.communicate(timeout=TIMEOUT_SECONDS)
            except BaseException:
                os.killpg(run.pid, signal.SIGKILL)
                raise
        return self.run_of(run.returncode, output)

    def run_of(self, code: int, output: str) -> Run:
        """Return a run that has ended."""
        recorded = json.loads(self.record.read_text()) if self.record.exists() else {"tasks": {}, "stats": {}}
        return Run(code, output, recorded["tasks"], recorded["stats"])

    def must(self, *arguments: str, **variables: t.Any) -> Run:
        """Run the play, which has to succeed."""
        run = self.play(*arguments, **variables)
        assert run.code == 0, run.output
        return run

    def environment(self) -> dict[str, str]:
        """Return the environment of a run; its results go to a file of JSON."""
        return {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACKS_ENABLED": "recorder",
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
            "PGBDR_RECORD": str(self.record),
            "ANSIBLE_NOCOLOR": "1",
        }

    @property
    def record(self) -> Path:
        """Return where a run's results are."""
        return self.directory / "record.json"

    @property
    def result(self) -> dict[str, t.Any]:
        """Return bdr_build_result of the last run."""
        return json.loads((self.directory / "result.json").read_text())

    def state(self) -> dict[str, t.Any]:
        """Return what the process of the newest build notes of itself."""
        found = sorted(self.work.glob("logs/*.json"), key=lambda path: path.stat().st_mtime)
        return json.loads(found[-1].read_text()) if found else {}

    def wait_for(self, step: str, seconds: float = 300) -> dict[str, t.Any]:
        """Wait until the build is at a step."""
        deadline = time.monotonic() + seconds
        while True:
            state = self.state()
            if state.get("status") == "running" and state["step"] == step:
                return state
            assert state.get("status") != "failed", state
            assert time.monotonic() < deadline, f"not at {step} within {seconds} s: {state}"
            time.sleep(0.05)

    def remove(self) -> None:
        """Remove everything that builds leave behind but the user."""
        for path in (self.prefix, self.work):
            shutil.rmtree(path, ignore_errors=True)


class SecondHost:
    """This machine once more, with a directory of its own in the place of another: for Ansible a host like others."""

    def __init__(self, directory: Path, instead_of: Path) -> None:
        directory.mkdir()
        mount = f"mount --bind '{directory}' '{instead_of}' && echo there && exec sleep infinity"
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount], stdout=subprocess.PIPE, text=True
        )
        assert self._holder.stdout and self._holder.stdout.readline() == "there\n"
        # Everything on a host goes through its shell.
        shell = directory.parent / f"sh-of-{directory.name}"
        shell.write_text(f'#!/bin/sh\nexec {" ".join(self.inside)} /bin/sh "$@"\n')
        shell.chmod(0o755)
        self.variables = {"ansible_shell_executable": str(shell)}

    @property
    def inside(self) -> list[str]:
        """Return what stands before a command to run it there."""
        return ["nsenter", "--target", str(self._holder.pid), "--mount"]

    def run(self, *command: str) -> str:
        """Run a program there and return what it says."""
        return subprocess.run([*self.inside, *command], capture_output=True, text=True, check=True).stdout.strip()

    def __enter__(self) -> SecondHost:
        return self

    def __exit__(self, *_unused: object) -> None:
        self._holder.kill()
        self._holder.communicate()


def processes_of(user: str, directory: Path) -> list[str]:
    """Return the processes of a user that work below a directory, by their command lines."""
    uid = pwd.getpwnam(user).pw_uid
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.stat().st_uid == uid and directory in (process / "cwd").readlink().parents:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found
