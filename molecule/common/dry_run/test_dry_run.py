# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`--check` on hosts that have nothing yet: it says what it would do, and does none of it."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass

import pytest
from nodes import INVENTORIES, PROJECT, Node, find_nodes, secret_word

# What every login and every start of a module leaves behind, mounts, which have their own life, and
# the data of a server of the distribution's own, which has too (one_way has one).
VOLATILE = (
    "/dev",
    "/proc",
    "/root/.ansible",
    "/run",
    "/sys",
    "/tmp",
    "/var/lib/postgresql/15/main",
    "/var/lib/systemd",
    "/var/log",
)


def fingerprint(node: Node) -> set[str]:
    """Return a line for each file of the host and each running service."""
    prune = " -o ".join(f"-path {path}" for path in VOLATILE)
    files = node.run(f"find / -xdev \\( {prune} \\) -prune -o -printf %s", "%p %y %m %u:%g %s %T@ %l\\n")
    services = node.run("systemctl list-units --type=service --state=running --plain --no-legend")
    return {*files.splitlines(), *services.splitlines()}


@dataclass(frozen=True, repr=False)
class DryRun:
    """One run for all the tests: its output, and the hosts before and after."""

    output: str
    returncode: int
    before: dict[str, set[str]]
    after: dict[str, set[str]]


@pytest.fixture(scope="module")
def dry_run() -> DryRun:
    command = [
        "ansible-playbook",
        "--check",
        "--diff",
        *(f"--inventory={path}" for path in INVENTORIES),
    ]
    nodes = find_nodes()
    before = {name: fingerprint(node) for name, node in nodes.items()}
    run = subprocess.run(
        [*command, str(PROJECT / "molecule/common/converge.yml")],
        env={**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(run.stdout)
    after = {name: fingerprint(node) for name, node in nodes.items()}
    return DryRun(run.stdout, run.returncode, before, after)


def test_it_ends_well(dry_run: DryRun) -> None:
    assert dry_run.returncode == 0


def test_it_predicts_changes(dry_run: DryRun, node: Node) -> None:
    recap = re.search(rf"^{node.name} +: ok=\d+ +changed=(\d+)", dry_run.output, re.MULTILINE)
    assert recap
    assert int(recap[1]) > 0


def test_it_changes_nothing(dry_run: DryRun, node: Node) -> None:
    assert sorted(dry_run.before[node.name] ^ dry_run.after[node.name]) == []


def test_it_prints_no_secret(dry_run: DryRun, node: Node) -> None:
    assert secret_word(node) not in dry_run.output
