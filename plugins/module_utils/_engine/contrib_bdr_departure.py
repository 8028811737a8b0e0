# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a departed node has left behind with engine contrib_bdr. Pure.

Its connections are settings, see _connection_file. Slots and identifiers are named after identities, so what no
remaining node accounts for is the departed node's: it need not be asked.
"""

from __future__ import annotations

import re
import sys
import typing as t

from .._session_types import Session, SessionError, Statement
from .._state import Item, State
from . import contrib_bdr_sql as sql
from .departure import Departure, Identity


class ContribBdrDeparture(Departure):
    """What both eras share."""

    slot_pattern: t.ClassVar[str]
    """A slot's name: oid of the database here, then the downstream's identity."""
    drop_slot: t.ClassVar[str]

    def identity(self, session: Session) -> Identity:
        """Return system identifier and oid of the database."""
        (found,) = session.rows(sql.IDENTITY)
        return (str(int.from_bytes(bytes.fromhex(found["sysid"]), sys.byteorder)), str(found["dboid"]))

    def slots(self, session: Session, database: str, remaining: t.Collection[Identity]) -> t.Mapping[str, bool]:
        """Return the slots of this database whose downstream is none of those that stay."""
        own = self.identity(session)
        if own not in remaining:  # then what remains is not known, and no slot may go
            raise SessionError(f"remaining: {self.plan.name} itself, {own}, is not in it; take it from departure_check")
        _sysid, here = own
        view = session.value(sql.SLOT_VIEW)
        found = {}
        for row in session.rows(sql.SLOTS.format(view=view)):
            match = re.match(self.slot_pattern, row["name"])
            if match and match["here"] == here and (match["sysid"], match["dboid"]) not in remaining:
                found[row["name"]] = row["active"]
        return found

    def engine_removal(self, item: Item) -> t.Sequence[Statement]:
        """Return what drops a slot."""
        return [Statement(self.drop_slot, values={"name": item.name}, alone=True)]


class ContribBdr04Departure(ContribBdrDeparture):
    """Up to 0.4.

    The row in pg_replication_identifier stays on purpose: its number would be given to the next identity, which
    would inherit the position of this one, and lose what lies before it (facts/contrib_bdr.md, 5.3).
    """

    slot_pattern = r"bdr: (?P<here>\d+):(?P<sysid>\d+)-\d+-(?P<dboid>\d+):"
    drop_slot = "SELECT stop_logical_replication(%(name)s)"
    stay_local = (Statement(sql.KEEP_TO_ITSELF),)

    def registrations(self, session: Session, database: str, remaining: t.Collection[Identity]) -> State:
        """Nothing that may be removed."""
        return {}


_NODES = """
SELECT node_sysid::text AS sysid, node_timeline::text AS timeline, node_dboid::text AS dboid FROM bdr.bdr_nodes
"""
_FORGET_NODE = "DELETE FROM bdr.bdr_nodes WHERE node_sysid || '-' || node_timeline || '-' || node_dboid = %(name)s"
_IDENTIFIERS = "SELECT riname AS name FROM pg_replication_identifier"
_DROP_IDENTIFIER = "SELECT pg_replication_identifier_drop(%(name)s)"
_IDENTIFIER = r"bdr_(?P<sysid>\d+)_\d+_(?P<dboid>\d+)_(?P<here>\d+)_"


class ContribBdr07Departure(ContribBdrDeparture):
    """0.5 to 0.7."""

    slot_pattern = r"bdr_(?P<here>\d+)_(?P<sysid>\d+)_\d+_(?P<dboid>\d+)_"
    drop_slot = "SELECT pg_drop_replication_slot(%(name)s)"

    def registrations(self, session: Session, database: str, remaining: t.Collection[Identity]) -> State:
        """Return the rows of nodes, and the identifiers, of none of those that stay."""
        if not any(row["installed"] and row["name"] == "bdr" for row in session.rows(sql.EXTENSIONS)):
            return {}
        _sysid, here = self.identity(session)
        found: State = {}
        for row in session.rows(_NODES):
            if (row["sysid"], row["dboid"]) not in remaining:
                name = f"{row['sysid']}-{row['timeline']}-{row['dboid']}"
                found[Item("bdr node", name, database)] = {}
        for row in session.rows(_IDENTIFIERS):
            match = re.match(_IDENTIFIER, row["name"])
            if match and match["here"] == here and (match["sysid"], match["dboid"]) not in remaining:
                found[Item("replication identifier", row["name"], database)] = {}
        return found

    def engine_removal(self, item: Item) -> t.Sequence[Statement]:
        """Return what removes the item's kind."""
        texts = {"bdr node": _FORGET_NODE, "replication identifier": _DROP_IDENTIFIER}
        if item.kind in texts:
            return [Statement(texts[item.kind], values={"name": item.name})]
        return super().engine_removal(item)
