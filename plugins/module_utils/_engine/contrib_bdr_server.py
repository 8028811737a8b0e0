# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Engine contrib_bdr on a running server. Its connections are settings, so they stand in a file, not in a database.

Stdlib only; the SQL stands in contrib_bdr_sql.py, what the servers log in contrib_bdr_messages.py.
"""

from __future__ import annotations

import re
import sys
import typing as t
from dataclasses import replace

from .._model import Connection, Setting
from .._render import settings_in
from .._session_types import Row, Session, Statement
from .._state import Item, State, Step
from . import contrib_bdr_messages as messages
from . import contrib_bdr_sql as sql
from .contrib_bdr import CONNECTIONS, EXTENSIONS, ContribBdr04Rules, ContribBdr07Rules
from .server import FOREIGN, UNKNOWN, EngineServer


class ContribBdrServer(EngineServer):
    """What both eras share."""

    dialect = messages.DIALECT
    password_encryption = "md5"
    sequence_kind = "bdr"
    slot_pattern: t.ClassVar[str]
    """A downstream's slots on its upstream; {sysid} and {dboid} are the downstream's own."""
    slot_ids: t.ClassVar[t.Pattern[str]]
    """The same read: who the downstream is, in the name of its slot."""
    slot_plugin: t.ClassVar[str]

    def observe_member(self, session: Session, database: str) -> State:
        """Return the extensions."""
        return {
            Item("extension", row["name"], database): {} for row in session.rows(sql.EXTENSIONS) if row["installed"]
        }

    def wanted_member(self, found: State, database: str) -> State:
        """Return the same: the engine's library is loaded where there are upstreams, and only there."""
        if not self._loads_library(database):
            return {}
        return {Item("extension", name, database): {} for name in EXTENSIONS}

    def observe_connections(self, session: Session, database: str) -> State:
        """No database holds connections here: they are settings."""
        return {}

    def connections_found(self, session: Session, database: str, text: str) -> list[Connection]:
        """Return those of the file. Of one that is not planned neither the upstream's name nor its slot is known."""
        planned = {connection.name: connection for connection in self.plan.connections}
        found = []
        for name in self.connections_in(text):
            own = {key: value for key, value in settings_in(text).items() if _connection_of(key) == name}
            dsn = next((value for key, value in own.items() if key.endswith("dsn")), "")
            delay = next((value for key, value in own.items() if key.endswith("apply_delay")), "0")
            like = planned.get(name, Connection(_database_of(dsn), "", name, dsn, ""))
            if like.database == database:
                found.append(replace(like, dsn=dsn, apply_delay_ms=int(delay)))
        return found

    def wanted_connections(self, database: str) -> State:
        """No database holds connections here: they are settings."""
        return {}

    def connections_in(self, text: str) -> list[str]:
        """Return the names in bdr.connections. SHOW tells the first one only, so the file is read."""
        return [name.strip() for name in settings_in(text).get(CONNECTIONS, "").split(",") if name.strip()]

    def wanted_settings(self, text: str, left_out: t.Collection[str]) -> tuple[Setting, ...]:
        """Return the plan's settings and those of connections that the plan does not know, which are left alone."""
        planned = [connection.name for connection in self.plan.connections]
        strangers = [name for name in self.connections_in(text) if name not in planned]
        names = ", ".join([*(name for name in planned if name not in left_out), *strangers])
        ours = [setting for setting in self.plan.connection_settings if _connection_of(setting.name) not in left_out]
        known = {setting.name for setting in ours}
        found = settings_in(text)
        # A line that went missing is no difference that anybody would see, so the end of a delay is said.
        undelayed = [
            Setting(name, "0", "fixed", "bdr_apply_delay_ms")
            for name in found
            if name.endswith("apply_delay") and _connection_of(name) in planned and name not in known
        ]
        theirs = [
            Setting(name, value, "operator", "not in the plan, left alone")
            for name, value in found.items()
            if _connection_of(name) in strangers or (name == CONNECTIONS and not ours)
        ]
        listed = [replace(setting, value=names) if setting.name == CONNECTIONS else setting for setting in ours]
        return (*listed, *undelayed, *theirs)

    def statements(self, step: Step) -> t.Iterable[Statement]:
        """Return the statements of a step, by the kind of its item."""
        return [Statement(sql.CREATE_EXTENSION, {"extension": step.item.name})]

    def warnings(self, found: State) -> list[str]:
        """Nothing to warn of."""
        return []

    def link_state(self, session: Session, upstream: Session, connection: Connection) -> str:
        """A link streams while its slot on the upstream is in use; a heartbeat tells whether changes are applied."""
        active = self._slot(session, upstream)
        if active is None:
            return f"it has no slot on {connection.upstream} yet: its apply worker makes one at first contact"
        return "streaming" if active else f"its slot on {connection.upstream} is not in use"

    def is_established(self, session: Session, upstream: Session, connection: Connection) -> bool:
        """Tell whether the upstream keeps a slot for the link."""
        return self._slot(session, upstream) is not None

    def slot_owner(self, slot: Row) -> Row:
        """The name says which ids its downstream has; only the downstream itself can tell that they are its own."""
        found = self.slot_ids.match(slot["name"]) if slot["plugin"] == self.slot_plugin else None
        if found is None:
            return {"verdict": FOREIGN}
        sysid, timeline, dboid = found.groups()
        return {"verdict": UNKNOWN, "of": {"sysid": sysid, "timeline": int(timeline), "dboid": int(dboid)}}

    def findings(self, lines: t.Sequence[str]) -> list[str]:
        """Return what the lines of a log say of links, with the remedy."""
        return messages.findings(lines, self.plan.replication_user)

    def connection_of(self, worker: str) -> str:
        """The worker has the connection's name, which may be cut."""
        names = [connection.name for connection in self.plan.connections if connection.name.startswith(worker)]
        return min(names, key=len, default="") if worker else ""

    def incoming(self, session: Session, database: str) -> list[Row]:
        """Return the connections; a worker is known by the change that it shows, its slot by the upstream only."""
        workers = session.rows(sql.APPLYING)
        return [
            _incoming(connection.name, workers)
            for connection in self.plan.connections
            if connection.database == database
        ]

    def _loads_library(self, database: str) -> bool:
        return any(connection.database == database for connection in self.plan.connections)

    def _slot(self, session: Session, upstream: Session) -> bool | None:
        """Return whether the node's slot on an upstream is in use, None where there is none."""
        (identity,) = session.rows(sql.IDENTITY)
        sysid = int.from_bytes(bytes.fromhex(identity["sysid"]), sys.byteorder)
        wanted = re.compile(self.slot_pattern.format(sysid=sysid, dboid=identity["dboid"]))
        view = upstream.value(sql.SLOT_VIEW)
        slots = upstream.rows(sql.SLOTS.format(view=view)) if view else []
        found = [bool(row["active"]) for row in slots if wanted.match(row["name"])]
        # A slot of an earlier timeline of the node can be there still.
        return any(found) if found else None


