# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one state of a link by what both of its ends do: a row for each way a link can be."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._status_links import Ends, judge, reseed

MB = 1024 * 1024
SEEN = {"seeding": "", "answers": True, "reason": "", "error": "", "findings": [], "slots_keep_wal": True}
DOWN = {"seeding": "", "answers": False, "reason": "down", "error": "no such file"}
SILENT = {"seeding": "", "answers": False, "reason": "silent", "error": "the server does not answer within 3 s"}
GONE = {"seeding": "", "answers": False, "reason": "unreachable", "error": "its host cannot be reached"}
OLD = {**SEEN, "slots_keep_wal": False}
REMOVED = {**OLD, "findings": ["requested WAL segment 01 has already been removed: this upstream no longer has it"]}
SERVER = {"socket_directory": "/run/sockets", "port": 5432, "database": "appdb"}
RESEED = "ansible-playbook playbooks/reseed.yml -e bdr_node=bravo -e bdr_confirm=bravo"
SITE = "ansible-playbook playbooks/site.yml"


def slot(**changes) -> dict:
    sound = {"name": "s", "active": True, "wal_status": "reserved", "behind_bytes": 0, "behind_seconds": 0.0}
    return {**sound, "sender": "streaming", **changes}


def incoming(**changes) -> dict:
    sound = {"status": "running", "pid": 7, "age_seconds": 60.0, "waits_seconds": None, "waits_for": None}
    return {**sound, "blocked_by": [], "blockers": [], "failure": None, **changes}


def failure(**changes) -> dict:
    sound = {"times": 2, "first_at": "T1", "last_at": "T2", "seconds_ago": 60, "error": "boom", "detail": ""}
    return {**sound, "context": "", "meaning": "", "mend": "", "kind": "", **changes}


def failing(status: str = "down", age: float | None = None, **changes) -> dict:
    return incoming(status=status, age_seconds=age, failure=failure(**changes))


def ends(**changes: t.Any) -> Ends:
    sound: dict[str, t.Any] = {"up": SEEN, "down": SEEN, "slot": slot(), "incoming": incoming()}
    return Ends("alpha", "bravo", **{**sound, "lag_bytes": 16 * MB, "server": SERVER, **changes})


CONFLICT = {"kind": "conflict", "mend": "change a row", "error": "duplicate key", "detail": "Key (a)=(z)"}
REFUSED = {"kind": "unreachable", "mend": "start it", "error": "could not connect"}
LOCKED = incoming(
    waits_seconds=5.0,
    waits_for="town",
    blocked_by=[42],
    blockers=[{"pid": 42, "application": "psql", "role": "postgres"}],
)

