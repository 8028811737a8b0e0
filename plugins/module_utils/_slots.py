# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A node's slots: what they are, and what making or dropping one takes. Pure: sessions are handed in."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from ._engine.server import FOREIGN, EngineServer
from ._session_types import Row, Session, Statement
from ._slot_dialects import Probed, SlotRefused, name_problem, probe

POLLS_PER_SECOND = 10
ENDING_POLLS_PER_SECOND = 100
"""The client of a walsender that was ended may be back at once; the slot is dropped between the two."""
END_SECONDS = 10
"""How long a walsender that was ended has to be gone, where no longer waiting is asked for."""

CREATE_SECONDS = 60
"""How long a slot may take to be made, where no longer waiting is asked for: it begins when the transactions that
were open have ended."""

# A server that hangs in a query must not hang whoever looks at it.
_LIMIT = "SET statement_timeout = '{}s'"
_LOOK_LIMIT = _LIMIT.format(10)
_RECOVERY = "SELECT pg_is_in_recovery()"
_SETTINGS = """
SELECT name, setting::bigint AS value, unit FROM pg_settings
 WHERE name IN ('max_slot_wal_keep_size', 'wal_keep_segments', 'wal_keep_size', 'wal_segment_size')
"""
_UNITS = {"B": 1, "8kB": 8192, "MB": 1024 * 1024}

# There is no function for the system identifier in old servers: it is the file's first 8 bytes.
_SYSID = "SELECT encode(pg_read_binary_file('global/pg_control', 0, 8), 'hex')"
_DATABASES = "SELECT datname::text AS name, oid::int8 AS oid FROM pg_database WHERE NOT datistemplate ORDER BY 1"

_END = "SELECT pg_terminate_backend(pid) FROM pg_stat_replication WHERE pid = %(pid)s"
_PAUSE = "SELECT pg_sleep(%(seconds)s)"


def look(session: Session, engine: EngineServer) -> Row:
    """Return every slot of a node with whose it is, what limits the WAL they keep, and who the node is to others."""
    session.rows(_LOOK_LIMIT)
    probed = probe(session)
    is_standby = bool(session.value(_RECOVERY))
    settings = {row["name"]: row["value"] * _UNITS.get(row["unit"], 1) for row in session.rows(_SETTINGS)}
    limit = settings.get("max_slot_wal_keep_size", -1)
    kept = settings.get("wal_keep_segments", 0) * settings["wal_segment_size"] + settings.get("wal_keep_size", 0)
    return {
        "is_standby": is_standby,
        "slots_keep_wal": probed.keeps_wal,
        "wal_limit_bytes": limit if limit >= 0 else None,
        "wal_kept_bytes": kept,
        "identity": {
            "sysid": str(int.from_bytes(bytes.fromhex(session.value(_SYSID)), sys.byteorder)),
            "timeline": 0 if is_standby else probed.timeline(session),
            "databases": {row["name"]: row["oid"] for row in session.rows(_DATABASES)},
        },
        "slots": [_owned(slot, engine, is_standby) for slot in probed.slots(session)],
    }


def _owned(slot: Row, engine: EngineServer, is_standby: bool) -> Row:
    """A standby's slots are no link's: what looks like one is a copy of its primary's."""
    own = slot["kind"] == "logical" and not is_standby
    found = {**slot, "downstream": "", **(engine.slot_owner(slot) if own else {"verdict": FOREIGN})}
    if slot["wal_status"] == "lost":
        found["until_lost_bytes"] = 0
    return found


@dataclass(frozen=True)
class Wanted:
    """What was asked of a slot. database is "" where any will do."""

    node: str
    name: str
    database: str
    plugin: str
    is_present: bool
    end_walsender: bool = False
    wait_seconds: int = 0
    unused_seconds: int = 0


