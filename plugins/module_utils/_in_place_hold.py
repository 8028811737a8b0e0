# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A donor's consistent point: a snapshot, and up to where it holds the changes of each upstream.

These servers can make a slot together with its snapshot, but where another slot is there already, that snapshot is not
to be relied on: rows were lost with it, and others were there twice. So the donor stands still for a moment. A lock on
its tables lets nobody write; the next row of each other upstream stops at it, before a change that is known.
"""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
import uuid
from dataclasses import dataclass

from . import _session
from ._engine import in_place as engine
from ._engine.in_place import Identity, InPlace
from ._engine.seeding import number
from ._instance import InstanceError
from ._model import Connection, NodePlan
from ._session_types import Statement
from ._slot_dialects import Probed, probe

HOLD_SECONDS = 1.5
"""How long the donor stands still at most; where the point is not there by then, it is tried again a little later."""
CANCEL_SECONDS = 5.0
CLEANING = "pgbdr_cleaning"
"""A slot that is made to be dropped again."""
PAUSE_SECONDS = 1.0
CHECKPOINT_SECONDS = 0.1
POLL_SECONDS = 0.005

_IDENTIFY = "IDENTIFY_SYSTEM"
_DBOID = "SELECT oid::int8 FROM pg_database WHERE datname = current_database()"
_FLUSHED = "SELECT pgbdr.seed_flushed(%(pid)s)"
_WRITTEN = "SELECT pg_current_xlog_insert_location()"
_BEAT = "INSERT INTO pgbdr.heartbeat (upstream, downstream, token) VALUES (%(upstream)s, %(downstream)s, %(token)s)"
_BEAT_AGAIN = """
UPDATE pgbdr.heartbeat SET token = %(token)s, written_at = clock_timestamp()
 WHERE upstream = %(upstream)s AND downstream = %(downstream)s RETURNING 1
