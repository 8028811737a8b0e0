# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engine pglogical before there is a server."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.pglogical import PglogicalRules
from ansible_collections.pgbdr.bdr.tests.unit.builders import figures, node_plan, plan, settings

ONE_WAY = {"bdr_topology": "one_way", "bdr_upstream": "alpha"}


@pytest.mark.parametrize(
    ("node", "shared", "slots", "senders", "workers"),
    [
        # slots: upstreams + downstreams + a sync slot for each upstream + 1; workers: 1 + databases + 2 x upstreams + 8
        ("alpha", {"names": "alpha bravo"}, 1 + 1 + 1 + 1, 6, 1 + 1 + 2 + 8),
        ("alpha", {}, 2 + 2 + 2 + 1, 9, 1 + 1 + 4 + 8),
        ("alpha", {"bdr_databases": ["x", "y"]}, 4 + 4 + 4 + 1, 15, 1 + 2 + 8 + 8),
        ("alpha", ONE_WAY, 0 + 2 + 0 + 1, 5, 1 + 1 + 0 + 8),
        ("bravo", ONE_WAY, 1 + 0 + 1 + 1, 5, 1 + 1 + 2 + 8),
        ("alpha", {"bdr_physical_standbys": 3}, 7, 12, 14),
        ("charlie", {"bdr_databases": [{"name": "x", "nodes": ["alpha", "bravo"]}]}, 1, 3, 1 + 0 + 0 + 8),
    ],
)
def test_sizes(node, shared, slots, senders, workers):
    found = settings(node_plan(node, **shared))
    assert (found["max_replication_slots"], found["max_wal_senders"], found["max_worker_processes"]) == (
        str(slots),
        str(senders),
        str(workers),
    )


def test_settings_of_replication():
    found = settings(node_plan())
    wanted = {
        "wal_level": "logical",
        "track_commit_timestamp": "on",
        "shared_preload_libraries": "pglogical",
        "max_slot_wal_keep_size": "900MB",
        "pglogical.conflict_resolution": "last_update_wins",
        "pglogical.synchronous_commit": "off",
        "output_plugin_libraries": "pgoutput,test_decoding,pglogical_output",
        "password_encryption": "scram-sha-256",
    }
    assert {name: found[name] for name in wanted} == wanted


def test_synchronous_commit_is_the_operator_s():
    assert settings(node_plan(bdr_synchronous_commit=True))["pglogical.synchronous_commit"] == "on"


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ({}, 1024),
        ({"max_wal_size": "4GB"}, 4096),
        ({"max_wal_size": "2048"}, 2048),
        ({"max_wal_size": "nonsense"}, 1024),
    ],
)
def test_wal_of_checkpoints(found, wanted):
    assert PglogicalRules().checkpoint_wal_mb(found) == wanted


@pytest.mark.parametrize(
    ("size", "wanted"),
    [("900MB", 900), ("10GB", 10240), ("2048", 2048), ("1.5GB", 1536), ("0", 0), ("-1", 700), ("lots", 700)],
)
def test_wal_that_is_kept(size, wanted):
    assert PglogicalRules().kept_wal_mb({"max_slot_wal_keep_size": size}, 700) == wanted


def test_names():
    alpha = node_plan(names="alpha Bravo-1.example", bdr_databases=["appdb"])
    assert alpha.engine_node == "alpha"
    (connection,) = alpha.connections
    assert connection.name == "bravo_1_61e65418"
    assert connection.slot == f"pgl_appdb_bravo_1_example_{connection.name}"
    (slot,) = alpha.slots
    assert slot.plugin == "pglogical_output"
    assert slot.name.startswith("pgl_appdb_alpha_alpha_br")


def test_slots_of_an_upstream_never_share_a_name():
    found = plan(" ".join(f"a-rather-long-node-{number}" for number in range(12)), bdr_databases=["x", "y"])
    for node in found.nodes:
        assert len({slot.name for slot in node.slots}) == len(node.slots) == 22


def test_figures_show_the_reserve():
    assert figures(node_plan())["slots"] == 7
    (slots,) = [figure for figure in node_plan().figures if figure.name == "slots"]
    assert slots.formula == "upstreams 2 + downstreams 2 + reserve 3"
