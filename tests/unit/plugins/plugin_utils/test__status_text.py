# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of a group as text."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._status import status
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._status_text import report, verdict
from ansible_collections.pgbdr.bdr.tests.unit.builders import incoming_seen, nodes_seen, plan, slot_seen

MB = 1024 * 1024
FAILURE = {
    **{"times": 2, "first_at": "11:02:46", "last_at": "11:02:51", "seconds_ago": 9, "kind": "conflict"},
    **{"error": "duplicate key", "detail": "", "context": "", "meaning": "a conflict", "mend": "change a row"},
}


def health(**changes: dict) -> dict:
    return status(plan().as_dict(), nodes_seen(**changes), 50, 16)


def row(found: dict, begins: str) -> str:
    """Return the line of a table, its blanks as one each."""
    (line,) = (line for line in report(found).splitlines() if line.startswith(begins + " "))
    return " ".join(line.split())


def test_a_group_that_is_well_is_two_tables_and_a_verdict():
    found = health()
    assert report(found).count("streaming") == 7 and report(found).endswith("\n\nbdr is well: 6 streaming")
    assert row(found, "alpha") == "alpha up 0/1C24D48 2 of 2 in use +0 ms (within 0)"
    assert row(found, "appdb     alpha -> bravo") == "appdb alpha -> bravo streaming 0.0 kB 0.0 0.0 MB 96.0 MB"


def test_what_is_wrong_is_told_with_evidence_and_mend():
    found = health(charlie={"incoming": [incoming_seen("alpha_charlie", status="down", failure=FAILURE)] * 2})
    wrong = report(found).split("\n\n")
    assert wrong[2].splitlines() == [
        "error: alpha -> charlie (appdb) is stopped_by_conflict: "
        "its worker on charlie ended 2 times since 11:02:46, last at 11:02:51",
        "  duplicate key",
        "  a conflict",
        "  mend: change a row",
    ]
    assert verdict(found) == "bdr is not well: 1 down, 1 stopped_by_conflict, 4 streaming"


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (
            {"answers": False, "reason": "down", "error": "none", "slots": [], "lsn": None},
            "charlie down +0 ms (within 0)",
        ),
        ({"is_standby": True, "lsn": None}, "charlie up, standby 2 of 2 in use +0 ms (within 0)"),
    ],
)
def test_a_node_is_told_as_far_as_it_is_known(seen, wanted):
    assert row(health(charlie=seen), "charlie") == wanted


def test_a_link_is_told_as_far_as_it_is_known():
    own = [slot_seen("pgl_appdb_alpha_alpha_bravo", "bravo", wal_status="lost", active=False, wal_held_bytes=None)]
    own += [slot_seen("pgl_appdb_alpha_alpha_charlie", "charlie", until_lost_bytes=None, behind_seconds=None)]
    found = health(alpha={"slots": own})
    assert row(found, "appdb     alpha -> bravo") == "appdb alpha -> bravo wal_lost 0.0 kB 0.0 lost"
    assert row(found, "appdb     alpha -> charlie") == "appdb alpha -> charlie streaming 0.0 kB 0.0 MB"


def test_conflicts_have_a_column_where_somebody_counted():
    counted = {"since": 1795374826.0, "until": 1795374999, "complete": False, "workers": {}}
    found = health(bravo={"conflicts": counted})
    since = "0 since 2026-11-22 19:13:46 UTC"
    assert row(found, "appdb     alpha -> bravo").endswith(f"96.0 MB at least {since}")
    assert row(found, "appdb     alpha -> charlie").endswith("96.0 MB")
    found = health(bravo={"conflicts": {**counted, "complete": True}})
    assert row(found, "appdb     alpha -> bravo").endswith(f"96.0 MB {since}")
    assert "conflicts" in report(found) and "conflicts" not in report(health())
