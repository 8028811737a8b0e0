# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The SQL of engine contrib_bdr, for servers that report 9.3 or 9.4: no jsonb, no to_regclass(), no ON CONFLICT."""

from __future__ import annotations

EXTENSIONS = """
SELECT a.name::text AS name, a.installed_version IS NOT NULL AS installed FROM pg_available_extensions a
 WHERE a.name IN ('btree_gist', 'bdr')
"""
CREATE_EXTENSION = "CREATE EXTENSION {extension}"

# Who the node is to its upstreams. There is no function for the system identifier: it is the file's first 8 bytes.
IDENTITY = """
SELECT encode(pg_read_binary_file('global/pg_control', 0, 8), 'hex') AS sysid,
       (SELECT oid FROM pg_database WHERE datname = current_database())::int8 AS dboid
"""

# The view of slots has another name in each era, and only the newest ones say which kind a slot is of.
SLOT_VIEW = """
SELECT viewname::text AS name FROM pg_views
 WHERE schemaname = 'pg_catalog'
   AND viewname IN ('pg_stat_logical_replication', 'pg_stat_logical_decoding', 'pg_replication_slots')
"""
SLOTS = "SELECT slot_name::text AS name, active FROM {view}"

GRANTED = """
SELECT has_schema_privilege(r.oid, 'bdr', 'USAGE')
       AND bool_and(has_table_privilege(r.oid, c.oid, 'SELECT')) AS granted
  FROM pg_roles r, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE r.rolname = %(role)s AND n.nspname = 'bdr' AND c.relkind = 'r' GROUP BY r.oid
"""
GRANT = ("GRANT USAGE ON SCHEMA bdr TO {role}", "GRANT SELECT ON ALL TABLES IN SCHEMA bdr TO {role}")

# A node whose row says `r` hands out slots. The server writes the row itself only where the node has upstreams.
REGISTERED = """
SELECT n.node_status::text AS status FROM bdr.bdr_nodes n JOIN bdr.bdr_get_local_nodeid() l
    ON n.node_sysid = l.sysid AND n.node_timeline = l.timeline AND n.node_dboid = l.dboid
"""
REGISTER = """
INSERT INTO bdr.bdr_nodes (node_sysid, node_timeline, node_dboid, node_status)
SELECT sysid, timeline, dboid, 'r' FROM bdr.bdr_get_local_nodeid()
"""

# The worker of global sequences looks at its tables every 10 s. A background worker has no port of a client.
SEQUENCER = """
SELECT coalesce(bool_or(query LIKE '%bdr\\_sequence\\_%') OR NOT bool_or(
           query LIKE 'bdr\\_apply:%' AND backend_start < clock_timestamp() - interval '30 s'), true)
  FROM pg_stat_activity WHERE datname = current_database() AND client_port IS NULL
"""

# A worker shows the last change it applied; one that has applied none yet shows nothing.
APPLYING = """
SELECT a.pid, a.query, extract(epoch FROM clock_timestamp() - a.backend_start)::float8 AS age_seconds,
       CASE WHEN a.waiting THEN extract(epoch FROM clock_timestamp() - a.state_change)::float8 END AS waits_seconds,
       (SELECT coalesce(min(l.relation::regclass::text), min(l.locktype)) FROM pg_locks l
         WHERE l.pid = a.pid AND NOT l.granted) AS waits_for
  FROM pg_stat_activity a
 WHERE a.datname = current_database() AND a.client_port IS NULL AND a.query LIKE 'bdr\\_apply:%'
 ORDER BY a.backend_start
"""

KEEP_TO_ITSELF = "SET replication_origin_id = 1"
REFUSE_UNSAFE = "SET bdr.permit_unsafe_ddl_commands = off"
FORGET_HEARTBEATS = "DELETE FROM pgbdr.heartbeat WHERE written_at < clock_timestamp() - interval '1 day'"
