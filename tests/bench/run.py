"""Time a stand-up, a second run and the plan of 100 nodes, as ratios taken in one run.

    .venv/bin/python tests/bench/run.py [--quick]      as root; `make bench` does it

Prints `figure NAME VALUE target <= LIMIT` for each figure, `info ...` for everything else. A target that is missed is
no failure: the line says it. A stand-up whose table does not say "streaming" for every link, or a second run that
changes something, is one: nothing that was timed would count, so the run ends with status 1.

Both sides of a ratio take turns (by hand, first run, second run, by hand, ...), so that what else the machine does
hits both. A figure is the median of the rounds' ratios. Everything made here is removed again, after a failure too.
CPU seconds are those of the programs that were run and their children; servers count nowhere.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import typing as t
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median

CHECKOUT = Path(__file__).resolve().parents[2]
BY_HAND = Path(__file__).with_name("by_hand.sh")
HOMES = Path("/var/lib/pgbdr")
FIRST_PORT = 5500
BY_HAND_PORT = 5510
TIMEOUT_SECONDS = 600
TAIL = 4000
DEAREST = 6
NODES_BY_HAND = 3

Inventory = dict[str, t.Any]


class Void(Exception):
    """What was timed is not what should have been timed."""


@dataclass(frozen=True)
class Timed:
    """One run of a program."""

    seconds: float
    cpu_seconds: float
    output: str


class Clock:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._cpu = self._cpu_now()

    @staticmethod
    def _cpu_now() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def seconds(self) -> float:
        return time.monotonic() - self._started

    def cpu_seconds(self) -> float:
        return self._cpu_now() - self._cpu


class Samples:
    """What was timed by name, one run a round."""

    def __init__(self) -> None:
        self._runs: defaultdict[str, list[Timed]] = defaultdict(list)

    def add(self, name: str, timed: Timed) -> None:
        self._runs[name].append(timed)

    def outputs(self, name: str) -> list[str]:
        return [timed.output for timed in self._runs[name]]

    def seconds(self, name: str) -> float:
        return median(timed.seconds for timed in self._runs[name])

    def cpu_seconds(self, name: str) -> float:
        return median(timed.cpu_seconds for timed in self._runs[name])

    def ratio(self, above: str, below: str) -> float:
        pairs = zip(self._runs[above], self._runs[below], strict=True)
        return median(one.seconds / other.seconds for one, other in pairs)

    def spread(self, name: str) -> str:
        rounds = " ".join(f"{timed.seconds:.2f}" for timed in self._runs[name])
        return f"{self.seconds(name):.2f} s (rounds {rounds}; CPU {self.cpu_seconds(name):.2f} s)"


def info(text: str) -> None:
    print(f"info {text}", flush=True)


def figure(name: str, value: float, target: str) -> None:
    print(f"figure {name} {value:.2f} target {target}", flush=True)


def load() -> str:
    return "load average " + " ".join(f"{value:.1f}" for value in os.getloadavg())


# What is run


def environment() -> dict[str, str]:
    """Return the caller's environment without what would change what is timed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PG"))}
    return {
        **kept,
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks",
    }


def playbook(inventory: Path, name: str | Path, *options: str) -> Timed:
    """Run a playbook to its end; Void with its output where it fails."""
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), "-i", str(inventory), str(CHECKOUT / "playbooks" / name), *options]
    clock = Clock()
    try:
        done = subprocess.run(
            command,
            env=environment(),
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Void(str(error)) from error
    seconds = clock.seconds()
    if done.returncode:
        raise Void(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-TAIL:]}")
    return Timed(seconds, clock.cpu_seconds(), done.stdout)


def by_hand() -> Timed:
    """Run by_hand.sh; its clock stops at the line "standing", its cleaning up is waited for and not counted."""
    clock = Clock()
    command = [str(BY_HAND), str(BY_HAND_PORT)]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            seconds = clock.seconds()
            rest = process.stdout.read()
        except BaseException:
            process.terminate()
            raise
    if process.returncode or line != "standing\n":
        raise Void(f"{BY_HAND.name} ended with {process.returncode}: {line}{rest}")
    return Timed(seconds, clock.cpu_seconds(), line)


# What is run on


def write_inventory(directory: Path, hosts: t.Mapping[str, Inventory], variables: Inventory) -> Path:
    """Write an inventory as JSON, which is YAML; secrets that are generated lie beside it and go with it."""
    directory.mkdir()
    path = directory / "hosts.yml"
    path.write_text(json.dumps({"bdr": {"hosts": hosts, "vars": variables}}, indent=2), encoding="utf-8")
    return path


