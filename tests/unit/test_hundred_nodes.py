# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh of a hundred nodes: its links, and each node's numbers. How long it takes is tests/bench's matter."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.pgbdr.bdr.tests.unit.builders import figures, plan, settings

NAMES = [f"node-{number:03}" for number in range(100)]


@pytest.fixture(scope="module")
def found():
    return plan(" ".join(NAMES))


def test_every_pair_is_linked_in_both_directions(found):
    assert len(found.links) == 9_900
    assert {(link.upstream, link.downstream) for link in found.links} == set(itertools.permutations(NAMES, 2))


def test_each_node_has_its_numbers(found):
    assert [node.name for node in found.nodes] == NAMES
    for node in found.nodes:
        assert figures(node) == {
            "upstreams": 99,
            "downstreams": 99,
            "slots": 99 + 99 + 99 + 1,
            "wal_senders": 298 + 0 + 2,
            "wal_retention": 900,
            "disk": 900 + 1024 + 64,
        }
        asked = settings(node)
        assert asked["max_replication_slots"] == "298"
        assert asked["max_wal_senders"] == "300"
        assert asked["max_worker_processes"] == str(1 + 1 + 2 * 99 + 8)
        assert len(node.connections) == len(node.slots) == len(node.passfile_entries) == 99
        assert len(node.hba) == 2 + 99


def test_no_two_names_fall_together(found):
    for node in found.nodes:
        assert len({slot.name for slot in node.slots}) == 99
        assert len({connection.name for connection in node.connections}) == 99


def test_the_plain_plan_has_all_of_it(found):
    plain = found.as_dict()
    assert len(plain["links"]) == 9_900
    assert sum(len(node["connections"]) for node in plain["nodes"].values()) == 9_900
