# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a build works, and the programs that it runs."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._build import recipe as r

from .test_spec import ARCHIVE, spec

PLACES = r.Places("/w", "0123456789abcdef")
TREE = "/w/trees/0123456789ab"
COMMIT = "1" * 40
FINAL = "/opt/pgbdr/builds/9.3beta1-0123456789ab"


def test_nothing_of_the_caller_s_but_its_proxies():
    found = r.environment("/home", {"PATH": "/evil", "CC": "tcc", "https_proxy": "http://proxy:1", "MAKEFLAGS": "-k"})
    assert set(found) == {"PATH", "LC_ALL", "GIT_CONFIG_GLOBAL", "GIT_TERMINAL_PROMPT", "HOME", "https_proxy"}
    assert (found["PATH"], found["GIT_CONFIG_GLOBAL"]) == (r.PATH, "/home/gitconfig")


def test_places():
    assert [PLACES.lock, PLACES.log, PLACES.state] == [
        "/w/lock",
        "/w/logs/0123456789ab.log",
        "/w/logs/0123456789ab.json",
    ]
    assert [PLACES.tree, PLACES.objects, PLACES.stage] == [TREE, f"{TREE}/objects", f"{TREE}/stage"]
    remote = spec(archive="https://host/a.tar", checksum=ARCHIVE["checksum"]).source
    assert PLACES.archive(remote) == f"/w/fetched/{'ab' * 32}"
    one, other = spec(repository="/a.git").source, spec(repository="/b.git").source
    assert PLACES.repository(one) != PLACES.repository(other)
    assert PLACES.repository(one) == r.Places("/w", "f" * 16).repository(one), "one for all builds of a repository"


@pytest.mark.parametrize(("work", "takes"), [("/var/cache/pgbdr", True), ("/" + "w" * 80, False)])
def test_a_socket_has_a_short_name(work, takes):
    assert r.Places(work, "0" * 64).takes_sockets is takes


def test_a_commit_is_fetched_and_checked_out():
    each = spec().source
    store = PLACES.repository(each)
    fetches = r.fetches(PLACES, each, COMMIT)
    assert [command.arguments[:4] for command in fetches] == [("git", "fetch", "--quiet", "--no-tags")] * 3
    assert {command.env["GIT_DIR"] for command in fetches} == {store}
    head, tree = r.checkout(PLACES, "postgresql", each, COMMIT)
    assert head.arguments[-2:] == ("HEAD", COMMIT) and head.env == {"GIT_DIR": store}
    assert tree.env["GIT_WORK_TREE"] == f"{TREE}/sources/postgresql"
    assert r.has_commit(COMMIT)[-1] == f"{COMMIT}^{{commit}}"


def test_an_archive_is_unpacked():
    arguments = r.unpack(PLACES, "e", spec(**ARCHIVE).source).arguments
    assert arguments[-3:] == (f"/w/archives/{'ab' * 32}", "--directory", f"{TREE}/sources/e")


def told(options, **trees: str) -> dict[str, list[str]]:
    found = r.steps(options, PLACES, {"postgresql": "/src", **trees}, FINAL, ["--prefix=/p"], 4)
    return {step: [" ".join(command.arguments) for command in commands] for step, commands in found}


def test_the_programs_of_a_build():
    objects = f"{TREE}/objects"
    assert told(spec(contrib=["bdr"])) == {
        "configure": [f"env -C {objects} /src/configure --prefix=/p"],
        "compile": [f"make -j4 -C {objects}"],
        "contrib": [f"make -j4 -C {objects}/contrib/bdr"],
        "install": [
            f"make -C {objects} install DESTDIR={TREE}/stage",
            f"make -C {objects}/contrib/bdr install DESTDIR={TREE}/stage",
        ],
    }


def test_an_extension_is_built_against_the_staged_server_and_looks_for_libraries_in_the_final_place():
    found = told(spec(extensions=[{"name": "e", "directory": "/e"}]), e="/src/e")
    given = f"USE_PGXS=1 PG_CONFIG={TREE}/stage{FINAL}/bin/pg_config rpathdir={FINAL}/lib"
    assert found["extensions"] == [f"make -j4 -C /src/e {given}", f"make -C /src/e {given} install"]


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        (["bdr"], []),
        (["bdr", "test_decoding"], ["contrib/test_decoding"]),
        (["test_logical_decoding", "test_decoding"], ["contrib/test_decoding", "contrib/test_logical_decoding"]),
    ],
)
def test_what_decodes_in_the_smoke_test(there, wanted):
    assert [command.what for command in r.decoders(PLACES, there, 2)] == wanted
