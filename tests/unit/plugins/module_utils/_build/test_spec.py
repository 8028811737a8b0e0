# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the variables of the role to what is built, or every reason why not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.door import ARGUMENT_SPEC
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.spec import (
    REPOSITORY,
    BuildProblem,
    Edit,
    Extension,
    Source,
    Spec,
    parse,
)

CHECKSUM = f"sha256:{'ab' * 32}"
ARCHIVE = {"archive": "/srv/postgresql.tar.bz2", "checksum": CHECKSUM}


def spec(**options: t.Any) -> Spec:
    """Return what the modules would parse: what is given, over their defaults."""
    return parse({**{name: option["default"] for name, option in ARGUMENT_SPEC.items()}, **options})


def problems(**options: t.Any) -> list[str]:
    with pytest.raises(BuildProblem) as caught:
        spec(**options)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return list(caught.value.problems)


def test_nothing_given_is_the_guide_s_tree():
    found = spec()
    assert found.source == Source("git", REPOSITORY, "bdr_build_", "bdr")
    assert found.contrib == ("btree_gist", "bdr")
    assert (found.user, found.prefix, found.work_directory) == ("pgbdr-build", "/opt/pgbdr", "/var/cache/pgbdr")
    assert (found.extensions, found.configure, found.flags, found.edits, found.debug) == ((), (), (), (), False)
    assert found.compiler == "gcc"


def test_all_given():
    found = spec(
        repository="ssh://host/repository.git",
        version="v1",
        reference="/srv/postgresql.git",
        extensions=[
            {"name": "pglogical", "repository": "https://host/pglogical", "version": "main"},
            {"name": "other", "directory": "/src/other/"},
        ],
        configure=["--with-openssl", "CC=clang -m64"],
        flags=["-O3"],
        edits=[{"file": "src/a.c", "pattern": "^a", "replacement": ""}],
        debug="true",
        packages=["gcc"],
    )
    assert found.source == Source("git", "ssh://host/repository.git", "bdr_build_", "v1", "/srv/postgresql.git")
    of = "bdr_build_extensions item {} "
    assert found.extensions == (
        Extension("pglogical", Source("git", "https://host/pglogical", of.format(1), "main")),
        Extension("other", Source("directory", "/src/other", of.format(2))),
    )
    assert list(found.sources) == ["postgresql", "pglogical", "other"]
    assert found.compiler == "clang -m64"
    assert found.edits == (Edit("src/a.c", "^a", ""),)
    assert (found.debug, found.flags, found.packages) == (True, ("-O3",), ("gcc",))
    assert found.source.variable("version") == "bdr_build_version"


