# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A physical copy becomes a node of its own; what the SQL does is tested on servers."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _engine
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import pglogical_seeding as pgl
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import pglogical_sql
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.pglogical_server import SETS
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.seeding import Origin, Seeding, gap, number
from ansible_collections.pgbdr.bdr.tests.unit.builders import FakeSession, node_plan

TWO = ["appdb", "orders"]
CHARLIE = node_plan("charlie")
FROM_ALPHA, FROM_BRAVO = CHARLIE.connections
SEEDING = _engine.seeding(CHARLIE, node_plan("alpha"))


def test_how_each_engine_s_nodes_are_seeded():
    methods = {
        (engine, era): _engine.rules(engine, era).seed_methods for engine in _engine.ENGINES for era in _engine.ERAS
    }
    assert methods == {
        ("contrib_bdr", "0.4"): ("in_place",),
        ("contrib_bdr", "0.7"): ("in_place",),
        ("pglogical", "0.4"): ("physical", "logical"),
        ("pglogical", "0.7"): ("physical", "logical"),
    }


# --- Where a link may begin -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "wanted"),
    [
        ("0/0", 0),
        ("0/16B3748", 0x16B3748),
        ("1/0", 2**32),
        ("1A/2B3C", 0x1A * 2**32 + 0x2B3C),
        ("0/FFFFFFFF", 2**32 - 1),
    ],
)
def test_a_position_is_a_number(position, wanted):
    assert number(position) == wanted


@pytest.mark.parametrize(
    ("position", "kept_from", "said"),
    [
        # What the slot keeps begins before the copy ends, or right there.
        ("0/20", "0/10", ""),
        ("0/20", "0/20", ""),
        ("1/0", "0/FFFFFFFF", ""),
        ("0/10", "0/9", ""),
        # The slot is gone or lost its WAL.
        (
            "0/20",
            "",
            "bravo -> charlie (appdb): the slot pgl_appdb_bravo_bravo_charlie that kept the changes is gone from bravo",
        ),
        # It is younger than the copy.
        (
            "0/20",
            "0/21",
            "bravo -> charlie (appdb): bravo keeps its changes from 0/21 on, the copy holds them up to 0/20",
        ),
        ("0/FFFFFFFF", "1/0", "bravo -> charlie (appdb): bravo keeps its changes from 1/0 on, the copy holds them up"),
        # Nobody knows what the copy holds.
        (
            "",
            "0/10",
            "bravo -> charlie (appdb): bravo keeps its changes from 0/10 on, the copy holds them up to nobody knows "
            "where",
        ),
    ],
)
def test_a_gap_is_told(position, kept_from, said):
    assert gap(FROM_BRAVO, "charlie", position, kept_from).startswith(said)
    assert bool(gap(FROM_BRAVO, "charlie", position, kept_from)) == bool(said)


# --- The copy becomes the node's own --------------------------------------------------------------


@pytest.mark.parametrize(
    ("extensions", "inherited", "wanted"),
    [
        ([{"name": "pglogical"}], [{"inherited": True}], True),
        # A run that was killed behind it has made it the node's own.
        ([{"name": "pglogical"}], [{"inherited": False}], False),
        ([{"name": "pglogical"}], [], False),
    ],
)
def test_a_copy_takes_itself_for_the_donor(extensions, inherited, wanted):
    session = FakeSession({pglogical_sql.EXTENSIONS: extensions, pgl._INHERITED: inherited})
    assert SEEDING.is_inherited(session) is wanted
    assert all(values == {"donor": "alpha"} for text, values in session.asked if text == pgl._INHERITED)


def test_a_database_without_the_extension_is_nobody_s():
    """There is no table to ask."""
    assert not SEEDING.is_inherited(FakeSession({pglogical_sql.EXTENSIONS: []}))


def own(database: str, donor: str = "alpha", **shared) -> list[tuple[str, str, str]]:
    """Return what is done with each origin, behind the end of the donor's extension."""
    work = _engine.seeding(node_plan("charlie", **shared), node_plan(donor, **shared))
    first, *rest = work.own(database)
    assert (first.text, first.values) == (pgl._DROP_EXTENSION, {})
    done = {pgl._RENAME: "rename", pgl._DROP_ORIGIN: "drop"}
    assert not any(statement.alone for statement in (first, *rest)), "one transaction"
    return [(done[each.text], each.values["old"], each.values["new"]) for each in rest]


def test_origins_keep_their_positions_under_the_node_s_names():
    """The donor's origin of the node itself ends: the node has no link from itself."""
    assert own("appdb") == [
        ("rename", "pgl_appdb_bravo_bravo_alpha", "pgl_appdb_bravo_bravo_charlie"),
        ("drop", "pgl_appdb_charlie_charlie_alpha", ""),
    ]


