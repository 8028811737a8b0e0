# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks run on the hosts of a scenario by a test."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

from nodes import PROJECT, Node

SSH = "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR -o ConnectTimeout=5"
PLAY_SECONDS = 900


class Play(t.NamedTuple):
    """A run of a playbook."""

    code: int
    output: str


Runner = t.Callable[..., Play]


def player(nodes: t.Mapping[str, Node], directory: Path, own: t.Sequence[str] = ()) -> Runner:
    """Return what runs a playbook on some of the hosts, as an operator's inventory would name them.

    own: variables that each host has for itself, beside its address.
    """

    def run(members: t.Sequence[str], playbook: str, *arguments: str, must: bool = True) -> Play:
        variables = nodes[members[0]].variables
        names = [name for name in variables if name.startswith("bdr_") and name not in own]
        shared = {name: variables[name] for name in (*names, "ansible_user", "ansible_ssh_private_key_file")}
        shared["ansible_ssh_common_args"] = SSH
        hosts = {name: {key: nodes[name].variables[key] for key in ("ansible_host", *own)} for name in members}
        inventory = directory / "hosts.json"
        inventory.write_text(json.dumps({"bdr": {"hosts": hosts, "vars": shared}}))
        done = subprocess.run(
            ["ansible-playbook", f"--inventory={inventory}", f"playbooks/{playbook}.yml", *arguments],
            cwd=PROJECT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1", "COLUMNS": "10000"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PLAY_SECONDS,
        )
        assert not must or done.returncode == 0, done.stdout
        return Play(done.returncode, done.stdout)

    return run
