# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/build.md says of builds is what the code does: variables, adaptations, messages."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.pgbdr.bdr.plugins.module_utils._build import adapt, source, told
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.door import ARGUMENT_SPEC
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.spec import BuildProblem, Spec, parse

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "build.md").read_text("utf-8")
SPECS = yaml.safe_load((ROOT / "roles/bdr_build/meta/argument_specs.yml").read_text())["argument_specs"]["main"]
NOT_THERE = {f"bdr_build_{name}" for name in ("needed", "builder", "link", "data_directory", "era")}
"""Come from the plan; no inventory sets them."""


def test_every_variable_is_on_the_page():
    assert [name for name in SPECS["options"] if name not in NOT_THERE and f"`{name}`" not in PAGE] == []


def test_role_and_modules_have_the_same_options_and_defaults():
    shared = {f"bdr_build_{name}": option for name, option in ARGUMENT_SPEC.items()}
    for name, option in shared.items():
        said = SPECS["options"][name]
        assert said["type"] == option["type"], name
        # What to install is the role's to say.
        assert name == "bdr_build_packages" or said["default"] == option["default"], name


def test_every_adaptation_is_on_the_page():
    assert [flag for flag in adapt.FLAGS if f"| `{flag}` |" not in PAGE] == []
    assert f"edit of `{adapt.GRAMMAR}`" in PAGE


def test_the_disk_that_is_wanted():
    wanted = f"{told.needed_mb(1, False)} MB are wanted there, {told.needed_mb(1, True)} with `bdr_build_debug`"
    assert wanted in PAGE


def spec(**options: t.Any) -> Spec:
    return parse({**{name: option["default"] for name, option in ARGUMENT_SPEC.items()}, **options})


def raised(call: t.Callable[[], object]) -> list[str]:
    with pytest.raises(BuildProblem) as caught:
        call()
    return list(caught.value.problems)


ARCHIVE = {"archive": "/srv/src/postgresql.tar.bz2", "checksum": f"sha256:{'0' * 64}"}
TREE = {"configure": "PACKAGE_NAME='PostgreSQL'\nPACKAGE_VERSION='15.18'\n", "src/include/c.h": ""}
GIST = {"contrib/btree_gist/Makefile": ""}
EDIT = {"file": "src/include/c.h", "pattern": "this is not there", "replacement": ""}
DIRECTORY = "/srv/src/postgresql"

MESSAGES: dict[str, t.Callable[[], list[str]]] = {
    "ref": lambda: raised(lambda: source.commit_of(spec(repository="/srv/git/postgres-bdr.git").source, "")),
    "two sources": lambda: raised(lambda: spec(**ARCHIVE, directory=DIRECTORY)),
    "no checksum": lambda: raised(lambda: spec(archive=ARCHIVE["archive"])),
    "checksum": lambda: list(source.another_archive(spec(**ARCHIVE).source, "1" * 64).problems),
    "no tree": lambda: source.tree_problems(spec(directory=DIRECTORY), {}.get),
    "contrib": lambda: source.tree_problems(spec(directory=DIRECTORY), {**TREE, **GIST}.get),
    "edit": lambda: source.tree_problems(spec(directory=DIRECTORY, contrib=[], edits=[EDIT]), TREE.get),
    "keys": lambda: raised(lambda: spec(extensions=[{"name": "pglogical", "url": "/a", "directory": "/a"}])),
    "disk": lambda: told.disk_problem("bdr_build_work_directory", "/var/cache/pgbdr", 412, told.needed_mb(1, False)),
}


@pytest.mark.parametrize("what", MESSAGES)
def test_a_message_on_the_page_is_the_code_s(what):
    for message in MESSAGES[what]():
        assert f"\n{message}\n" in PAGE
