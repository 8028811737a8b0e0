# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and their limits. The vectors were taken from a PostgreSQL 15 with pglogical 2.4.2."""

from __future__ import annotations

import itertools
import re

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _naming


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        # hashtext() of a server; 11, 12 and 13 bytes are the ends of its blocks.
        ("", 0xA7EA466D),
        ("a", 0x401370B1),
        ("abcd", 0xE885082C),
        ("abcdefgh", 0x8B1E9C33),
        ("abcdefghijk", 0xA78EF3D3),
        ("abcdefghijkl", 0xA1763AD4),
        ("abcdefghijklm", 0x1830C6D0),
        ("x" * 24, 0x52446A25),
        ("x" * 25, 0x2BBEE40E),
        ("application_production", 0x639FE27F),
        ("Überdatenbankname", 0x4DC1D3C0),
        ("é" * 32, 0x05C01F31),
    ],
)
def test_hash_any_is_the_server_s(text, wanted):
    assert _naming.hash_any(text.encode()) == wanted


@pytest.mark.parametrize(
    ("database", "upstream", "subscription", "wanted"),
    [
        # pglogical_gen_slot_name() of a server, for node names that need no mapping.
        ("app", "n1", "s_n1_n2", "pgl_app_n1_s_n1_n2"),
        ("sixteen_chars_db", "alpha", "alpha_bravo", "pgl_sixteen_chars_db_alpha_alpha_bravo"),
        ("seventeen_char_db", "alpha", "alpha_bravo", "pgl_seventeed80a0f1_alpha_alpha_bravo"),
        ("application_production", "n1", "subscription_from_n1_to_n2", "pgl_applicat639fe27_n1_subscrip24e9ef2"),
        # The limit counts bytes, each of which becomes an underscore.
        ("ÜÜÜÜÜÜÜÜ", "alpha", "alpha_bravo", "pgl__________________alpha_alpha_bravo"),
        ("ÜÜÜÜÜÜÜÜÜ", "alpha", "alpha_bravo", "pgl_________a17596e_alpha_alpha_bravo"),
        ("Überdatenbankname", "alpha", "alpha_bravo", "pgl___berdat4dc1d3c_alpha_alpha_bravo"),
        ("Äpp-db", "n1", "s-1", "pgl___pp_db_n1_s_1"),
        ("app db", "alpha", "alpha_bravo", "pgl_app_db_alpha_alpha_bravo"),
        (
            "a" * 63,
            "abcdefghijklmnop",
            "abcdefghijklmnop",
            "pgl_aaaaaaaabf2427f_abcdefghijklmnop_abcdefghijklmnop",
        ),
    ],
)
def test_pglogical_slot_is_what_the_server_makes(database, upstream, subscription, wanted):
    assert _naming.pglogical_slot(database, upstream, subscription) == wanted


def test_pglogical_slot_fits_into_a_name():
    longest = _naming.pglogical_slot("d" * 63, "u" * 60, "s" * 60)
    assert len(longest) < _naming.NAMEDATALEN
    assert re.fullmatch(r"[a-z0-9_]+", longest)


@pytest.mark.parametrize(
    ("node", "wanted"),
    [
        ("alpha", "alpha"),
        ("Alpha-1.example", "alpha_1_example"),
        ("abcdefghijklmnop", "abcdefghijklmnop"),
        ("abcdefghijklmnopq", "abcdefgh918a954a"),
        ("zürich", "z_rich"),
    ],
)
def test_pglogical_node(node, wanted):
    assert _naming.pglogical_node(node) == wanted
    assert len(wanted) <= 16


def test_long_nodes_with_one_start_stay_apart():
    nodes = [f"frankfurt-datacentre-{number}.example" for number in range(50)]
    assert len({_naming.pglogical_node(node) for node in nodes}) == 50


def test_pglogical_subscription_names_both_nodes():
    assert _naming.pglogical_subscription("alpha", "bravo") == "alpha_bravo"
    assert _naming.pglogical_subscription("bravo", "alpha") == "bravo_alpha"


def test_subscriptions_of_one_upstream_stay_apart_when_they_are_shortened():
    nodes = [f"rather-long-name-{number}" for number in range(30)]
    pairs = list(itertools.permutations(nodes, 2))
    names = {_naming.pglogical_subscription(*pair) for pair in pairs}
    assert len(names) == len(pairs)
    assert {len(name) for name in names} == {16}


