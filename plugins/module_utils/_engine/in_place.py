# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Replace the rows of a node in its place, where a server's own identifier is the node's identity. Pure.

An era is one subclass. The node keeps its server, its databases and so its identity; what its upstreams sent it since
the copy was made is told by slots that were made for it beforehand, each read from an exact position on.
"""

from __future__ import annotations

import abc
import re
import typing as t
from dataclasses import dataclass

from .._session_types import Statement
from .in_place_rows import REPLACED
from .seeding import number

COPIED_AT = "2000-01-02 00:00:00+00"
"""When rows that are copied count as written: before all that is sent. None is before 2000-01-01 in these servers."""
# What the replication role may not do or see on an upstream, but must for a slot that comes at once.
CHECKPOINT = """
CREATE OR REPLACE FUNCTION pgbdr.seed_checkpoint() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path=pg_catalog AS 'BEGIN CHECKPOINT; END'
"""
APPLYING = """
CREATE OR REPLACE FUNCTION pgbdr.seed_applying() RETURNS SETOF text
LANGUAGE sql SECURITY DEFINER SET search_path=pg_catalog AS $$
SELECT query FROM pg_stat_activity
 WHERE datname = current_database() AND client_port IS NULL AND query LIKE 'bdr\\_apply:%' AND waiting
$$
"""
FLUSHED = """
CREATE OR REPLACE FUNCTION pgbdr.seed_flushed(int) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path=pg_catalog AS $$
SELECT flush_location::text FROM pg_stat_replication WHERE pid = $1
$$
"""
LOCK = f"""
CREATE OR REPLACE FUNCTION pgbdr.seed_lock() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path=pg_catalog AS $$
DECLARE
    names text;
BEGIN
    SELECT string_agg(format('%I.%I', n.nspname, c.relname), ', ' ORDER BY n.nspname, c.relname) INTO names
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE {REPLACED};
    EXECUTE 'LOCK TABLE ' || names || ' IN SHARE MODE';
END
$$
"""
FUNCTIONS = ("pgbdr.seed_lock()", "pgbdr.seed_checkpoint()", "pgbdr.seed_applying()", "pgbdr.seed_flushed(int)")
HAS_HELP = """
SELECT 1 FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'pgbdr' AND p.proname = 'seed_lock'
"""
REVOKE_HELP = "REVOKE ALL ON FUNCTION {} FROM PUBLIC"
GRANT_HELP = "GRANT EXECUTE ON FUNCTION {} TO {{role}}"
DROP_HELP = "DROP FUNCTION IF EXISTS {}"


@dataclass(frozen=True)
class Identity:
    """Who a node is to the others, in one database."""

    sysid: str
    timeline: str
    dboid: str


def help_wanted(role: str) -> list[Statement]:
    """Return what lets the replication role make a slot that has its snapshot soon. One transaction."""
    statements = [Statement(LOCK), Statement(CHECKPOINT), Statement(APPLYING), Statement(FLUSHED)]
    for function in FUNCTIONS:
        statements += [
            Statement(REVOKE_HELP.format(function)),
            Statement(GRANT_HELP.format(function), {"role": role}),
        ]
    return statements


def help_ended() -> list[Statement]:
    """Return what takes that away again."""
    return [Statement(DROP_HELP.format(function)) for function in FUNCTIONS]


def blocked_at(connection: str, queries: t.Iterable[str]) -> str:
    """Return which change of an upstream an apply worker is about to apply, "" where it does not stand still.

    queries: what the workers that wait for a lock show. A worker shows what its transaction began with.
    """
    for query in queries:
        found = re.search(rf"\): {re.escape(connection)}, ([0-9A-F]+/[0-9A-F]+),", query)
        if found:
            return found[1]
    return ""


def just_before(position: str) -> str:
    """Return the last position that is before another."""
    value = number(position) - 1
    return f"{value >> 32:X}/{value & 0xFFFFFFFF:X}"


class InPlace(abc.ABC):
    """What the eras do differently."""

    replication: t.ClassVar[str]
    """Value of libpq's parameter of that name for a walsender's session."""
    stream: t.ClassVar[str]
    """What reads a slot; where it is not empty, the slot's own position is where the node begins to read."""
    positions: t.ClassVar[str]
    """Files below the data directory with the node's old positions, which a server reads when it starts."""
    keeps_commit_times: t.ClassVar[bool]
    """Whether rows can be written as if it had been at another time."""

    @abc.abstractmethod
    def slot(self, upstream: Identity, downstream: Identity) -> str:
        """Return the name of a slot."""

    @abc.abstractmethod
    def origin(self, upstream: Identity, downstream: Identity) -> t.Sequence[Statement]:
        """Return what makes a session one that applies an upstream's changes: none of its own are sent to others."""

    def end_workers(self) -> t.Sequence[Statement]:
        """Return what ends the apply workers, where the server starts each again."""
        return ()

    def end_walsender(self, downstream: Identity) -> t.Sequence[Statement]:
        """Return what ends a node's walsender on its upstream, where the worker comes back for that only."""
        return ()

    def written(self, at: str) -> t.Sequence[Statement]:
        """Return what tells when the changes of a transaction count as made."""
        return ()

    def begin_at(self, upstream: Identity, downstream: Identity, position: str) -> t.Sequence[Statement]:
        """Return what has the node read an upstream from a position on, where the slot itself does not."""
        return ()


