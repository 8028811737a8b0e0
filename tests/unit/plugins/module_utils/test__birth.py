# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data directories of nodes that are made side by side: each in a second of its own."""

from __future__ import annotations

import sys
import typing as t
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _birth
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan, plan


class Machine:
    """A clock, and an initdb that takes the time some seconds after its start; each run has its own lead."""

    def __init__(self, now: float, *leads: float) -> None:
        self.now = now
        self.leads = list(leads)
        self.made: list[int] = []

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds

    def initdb(self, directory: Path) -> None:
        assert not directory.exists()
        lead = self.leads.pop(0) if len(self.leads) > 1 else self.leads[0]
        self.made.append(int(self.now + lead))
        (directory / "global").mkdir(parents=True)
        identifier = (self.made[-1] << 32) | 0x0BFFF
        (directory / "global/pg_control").write_bytes(identifier.to_bytes(8, sys.byteorder) + b"the rest")
        self.now += lead + 1


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., Machine]:
    """Return what makes a data directory for a place among some."""

    def run(place: int, places: int, now: float, *leads: float) -> Machine:
        machine = Machine(now, *leads)
        monkeypatch.setattr(_birth, "time", machine)
        directory = tmp_path / f"{place}"
        own = replace(node_plan("alpha"), initdb_place=place, initdb_places=places)
        _birth.initdb(own, str(directory), lambda: machine.initdb(directory))
        return machine

    return run


@pytest.mark.parametrize("lead", [0.1, 0.5, 0.9, 2.7])
@pytest.mark.parametrize("now", [1000.0, 1000.4, 1001.99])
def test_nodes_that_start_together_are_made_in_different_seconds(made, now, lead):
    machines = [made(place, 3, now, lead) for place in range(3)]
    assert [machine.made[-1] % 3 for machine in machines] == [0, 1, 2]
    assert all(len(machine.made) <= 2 for machine in machines)


def test_an_initdb_that_is_now_slow_and_now_fast_is_run_until_it_hits(made):
    machine = made(4, 19, 1000.0, 1.2, 3.1, 1.9, 2.0)
    assert machine.made[-1] % 19 == 4 and 1 < len(machine.made) < _birth.TRIES


def test_one_that_never_hits_is_left_to_chance_in_the_end(made, tmp_path):
    leads = [1 + 3 * place for place in range(_birth.TRIES)]
    machine = made(0, 100, 1000.0, *leads)
    assert len(machine.made) == _birth.TRIES and machine.made[-1] % 100 != 0
    assert (tmp_path / "0/global/pg_control").exists()


def test_where_identifiers_are_more_than_times_nothing_is_waited_for(made):
    assert made(0, 1, 1000.25, 0.5).now == 1000.25 + 0.5 + 1


def test_the_nodes_of_a_group_of_such_servers_have_a_place_each():
    assert {(node.initdb_place, node.initdb_places) for node in plan().nodes} == {(0, 1)}
    old = plan(bdr_engine="contrib_bdr", bdr_era="0.4").nodes
    assert [(node.initdb_place, node.initdb_places) for node in old] == [(place, len(old)) for place in range(len(old))]
