# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What servers with pglogical log when a link stops: what it means, and the remedy. Pure.

All of it was seen on servers of PostgreSQL 15 with pglogical 2.4.
"""

from __future__ import annotations

import re

from . import pglogical_notes, server_messages
from .messages import CONFLICT, KEPT, OVERWRITTEN, RESEED, SCHEMA, SITE, SKIPPED, SLOTS, UNREACHABLE, Dialect, Message

MESSAGES = (
    Message(
        r"duplicate key value violates unique constraint \"(?P<constraint>[^\"]+)\"",
        "a divergent conflict: a row of this node has the key {constraint} guards, and the link stops at that change",
        "change or delete one of the two rows on this node in a session that keeps it to itself, then run site.yml",
        CONFLICT,
        run=(SITE,),
    ),
    Message(
        r"new row for relation \"(?P<table>[^\"]+)\" violates check constraint \"(?P<constraint>[^\"]+)\"",
        "a divergent conflict: the constraint {constraint} lets a row of the upstream in there and not here",
        "give {table} the same constraint on every node, then run site.yml",
        CONFLICT,
        run=(
            SCHEMA,
            SITE,
        ),
    ),
    Message(
        r"relation \"(?P<table>[^\"]+)\" does not exist",
        "the table {table} is missing here; everything behind that change waits",
        "make it as it is on the upstream (schema.yml tells how), then run site.yml",
        run=(
            SCHEMA,
            SITE,
        ),
    ),
    Message(
        r"invalidating slot \"(?P<slot>[^\"]+)\"|"
        r"cannot read from logical replication slot \"(?P<asked>[^\"]+)\"|"
        r"requested WAL segment \w+ has already been removed",
        "this upstream no longer has WAL that a downstream needs",
        "re-seed that downstream, and raise bdr_allowed_downtime_seconds",
        run=(RESEED,),
    ),
    Message(
        r"replication slot \"(?P<slot>pgl_[^\"]+)\" does not exist",
        "a downstream asks for a slot that is gone; what was written since is not kept for it",
        "re-seed that downstream",
        run=(RESEED,),
    ),
    Message(
        r"replication origin with ID (?P<id>\d+) is already active",
        "pglogical has lost an apply worker, which goes on and keeps the origin",
        "run site.yml, which ends it",
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
        r"no pg_hba\.conf entry for (?:replication )?(?:connection from )?host \"(?P<host>[^\"]+)\"",
        "the upstream lets {host} in by no access rule",
        "name that address in bdr_sources of the downstream and run site.yml",
        UNREACHABLE,
        run=(SITE,),
    ),
    Message(
        r"could not connect to the postgresql server[^:]*: (?P<why>.*)",
        "an upstream cannot be reached: {why}",
        "start it, or mend the way to it; site.yml lets the link be tried at once",
        UNREACHABLE,
        run=(SITE,),
    ),
    Message(
        r"all replication slots are in use",
        "no slot is free for a downstream",
        "drop the slots of downstreams that are gone for good (slots.yml), or raise their number in bdr_settings",
        run=(SLOTS,),
    ),
)

ENDED = re.compile(r"background worker \"pglogical apply (?P<worker>\d+:\d+)\" \(PID (?P<pid>\d+)\)")
"""Told by the server itself, so that it does not depend on what the prefix of a line has."""

DIALECT = Dialect(
    (*MESSAGES, *pglogical_notes.MESSAGES, *server_messages.MESSAGES),
    ENDED,
    re.compile(r"^pglogical apply (?P<worker>\d+:\d+)$"),
    re.compile(r"^CONFLICT: remote \w+ on relation .*Resolution: (?P<how>\w+)"),
    {"keep_local": KEPT, "skip": SKIPPED, "apply_remote": OVERWRITTEN},
    "pglogical.conflict_log_level",
)
"""Everything, by which a log is read; a worker's session has its name."""