def names_of(nodes: int) -> list[str]:
    return [f"n{number}" for number in range(1, nodes + 1)]


def group_name(nodes: int) -> str:
    return f"bench{nodes}"


def local_inventory(directory: Path, nodes: int) -> Path:
    """Write the inventory of a group on this machine."""
    hosts = {name: {"bdr_port": FIRST_PORT + number} for number, name in enumerate(names_of(nodes))}
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "/usr/bin/python3",
        "bdr_group": group_name(nodes),
        "bdr_address": "127.0.0.1",
        "bdr_databases": ["appdb"],
        # Every node needs its own share of one disk.
        "bdr_allowed_downtime_seconds": 600,
    }
    return write_inventory(directory / group_name(nodes), hosts, variables)


def mesh_inventory(directory: Path, nodes: int) -> Path:
    """Write the inventory of hosts that nobody contacts."""
    hosts = {name: {"ansible_host": f"192.0.2.{number}"} for number, name in enumerate(names_of(nodes), 1)}
    variables = {"ansible_connection": "local", "bdr_port": 5432, "bdr_databases": ["appdb"]}
    return write_inventory(directory / f"mesh{nodes}", hosts, variables)


def remove(inventory: Path, nodes: int) -> None:
    playbook(inventory, "remove_group.yml", "-e", f"bdr_confirm={group_name(nodes)}")


@contextlib.contextmanager
def removed_afterwards(inventory: Path, nodes: int) -> t.Iterator[None]:
    """Remove the group at the end, and before where a bench that was killed left it."""
    if (HOMES / group_name(nodes)).exists():
        remove(inventory, nodes)
    try:
        yield
    finally:
        remove(inventory, nodes)


# What must be true for a time to count


def assert_streaming(output: str, nodes: int) -> None:
    wanted = set(itertools.permutations(names_of(nodes), 2))
    found = re.findall(r"^appdb +(\S+) -> (\S+) +streaming +[0-9.]+$", output, re.MULTILINE)
    missing = wanted - set(found)
    if missing or len(found) != len(wanted):
        raise Void(f"not streaming: {sorted(missing)}; the run said:\n{output[-TAIL:]}")


