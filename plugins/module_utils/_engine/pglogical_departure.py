# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a departed node has left behind with engine pglogical. Pure."""

from __future__ import annotations

import typing as t

from .._session_types import Session, Statement
from .._state import Item, State
from .departure import Departure, Identity
from .pglogical_sql import EXTENSIONS

# By the node behind it as well as by name: a connection that an operator made goes with the node.
_SUBSCRIPTIONS = """
SELECT s.sub_name::text AS name FROM pglogical.subscription s JOIN pglogical.node n ON n.node_id = s.sub_origin
 WHERE n.node_name = %(node)s ORDER BY 1
"""
_SLOTS = """
SELECT slot_name::text AS name, active FROM pg_replication_slots
 WHERE slot_name = ANY(%(names)s) AND database = current_database() ORDER BY 1
"""
_ORIGINS = "SELECT roname AS name FROM pg_replication_origin WHERE roname = ANY(%(names)s) ORDER BY 1"
_NODES = "SELECT node_name::text AS name FROM pglogical.node WHERE node_name = %(node)s"
_RECEIVED = """
SELECT remote_lsn::text FROM pg_replication_origin_status WHERE external_id = ANY(%(names)s)
"""

# Dropping asks the upstream to drop its slot and warns where that is gone already.
_REMOVALS = {
    "subscription": (Statement("SELECT pglogical.drop_subscription(%(name)s, true)", alone=True),),
    "slot": (
        Statement(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
            " WHERE slot_name = %(name)s AND active_pid IS NOT NULL",
            alone=True,
        ),
        Statement("SELECT pg_drop_replication_slot(%(name)s)", alone=True),
    ),
    "replication origin": (Statement("SELECT pg_replication_origin_drop(%(name)s)"),),
    "pglogical node": (Statement("SELECT pglogical.drop_node(%(name)s, true)"),),
}


class PglogicalDeparture(Departure):
    """Subscriptions, slots, origins and the node's row."""

    def received_up_to(self, session: Session, database: str) -> str:
        """The origin of a connection is called as its slot."""
        return str(session.value(_RECEIVED, {"names": self._origin_names(database)}) or "")

    def connections(self, session: Session, database: str) -> State:
        """Return the subscriptions to the departed node."""
        if not session.rows(EXTENSIONS):
            return {}
        rows = session.rows(_SUBSCRIPTIONS, {"node": self.departed.engine_node})
        return {Item("subscription", row["name"], database): {} for row in rows}

    def slots(self, session: Session, database: str, remaining: t.Collection[Identity]) -> t.Mapping[str, bool]:
        """Slots are named after both nodes."""
        names = [slot.name for slot in self.plan.slots if slot.downstream == self.departed.name]
        return {row["name"]: row["active"] for row in session.rows(_SLOTS, {"names": names})}

    def registrations(self, session: Session, database: str, remaining: t.Collection[Identity]) -> State:
        """Return origins that lost their subscription, and the node's row."""
        rows = session.rows(_ORIGINS, {"names": self._origin_names(database)})
        found: State = {Item("replication origin", row["name"], database): {} for row in rows}
        if session.rows(EXTENSIONS):
            for row in session.rows(_NODES, {"node": self.departed.engine_node}):
                found[Item("pglogical node", row["name"], database)] = {}
        return found

    def engine_removal(self, item: Item) -> t.Sequence[Statement]:
        """Return the call of the function that removes the item's kind."""
        return [
            Statement(statement.text, values={"name": item.name}, alone=statement.alone)
            for statement in _REMOVALS[item.kind]
        ]

    def _origin_names(self, database: str) -> list[str]:
        return [
            connection.slot
            for connection in self.plan.connections
            if connection.upstream == self.departed.name and connection.database == database
        ]
