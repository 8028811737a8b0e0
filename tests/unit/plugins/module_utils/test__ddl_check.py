# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands against a script before it runs anywhere."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _ddl_check as check
from ansible_collections.pgbdr.bdr.plugins.module_utils._ddl import fingerprint
from ansible_collections.pgbdr.bdr.tests.unit.builders import THREE, host_found, plan

PLAN = plan().as_dict()
TWO = plan(bdr_databases=["appdb", {"name": "other", "topology": "one_way", "upstream": "alpha"}]).as_dict()
TEXT = "SELECT 1;\n"
LIMITS = {"lock_timeout_seconds": 5, "statement_timeout_seconds": "600"}


def script(**changes: t.Any) -> check.Script:
    values = {"path": "/srv/one.sql", "text": TEXT, "name": "one.sql", "database": "appdb", "limits": LIMITS}
    return check.Script(**{**values, **changes})


def entry(text: str = TEXT, **changes: str) -> dict[str, str]:
    return {"database": "appdb", "script": "one.sql", "sha256": fingerprint(text), "finished_at": "now", **changes}


def infos(**changes: t.Any) -> dict[str, dict[str, t.Any]]:
    sound = {name: {"node": name, "answers": True, "error": "", "scripts": []} for name in THREE.split()}
    return {name: {**info, **changes.get(name, {})} for name, info in sound.items()}


def hosts(**changes: t.Any) -> dict[str, dict[str, t.Any]]:
    return {name: host_found(name, **{"pending": [], **changes.get(name, {})}) for name in THREE.split()}


def problems(
    asked: check.Script | None = None,
    group: dict[str, t.Any] = PLAN,
    seen: dict[str, t.Any] | None = None,
    found: dict[str, t.Any] | None = None,
) -> list[str]:
    return check.problems(group, asked or script(), seen or hosts(), found or infos())


def test_nothing_stands_against_a_sound_one():
    assert problems() == []
    assert check.limits(script()) == {"lock_timeout_seconds": 5, "statement_timeout_seconds": 600}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"asked": script(text="SELECT 1;\nCOMMIT")}, "bdr_ddl_script: /srv/one.sql, line 2: COMMIT controls the"),
        ({"asked": script(name="a\nb")}, "bdr_ddl_name: 'a\\nb' names no script; one line of 1 to 200 characters"),
        ({"asked": script(name=" ")}, "bdr_ddl_name: ' ' names no script"),
        ({"asked": script(name="n" * 201)}, "bdr_ddl_name: 'nnnnn"),
        (
            {"asked": script(database="nono")},
            "bdr_ddl_database: nono is no database of the group. Its databases: appdb",
        ),
        ({"asked": script(database=""), "group": TWO}, "bdr_ddl_database: the group has several databases, name the"),
        *(
            ({"asked": script(limits={"lock_timeout_seconds": value})}, f"bdr_ddl_lock_timeout_seconds is {value!r}; a")
            for value in ("soon", -1, 1.5, True, None, "2000001", "٣")
        ),
        ({"found": {"alpha": infos()["alpha"], "bravo": infos()["bravo"]}}, "charlie was not looked at, and a script"),
        ({"seen": {"alpha": hosts()["alpha"], "charlie": hosts()["charlie"]}}, "bravo was not looked at"),
        (
            {"found": infos(bravo={"answers": False, "error": "it hangs"})},
            "bravo does not answer, and a script runs on",
        ),
        ({"seen": hosts(alpha={"pending": ["a", "b"]})}, "alpha is not as the plan says (a; b): run site.yml first"),
        (
            {"found": infos(bravo={"scripts": [entry("other")]}, alpha={"scripts": [entry()]})},
            "bdr_ddl_name: another script of the name one.sql ran on bravo before",
        ),
    ],
)
def test_each_reason_is_told_once(arguments, told):
    (problem,) = problems(**arguments)
    assert problem.startswith(told)


def test_all_reasons_are_told_together():
    found = problems(
        script(text="", name="\n"),
        seen=hosts(charlie={"pending": ["start the server"]}),
        found=infos(alpha={"answers": False, "error": "x"}, bravo={"scripts": [entry("o", script="\n")]}),
    )
    assert [problem.split()[0] for problem in found] == ["bdr_ddl_script:", "bdr_ddl_name:", "alpha", "bdr_ddl_name:"]


def test_what_a_node_that_is_down_does_to_the_others_is_not_told():
    seen = hosts(alpha={"pending": ["start the server"]}, bravo={"pending": ["change worker of a subscription"]})
    del seen["charlie"]
    found = problems(seen=seen, found=infos(alpha={"answers": False, "error": "x"}))
    assert [problem[:20] for problem in found] == ["charlie was not look", "alpha does not answe"]


@pytest.mark.parametrize("limit", [0, 5, "5", 2_000_000])
def test_a_limit_is_a_whole_number(limit):
    assert problems(script(limits={"lock_timeout_seconds": limit})) == []


def test_the_nodes_that_have_it():
    found = infos(
        alpha={"scripts": [entry(database="other"), entry()]},
        bravo={"scripts": [entry(script="two.sql"), entry("other")]},
    )
    assert check.there(script(), ["alpha", "bravo", "charlie", "delta"], found) == ["alpha"]


@pytest.mark.parametrize(
    ("group", "wanted", "database"),
    [(PLAN, "", "appdb"), (PLAN, "x", "x"), (TWO, "", ""), (TWO, "other", "other")],
)
def test_the_database(group, wanted, database):
    assert check.database_of(group, wanted) == database


def test_the_name_is_the_file_s_unless_another_is_given():
    assert check.name_of("/srv/scripts/one.sql", "") == "one.sql"
    assert check.name_of("/srv/scripts/one.sql", "2026-11") == "2026-11"


def test_the_nodes_are_those_of_the_database_by_the_names_of_their_hosts():
    own = {"alpha": {"bdr_node_name": "zulu"}, "bravo": {"bdr_standby_of": "charlie"}}
    group = plan("alpha bravo charlie delta", own).as_dict()
    assert check.members(group, "appdb") == ["zulu", "charlie", "delta"]
    assert check.members(group, "other") == []
    assert check.databases_in(TWO) == ["appdb", "other"]


@pytest.mark.parametrize(
    ("path", "why", "wanted"),
    [
        ("", "", "bdr_ddl_script: name the file with the SQL, -e bdr_ddl_script=/path/to/script.sql"),
        ("/x", "no", "bdr_ddl_script: /x cannot be read on the controller: no. Name a file with SQL in UTF-8"),
    ],
)
def test_what_cannot_be_read(path, why, wanted):
    assert check.unreadable(path, why) == wanted
