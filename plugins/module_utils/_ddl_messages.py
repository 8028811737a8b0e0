# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What is told of a script that did not run: where it stopped, who is in the way, which nodes have it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ._session_types import Row, SessionError

LOCK_REFUSED = "55P03"
STATEMENT_CANCELLED = "57014"

# Each lock with those that it does not go together with, as the server's own table has it.
_CONFLICTS = {
    "AccessShareLock": "AccessExclusiveLock",
    "RowShareLock": "ExclusiveLock AccessExclusiveLock",
    "RowExclusiveLock": "ShareLock ShareRowExclusiveLock ExclusiveLock AccessExclusiveLock",
    "ShareUpdateExclusiveLock": "ShareUpdateExclusiveLock ShareLock ShareRowExclusiveLock ExclusiveLock "
    "AccessExclusiveLock",
    "ShareLock": "RowExclusiveLock ShareUpdateExclusiveLock ShareRowExclusiveLock ExclusiveLock AccessExclusiveLock",
    "ShareRowExclusiveLock": "RowExclusiveLock ShareUpdateExclusiveLock ShareLock ShareRowExclusiveLock ExclusiveLock "
    "AccessExclusiveLock",
    "ExclusiveLock": "RowShareLock RowExclusiveLock ShareUpdateExclusiveLock ShareLock ShareRowExclusiveLock "
    "ExclusiveLock AccessExclusiveLock",
}


@dataclass(frozen=True)
class Place:
    """Where in which script on which node something happens. line is 0 outside of the script's own statements."""

    node: str
    script: str
    where: str
    text: str = ""
    line: int = 0
    lock_seconds: int = 0
    alone: bool = False
    """True for a statement outside of a transaction: what fails has not left nothing."""
    commits: bool = False
    """True for the end of the transaction: without an answer nobody knows whether it came to that."""
    nodes: tuple[str, ...] = ()
    there: tuple[str, ...] = ()


def failed(place: Place, error: SessionError, blockers: t.Sequence[Row]) -> str:
    """Return the error of a statement: where, the server's words, who is in the way, on which nodes the script is."""
    where = place.where
    if place.line:
        before = place.text[: max(0, error.position - 1)]
        where += f", line {place.line + before.count(chr(10))}"
    if error.sqlstate:
        where += f", SQLSTATE {error.sqlstate}"
    lines = [f"{place.node}, script {place.script}, {where}: {error}"]
    found = holders(blockers)
    # 9.3 says of either limit that the statement was cancelled.
    if error.sqlstate == LOCK_REFUSED or (error.sqlstate == STATEMENT_CANCELLED and found):
        lines.append(_in_the_way(place, found))
    elif error.sqlstate == STATEMENT_CANCELLED:
        lines.append("Raise bdr_ddl_statement_timeout_seconds if it needs longer; 0 is no limit.")
    return "\n".join([*lines, _state(place, not error.sqlstate)])


def _in_the_way(place: Place, found: t.Sequence[str]) -> str:
    waited = f"bdr_ddl_lock_timeout_seconds ({place.lock_seconds})"
    if not found:
        return f"Who has the lock was not seen. Run again, or raise {waited}."
    return f"In the way: {'; '.join(found)}. End it or let it end, then run again; or raise {waited}."


def holders(blockers: t.Iterable[Row]) -> list[str]:
    """Return who holds, or else who waits in front for, a lock that the one wanted does not go together with."""
    rows = [row for row in blockers if row["mode"] in _CONFLICTS.get(row["wanted"], str(row["mode"])).split()]
    found = [row for row in rows if row["granted"]] or rows
    return list(dict.fromkeys(_holder(row) for row in found))


def _holder(row: Row) -> str:
    of = f" on {row['relation']}" if row["relation"] else ""
    return (
        f"pid {row['pid']} of {row['application'] or 'an application without a name'} (user {row['role']}) with "
        f"{row['mode']}{of}, its query is of {row['query_start']}"
    )


def _state(place: Place, unanswered: bool) -> str:
    """Return what is changed and what not."""
    if place.alone:
        here = f"It was not in a transaction: look at what it has left on {place.node}."
    elif place.commits and unanswered:
        here = f"Whether {place.node} still carried it out, its journal tells the next run."
    else:
        here = f"Nothing is changed on {place.node}."
    return f"{here} {on_which(place.node, place.nodes, place.there)}".rstrip()


def on_which(node: str, nodes: t.Sequence[str], there: t.Collection[str]) -> str:
    """Return which nodes have the script when a node fails: those in front of it in the run and those that had it."""
    if node not in nodes:
        return ""
    done = [name for place, name in enumerate(nodes) if name in there or place < nodes.index(node)]
    left = [name for name in nodes if name not in done]
    return (
        f"The script is on {', '.join(done) or 'no node'}, not on {', '.join(left)}; "
        "run again once the cause is gone, and only those get it."
    )


def another_text(script: str, nodes: t.Sequence[str]) -> str:
    """Return the error of a name that stands for another script."""
    return (
        f"bdr_ddl_name: another script of the name {script} ran on {', '.join(nodes)} before. Give this one another "
        "name (-e bdr_ddl_name=...), or the file the text it had"
    )


def refused_rewrite(place: Place, tables: t.Sequence[str]) -> str:
    """Return the error of a script that rewrote tables where that is sent as rows of a table nobody has."""
    return (
        f"{place.node}, script {place.script}: it rewrites {', '.join(tables)}, which this server sends to its "
        "downstreams as rows of a table that they do not have, and their links stop. Make a new column and fill it, "
        f"or a new table. {_state(place, False)}"
    )


def refused_rows(place: Place, rows: t.Mapping[str, int]) -> str:
    """Return the error of a script that wrote rows where they are sent to nodes that write them themselves."""
    told = ", ".join(f"{table} ({count})" for table, count in rows.items())
    return (
        f"{place.node}, script {place.script}: it writes rows of {told}, which this server sends to nodes that run "
        f"the script, too. Write rows on one node, in a session of your own. {_state(place, False)}"
    )


def unfinished_index(node: str, script: str, indexes: t.Sequence[str]) -> str:
    """Return the error of an index that is half made."""
    return (
        f"{node}, script {script}: the index {', '.join(indexes)} is not valid, a build of it ended half-way. "
        "Drop it there (DROP INDEX CONCURRENTLY), then run again"
    )