TABLE = [
    # what was seen, state, end, words of the evidence, mend
    ({}, "streaming", "", "0.0 kB behind", ""),
    ({"slot": slot(behind_bytes=16 * MB, behind_seconds=1.24)}, "streaming", "", "16.0 MB, 1.2 s behind", ""),
    ({"slot": slot(behind_bytes=16 * MB + 1)}, "catching_up", "", "16.0 MB behind", ""),
    ({"slot": slot(sender="catchup")}, "catching_up", "", "0.0 kB behind", ""),
    ({"slot": slot(behind_bytes=17 * MB), "delay_ms": 1500}, "streaming", "", "1.5 s late, as it was told to", ""),
    ({"slot": slot(behind_bytes=None)}, "streaming", "", "how far behind is not told", ""),
    ({"incoming": incoming(status="")}, "streaming", "", "0.0 kB behind", ""),
    ({"incoming": incoming(status="starting")}, "catching_up", "", "it is being made", ""),
    ({"incoming": incoming(status="starting"), "slot": None}, "catching_up", "", "it is being made", ""),
    # A failure that the worker is over.
    ({"incoming": failing("running", 3.0)}, "streaming", "", "0.0 kB behind", ""),
    ({"incoming": failing("", seconds_ago=30)}, "streaming", "", "0.0 kB behind", ""),
    ({"incoming": failing("", times=1, seconds_ago=2)}, "streaming", "", "0.0 kB behind", ""),
    # A lock: a moment is nothing.
    ({"incoming": {**LOCKED, "waits_seconds": 0.9}}, "streaming", "", "0.0 kB behind", ""),
    (
        {"incoming": LOCKED},
        *("waiting_for_lock", "downstream", "has waited 5 s for a lock on town; PID 42 (psql, postgres) holds it"),
        "on the host of bravo: psql -h /run/sockets -p 5432 -U postgres -d appdb -c 'SELECT pg_terminate_backend(42)'",
    ),
    (
        {"incoming": {**LOCKED, "blocked_by": [], "blockers": []}},
        *("waiting_for_lock", "downstream", "has waited 5 s", "end the transaction on bravo that holds it"),
    ),
    # The worker ends.
    ({"incoming": failing(**CONFLICT)}, "stopped_by_conflict", "downstream", "Key (a)=(z)", "change a row"),
    (
        {"incoming": failing("running", 1.0, **CONFLICT)},
        "stopped_by_conflict",
        "downstream",
        "duplicate",
        "change a row",
    ),
    ({"incoming": failing(**REFUSED)}, "down", "upstream", "could not connect", "start it"),
    ({"incoming": failing()}, "crash_looping", "downstream", "ended 2 times since T1, last at T2; boom", SITE),
    ({"incoming": failing(mend="make it")}, "crash_looping", "downstream", "boom", "make it"),
    ({"incoming": failing(times=1)}, "down", "downstream", "ended once", SITE),
    ({"incoming": failing("", seconds_ago=2)}, "crash_looping", "downstream", "boom", SITE),
    (
        {"incoming": failing("", times=1, seconds_ago=2), "slot": slot(active=False)},
        *("down", "downstream", "ended once", SITE),
    ),
    # No worker, and nobody knows why.
    ({"incoming": incoming(status="down")}, "down", "downstream", "its connection on bravo is down, slot s", SITE),
    ({"incoming": incoming(status="disabled")}, "down", "downstream", "is disabled, slot s of alpha is in use", SITE),
    ({"slot": slot(active=False)}, "down", "downstream", "is running, slot s of alpha is not in use", SITE),
    ({"incoming": incoming(status=""), "slot": slot(active=False)}, "down", "downstream", "no worker is seen", SITE),
    ({"slot": None, "tells_slot": False}, "down", "downstream", "is running, no slot", SITE),
    ({"incoming": None}, "down", "downstream", "bravo has no connection to alpha", SITE),
    # What can never be sent.
    (
        {"slot": slot(wal_status="lost", active=False)},
        "wal_lost",
        "upstream",
        "slot s of alpha has lost its WAL",
        RESEED,
    ),
    ({"slot": slot(wal_status="lost", active=False), "down": DOWN}, "wal_lost", "upstream", "lost its WAL", RESEED),
    ({"slot": None}, "slot_missing", "upstream", "alpha has no slot for it", RESEED),
    ({"slot": None, "incoming": failing()}, "slot_missing", "upstream", "boom", RESEED),
    ({"slot": None, "down": SILENT, "incoming": None}, "slot_missing", "upstream", "alpha has no slot", RESEED),
    ({"up": REMOVED, "incoming": failing("", seconds_ago=2)}, "wal_lost", "upstream", "alpha says: requested", RESEED),
    ({"up": REMOVED, "incoming": incoming(status="")}, "streaming", "", "0.0 kB", ""),
    ({"up": OLD, "incoming": incoming(status="")}, "streaming", "", "0.0 kB", ""),
    # A node that tells nothing.
    ({"up": DOWN, "slot": None}, "down", "upstream", "alpha: no such file", SITE),
    ({"down": DOWN, "incoming": None}, "down", "downstream", "bravo: no such file", SITE),
    (
        {"up": DOWN, "down": DOWN, "slot": None, "incoming": None},
        "down",
        "both",
        "alpha: no such file; bravo: no",
        SITE,
    ),
    ({"up": GONE, "down": DOWN, "slot": None, "incoming": None}, "down", "downstream", "alpha: its host", SITE),
    (
        {"up": SILENT, "slot": None},
        *("unknown", "", "alpha: the server does not answer within 3 s; its worker on bravo is running"),
        "look at the host of alpha",
    ),
    (
        {"up": SILENT, "slot": None, "incoming": incoming(status="")},
        "unknown",
        "",
        "is not told of",
        "look at the host of alpha",
    ),
    (
        {"up": SILENT, "slot": None, "incoming": failing(**REFUSED)},
        "down",
        "upstream",
        "could not connect",
        "look at the host of alpha",
    ),
    ({"up": SILENT, "slot": None, "incoming": failing()}, "unknown", "", "is down", "look at the host of alpha"),
    ({"up": SILENT, "slot": None, "incoming": None}, "down", "downstream", "bravo has no connection to alpha", SITE),
    (
        {"down": SILENT, "incoming": None},
        *("unknown", "", "slot s of alpha is in use, 0.0 kB behind", "look at the host of bravo"),
    ),
    (
        {"down": GONE, "incoming": None, "slot": slot(active=False)},
        *("down", "downstream", "nobody reads slot s of alpha", "look at the host of bravo"),
    ),
    (
        {"down": GONE, "incoming": None, "slot": None, "tells_slot": False},
        *("unknown", "", "which slot of alpha is its own, only bravo knows", "look at the host of bravo"),
    ),
    (
        {"up": SILENT, "down": GONE, "slot": None, "incoming": None},
        *("unknown", "", "nobody tells of it", "look at the host of alpha and bravo"),
    ),
]


@pytest.mark.parametrize(("seen", "state", "end", "words", "mend"), TABLE)
def test_a_link_has_one_state_with_evidence_and_mend(seen, state, end, words, mend):
    found = judge(ends(**seen))
    assert (found.state, found.end, found.mend) == (state, end, mend)
    assert words in "; ".join(found.evidence) and all(found.evidence)


def test_a_node_is_quoted_in_the_command_that_seeds_it():
    assert reseed("a b").endswith("-e bdr_node='a b' -e bdr_confirm='a b'")
