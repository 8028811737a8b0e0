# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artifact, installed alone: it holds what a run needs, and stands a group up by itself.

Nothing here may see the checkout: configuration, collections path, Ansible's home and the working
directory all point elsewhere.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
ROOMS = {"changelogs", "docs", "meta", "playbooks", "plugins", "roles"}
PAPERS = {"CHANGELOG.rst", "LICENSE", "README.md"}
WRITTEN_BY_GALAXY = {"FILES.json", "MANIFEST.json"}

# What work in a checkout leaves behind, and a build run there must leave out.
LITTER = [
    ".cache/image.tar",
    ".coverage",
    ".mypy_cache/3.11/cache.json",
    ".venv/bin/python",
    "changelogs/.plugin-cache.yaml",
    "inventories/quickstart/secrets/password",
    "pgbdr-bdr-0.0.9.tar.gz",
    "plan.json",
    "plugins/module_utils/__pycache__/_model.cpython-311.pyc",
    "tests/output/report",
]

NODES = {"lima": 5460, "mike": 5461}
GROUP = "artifact"
DATABASE = "artifactdb"
HOME = Path("/var/lib/pgbdr") / GROUP


def repository() -> list[str]:
    """Return what is in the repository or would be at the next `git add`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listing.split("\0") if name and os.path.lexists(ROOT / name)]


class Controller:
    """An Ansible controller in a directory of its own.

    It sees the collections of the `ansible` package and one empty path, where the artifact goes.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.collections = home / "collections"
        self.collections.mkdir(parents=True)
        (home / "ansible.cfg").write_text("[defaults]\nretry_files_enabled = false\n")
        foreign = ("ANSIBLE_", "MOLECULE_", "PYTHON")
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(foreign)},
            "ANSIBLE_COLLECTIONS_PATH": str(self.collections),
            "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
            "ANSIBLE_HOME": str(home / ".ansible"),
            "ANSIBLE_NOCOLOR": "1",
        }

    def run(self, program: str, *arguments: str | Path, cwd: Path | None = None) -> t.Any:
        return subprocess.run(
            [BIN / program, *arguments],
            cwd=cwd or self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )

    def succeed(self, program: str, *arguments: str | Path, cwd: Path | None = None) -> str:
        done = self.run(program, *arguments, cwd=cwd)
        assert done.returncode == 0, f"{program} ended with {done.returncode}:\n{done.stdout}"
        return t.cast(str, done.stdout)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the artifact as `ansible-galaxy collection build` makes it in a littered checkout."""
    home = tmp_path_factory.mktemp("build")
    checkout = home / "checkout"
    for name in [*repository(), *LITTER]:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
    for name in repository():
        shutil.copy2(ROOT / name, checkout / name, follow_symlinks=False)
    for name in LITTER:
        (checkout / name).write_text("litter\n")
    Controller(home / "controller").succeed(
        "ansible-galaxy", "collection", "build", "--output-path", home, cwd=checkout
    )
    (built,) = home.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def controller(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Controller:
    """Return a controller that has the artifact installed, offline, and never saw the checkout."""
    alone = Controller(tmp_path_factory.mktemp("alone") / "controller")
    install = ("collection", "install", artifact, "-p", alone.collections)
    alone.succeed("ansible-galaxy", *install, "--offline", "--no-deps", "--force")
    return alone


def members(artifact: Path) -> list[tarfile.TarInfo]:
    with tarfile.open(artifact) as archive:
        return archive.getmembers()


def test_the_artifact_holds_only_what_a_run_needs(artifact):
    files = [member.name for member in members(artifact) if not member.isdir()]
    strangers = [name for name in files if name.split("/")[0] not in ROOMS | PAPERS | WRITTEN_BY_GALAXY]
    assert strangers == [], "name them in build_ignore of galaxy.yml"
    assert [name for name in files if name in LITTER] == []
    assert [member.name for member in members(artifact) if member.issym() or member.islnk()] == []


def test_the_artifact_holds_all_that_a_run_needs(artifact):
    files = {member.name for member in members(artifact) if not member.isdir()}
    needed = {name for name in repository() if name.split("/")[0] in ROOMS} | PAPERS
    assert sorted(needed - files) == []


def test_dependencies_come_with_the_ansible_package(controller):
    """`--no-deps` is honest only if they are all there, in the ranges of galaxy.yml."""
    wanted = yaml.safe_load((ROOT / "galaxy.yml").read_text()).get("dependencies") or {}
    installed = json.loads(controller.succeed("ansible-galaxy", "collection", "list", "--format", "json"))
    (ours,) = [path for path, names in installed.items() if "pgbdr.bdr" in names]
    assert Path(ours) == controller.collections / "ansible_collections"
    present = {name for names in installed.values() for name in names}
    assert set(wanted) - present == set()
    check = ("collection", "install", *(f"{name}:{range_}" for name, range_ in wanted.items()))
    assert not wanted or "Nothing to do" in controller.succeed("ansible-galaxy", *check, "--offline")


def write_inventory(path: Path) -> None:
    """Write an inventory as an operator would: the inventory group is `bdr`, a variable names ours."""
    nodes = {
        "hosts": {name: {"bdr_port": port} for name, port in NODES.items()},
        "vars": {
            "ansible_connection": "local",
            "ansible_python_interpreter": "/usr/bin/python3",
            "bdr_address": "127.0.0.1",
            "bdr_databases": [DATABASE],
            "bdr_group": GROUP,
        },
    }
    path.write_text(yaml.safe_dump({"bdr": nodes}))


def streams(upstream: str, downstream: str, output: str) -> bool:
    """Tell whether the table at the end of a run has the link, with the time that a row took through it."""
    line = rf"^{DATABASE} +{upstream} -> {downstream} +streaming +[0-9.]+$"
    return re.search(line, output, re.MULTILINE) is not None


@pytest.mark.server
def test_the_artifact_stands_a_group_up_and_takes_it_down(controller):
    inventory = controller.home / "hosts.yml"
    write_inventory(inventory)
    play = ("ansible-playbook", "-i", inventory)
    try:
        site = controller.succeed(*play, "pgbdr.bdr.site")
        data = [HOME / name / "data" for name in NODES]
        assert [path for path in data if not (path / "PG_VERSION").is_file()] == []
        upstream, downstream = NODES
        assert streams(upstream, downstream, site), site
        assert streams(downstream, upstream, site), site
    finally:
        # Also after a failure, whose message pytest shows beside that of a removal that fails.
        controller.succeed(*play, "pgbdr.bdr.remove_group", "-e", f"bdr_confirm={GROUP}")
    assert not HOME.exists()
