# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/salvage.md shows is what the code says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.pgbdr.bdr.plugins.module_utils import _repair_work, _salvage
from ansible_collections.pgbdr.bdr.plugins.module_utils._salvage import CONFLICTS, SalvageError
from ansible_collections.pgbdr.bdr.tests.unit.salvages import ALL, LINE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/salvage.md").read_text("utf-8")
RESEED = (ROOT / "docs/reseed.md").read_text("utf-8")


def section(heading: str) -> str:
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_every_part_of_a_file_is_explained():
    explained = set(re.findall(r"`(\w+)`", section("What is written")))
    parts = {*ALL, *LINE, *LINE["node"], *ALL["tables"][0], *ALL["left"][0]}
    assert parts - explained == set()


def test_the_ways_with_conflicts_are_the_code_s():
    told = re.findall(r"^\| `(\w+)`", section("Conflicts"), re.MULTILINE)
    assert told == ["bdr_salvage_conflicts", *CONFLICTS]


def refusals() -> list[str]:
    calls = [
        lambda: _salvage.salvage_of(json.dumps({**ALL, "node": "bravo"}), "s.json", "paris"),
        lambda: _salvage.salvage_of(json.dumps({**ALL, "group": "rome"}), "s.json", "paris"),
        lambda: _salvage.refuse_request(ALL, "alpha", "leave"),
        lambda: _salvage.refuse_request(ALL, "", "mine"),
        lambda: _salvage.target_of(ALL, "zulu", ["alpha"]),
    ]
    said = []
    for call in calls:
        with pytest.raises(SalvageError) as caught:
            call()
        said.append(str(caught.value))
    return [*said, _repair_work.changed("alpha", "1")]


def test_the_messages_on_the_page_are_the_code_s():
    told = re.findall(r"^\| `([^`]+)` \|", section("What does not work, and what to do"), re.MULTILINE)
    assert len(told) == 8
    files = ("plugins/module_utils/_salvage_apply.py", "plugins/action/salvage_file.py")
    source = " ".join((ROOT / name).read_text("utf-8") for name in files)
    said = " ".join(refusals())
    missing = [each for each in told if each not in said and each.replace("s.json", "{path}.json") not in source]
    assert missing == []


def test_the_tasks_of_the_runs_are_the_role_s_and_the_playbook_s():
    roles = [path for name in ("bdr_salvage", "bdr_seed") for path in (ROOT / f"roles/{name}/tasks").glob("*.yml")]
    files = [*roles, ROOT / "playbooks/salvage.yml"]
    text = " ".join(path.read_text("utf-8") for path in files)
    shown = re.findall(r"^TASK \[(?:pgbdr\.bdr\.bdr_s\w+ : )?(.*)\] \*", PAGE, re.MULTILINE)
    assert len(shown) >= 3
    assert [name for name in shown if f"- name: {name}\n" not in text] == []


def test_the_message_of_a_server_that_does_not_start_is_the_role_s():
    tasks = yaml.safe_load((ROOT / "roles/bdr_seed/tasks/deliver.yml").read_text("utf-8"))
    (said,) = (task["ansible.builtin.fail"]["msg"] for task in tasks if "ansible.builtin.fail" in task)
    said = said.replace("{{ bdr_seed_course.name }}", "charlie").replace("{{ bdr_seed_fence.msg }}", "...")
    assert f"```text\n{said.strip()}\n```" in RESEED
