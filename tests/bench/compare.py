"""Time a comparison of two nodes against one count(*) of the same table on one node, in one run.

    .venv/bin/python tests/bench/compare.py [--quick]      as root; `make bench` does it

Prints `figure NAME VALUE target <= LIMIT` for each figure, `info ...` for everything else. A target that is missed is
no failure: the line says it. A comparison that does not find the one row that is planted, and that alone, is one.

The table is pgbench's largest, 7.5 million rows, 1 GB, in the memory of both servers. All take turns, and a figure is
the median of the rounds' ratios. By hand means: COPY of both nodes by psql, sorted and compared by diff. Memory is the
largest that the module's process had. The group made here is removed again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "collections"), str(CHECKOUT / "tests" / "integration")]

from groups import Group  # noqa: E402

NODES = ("alpha", "bravo")
ROWS, QUICK_ROWS = 7_500_000, 500_000
ROUNDS = 3
PLANTED = 4711
# Rows that a session writes under an origin are not sent on: each node gets the table by itself.
LOAD = """
CREATE TABLE public.pgbench_accounts (aid int, bid int, abalance int, filler char(84)) WITH (fillfactor = 100);
SELECT pg_replication_origin_create('bench');
SELECT pg_replication_origin_session_setup('bench');
INSERT INTO public.pgbench_accounts SELECT i, (i - 1) / 100000 + 1, 0, '' FROM generate_series(1, {rows}) i;
ALTER TABLE public.pgbench_accounts ADD PRIMARY KEY (aid);
"""
BY_HAND = """
set -e -o pipefail
for port in {ports}; do
    psql -qAt -h /var/run/postgresql -p $port -U postgres -d appdb -c 'COPY public.pgbench_accounts TO STDOUT' |
        LC_ALL=C sort -S 20% >{directory}/$port &
done
wait
diff {first} {second} | wc -l
"""


def info(text: str) -> None:
    print(f"info {text}", flush=True)


def figure(name: str, value: float, target: str) -> None:
    print(f"figure {name} {value:.2f} target {target}", flush=True)


def run_module(plan_file: str) -> None:
    """Be the process of the module: print seconds, memory and what it found."""
    import resource

    from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.work import Comparison
    from ansible_collections.pgbdr.bdr.plugins.module_utils._model import node_plan

    members = json.loads(Path(plan_file).read_text())
    names = dict.fromkeys(("others", "nodes", "without", "databases", "schemas", "replication_sets", "only"), [])
    limits = {
        "max_differences": 1000,
        "fence_seconds": 60,
        "max_lag_mb": 0,
        "max_active": 0,
        "slice_seconds": 0,
        "goes_on": False,
    }
    given = {**names, **limits, "members": members, "tables": ["pgbench_accounts"], "columns": {}, "where": {}}
    began = time.monotonic()
    with Comparison(node_plan(members[NODES[0]]), {**given, "equality": "exact", "fresh": True}) as comparison:
        found = comparison.go_on()["comparison"]["tables"][0]
    seconds = time.monotonic() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    keys = [row["key"]["aid"] for row in found["differences"]]
    print(json.dumps({"seconds": seconds, "memory": memory, "rows": found["rows"], "keys": keys}))


def plans(group: Group) -> dict[str, object]:
    """Return the nodes' shares of the plan."""
    from ansible_collections.pgbdr.bdr.plugins.module_utils._inventory import parse
    from ansible_collections.pgbdr.bdr.plugins.module_utils._plan import build_plan
    from ansible_collections.pgbdr.bdr.plugins.plugin_utils._addresses import with_networks

    shared = {"bdr_group": group.name, "bdr_address": "127.0.0.1", "bdr_databases": ["appdb"], **group.variables}
    hosts = {name: {**shared, "bdr_port": port} for name, port in group.ports.items()}
    return build_plan(with_networks(parse("bdr", hosts))).as_dict()["nodes"]


def timed_count(group: Group, parallel: int) -> float:
    began = time.monotonic()
    group.sql(NODES[0], f"SET max_parallel_workers_per_gather = {parallel}; SELECT count(*) FROM pgbench_accounts")
    return time.monotonic() - began


def measure(group: Group, rows: int, rounds: int) -> None:
    for node in NODES:
        group.sql(node, LOAD.format(rows=rows))
        group.sql(node, "VACUUM (ANALYZE, FREEZE) public.pgbench_accounts")
        group.sql(node, "SELECT count(md5(filler)) FROM pgbench_accounts")  # into memory
    group.must("compare", "-e", "bdr_compare_fail=false")  # lets the nodes read each other
    local = (
        "SELECT pg_replication_origin_session_setup('bench'); UPDATE pgbench_accounts SET abalance = 1 WHERE aid = %s"
    )
    group.sql(NODES[1], local, PLANTED)
    plan_file = group.directory / "plan.json"
    plan_file.write_text(json.dumps(plans(group)))
    found = []
    for number in range(rounds):
        counted, parallel = timed_count(group, 0), timed_count(group, 2)
        command = [sys.executable, __file__, "--module", str(plan_file)]
        compared = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        if compared["keys"] != [str(PLANTED)] or set(compared["rows"].values()) != {rows}:
            sys.exit(f"the comparison is wrong: {compared}")
        found.append((compared["seconds"] / counted, compared["seconds"] / parallel, compared["memory"]))
        info(f"round {number + 1}: count(*) {counted:.2f} s, with parallel workers {parallel:.2f} s, {compared}")
    with tempfile.TemporaryDirectory() as directory:
        first, second = (f"{directory}/{port}" for port in group.ports.values())
        ports = " ".join(map(str, group.ports.values()))
        script = BY_HAND.format(ports=ports, directory=directory, first=first, second=second)
        began = time.monotonic()
        lines = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, text=True).stdout.strip()
        by_hand = time.monotonic() - began
    info(f"COPY of both nodes into sort and diff: {by_hand:.2f} s, {lines} lines")
    figure("compare/count", median(each[0] for each in found), "<= 8")
    figure("compare/count with parallel workers", median(each[1] for each in found), "none")
    figure("by hand/compare", by_hand / (median(each[0] for each in found) * timed_count(group, 0)), "none")
    figure("compare memory MB", max(each[2] for each in found), "<= 150")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, fewer rows")
    parser.add_argument("--module", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.module:
        run_module(arguments.module)
        return
    os.environ["ANSIBLE_CONFIG"] = str(CHECKOUT / "ansible.cfg")
    with tempfile.TemporaryDirectory() as directory:
        settings = {"shared_buffers": "1500MB", "max_wal_size": "8GB"}
        variables = {"bdr_settings": settings, "bdr_allowed_downtime_seconds": 36000}
        group = Group("benchcmp", Path(directory), {"alpha": 5520, "bravo": 5521}, variables)
        try:
            group.must()
            measure(group, QUICK_ROWS if arguments.quick else ROWS, 1 if arguments.quick else ROUNDS)
        finally:
            group.remove()


if __name__ == "__main__":
    main()
