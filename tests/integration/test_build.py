"""The role bdr_build builds the distribution's own PostgreSQL, with contrib modules and an extension, for real.

One big build serves all tests. On its way there it is killed, loses its controller and is joined.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import re
import shutil
import signal
import subprocess
import tarfile
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
from builds import PREFIX, USER, WORK, Build, SecondHost, distribution, processes_of
from groups import Group, Run, words

pytestmark = pytest.mark.server


@dataclass
class Built:
    """The big build, and every run that it took."""

    build: Build
    predicted: Run
    killed: Run
    left: list[str]
    abandoned: dict[str, t.Any]
    joined: Run
    result: dict[str, t.Any]
    state: dict[str, t.Any]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Built]:
    """Build once: predict it, kill it at work, leave it alone at work, join it."""
    build = Build(tmp_path_factory.mktemp("build"), distribution())
    build.remove()
    predicted = build.must("--check")
    assert not PREFIX.exists() and not WORK.exists(), "check mode has changed something"

    run = build.start()
    os.kill(build.wait_for("configure")["pid"], signal.SIGKILL)
    output, _none = run.communicate(timeout=60)
    killed = build.run_of(run.returncode, output)
    left = gone_within(20)

    run = build.start()
    abandoned = build.wait_for("compile")
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate(timeout=60)

    joined = build.must()
    yield Built(build, predicted, killed, left, abandoned, joined, build.result, build.state())
    build.remove()


def gone_within(seconds: float) -> list[str]:
    """Wait until no process of the user that compiles is left; return those that are."""
    deadline = time.monotonic() + seconds
    while (left := processes_of(USER, WORK)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return left


def said(program: str, *arguments: str) -> str:
    done = subprocess.run([str(PREFIX / "test" / "bin" / program), *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# --- The one big build ----------------------------------------------------------------------------


def test_a_dry_run_predicts_the_build(built: Built) -> None:
    assert ("Build the server", "alpha") in built.predicted.changed()


def test_a_build_that_is_killed_says_so_and_leaves_nothing_at_work(built: Built) -> None:
    assert built.killed.code != 0
    assert "the build was killed at step configure" in words(built.killed.errors()[0])
    assert built.left == []


def test_a_run_joins_the_build_that_another_left(built: Built) -> None:
    assert built.state["run"] == built.abandoned["run"], "it was begun anew"
    steps = re.findall(r"bdr_build alpha: ([a-z ]+) \((\d) of 9\), \d+ s", built.joined.output)
    # Who joins is told of what is done already.
    assert list(dict.fromkeys(name for name, _number in steps)) == [
        *("fetch", "edit", "configure", "compile", "contrib", "install", "extensions", "smoke test", "publish")
    ]
    assert [number for _name, number in dict.fromkeys(steps)] == list("123456789")
    # It is told of the same step again when nothing else happens.
    assert len(steps) > len(set(steps))


def test_the_manifest_says_what_was_built(built: Built) -> None:
    manifest = built.result["manifest"]
    version = re.search(r"_(15\.\d+)\.orig", built.build.variables["bdr_build_archive"])[1]
    assert built.result["directory"] == str(PREFIX / "builds" / f"{version}-{manifest['key'][:12]}")
    assert manifest["postgresql_version"] == version
    assert manifest["major"] == "15"
    assert manifest["catalog_version"] > 202200000
    assert manifest["contrib"] == ["test_decoding", "btree_gist"]
    assert [extension["name"] for extension in manifest["extensions"]] == ["pglogical"]
    # A tree of today gets nothing but what a release gets.
    assert manifest["adaptations"] == []
    assert manifest["flags"] == ["-O2"]
    assert {"libc6", "libreadline8", "zlib1g"} <= set(manifest["runtime_packages"])
    assert "libpq5" not in manifest["runtime_packages"], "it has a libpq of its own"


def test_the_server_was_tried(built: Built) -> None:
    assert built.result["manifest"]["smoke_test"] == {
        **{"insert": True, "update": True, "delete": True, "decoded": True},
        "preloaded": ["pglogical"],
    }


def test_programs_run_where_they_were_installed(built: Built) -> None:
    assert said("postgres", "--version") == f"postgres (PostgreSQL) {built.result['manifest']['postgresql_version']}"
    libraries = subprocess.run(
        ["ldd", str(PREFIX / "test" / "bin" / "psql"), f"{said('pg_config', '--pkglibdir')}/pglogical.so"],
        capture_output=True,
        text=True,
    ).stdout
    assert "not found" not in libraries
    assert re.findall(r"libpq\.so\.5 => (\S+)/lib/libpq", libraries) == [built.result["directory"]] * 2
    assert (Path(said("pg_config", "--sharedir")) / "extension" / "pglogical.control").exists()
    assert (Path(said("pg_config", "--sharedir")) / "extension" / "btree_gist.control").exists()


def test_all_of_it_is_root_s(built: Built) -> None:
    paths = [Path(built.result["directory"]), *Path(built.result["directory"]).rglob("*")]
    assert len(paths) > 1000
    assert [path for path in paths if path.lstat().st_uid or path.lstat().st_gid] == []
    assert [path for path in paths if not path.is_symlink() and path.lstat().st_mode & 0o7022] == []


def test_the_trees_are_gone_and_the_log_is_not(built: Built) -> None:
    assert list(WORK.glob("trees/*")) == []
    assert "=== smoke test" in Path(built.result["log"]).read_text()


def test_a_second_run_changes_nothing(built: Built) -> None:
    before = Path(built.result["log"]).stat().st_mtime
    run = built.build.must()
    assert run.changed() == {("Write what it was", "alpha")} or run.changed() == set()
    assert "bdr_build alpha:" not in run.output
    assert Path(built.result["log"]).stat().st_mtime == before


def test_an_edit_makes_another_build(built: Built) -> None:
    edit = {"file": "src/include/c.h", "pattern": r"\A", "replacement": "/* ours */\n"}
    run = built.build.must("--check", bdr_build_edits=[edit])
    assert ("Build the server", "alpha") in run.changed()
    assert built.build.result["key"] != built.result["key"]


# --- A group on it --------------------------------------------------------------------------------


def test_the_quickstart_group_stands_on_it(built: Built, make_group: t.Callable[..., Group]) -> None:
    """The group of `make site`, on the server that was built and not on the distribution's."""
    where = {"bdr_build_prefix": str(PREFIX), "bdr_build_work_directory": str(WORK)}
    group = make_group("btest", 5451, ("alpha", "bravo", "charlie"), bdr_build=True, **where, **distribution())
    run = group.must()
    assert "bdr_build alpha:" not in run.output, "built once more"
    assert run.output.count("streaming") == 6
    assert {exe_of(group, node) for node in group.ports} == {f"{built.result['directory']}/bin/postgres"}
    assert group.must().changed() == set()
    group.remove()
    assert not os.path.lexists("/opt/pgbdr/btest")


