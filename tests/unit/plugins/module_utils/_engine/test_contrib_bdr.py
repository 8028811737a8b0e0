# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engine contrib_bdr before there is a server, in both its eras."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.contrib_bdr import ContribBdr04Rules, ContribBdr07Rules
from ansible_collections.pgbdr.bdr.tests.unit.builders import (
    connection_settings,
    figures,
    node_plan,
    only_problem,
    plan,
    settings,
)

OLD = {"bdr_engine": "contrib_bdr", "bdr_era": "0.4"}
NEW = {"bdr_engine": "contrib_bdr", "bdr_era": "0.7"}
ONE_WAY = {"bdr_topology": "one_way", "bdr_upstream": "alpha"}
BASIC = (
    "listen_addresses",
    "lc_messages",
    "log_",
    "logging_collector",
    "port",
    "unix_socket_directories",
)


def own_settings(node: str = "alpha", **shared) -> dict[str, str]:
    """Return what the engine asks for, without what every node has."""
    return {name: value for name, value in settings(node_plan(node, **shared)).items() if not name.startswith(BASIC)}


def own_connections(node: str = "alpha", **shared) -> dict[str, str]:
    """Return what stands in the file of the connections."""
    return connection_settings(node_plan(node, **shared))


DSN = "host=192.0.2.{} port=5432 dbname={} user=bdr_replication"


def test_a_mesh_up_to_0_4():
    assert own_settings(**OLD) == {
        "wal_level": "logical",
        "max_logical_slots": "8",  # 2 upstreams + 2 downstreams + 2 new identities of each upstream
        "max_wal_senders": "10",
        "wal_keep_segments": "57",  # 900 MB / 16
        "shared_preload_libraries": "bdr",
        "track_commit_timestamp": "on",
        "bdr.synchronous_commit": "off",
    }
    assert own_connections(**OLD) == {
        "bdr.connections": "bravo, charlie",
        "bdr.bravo.dsn": DSN.format(12, "appdb"),
        "bdr.charlie.dsn": DSN.format(13, "appdb"),
    }


def test_a_mesh_from_0_5_on():
    assert own_settings(**NEW) == {
        "wal_level": "logical",
        "max_replication_slots": "8",
        "max_wal_senders": "10",
        "max_worker_processes": "14",  # 1 + 1 database + 2 x 2 connections + 8
        "shared_preload_libraries": "bdr",
        "track_commit_timestamp": "on",
        "bdr.synchronous_commit": "off",
    }
    assert own_connections(**NEW) == {
        "bdr.connections": "bravo, charlie",
        "bdr.bravo_dsn": DSN.format(12, "appdb"),
        "bdr.charlie_dsn": DSN.format(13, "appdb"),
    }


@pytest.mark.parametrize("era", [OLD, NEW])
def test_a_node_without_upstreams_has_no_connections(era):
    assert own_connections("alpha", **era, **ONE_WAY) == {}
    assert list(own_connections("bravo", **era, **ONE_WAY))[0] == "bdr.connections"


@pytest.mark.parametrize("era", [OLD, NEW])
def test_connections_are_not_there_before_their_databases(era):
    """A server that starts with one whose database is missing only loops, so they stand in a file of their own."""
    assert set(own_settings(**era)).isdisjoint(own_connections(**era))
    assert not any(".bravo" in name or name == "bdr.connections" for name in own_settings(**era))


@pytest.mark.parametrize("era", [OLD, NEW])
def test_no_connection_shows_a_password(era):
    found = own_connections(**era, bdr_replication_password="secret")
    assert not any("secret" in value or "password" in value for value in found.values())


def test_an_upstream_that_is_none_s_downstream():
    assert own_settings("alpha", **OLD, **ONE_WAY) == {
        "wal_level": "logical",
        "max_logical_slots": "2",
        "max_wal_senders": "4",
        "wal_keep_segments": "57",
    }


def test_an_upstream_that_is_none_s_downstream_loads_the_library_of_0_7():
    """From 0.5 on the output plugin is the bdr library, which loads at the server's start only."""
    assert own_settings("alpha", **NEW, **ONE_WAY) == {
        "wal_level": "logical",
        "max_replication_slots": "2",
        "max_wal_senders": "4",
        "max_worker_processes": "10",
        "shared_preload_libraries": "bdr",
        "track_commit_timestamp": "on",
    }


@pytest.mark.parametrize(("shared", "slots"), [(OLD, "max_logical_slots"), (NEW, "max_replication_slots")])
def test_a_downstream_that_is_none_s_upstream(shared, slots):
    found = own_settings("bravo", **shared, **ONE_WAY)
    assert found[slots] == "3"
    assert "wal_level" not in found
    assert "max_wal_senders" not in found
    assert "wal_keep_segments" not in found
    assert own_connections("bravo", **shared, **ONE_WAY)["bdr.connections"] == "alpha"


@pytest.mark.parametrize("era", [OLD, NEW])
@pytest.mark.parametrize(
    ("operator", "level"),
    [({}, "hot_standby"), ({"wal_level": "archive"}, "archive"), ({"wal_level": "logical"}, "logical")],
)
def test_a_downstream_with_a_standby_can_feed_it(era, operator, level):
    own = {"bravo": {"bdr_settings": operator}}
    found = own_settings("bravo", **era, **ONE_WAY, bdr_physical_standbys=1, own=own)
    assert found["max_wal_senders"] == str(3 + 1 + 2)
    assert found["wal_level"] == level
    # Physical standbys have no slot in either era.
    assert found["wal_keep_segments"] == "57"