_END_WORKERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE client_port IS NULL AND pid <> pg_backend_pid() AND (query LIKE 'bdr\\_apply:%' OR query = '')
"""
_END_WALSENDER = """
SELECT pg_terminate_backend(pid) FROM pg_stat_replication
 WHERE left(application_name, length(%(start)s)) = %(start)s
"""
_OWN_ID = """
SELECT set_config('replication_origin_id', coalesce(min(riident), 1)::text, false) FROM pg_replication_identifier
"""


class InPlace04(InPlace):
    """Up to 0.4. A position is the slot's, and the node's own is in its memory and in files, so those must go."""

    replication = "true"
    stream = "START_LOGICAL_REPLICATION {name} 0/0"
    positions = "pg_llog/checkpoints/*.ckpt"
    keeps_commit_times = False

    def slot(self, upstream: Identity, downstream: Identity) -> str:
        """Return the name, which ends with a colon."""
        return f"bdr: {upstream.dboid}:{downstream.sysid}-{downstream.timeline}-{downstream.dboid}:"

    def end_workers(self) -> t.Sequence[Statement]:
        """A walsender is called bdr, whoever its downstream is; so the worker is ended at its own end."""
        return [Statement(_END_WORKERS)]

    def origin(self, upstream: Identity, downstream: Identity) -> t.Sequence[Statement]:
        """Any number of an upstream serves."""
        return [Statement(_OWN_ID)]


class InPlace07(InPlace):
    """From 0.5 on. Positions can be set, and so can the time of a change."""

    replication = "database"
    stream = ""
    positions = ""
    keeps_commit_times = True

    def slot(self, upstream: Identity, downstream: Identity) -> str:
        """Return the name, which ends with the node's empty name."""
        return f"bdr_{upstream.dboid}_{downstream.sysid}_{downstream.timeline}_{downstream.dboid}__"

    def identifier(self, upstream: Identity, downstream: Identity) -> str:
        """Return under which name a node notes how far it is with an upstream."""
        return f"bdr_{upstream.sysid}_{upstream.timeline}_{upstream.dboid}_{downstream.dboid}_"

    def end_walsender(self, downstream: Identity) -> t.Sequence[Statement]:
        """A worker that was ended by itself is not started again before the server is."""
        name = f"bdr ({downstream.sysid},{downstream.timeline},{downstream.dboid},"
        return [Statement(_END_WALSENDER, values={"start": name})]

    def origin(self, upstream: Identity, downstream: Identity) -> t.Sequence[Statement]:
        """Return what says whose changes they are."""
        name = {"name": self.identifier(upstream, downstream)}
        return [Statement("SELECT pg_replication_identifier_setup_replaying_from(%(name)s)", values=name)]

    def written(self, at: str) -> t.Sequence[Statement]:
        """A position so low moves nothing: what was read of an upstream only grows."""
        return [Statement("SELECT pg_replication_identifier_setup_tx_origin('0/1', %(at)s)", values={"at": at})]

    def begin_at(self, upstream: Identity, downstream: Identity, position: str) -> t.Sequence[Statement]:
        """Return what moves the position on."""
        values = {"name": self.identifier(upstream, downstream), "position": position}
        return [
            Statement(
                "SELECT pg_replication_identifier_create(%(name)s)"
                " WHERE NOT EXISTS (SELECT 1 FROM pg_replication_identifier WHERE riname = %(name)s)",
                values=values,
            ),
            Statement("SELECT pg_replication_identifier_advance(%(name)s, %(position)s, '0/0')", values=values),
        ]


def way(era: str) -> InPlace:
    """Return how an era's rows are replaced."""
    return InPlace04() if era == "0.4" else InPlace07()