def test_another_build_is_a_rolling_restart(built: Built, make_group: t.Callable[..., Group]) -> None:
    """A build beside the first: its servers change over one at a time, and go on replicating."""
    where = {"bdr_build_prefix": str(PREFIX), "bdr_build_work_directory": str(WORK)}
    group = make_group("bswap", 5455, ("alpha", "bravo"), bdr_build=True, **where, **distribution())
    group.must()
    other = PREFIX / "builds" / "another"
    shutil.copytree(built.result["directory"], other, symlinks=True)
    link = Path("/opt/pgbdr/bswap")
    link.unlink()
    link.symlink_to(other)
    # Somebody moves the link and restarts by hand: the group runs another build than the one its variables name.
    for node in group.ports:
        group.restart_by_hand(node)
    assert {exe_of(group, node) for node in group.ports} == {f"{other}/bin/postgres"}
    run = group.must()
    assert "Restart the node and wait until its links stream again" in {task for task, _host in run.changed()}
    assert {exe_of(group, node) for node in group.ports} == {f"{built.result['directory']}/bin/postgres"}
    assert group.must().changed() == set()
    group.remove()
    shutil.rmtree(other)


def exe_of(group: Group, node: str) -> str:
    """Return the program that a node's server runs."""
    pid = int((group.home(node) / "data/postmaster.pid").read_text().split()[0])
    return os.readlink(f"/proc/{pid}/exe")


# --- Shipping -------------------------------------------------------------------------------------


