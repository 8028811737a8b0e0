# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of a build, its place, its manifest, and what it runs with."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._build import manifest as m
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.adapt import Adaptation

from .test_spec import ARCHIVE, spec

SOURCES = {"postgresql": "commit 0123"}
GCC, PLATFORM = "/usr/bin/gcc 12.2.0", "x86_64 debian 12"


def key(sources=None, compiler=GCC, platform=PLATFORM, **options) -> str:
    return m.key(spec(**options), sources or SOURCES, compiler, platform)


EDIT = {"file": "a.c", "pattern": "b", "replacement": "c"}


@pytest.mark.parametrize(
    "change",
    [
        {"sources": {"postgresql": "commit 4567"}},
        {"compiler": "/usr/bin/gcc 13.1.0"},
        {"platform": "aarch64 debian 12"},
        {"prefix": "/srv/pgbdr"},
        {"flags": ["-O3"]},
        {"configure": ["--with-openssl"]},
        {"contrib": ["btree_gist"]},
        {"extensions": [{"name": "pglogical", "directory": "/a"}]},
        {"debug": True},
        {"edits": [EDIT]},
    ],
)
def test_what_changes_a_build_changes_its_key(change):
    assert key(**change) != key()


def test_each_part_of_an_edit_counts():
    keys = {key(edits=[{**EDIT, name: "other"}]) for name in EDIT}
    assert len({key(edits=[EDIT]), *keys}) == 4


@pytest.mark.parametrize(
    "same", [{"user": "nobody"}, {"work_directory": "/tmp/a"}, {"packages": ["gcc"]}, {"version": "x"}]
)
def test_what_does_not_change_a_build(same):
    assert key(**same) == key()
    assert len(key()) == 64


def test_where_a_build_lies():
    path = m.directory(spec(prefix="/srv/pg"), "9.3beta1", "0123456789abcdef")
    assert path == "/srv/pg/builds/9.3beta1-0123456789ab"
    assert m.is_build("9.3beta1-0123456789ab", "0123456789abcdef")
    assert not m.is_build(".9.3beta1-0123456789ab", "0123456789abcdef")
    assert not m.is_build("9.3beta1-1123456789ab", "0123456789abcdef")


def test_a_manifest():
    options = spec(**ARCHIVE, edits=[EDIT], extensions=[{"name": "e", "repository": "/e.git", "version": "main"}])
    sources = {"postgresql": "sha256 abab", "e": "commit 0123"}
    found = m.manifest(options, sources, [Adaptation("old C", flag="-fcommon")], {"major": "15"})
    assert found == {
        "major": "15",
        "source": {
            "commit": "",
            "kind": "archive",
            "url": "/srv/postgresql.tar.bz2",
            "version": "",
            "sha256": "abab",
        },
        "configure": [],
        "contrib": ["btree_gist", "bdr"],
        "extensions": [{"name": "e", "kind": "git", "url": "/e.git", "version": "main", "commit": "0123"}],
        "edits": [EDIT],
        "adaptations": [{"what": "-fcommon", "why": "old C"}],
        "debug": False,
    }


LDD = """/s/bin/psql:
\tlinux-vdso.so.1 (0x00007ffd)
\tlibpq.so.5 => /s/lib/libpq.so.5 (0x00007f0a)
\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f0b)
\tlibgone.so.1 => not found
\t/lib64/ld-linux-x86-64.so.2 (0x00007f0c)
/s/lib/a.so:
\tstatically linked
\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f0b)
"""


def test_libraries():
    assert m.libraries(LDD) == ["/lib/x86_64-linux-gnu/libz.so.1", "/s/lib/libpq.so.5"]


def test_dpkg_may_know_either_side():
    assert m.sides(["/usr/lib/a/libz.so.1", "/opt/lib/b.so"]) == [
        "/lib/a/libz.so.1",
        "/opt/lib/b.so",
        "/usr/lib/a/libz.so.1",
    ]


DPKG = """diversion by dash from: /bin/sh
libc6:amd64, libc6-i386: /lib64/ld-linux-x86-64.so.2
zlib1g:amd64: /lib/x86_64-linux-gnu/libz.so.1
"""


def test_packages():
    assert m.package_names(DPKG) == ["libc6", "libc6-i386", "zlib1g"]
