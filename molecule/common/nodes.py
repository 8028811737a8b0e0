# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a scenario as the tests see them: from outside, over SSH and psql.

Only the inventory is asked where a node is and what it is called. Nothing here imports the
collection, so a mistake there cannot hide itself.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import time
import typing as t
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import testinfra
from testinfra.host import Host

PROJECT = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"])
EPHEMERAL = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
SCENARIO = os.environ["MOLECULE_SCENARIO_NAME"]
# A scenario is named after its inventory; those without one of their own run the plex's.
INVENTORY = SCENARIO if (PROJECT / "inventories" / SCENARIO).is_dir() else "plex"
# In the order in which molecule hands them to ansible-playbook.
INVENTORIES = (
    EPHEMERAL / "inventory",
    PROJECT / "inventories" / INVENTORY,
)
SSH_OPTIONS = (
    "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR"
    " -o ControlMaster=auto -o ControlPersist=30s -o ControlPath=~/.ansible/cp/test-%C"
)

T = t.TypeVar("T")


@dataclass(frozen=True)
class Node:
    """One node of the group and the host it runs on."""

    name: str
    variables: t.Mapping[str, t.Any] = field(repr=False)
    host: Host = field(repr=False)

    @property
    def address(self) -> str:
        return str(self.variables.get("bdr_address", self.variables["ansible_host"]))

    @property
    def port(self) -> int:
        return int(self.variables.get("bdr_port", 5432))

    @property
    def engine(self) -> str:
        return str(self.variables.get("bdr_engine", "pglogical"))

    @property
    def directory(self) -> str:
        return f"/var/lib/pgbdr/{self.variables.get('bdr_group', 'bdr')}/{self.name}"

    @property
    def unit(self) -> str:
        return f"pgbdr-{self.variables.get('bdr_group', 'bdr')}-{self.name}.service"

    @property
    def database(self) -> str:
        """The first of the group's databases, where the tests keep their tables."""
        first = self.variables["bdr_databases"][0]
        return str(first if isinstance(first, str) else first["name"])

    def run(self, command: str, *args: str) -> str:
        """Run a command on the host as root; each %s of it is an argument, quoted."""
        return str(self.host.check_output(command, *args))

    def psql(self, sql: str) -> str:
        """Run SQL as the superuser; rows only, one a line."""
        return self.run(
            "psql -h /var/run/postgresql -p %s -U postgres -d %s -v ON_ERROR_STOP=1 -XqAtc %s",
            str(self.port),
            self.database,
            sql,
        )


@functools.cache
def find_nodes(group: str = "bdr") -> dict[str, Node]:
    """Ask the inventories of the scenario for its nodes, by name; `all`: hosts that are yet to join, too."""
    command = ["ansible-inventory", "--list", *(f"--inventory={path}" for path in INVENTORIES)]
    listing = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    found = {}
    members = listing["_meta"]["hostvars"] if group == "all" else listing[group]["hosts"]
    for name in sorted(members):
        variables = listing["_meta"]["hostvars"][name]
        host = testinfra.get_host(
            f"ssh://root@{variables['ansible_host']}",
            ssh_identity_file=str(EPHEMERAL / "id_ed25519"),
            ssh_extra_args=SSH_OPTIONS,
        )
        found[name] = Node(name, variables, host)
    assert found, f"no hosts in {INVENTORIES}"
    return found


def secret_word(node: Node) -> str:
    """Return the longest plain word of the password: no quoting or escaping changes it."""
    words: list[str] = re.findall(r"[A-Za-z0-9]+", node.variables["bdr_replication_password"])
    return max(words, key=len)


def eventually(look: t.Callable[[], T], wanted: T, timeout_seconds: float = 30) -> None:
    """Look until what is wanted is there; the error shows what was there last."""
    deadline = time.monotonic() + timeout_seconds
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, f"after {timeout_seconds} s: {seen!r}, wanted {wanted!r}"
        time.sleep(0.1)


@contextmanager
def partition(one: Node, other: Node) -> t.Iterator[None]:
    """Cut the network between two nodes: packets vanish, as they do when a line is down."""
    peer = other.address
    one.run(
        "nft %s",
        "add table inet molecule;"
        "add chain inet molecule in { type filter hook input priority 0; };"
        "add chain inet molecule out { type filter hook output priority 0; };"
        f"add rule inet molecule in ip saddr {peer} drop;"
        f"add rule inet molecule out ip daddr {peer} drop",
    )
    try:
        yield
    finally:
        one.run("nft delete table inet molecule")