@pytest.mark.parametrize("database", TWO)
def test_each_database_has_its_own_origins(database):
    assert own(database, "bravo", bdr_databases=TWO) == [
        ("rename", f"pgl_{database}_alpha_alpha_bravo", f"pgl_{database}_alpha_alpha_charlie"),
        ("drop", f"pgl_{database}_charlie_charlie_bravo", ""),
    ]


def test_an_origin_of_an_upstream_that_the_node_does_not_have_ends():
    own_upstreams = {
        "alpha": {"bdr_upstreams": ["bravo", "charlie"]},
        "bravo": {"bdr_upstreams": ["alpha"]},
        "charlie": {"bdr_upstreams": ["alpha"]},
    }
    assert own("appdb", own=own_upstreams, bdr_topology="custom", bdr_partial_reach=True) == [
        ("drop", "pgl_appdb_bravo_bravo_alpha", ""),
        ("drop", "pgl_appdb_charlie_charlie_alpha", ""),
    ]


# --- What a copy table by table needs to know of the donor -------------------------------------------


def test_a_donor_s_upstreams_have_numbers():
    names = ["pgl_appdb_bravo_bravo_alpha", "pgl_appdb_charlie_charlie_alpha"]
    session = FakeSession({pgl._ORIGINS: [{"id": 2, "name": names[1], "position": "0/10"}]})
    assert SEEDING.origins(session, "appdb") == [Origin(2, "charlie", "0/10")]
    assert session.asked == [(pgl._ORIGINS, {"names": names})]
    assert SEEDING.origins(FakeSession({pgl._ORIGINS: []}), "orders") == []


def test_sets_of_an_operator_s_own():
    assert SEEDING.sets(FakeSession({pgl._SETS: [{"name": "reports"}]})) == [{"name": "reports"}]
    only = {"table": "public.t", "columns": None, "filter": None, "only": True}
    too = {"table": "public.u", "columns": ["id"], "filter": "(id > 5)", "only": False}
    statements = SEEDING.own_sets([{"name": "reports", "tables": [only, too]}])
    assert [(each.text, each.values.get("table")) for each in statements] == [
        (pgl._CREATE_SET, None),
        # Not in the group's sets on the donor, so neither here
        (pgl._NOT_IN_OURS, "public.t"),
        (pgl._ADD_TO_SET, "public.t"),
        (pgl._ADD_TO_SET, "public.u"),
    ]
    assert {each.values["name"] for each in statements} == {"reports"}
    assert not any(each.alone for each in statements), "one transaction"


def test_an_engine_without_sets_has_none():
    assert Seeding.sets(SEEDING, FakeSession({})) == []
    assert Seeding.origins(SEEDING, FakeSession({}), "appdb") == []
    assert Seeding.own_sets(SEEDING, []) == ()


# --- Its links ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("found", "wanted"), [([], False), ([{"found": 1}], True)])
def test_a_link_is_there(found, wanted):
    session = FakeSession({pgl._SUBSCRIPTION: found})
    assert SEEDING.is_linked(session, FROM_BRAVO) is wanted
    assert session.asked == [(pgl._SUBSCRIPTION, {"name": "bravo_charlie"})]


def test_of_the_donor_the_copy_holds_all_up_to_its_end():
    session = FakeSession({})
    assert SEEDING.position(session, FROM_ALPHA, "0/500") == "0/500"
    assert session.asked == []


@pytest.mark.parametrize(("found", "wanted"), [([{"lsn": "0/20"}], "0/20"), ([{"lsn": None}], ""), ([], "")])
def test_of_another_upstream_the_copy_holds_what_the_donor_had_applied(found, wanted):
    session = FakeSession({pgl._PROGRESS: found})
    assert SEEDING.position(session, FROM_BRAVO, "0/500") == wanted
    assert session.asked == [(pgl._PROGRESS, {"slot": "pgl_appdb_bravo_bravo_charlie"})]


@pytest.mark.parametrize(("found", "wanted"), [([{"lsn": "0/10"}], "0/10"), ([{"lsn": None}], ""), ([], "")])
def test_what_an_upstream_keeps(found, wanted):
    session = FakeSession({pgl._KEPT: found})
    assert SEEDING.kept_from(session, FROM_BRAVO) == wanted
    assert session.asked == [(pgl._KEPT, {"slot": "pgl_appdb_bravo_bravo_charlie"})]


def test_a_link_is_ready_before_it_begins_and_begins_at_its_position():
    statements = SEEDING.link(FROM_BRAVO, "0/20")
    wanted = [pglogical_sql.CREATE_SUBSCRIPTION, pgl._READY, pgl._CREATE_ORIGIN, pgl._ADVANCE]
    assert [statement.text for statement in statements] == wanted
    assert not any(statement.alone for statement in statements), "one transaction"
    for statement in statements:
        assert statement.values == {
            "name": "bravo_charlie",
            "dsn": FROM_BRAVO.dsn,
            "sets": list(SETS),
            "apply_delay_ms": 0,
            "slot": "pgl_appdb_bravo_bravo_charlie",
            "position": "0/20",
        }
