# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and links for a person."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.plugin_utils import _text
from ansible_collections.pgbdr.bdr.tests.unit.builders import plan


@pytest.mark.parametrize(
    ("header", "rows", "lines"),
    [
        (("a", "b"), [], ["a  b", "-  -"]),
        (("a", "b"), [("long", "x"), ("", "yy")], ["a     b", "----  --", "long  x", "      yy"]),
        (("number", "last"), [(1, ""), (22, "é")], ["number  last", "------  ----", "1", "22      é"]),
    ],
)
def test_a_table_is_aligned_and_has_no_blanks_at_the_ends(header, rows, lines):
    assert _text.table(header, rows) == lines


def test_the_plan_of_a_pair():
    shown = _text.plan(plan("alpha bravo", bdr_topolgy="mesh").as_dict()).splitlines()
    assert shown[:10] == [
        "Group bdr: 2 nodes, 2 links, engine pglogical",
        "",
        "node   address     port  databases  upstreams  downstreams  standby of  home",
        "-----  ----------  ----  ---------  ---------  -----------  ----------  ------------------------",
        "alpha  192.0.2.11  5432  appdb      1          1                        /var/lib/pgbdr/bdr/alpha",
        "bravo  192.0.2.12  5432  appdb      1          1                        /var/lib/pgbdr/bdr/bravo",
        "",
        "database  upstream  downstream",
        "--------  --------  ----------",
        "appdb     alpha     bravo",
    ]
    assert "Sizes of alpha, bravo" in shown
    assert shown[-1].startswith("warning: bdr_topolgy is no variable of this collection")


def test_a_standby_names_whom_it_follows():
    shown = _text.plan(plan(own={"charlie": {"bdr_standby_of": "alpha"}}).as_dict()).splitlines()
    assert shown[2:6] == [
        "node     address     port  databases  upstreams  downstreams  standby of  home",
        "-------  ----------  ----  ---------  ---------  -----------  ----------  --------------------------",
        "alpha    192.0.2.11  5432  appdb      1          1                        /var/lib/pgbdr/bdr/alpha",
        "bravo    192.0.2.12  5432  appdb      1          1                        /var/lib/pgbdr/bdr/bravo",
    ]
    assert shown[6].split() == ["charlie", "192.0.2.13", "5432", "1", "1", "alpha", "/var/lib/pgbdr/bdr/charlie"]


@pytest.mark.parametrize(
    ("shared", "engine"),
    [
        ({}, "pglogical"),
        ({"bdr_era": "0.4"}, "pglogical"),
        ({"bdr_engine": "contrib_bdr", "bdr_era": "0.4"}, "contrib_bdr 0.4"),
        ({"bdr_engine": "contrib_bdr", "bdr_era": "0.7"}, "contrib_bdr 0.7"),
        (
            {"bdr_engine": "contrib_bdr"},
            "contrib_bdr 0.7 (assumed: no server was asked, and bdr_era is not set)",
        ),
    ],
)
def test_an_era_that_nobody_said_is_shown_as_assumed(shared, engine):
    first = _text.plan(plan("alpha bravo", **shared).as_dict()).splitlines()[0]
    assert first == f"Group bdr: 2 nodes, 2 links, engine {engine}"


def test_sizes_give_formula_and_source():
    shown = _text.plan(plan("alpha bravo").as_dict()).splitlines()
    (slots,) = [line for line in shown if line.startswith("slots ")]
    assert slots.split() == [
        "slots",
        "4",
        "slots",
        "upstreams",
        "1",
        "+",
        "downstreams",
        "1",
        "+",
        "reserve",
        "2",
        "BDR",
        "User",
        "Guide,",
        "max_logical_slots;",
        "the",
        "reserve",
        "is",
        "the",
        "engine's,",
        "for",
        "seeding",
    ]
    (setting,) = [line for line in shown if line.startswith("max_replication_slots ")]
    assert setting.endswith("settings file (minimum)")
    assert any(line.startswith("max_slot_wal_keep_size ") for line in shown)
    assert not any(line.startswith("log_directory ") for line in shown)


