#!/bin/bash
# A three-node pglogical group by hand: what run.py measures this collection against.
#
# Does in as few steps as a DBA who knows the way would take, all nodes at once, what site.yml does for a group of three:
# the same initdb, the same settings, a SCRAM replication role with its password in passfiles, links all to all, and a
# row of each node seen on every other. Prints "standing" at that moment, then removes everything again.
#
# by_hand.sh [first port, 5510]    as root (becomes postgres) or as postgres
set -euo pipefail
if [ "$(id -un)" != postgres ]; then
    # As text, since the checkout may lie where postgres cannot read. Not by runuser, which stays in between and kills
    # a shell that needs more than two seconds to clean up.
    exec setpriv --reuid=postgres --regid=postgres --init-groups --reset-env env -C / bash -c "$(<"$0")" "$0" "$@"
fi

unset "${!PG@}"
first_port=${1:-5510}
nodes="1 2 3"
bin=/usr/lib/postgresql/15/bin
dir=$(mktemp -d ~postgres/by-hand.XXXXXX)
password=$(head -c 24 /dev/urandom | base64)
export PGHOST=$dir PGUSER=postgres

clean_up() {
    for n in $(jobs -p); do kill -KILL -- "-$n" 2> /dev/null || true; done
    for n in $nodes; do
        if [ -e "$dir/$n/data/postmaster.pid" ]; then
            "$bin/pg_ctl" -D "$dir/$n/data" -w -s -m immediate stop 2> /dev/null &
        fi
    done
    wait 2> /dev/null || true
    rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# everywhere FUNCTION: runs it for all nodes at once, fails when one fails
everywhere() {
    local started="" n pid
    set -m # each a process group of its own, so that it ends as one
    for n in $nodes; do
        "$1" "$n" &
        started="$started $!"
    done
    set +m
    for pid in $started; do
        if ! wait "$pid"; then
            tail -n 5 "$dir"/*/log/* >&2
            exit 1
        fi
    done
}

port() { echo $((first_port + $1 - 1)); }

others() { echo "$nodes" | tr -d "$1"; }

# sql NODE DATABASE: runs what stands on stdin
sql() { psql -X -q -A -t -v ON_ERROR_STOP=1 -p "$(port "$1")" -d "$2"; }

bring_up() {
    local home=$dir/$1 data=$dir/$1/data p
    mkdir -m 700 "$home" "$home/log"
    "$bin/initdb" -D "$data" -U postgres --data-checksums --auth-local=peer --auth-host=reject \
        --encoding=UTF8 --locale=C.UTF-8 > "$home/log/initdb.log"
    cat >> "$data/postgresql.conf" <<EOF
port = $(port "$1")
listen_addresses = '127.0.0.1'
unix_socket_directories = '$dir'
wal_level = logical
track_commit_timestamp = on
shared_preload_libraries = 'pglogical'
max_replication_slots = 7
max_wal_senders = 9
max_worker_processes = 14
max_slot_wal_keep_size = 150MB
pglogical.conflict_resolution = 'last_update_wins'
password_encryption = 'scram-sha-256'
logging_collector = on
log_directory = '$home/log'
EOF
    printf '%s\n' 'local all postgres peer' 'host appdb bdr_replication 127.0.0.1/32 scram-sha-256' > "$data/pg_hba.conf"
    for p in $(others "$1"); do
        echo "127.0.0.1:$(port "$p"):*:bdr_replication:$password"
    done > "$home/passfile"
    chmod 600 "$home/passfile"
    "$bin/pg_ctl" -D "$data" -w -s -l "$home/log/startup.log" start
}

make_member() {
    sql "$1" postgres <<EOF
CREATE ROLE bdr_replication LOGIN REPLICATION PASSWORD '$password';
CREATE DATABASE appdb TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
EOF
    sql "$1" appdb > "$dir/$1/log/member.log" <<EOF
CREATE EXTENSION pglogical;
SELECT pglogical.create_node('n$1', 'host=$dir port=$(port "$1") dbname=appdb user=postgres');
GRANT USAGE ON SCHEMA pglogical TO bdr_replication;
GRANT SELECT ON ALL TABLES IN SCHEMA pglogical TO bdr_replication;
CREATE TABLE seen (node text PRIMARY KEY, written_at timestamptz NOT NULL DEFAULT clock_timestamp());
SELECT pglogical.replication_set_add_all_tables('default', '{public}');
EOF
}

link() {
    local p
    for p in $(others "$1"); do
        cat <<EOF
SELECT pglogical.create_subscription('n${p}_n$1',
    'host=127.0.0.1 port=$(port "$p") dbname=appdb user=bdr_replication passfile=$dir/$1/passfile',
    synchronize_structure := false, synchronize_data := false, forward_origins := '{}');
EOF
    done | sql "$1" appdb > "$dir/$1/log/link.log"
}

# await NODE NUMBER QUERY: polls until the query returns the number
await() {
    local found=""
    for _ in $(seq 1200); do
        found=$(echo "$3" | sql "$1" appdb)
        if [ "$found" = "$2" ]; then return; fi
        sleep 0.05
    done
    echo "node $1: $found instead of $2 after a minute: $3" >&2
    return 1
}

# A row is only sent once the slots of both downstreams are there.
write_row() {
    await "$1" 2 "SELECT count(*) FROM pg_replication_slots WHERE active"
    echo "INSERT INTO seen (node) VALUES ('n$1')" | sql "$1" appdb
}

read_rows() { await "$1" 3 "SELECT count(*) FROM seen"; }

everywhere bring_up
everywhere make_member
everywhere link
everywhere write_row
everywhere read_rows
echo standing