@pytest.mark.parametrize(
    ("options", "kind", "checksum"),
    [(ARCHIVE, "archive", "ab" * 32), ({"directory": "/src/postgresql"}, "directory", "")],
)
def test_an_archive_or_a_directory_replaces_the_default_repository(options, kind, checksum):
    found = spec(**options).source
    assert (found.kind, found.checksum) == (kind, checksum)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({**ARCHIVE, "repository": "/a.git"}, "bdr_build_repository and bdr_build_archive are given; one source is"),
        ({**ARCHIVE, "directory": "/a"}, "bdr_build_archive and bdr_build_directory are given; one source is wanted"),
        ({"archive": "/a.tar"}, "bdr_build_checksum is missing; bdr_build_archive needs one: sha256: and what"),
        ({"archive": "/a.tar", "checksum": "md5:1"}, "bdr_build_checksum is 'md5:1'; wanted: sha256: and 64 hex"),
        ({"archive": "a.tar", "checksum": CHECKSUM}, "bdr_build_archive is 'a.tar'; wanted: an absolute path on the"),
        ({"repository": ""}, "bdr_build_repository, bdr_build_archive or bdr_build_directory is missing; one of them"),
        ({"repository": "--upload-pack=x"}, "bdr_build_repository is '--upload-pack=x'; wanted: what git clone takes"),
        ({"repository": "https://me:secret@host/a"}, "bdr_build_repository holds a password, which logs would show"),
        ({"archive": "https://me:ab@host/a", "checksum": CHECKSUM}, "bdr_build_archive holds a password"),
        ({"version": "-x"}, "bdr_build_version is '-x'; wanted: a branch, a tag or a commit"),
        ({"version": ""}, "bdr_build_version is missing; bdr_build_repository needs a branch, a tag or a commit"),
        ({"directory": "src"}, "bdr_build_directory is 'src'; wanted: an absolute path on the build host"),
        ({"contrib": "bdr"}, "bdr_build_contrib is the string 'bdr'; a list is wanted"),
        ({"contrib": ["../src"]}, "bdr_build_contrib item 1 is '../src'; wanted: a name of letters, digits, _ and -"),
        ({"configure": ["--prefix=/a"]}, "bdr_build_configure item 1 is '--prefix=/a'; where a build lies is the role"),
        (
            {"configure": ["CFLAGS=-O3"]},
            "bdr_build_configure item 1 is 'CFLAGS=-O3'; give compiler flags in bdr_build_",
        ),
        ({"flags": ["-O3 -g"]}, "bdr_build_flags item 1 is '-O3 -g'; wanted: one compiler flag, such as -O3"),
        ({"prefix": "/opt/my pg"}, "bdr_build_prefix is '/opt/my pg'; wanted: an absolute path of letters, digits and"),
        ({"work_directory": "/"}, "bdr_build_work_directory is '/'; wanted: an absolute path of letters"),
        ({"debug": "perhaps"}, "bdr_build_debug is the string 'perhaps'; true or false is wanted"),
        ({"edits": {"file": "a"}}, "bdr_build_edits is the mapping \"{'file': 'a'}\"; a list of mappings is wanted"),
        ({"edits": ["a"]}, "bdr_build_edits item 1 is the string 'a'; a mapping is wanted"),
        ({"edits": [{"file": "a", "pattern": "b"}]}, "bdr_build_edits item 1 has no replacement"),
        ({"extensions": "pglogical"}, "bdr_build_extensions is the string 'pglogical'; a list of mappings is wanted"),
        ({"extensions": [{"directory": "/a"}]}, "bdr_build_extensions item 1 has no name"),
    ],
)
def test_what_is_refused(options, wanted):
    (found,) = problems(**options)
    assert found.startswith(wanted)


def edit(**more: t.Any) -> dict[str, t.Any]:
    return {"file": "a", "pattern": "b", "replacement": "c", **more}


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        (edit(patern="b"), "has patern; known are file, pattern, replacement"),
        (edit(file="/etc/passwd"), "file is '/etc/passwd'; wanted: a path inside the source tree, such as"),
        (edit(file="src/../../a"), "file is 'src/../../a'; wanted: a path inside the source tree"),
        (edit(pattern="("), "pattern is '('; a regular expression is wanted (missing ), unterminated subpattern"),
        (edit(pattern=""), "pattern is the string ''; a regular expression is wanted"),
        (edit(replacement=1), "replacement is the number '1'; a string is wanted"),
    ],
)
def test_an_edit_that_is_refused(entry, wanted):
    (found,) = problems(edits=[edit(), entry])
    assert found.startswith(f"bdr_build_edits item 2 {wanted}")


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ({"url": "/a", "directory": "/a"}, "has url; known are name, repository, version, reference, archive"),
        (
            {},
            "repository, bdr_build_extensions item 2 archive or bdr_build_extensions item 2 directory is missing; one",
        ),
        ({"repository": "/a.git"}, "version is missing; bdr_build_extensions item 2 repository needs a branch"),
        (
            {"repository": REPOSITORY, "directory": "/a"},
            "repository and bdr_build_extensions item 2 directory are given",
        ),
        ({"archive": "/a"}, "checksum is missing; bdr_build_extensions item 2 archive needs one"),
        (
            {"name": "first", "directory": "/a"},
            "name is 'first', which is taken; each extension needs a name of its own",
        ),
        ({"name": "postgresql", "directory": "/a"}, "name is 'postgresql', which is taken"),
    ],
)
def test_an_extension_that_is_refused(entry, wanted):
    (found,) = problems(extensions=[{"name": "first", "directory": "/b"}, {"name": "second", **entry}])
    assert found.startswith(f"bdr_build_extensions item 2 {wanted}")


def test_a_port_is_no_password():
    assert spec(repository="https://host:8080/a@b").source.where == "https://host:8080/a@b"


def test_every_problem_is_told_at_once():
    assert len(problems(contrib="bdr", flags=["O3"], edits=["a", "b"], extensions=[{}])) == 6
