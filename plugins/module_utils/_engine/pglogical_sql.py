# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The SQL of engine pglogical, named, for a DBA to read. Constants, since data files do not reach a managed node."""

from __future__ import annotations

EXTENSIONS = """
SELECT extname AS name FROM pg_extension WHERE extname = 'pglogical'
"""

LOCAL_NODE = """
SELECT n.node_name::text AS name, i.if_dsn AS dsn
  FROM pglogical.local_node l
  JOIN pglogical.node n ON n.node_id = l.node_id
  JOIN pglogical.node_interface i ON i.if_id = l.node_local_interface
"""

GRANTED = """
SELECT has_schema_privilege(r.oid, 'pglogical', 'USAGE')
       AND NOT EXISTS (SELECT FROM pg_class c
                        WHERE c.relnamespace = 'pglogical'::regnamespace AND c.relkind IN ('r', 'v')
                          AND NOT has_table_privilege(r.oid, c.oid, 'SELECT')) AS granted
  FROM pg_roles r WHERE r.rolname = %(role)s
"""

# An immediate primary key is what pglogical finds rows by; anything else can only be inserted.
_TABLES = """
SELECT n.nspname || '.' || c.relname AS name, n.nspname AS schema, c.relname AS relation,
       CASE WHEN c.relreplident <> 'f' AND EXISTS (SELECT FROM pg_index i
                  WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate)
            THEN 'default' ELSE 'default_insert_only' END AS fitting_set,
       {set_name} AS set_name
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pglogical', 'pg_toast')
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
 ORDER BY 1
"""
TABLES = _TABLES.format(
    set_name="""
       coalesce((SELECT min(s.set_name::text) FROM pglogical.replication_set_table t
                   JOIN pglogical.replication_set s ON s.set_id = t.set_id
                  WHERE t.set_reloid = c.oid), '')"""
)
TABLES_BEFORE_EXTENSION = _TABLES.format(set_name="''")

SUBSCRIPTIONS = """
SELECT s.sub_name::text AS name, s.sub_enabled AS enabled, i.if_dsn AS dsn,
       s.sub_replication_sets AS sets, s.sub_forward_origins AS forward_origins,
       (extract(epoch FROM s.sub_apply_delay) * 1000)::bigint AS apply_delay_ms,
       (SELECT status FROM pglogical.show_subscription_status(s.sub_name)) AS status
  FROM pglogical.subscription s
  JOIN pglogical.node_interface i ON i.if_id = s.sub_origin_if
 ORDER BY 1
"""

CONNECTIONS = """
SELECT s.sub_name::text AS name, n.node_name::text AS upstream, i.if_dsn AS dsn, s.sub_slot_name::text AS slot,
       (extract(epoch FROM s.sub_apply_delay) * 1000)::bigint AS apply_delay_ms
  FROM pglogical.subscription s
  JOIN pglogical.node_interface i ON i.if_id = s.sub_origin_if
  JOIN pglogical.node n ON n.node_id = s.sub_origin
"""

# Read on the upstream by the replication role: any role may see this view.
SLOT = """
SELECT active, coalesce(wal_status, '') AS wal_status FROM pg_replication_slots WHERE slot_name = %(slot)s
"""

# The function fails on a name it does not know, so it is asked for subscriptions that are there.
STATUS = """
SELECT (SELECT status FROM pglogical.show_subscription_status(s.sub_name)) AS status
  FROM pglogical.subscription s WHERE s.sub_name = %(name)s
"""

# A lock has told since when it is waited for since PostgreSQL 14; before, the worker's transaction began no later.
INCOMING = """
SELECT s.sub_name::text AS name, t.status, d.oid || ':' || s.sub_id AS worker, a.pid,
       extract(epoch FROM clock_timestamp() - a.backend_start)::float8 AS age_seconds,
       extract(epoch FROM clock_timestamp()
               - coalesce((to_jsonb(l) ->> 'waitstart')::timestamptz, a.xact_start))::float8 AS waits_seconds,
       coalesce(l.relation::regclass::text, l.locktype) AS waits_for,
       coalesce(pg_blocking_pids(l.pid), '{}') AS blocked_by, o.remote_lsn::text AS origin_lsn
  FROM pglogical.subscription s
 CROSS JOIN LATERAL pglogical.show_subscription_status(s.sub_name) t
  JOIN pg_database d ON d.datname = current_database()
  LEFT JOIN pg_stat_activity a ON a.application_name = 'pglogical apply ' || d.oid || ':' || s.sub_id
  LEFT JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted
  LEFT JOIN pg_replication_origin_status o ON o.external_id = s.sub_slot_name
 ORDER BY 1
"""

