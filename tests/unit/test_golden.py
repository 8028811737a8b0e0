# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of every example inventory for every engine, as it was when somebody last read it.

After a change that is meant: pytest tests/unit/test_golden.py --update-golden, then read the diff.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._source import plan_of
from ansible_collections.pgbdr.bdr.tests.unit.ansible_variables import task_vars, template

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
INVENTORIES = sorted(path.name for path in (ROOT / "inventories").iterdir() if path.is_dir())
ENGINES = {
    "pglogical": {"bdr_engine": "pglogical"},
    "contrib_bdr-0.4": {"bdr_engine": "contrib_bdr", "bdr_era": "0.4"},
    "contrib_bdr-0.7": {"bdr_engine": "contrib_bdr", "bdr_era": "0.7"},
}
NAMES = [f"{inventory}.{engine}" for inventory in INVENTORIES for engine in ENGINES]


def computed(name: str) -> str:
    inventory, engine = name.split(".", 1)
    variables = task_vars(ROOT / "inventories" / inventory, **ENGINES[engine])
    plan = plan_of(variables, template(variables))
    return json.dumps(plan.as_dict(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_plan_is_as_it_was(name, request):
    path = GOLDEN / f"{name}.json"
    found = computed(name)
    if request.config.getoption("update_golden"):
        path.write_text(found, "utf-8")
    assert json.loads(found) == json.loads(path.read_text("utf-8"))
    assert found == path.read_text("utf-8"), "written by something else than --update-golden"


def test_there_is_a_plan_for_each_and_no_other():
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.json" for name in NAMES}
    assert {"quickstart", "pair", "plex", "six", "one_way", "chain", "tree", "two_databases", "ha_standby"} <= set(
        INVENTORIES
    )


def test_an_inventory_says_what_it_is_for():
    """The example inventories show something each; none of them warns."""
    plans = {name: json.loads((GOLDEN / f"{name}.pglogical.json").read_text("utf-8")) for name in INVENTORIES}
    assert {name: len(plan["links"]) for name, plan in plans.items()} == {
        "quickstart": 6,
        "pair": 2,
        "plex": 6,
        "one_way": 2,
        "tree": 4,
        "two_databases": 8,
        "six": 30,
        "chain": 2,
        "ha_standby": 1,
    }
    assert {node["name"]: node["standby_of"] for node in plans["ha_standby"]["nodes"].values()} == {
        "alpha": "",
        "bravo": "alpha",
        "charlie": "",
    }
    assert {name: plan["warnings"] for name, plan in plans.items() if plan["warnings"]} == {}
