# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers with contrib/bdr log, in lines as they wrote them: what is told of it, and what is chatter."""

from __future__ import annotations

import re

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.contrib_bdr_messages import MESSAGES, findings

ROLE = "bdr_replication"
AT = "2026-11-22 00:51:12.196 UTC [18242] "
WORKER = AT
"""How our log_line_prefix begins the lines of workers and of the server itself."""
WALSENDER = f"{AT}{ROLE}@appdb bdr "
WALSENDER_07 = f"{AT}{ROLE}@appdb bdr (7710791959048348876,1,16385,): receive "
REFUSED = f"{AT}{ROLE}@appdb [unknown] "
APPLICATION = f"{AT}shop@appdb psql "

TOLD = [
    # the line, what of it is shown, words of the meaning, words of the remedy
    (
        f"{WALSENDER}ERROR:  requested WAL segment 000000010000000000000001 has already been removed",
        "requested WAL segment 000000010000000000000001 has already been removed",
        "this upstream no longer has WAL that a downstream needs",
        "re-seed that downstream, and raise bdr_allowed_downtime_seconds",
    ),
    (
        f'{WALSENDER}ERROR:  couldn\'t find logical slot "bdr: 16385:7710786083593340662-1-16385:"',
        'couldn\'t find logical slot "bdr: 16385:7710786083593340662-1-16385:"',
        "a downstream asks for a slot that is gone",
        "re-seed that downstream",
    ),
    (
        f'{WORKER}FATAL:  could not send replication command "START_LOGICAL_REPLICATION "bdr: 16385:77-1-16385:" 0/0": '
        'ERROR:  couldn\'t find logical slot "bdr: 16385:77-1-16385:"',
        'couldn\'t find logical slot "bdr: 16385:77-1-16385:"',
        "a downstream asks for a slot that is gone",
        "re-seed that downstream",
    ),
    (
        f'{WALSENDER_07}ERROR:  replication slot "bdr_16385_7710791959048348876_1_16385__" does not exist',
        'replication slot "bdr_16385_7710791959048348876_1_16385__" does not exist',
        "a downstream asks for a slot that is gone",
        "re-seed that downstream",
    ),
    (
        f'{WORKER}ERROR:  duplicate key value violates unique constraint "t1_pkey"',
        'duplicate key value violates unique constraint "t1_pkey"',
        "another node wrote the same key, and the link stops at that change",
        "in a session with replication_origin_id set",
    ),
    (
        f"{WORKER}ERROR:  CONFLICT: could not find existing tuple for pkey  node[int4]:1 id[int8]:873",
        "CONFLICT: could not find existing tuple for pkey",
        "a change of a row that is not here",
        "insert the row on this node in a session with replication_origin_id set",
    ),
    (
        f"{WORKER}ERROR:  CONFLICT: DELETE could not find existing tuple for pkey  id[int4]:1",
        "CONFLICT: DELETE could not find existing tuple for pkey",
        "a change of a row that is not here",
        "insert the row on this node in a session with replication_origin_id set",
    ),
    (
        f"{WORKER}ERROR:  could not resolve relation name public.tr",
        "could not resolve relation name public.tr",
        "the table public.tr is missing here",
        "create it as it is on the upstream",
    ),
    (
        f"{WORKER}ERROR:  could not resolve relation name public.pg_temp_16475",
        "could not resolve relation name public.pg_temp_16475",
        "the table public.pg_temp_16475 is missing here",
        "for pg_temp_*, a table was rewritten there",
    ),
    (
        f'{WORKER}ERROR:  relation "public.mail" does not exist',
        'relation "public.mail" does not exist',
        "the table public.mail is missing here",
        "create it as it is on the upstream, in a session with bdr.skip_ddl_replication on",
    ),
    (
        f"{WORKER}ERROR:  could not find primary key for table with oid 16445",
        "could not find primary key for table with oid 16445",
        "an UPDATE of a table without primary key",
        "add the same primary key on every node",
    ),
    (
        f"{WORKER}WARNING:  got delete without pkey",
        "got delete without pkey",
        "a DELETE in a table without primary key was dropped",
        "delete the row here",
    ),
    (
        f"{WORKER}ERROR:  could not find replication identifier 36716?",
        "could not find replication identifier 36716",
        "a conflict with a row whose origin this era stored wrongly",
        "then write the right value the same way",
    ),
    (
        f"{WORKER}PANIC:  could not find a bdr count slot for 3",
        "could not find a bdr count slot",
        "an upstream came back with a new identity",
        "run site.yml, which starts it; for good, seed that upstream again under its old identity",
    ),
    (
        f"{WORKER}PANIC:  no free replication state could be found for 3, increase max_logical_slots",
        "no free replication state could be found",
        "there is no room for it: the server went down",
        "run site.yml, which starts it",
    ),
    (
        f"{WALSENDER}ERROR:  couldn't find free logical slot. free one or increase max_logical_slots",
        "couldn't find free logical slot",
        "no slot is free for a downstream",
        "raise the number of slots in bdr_settings",
    ),
    (
        f"{WALSENDER_07}ERROR:  all replication slots are in use",
        "all replication slots are in use",
        "no slot is free for a downstream",
        "drop the slots of downstreams that are gone for good",
    ),
    (
        f'{REFUSED}FATAL:  no pg_hba.conf entry for replication connection from host "127.0.0.1", user '
        '"bdr_replication"',
        'no pg_hba.conf entry for replication connection from host "127.0.0.1"',
        "the upstream lets 127.0.0.1 in by no access rule",
        "name that address in bdr_sources of the downstream",
    ),
    (
        f'{REFUSED}FATAL:  no pg_hba.conf entry for connection from host "192.0.2.13", user "bdr_replication"',
        'no pg_hba.conf entry for connection from host "192.0.2.13"',
        "the upstream lets 192.0.2.13 in by no access rule",
        "run site.yml",
    ),
    (
        f'{REFUSED}FATAL:  password authentication failed for user "bdr_replication"',
        'password authentication failed for user "bdr_replication"',
        "the password of bdr_replication is not the one the upstream has",
        "run site.yml on all nodes with one bdr_replication_password",
    ),
    (
        f"{WORKER}FATAL:  could not connect to the primary server: could not connect to server: Connection refused",
        "could not connect to the primary server: could not connect to server: Connection refused",
        "an upstream cannot be reached: could not connect to server: Connection refused",
        "tried again every 5 s",
    ),
    (
        f'{WALSENDER}ERROR:  could not access file "bdr_output": No such file or directory',
        'could not access file "bdr_output"',
        "the server was built without contrib/bdr",
        "take bdr into bdr_build_contrib",
    ),
    (
        f'{WORKER}FATAL:  could not access file "bdr": No such file or directory',
        'could not access file "bdr"',
        "the server was built without contrib/bdr",
        "run site.yml",
    ),
    (
        f"{WORKER}FATAL:  system identifiers must differ between the nodes",
        "system identifiers must differ between the nodes",
        "two nodes are copies of one data directory",
        "make the data directory of one of them anew",
    ),
    (
        f"{WALSENDER_07}ERROR:  bdr output plugin: slot creation rejected, bdr.bdr_nodes entry for local node "
        "(sysid=7710788615177358483, timelineid=1, dboid=16385): does not exist",
        "slot creation rejected, bdr.bdr_nodes entry for local node",
        "the upstream is not ready",
        "wait until its own links are up",
    ),
    (
        f"{WALSENDER_07}ERROR:  bdr can only be loaded via shared_preload_libraries",
        "bdr can only be loaded via shared_preload_libraries",
        "the upstream's server runs without the bdr library",
        "run site.yml, which restarts it with the library",
    ),
    (
        f"{WALSENDER_07}ERROR:  No bdr schema is present in database appdb, cannot create a bdr slot",
        "No bdr schema is present in database appdb, cannot create a bdr slot",
        "the database appdb of the upstream is not prepared yet",
        "run site.yml on the upstream",
    ),
    (
        f"{WALSENDER_07}ERROR:  permission denied for relation bdr_nodes",
        "permission denied for relation bdr_nodes",
        "the replication role may not read bdr.bdr_nodes on the upstream",
        "run site.yml, which grants it",
    ),
    (
        f'{WORKER}FATAL:  database "appdb" does not exist',
        'database "appdb" does not exist',
        "the database appdb is missing; it has the same name on every node",
        "run site.yml, which makes it",
    ),
]


