# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which nodes hold less than the others have got from them: an older copy of their data, or another node's. Pure.

`found` maps a node to what restored_info saw there. Nodes are looked at one beside the other, so one that is written to
may seem to know less than the others, who were looked at a moment later. Such a node is a suspect; what counts
is a second look at it, behind all first ones.
"""

from __future__ import annotations

import datetime
import itertools
import typing as t

from ._engine.seeding import number
from ._session_types import Row

Look = t.Mapping[str, t.Any]
Found = t.Mapping[str, Look]


def evidence(plan: Look, found: Found, again: Found | None = None) -> dict[str, list[str]]:
    """Return the nodes whose data is not theirs of today, each with what tells it.

    again: the second looks; other nodes are of no interest then. Without them, what is returned are suspects.
    """
    answering = {name: node for name, node in found.items() if node["lsn"]}
    looked_at = {name: node for name, node in (again or answering).items() if node["lsn"]}
    reasons = {name: list(_reasons(plan, name, seen, answering)) for name, seen in sorted(looked_at.items())}
    return {name: found for name, found in reasons.items() if found}


def _reasons(plan: Look, name: str, seen: Look, answering: Found) -> t.Iterator[str]:
    """Yield one reason of each kind, of all there are between all nodes."""
    kinds = (_ahead(plan, name, seen, answering), _sent(plan, name, seen, answering), _got(plan, name, seen, answering))
    for kind in (_named(plan, name, seen), *kinds):
        yield from itertools.islice(kind, 1)


def _named(plan: Look, name: str, seen: Look) -> t.Iterator[str]:
    own = plan["nodes"][name]["engine_node"]
    for database, other in seen["names"].items():
        if other not in ("", own):
            yield f"its database {database} takes itself for the node {other}"


def _ahead(plan: Look, name: str, seen: Look, answering: Found) -> t.Iterator[str]:
    """The others can have no change of a node that is not written yet."""
    for other, node in answering.items():
        for connection in plan["nodes"][other]["connections"]:
            if connection["upstream"] != name:
                continue
            for row in node["incoming"]:
                is_it = (row["database"], row["name"]) == (connection["database"], connection["name"])
                if is_it and row["origin_lsn"] and number(row["origin_lsn"]) > number(seen["lsn"]):
                    yield (
                        f"{other} has its changes of {row['database']} up to {row['origin_lsn']}, its own WAL ends at "
                        f"{seen['lsn']}"
                    )


def _sent(plan: Look, name: str, seen: Look, answering: Found) -> t.Iterator[str]:
    """Every run of site.yml writes a row for each link on its upstream, which others have got from there at most."""
    for other, row, times in _newer(plan, seen, answering):
        if row["upstream"] == name:
            yield f"{other} has a row that it sent ({row['database']}) {times}"


def _got(plan: Look, name: str, seen: Look, answering: Found) -> t.Iterator[str]:
    """A downstream that has confirmed everything has the row of its own link."""
    for other, row, times in _newer(plan, seen, answering):
        if (row["upstream"], row["downstream"]) == (other, name) and _is_through(plan, name, row, answering[other]):
            yield f"{other} sent it a row ({row['database']}) {times}, and nothing is left to be sent"


def _newer(plan: Look, seen: Look, answering: Found) -> t.Iterator[tuple[str, Row, str]]:
    """Yield the rows of which others have a newer version. That one is not there at all tells nothing.

    Rows of a node that left are removed, on one node after the other.
    """
    own = {_link(row): row["written_at"] for row in seen["beats"]}
    for other, node in answering.items():
        for row in node["beats"]:
            newest = own.get(_link(row))
            if newest is not None and newest < row["written_at"] and row["downstream"] in plan["nodes"]:
                yield other, row, f"of {_time(row['written_at'])}, the newest that it has is of {_time(newest)}"


def _is_through(plan: Look, name: str, row: Row, upstream: Look) -> bool:
    """Tell whether the downstream has confirmed all that its upstream wrote."""
    delays = [
        connection["apply_delay_ms"]
        for connection in plan["nodes"][name]["connections"]
        if (connection["upstream"], connection["database"]) == (row["upstream"], row["database"])
    ]
    slots = [
        slot["behind_bytes"]
        for slot in upstream["slots"]
        if (slot["downstream"], slot["database"]) == (name, row["database"])
    ]
    return delays == [0] and slots == [0]


def _link(row: Row) -> tuple[str, str, str]:
    return (row["database"], row["upstream"], row["downstream"])


def _time(epoch: float) -> str:
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def told(name: str, reasons: t.Sequence[str]) -> str:
    """Return what is told of a node, and kept as the reason of its fence."""
    return f"{name} holds an older copy of its data, or another node's: {'; '.join(reasons)}"
