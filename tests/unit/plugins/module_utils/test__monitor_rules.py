# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alert rules and targets; which alert fires when is tested by promtool."""

from __future__ import annotations

import re

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._monitor_rules import RULES, Limits, problems, rules, targets
from ansible_collections.pgbdr.bdr.tests.unit.builders import plan

DOCS = "https://docs.example"


def made(group="london", **limits):
    return {rule["alert"]: rule for rule in rules(group, Limits(**limits), DOCS)["groups"][0]["rules"]}


def test_every_rule_is_of_one_group_only():
    found = made('a"b')
    assert list(found) == [rule.name for rule in RULES]
    for rule in found.values():
        selectors = re.findall(r"\b(?:bdr_\w+|pg_\w+|up)\{", rule["expr"])
        assert len(selectors) == rule["expr"].count('{group="a\\"b"') > 0
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_limits_are_filled_in_and_what_prometheus_fills_in_stays():
    found = made(for_seconds=7, lag_mb=3, lag_seconds=11, wal_percent=40, xmin_age=9, clock_skew_ms=1500)
    texts = [text for rule in found.values() for text in (rule["expr"], rule["annotations"]["summary"])]
    assert not any(re.search(r"(?<!\{)\{(?!\{|group=)", text) for text in texts)
    assert found["BdrLinkLags"]["expr"] == 'bdr_slot_lag_bytes{group="london"} > 3 * 1048576'
    assert "* 40 / 100" in found["BdrWalNearLoss"]["expr"] and "[35s:]" in found["BdrClockSkew"]["expr"]
    assert found["BdrClockSkew"]["expr"].endswith("> 1500 / 1000") and "> 9" in found["BdrXminOld"]["expr"]
    assert "{{ $labels.upstream }} -> {{ $labels.downstream }}" in found["BdrLinkLags"]["annotations"]["summary"]
    assert found["BdrNodeDown"]["for"] == "7s"


def test_what_cannot_be_undone_is_told_at_once():
    assert {name for name, rule in made().items() if "for" not in rule} == {
        "BdrSlotMissing",
        "BdrWalLost",
        "BdrWalNearLoss",
    }


def test_targets_are_where_the_exporters_are():
    found = plan("alpha bravo charlie delta").as_dict()
    listens = {"delta": "127.0.0.1", "alpha": "", "bravo": "::", "charlie": "2001:db8::5"}
    results = [{"node": node, "listen": listen, "port": 9187} for node, listen in listens.items()]
    found["nodes"]["bravo"]["address"] = "2001:db8::2"
    assert [(target["targets"], target["labels"]["node"]) for target in targets(results, found)] == [
        (["192.0.2.11:9187"], "alpha"),
        (["[2001:db8::2]:9187"], "bravo"),
        (["[2001:db8::5]:9187"], "charlie"),
        (["127.0.0.1:9187"], "delta"),
    ]
    assert {target["labels"]["group"] for target in targets(results, found)} == {"bdr"}


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        ({"for_seconds": 60, "lag_mb": 64, "wal_percent": 100, "xmin_age": 2_000_000_000}, []),
        ({"wal_percent": 101}, ["bdr_monitor_wal_percent is 101; a whole number from 1 to 100 is wanted"]),
        ({"lag_mb": 0}, ["bdr_monitor_lag_mb is 0; a whole number from 1 to 1000000 is wanted"]),
    ],
)
def test_limits_that_are_none_are_told(limits, wanted):
    assert problems(limits) == wanted
