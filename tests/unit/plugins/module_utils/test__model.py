# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words: plain forms and the way back."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import Link, PlanError, node_plan
from ansible_collections.pgbdr.bdr.tests.unit.builders import group, plan

TWO = [{"name": "orders"}, {"name": "reports", "topology": "one_way", "upstream": "alpha"}]


@pytest.mark.parametrize("engine", ["pglogical", "contrib_bdr"])
def test_a_node_survives_the_way_through_json(engine):
    own = {"delta": {"bdr_standby_of": "alpha"}}
    names = "alpha bravo charlie delta"
    found = plan(names, own, bdr_engine=engine, bdr_databases=TWO, bdr_hba=["host all app ::1/128 md5"])
    plain = json.loads(json.dumps(found.as_dict()))
    assert list(plain["nodes"]) == names.split()
    assert tuple(node_plan(plain["nodes"][node.name]) for node in found.nodes) == found.nodes


def test_what_else_a_mapping_holds_is_left_out():
    found = plan()
    plain = {**found.as_dict()["nodes"]["alpha"], "a later version's": "word"}
    assert node_plan(plain) == found.nodes[0]


def test_a_mapping_that_lacks_something_is_an_error():
    plain = plan().as_dict()["nodes"]["alpha"]
    del plain["port"]
    with pytest.raises(KeyError, match="port"):
        node_plan(plain)


def test_the_plain_plan_has_its_own_words_only():
    plain = plan().as_dict()
    assert set(plain) == {"group", "engine", "era", "era_assumed", "max_clock_skew_ms", "links", "nodes", "warnings"}
    assert plain["links"][0] == {"database": "appdb", "upstream": "alpha", "downstream": "bravo"}
    assert plain["warnings"] == []


def test_an_error_lists_its_problems():
    error = PlanError(iter(["one", "two"]))
    assert error.problems == ("one", "two")
    assert str(error) == "one\ntwo"


def test_a_group_finds_its_nodes():
    found = group()
    assert found.node("bravo") is found.nodes[1]
    with pytest.raises(KeyError):
        found.node("zulu")


def test_a_group_finds_the_standbys_of_a_node():
    found = group(own={"charlie": {"bdr_standby_of": "alpha"}})
    assert found.standbys("alpha") == (found.node("charlie"),)
    assert found.standbys("bravo") == found.standbys("charlie") == found.standbys("zulu") == ()


def test_a_link_reads_as_it_flows_and_stays_as_it_is():
    link = Link("appdb", "alpha", "bravo")
    assert str(link) == "alpha -> bravo (appdb)"
    with pytest.raises(FrozenInstanceError):
        link.upstream = "charlie"
