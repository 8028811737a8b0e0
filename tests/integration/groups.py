"""A real group on this machine: its inventory, playbook runs and SQL."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import psycopg2.extensions
import pytest
import yaml

ROOT = Path(__file__).parents[2]
SOCKETS = "/var/run/postgresql"
PLAY_SECONDS = 1200  # a play that builds a server takes minutes
HOMES = Path("/var/lib/pgbdr")
# Later eras of contrib_bdr send DDL on; the guide's has each node make its tables by itself.
LOCAL_DDL = "SET bdr.skip_ddl_replication = on; SET bdr.skip_ddl_locking = on;"


@dataclass
class Run:
    """One run of ansible-playbook: its output, and per task and host what the run says of it."""

    code: int
    output: str
    tasks: dict[str, dict[str, dict[str, t.Any]]]
    stats: dict[str, dict[str, int]]

    def changed(self) -> set[tuple[str, str]]:
        """Return the tasks and hosts that report a change."""
        return {
            (name, host) for name, hosts in self.tasks.items() for host, result in hosts.items() if result["changed"]
        }

    def errors(self) -> list[str]:
        """Return the message of every failed task."""
        return [
            str(result.get("msg"))
            for hosts in self.tasks.values()
            for result in hosts.values()
            if result.get("failed") or result.get("unreachable")
        ]


@dataclass
class Group:
    """An inventory of this machine's own nodes, and what a test does with it."""

    name: str
    directory: Path
    ports: dict[str, int]
    variables: dict[str, t.Any] = field(default_factory=dict)
    host_variables: dict[str, dict[str, t.Any]] = field(default_factory=dict)

    def shared(self) -> dict[str, t.Any]:
        """Return the variables that all hosts have."""
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": "/usr/bin/python3",
            "bdr_group": self.name,
            "bdr_address": "127.0.0.1",
            "bdr_databases": ["appdb"],
            "bdr_allowed_downtime_seconds": 60,
            "bdr_settings": {"max_wal_size": "64MB", "min_wal_size": "32MB"},
            **self.variables,
        }

    def hosts(self) -> dict[str, dict[str, t.Any]]:
        """Return the variables that each host has for itself."""
        return {name: {"bdr_port": port, **self.host_variables.get(name, {})} for name, port in self.ports.items()}

    def write(self) -> Path:
        """Write the inventory and return its path."""
        path = self.directory / "hosts.yml"
        inventory = {"bdr": {"hosts": self.hosts(), "vars": self.shared()}}
        path.write_text(yaml.safe_dump(inventory, allow_unicode=True))
        return path

    def command(self, playbook: str, *arguments: str) -> list[str]:
        """Return the command line of a playbook run."""
        return ["ansible-playbook", "-i", str(self.write()), f"pgbdr.bdr.{playbook}", *arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment of a playbook run; its results go to a file of JSON."""
        return {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACKS_ENABLED": "recorder",
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"),
            "PGBDR_RECORD": str(self.directory / "record.json"),
            "ANSIBLE_NOCOLOR": "1",
        }

    def play(self, playbook: str = "site", *arguments: str) -> Run:
        """Run a playbook to its end."""
        record = self.directory / "record.json"
        record.unlink(missing_ok=True)
        done = subprocess.run(
            self.command(playbook, *arguments),
            cwd=self.directory,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PLAY_SECONDS,
        )
        recorded = json.loads(record.read_text()) if record.exists() else {"tasks": {}, "stats": {}}
        return Run(done.returncode, done.stdout, recorded["tasks"], recorded["stats"])

    def kill(self, task: str, seconds: float, playbook: str, *arguments: str) -> None:
        """Run a playbook and kill it, with everything it started, so many seconds into a task."""
        done = subprocess.run(
            self.command(playbook, *arguments),
            cwd=self.directory,
            env={**self.environment(), "PGBDR_KILL_IN": task, "PGBDR_KILL_SECONDS": str(seconds)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            timeout=PLAY_SECONDS,
        )
        assert done.returncode == -signal.SIGKILL, f"{task} was not met:\n{done.stdout}"

    def must(self, playbook: str = "site", *arguments: str) -> Run:
        """Run a playbook that has to succeed."""
        run = self.play(playbook, *arguments)
        assert run.code == 0, run.output
        return run

    def sql(self, node: str, text: str, *values: t.Any, database: str = "appdb", user: str = "postgres") -> list[tuple]:
        """Run SQL on a node, as the local superuser, and return its rows."""
        with_options = {"host": SOCKETS, "port": self.ports[node], "dbname": database, "user": user}
        connection = psycopg2.connect(**with_options)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(text, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    @contextlib.contextmanager
    def session(self, node: str, database: str = "appdb") -> t.Iterator[psycopg2.extensions.connection]:
        """Return a connection of the local superuser with a transaction of its own."""
        connection = psycopg2.connect(host=SOCKETS, port=self.ports[node], dbname=database, user="postgres")
        try:
            yield connection
        finally:
            connection.close()

    def everywhere(self, text: str, database: str = "appdb") -> None:
        """Run SQL on every node."""
        for node in self.ports:
            self.sql(node, text, database=database)

    def restart_by_hand(self, node: str) -> None:
        """Stop and start a node's server as an operator without this collection would."""
        home = self.home(node)
        bin_directory = f"/opt/pgbdr/{self.name}/bin"
        pg_ctl = ["runuser", "-u", "postgres", "--", "env", f"PGPASSFILE={home}/passfile", f"{bin_directory}/pg_ctl"]
        # Not its own restart, which starts the program that ran before.
        for verb in (["-m", "fast", "stop"], ["-l", f"{home}/log/startup.log", "start"]):
            command = [*pg_ctl, "-D", f"{home}/data", "-w", *verb]
            subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)

    def home(self, node: str) -> Path:
        """Return the node's home."""
        return HOMES / self.name / node

    def remove(self) -> None:
        """Remove the group with all its data."""
        self.play("remove_group", "-e", f"bdr_confirm={self.name}")
        assert not (HOMES / self.name).exists()


def eventually(read: t.Callable[[], t.Any], wanted: t.Any, seconds: float = 60) -> None:
    """Wait until a read gives what is wanted."""
    deadline = time.monotonic() + seconds
    while (found := read()) != wanted:
        assert time.monotonic() < deadline, f"still {found!r}, wanted {wanted!r}"
        time.sleep(0.05)


def words(output: str) -> str:
    """Return a run's output on one line, as it is wrapped for a terminal."""
    return re.sub(r"\s+", " ", output)


def group_maker(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Callable[..., Group]]:
    """Yield a maker of groups; all of them are removed at the end.

    What a run that was killed left of a group is removed before it is made: its name and ports are this test's own.
    """
    made: list[Group] = []

    def make(name: str, first_port: int, nodes: t.Sequence[str] = ("alpha", "bravo"), **variables: t.Any) -> Group:
        ports = {node: first_port + place for place, node in enumerate(nodes)}
        group = Group(name, tmp_path_factory.mktemp(name), ports, variables)
        if (HOMES / name).exists() and name not in {other.name for other in made}:
            group.remove()
        made.append(group)
        return group

    yield make
    for group in made:
        if (HOMES / group.name).exists():
            group.host_variables.clear()
            group.remove()
        shutil.rmtree(group.directory)