def _incoming(name: str, workers: t.Iterable[Row]) -> Row:
    """Return a connection with the worker that shows its name, the newest of them."""
    found: Row = {"pid": None, "age_seconds": None, "waits_seconds": None, "waits_for": None}
    for row in workers:
        if re.search(rf"\b{re.escape(name)}\b", row["query"]):
            found = {key: row[key] for key in found}
    return {"name": name, "status": "", "worker": name, "blocked_by": [], "origin_lsn": None, **found}


def _database_of(dsn: str) -> str:
    match = re.search(r"\bdbname=(?:'([^']*)'|(\S+))", dsn)
    return "".join(filter(None, match.groups())) if match else ""


def _connection_of(setting: str) -> str:
    """Return the connection that a setting belongs to, "" for the list of them."""
    match = re.fullmatch(r"bdr\.(.+?)[._](?:dsn|apply_delay)", setting)
    return match.group(1) if match else ""


class ContribBdr04Server(ContribBdrServer):
    """Up to 0.4."""

    slot_pattern = r"bdr: \d+:{sysid}-\d+-{dboid}:"
    slot_ids = re.compile(r"bdr: \d+:(\d+)-(\d+)-(\d+):")
    slot_plugin = ContribBdr04Rules.slot_plugin
    heartbeat_is_updated = False

    def forget_heartbeats(self) -> t.Iterable[Statement]:
        """A session with an origin keeps its changes to itself; a DELETE that is sent stops links, too."""
        return (*self.stay_local(), Statement(sql.FORGET_HEARTBEATS))

    def stay_local(self) -> t.Iterable[Statement]:
        """A session with an origin keeps its changes to itself, a rewrite of a table too. DDL is not sent anyway."""
        return (Statement(sql.KEEP_TO_ITSELF),)

    def gives_global_values(self, session: Session) -> bool:
        """The worker that does starts in few builds; where apply workers run, it should have shown by then."""
        return bool(session.value(sql.SEQUENCER))