@pytest.mark.parametrize(
    ("name", "limit", "wanted"),
    [("short", 16, "short"), ("x" * 16, 16, "x" * 16), ("x" * 17, 16, "xxxxxxxxd04fd59f")],
)
def test_shortened(name, limit, wanted):
    assert _naming.shortened(name, limit) == wanted


@pytest.mark.parametrize(
    ("upstream", "database", "only_database", "underscore", "wanted"),
    [
        ("alpha", "appdb", True, True, "alpha"),
        ("alpha", "appdb", False, True, "alpha_appdb"),
        ("alpha", "appdb", False, False, "alphaappdb"),
        ("Node-1.example", "appdb", True, True, "node_1_example"),
        ("Node-1.example", "appdb", True, False, "node1example"),
        ("alpha", "Überdb", False, True, "alpha__berdb"),
        ("alpha", "Überdb", False, False, "alphaberdb"),
        ("a" * 33, "appdb", True, True, "a" * 24 + "852785c8"),
    ],
)
def test_contrib_bdr_connection(upstream, database, only_database, underscore, wanted):
    found = _naming.contrib_bdr_connection(upstream, database, only_database, underscore)
    assert found == wanted
    assert re.fullmatch(r"[a-z0-9_]+" if underscore else r"[a-z0-9]+", found)


def test_contrib_bdr_slots_have_the_shape_of_their_era():
    old = _naming.contrib_bdr_04_slot("appdb", "alpha", "bravo")
    new = _naming.contrib_bdr_07_slot("appdb", "alpha", "bravo")
    assert old == "bdr: <oid of appdb on alpha>:<sysid of bravo>-<timeline>-<oid of appdb on bravo>:"
    assert new == "bdr_<oid of appdb on alpha>_<sysid of bravo>_<timeline>_<oid of appdb on bravo>__"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("alpha", True),
        ("db-1.example_x", True),
        ("9lives", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("", False),
        (".hidden", False),
        ("..", False),
        ("-x", False),
        ("a/b", False),
        ("a b", False),
        ("zürich", False),
        ("alpha\n", False),
        ("a%h", False),
    ],
)
def test_is_path_safe(name, wanted):
    assert _naming.is_path_safe(name) is wanted


def test_built_servers_lie_by_group():
    assert _naming.server_directory("sales") == "/opt/pgbdr/sales"


def test_unit_and_home_name_group_and_node():
    assert _naming.unit("sales", "alpha") == "pgbdr-sales-alpha.service"
    assert _naming.home("sales", "alpha") == "/var/lib/pgbdr/sales/alpha"


@pytest.mark.parametrize(
    ("slot", "wanted"),
    [
        ("pgl_appdb_alpha_alpha_bravo", True),
        ("pgl_appdb_alpha_alpha_", True),
        ("pgl_appdb_alpha_alpha_bd3f1c2a9", True),
        ("pgl_appdb_alpha_reporting", False),
        ("pgl_appdb_bravo_bravo_alpha", False),
        ("pgl_other_alpha_alpha_bravo", False),
        ("my_pgl_appdb_alpha_alpha_bravo", False),
    ],
)
def test_a_pglogical_slot_is_known_by_its_upstream(slot, wanted):
    assert _naming.is_pglogical_slot(slot, "appdb", "alpha") is wanted


@pytest.mark.parametrize("upstream", ["alpha", "london.1", "an_upstream_whose_name_is_long"])
@pytest.mark.parametrize("downstream", ["bravo", "a_downstream_whose_name_is_long"])
@pytest.mark.parametrize("database", ["appdb", "application_production", "Äpp-db"])
def test_every_slot_that_is_planned_is_known_again(database, upstream, downstream):
    subscription = _naming.pglogical_subscription(upstream, downstream)
    slot = _naming.pglogical_slot(database, upstream, subscription)
    assert _naming.is_pglogical_slot(slot, database, upstream)
    assert not _naming.is_pglogical_slot(slot, database, "zulu")
    assert not _naming.is_pglogical_slot(slot, "zulu", upstream)


@pytest.mark.parametrize(
    ("slot", "wanted"),
    [("one_0123abcd", True), ("one", False), ("one_0123abc", False), ("two_0123abcd", False), ("one_0123abcdx", False)],
)
def test_a_slot_to_copy_a_table_with_is_known_by_its_link_s(slot, wanted):
    assert _naming.is_pglogical_sync_slot(slot, "one") is wanted