"""
_APPLYING = "SELECT pgbdr.seed_applying() AS query"
_CHECKPOINT = "SELECT pgbdr.seed_checkpoint()"
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ"
_LOCK = "SELECT pgbdr.seed_lock()"
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '500ms'"
_NEXT = "SELECT txid_snapshot_xmax(txid_current_snapshot())"
_OLDEST = "SELECT txid_snapshot_xmin(txid_current_snapshot())"


class TooLong(Exception):
    """The point did not come within the time for which the donor may stand still."""


@dataclass(frozen=True)
class Point:
    """Where a copy ends: up to which position it holds each upstream, and for how long the donor stood still."""

    positions: t.Mapping[str, str]
    held_seconds: float


class Upstream:
    """One upstream of the node in one database: sessions of the replication role, and who it is."""

    def __init__(self, plan: NodePlan, connection: Connection, way: InPlace) -> None:
        self.connection = connection
        self._dsn = _session.dsn_of(plan, connection)
        self._way = way
        self.session = self.new()
        self.walsender = self.new(way.replication)
        (row,) = self.walsender.rows(_IDENTIFY)
        self.identity = Identity(str(row["systemid"]), str(row["timeline"]), str(self.session.value(_DBOID)))
        self.probed: Probed = probe(self.session)

    def new(self, replication: str = "") -> _session.Session:
        """Return another session."""
        return _session.Session(f"{self._dsn} replication={replication}" if replication else self._dsn)

    def close(self) -> None:
        """End the sessions."""
        self.session.close()
        self.walsender.close()

    def is_used(self, slot: str) -> bool | None:
        """Tell whether a slot is in use, None where there is none."""
        found = [row for row in self.probed.slots(self.session) if row["name"] == slot]
        return bool(found[0]["active"]) if found else None

    def drop(self, slot: str) -> None:
        """Drop a slot that nobody uses."""
        if self.is_used(slot) is None:
            return
        self.session.rows(self.probed.dialect.drop_if_idle, {"name": slot})
        if self.is_used(slot) is not None:
            raise InstanceError(
                f"the slot {slot} of {self.connection.upstream} is in use while nobody should; run this again"
            )

    def make(self, slot: str, plugin: str, seconds: float) -> None:
        """Make a slot, and wait until nobody is at work who was before it: of their changes it has a part only."""
        deadline = time.monotonic() + seconds
        if self._way.stream:
            self._clean(plugin, seconds)
        self._create(slot, plugin, seconds)
        open_then = self.session.value(_NEXT)
        while self.session.value(_OLDEST) < open_then:
            if time.monotonic() >= deadline:
                raise self._too_long()
            time.sleep(POLL_SECONDS)

    def _clean(self, plugin: str, seconds: float) -> None:
        """Clear the place in memory that the next slot is given.

        These servers give it the place of one that was dropped, with where that could have begun to decode next. The
        first confirmation takes that for the new slot's own, though the WAL from there on may be gone.
        """
        self.drop(CLEANING)
        self._create(CLEANING, plugin, seconds)
        self.confirm(CLEANING, str(self.session.value(_WRITTEN)), seconds)
        self.drop(CLEANING)

    def _create(self, slot: str, plugin: str, seconds: float) -> None:
        with self.new() as session:
            values = {"name": slot, "plugin": plugin}
            self._at_once(session, Statement(self.probed.dialect.create, values=values), seconds)

    def confirm(self, slot: str, position: str, seconds: float) -> None:
        """Have a slot begin behind a position."""
        deadline = time.monotonic() + seconds
        with self.new(self._way.replication) as walsender:
            pid = {"pid": walsender.process()}
            walsender.confirm(Statement(self._way.stream, {"name": slot}), number(position))
            while number(str(self.session.value(_FLUSHED, pid) or "0/0")) < number(position):
                if time.monotonic() >= deadline:
                    raise InstanceError(
                        f"{self.connection.upstream} does not take {position} for {slot}; run this again"
                    )
                time.sleep(POLL_SECONDS)
        while self.is_used(slot):
            time.sleep(POLL_SECONDS)

    def _at_once(self, session: _session.Session, command: Statement, seconds: float) -> None:
        """Make a slot: it comes as soon as a checkpoint has noted that nobody is at work who was before."""
        told: list[t.Any] = []

        def create() -> None:
            try:
                told.extend(session.run(command))
            except _session.SessionError as error:
                told.append(error)

        deadline = time.monotonic() + seconds
        self.session.rows(_CHECKPOINT)
        creator = threading.Thread(target=create, daemon=True)
        creator.start()
        while creator.is_alive() and time.monotonic() < deadline:
            creator.join(CHECKPOINT_SECONDS)
            if creator.is_alive():
                self.session.rows(_CHECKPOINT)
        if creator.is_alive():
            session.cancel()
            creator.join(CANCEL_SECONDS)
            raise self._too_long()
        if isinstance(told[0], _session.SessionError):
            raise told[0]

    def _too_long(self) -> InstanceError:
        return InstanceError(
            f"transactions that stay open on {self.connection.upstream} hold up its slot; run this again when they "
            "have ended"
        )


@contextlib.contextmanager
def upstreams(plan: NodePlan, database: str, way: InPlace) -> t.Iterator[dict[str, Upstream]]:
    """Connect to all upstreams of the node in a database, by name."""
    with contextlib.ExitStack() as stack:
        found = {}
        for connection in plan.connections:
            if connection.database == database:
                one = Upstream(plan, connection, way)
                stack.callback(one.close)
                found[connection.upstream] = one
        yield found


class Holding:
    """The donor's point in one database."""

    def __init__(self, donor: Upstream, others: t.Sequence[Upstream], names: t.Mapping[str, str], beats: bool) -> None:
        """names: what the donor calls its connections to the others. beats: heartbeats are updated."""
        self._donor = donor
        self._others = others
        self._names = names
        self._beats = beats
        self._longest = 0.0

    @contextlib.contextmanager
    def snapshot(self, seconds: float) -> t.Iterator[tuple[_session.Session, Point]]:
        """Return a session that sees what the upstreams do not send behind the point, and the point."""
        deadline = time.monotonic() + seconds
        with contextlib.ExitStack() as stack:
            positions = None
            while positions is None:
                reading = stack.enter_context(self._donor.new())
                try:
                    positions = self._once(reading)
                except (TooLong, _session.SessionError) as error:
                    reading.close()
                    if time.monotonic() >= deadline:
                        raise InstanceError(
                            f"{self._donor.connection.upstream} does not stand still within {seconds} s: {error}. No "
                            "row of the node was changed; run this again when its long transactions have ended"
                        ) from error
                    time.sleep(PAUSE_SECONDS)
            yield reading, Point(positions, self._longest)

    def _once(self, reading: _session.Session) -> dict[str, str]:
        donor = self._donor
        with donor.new() as lock:
            reading.rows(_BEGIN)
            lock.rows("BEGIN")
            lock.rows(_LOCK_TIMEOUT)
            started = time.monotonic()
            try:
                lock.rows(_LOCK)
                positions = self._stopped(started + HOLD_SECONDS)
                reading.rows("SELECT 1")  # the snapshot is of the transaction's first query
                positions[donor.connection.upstream] = engine.just_before(str(donor.session.value(_WRITTEN)))
            finally:
                lock.close()
                self._longest = max(self._longest, time.monotonic() - started)
        return positions

    def _stopped(self, deadline: float) -> dict[str, str]:
        """Wait until each other upstream's stream stands still on the donor. Return up to where it was applied."""
        for other in self._others:
            values = {"upstream": other.connection.upstream, "downstream": "seed", "token": uuid.uuid4().hex}
            if not (self._beats and other.session.rows(_BEAT_AGAIN, values)):
                other.session.rows(_BEAT, values)
        while True:
            queries = [row["query"] for row in self._donor.session.rows(_APPLYING)]
            found = {
                other.connection.upstream: engine.blocked_at(self._names[other.connection.upstream], queries)
                for other in self._others
            }
            if all(found.values()):
                return {name: engine.just_before(position) for name, position in found.items()}
            if time.monotonic() >= deadline:
                silent = ", ".join(name for name, position in found.items() if not position)
                raise TooLong(f"what {silent} writes does not get to {self._donor.connection.upstream} in time")
            time.sleep(POLL_SECONDS)