@pytest.mark.parametrize("era", [OLD, NEW])
def test_an_upstream_with_a_standby_decodes(era):
    found = own_settings("alpha", **era, **ONE_WAY, bdr_physical_standbys=1)
    assert (found["wal_level"], found["max_wal_senders"]) == ("logical", str(2 + 1 + 2))
    assert found["wal_keep_segments"] == "57"


@pytest.mark.parametrize(
    ("shared", "connections", "dsn", "delay"),
    [
        (OLD, "bravo_orders, bravo_reports", "bdr.bravo_orders.dsn", "bdr.bravo_reports.apply_delay"),
        (NEW, "bravoorders, bravoreports", "bdr.bravoorders_dsn", "bdr.bravoreports_apply_delay"),
    ],
)
def test_several_databases_show_in_the_connections_names(shared, connections, dsn, delay):
    found = own_connections(
        names="alpha bravo", **shared, bdr_databases=["orders", "reports"], own={"alpha": {"bdr_apply_delay_ms": 500}}
    )
    assert found["bdr.connections"] == connections
    assert found[dsn] == DSN.format(12, "orders")
    assert found[delay] == "500"
    assert list(own_connections("bravo", names="alpha bravo", **shared, bdr_databases=["x"])) == [
        "bdr.connections",
        dsn.replace("bravo_orders", "alpha").replace("bravoorders", "alpha"),
    ]


def test_a_node_with_one_database_of_several_names_the_node_only():
    databases = ["x", {"name": "y", "nodes": ["alpha", "bravo"]}]
    assert own_connections("charlie", **NEW, bdr_databases=databases)["bdr.connections"] == "alpha, bravo"
    assert own_connections("alpha", **NEW, bdr_databases=databases)["bdr.connections"] == "bravox, charliex, bravoy"


def test_names_of_nodes_are_mapped_as_the_era_allows():
    shared = {"names": "alpha db-1.example"}
    assert own_connections(**shared, **OLD)["bdr.connections"] == "db_1_example"
    assert own_connections(**shared, **NEW)["bdr.connections"] == "db1example"


@pytest.mark.parametrize(("era", "dsn"), [(OLD, "bdr.n9lives.dsn"), (NEW, "bdr.n9lives_dsn")])
def test_a_node_whose_name_starts_with_a_digit(era, dsn):
    """No name of a setting may: bdr.1_dsn is a syntax error."""
    found = own_connections(**era, names="alpha 9lives")
    assert found["bdr.connections"] == "n9lives"
    assert found[dsn] == DSN.format(12, "appdb")


@pytest.mark.parametrize("era", [OLD, NEW])
def test_what_stands_before_a_digit_may_be_a_name_of_its_own(era):
    said = only_problem(plan, "alpha 9lives n9lives", **era)
    assert "the nodes 9lives and n9lives all become n9lives in the engine" in said


@pytest.mark.parametrize(
    ("shared", "slot", "plugin"),
    [
        (
            OLD,
            "bdr: <oid of appdb on alpha>:<sysid of bravo>-<timeline>-<oid of appdb on bravo>:",
            "bdr_output",
        ),
        (NEW, "bdr_<oid of appdb on alpha>_<sysid of bravo>_<timeline>_<oid of appdb on bravo>__", "bdr"),
    ],
)
def test_slots(shared, slot, plugin):
    found = node_plan(**shared).slots[0]
    assert (found.downstream, found.name, found.plugin) == ("bravo", slot, plugin)


def test_synchronous_commit_is_the_operator_s():
    assert own_settings(**NEW, bdr_synchronous_commit=True)["bdr.synchronous_commit"] == "on"


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ({}, (2.5 * 3 + 1) * 16),
        ({"checkpoint_segments": "32"}, (2.5 * 32 + 1) * 16),
        ({"checkpoint_segments": "many"}, (2.5 * 3 + 1) * 16),
        ({"checkpoint_segments": "3²"}, (2.5 * 3 + 1) * 16),
    ],
)
def test_wal_of_checkpoints(found, wanted):
    assert ContribBdr04Rules().checkpoint_wal_mb(found) == wanted


@pytest.mark.parametrize("engine", [ContribBdr04Rules(), ContribBdr07Rules()])
@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ({}, 900),
        ({"wal_keep_segments": "57"}, 912),
        ({"wal_keep_segments": "0"}, 900),
        ({"wal_keep_segments": "many"}, 900),
        ({"wal_keep_segments": "-1"}, 900),
        ({"wal_keep_segments": "3²"}, 900),
    ],
)
def test_wal_that_is_kept(engine, found, wanted):
    assert engine.kept_wal_mb(found, 900) == wanted


def test_disk_counts_what_checkpoints_keep():
    assert figures(node_plan(**OLD))["disk"] == 912 + 136 + 64
    assert figures(node_plan(**OLD, bdr_settings={"checkpoint_segments": 32}))["disk"] == 912 + 1296 + 64


def test_an_isolated_node_needs_nothing_of_the_engine():
    databases = [{"name": "x", "nodes": ["alpha", "bravo"]}]
    assert own_settings("charlie", **OLD, bdr_databases=databases) == {"max_logical_slots": "0"}
