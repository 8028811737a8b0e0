# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What any PostgreSQL server logs that a group should know of, whatever its engine. Pure.

Sources: BDR User Guide, Troubleshooting and Lock Conflicts; PostgreSQL 9.3 to 15. Most were seen in a log here; disk
full, replication timeout, a crash by a signal and a deadlock are as the manual words them.
"""

from __future__ import annotations

from .messages import CLIENT, NOTICE, SERVER, SITE, SLOTS, STATUS, UNREACHABLE, WARNING, Message

MESSAGES = (
    Message(
        r"process (?P<pid>\d+) still waiting for (?P<lock>\w+) on (?P<what>.+?) after",
        "a change waits for a {lock} on {what} that a session of this node holds; everything behind it waits as well",
        "end that session; status.yml shows who it is as long as it lasts",
        severity=WARNING,
        run=(STATUS,),
    ),
    Message(
        r"deadlock detected",
        "an apply worker and a session of this node each waited for the other; the change is tried again by itself",
        "nothing; where it comes again and again, let the sessions lock rows in the order of the upstream's",
        severity=WARNING,
    ),
    Message(
        r"role \"(?P<user>[^\"]+)\" is not permitted to log in",
        "{user} may not log in to the upstream",
        "run site.yml, which lets it",
        UNREACHABLE,
        run=(SITE,),
    ),
    Message(
        r"(?:logical decoding cannot be used|cannot make new WAL entries) (?:while in|during) recovery",
        "a downstream asks a physical standby, which feeds nobody",
        "let it ask a master: take the standby out of bdr_upstreams and run site.yml",
        run=(SITE,),
    ),
    Message(
        r"number of requested standby connections exceeds max_wal_senders",
        "no walsender is free for a downstream",
        "take max_wal_senders out of bdr_settings, or raise it there, and run site.yml",
        UNREACHABLE,
        run=(SITE,),
    ),
    Message(
        r"the database system is (?P<state>starting up|shutting down|in recovery mode)",
        "somebody came while the server was {state}",
        "nothing; links are tried again",
        severity=NOTICE,
    ),
    Message(
        r"terminating walsender process due to replication timeout",
        "a downstream did not answer for wal_sender_timeout: it hangs, or the way to it is cut",
        "nothing where the link is back; else look at the downstream's host",
        severity=WARNING,
        run=(STATUS,),
    ),
    Message(
        r"(?P<what>could not (?:write|extend|create|open)[^:]*): No space left on device",
        "the file system of the node is full: {what}",
        "make room; slots.yml shows which slot holds back WAL. Then run site.yml, which starts what is down",
        SERVER,
        run=(SLOTS, SITE),
    ),
    Message(
        r"server process \(PID (?P<pid>\d+)\) was terminated by signal (?P<signal>\d+)",
        "a process of the server crashed by signal {signal}; the server ended all sessions and recovered by itself",
        "read the lines before it. Signal 9 is mostly the kernel's, for want of memory",
        SERVER,
        WARNING,
    ),
    Message(
        r"invalid value for parameter \"(?P<name>[^\"]+)\"",
        "{name} was given a value that this server does not take; logical replication needs a server that knows it",
        "take it out of bdr_settings, or correct it there, and run site.yml",
        SERVER,
        run=(SITE,),
    ),
    Message(
        r"unrecognized configuration parameter \"(?P<name>[^\"]+)\"",
        "the server does not know {name}: a name that is wrong, or the setting of a connection that is not listed",
        "take it out of the file it stands in; site.yml writes its own anew",
        SERVER,
        WARNING,
        run=(SITE,),
    ),
    Message(
        r"syntax error in file \"(?P<file>[^\"]+)\" line (?P<line>\d+)",
        "line {line} of {file} cannot be read, so a server does not start with it",
        "correct it where it was written by hand; site.yml writes its own files anew",
        SERVER,
        run=(SITE,),
    ),
    Message(
        r"TRUNCATE is not supported on this table",
        "the guard kept a session from a TRUNCATE that would have emptied one node only",
        "let the application use DELETE",
        CLIENT,
        NOTICE,
    ),
)