def recap(output: str) -> dict[str, Counter[str]]:
    """Return the counters of the play recap by host; what changed is in ok too."""
    lines = re.findall(r"^(\S+) +: (ok=.*)$", output.rpartition("PLAY RECAP")[2], re.MULTILINE)
    return {
        host: Counter({name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", counters)})
        for host, counters in lines
    }


def assert_no_change(output: str) -> None:
    changed = sorted(host for host, counters in recap(output).items() if counters["changed"])
    if changed:
        raise Void(f"the second run changed something on {changed}:\n{output[-TAIL:]}")


# What is timed


def first_and_second(inventory: Path, nodes: int, *options: str) -> tuple[Timed, Timed]:
    """Stand a group up, run again, remove it."""
    with removed_afterwards(inventory, nodes):
        first = playbook(inventory, "site.yml", *options)
        assert_streaming(first.output, nodes)
        second = playbook(inventory, "site.yml", *options)
        assert_streaming(second.output, nodes)
        assert_no_change(second.output)
    return first, second


def seconds_by_task(outputs: t.Sequence[str]) -> str:
    """Return what each task took for all hosts together, as the callback tells: the dearest, and the others' sum."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for output in outputs:
        recapped = output.rpartition("TASKS RECAP")[2]
        for name, seconds in re.findall(r"^(\S.*?) -{2,} ([0-9.]+)s$", recapped, re.MULTILINE):
            found[name.rpartition(" : ")[2]].append(float(seconds))
    medians = sorted(((median(values), name) for name, values in found.items()), reverse=True)
    told = [f"{name} {seconds:.2f}" for seconds, name in medians[:DEAREST]]
    others = [seconds for seconds, _name in medians[DEAREST:]]
    return ", ".join([*told, f"{len(others)} others {sum(others):.2f}"])


def count_tasks(inventory: Path, nodes: int) -> None:
    """Say what each host runs. It is the warm-up too, so its times do not count."""
    by_hand()
    first, second = first_and_second(inventory, nodes, "-vvv")
    for name, timed in (("first", first), ("second", second)):
        # With -vvv Ansible names each command that it sends to a host; pipelined, a module is one.
        sent = Counter(re.findall(r"^<(\S+)> EXEC ", timed.output, re.MULTILINE))
        for host, counters in sorted(recap(timed.output).items()):
            tasks = counters["ok"] + counters["skipped"]
            info(
                f"{name} run on {host}: {tasks} tasks, {counters['ok']} run and {counters['skipped']} skipped; "
                f"{sent[host]} commands sent to the host"
            )


SAY_PORT = """
- name: Use it on every host
  hosts: bdr
  gather_facts: false
  tasks:{plan}
    - name: Say the port
      ansible.builtin.debug:
        msg: "{{{{ {port} }}}}"
"""
PLAN_ONCE = """
    - name: Compute the plan
      pgbdr.bdr.plan_info:
      register: bdr_plan_group
      run_once: true
"""


class Plan:
    """A plan of many nodes, computed once and used by every host, against the same play without the plan."""

    def __init__(self, directory: Path, nodes: int) -> None:
        self.inventory = mesh_inventory(directory, nodes)
        self.file = directory / "plan.json"
        self.without = directory / "without.yml"
        self.without.write_text(SAY_PORT.format(plan="", port="bdr_port"), encoding="utf-8")
        self.used = directory / "used.yml"
        port = "bdr_plan_group.nodes[inventory_hostname].port"
        self.used.write_text(SAY_PORT.format(plan=PLAN_ONCE, port=port), encoding="utf-8")

    def round(self, samples: Samples) -> None:
        samples.add("plan_without", playbook(self.inventory, self.without))
        samples.add("plan_used", playbook(self.inventory, self.used))
        samples.add("plan_yml", playbook(self.inventory, "plan.yml", "-e", f"bdr_plan_file={self.file}"))


def measure(directory: Path, sizes: t.Sequence[int], rounds: int) -> Samples:
    inventories = {nodes: local_inventory(directory, nodes) for nodes in sizes}
    plan = Plan(directory, 100)
    samples = Samples()
    count_tasks(inventories[NODES_BY_HAND], NODES_BY_HAND)
    for number in range(1, rounds + 1):
        info(f"round {number} of {rounds}, {load()}")
        samples.add("by_hand", by_hand())
        for nodes, inventory in inventories.items():
            first, second = first_and_second(inventory, nodes)
            samples.add(f"first{nodes}", first)
            samples.add(f"second{nodes}", second)
        plan.round(samples)
    return samples


def report(samples: Samples, sizes: t.Sequence[int]) -> None:
    info(f"by hand, {NODES_BY_HAND} nodes: {samples.spread('by_hand')}")
    for nodes in sizes:
        for name in ("first", "second"):
            key = f"{name}{nodes}"
            growth = samples.ratio(key, f"{name}{NODES_BY_HAND}")
            info(
                f"{name} run, {nodes} nodes: {samples.spread(key)}, {samples.seconds(key) / nodes:.2f} s a node, "
                f"{growth:.2f} x {NODES_BY_HAND} nodes"
            )
            info(f"{name} run, {nodes} nodes, seconds by task: {seconds_by_task(samples.outputs(key))}")
    info(f"one debug task on 100 hosts: {samples.spread('plan_without')}")
    info(f"the same after the plan of 100 nodes, used by each: {samples.spread('plan_used')}")
    info(f"what the plan of 100 nodes adds: {samples.seconds('plan_used') - samples.seconds('plan_without'):.2f} s")
    info(f"plan.yml for 100 nodes, printed and written: {samples.spread('plan_yml')}")
    figure("standup_ratio", samples.ratio("first3", "by_hand"), "<= 6")
    figure("second_run_ratio", samples.ratio("second3", "first3"), "<= 0.7")
    figure("plan_100_nodes_share", samples.ratio("plan_used", "plan_without"), "<= 2")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round, three nodes only")
    quick = parser.parse_args().quick
    if os.geteuid() != 0:
        parser.error("servers are started as postgres, which takes root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sizes = (NODES_BY_HAND,) if quick else (NODES_BY_HAND, 6, 9)
    info(f"{os.cpu_count()} cores, {load()}")
    with tempfile.TemporaryDirectory(prefix="pgbdr-bench-") as directory:
        try:
            report(measure(Path(directory), sizes, 1 if quick else 3), sizes)
        except Void as error:
            for reason in filter(None, (error.__context__, error)):
                info(f"void: {reason}")
            return 1
    info(load())
    return 0


if __name__ == "__main__":
    sys.exit(main())