def test_a_second_host_gets_it_shipped(built: Built, tmp_path: Path) -> None:
    with SecondHost(tmp_path / "bravo", PREFIX) as bravo:
        hosts = {"alpha": {}, "bravo": {**bravo.variables, "result_file": str(tmp_path / "none.json")}}
        build = Build(tmp_path / "play", built.build.variables, hosts=hosts)
        predicted = build.must("--check")
        assert ("Pack the build on its builder", "bravo") in predicted.changed()
        assert list((tmp_path / "bravo").iterdir()) == []

        run = build.must()
        assert "bdr_build bravo" not in run.output and "bdr_build alpha" not in run.output, "it was built again"
        assert ("Unpack the build", "bravo") in run.changed()
        shipped = tmp_path / "bravo" / "builds" / Path(built.result["directory"]).name
        assert contents(shipped) == contents(Path(built.result["directory"]))
        assert bravo.run(str(PREFIX / "test" / "bin" / "postgres"), "--version").startswith("postgres (PostgreSQL) 15")
        (archive,) = (build.directory / "cache").iterdir()
        with tarfile.open(archive) as packed:
            assert packed.getnames()[-1] == f"{shipped.name}/pgbdr-build.json"

        assert build.must().changed() == {("Write what it was", "alpha")}
        # What a killed unpacking leaves has no manifest; the next run mends it.
        (shipped / "pgbdr-build.json").unlink()
        shutil.rmtree(shipped / "bin")
        assert ("Unpack the build", "bravo") in build.must().changed()
        assert contents(shipped) == contents(Path(built.result["directory"]))


def contents(directory: Path) -> dict[str, tuple[int, int, int]]:
    """Return mode, owner and size of everything in a directory."""
    return {
        str(path.relative_to(directory)): (path.lstat().st_mode, path.lstat().st_uid, path.lstat().st_size)
        for path in directory.rglob("*")
        if not path.is_dir()
    }


# --- What fails while it builds -------------------------------------------------------------------


def test_a_compile_error_shows_the_first_error_and_the_log(built: Built) -> None:
    edit = {"file": "src/port/path.c", "pattern": r"^canonicalize_path\(", "replacement": "canonicalize_path(garbage "}
    run = built.build.play(bdr_build_edits=[edit])
    assert run.code != 0
    (error,) = run.errors()
    assert "compile failed:" in error
    assert re.search(r"path\.c:\d+:\d+: error: ", error), error
    log = Path(re.search(r"The whole log: (\S+)", error)[1])
    assert ": error: " in log.read_text()
    assert list((PREFIX / "builds").iterdir()) == [Path(built.result["directory"])]


def test_a_tree_in_git_that_is_not_postgresql_is_told_after_the_fetch(built: Built, tmp_path: Path) -> None:
    repository = tiny_repository(tmp_path)
    run = built.build.play(**from_git(repository))
    assert f"{repository} main is not a PostgreSQL source tree" in words(run.errors()[0])
    assert list((PREFIX / "builds").iterdir()) == [Path(built.result["directory"])]


def test_a_repository_nearby_has_the_history(built: Built, tmp_path: Path) -> None:
    repository = tiny_repository(tmp_path)
    reference = Path(f"{repository}-reference")
    shutil.rmtree(reference, ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", "--bare", str(repository), str(reference)], check=True)
    run = built.build.play(**from_git(repository), bdr_build_reference=str(reference))
    assert f"{repository} main is not a PostgreSQL source tree" in words(run.errors()[0])
    alternates = [path.read_text().strip() for path in WORK.glob("fetched/*.git/objects/info/alternates")]
    assert f"{reference}/objects" in alternates


@pytest.fixture
def url(tmp_path: Path) -> t.Iterator[str]:
    """Return the URL of a tarball that is no PostgreSQL."""
    archive = Path(distribution()["bdr_build_extensions"][0]["archive"])
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(archive.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{archive.name}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("is_right", [True, False])
def test_an_archive_behind_a_url(built: Built, url: str, is_right: bool) -> None:
    right = distribution()["bdr_build_extensions"][0]["checksum"]
    given = right if is_right else f"sha256:{'0' * 64}"
    run = built.build.play(bdr_build_archive=url, bdr_build_checksum=given, bdr_build_extensions=[])
    wanted = f"{url} is not a PostgreSQL source tree" if is_right else f"{url} has {right}, wanted is {given}"
    assert wanted in words(run.errors()[0])


def tiny_repository(directory: Path) -> Path:
    repository = Path("/var/tmp") / f"pgbdr-test-{directory.name}"
    shutil.rmtree(repository, ignore_errors=True)
    git = ["git", "-C", str(repository), "-c", "user.name=x", "-c", "user.email=x@x.example"]
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(repository)], check=True)
    (repository / "README").write_text("nothing to build\n")
    subprocess.run([*git, "add", "README"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "x"], check=True)
    return repository


