"""Time the role bdr_build against building the same tree by hand, a second run, and shipping, in one run.

    .venv/bin/python tests/bench/build.py     as root; `make bench` does it

Prints `figure NAME VALUE target <= LIMIT` for each figure, `info ...` for everything else. A target that is missed is
no failure: the line says it. The tree is the distribution's own PostgreSQL, with two contrib modules and no extension.
By hand means: unpack, configure, make -j, make install, and the same for contrib, with nothing tried afterwards. What
is made here is removed again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "collections"), str(CHECKOUT / "tests" / "integration")]

from builds import Build, SecondHost, distribution  # noqa: E402
from groups import Run  # noqa: E402

PREFIX = Path("/opt/pgbdr-bench")
WORK = Path("/var/cache/pgbdr-bench")
SECOND_RUNS = 3


def info(text: str) -> None:
    print(f"info {text}", flush=True)


def figure(name: str, value: float, target: str) -> None:
    print(f"figure {name} {value:.2f} target {target}", flush=True)


def by_hand(directory: Path, archive: str, contrib: list[str]) -> float:
    """Build the tree as its manual says, and return the seconds that took."""
    objects = directory / "objects"
    objects.mkdir()
    jobs = f"-j{len(os.sched_getaffinity(0))}"
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}

    def run(*command: str) -> None:
        with (directory / "log").open("a") as log:
            subprocess.run(command, cwd=objects, env=environment, stdout=log, stderr=log, check=True)

    began = time.monotonic()
    run("tar", "--extract", "--file", archive, "--directory", str(directory))
    (tree,) = (path for path in directory.iterdir() if path.is_dir() and path != objects)
    run(f"{tree}/configure", f"--prefix={directory}/installed", "CFLAGS=-O2")
    run("make", jobs)
    run("make", "install")
    for name in contrib:
        run("make", jobs, "-C", f"contrib/{name}")
        run("make", "-C", f"contrib/{name}", "install")
    return time.monotonic() - began


def timed(build: Build, *arguments: str) -> tuple[Run, float]:
    began = time.monotonic()
    run = build.must(*arguments)
    return run, time.monotonic() - began


def shipped(build: Build, directory: Path) -> float:
    """Bring the build to a host that lacks it, and return how much longer the run takes than one that does nothing."""
    with SecondHost(directory / "bravo", PREFIX) as bravo:
        hosts = {"alpha": {}, "bravo": {**bravo.variables, "result_file": str(directory / "none.json")}}
        both = Build(directory / "both", build.variables, PREFIX, WORK, hosts)
        run, whole = timed(both)
        assert ("Unpack the build", "bravo") in run.changed(), run.output
        again, idle = timed(both)
        assert not any(host == "bravo" for _task, host in again.changed()), again.output
    return whole - idle


def main() -> None:
    info("load average " + " ".join(f"{value:.1f}" for value in os.getloadavg()))
    variables = {**distribution(), "bdr_build_extensions": []}
    directory = Path(tempfile.mkdtemp(prefix="pgbdr-bench-"))
    build = Build(directory / "role", variables, PREFIX, WORK)
    build.remove()
    try:
        hand = by_hand(make(directory / "hand"), variables["bdr_build_archive"], variables["bdr_build_contrib"])
        info(f"by hand: {hand:.1f} s")
        run, role = timed(build)
        assert "bdr_build alpha: publish" in run.output, run.output
        info(f"by the role, with everything around it: {role:.1f} s")
        seconds = sorted(timed(build)[1] for _round in range(SECOND_RUNS))
        info("second runs: " + " ".join(f"{value:.2f}" for value in seconds) + " s")
        ship = shipped(build, directory)
        info(f"shipping, packed, fetched and unpacked: {ship:.1f} s")
    finally:
        build.remove()
        shutil.rmtree(directory)
    figure("build_vs_by_hand", role / hand, "<= 1.15")
    figure("build_second_run_seconds", seconds[len(seconds) // 2], "<= 5")
    figure("build_ship_vs_build", ship / role, "<= 0.1")


def make(directory: Path) -> Path:
    directory.mkdir()
    return directory


if __name__ == "__main__":
    main()