def test_nodes_that_are_alike_share_their_sizes():
    shown = _text.plan(plan(bdr_topology="one_way", bdr_upstream="alpha", bdr_engine="contrib_bdr").as_dict())
    assert shown.startswith("Group bdr: 3 nodes, 2 links, engine contrib_bdr 0.7 (assumed: ")
    assert [line for line in shown.splitlines() if line.startswith("Sizes of")] == [
        "Sizes of alpha",
        "Sizes of bravo, charlie",
    ]


def test_links():
    states = [
        {"database": "appdb", "upstream": "alpha", "downstream": "bravo", "state": "streaming", "round_trip_ms": 3.1},
        {"database": "appdb", "upstream": "bravo", "downstream": "alpha", "state": "slot is missing"},
    ]
    assert _text.links(states).splitlines() == [
        "database  link            state            round trip ms",
        "--------  --------------  ---------------  -------------",
        "appdb     alpha -> bravo  streaming        3.1",
        "appdb     bravo -> alpha  slot is missing",
    ]
    assert len(_text.links([]).splitlines()) == 2


def test_scripts():
    ran = {"node": "alpha", "database": "appdb", "name": "x.sql", "state": "ran", "statements": 2, "seconds": 0.5}
    results = [
        {**ran, "rows_written": {"public.a": 3, "b.c": 1}, "rewritten": ["public.a"]},
        {**ran, "node": "bravo", "state": "was there", "rows_written": {}, "rewritten": [], "seconds": 0.01},
    ]
    assert _text.scripts(results).splitlines() == [
        "node   database  script  state      statements  rows written           tables rewritten  seconds",
        "-----  --------  ------  ---------  ----------  ---------------------  ----------------  -------",
        "alpha  appdb     x.sql   ran        2           public.a (3), b.c (1)  public.a          0.5",
        "bravo  appdb     x.sql   was there  2                                                    0.01",
    ]


def test_the_next_command_opens_a_session_on_the_first_node():
    shown = _text.next_command(plan(own={"alpha": {"bdr_port": 5440}}).as_dict())
    assert shown == (
        "\nTry next, on the host of alpha, as root or postgres: "
        "psql -h /var/run/postgresql -p 5440 -U postgres -d appdb\n"
    )


def test_the_next_command_is_of_a_node_that_has_a_database():
    databases = [{"name": "x", "nodes": ["bravo", "charlie"]}]
    assert "on the host of bravo" in _text.next_command(plan(bdr_databases=databases).as_dict())


def test_the_next_command_can_be_typed_as_it_is():
    assert "-d 'my db; x'" in _text.next_command(plan(bdr_databases=["my db; x"]).as_dict())


def test_slots_for_a_person():
    found = {
        "slots": [
            shown_slot("one", verdict="link", downstream="bravo", wal_held_bytes=1572864, until_lost_bytes=1048576),
            shown_slot("two", verdict="foreign", active=False, wal_held_bytes=0, xmin_age=7, catalog_xmin_age=9),
            shown_slot("three", verdict="link", downstream="charlie", wal_status="lost"),
            shown_slot("four", verdict="abandoned", xmin_age=0),
        ],
        "wal_kept": {"alpha": 16777216},
        "silent": {"delta": "connection refused"},
    }
    assert _text.slots(found).splitlines() == [
        "node   slot   link                      active  WAL held  xmin age  until lost  verdict",
        "-----  -----  ------------------------  ------  --------  --------  ----------  ---------",
        "alpha  one    alpha -> bravo (appdb)    yes     1.5 MB              1.0 MB      link",
        "alpha  two                              no      0.0 MB    9         no limit    foreign",
        "alpha  three  alpha -> charlie (appdb)  yes                         lost        link",
        "alpha  four                             yes               0                     abandoned",
        "alpha: its slots keep no WAL; wal_keep_segments keeps 16.0 MB for all of them",
        "delta does not answer: connection refused",
    ]


def shown_slot(name: str, **changes) -> dict:
    sound = {"node": "alpha", "name": name, "database": "appdb", "active": True, "wal_status": None}
    figures = dict.fromkeys(("wal_held_bytes", "xmin_age", "catalog_xmin_age", "until_lost_bytes"))
    return {**sound, **figures, **changes}
