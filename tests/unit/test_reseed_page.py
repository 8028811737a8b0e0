# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/reseed.md shows is what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.pgbdr.bdr.plugins.module_utils import _hosts, _seed, _seed_check, _seed_told
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.seeding import gap
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed_check import Course, Request
from ansible_collections.pgbdr.bdr.plugins.module_utils._status import status
from ansible_collections.pgbdr.bdr.plugins.module_utils._status_links import CLOSED, UNFINISHED
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan, nodes_seen, plan

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/reseed.md").read_text("utf-8")
PLAN = plan().as_dict()
ONE_WAY = plan(bdr_topology="one_way", bdr_upstream="alpha").as_dict()
FROM_BRAVO = node_plan("charlie").connections[1]


def seen(name: str, state: str = "streaming", **changes) -> dict:
    links = [
        {"database": "appdb", "upstream": other, "exists": True, "state": state, "behind_bytes": 0}
        for other in PLAN["nodes"]
        if other != name
    ]
    sound = {
        **{
            "data": "ours",
            "has_data": True,
            "stage": "fresh",
            "donor": "",
            "point": "",
            "method": "",
            "answers": True,
            "error": "",
            "refused": "",
            "links": links,
        },
        **{
            "size_mb": 1000,
            "free_mb": 5000,
            "slots": [],
            "free_slots": 3,
            "sets": [],
            "tablespaces": [],
            "large_objects": [],
        },
        **{"platform": "x86_64, debian 12", "version": "15.8", "host": name},
    }
    return {**sound, **changes}


def asked(*request: str, of=PLAN) -> list[str]:
    return _seed.request_problems(of, *request)


def stands_against(method: str = "auto", **changes) -> list[str]:
    """Return the problems of seeding charlie, which is down unless it is said otherwise."""
    down = {"answers": False, "error": "no such file", "links": []}
    found = {name: seen(name, **changes.get(name, down if name == "charlie" else {})) for name in PLAN["nodes"]}
    return _seed_check.problems(PLAN, Request("charlie", changes.get("donor", ""), method=method), found)


def begin_anew(problem: str) -> list[str]:
    """Return a gap as the module tells it."""
    return [f"{problem}. Begin anew with -e bdr_force=charlie"]


def found_as(seeding: str) -> list[str]:
    """Return what status.yml finds of a node that is on its way."""
    found = status(PLAN, nodes_seen(charlie={"seeding": seeding}), 50, 16)
    return [finding["message"] for finding in found["findings"]]


MESSAGES = [
    asked("charlie", "bravo", ""),
    asked("charlie", "charlie", "zulu"),
    asked("alpha", "alpha", "", of=ONE_WAY),
    _seed_check.problems(
        plan(bdr_engine="contrib_bdr").as_dict(),
        Request("charlie"),
        {name: seen(name, **({"has_data": False} if name == "charlie" else {})) for name in PLAN["nodes"]},
    ),
    stands_against(charlie={}),
    stands_against(bravo={"answers": False, "error": "no such file"}),
    stands_against(alpha={"state": "down"}, bravo={"state": "down"}),
    stands_against(charlie={"answers": False, "free_mb": 900}),
    stands_against("physical", charlie={"answers": False, "version": "15.7"}),
    stands_against("logical", alpha={"large_objects": ["appdb"]}),
    stands_against(charlie={"answers": False, "version": "14.19", "links": []}),
    stands_against(charlie={"answers": False, "data": "foreign"}),
    stands_against(charlie={"answers": False, "stage": "copied", "donor": "bravo"}, donor="alpha"),
    stands_against(bravo={"free_slots": 0}),
    stands_against(charlie={"answers": False, "data": "absent", "has_data": False}),
    begin_anew(gap(FROM_BRAVO, "charlie", "0/1", "")),
    begin_anew(gap(FROM_BRAVO, "charlie", "0/1", "0/2")),
    found_as(CLOSED),
    found_as(UNFINISHED),
    [_hosts.half_seeded("charlie")],
]


@pytest.mark.parametrize("said", MESSAGES)
def test_a_message_on_the_page_is_the_code_s(said):
    (message,) = said
    assert f"| {message} |" in PAGE or f"```text\n{message}\n```" in PAGE


def test_every_message_on_the_page_is_looked_for():
    told = re.findall(r"^\| (?!message)(\w.*?) \| .*\|$", PAGE.split("\n## What is refused\n")[1], re.MULTILINE)
    assert [message for message in told if [message] not in MESSAGES] == []


def test_how_a_message_about_a_gap_ends_is_the_module_s():
    (said,) = begin_anew("{problem}")
    ends = said.replace("charlie", "{self.plan.name}")
    assert f'f"{ends}"' in (ROOT / "plugins/module_utils/_seeding.py").read_text("utf-8")


def test_what_is_told_of_the_course_is_the_code_s():
    found = {"alpha": seen("alpha", size_mb=31), "charlie": seen("charlie")}
    course = Course("alpha", "point", "fresh", True, "physical")
    told = _seed_told.told(PLAN, Request("charlie"), course, found).replace("/bdr/", "/hseed/")
    assert f"\n{told}\nok: " in PAGE


def test_the_tasks_of_the_run_are_the_role_s():
    files = (ROOT / "roles/bdr_seed/tasks").glob("*.yml")
    names = {task["name"] for path in files for task in yaml.safe_load(path.read_text("utf-8"))}
    shown = re.findall(r"^TASK \[pgbdr\.bdr\.bdr_seed : (.*)\]", PAGE, re.MULTILINE)
    assert len(shown) == 14
    assert set(shown) <= names


def test_the_variables_are_those_of_the_role():
    specs = yaml.safe_load((ROOT / "roles/bdr_seed/meta/argument_specs.yml").read_text("utf-8"))["argument_specs"]
    options = {name for entry in specs.values() for name in entry["options"]}
    defaults = yaml.safe_load((ROOT / "roles/bdr_seed/defaults/main.yml").read_text("utf-8"))
    table = dict(re.findall(r"^\| `(bdr_\w+)` \| .*? \| (.*?) \|", PAGE, re.MULTILINE))
    # What -e gives under a shorter name, and what follows from the plan.
    given = {name: match[1] for name in options if (match := re.search(r"\{\{ (bdr_\w+) \| d", str(defaults[name])))}
    plan_s = {"bdr_seed_node", "bdr_seed_password", "bdr_seed_tls"}
    assert set(table) == {given.get(name, name) for name in options - plan_s}
    assert table["bdr_seed_wait_seconds"] == f"`{defaults['bdr_seed_wait_seconds']}`"