class ContribBdr07Server(ContribBdrServer):
    """0.5 to 0.7: the bdr library replicates DDL, so what prepares a node keeps out of it."""

    slot_pattern = r"bdr_\d+_{sysid}_\d+_{dboid}_"
    slot_ids = re.compile(r"bdr_\d+_(\d+)_(\d+)_(\d+)_")
    slot_plugin = ContribBdr07Rules.slot_plugin
    # It replays the words of DDL and TRUNCATE as any session would say them.
    is_applying = "pg_replication_identifier_is_replaying()"
    session_settings: t.ClassVar[t.Mapping[str, str]] = {
        "bdr.skip_ddl_replication": "on",
        "bdr.skip_ddl_locking": "on",
        "bdr.permit_unsafe_ddl_commands": "on",
    }
    rewrites_are_sent = True
    rows_are_sent = True

    def walsender_of(self, slot: Row, walsenders: t.Sequence[Row]) -> list[Row]:
        """A downstream's connection is called by its ids, which the name of its slot has, too."""
        found = self.slot_ids.match(slot["name"])
        name = "bdr ({},{},{},".format(*found.groups()) if found else ""
        return [row for row in walsenders if row["application_name"].startswith(name)]

    def observe_member(self, session: Session, database: str) -> State:
        """Return extensions, grants and whether the node counts as ready."""
        state = super().observe_member(session, database)
        if Item("extension", "bdr", database) not in state:
            return state
        if session.value(sql.GRANTED, {"role": self.plan.replication_user}):
            state[self._grants(database)] = {}
        for row in session.rows(sql.REGISTERED):
            state[self._registration(database)] = {"status": row["status"]}
        return state

    def wanted_member(self, found: State, database: str) -> State:
        """Return the same; a status that the server itself is changing is left to it."""
        wanted = super().wanted_member(found, database)
        if wanted:
            wanted[self._grants(database)] = {}
            registration = self._registration(database)
            wanted[registration] = found.get(registration, {"status": "r"})
        return wanted

    def statements(self, step: Step) -> t.Iterable[Statement]:
        """Return the statements of a step, by the kind of its item."""
        if step.item.kind == "grants on bdr to":
            return [Statement(text, {"role": step.item.name}) for text in sql.GRANT]
        if step.item.kind == "bdr node":
            return [Statement(sql.REGISTER)]
        return super().statements(step)

    def stay_local(self) -> t.Iterable[Statement]:
        """The session's settings keep DDL here; what would rewrite a table the server refuses itself again."""
        return (Statement(sql.REFUSE_UNSAFE),)

    def _loads_library(self, database: str) -> bool:
        """The output plugin is the library itself."""
        return database in self.plan.databases

    def _grants(self, database: str) -> Item:
        return Item("grants on bdr to", self.plan.replication_user, database)

    def _registration(self, database: str) -> Item:
        return Item("bdr node", self.plan.engine_node, database)