@pytest.mark.parametrize(("line", "shown", "meaning", "remedy"), TOLD)
def test_what_a_line_tells(line, shown, meaning, remedy):
    (told,) = findings([line], ROLE)
    assert told.startswith(f"{shown}: ")
    said, mend = told[len(shown) + 2 :].split(". Mend: ")
    assert meaning in said
    assert remedy in mend
    assert not set("{}") & set(told)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.pattern[:40])
def test_every_way_to_match_has_a_line_above(message):
    """A pattern that has several ways to match, divided by |, has a line for each."""
    depth, ways = 0, [""]
    for character in message.pattern:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            ways.append("")
        else:
            ways[-1] += character
    for way in ways:
        assert [line for line, *_told in TOLD if re.search(way, line)], way


CHATTER = [
    # up to 0.4
    f"{WORKER}LOG:  starting up replication identifier with ckpt at 0/19BF438",
    f"{WORKER}LOG:  doing logical startup from 0/19BF438",
    f"{WORKER}LOG:  doing replication identifier checkpoint",
    f"{WORKER}LOG:  bgworkers, connection: host=192.0.2.12 port=5432 dbname=appdb user=bdr_replication",
    f"{WORKER}LOG:  option: dbname, val: appdb",
    f'{WORKER}LOG:  starting background worker process "bdr apply: n5611"',
    f"{WORKER}LOG:  bdr apply: n5611 initialized on appdb, remote host=192.0.2.12 port=5432 dbname=appdb "
    "user=bdr_replication replication=true fallback_application_name=bdr",
    f"{WORKER}LOG:  local sysid 7710786083593340662, remote: 7710786083593340663",
    f"{WORKER}LOG:  found valid replication identifier 1",
    f"{WORKER}LOG:  lookup failed, create new identifier",
    f"{WORKER}LOG:  created replication identifier 2",
    f"{WORKER}LOG:  starting up replication at 2 from 0/1AE4818",
    f"{WORKER}LOG:  logging origin id",
    f"{WORKER}LOG:  sending feedback to 0/1B12DE0",
    f"{WORKER}LOG:  COMMIT origin(lsn, timestamp): 0/1AE4818, 2026-11-22 00:50:09.123456+00",
    f"{WALSENDER}WARNING:  Starting logical replication",
    f"{WALSENDER}WARNING:  Initiating logical rep from 0/19C0018",
    f"{WALSENDER}LOG:  starting to decode from 0/1AE49B8, replay 0/1AE7B40",
    f"{WALSENDER}LOG:  found initial snapshot (xmin 686) due to running xacts, 1 xacts need to finish",
    # from 0.5 on
    f'{WORKER}LOG:  starting background worker process "bdr: appdb"',
    f'{WORKER}LOG:  registering background worker "bdr (7710791959048348876,1,16385,): bravo: apply"',
    f'{WORKER}LOG:  starting background worker process "bdr (7710791959048348876,1,16385,): bravo: apply"',
    f"{WALSENDER_07}LOG:  starting logical decoding for slot bdr_16385_7710791959048348876_1_16385__",
    f"{WALSENDER_07}LOG:  logical decoding found consistent point at 0/1CE8750",
    f"{WALSENDER_07}DETAIL:  streaming transactions committing after 0/1CE8788, reading WAL from 0/1CE8750",
    f"{WORKER}LOG:  CONFLICT: remote UPDATE on relation public.t1 originating at node 7710791959048348876:1",
    # The client is told, and no link stops.
    f"{APPLICATION}ERROR:  Cannot UPDATE table nopk because it does not have primary key.",
    "2026-11-22 00:51:12 UTC ERROR:  Cannot UPDATE table nopk because it does not have primary key.",
    # any server
    f"{WORKER}LOG:  database system is ready to accept connections",
    f"{WORKER}LOG:  autovacuum launcher started",
    f"{WORKER}LOG:  received fast shutdown request",
    f"{WORKER}LOG:  aborting any active transactions",
    "",
]


