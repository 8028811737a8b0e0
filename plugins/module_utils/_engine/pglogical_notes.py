# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What servers with pglogical log that stops no link for good: what passes, what differs, what clients are told. Pure.

Sources: servers of PostgreSQL 15 with pglogical 2.4.2, and its texts.
"""

from __future__ import annotations

from .messages import CLIENT, COMPARE, NOTICE, RESEED, SCHEMA, SITE, SLOTS, STATUS, WARNING, Message

_CONFLICT = r"CONFLICT: remote (?P<change>\w+) on relation (?P<table>\S+) .*"

MESSAGES = (
    Message(
        r"unknown column name (?P<column>\S+)",
        "the column {column} of the upstream is missing here; everything behind that change waits",
        "add it as it is on the upstream (schema.yml tells how), then run site.yml",
        run=(SCHEMA, SITE),
    ),
    Message(
        r"cannot execute SQL without an outer snapshot or portal",
        "a trigger of this node fires at a TRUNCATE that is applied, and the link stops at it",
        "ALTER TABLE ... ENABLE TRIGGER, so that it fires for sessions only, then run site.yml",
        run=(SITE,),
    ),
    Message(
        r"could not create replication slot on provider: .*already exists",
        "the upstream has a slot of that name already, another downstream's or one that was left behind",
        "drop it where nobody uses it (slots.yml), then run site.yml",
        run=(SLOTS, SITE),
    ),
    Message(
        r"pgbdr dropped the slot (?P<slot>\w+): nobody has used it for (?P<seconds>\d+) s since it was made",
        "the seeding that the slot was made for has not ended within {seconds} s, and it held back WAL",
        "seed the downstream anew",
        run=(f"{RESEED} -e bdr_force=<downstream>",),
    ),
    Message(
        r"worker registration failed, you might want to increase max_worker_processes",
        "no place is free for a worker of a link",
        "take max_worker_processes out of bdr_settings, or raise it there, and run site.yml",
        run=(SITE,),
    ),
    Message(
        r"permission denied for (?P<object>schema pglogical|view \w+)",
        "the replication role may not read the {object} on the upstream",
        "run site.yml, which grants what a link needs",
        run=(SITE,),
    ),
    Message(
        r"database \"(?P<database>[^\"]+)\" does not exist",
        "the database {database} is missing; it has the same name on every node",
        "run site.yml, which makes it",
        run=(SITE,),
    ),
    Message(
        r"replication slot \"(?P<slot>[^\"]+)\" is active for PID (?P<pid>\d+)",
        "the slot is read by another process: the link's last one that has not ended yet, or a copy of the downstream",
        "nothing where the link is back; else stop the copy of the downstream",
        severity=WARNING,
        run=(STATUS,),
    ),
    Message(
        r"could not drop slot \"(?P<slot>[^\"]+)\" on provider",
        "a connection went and its slot stayed on the upstream, where it keeps WAL",
        "drop it: slots.yml",
        severity=WARNING,
        run=(SLOTS,),
    ),
    Message(
        r"could not send replication command \"(?P<command>\w+)",
        "the upstream refused to start the link; its log says why",
        "read what is told of the upstream",
        run=(STATUS,),
    ),
    Message(
        r"connection to other side has died|data stream ended",
        "the upstream ended the connection: its server stopped, or an error that stands in its log",
        "nothing; the link is tried again",
        severity=NOTICE,
    ),
    Message(
        _CONFLICT + r"\(tuple not found\)\. Resolution: skip",
        "{change} of a row of {table} that is not here, and was skipped: it was deleted here, or came too early",
        "compare the rows; repair.yml mends those that differ",
        severity=WARNING,
        run=(COMPARE,),
    ),
    Message(
        _CONFLICT + r"Resolution: keep_local",
        "two nodes wrote one row of {table}; the one here was written later, and stays",
        "nothing: the last update wins on every node",
        severity=NOTICE,
    ),
    Message(
        _CONFLICT + r"Resolution: (?P<how>\w+)",
        "a row of {table} that another node wrote before was written over, as it is after every change of hands",
        "nothing: the last update wins on every node",
        severity=NOTICE,
    ),
    Message(
        r"pglogical is not in shared_preload_libraries",
        "the server runs without pglogical",
        "run site.yml, which restarts it with the library",
        CLIENT,
        NOTICE,
        run=(SITE,),
    ),
    Message(
        r"points to existing node \"(?P<node>[^\"]+)\" with different dsn",
        "{node} is known under another address",
        "run site.yml, which changes the address of a node",
        CLIENT,
        NOTICE,
        run=(SITE,),
    ),
    Message(
        r"cannot drop node \"(?P<node>[^\"]+)\" because it still has subscriptions",
        "a node goes only after its links",
        "take it out with remove_node.yml",
        CLIENT,
        NOTICE,
    ),
    Message(
        r"table (?P<table>\S+) cannot be added to replication set (?P<set>\S+)",
        "{table} has no primary key that pglogical can use",
        "add the same primary key on every node; until then only its INSERTs are replicated",
        CLIENT,
        NOTICE,
    ),
    Message(
        r"UNLOGGED and TEMP (?P<what>tables|sequences) cannot be replicated",
        "unlogged and temporary {what} stay on their node",
        "nothing, or make them ordinary ones on every node",
        CLIENT,
        NOTICE,
    ),
    Message(
        r"no schema has been selected to create in",
        "DDL that is sent to all nodes has no search_path",
        "write the schema before every name, or use ddl.yml",
        CLIENT,
        NOTICE,
    ),
    Message(
        r"CREATE INDEX CONCURRENTLY cannot be executed from a function",
        "pglogical.replicate_ddl_command() is a function",
        "use ddl.yml, which runs a script on every node",
        CLIENT,
        NOTICE,
    ),
    Message(
        r"duplicate key value violates unique constraint \"replication_set_table_pkey\"",
        "a table is in the replication set already: an event trigger lists a table with a foreign key twice",
        "drop that event trigger; site.yml and ddl.yml put tables into the sets",
        CLIENT,
        NOTICE,
    ),
    Message(
        r"database \"(?P<database>[^\"]+)\" is being accessed by other users",
        "the workers of the links are in {database}; with FORCE, DROP DATABASE hangs for as long as they run",
        "stop the links first: remove_node.yml, or remove_group.yml",
        CLIENT,
        NOTICE,
    ),
)
