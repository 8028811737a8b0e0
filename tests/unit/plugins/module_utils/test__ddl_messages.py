# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator is told of a script that did not run."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _ddl_messages as messages
from ansible_collections.pgbdr.bdr.plugins.module_utils._ddl_messages import Place
from ansible_collections.pgbdr.bdr.plugins.module_utils._session_types import SessionError

TEXT = "CREATE TABLE t (\n  id int,\n  town no_such_type)"
PLACE = Place("bravo", "t.sql", "statement 2 of 3", TEXT, 5, lock_seconds=4, nodes=("alpha", "bravo", "charlie"))


def blocker(**changes: t.Any) -> dict[str, t.Any]:
    row = {
        "pid": 77,
        "mode": "AccessShareLock",
        "wanted": "AccessExclusiveLock",
        "granted": True,
        "relation": "city",
        "application": "the report",
        "role": "app",
        "query_start": "09:00",
    }
    return {**row, **changes}


@pytest.mark.parametrize(
    ("position", "line"),
    [(0, 5), (1, 5), (TEXT.index("id int"), 6), (TEXT.index("no_such_type"), 7)],
)
def test_an_error_is_told_with_its_line_in_the_file(position, line):
    message = messages.failed(PLACE, SessionError("no", "42704", position), [])
    assert message.splitlines()[0] == f"bravo, script t.sql, statement 2 of 3, line {line}, SQLSTATE 42704: no"


def test_what_is_outside_of_the_script_has_no_line():
    place = Place("bravo", "t.sql", "behind its last statement")
    assert messages.failed(place, SessionError("no"), []) == (
        "bravo, script t.sql, behind its last statement: no\nNothing is changed on bravo."
    )


@pytest.mark.parametrize(
    ("changes", "sqlstate", "told"),
    [
        ({}, "42704", "Nothing is changed on bravo. The script is on alpha"),
        ({}, "", "Nothing is changed on bravo. The script is on alpha"),
        ({"commits": True}, "23503", "Nothing is changed on bravo. The script is on alpha"),
        ({"commits": True}, "", "Whether bravo still carried it out, its journal tells the next run. The script is"),
        ({"alone": True}, "42704", "It was not in a transaction: look at what it has left on bravo. The script is"),
        ({"alone": True}, "", "It was not in a transaction: look at what it has left on bravo. The script is"),
    ],
)
def test_what_is_changed_and_what_is_not(changes, sqlstate, told):
    place = Place(**{**PLACE.__dict__, **changes})
    assert messages.failed(place, SessionError("no", sqlstate), []).splitlines()[1].startswith(told)


@pytest.mark.parametrize(
    ("node", "there", "wanted"),
    [
        ("alpha", (), "on no node, not on alpha, bravo, charlie"),
        ("bravo", (), "on alpha, not on bravo, charlie"),
        ("charlie", (), "on alpha, bravo, not on charlie"),
        ("alpha", ("charlie",), "on charlie, not on alpha, bravo"),
        ("charlie", ("alpha",), "on alpha, bravo, not on charlie"),
    ],
)
def test_on_which_nodes_a_script_is(node, there, wanted):
    assert messages.on_which(node, PLACE.nodes, there) == (
        f"The script is {wanted}; run again once the cause is gone, and only those get it."
    )


def test_a_node_by_itself_knows_of_no_others():
    assert messages.on_which("alpha", (), ()) == ""


def test_too_long_a_statement_names_its_limit():
    message = messages.failed(PLACE, SessionError("canceling statement", "57014"), [])
    assert "Raise bdr_ddl_statement_timeout_seconds" in message.splitlines()[1]


@pytest.mark.parametrize("sqlstate", ["55P03", "57014"])
def test_the_holder_of_a_lock_is_told(sqlstate):
    message = messages.failed(PLACE, SessionError("timeout", sqlstate), [blocker()])
    assert "statement_timeout" not in message
    assert message.splitlines()[1] == (
        "In the way: pid 77 of the report (user app) with AccessShareLock on city, its query is of 09:00. "
        "End it or let it end, then run again; or raise bdr_ddl_lock_timeout_seconds (4)."
    )


def test_a_holder_that_was_not_seen():
    message = messages.failed(PLACE, SessionError("timeout", "55P03"), [])
    assert message.splitlines()[1] == (
        "Who has the lock was not seen. Run again, or raise bdr_ddl_lock_timeout_seconds (4)."
    )


@pytest.mark.parametrize(
    ("rows", "pids"),
    [
        ([blocker()], [77]),
        ([blocker(), blocker()], [77]),
        # An index does not mind readers, only writers.
        ([blocker(wanted="ShareLock"), blocker(wanted="ShareLock", mode="RowExclusiveLock", pid=78)], [78]),
        (
            [blocker(wanted="AccessShareLock"), blocker(wanted="AccessShareLock", mode="AccessExclusiveLock", pid=9)],
            [9],
        ),
        # Who only waits counts where nobody holds.
        ([blocker(granted=False, pid=5), blocker(pid=6)], [6]),
        ([blocker(granted=False, pid=5)], [5]),
        # Locks that are none of a table's.
        ([blocker(wanted="ShareLock", mode="ExclusiveLock", relation=None)], [77]),
        ([], []),
    ],
)
def test_who_is_in_the_way(rows, pids):
    assert [line.split()[1] for line in messages.holders(rows)] == [str(pid) for pid in pids]


def test_who_has_no_name():
    (line,) = messages.holders([blocker(application="", relation=None)])
    assert line == ("pid 77 of an application without a name (user app) with AccessShareLock, its query is of 09:00")


@pytest.mark.parametrize(("lock", "against"), messages._CONFLICTS.items())
def test_the_table_of_locks_is_symmetric(lock, against):
    for other in against.split():
        if other != "AccessExclusiveLock":
            assert lock in messages._CONFLICTS[other].split()
    assert against.endswith("AccessExclusiveLock")


def test_what_is_refused_says_what_to_do_instead():
    rewrite = messages.refused_rewrite(PLACE, ["public.a", "public.b"])
    assert "it rewrites public.a, public.b" in rewrite and "Make a new column and fill it" in rewrite
    rows = messages.refused_rows(PLACE, {"public.a": 3})
    assert "it writes rows of public.a (3)" in rows and "Write rows on one node" in rows
    for message in (rewrite, rows):
        assert "Nothing is changed on bravo. The script is on alpha, not on bravo, charlie" in message
