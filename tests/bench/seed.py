"""Time re-seeds of 2 GB, by either method, against pg_dump piped into psql from the same donor, in one run.

    .venv/bin/python tests/bench/seed.py [--quick]      as root; `make bench` does it

Prints `figure NAME VALUE target <= LIMIT` for each figure, `info ...` for everything else. A target that is missed is
no failure: the line says it. A node that does not hold the same as its donor in the end is one.

The donor has 20 tables of 50 MB and one of 1 GB, each with a primary key, and a client that writes all along. The whole
is from the first task to the last before the nodes are compared. The group made here is removed again.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "collections"), str(CHECKOUT / "tests" / "integration")]

from groups import Group  # noqa: E402

PORT = 5530
BIN = "/usr/lib/postgresql/15/bin"
JOBS = ("-e", f"bdr_seed_jobs={os.cpu_count()}")
SMALL_TABLES = 20
ROWS_OF_50_MB = 370_000
# Rows that a session writes under an origin are not sent on: what is measured is the copy.
LOAD = """
CREATE TABLE public.{name} (id int, note text);
SELECT pg_replication_origin_create('bench')
 WHERE NOT EXISTS (SELECT FROM pg_replication_origin WHERE roname = 'bench');
SELECT pg_replication_origin_session_setup('bench');
INSERT INTO public.{name} SELECT i, repeat(md5(i::text), 3) FROM generate_series(1, {rows}) i;
ALTER TABLE public.{name} ADD PRIMARY KEY (id);
"""


def info(text: str) -> None:
    print(f"info {text}", flush=True)


def figure(name: str, value: float, target: str) -> None:
    print(f"figure {name} {value:.2f} target {target}", flush=True)


class Writer:
    """A client that writes one row a transaction. Knows when it wrote."""

    def __init__(self, group: Group) -> None:
        self.times: list[float] = []
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._write, args=(group,))
        self._thread.start()

    def _write(self, group: Group) -> None:
        with group.session("alpha") as session, session.cursor() as cursor:
            session.autocommit = True
            while not self._enough.is_set():
                cursor.execute("INSERT INTO written DEFAULT VALUES")
                self.times.append(time.monotonic())

    def rate(self, since: float, until: float) -> float:
        """Return rows a second."""
        return sum(since <= when < until for when in self.times) / (until - since)

    def pause(self, since: float) -> float:
        """Return the longest time between two rows, in seconds."""
        times = [when for when in self.times if when >= since]
        return max(later - earlier for earlier, later in zip(times, times[1:], strict=False))

    def end(self) -> None:
        """Stop, and wait for it."""
        self._enough.set()
        self._thread.join()


def dumped(group: Group) -> float:
    """Return how long it takes to bring the tables into another database of charlie by hand."""
    group.sql("charlie", "CREATE DATABASE by_hand", database="postgres")
    alpha, charlie = (f"-h /var/run/postgresql -U postgres -p {group.ports[name]}" for name in ("alpha", "charlie"))
    began = time.monotonic()
    script = f"set -e -o pipefail; {BIN}/pg_dump {alpha} -t 't*' appdb | {BIN}/psql {charlie} -qX -d by_hand"
    subprocess.run(["bash", "-c", script], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def task_times(log: Path) -> list[tuple[str, float]]:
    """Return each task or play of a run with the time it began."""
    pattern = re.compile(r"^(\d{4}-\S+ \d\d:\d\d:\d\d),(\d{3}) .*\| (?:TASK|PLAY) \[(.*?)\]")
    found = []
    for line in log.read_text("utf-8").splitlines():
        match = pattern.match(line)
        if match:
            when = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S").timestamp() + int(match[2]) / 1000
            found.append((match[3].split(" : ")[-1], when))
    return found


def measure(group: Group, rows: int) -> None:
    group.everywhere("CREATE TABLE written (id bigserial PRIMARY KEY, at timestamptz DEFAULT now())")
    for name, of_50_mb in [*((f"t{number}", 1) for number in range(SMALL_TABLES)), ("t_large", 20)]:
        group.sql("alpha", LOAD.format(name=name, rows=rows * of_50_mb))
    group.sql("alpha", "VACUUM (ANALYZE, FREEZE)")
    group.sql("alpha", "CHECKPOINT")
    writer = Writer(group)
    try:
        began = time.monotonic()
        by_hand = dumped(group)
        while_dumped = writer.rate(began, time.monotonic())
        began = time.monotonic()
        time.sleep(10)
        before = writer.rate(began, time.monotonic())
        began = time.monotonic()
        group.must("site")
        while_looked = writer.rate(began, time.monotonic())
        for method in ("physical", "logical"):
            began = time.monotonic()
            copy, whole = seeded(group, method)
            meanwhile = writer.rate(began, time.monotonic())
            pause = writer.pause(began)
            info(f"{method}: pg_dump into psql {by_hand:.1f} s, copy {copy:.1f} s, whole {whole:.1f} s")
            info(
                f"rows a second: {before:.0f} before, {while_looked:.0f} while site.yml changes nothing, "
                f"{while_dumped:.0f} while dumped, {meanwhile:.0f} while re-seeded"
            )
            figure(f"{method} copy/pg_dump into psql", copy / by_hand, "<= 0.8")
            figure(f"{method} whole re-seed/copy", whole / copy, "<= 1.3")
            info(f"{method} whole re-seed/pg_dump into psql {whole / by_hand:.2f}")
            figure(f"{method} writer meanwhile/before", meanwhile / before, ">= 0.7")
            # Controller, servers and writer share this machine's cores: what Ansible alone costs the writer.
            info(f"{method} writer meanwhile/while site.yml changes nothing {meanwhile / while_looked:.2f}")
            figure(f"{method} longest pause of the writer, s", pause, "<= 2")
    finally:
        writer.end()


def seeded(group: Group, method: str) -> tuple[float, float]:
    """Re-seed, and return how long the copy and the whole took."""
    log = group.directory / f"{method}.log"
    os.environ["ANSIBLE_LOG_PATH"] = str(log)
    named = ("-e", "bdr_node=charlie", "-e", "bdr_confirm=charlie", "-e", "bdr_force=charlie")
    run = group.play("reseed", *named, "-e", f"bdr_seed_method={method}", *JOBS)
    os.environ.pop("ANSIBLE_LOG_PATH")
    if run.code or "alpha, charlie: equal" not in run.output:
        sys.exit(f"the re-seed is wrong:\n{run.output}")
    for line in run.output.splitlines():
        if line.startswith("reseed alpha to"):
            info(line)
    times = task_times(log)
    at = {name: place for place, (name, _when) in reversed(list(enumerate(times)))}
    task = at["Copy the donor" if method == "physical" else "Copy the donor table by table"]
    copy = times[task + 1][1] - times[task][1]
    whole = times[at["Compare the rows of all nodes"]][1] - times[0][1]
    return copy, whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    arguments = parser.parse_args()
    os.environ["ANSIBLE_CONFIG"] = str(CHECKOUT / "ansible.cfg")
    with tempfile.TemporaryDirectory() as directory:
        variables = {"bdr_settings": {"max_wal_size": "8GB"}, "bdr_allowed_downtime_seconds": 36000}
        group = Group("benchseed", Path(directory), {"alpha": PORT, "charlie": PORT + 1}, variables)
        try:
            group.must()
            measure(group, ROWS_OF_50_MB // 10 if arguments.quick else ROWS_OF_50_MB)
        finally:
            group.remove()


if __name__ == "__main__":
    main()
