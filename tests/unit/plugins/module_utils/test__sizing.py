# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each number against the formula it shows."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._sizing import disk, figures, has_room, megabytes, value_of
from ansible_collections.pgbdr.bdr.plugins.module_utils._topology import links
from ansible_collections.pgbdr.bdr.tests.unit.builders import group, node_plan


def sizes(name: str = "alpha", reserve: int = 0, **shared) -> dict[str, int]:
    found = group(**shared)
    return {figure.name: figure.value for figure in figures(found, links(found), found.node(name), reserve)}


@pytest.mark.parametrize(
    ("shared", "node", "up", "down"),
    [
        ({}, "alpha", 2, 2),
        ({"names": "alpha bravo"}, "alpha", 1, 1),
        ({"bdr_databases": ["x", "y"]}, "alpha", 4, 4),
        ({"bdr_topology": "one_way", "bdr_upstream": "alpha"}, "alpha", 0, 2),
        ({"bdr_topology": "one_way", "bdr_upstream": "alpha"}, "bravo", 1, 0),
        ({"bdr_databases": [{"name": "x", "nodes": ["alpha", "bravo"]}]}, "charlie", 0, 0),
    ],
)
@pytest.mark.parametrize("reserve", [0, 3])
@pytest.mark.parametrize("standbys", [0, 2])
def test_slots_and_senders(shared, node, up, down, reserve, standbys):
    found = sizes(node, reserve, bdr_physical_standbys=standbys, **shared)
    assert (found["upstreams"], found["downstreams"]) == (up, down)
    assert found["slots"] == up + down + reserve
    assert found["wal_senders"] == up + down + reserve + standbys + 2


@pytest.mark.parametrize(
    ("downtime", "rate", "wanted"),
    [
        (3600, 256, 900),
        (14400, 274, 3854),  # 3853.1 is rounded up
        (3600, 1024, 3600),
        (60, 1, 16),  # less than a segment is a segment
        (64, 256, 16),
        (68, 256, 17),
        (31_536_000, 10_485_760, 322_928_640_000),
    ],
)
def test_wal_retention(downtime, rate, wanted):
    found = sizes(bdr_allowed_downtime_seconds=downtime, bdr_wal_rate_kb_per_second=rate)
    assert found["wal_retention"] == wanted


def test_each_figure_shows_its_formula_and_source():
    found = group(bdr_physical_standbys=1)
    shown = {figure.name: figure for figure in figures(found, links(found), found.node("alpha"), 3)}
    assert list(shown) == sorted(shown)
    assert shown["slots"].formula == "upstreams 2 + downstreams 2 + reserve 3"
    assert shown["wal_senders"].formula == "slots 7 + physical standbys 1 + 2 for pg_basebackup"
    assert shown["wal_retention"].formula.startswith(
        "bdr_allowed_downtime_seconds 3600 x bdr_wal_rate_kb_per_second 256 / 1024"
    )
    assert all(figure.source and figure.unit for figure in shown.values())


def test_value_of():
    found = (disk(10, 20),)
    assert value_of(found, "disk") == 10 + 20 + 64
    assert found[0].formula == "WAL retention 10 + WAL of checkpoints 20 + empty instance 64"


@pytest.mark.parametrize(
    ("value", "unit", "wanted"),
    [
        ("64", 1, 64),
        ("64", 16, 1024),
        ("1GB", 1, 1024),
        ("1 GB", 1, 1024),
        (" 512MB", 1, 512),
        ("512MB ", 1, 512),
        ("2TB", 1, 2 * 1024 * 1024),
        ("2048kB", 1, 2),
        ("1kB", 1, 1),
        ("1025kB", 1, 2),
        ("0", 1, 0),
        ("", 1, None),
        ("GB", 1, None),
        ("lots", 1, None),
        ("-1", 1, None),
        ("1gb", 1, None),
        ("1B", 1, None),
        ("1GBMB", 1, None),
        ("1.5GB", 1, 1536),
        ("1.5 GB", 1, 1536),
        ("0.5", 1, 1),
        ("0.5", 16, 8),
        (".5GB", 1, None),
        ("1.GB", 1, None),
        ("1 0MB", 1, None),
        ("١GB", 1, None),
    ],
)
def test_megabytes(value, unit, wanted):
    assert megabytes(value, unit) == wanted


@pytest.mark.parametrize(
    ("name", "running", "shared", "wanted"),
    [
        ("max_wal_senders", "1000", {}, True),
        ("max_wal_senders", "1", {}, False),
        ("max_wal_senders", "unknown", {}, False),
        ("shared_preload_libraries", "1000", {}, False),
        ("nothing_of_the_plan", "1000", {}, False),
        # What the operator wishes is not put off, and a standby must have what its primary has.
        ("max_wal_senders", "1000", {"bdr_settings": {"max_wal_senders": 50}}, False),
        ("max_wal_senders", "1000", {"bdr_physical_standbys": 1}, False),
        ("max_wal_senders", "1000", {"own": {"alpha": {"bdr_standby_of": "bravo"}}}, False),
    ],
)
def test_room_is_no_reason_for_a_restart(name, running, shared, wanted):
    assert has_room(node_plan(**shared), name, running) is wanted
