# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of a group as the lines that node_exporter's textfile collector reads."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._status import status
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._status_metrics import metrics
from ansible_collections.pgbdr.bdr.tests.unit.builders import nodes_seen, plan, slot_seen

DOWN = {"answers": False, "reason": "down", "error": "no such file", "slots": []}
LOST = slot_seen("pgl_appdb_alpha_alpha_bravo", "bravo", wal_status="lost", active=False)
ONE = 'group="bdr",database="appdb",upstream="alpha",downstream="bravo"'


def told(**changes: dict) -> list[str]:
    found = status(plan("alpha bravo").as_dict(), nodes_seen("alpha bravo", **changes), 50, 16)
    return metrics({**found, "at": "2026-11-22T11:30:26+00:00"}).splitlines()


def test_a_group_that_is_well():
    lines = told()
    assert 'bdr_status_ok{group="bdr"} 1' in lines
    assert 'bdr_status_time_seconds{group="bdr"} 1795347026' in lines
    assert 'bdr_status_findings{group="bdr",severity="error"} 0' in lines
    assert 'bdr_status_node_answers{group="bdr",node="alpha"} 1' in lines
    assert f'bdr_status_link_sound{{{ONE},state="streaming"}} 1' in lines
    assert f"bdr_status_link_lag_bytes{{{ONE}}} 0" in lines


def test_a_group_that_is_not():
    lines = told(alpha={"slots": [LOST]}, bravo=DOWN)
    assert 'bdr_status_ok{group="bdr"} 0' in lines
    assert 'bdr_status_node_answers{group="bdr",node="bravo"} 0' in lines
    assert f'bdr_status_link_sound{{{ONE},state="wal_lost"}} 0' in lines
    assert 'bdr_status_findings{group="bdr",severity="error"} 0' not in lines


def test_what_nobody_knows_is_left_out():
    lines = told(alpha=DOWN, bravo=DOWN)
    assert not any("lag_bytes" in line for line in lines)


@pytest.mark.parametrize(("name", "quoted"), [('a"b', 'a\\"b'), ("a\\b", "a\\\\b"), ("a\nb", "a\\nb")])
def test_names_are_quoted(name, quoted):
    found = {"group": name, "ok": True, "at": "2026-11-22T11:30:26+00:00", "findings": [], "nodes": {}, "links": []}
    assert f'bdr_status_ok{{group="{quoted}"}} 1' in metrics(found).splitlines()


def test_each_metric_is_told_once_and_in_one_piece():
    lines = told(bravo=DOWN)
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names)) >= 6
    of_lines = [line.split("{")[0].removeprefix("# HELP ").removeprefix("# TYPE ").split()[0] for line in lines]
    assert of_lines == sorted(of_lines, key=names.index)
