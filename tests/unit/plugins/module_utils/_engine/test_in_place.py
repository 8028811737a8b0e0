# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows that are replaced in their place: names, positions and statements; what the SQL does is tested on servers."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import in_place
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.in_place import (
    Identity,
    InPlace04,
    InPlace07,
)

ALPHA, CHARLIE = Identity("77110057", "1", "16385"), Identity("77110058", "2", "24596")
SHOWN = "bdr_apply: BEGIN origin(source, orig_lsn, timestamp): {}, 0/1E15BF0, 2026-11-22 14:47:04.209244+"


def test_each_era_has_its_way():
    assert isinstance(in_place.way("0.4"), InPlace04)
    assert isinstance(in_place.way("0.7"), InPlace07)


@pytest.mark.parametrize(
    ("way", "name"),
    [
        (InPlace04(), "bdr: 16385:77110058-2-24596:"),
        (InPlace07(), "bdr_16385_77110058_2_24596__"),
    ],
)
def test_a_slot_is_called_by_who_the_two_are(way, name):
    assert way.slot(ALPHA, CHARLIE) == name


@pytest.mark.parametrize(("position", "before"), [("0/1E15BF0", "0/1E15BEF"), ("1/0", "0/FFFFFFFF"), ("2A/1", "2A/0")])
def test_a_position_has_one_before_it(position, before):
    assert in_place.just_before(position) == before


@pytest.mark.parametrize(
    ("queries", "wanted"),
    [
        ([], ""),
        ([SHOWN.format("bravo")], "0/1E15BF0"),
        ([SHOWN.format("bravo_two"), SHOWN.format("xbravo"), "bdr_apply: COMMIT"], ""),
        ([SHOWN.format("alpha"), SHOWN.format("bravo")], "0/1E15BF0"),
    ],
)
def test_a_worker_that_waits_shows_which_change_it_stands_before(queries, wanted):
    assert in_place.blocked_at("bravo", queries) == wanted


def test_the_replication_role_is_helped_for_the_time():
    wanted, ended = in_place.help_wanted("bdr_replication"), in_place.help_ended()
    for function in in_place.FUNCTIONS:
        assert [one.text for one in ended].count(f"DROP FUNCTION IF EXISTS {function}") == 1
        assert [one.text for one in wanted].count(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC") == 1
        assert [one.text for one in wanted].count(f"GRANT EXECUTE ON FUNCTION {function} TO {{role}}") == 1
    assert {one.identifiers["role"] for one in wanted if "role" in one.identifiers} == {"bdr_replication"}


def test_up_to_0_4_the_slot_itself_says_where_to_go_on():
    way = InPlace04()
    assert "replication_origin_id" in way.origin(ALPHA, CHARLIE)[0].text
    assert "pg_terminate_backend" in way.end_workers()[0].text
    assert [*way.end_walsender(CHARLIE), *way.written("T"), *way.begin_at(ALPHA, CHARLIE, "0/1")] == []


def test_from_0_5_on_the_node_knows_where_to_go_on():
    way = InPlace07()
    name = "bdr_77110057_1_16385_24596_"
    assert way.origin(ALPHA, CHARLIE)[0].values == {"name": name}
    assert way.written("T")[0].values == {"at": "T"}
    assert way.begin_at(ALPHA, CHARLIE, "0/9")[-1].values == {"name": name, "position": "0/9"}
    assert way.end_walsender(CHARLIE)[0].values == {"start": "bdr (77110058,2,24596,"}
    assert way.end_workers() == ()
