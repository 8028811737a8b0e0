# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commit a name is, what is fetched, what a tree must hold, edits."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._build import source as s
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.spec import BuildProblem, Edit, Source

from .test_spec import spec

ONE, TWO, THREE = ("1" * 40, "2" * 40, "3" * 40)
REMOTE = "https://host/postgresql.git"


def git(version: str = "bdr", reference: str = "") -> Source:
    return Source("git", REMOTE, "bdr_build_", version, reference)


@pytest.mark.parametrize(
    ("listing", "wanted"),
    [
        (f"{ONE}\trefs/heads/bdr\n", ONE),
        (f"{ONE}\trefs/heads/bdr\n{TWO}\trefs/tags/bdr\n", TWO),
        (f"{ONE}\trefs/heads/bdr\n{TWO}\trefs/tags/bdr\n{THREE}\trefs/tags/bdr^{{}}\n", THREE),
        # git asks for the end of a name, so others may answer too.
        (f"{ONE}\trefs/heads/bdr\n{TWO}\trefs/heads/old/refs/heads/bdr\nwarning\n", ONE),
    ],
)
def test_a_name_is_a_commit(listing, wanted):
    assert s.commit_of(git(), listing) == wanted


@pytest.mark.parametrize("listing", ["", f"{ONE}\trefs/heads/bdr2\n"])
def test_a_name_that_is_not_there(listing):
    with pytest.raises(BuildProblem, match=f"bdr_build_version: {REMOTE} has no branch or tag 'bdr'"):
        s.commit_of(git(), listing)


def test_what_a_repository_is_asked_for():
    assert s.refs("bdr") == ["refs/tags/bdr^{}", "refs/tags/bdr", "refs/heads/bdr"]


EVERYTHING = [REMOTE, "+refs/tags/*:refs/fetched/tags/*", "+refs/heads/*:refs/fetched/heads/*"]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (git(), [["--depth=1", REMOTE, "refs/tags/bdr"], ["--depth=1", REMOTE, "refs/heads/bdr"]]),
        (git(reference="/srv/pg.git"), [[REMOTE, "refs/tags/bdr"], [REMOTE, "refs/heads/bdr"]]),
        (git(ONE), [["--depth=1", REMOTE, ONE]]),
    ],
)
def test_no_more_is_fetched_than_must_be(source, wanted):
    assert s.fetches(source, ONE) == [*wanted, EVERYTHING]


@pytest.mark.parametrize(
    ("output", "wanted"),
    [
        ("warning: slow\nfatal: no such repository\nPlease make sure\n", "fatal: no such repository"),
        ("\n  ssh: no route\n", "ssh: no route"),
        ("", "it said nothing"),
    ],
)
def test_what_git_said(output, wanted):
    assert s.said(output) == wanted


def configure(version: str = "9.3beta1", name: str = "PostgreSQL") -> str:
    return f"#! /bin/sh\nPACKAGE_NAME='{name}'\nPACKAGE_VERSION='{version}'\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (configure(), "9.3beta1"),
        (configure("15.18"), "15.18"),
        (configure(name="Apache"), ""),
        ("PACKAGE_NAME='PostgreSQL'\n", ""),
        ("", ""),
    ],
)
def test_the_version_of_a_tree(text, wanted):
    assert s.version_of(text) == wanted


@pytest.mark.parametrize(
    ("version", "wanted"),
    [("9.3beta1", "9.3"), ("9.4.2", "9.4"), ("15.18", "15"), ("10devel", "10"), ("18beta1", "18"), ("9devel", "9")],
)
def test_the_major_version(version, wanted):
    assert s.major_of(version) == wanted


TREE = {
    "configure": configure(),
    "src/include/c.h": "",
    "contrib/btree_gist/Makefile": "",
    "contrib/bdr/Makefile": "",
    "src/a.c": "int a;\nint b;\n",
}


def test_a_tree_that_can_be_built():
    edits = [{"file": "src/a.c", "pattern": "^int b", "replacement": "long b"}]
    assert s.tree_problems(spec(edits=edits), TREE.get) == []


def without(*names: str, **more: str) -> dict[str, str]:
    return {**{name: text for name, text in TREE.items() if name not in names}, **more}


@pytest.mark.parametrize(
    ("tree", "wanted"),
    [
        ({}, "bdr_build_directory: /src is not a PostgreSQL source tree"),
        (without("src/include/c.h"), "bdr_build_directory: /src is not a PostgreSQL source tree"),
        (without(configure=configure(name="Apache")), "bdr_build_directory: /src is not a PostgreSQL source tree"),
        ({**TREE, "config.status": ""}, "bdr_build_directory: /src has been configured in place; run make distclean"),
        (without("contrib/bdr/Makefile"), "bdr_build_contrib: /src has no contrib/bdr; bdr_build_directory is another"),
    ],
)
def test_a_tree_that_cannot_be_built(tree, wanted):
    (found,) = s.tree_problems(spec(directory="/src"), tree.get)
    assert found.startswith(wanted)


def test_the_source_is_named_by_its_variable():
    (found,) = s.tree_problems(spec(repository="/a.git", version="b"), {}.get)
    assert found.startswith("bdr_build_repository: /a.git b is not a PostgreSQL source tree")


def test_an_extension_needs_a_makefile():
    options = spec(directory="/src", extensions=[{"name": "e", "directory": "/e"}])
    assert s.all_problems(options, {"postgresql": TREE.get, "e": {"Makefile": ""}.get}) == []
    assert s.all_problems(options, {"postgresql": TREE.get, "e": {}.get}) == [
        "bdr_build_extensions: /e has no Makefile"
    ]


def test_edits_that_match_nothing():
    edits = [
        {"file": "src/b.c", "pattern": "a", "replacement": "b"},
        {"file": "src/a.c", "pattern": "^b", "replacement": ""},
    ]
    assert s.tree_problems(spec(directory="/src", edits=edits), TREE.get) == [
        "bdr_build_edits: /src has no file src/b.c",
        "bdr_build_edits: nothing in src/a.c matches '^b'",
    ]


def test_an_edit():
    assert s.edited(Edit("src/a.c", r"^int (\w)", r"long \1"), TREE["src/a.c"]) == "long a;\nlong b;\n"
    with pytest.raises(BuildProblem, match=r"bdr_build_edits: replacement '\\\\2' of src/a.c: invalid group"):
        s.edited(Edit("src/a.c", "^int", r"\2"), TREE["src/a.c"])


@pytest.mark.parametrize(
    ("tops", "wanted"),
    [({"postgresql-15"}, "postgresql-15/"), ({"configure", "src"}, ""), ({"", ".", "a"}, "a/"), (set(), "")],
)
def test_the_one_directory_of_an_archive(tops, wanted):
    assert s.top_of(tops) == wanted


def test_nothing_else_of_a_tree_is_looked_at():
    looked = set()
    options = spec(directory="/src", edits=[{"file": "src/a.c", "pattern": "b", "replacement": ""}])
    s.tree_problems(options, lambda name: looked.add(name) or TREE.get(name))
    assert looked == s.wanted_files(options)
