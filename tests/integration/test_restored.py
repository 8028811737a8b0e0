"""An older copy of a node's data, or another node's, is noticed and shut out before it diverges."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._restored import evidence
from groups import Group, Run, eventually, words
from modules import Runner, node_plans, runner, stand

NODES = ("alpha", "bravo", "charlie")
BIN = "/usr/lib/postgresql/15/bin"
MEND = "reseed.yml -e bdr_node=charlie -e bdr_confirm=charlie -e bdr_accept_loss=charlie"
RESEED = ("-e", "bdr_node=charlie", "-e", "bdr_confirm=charlie", "-e", "bdr_accept_loss=charlie")
ROWS = "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM town t"


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a group that stands, of nodes that were seeded: they share one system identifier."""
    made = stand(make_group("itold", 6260, NODES))
    made.everywhere("CREATE TABLE town (id text PRIMARY KEY)")
    made.must("reseed", *RESEED, "-e", "bdr_donor=alpha", "-e", "bdr_force=charlie")
    return made


@pytest.fixture
def run(group: Group, capsys: pytest.CaptureFixture[str]) -> Runner:
    """Return a runner of modules on the nodes of the group."""
    return runner(group, capsys)


def as_postgres(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["runuser", "-u", "postgres", "--", "env", "-C", "/", *command], capture_output=True, text=True
    )


def data(group: Group, node: str = "charlie") -> Path:
    return group.home(node) / "data"


def stop(group: Group, node: str = "charlie") -> None:
    """Stop a server as its service does."""
    done = as_postgres(f"{BIN}/pg_ctl", "-D", str(data(group, node)), "-w", "-m", "fast", "stop")
    assert done.returncode == 0, done.stderr
    as_postgres("sh", f"{group.home(node)}/start_check", "note")


def start(group: Group, node: str = "charlie") -> str:
    """Start a server as its service does; return why it does not."""
    looked = as_postgres("sh", f"{group.home(node)}/start_check", "start")
    if looked.returncode:
        return looked.stderr
    log = f"{group.home(node)}/log/startup.log"
    passfile = f"PGPASSFILE={group.home(node)}/passfile"
    pg_ctl = (passfile, f"{BIN}/pg_ctl", "-D", str(data(group, node)), "-w", "-l", log, "-s", "start")
    # Children of a server that crashed may hold its memory for a moment; its service tries again, too.
    eventually(lambda: as_postgres(*pg_ctl).returncode, 0)
    return ""


def crash(group: Group, node: str = "charlie") -> None:
    """Kill a server with all its processes, in the middle of whatever they do."""
    postmaster = int((data(group, node) / "postmaster.pid").read_text().split()[0])
    children = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True).stdout.split()
    for pid in [postmaster, *map(int, children)]:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: is_gone(postmaster), True)


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def write(group: Group, what: str) -> None:
    for node in NODES:
        group.sql(node, "INSERT INTO town VALUES (%s)", f"{what} on {node}")
    equal(group)


def equal(group: Group) -> None:
    eventually(lambda: len({tuple(group.sql(node, ROWS)) for node in NODES}), 1)


def mended(group: Group) -> None:
    """reseed.yml, as it was told to be run, brings the node back."""
    group.must("reseed", *RESEED)
    equal(group)
    write(group, f"mended {group.sql('alpha', 'SELECT count(*) FROM town')}")


def refused(run: Run, *told: str) -> None:
    """The run ended with one error about charlie, which names what tells it and what mends it."""
    assert run.code != 0
    assert len(run.errors()) == 1, run.errors()
    for text in (*told, MEND):
        assert text in words(run.errors()[0])


def test_a_restored_backup_is_not_started(group: Group, tmp_path: Path) -> None:
    stop(group)
    copy(data(group), tmp_path / "old")
    assert start(group) == ""
    write(group, "later")
    stop(group)
    copy(tmp_path / "old", data(group))
    told = start(group)
    assert "is older than what ran here before: its last checkpoint is at" in told
    assert MEND in told
    refused(group.play("site"), "is older than what ran here before")
    status = group.play("status")
    assert status.code != 0
    assert "is older than what ran here before" in words(status.output)
    assert MEND in words(status.output)
    mended(group)


def test_a_copy_of_another_node_is_not_started(group: Group, tmp_path: Path) -> None:
    stop(group)
    stop(group, "alpha")
    copy(data(group, "alpha"), data(group))
    assert start(group, "alpha") == ""
    assert f"is a copy of the data of alpha of the group {group.name}" in start(group)
    refused(group.play("site"), "is a copy of the data of alpha")
    mended(group)


def test_a_crash_is_no_restored_backup(group: Group) -> None:
    write(group, "before the crash")
    group.sql("charlie", "CHECKPOINT")
    group.must("site")
    group.sql("charlie", "INSERT INTO town SELECT 'crash ' || i FROM generate_series(1, 2000) i")
    crash(group)
    assert start(group) == ""
    crash(group)
    group.must("site")
    equal(group)
    assert group.must("site").changed() == set()


def test_a_node_that_is_written_to_is_a_suspect_at_most(group: Group, run: Runner) -> None:
    """The others are looked at after it, and have what it wrote meanwhile."""
    found = {"charlie": run("restored_info", "charlie")}
    write(group, "between two looks")
    found.update({node: run("restored_info", node) for node in ("alpha", "bravo")})
    plan = {"nodes": node_plans(group)}
    assert list(evidence(plan, found)) == ["charlie"]
    assert evidence(plan, found, {"charlie": run("restored_info", "charlie")}) == {}


def test_what_an_operator_accepts_is_started(group: Group, tmp_path: Path) -> None:
    """Nothing was sent since the copy was made, so no other node knows more."""
    stop(group)
    copy(data(group), tmp_path / "old")
    assert start(group) == ""
    group.sql("charlie", "CREATE TEMP TABLE t AS SELECT 1; CHECKPOINT")
    stop(group)
    copy(tmp_path / "old", data(group))
    wrong = group.play("site", "-e", "bdr_accept_restored=zulu")
    assert "bdr_accept_restored names 'zulu'" in words(wrong.output)
    refused(wrong, "is older than what ran here before")
    accept = ("site", "-e", "bdr_accept_restored=charlie")
    change = ("Bring up the instance", "charlie")
    assert change in group.must(*accept, "--check").changed()
    assert start(group) != "", "check mode has accepted it"
    assert change in group.must(*accept).changed()
    assert group.must("site").changed() == set()
    write(group, "accepted")


def test_a_home_that_was_restored_as_a_whole_is_stopped(group: Group, tmp_path: Path) -> None:
    """Its own notes are as old as its data: only the others can tell."""
    stop(group)
    copy(group.home("charlie"), tmp_path / "old")
    assert start(group) == ""
    write(group, "much later")
    group.sql("alpha", "INSERT INTO town SELECT 'alpha ' || i FROM generate_series(1, 2000) i")
    group.sql("charlie", "INSERT INTO town SELECT 'charlie ' || i FROM generate_series(1, 2000) i")
    equal(group)
    stop(group)
    copy(tmp_path / "old", group.home("charlie"))
    assert start(group) == ""
    status = group.play("status")
    assert status.code != 0
    assert "alpha has its changes of appdb up to" in words(status.output)
    assert MEND in words(status.output)
    looked = group.play("site", "--check")
    refused(looked, "alpha has its changes of appdb up to")
    assert (data(group) / "postmaster.pid").exists()
    refused(group.play("site"), "alpha has its changes of appdb up to", "its own WAL ends at")
    assert not (data(group) / "postmaster.pid").exists()
    assert "alpha has its changes of appdb up to" in start(group)
    mended(group)
