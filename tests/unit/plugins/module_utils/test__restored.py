# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes know less than the others got from them, and what is no evidence of it."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._restored import evidence, told
from ansible_collections.pgbdr.bdr.tests.unit.builders import plan

PLAN = plan().as_dict()
NEWER = 1_790_000_000.5
OLDER = NEWER - 60
TIMES = "2026-09-21 14:13:20 UTC, the newest that it has is of 2026-09-21 14:12:20 UTC"


def beat(upstream: str, downstream: str, written_at: float = NEWER, database: str = "appdb") -> dict:
    return {"database": database, "upstream": upstream, "downstream": downstream, "written_at": written_at}


def slot(downstream: str, behind: int | None = 0) -> dict:
    return {"database": "appdb", "downstream": downstream, "behind_bytes": behind}


def origin(name: str, lsn: str | None) -> dict:
    return {"database": "appdb", "name": name, "origin_lsn": lsn}


def seen(name: str, **changes) -> dict:
    """Return what a node knows in a group in which nothing is wrong."""
    others = [other for other in PLAN["nodes"] if other != name]
    sound = {
        **{"node": name, "refused": "", "lsn": "0/20", "names": {"appdb": name}},
        "beats": [beat(up, down) for up in PLAN["nodes"] for down in PLAN["nodes"] if up != down],
        "slots": [slot(other) for other in others],
        "incoming": [origin(f"{other}_{name}", "0/1F") for other in others],
    }
    return {**sound, **changes}


def found(planned: dict = PLAN, **changes) -> dict[str, list[str]]:
    return evidence(planned, {name: seen(name, **changes.get(name, {})) for name in PLAN["nodes"]})


OLD_BEATS = [beat("charlie", "alpha", OLDER), beat("charlie", "bravo", OLDER)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"alpha": {"incoming": [origin("charlie_alpha", "0/20")]}},  # all that there is
        {"alpha": {"incoming": [origin("bravo_alpha", "0/21")]}, "bravo": {"lsn": "0/30"}},  # of another node
        {"alpha": {"incoming": [origin("charlie_alpha", None)]}},
        {"alpha": {"incoming": [{**origin("charlie_alpha", "0/21"), "database": "other"}]}},
        {"charlie": {"beats": []}},  # rows of a node that left are removed, of one after the other
        {"charlie": {"lsn": "", "beats": OLD_BEATS}},  # it does not answer
        {"alpha": {"lsn": "", "incoming": [origin("charlie_alpha", "0/21")]}},
        {"charlie": {"names": {"appdb": ""}}},
        {"alpha": {"beats": [beat("charlie", "gone")]}, "charlie": {"beats": [beat("charlie", "gone", OLDER)]}},
        {"alpha": {"beats": [beat("alpha", "bravo")]}, "charlie": {"beats": [beat("alpha", "bravo", OLDER)]}},
    ],
)
def test_this_tells_nothing(changes):
    assert found(**changes) == {}


def test_nobody_has_changes_of_a_node_that_are_not_written_yet():
    said = "alpha has its changes of appdb up to 1/0, its own WAL ends at 0/FFFFFFFF"
    assert found(alpha={"incoming": [origin("charlie_alpha", "1/0")]}, charlie={"lsn": "0/FFFFFFFF"}) == {
        "charlie": [said]
    }


def test_a_node_knows_the_rows_that_it_sent():
    said = f"alpha has a row that it sent (appdb) of {TIMES}"
    assert found(
        alpha={"beats": [beat("charlie", "bravo")]},
        bravo={"beats": []},
        charlie={"beats": [beat("charlie", "bravo", OLDER), beat("charlie", "alpha", OLDER)]},
    ) == {"charlie": [said]}


def test_what_a_downstream_has_confirmed_it_has():
    said = f"alpha sent it a row (appdb) of {TIMES}, and nothing is left to be sent"
    own = {"beats": [beat("alpha", "charlie", OLDER)]}
    assert found(charlie=own, bravo={"beats": []}) == {"charlie": [said]}
    for not_through in ([slot("charlie", 1)], [slot("charlie", None)], [slot("bravo")], []):
        assert found(charlie=own, alpha={"slots": not_through}) == {}


def test_what_comes_late_on_purpose_may_still_come():
    late = plan(own={"charlie": {"bdr_apply_delay_ms": 1000}}).as_dict()
    assert found(late, charlie={"beats": [beat("alpha", "charlie", OLDER)]}) == {}


def test_a_database_knows_whose_it_is():
    assert found(charlie={"names": {"appdb": "alpha"}}) == {
        "charlie": ["its database appdb takes itself for the node alpha"]
    }


def test_only_a_second_look_makes_sure():
    looks = {name: seen(name) for name in PLAN["nodes"]}
    looks["alpha"] = seen("alpha", incoming=[origin("charlie_alpha", "0/21")])
    assert list(evidence(PLAN, looks)) == ["charlie"]
    assert evidence(PLAN, looks, {"charlie": seen("charlie", lsn="0/21")}) == {}
    assert list(evidence(PLAN, looks, {"charlie": seen("charlie")})) == ["charlie"]
    assert evidence(PLAN, looks, {"charlie": seen("charlie", lsn="")}) == {}
    # Nobody else is of interest then, whatever was seen of him at first.
    looks["bravo"] = seen("bravo", names={"appdb": "alpha"})
    assert list(evidence(PLAN, looks, {"charlie": seen("charlie")})) == ["charlie"]


def test_the_reasons_are_told_in_one_sentence():
    assert told("charlie", ["a", "b"]) == "charlie holds an older copy of its data, or another node's: a; b"


def test_one_reason_of_each_kind_is_enough():
    everything = {
        **{"lsn": "0/1", "names": {"appdb": "bravo", "other": "bravo"}},
        "beats": [beat(up, down, OLDER) for up in PLAN["nodes"] for down in PLAN["nodes"] if up != down],
    }
    (reasons,) = found(charlie=everything).values()
    assert [reason.split(" (")[0].split(" of ")[0] for reason in reasons] == [
        "its database appdb takes itself for the node bravo",
        "alpha has its changes",
        "alpha has a row that it sent",
        "alpha sent it a row",
    ]