CREATE_EXTENSION = "CREATE EXTENSION pglogical"

CREATE_NODE = "SELECT pglogical.create_node(node_name := %(name)s, dsn := %(dsn)s)"

GRANT_SCHEMA = "GRANT USAGE ON SCHEMA pglogical TO {role}"
GRANT_TABLES = "GRANT SELECT ON ALL TABLES IN SCHEMA pglogical TO {role}"

ADD_TABLE = "SELECT pglogical.replication_set_add_table(%(set)s, to_regclass(format('%%I.%%I', %(schema)s, %(table)s)))"
REMOVE_TABLE = (
    "SELECT pglogical.replication_set_remove_table(%(set)s, to_regclass(format('%%I.%%I', %(schema)s, %(table)s)))"
)

# forward_origins {}: only what was written on the upstream itself is sent, otherwise changes circle in a mesh.
CREATE_SUBSCRIPTION = """
SELECT pglogical.create_subscription(
    subscription_name := %(name)s, provider_dsn := %(dsn)s, replication_sets := %(sets)s,
    synchronize_structure := false, synchronize_data := false, forward_origins := '{}',
    apply_delay := make_interval(secs => %(apply_delay_ms)s / 1000.0))
"""

ENABLE = "SELECT pglogical.alter_subscription_enable(%(name)s, true)"
DISABLE = "SELECT pglogical.alter_subscription_disable(%(name)s, true)"

# pglogical 2.4 can lose a worker that runs on. Its supervisor starts a short-lived worker for each database without
# pglogical whenever a subscription changes. Where such a one has ended, and an apply worker has its place in shared
# memory, before the supervisor looks, the apply worker counts as crashed, and the next one gets the place. The lost one
# keeps the origin, and each that is started for it fails: "replication origin with ID 1 is already active".
# When it ends it clears the place that is another's by now. So all apply workers of the database end together, and
# their manager, which would start new ones too early; the supervisor starts it again when a subscription changes.
# Not while tables are copied, which cannot be resumed. And only what is a second old: others fail, and end, just now.
END_LOST_WORKERS = """
DO $end_lost_workers$
BEGIN
    PERFORM FROM pglogical.subscription s JOIN pg_stat_activity a
            ON a.datname = current_database()
           AND a.application_name = format('pglogical apply %%s:%%s', a.datid, s.sub_id)
     WHERE s.sub_name = %(name)s AND a.backend_start < clock_timestamp() - interval '1 s'
       AND NOT EXISTS (SELECT FROM pglogical.local_sync_status WHERE sync_status NOT IN ('i', 'r', 'y'));
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- In this order: a worker that was seen above is known to pglogical by now, unless it is lost.
    PERFORM FROM pglogical.show_subscription_status(%(name)s) WHERE status = 'down';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM pg_terminate_backend(w.pid)
       FROM (SELECT pid FROM pg_stat_activity
              WHERE datname = current_database() AND application_name ~ '^pglogical (manager|apply) [0-9]'
              ORDER BY application_name DESC) w;
    FOR attempt IN 1..100 LOOP
        PERFORM pg_stat_clear_snapshot();
        PERFORM FROM pg_stat_activity
          WHERE datname = current_database() AND application_name ~ '^pglogical (manager|apply) [0-9]';
        EXIT WHEN NOT FOUND;
        PERFORM pg_sleep(0.05);
    END LOOP;
END $end_lost_workers$
"""

# An upstream keeps the interfaces it once had; a dsn that comes back finds its own again.
ADD_INTERFACE = """
SELECT pglogical.alter_node_add_interface(n.node_name, %(interface)s, %(dsn)s)
  FROM pglogical.subscription s JOIN pglogical.node n ON n.node_id = s.sub_origin
 WHERE s.sub_name = %(name)s
   AND NOT EXISTS (SELECT FROM pglogical.node_interface i
                    WHERE i.if_nodeid = n.node_id AND i.if_name = %(interface)s)
"""
USE_INTERFACE = "SELECT pglogical.alter_subscription_interface(%(name)s, %(interface)s)"

ADD_SET = "SELECT pglogical.alter_subscription_add_replication_set(%(name)s, %(set)s)"
REMOVE_SET = "SELECT pglogical.alter_subscription_remove_replication_set(%(name)s, %(set)s)"

