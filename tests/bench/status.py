"""Time status.yml against gathering facts of the same hosts, for groups of 3, 9 and 19 nodes, in one run.

    .venv/bin/python tests/bench/status.py [--quick]      as root; `make bench` does it

Prints `figure NAME VALUE target <= LIMIT` for each figure, `info ...` for everything else. A target that is missed is
no failure: the line says it. A group that is not found to be well, with every link streaming, is one.

All nodes are on this machine, each linked to every other. status.yml writes its page and keeps its looks, as a cron job
would have it. By hand means: ansible -m ansible.builtin.setup. Both take turns, and a figure is the median of the
rounds' ratios. The groups made here are removed again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(CHECKOUT / "collections"), str(CHECKOUT / "tests" / "integration")]

from groups import Group, eventually  # noqa: E402
from modules import stand  # noqa: E402

PORT = 6400
SIZES, QUICK_SIZES = (3, 9, 19), (3,)
ROUNDS = 5
# Servers that mostly wait: what is measured is the look, not what they do meanwhile.
SETTINGS = {"max_wal_size": "64MB", "min_wal_size": "32MB", "shared_buffers": "16MB", "autovacuum": "off"}


def info(text: str) -> None:
    print(f"info {text}", flush=True)


def figure(name: str, value: float, target: str) -> None:
    print(f"figure {name} {value:.2f} target {target}", flush=True)


def seconds(command: list[str], group: Group, expected: str) -> float:
    """Run a command and return how long it took."""
    began = time.monotonic()
    environment = {**os.environ, "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, cwd=group.directory, env=environment, capture_output=True, text=True)
    took = time.monotonic() - began
    if done.returncode or expected not in done.stdout:
        sys.exit(f"{' '.join(command)} is wrong:\n{done.stdout}{done.stderr}")
    return took


def measure(group: Group) -> float:
    """Return the median of how long status.yml takes."""
    nodes = len(group.ports)
    well = f"{group.name} is well: {nodes * (nodes - 1)} streaming"
    look = group.command("status", "-e", f"bdr_status_file={group.directory}/status.html")
    facts = ["ansible", "-i", str(group.write()), "bdr", "-m", "ansible.builtin.setup"]
    seconds(look, group, well)  # the first one compiles
    rounds = [(seconds(look, group, well), seconds(facts, group, "ansible_facts")) for _round in range(ROUNDS)]
    looks, by_hand = ([each[place] for each in rounds] for place in (0, 1))
    info(f"{nodes} nodes: status.yml {median(looks):.1f} s (at most {max(looks):.1f}), facts {median(by_hand):.1f} s")
    figure(f"status/gathering facts, {nodes} nodes", median(mine / other for mine, other in rounds), "<= 1.5")
    return median(looks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three nodes only")
    arguments = parser.parse_args()
    os.environ["ANSIBLE_CONFIG"] = str(CHECKOUT / "ansible.cfg")
    took: dict[int, float] = {}
    for size in QUICK_SIZES if arguments.quick else SIZES:
        with tempfile.TemporaryDirectory() as directory:
            ports = {f"node{number:02}": PORT + number for number in range(size)}
            group = Group("benchstatus", Path(directory), ports, {"bdr_settings": SETTINGS})
            try:
                stand(group)
                eventually(lambda group=group: group.play("status").code, 0, 300)
                took[size] = measure(group)
            finally:
                group.remove()
    for smaller, larger in zip(took, list(took)[1:], strict=False):
        info(f"from {smaller} to {larger} nodes status.yml takes {took[larger] / took[smaller]:.1f} times as long")


if __name__ == "__main__":
    main()