@pytest.mark.parametrize("line", CHATTER)
def test_chatter_tells_nothing(line):
    assert findings([line, line], ROLE) == []


@pytest.mark.parametrize(
    "message",
    [
        'ERROR:  duplicate key value violates unique constraint "t1_pkey"',
        'FATAL:  password authentication failed for user "shop"',
        'FATAL:  database "shpo" does not exist',
        "ERROR:  permission denied for relation bdr_nodes",
    ],
)
def test_what_other_clients_do_wrong_says_nothing_of_links(message):
    assert findings([APPLICATION + message], ROLE) == []
    assert findings([f"{AT}web shop@appdb [unknown] {message}"], ROLE) == []
    # The same words of a worker, or under another prefix of the operator's, do.
    assert len(findings([WORKER + message], ROLE)) == 1
    assert len(findings([f"%t {message}"], ROLE)) == 1


def test_an_at_in_a_message_makes_no_client_of_a_worker():
    line = f"{WORKER}FATAL:  could not connect to the primary server: user=a@b is unknown"
    assert len(findings([line], ROLE)) == 1


def test_the_replication_role_is_the_plan_s():
    line = f'{AT}repl@appdb bdr ERROR:  couldn\'t find logical slot "x"'
    assert len(findings([line], "repl")) == 1
    assert findings([line], ROLE) == []