# pglogical 2.4 has no function for these two; workers read the catalogue when they start.
SET_APPLY_DELAY = """
UPDATE pglogical.subscription SET sub_apply_delay = make_interval(secs => %(apply_delay_ms)s / 1000.0)
 WHERE sub_name = %(name)s
"""
SET_FORWARD_ORIGINS = "UPDATE pglogical.subscription SET sub_forward_origins = '{}' WHERE sub_name = %(name)s"

ADD_NODE_INTERFACE = """
SELECT pglogical.alter_node_add_interface(%(node)s, %(interface)s, %(dsn)s)
 WHERE NOT EXISTS (SELECT FROM pglogical.node_interface i JOIN pglogical.node n ON n.node_id = i.if_nodeid
                    WHERE n.node_name = %(node)s AND i.if_name = %(interface)s)
"""
USE_NODE_INTERFACE = """
UPDATE pglogical.local_node l SET node_local_interface = i.if_id
  FROM pglogical.node_interface i
 WHERE i.if_nodeid = l.node_id AND i.if_name = %(interface)s
"""

# Runs for the operator's own CREATE and ALTER TABLE on each node. ENABLE ALWAYS, since apply would skip it otherwise.
ASSIGN_FUNCTION_BODY = """
DECLARE
    relation record;
    fitting  text;
    present  text;
BEGIN
    FOR relation IN
        SELECT DISTINCT c.objid AS oid FROM pg_event_trigger_ddl_commands() c
         WHERE c.object_type = 'table' AND NOT c.in_extension AND c.schema_name !~ '^pg_temp'
    LOOP
        CONTINUE WHEN NOT EXISTS (SELECT FROM pg_class
                                   WHERE pg_class.oid = relation.oid AND relpersistence = 'p' AND relkind = 'r');
        SELECT CASE WHEN c.relreplident <> 'f' AND EXISTS (SELECT FROM pg_index i
                              WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate)
                    THEN 'default' ELSE 'default_insert_only' END
          INTO fitting FROM pg_class c WHERE c.oid = relation.oid;
        SELECT min(s.set_name::text) INTO present
          FROM pglogical.replication_set_table t JOIN pglogical.replication_set s ON s.set_id = t.set_id
         WHERE t.set_reloid = relation.oid;
        CONTINUE WHEN present IS NOT NULL
                  AND (present = fitting OR present NOT IN ('default', 'default_insert_only'));
        IF present IS NOT NULL THEN
            PERFORM pglogical.replication_set_remove_table(present, relation.oid);
        END IF;
        PERFORM pglogical.replication_set_add_table(fitting, relation.oid);
        IF fitting = 'default_insert_only' THEN
            RAISE WARNING 'table % has no primary key: only its INSERTs are replicated', relation.oid::regclass;
        END IF;
    END LOOP;
END
"""

CREATE_ASSIGN_FUNCTION = """
CREATE OR REPLACE FUNCTION pgbdr.assign_replication_set() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS %(body)s
"""
CREATE_ASSIGN_TRIGGER = """
CREATE EVENT TRIGGER pgbdr_assign_replication_set ON ddl_command_end
  WHEN tag IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE')
  EXECUTE FUNCTION pgbdr.assign_replication_set()
"""
ENABLE_ASSIGN_TRIGGER = "ALTER EVENT TRIGGER pgbdr_assign_replication_set ENABLE ALWAYS"

ASSIGN_FUNCTION = """
SELECT p.prosrc AS body FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'pgbdr' AND p.proname = 'assign_replication_set'
"""
ASSIGN_TRIGGER = """
SELECT evtenabled::text AS enabled FROM pg_event_trigger WHERE evtname = 'pgbdr_assign_replication_set'
"""

# A session that replays from an origin keeps its changes here, since no subscription forwards any.
CREATE_LOCAL_ORIGIN = """
SELECT pg_replication_origin_create('pgbdr_local')
 WHERE NOT EXISTS (SELECT FROM pg_replication_origin WHERE roname = 'pgbdr_local')
"""
USE_LOCAL_ORIGIN = "SELECT pg_replication_origin_session_setup('pgbdr_local')"
# The commit time of what the session writes. The last update wins, and what each node does for itself must not win
# over an application's update that it did not see.
COUNT_AS_OLD = "SELECT pg_replication_origin_xact_setup('0/1', '2000-01-02 UTC')"
