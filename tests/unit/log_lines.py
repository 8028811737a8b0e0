# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines as servers wrote them: every message of the guide's troubleshooting and of what was seen since, by engine.

A line stands with the node whose log has it and the link that it is of, "" for none. Unit tests read them; the tables
of docs/doctor.md are held against them.
"""

from __future__ import annotations

AT = "2026-11-22 11:02:46.796 UTC "
ROLE = "bdr_replication"
TO_BRAVO = "alpha -> bravo (appdb)"
BOTH = "one of alpha's"

# --- pglogical ------------------------------------------------------------------------------------

P_WORKER = f"{AT}[3012] [unknown]@appdb pglogical apply 16385:2414362915 "
P_SENDER = f"{AT}[3013] {ROLE}@appdb alpha_bravo "
REFUSED = f"{AT}[3014] {ROLE}@appdb [unknown] "
SERVER = f"{AT}[2687] "
CLIENT = f"{AT}[3015] shop@appdb psql "
LIMIT = f"{AT}[3016] postgres@appdb pgbdr slot limit "
SLOT = "pgl_appdb_alpha_alpha_bravo"
_CONNECT = "could not connect to the postgresql server in replication mode: connection to server at "

COMMON = [
    (
        "bravo",
        "W",
        "LOG",
        "process 8645 still waiting for RowExclusiveLock on relation 16420 of database 16385 after 1000.080 ms",
        TO_BRAVO,
    ),
    ("bravo", "W", "ERROR", "deadlock detected", TO_BRAVO),
    ("alpha", "R", "FATAL", f'role "{ROLE}" is not permitted to log in', BOTH),
    ("alpha", "R", "ERROR", "logical decoding cannot be used while in recovery", BOTH),
    ("alpha", "R", "ERROR", "cannot make new WAL entries during recovery", BOTH),
    ("alpha", "R", "FATAL", "number of requested standby connections exceeds max_wal_senders (currently 4)", BOTH),
    ("alpha", "R", "FATAL", "the database system is starting up", BOTH),
    ("alpha", "R", "LOG", "terminating walsender process due to replication timeout", BOTH),
    ("alpha", "S", "PANIC", 'could not write to file "pg_wal/xlogtemp.77": No space left on device', ""),
    ("alpha", "S", "LOG", "server process (PID 77) was terminated by signal 11: Segmentation fault", ""),
    ("alpha", "S", "LOG", 'invalid value for parameter "wal_level": "logical"', ""),
    ("alpha", "S", "WARNING", 'unrecognized configuration parameter "bdr.b.dsn"', ""),
    ("alpha", "S", "LOG", 'syntax error in file "/etc/bdr.conf" line 3, near token "bdr.node-a.dsn"', ""),
    ("alpha", "C", "ERROR", "TRUNCATE is not supported on this table. Please use DELETE FROM.", ""),
]

PGLOGICAL = [
    ("bravo", "W", "ERROR", 'duplicate key value violates unique constraint "u_email_key"', TO_BRAVO),
    ("bravo", "W", "ERROR", 'new row for relation "ck" violates check constraint "ck_at_check"', TO_BRAVO),
    ("bravo", "W", "ERROR", 'relation "public.gone" does not exist', TO_BRAVO),
    (
        "alpha",
        "S",
        "LOG",
        f'invalidating slot "{SLOT}" because its restart_lsn 0/88D872E0 exceeds max_slot_wal_keep_size',
        TO_BRAVO,
    ),
    ("alpha", "U", "ERROR", f'cannot read from logical replication slot "{SLOT}"', TO_BRAVO),
    ("alpha", "U", "ERROR", "requested WAL segment 000000010000000000000001 has already been removed", TO_BRAVO),
    ("alpha", "U", "ERROR", f'replication slot "{SLOT}" does not exist', TO_BRAVO),
    ("bravo", "W", "ERROR", "replication origin with ID 1 is already active for PID 77", TO_BRAVO),
    (
        "bravo",
        "W",
        "ERROR",
        f'{_CONNECT}"192.0.2.11", port 5432 failed: FATAL:  password authentication failed for user "{ROLE}"',
        TO_BRAVO,
    ),
    ("alpha", "R", "FATAL", f'no pg_hba.conf entry for host "192.0.2.13", user "{ROLE}", database "appdb"', BOTH),
    ("bravo", "W", "ERROR", f'{_CONNECT}"192.0.2.11", port 5432 failed: Connection refused', TO_BRAVO),
    ("alpha", "U", "ERROR", "all replication slots are in use", TO_BRAVO),
    ("bravo", "W", "ERROR", "unknown column name n", TO_BRAVO),
    (
        "alpha",
        "L",
        "LOG",
        f"pgbdr dropped the slot {SLOT}: nobody has used it for 86400 s since it was made",
        TO_BRAVO,
    ),
    ("bravo", "W", "ERROR", "cannot execute SQL without an outer snapshot or portal", TO_BRAVO),
    (
        "bravo",
        "W",
        "ERROR",
        f'could not create replication slot on provider: ERROR:  replication slot "{SLOT}" already exists',
        TO_BRAVO,
    ),
    (
        "bravo",
        "W",
        "ERROR",
        "worker registration failed, you might want to increase max_worker_processes setting",
        TO_BRAVO,
    ),
    ("alpha", "U", "ERROR", "permission denied for schema pglogical", TO_BRAVO),
    ("alpha", "R", "FATAL", 'database "appdb" does not exist', BOTH),
    ("alpha", "U", "ERROR", f'replication slot "{SLOT}" is active for PID 4711', TO_BRAVO),
    (
        "bravo",
        "W",
        "WARNING",
        f'could not drop slot "{SLOT}" on provider, you will probably have to drop it manually',
        TO_BRAVO,
    ),
    (
        "bravo",
        "W",
        "FATAL",
        f'could not send replication command "START_REPLICATION SLOT "{SLOT}" LOGICAL 0/1": status PGRES_FATAL_ERROR',
        TO_BRAVO,
    ),
    ("bravo", "W", "ERROR", "connection to other side has died", TO_BRAVO),
    ("bravo", "W", "ERROR", "data stream ended", TO_BRAVO),
    (
        "bravo",
        "W",
        "LOG",
        "CONFLICT: remote DELETE on relation public.c replica identity index c_pkey (tuple not "
        "found). Resolution: skip.",
        TO_BRAVO,
    ),
    (
        "bravo",
        "W",
        "LOG",
        "CONFLICT: remote UPDATE on relation public.c (local index c_pkey). Resolution: keep_local.",
        TO_BRAVO,
    ),
    (
        "bravo",
        "W",
        "LOG",
        "CONFLICT: remote UPDATE on relation public.c (local index c_pkey). Resolution: apply_remote.",
        TO_BRAVO,
    ),
    ("alpha", "C", "ERROR", "pglogical is not in shared_preload_libraries", ""),
    ("alpha", "C", "ERROR", 'dsn "host=b" points to existing node "n1" with different dsn "host=a"', ""),
    ("alpha", "C", "ERROR", 'cannot drop node "n1" because it still has subscriptions associated with it', ""),
    ("alpha", "C", "ERROR", "table d4 cannot be added to replication set default", ""),
    ("alpha", "C", "ERROR", "UNLOGGED and TEMP tables cannot be replicated", ""),
    ("alpha", "C", "ERROR", "no schema has been selected to create in", ""),
    ("alpha", "C", "ERROR", "CREATE INDEX CONCURRENTLY cannot be executed from a function", ""),
    ("alpha", "C", "ERROR", 'duplicate key value violates unique constraint "replication_set_table_pkey"', ""),
    ("alpha", "C", "ERROR", 'database "app" is being accessed by other users', ""),
]

# --- contrib/bdr ----------------------------------------------------------------------------------

SLOT_04 = "bdr: 16385:7710786083593340662-1-16385:"
SLOT_07 = "bdr_16385_7710791959048348876_1_16385__"

CONTRIB_BDR = [
    # The guide's own, and its examples of them.
    ("bravo", "W", "FATAL", 'could not access file "bdr": No such file or directory', TO_BRAVO),
    ("alpha", "U", "ERROR", "requested WAL segment 00000001000000010000002D has already been removed", BOTH),
    ("bravo", "W", "LOG", "data stream ended", TO_BRAVO),
    ("alpha", "U", "ERROR", f'couldn\'t find logical slot "{SLOT_04}"', TO_BRAVO),
    (
        "bravo",
        "W",
        "FATAL",
        "could not connect to the primary server: FATAL:  no pg_hba.conf entry for replication "
        f'connection from host "192.0.2.12", user "{ROLE}"',
        TO_BRAVO,
    ),
    # Seen with 0.4.
    (
        "bravo",
        "W",
        "FATAL",
        f'could not send replication command "START_LOGICAL_REPLICATION "{SLOT_04}" 0/0": ERROR:  '
        f'couldn\'t find logical slot "{SLOT_04}"',
        TO_BRAVO,
    ),
    ("bravo", "W", "ERROR", 'duplicate key value violates unique constraint "t1_pkey"', TO_BRAVO),
    ("bravo", "W", "ERROR", "CONFLICT: could not find existing tuple for pkey  node[int4]:1 id[int8]:873", TO_BRAVO),
    ("bravo", "W", "ERROR", "CONFLICT: DELETE could not find existing tuple for pkey  id[int4]:1", TO_BRAVO),
    ("bravo", "W", "ERROR", "could not resolve relation name public.pg_temp_16475", TO_BRAVO),
    ("bravo", "W", "ERROR", 'relation "public.mail" does not exist', TO_BRAVO),
    ("bravo", "W", "ERROR", "could not find primary key for table with oid 16445", TO_BRAVO),
    ("bravo", "W", "WARNING", "got delete without pkey", TO_BRAVO),
    ("bravo", "W", "ERROR", "could not find replication identifier 36716?", TO_BRAVO),
    ("bravo", "W", "PANIC", "could not find a bdr count slot for 3", TO_BRAVO),
    ("bravo", "S", "PANIC", "cannot wait without a PGPROC structure", ""),
    ("bravo", "W", "PANIC", "no free replication state could be found for 3, increase max_logical_slots", TO_BRAVO),
    ("alpha", "U", "ERROR", "couldn't find free logical slot. free one or increase max_logical_slots", BOTH),
    ("alpha", "R", "FATAL", f'password authentication failed for user "{ROLE}"', BOTH),
    (
        "bravo",
        "W",
        "FATAL",
        "could not connect to the primary server: could not connect to server: Connection refused",
        TO_BRAVO,
    ),
    ("bravo", "W", "FATAL", "system identifiers must differ between the nodes", TO_BRAVO),
    ("bravo", "W", "FATAL", 'database "appdb" does not exist', TO_BRAVO),
    ("bravo", "S", "FATAL", 'missing "=" after "foobar" in connection info string', ""),
    ("bravo", "S", "FATAL", "no dbname set", ""),
    ("bravo", "S", "FATAL", 'attempt to redefine parameter "bdr.a.dsn"', ""),
    ("bravo", "S", "FATAL", 'invalid list syntax for "bdr.connections"', ""),
    ("bravo", "S", "WARNING", "no connection information for a", ""),
    ("bravo", "S", "FATAL", 'bdr requires "track_commit_timestamp" to be enabled', ""),
    (
        "bravo",
        "S",
        "PANIC",
        "too many logical slots active before shutdown, increase max_logical_slots and try again",
        "",
    ),
    ("bravo", "S", "ERROR", 'required extension "btree_gist" is not installed', ""),
    ("alpha", "U", "ERROR", 'could not access file "nosuch": No such file or directory', BOTH),
    ("alpha", "U", "ERROR", f'There already is a logical slot named "{SLOT_04}"', TO_BRAVO),
    ("alpha", "U", "ERROR", "slot already active", BOTH),
    ("alpha", "U", "ERROR", f'cannot free active logical slot "{SLOT_04}"', BOTH),
    ("bravo", "W", "LOG", "CONFLICT: skipping remote update originating at node 7710786083593340662:1", TO_BRAVO),
    ("alpha", "C", "ERROR", 'sequence access method "bdr" does not exist', ""),
    ("alpha", "C", "FATAL", 'invalid value for boolean option "replication"', ""),
    ("alpha", "C", "ERROR", "logical replication requires to be connected to a database", ""),
    # Seen with 0.7.
    (
        "bravo",
        "W",
        "FATAL",
        f'could not send replication command "START_REPLICATION SLOT "{SLOT_07}" LOGICAL 0/1CE8788"',
        TO_BRAVO,
    ),
    ("bravo", "S", "FATAL", "bdr.connections entry 'node_a' contains the '_' character, which is not permitted", ""),
    ("alpha", "N", "ERROR", f'replication slot "{SLOT_07}" does not exist', BOTH),
    ("alpha", "N", "ERROR", f'replication slot "{SLOT_07}" is already active', BOTH),
    ("alpha", "N", "ERROR", "all replication slots are in use", BOTH),
    (
        "alpha",
        "N",
        "ERROR",
        "bdr output plugin: slot creation rejected, bdr.bdr_nodes entry for local node "
        "(sysid=7710788615177358483, timelineid=1, dboid=16385): does not exist",
        BOTH,
    ),
    ("alpha", "N", "ERROR", "bdr output plugin: status='c', bdr still starting up: catching up from remote node", BOTH),
    ("alpha", "N", "ERROR", "bdr can only be loaded via shared_preload_libraries", BOTH),
    ("alpha", "N", "ERROR", "No bdr schema is present in database appdb, cannot create a bdr slot", BOTH),
    ("alpha", "N", "ERROR", "permission denied for relation bdr_nodes", BOTH),
    ("alpha", "C", "WARNING", "skipping DDL locking", ""),
    (
        "alpha",
        "C",
        "ERROR",
        "ALTER TABLE ... ADD COLUMN ... DEFAULT may only affect UNLOGGED or TEMPORARY tables when BDR is active",
        "",
    ),
    ("alpha", "C", "ERROR", "CREATE TABLE AS is not supported when bdr is active", ""),
    ("alpha", "C", "ERROR", "Cannot UPDATE table nopk because it does not have primary key.", ""),
]

PREFIXES = {
    "pglogical": {"W": P_WORKER, "U": P_SENDER, "R": REFUSED, "S": SERVER, "C": CLIENT, "L": LIMIT},
    "contrib_bdr": {
        "W": f"{AT}[3012] ",
        "U": f"{AT}[3013] {ROLE}@appdb bdr ",
        "N": f"{AT}[3013] {ROLE}@appdb bdr (7710791959048348876,1,16385,): receive ",
        "R": REFUSED,
        "S": SERVER,
        "C": CLIENT,
    },
}
ALL = [
    (engine, node, who, f"{PREFIXES[engine][who]}{level}:  {text}", text, link)
    for engine, lines in (("pglogical", PGLOGICAL), ("contrib_bdr", CONTRIB_BDR))
    for node, who, level, text, link in (*lines, *COMMON)
]