class SlotWork:
    """One slot of one node, from as-is to to-be. SlotRefused comes before anything is changed."""

    def __init__(self, wanted: Wanted, engine: EngineServer, session: Session) -> None:
        self.wanted = wanted
        self._engine = engine
        self._session = session
        session.rows(_LOOK_LIMIT)
        self.probed: Probed = probe(session)
        self.before = self.found()
        self.steps = self._steps()

    @property
    def diff(self) -> dict[str, str]:
        """Return before and after as --diff shows them."""
        line = "slot {name} in {database}, plugin {plugin}\n"
        after = {"name": self.wanted.name, "database": self.wanted.database, "plugin": self.wanted.plugin}
        if not self.steps:
            return {"before": "", "after": ""}
        return {
            "before": line.format(**self.before) if self.before else "",
            "after": line.format(**after) if self.wanted.is_present else "",
        }

    def found(self) -> Row | None:
        """Return the slot of that name as it is, None where there is none."""
        return next((slot for slot in self.probed.slots(self._session) if slot["name"] == self.wanted.name), None)

    def _steps(self) -> list[str]:
        wanted, found = self.wanted, self.before
        problem = name_problem(wanted.name, self.probed.dialect)
        if self._session.value(_RECOVERY):
            problem = f"node: {wanted.node} is a physical standby; it makes and drops no logical slots"
        for name, seconds in (("wait_seconds", wanted.wait_seconds), ("unused_seconds", wanted.unused_seconds)):
            if seconds < 0:
                problem = f"{name}: is {seconds}; give 0 or more"
        if wanted.unused_seconds and not self.probed.tells_progress:
            problem = f"unused_seconds: {wanted.node} does not tell whether a slot was ever used; leave it out"
        if not problem and found:
            problem = self._mismatch(found)
        if problem:
            raise SlotRefused(problem)
        if wanted.is_present:
            return [] if found else self._creation()
        if not found:
            return []
        ending = [f"end {self._user(found)}"] if found["active"] and wanted.end_walsender else []
        if found["active"] and not ending and not wanted.wait_seconds:
            raise SlotRefused(self._in_use(found))
        return [*ending, f"drop slot {wanted.name}"]

    def _creation(self) -> list[str]:
        if self.wanted.database not in {row["name"] for row in self._session.rows(_DATABASES)}:
            raise SlotRefused(f"database: {self.wanted.node} has no database {self.wanted.database!r}")
        return [f"create slot {self.wanted.name} in {self.wanted.database}"]

    def _mismatch(self, found: Row) -> str:
        wanted = self.wanted
        slot = f"the slot {wanted.name} of {wanted.node}"
        if found["kind"] != "logical":
            return f"name: {slot} is a {found['kind']} one, such as standbys and backup tools have; it is left alone"
        if found["plugin"] != wanted.plugin:
            return (
                f"plugin: {slot} has the plugin {found['plugin']}, not {wanted.plugin}. It is left alone; "
                f"take another name, or say plugin: {found['plugin']} if that one is meant"
            )
        if wanted.database and found["database"] != wanted.database:
            return (
                f"database: {slot} is of the database {found['database']}, not {wanted.database}. It is left alone; "
                f"take another name, or say database: {found['database']} if that one is meant"
            )
        return ""

    def creation(self) -> list[Statement]:
        """Return what makes the slot, to be run in its database."""
        create = self._statement(self.probed.dialect.create, name=self.wanted.name, plugin=self.wanted.plugin)
        limit = Statement(_LIMIT.format(self.wanted.wait_seconds or CREATE_SECONDS))
        return [create] if self.probed.dialect.by_walsender else [limit, create]

    def removal(self) -> Statement:
        """Return what drops the slot."""
        return self._statement(self.probed.dialect.drop, name=self.wanted.name)

    def _statement(self, text: str, **words: str) -> Statement:
        return Statement(text, identifiers=words) if self.probed.dialect.by_walsender else Statement(text, values=words)

    def drop(self) -> Statement | None:
        """Drop the slot as soon as nobody uses it; return the command for that where the server has no SQL for it."""
        wanted, dialect = self.wanted, self.probed.dialect
        seconds = wanted.wait_seconds or END_SECONDS
        polls_per_second = ENDING_POLLS_PER_SECOND if wanted.end_walsender else POLLS_PER_SECOND
        for _poll in range(seconds * polls_per_second):
            found = self.found()
            if found is None:
                return None
            if not found["active"] and dialect.by_walsender:
                return self.removal()
            if not found["active"] and self._session.rows(dialect.drop_if_idle, {"name": wanted.name}):
                return None
            users = self._users(found) if wanted.end_walsender else []
            if len(users) == 1:
                self._session.rows(_END, {"pid": users[0]["pid"]})
            self._session.rows(_PAUSE, {"seconds": 1 / polls_per_second})
        raise SlotRefused(f"{self._in_use(self.found() or {})}. It was for {seconds} s")

    def _users(self, slot: Row) -> list[Row]:
        """Return the walsender that uses a slot, or those that may be it where the server does not tell."""
        senders = self.probed.walsenders(self._session)
        if self.probed.tells_process:
            return [row for row in senders if row["pid"] == slot["pid"]]
        return self._engine.walsender_of(slot, [row for row in senders if row["database"] == slot["database"]])

    def _user(self, slot: Row) -> str:
        """Return the one walsender that uses a slot, in words; SlotRefused where there is not just one."""
        users = self._users(slot)
        if len(users) == 1:
            return f"the walsender {users[0]['pid']} ({users[0]['application_name']}) that uses slot {slot['name']}"
        if users:
            told = ", ".join(str(row["pid"]) for row in users)
            why = f"the server does not tell which of the walsenders {told} uses it, and ending another may cost a link"
        else:
            why = f"the process that uses it ({slot['pid'] or 'not told'}) is no walsender"
        raise SlotRefused(f"end_walsender: {self._in_use(slot)}; {why}. Stop the downstream instead")

    def _in_use(self, slot: Row) -> str:
        process = f" by process {slot['pid']}" if slot.get("pid") else ""
        return (
            f"state: the slot {self.wanted.name} of {self.wanted.node} is in use{process}; "
            "wait for its end (wait_seconds), or end its walsender (end_walsender: true)"
        )