def test_what_is_logged_again_and_again_is_told_once_and_in_order():
    first, second = TOLD[0][0], TOLD[7][0]
    told = findings([second, CHATTER[0], first, second, first.replace("18242", "18243")], ROLE)
    assert [each.split(":")[0] for each in told] == [TOLD[7][1], TOLD[0][1]]
    assert findings([], ROLE) == []


# --- Crash loops ----------------------------------------------------------------------------------


def ended(worker: str, *pids: int, how: str = "exited with exit code 1") -> list[str]:
    return [f"{WORKER}LOG:  worker process: {worker} (PID {pid}) {how}" for pid in pids]


OLD_WORKER = "bdr apply: n5611"
NEW_WORKER = "bdr (7710786083593340662,1,16385,): n5600: apply"


@pytest.mark.parametrize(
    ("worker", "connection"),
    [
        (OLD_WORKER, "n5611"),
        ("bdr apply: node_5440_orders", "node_5440_orders"),
        (NEW_WORKER, "n5600"),
        # Names have 63 characters at most.
        ("bdr (7710786083593340662,1,16385,): frankfurtdatacentre02xyz: apply"[:63], "frankfurtdatacentre02xyz"),
        ("bdr (7710786083593340662,1,16385,): frankfurtdatacentre02wxyz: apply"[:63], "frankfurtdatacentre02wxyz"),
        ("bdr (7710786083593340662,1,16385,): frankfurtdatacentre02vwxyz: apply"[:63], "frankfurtdatacentre02vwxyz"),
        ("bdr (7710786083593340662,1,16385,): frankfurtdatacentre02uvwxyz: apply"[:63], "frankfurtdatacentre02uvwxyz"),
    ],
)
@pytest.mark.parametrize("how", ["exited with exit code 1", "exited with exit code 0", "was terminated by signal 11"])
def test_a_crash_loop(worker, connection, how):
    """The worker of a stream that ends exits with 0 and says nothing else, so it is its coming back that tells."""
    assert findings(ended(worker, 27251, 27260, 27301, how=how), ROLE) == [
        f"the apply worker of {connection} ends again and again: 3 times, last as PID 27301"
    ]


@pytest.mark.parametrize("worker", [OLD_WORKER, NEW_WORKER])
def test_a_worker_that_ended_once_was_restarted(worker):
    """As it is whenever its upstream is."""
    assert findings(ended(worker, 26531), ROLE) == []


def test_each_connection_has_a_loop_of_its_own_and_loops_come_first():
    lines = [
        TOLD[0][0],
        *ended(OLD_WORKER, 1),
        *ended("bdr apply: n5612", 2),
        *ended(OLD_WORKER, 3),
        *ended("bdr apply: n5613", 4),
        *ended("bdr apply: n5612", 5, 6),
    ]
    loops, rest = findings(lines, ROLE)[:2], findings(lines, ROLE)[2:]
    assert loops == [
        "the apply worker of n5611 ends again and again: 2 times, last as PID 3",
        "the apply worker of n5612 ends again and again: 3 times, last as PID 6",
    ]
    assert [told.split(":")[0] for told in rest] == [TOLD[0][1]]


@pytest.mark.parametrize("worker", ["bdr sequencer: appdb", "bdr: appdb", "somebody's own"])
def test_other_workers_are_no_links(worker):
    assert findings(ended(worker, 1, 2, 3), ROLE) == []
