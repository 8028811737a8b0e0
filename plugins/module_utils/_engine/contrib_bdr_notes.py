# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What servers with contrib/bdr log beside what stops a link: what keeps them from starting, what passes. Pure.

Sources: BDR User Guide, Troubleshooting; the rest was seen on servers of the eras 0.4 and 0.7, or is in their texts.
"""

from __future__ import annotations

from .messages import CLIENT, NOTICE, SERVER, SITE, SLOTS, STATUS, WARNING, Message

_NO_START = "and the server does not start"

MESSAGES = (
    Message(
        r"missing \"=\" after \"(?P<word>[^\"]*)\" in connection info string",
        f"the DSN of a connection cannot be read at {{word}}, {_NO_START}",
        "take it out where it was written by hand, and run site.yml, which writes its own anew",
        SERVER,
        run=(SITE,),
    ),
    Message(
        r"no dbname set",
        f"the DSN of a connection names no database, {_NO_START}",
        "take it out where it was written by hand, and run site.yml, which writes its own anew",
        SERVER,
        run=(SITE,),
    ),
    Message(
        r"attempt to redefine parameter \"(?P<name>[^\"]+)\"",
        f"a connection stands twice in bdr.connections ({{name}}), {_NO_START}",
        "take it out where it was written by hand, and run site.yml, which writes its own anew",
        SERVER,
        run=(SITE,),
    ),
    Message(
        r"invalid list syntax for \"bdr\.connections\"",
        f"bdr.connections is no list of names, {_NO_START}",
        "take it out where it was written by hand, and run site.yml, which writes its own anew",
        SERVER,
        run=(SITE,),
    ),
    Message(
        r"bdr\.connections entry '(?P<name>[^']*)' contains the '_' character",
        f"this era allows no _ in the name of a connection ({{name}}), {_NO_START}",
        "take it out where it was written by hand, and run site.yml, which writes its own anew",
        SERVER,
        run=(SITE,),
    ),
    Message(
        r"no connection information for (?P<name>\S+)",
        "bdr.connections names {name}, which has no DSN: there is no such link",
        "take it out where it was written by hand, and run site.yml, which writes its own anew",
        SERVER,
        WARNING,
        run=(SITE,),
    ),
    Message(
        r"bdr requires \"track_commit_timestamp\" to be enabled",
        f"track_commit_timestamp is off, {_NO_START}",
        "take it out of bdr_settings and run site.yml",
        SERVER,
        run=(SITE,),
    ),
    Message(
        r"too many logical slots active before shutdown",
        f"there are more slots than max_logical_slots, {_NO_START}",
        "raise max_logical_slots in bdr_settings and run site.yml",
        SERVER,
        run=(SITE,),
    ),
    Message(
        r"cannot wait without a PGPROC structure",
        "the server went down after a PANIC of one of its workers",
        "mend what that PANIC tells, then run site.yml, which starts the server",
        SERVER,
        run=(SITE,),
    ),
    Message(
        r"required extension \"(?P<name>btree_gist)\" is not installed",
        "the extension bdr needs {name} first",
        "run site.yml, which makes both",
        SERVER,
        run=(SITE,),
    ),
    Message(
        r"could not access file \"(?P<file>[^\"]+)\": No such file",
        "the server was built without {file}; a slot that was made for it stays behind",
        "build it in (bdr_build_contrib) and run site.yml; drop the slot with slots.yml",
        run=(SITE, SLOTS),
    ),
    Message(
        r"[Tt]here already is a logical slot named \"(?P<slot>[^\"]+)\"",
        "a slot of that name is there, and its downstream takes itself for a new one",
        "seed that downstream again by hand; the slot cannot be taken over",
    ),
    Message(
        r"slot already active|cannot free active logical slot|replication slot \"(?P<slot>[^\"]+)\" is already active",
        "the slot is read by another process: the link's last one that has not ended yet, or a copy of the downstream",
        "nothing where the link is back; else stop the copy of the downstream",
        severity=WARNING,
        run=(STATUS,),
    ),
    Message(
        r"could not send replication command \"(?P<command>\w+)",
        "the upstream refused to start the link; its log says why",
        "read what is told of the upstream",
        run=(STATUS,),
    ),
    Message(
        r"data stream ended",
        "the upstream ended the connection: its server stopped, or an error that stands in its log only, such as "
        "WAL that it no longer has",
        "read what is told of the upstream",
        severity=NOTICE,
        run=(STATUS,),
    ),
    Message(
        r"bdr still starting up",
        "a node that joins is not ready yet",
        "nothing; the link is tried again",
        severity=NOTICE,
    ),
    Message(
        r"CONFLICT: (?:skipping |applying )?remote (?P<change>\w+)",
        "two nodes wrote one row; the one that was written last stays",
        "nothing: the last update wins on every node",
        severity=NOTICE,
    ),
    Message(
        r"skipping DDL locking",
        "a session changed a definition without the group's lock",
        "compare the definitions: schema.yml",
        CLIENT,
        NOTICE,
    ),
    Message(
        r"may only affect UNLOGGED or TEMPORARY tables when BDR is active",
        "DDL that would rewrite a table is refused",
        "add the column without DEFAULT, set the default afterwards, and fill the rows with UPDATE",
        CLIENT,
        NOTICE,
    ),
    Message(
        r"CREATE TABLE AS is not supported when bdr is active",
        "CREATE TABLE AS is refused",
        "use CREATE TABLE, then INSERT ... SELECT",
        CLIENT,
        NOTICE,
    ),
    Message(
        r"Cannot (?P<change>\w+) (?:on |from )?table (?P<table>\S+) because it does not have primary key",
        "{change} of a table without primary key is refused",
        "add a primary key to {table}",
        CLIENT,
        NOTICE,
    ),
    Message(
        r"sequence access method \"bdr\" does not exist",
        "there are no global sequences in this database",
        "use bdr_sequence_strategy: offset, which does without them",
        CLIENT,
        NOTICE,
    ),
    Message(
        r"invalid value for boolean option \"replication\"|logical replication requires to be connected to a database",
        "a client asked for replication in the words of a later server",
        "use replication=true with a database",
        CLIENT,
        NOTICE,
    ),
)