# --- What is refused before anything is changed ---------------------------------------------------


def from_git(repository: Path | str, version: str = "main") -> dict[str, t.Any]:
    """Return variables that take the source from a repository instead."""
    return {
        **{"bdr_build_archive": "", "bdr_build_checksum": "", "bdr_build_extensions": []},
        **{"bdr_build_repository": str(repository), "bdr_build_version": version},
    }


@pytest.fixture
def fresh(tmp_path: Path) -> t.Iterator[Build]:
    """Return a build that never comes to be."""
    build = Build(tmp_path, distribution(), tmp_path / "prefix", tmp_path / "work")
    yield build


def refused(build: Build, **variables: t.Any) -> str:
    """Run the play and see it refuse, with one error, before anything is changed."""
    run = build.play(**variables)
    assert run.code != 0, run.output
    assert run.changed() == set()
    assert not build.prefix.exists() and not list(build.work.rglob("*"))
    (error,) = run.errors()
    return words(error)


def test_a_repository_that_is_not_there(fresh: Build) -> None:
    error = refused(fresh, **from_git("/nowhere/at/all"))
    assert error.startswith("bdr_build_repository: git cannot read /nowhere/at/all: fatal: ")


def test_a_ref_that_is_not_there(fresh: Build, tmp_path: Path) -> None:
    error = refused(fresh, **from_git(tiny_repository(tmp_path), "maine"))
    assert "bdr_build_version: " in error and "has no branch or tag 'maine'" in error


def test_an_archive_that_is_another(fresh: Build) -> None:
    wrong = f"sha256:{'0' * 64}"
    error = refused(fresh, bdr_build_checksum=wrong)
    assert error.startswith("bdr_build_checksum: ") and f"wanted is {wrong}" in error
    assert distribution()["bdr_build_checksum"] in error


def test_an_archive_without_a_checksum(fresh: Build) -> None:
    assert refused(fresh, bdr_build_checksum="").startswith("bdr_build_checksum is missing; ")


def test_two_sources(fresh: Build) -> None:
    error = refused(fresh, bdr_build_directory="/usr/src/postgresql")
    assert error.startswith("bdr_build_archive and bdr_build_directory are given; ")
    error = refused(fresh, bdr_build_repository="/srv/postgresql.git")
    assert error.startswith("bdr_build_repository and bdr_build_archive are given; ")


def test_a_tree_that_is_not_postgresql(fresh: Build, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    none = {"bdr_build_archive": "", "bdr_build_checksum": "", "bdr_build_directory": str(tree)}
    assert f"bdr_build_directory: {tree} is not a PostgreSQL source tree" in refused(fresh, **none)
    pglogical = distribution()["bdr_build_extensions"][0]
    other = {"bdr_build_archive": pglogical["archive"], "bdr_build_checksum": pglogical["checksum"]}
    assert "bdr_build_archive: " in refused(fresh, **other)


def test_a_tree_without_the_contrib_module(fresh: Build) -> None:
    error = refused(fresh, bdr_build_contrib=["btree_gist", "bdr"])
    assert "bdr_build_contrib: " in error and "has no contrib/bdr" in error


def test_an_edit_that_does_nothing(fresh: Build) -> None:
    wrong = [
        {"file": "src/backend/nowhere.c", "pattern": "a", "replacement": "b"},
        {"file": "src/include/c.h", "pattern": "this is not there", "replacement": ""},
    ]
    error = refused(fresh, bdr_build_edits=wrong)
    assert "has no file src/backend/nowhere.c" in error
    assert "nothing in src/include/c.h matches 'this is not there'" in error


def test_keys_that_nobody_knows(fresh: Build) -> None:
    error = refused(fresh, bdr_build_edits=[{"file": "a", "patern": "b", "replacement": "c"}])
    assert "bdr_build_edits item 1 has patern; known are file, pattern, replacement" in error
    error = refused(fresh, bdr_build_extensions=[{"name": "a", "url": "b"}])
    assert "bdr_build_extensions item 1 has url; known are name, repository" in error


@contextlib.contextmanager
def small_disk(directory: Path) -> t.Iterator[None]:
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(directory)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def test_too_little_disk(fresh: Build) -> None:
    with small_disk(fresh.work):
        error = refused(fresh)
    assert f"bdr_build_work_directory: {fresh.work} has 64 MB free, 700 MB are needed to build" in error
