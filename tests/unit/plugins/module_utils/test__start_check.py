# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that looks at a node's data before its server starts. What it does is tested in tests/integration."""

from __future__ import annotations

import subprocess

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._start_check import refusal, script, way_out
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan

STANDBY = node_plan("delta", "alpha bravo delta", own={"delta": {"bdr_standby_of": "alpha"}})
OLD = node_plan(bdr_engine="contrib_bdr", bdr_era="0.4")


@pytest.mark.parametrize("plan", [node_plan(), STANDBY, OLD])
def test_a_shell_can_read_it(plan):
    text = script(plan)
    done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"home={plan.home}\ndata={plan.data_directory}\n" in text
    assert f"$({plan.bin_directory}/pg_controldata" in text


def test_where_there_is_no_data_nothing_stands_against_a_start():
    done = subprocess.run(["sh", "-c", script(node_plan()), "check", "check"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_refusal_names_the_node_the_reason_and_the_mend():
    said = refusal(node_plan("charlie"), "it is old")
    assert said.startswith("bdr_home of charlie: it is old. Put back what it had last; or give up what only that had")
    assert "reseed.yml -e bdr_node=charlie -e bdr_confirm=charlie -e bdr_accept_loss=charlie" in said
    assert said.endswith("say so: site.yml -e bdr_accept_restored=charlie")


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (STANDBY, "Remove it, and site.yml copies alpha anew. "),
        (OLD, "Put back what it had last, or give the node up: remove_node.yml -e bdr_node=alpha "),
    ],
)
def test_a_node_that_cannot_be_seeded_has_another_way_out(plan, told):
    assert way_out(plan).startswith(told)
    assert "reseed.yml" not in way_out(plan)
