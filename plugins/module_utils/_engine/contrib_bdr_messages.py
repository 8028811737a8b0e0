# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What servers with contrib/bdr log when a link stops: what it means, and the remedy. Pure.

Sources: BDR User Guide, Troubleshooting and Data Conflicts; the rest was seen on servers of the eras 0.4 and 0.7.
"""

from __future__ import annotations

import re
import typing as t

from . import contrib_bdr_notes, server_messages
from .messages import (
    COMPARE,
    CONFLICT,
    SCHEMA,
    SITE,
    SLOTS,
    UNREACHABLE,
    WARNING,
    Dialect,
    Message,
    told,
)

MESSAGES = (
    Message(
        r"requested WAL segment (?P<segment>\w+) has already been removed",
        "this upstream no longer has WAL that a downstream needs",
        "re-seed that downstream, and raise bdr_allowed_downtime_seconds",
    ),
    Message(
        r"couldn't find logical slot \"(?P<slot>[^\"]+)\"|replication slot \"(?P<newer>[^\"]+)\" does not exist",
        "a downstream asks for a slot that is gone; it cannot be made again",
        "re-seed that downstream",
    ),
    Message(
        r"duplicate key value violates unique constraint \"(?P<constraint>[^\"]+)\"",
        "a divergent conflict: another node wrote the same key, and the link stops at that change",
        "delete or change one of the two rows on this node in a session with replication_origin_id set, so that it is "
        "not sent on, and write the right value afterwards",
        CONFLICT,
    ),
    Message(
        r"CONFLICT: (?:DELETE )?could not find existing tuple for pkey",
        "a change of a row that is not here, and the link stops at it",
        "insert the row on this node in a session with replication_origin_id set",
        CONFLICT,
    ),
    Message(
        r"could not resolve relation name (?P<table>\S+)",
        "the table {table} is missing here; everything behind that change waits",
        "create it as it is on the upstream; for pg_temp_*, a table was rewritten there and the change must be skipped",
        run=(SCHEMA,),
    ),
    Message(
        r"relation \"(?P<table>[^\"]+)\" does not exist",
        "the table {table} is missing here; everything behind that change waits",
        "create it as it is on the upstream, in a session with bdr.skip_ddl_replication on",
        run=(SCHEMA,),
    ),
    Message(
        r"could not find primary key for table with oid (?P<oid>\d+)",
        "an UPDATE of a table without primary key",
        "add the same primary key on every node",
        run=(SCHEMA,),
    ),
    Message(
        r"got delete without pkey",
        "a DELETE in a table without primary key was dropped: its row stays here",
        "delete the row here, and add the same primary key on every node",
        severity=WARNING,
        run=(COMPARE,),
    ),
    Message(
        r"could not find replication identifier (?P<id>\d+)",
        "a conflict with a row whose origin this era stored wrongly, and the link stops at it",
        "update the row on this node in a session with replication_origin_id set, let the change in, then write the "
        "right value the same way",
        CONFLICT,
    ),
    Message(
        r"could not find a bdr count slot|no free replication state could be found",
        "an upstream came back with a new identity and there is no room for it: the server went down",
        "run site.yml, which starts it; for good, seed that upstream again under its old identity",
        run=(SITE,),
    ),
    Message(
        r"couldn't find free logical slot|all replication slots are in use",
        "no slot is free for a downstream",
        "drop the slots of downstreams that are gone for good, or raise the number of slots in bdr_settings",
        run=(SLOTS,),
    ),
    Message(
        r"no pg_hba\.conf entry for (?:replication )?connection from host \"(?P<host>[^\"]+)\"",
        "the upstream lets {host} in by no access rule",
        "name that address in bdr_sources of the downstream and run site.yml",
        UNREACHABLE,
        run=(SITE,),
    ),
    Message(
        r"password authentication failed for user \"(?P<user>[^\"]+)\"",
        "the password of {user} is not the one the upstream has",
        "run site.yml on all nodes with one bdr_replication_password",
        UNREACHABLE,
        run=(SITE,),
    ),
    Message(
        r"could not connect to the primary server: (?P<why>.*)",
        "an upstream cannot be reached: {why}",
        "start it; the link is tried again every 5 s",
        UNREACHABLE,
        run=(SITE,),
    ),
    Message(
        r"could not access file \"(?P<file>bdr|bdr_output)\"",
        "the server was built without contrib/bdr",
        "take bdr into bdr_build_contrib and run site.yml",
        run=(SITE,),
    ),
    Message(
        r"system identifiers must differ between the nodes",
        "two nodes are copies of one data directory, or theirs were made in the same second",
        "make the data directory of one of them anew; a physical copy cannot be a node",
    ),
    Message(
        r"slot creation rejected, bdr\.bdr_nodes entry for local node",
        "the upstream is not ready: its database is still being initialised, or bdr is not active there",
        "wait until its own links are up; if it stays, run site.yml",
        run=(SITE,),
    ),
    Message(
        r"bdr can only be loaded via shared_preload_libraries",
        "the upstream's server runs without the bdr library",
        "run site.yml, which restarts it with the library",
        run=(SITE,),
    ),
    Message(
        r"No bdr schema is present in database (?P<database>.+), cannot create a bdr slot",
        "the database {database} of the upstream is not prepared yet",
        "run site.yml on the upstream",
        run=(SITE,),
    ),
    Message(
        r"permission denied for relation (?P<table>bdr_\w+)",
        "the replication role may not read bdr.{table} on the upstream",
        "run site.yml, which grants it",
        run=(SITE,),
    ),
    Message(
        r"database \"(?P<database>[^\"]+)\" does not exist",
        "the database {database} is missing; it has the same name on every node",
        "run site.yml, which makes it",
        run=(SITE,),
    ),
)

ENDED = re.compile(
    # A worker's name has 63 characters at most, so what stands behind a long connection can be cut.
    r"worker process: (?:bdr apply: |bdr \([^)]*\): )(?P<worker>[^ :]+)(?::[ a-z]*)? \(PID (?P<pid>\d+)\)"
)

DIALECT = Dialect(
    (*MESSAGES, *contrib_bdr_notes.MESSAGES, *server_messages.MESSAGES),
    ENDED,
    re.compile(r"^(?:bdr apply: |bdr \([^)]*\): )(?P<worker>[^ :]+)(?:: apply| initialized on|$)"),
)
"""Everything, by which a log is read; up to 0.4 a worker says its name when it starts."""


def findings(lines: t.Sequence[str], role: str) -> list[str]:
    """Return each thing that the lines tell of once, in order, crash loops of apply workers first.

    role: who replicates. What other clients do wrong, such as a key they give twice, says nothing of links.
    """
    return list(dict.fromkeys([*_crash_loops(lines), *told(lines, role, DIALECT.messages)]))


def _crash_loops(lines: t.Iterable[str]) -> t.Iterator[str]:
    pids: dict[str, list[str]] = {}
    for line in lines:
        match = ENDED.search(line)
        if match:
            pids.setdefault(match.group("worker"), []).append(match.group("pid"))
    for connection, ended in pids.items():
        if len(ended) > 1:
            yield f"the apply worker of {connection} ends again and again: {len(ended)} times, last as PID {ended[-1]}"
