# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What is asked of a server's catalog about its tables. Pure: texts, for servers that report 9.3 to 17.

What newer catalogs have is probed, column by column: {names} in a query stand for such a column, or for what it
would say on a server that does not know it.
"""

from __future__ import annotations

import typing as t

# Definitions come as text that depends on these: without them, two nodes would differ by their settings.
SETTINGS = """
SELECT set_config('search_path', 'pg_catalog', false), set_config('quote_all_identifiers', 'off', false),
       set_config('datestyle', 'ISO, YMD', false), set_config('intervalstyle', 'postgres', false),
       set_config('timezone', 'UTC', false), set_config('extra_float_digits', '3', false),
       set_config('bytea_output', 'hex', false), set_config('xmloption', 'content', false)
"""

# These queries are long and short-lived: compiling them costs more than running them. Servers before 11 do not compile.
NO_COMPILING = "SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'jit'"

VERSION = "SELECT current_setting('server_version_num')::int AS version"

PROBE = """
SELECT c.relname || '.' || a.attname AS name
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'pg_catalog' AND a.attnum > 0
   AND c.relname IN ('pg_class', 'pg_attribute', 'pg_index', 'pg_seqam')
"""

OPTIONAL: dict[str, tuple[str, str, str]] = {
    "replica_identity": ("pg_class.relreplident", "c.relreplident::text", "'d'"),
    "is_partition": ("pg_class.relispartition", "c.relispartition", "false"),
    "bound": ("pg_class.relpartbound", "pg_get_expr(c.relpartbound, c.oid)", "NULL::text"),
    "partition_key": (
        "pg_class.relpartbound",
        "CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END",
        "NULL::text",
    ),
    "identity": ("pg_attribute.attidentity", "a.attidentity::text", "''"),
    "generated": ("pg_attribute.attgenerated", "a.attgenerated::text", "''"),
    "replica_index": ("pg_index.indisreplident", "i.indisreplident", "false"),
    "key_columns": ("pg_index.indnkeyatts", "i.indnkeyatts", "i.indnatts"),
    "access_method": ("pg_seqam.seqamname", "(SELECT s.seqamname::text FROM pg_seqam s WHERE s.oid = c.relam)", "NULL"),
}
"""name: the catalog's column it needs, the expression, and what stands for it without."""

OTHERS_SCHEMAS = "'pg_catalog', 'information_schema', 'pg_toast', 'pgbdr', 'pglogical', 'bdr'"

# What belongs to a database's own users: not the system's, not the engine's, no member of an extension.
OURS = f"""
       n.nspname NOT IN ({OTHERS_SCHEMAS}) AND n.nspname !~ '^pg_(toast_)?temp_'
       AND (%(schemas)s::text[] IS NULL OR n.nspname::text = ANY(%(schemas)s::text[]))
"""
NO_MEMBER = """
       NOT EXISTS (SELECT 1 FROM pg_depend e
                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
"""
_TABLES = f"""
pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    AND c.relkind IN ('r', 'p') AND c.relpersistence IN ('p', 'u') AND {OURS} AND {NO_MEMBER}
"""

# Views and the like come by name only: what is a table on another node must not be one of them.
RELATIONS = f"""
SELECT c.oid::int8 AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
       c.relpersistence = 'u' AS unlogged, pg_get_userbyid(c.relowner)::text AS owner, c.reloptions AS options,
       {{replica_identity}} AS replica_identity, {{is_partition}} AS is_partition, {{bound}} AS bound,
       {{partition_key}} AS partition_key
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence IN ('p', 'u') AND {OURS} AND {NO_MEMBER}
"""

COLUMNS = f"""
SELECT a.attrelid::int8 AS oid, a.attnum AS position, a.attname::text AS name, a.attisdropped AS dropped,
       format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null, a.attinhcount > 0 AS inherited,
       a.attlen AS length, a.attalign::text AS alignment, pg_get_expr(d.adbin, d.adrelid) AS expression,
       CASE WHEN a.attstorage <> y.typstorage THEN a.attstorage::text END AS storage,
       y.typstorage::text AS type_storage,
       CASE WHEN a.attcollation <> y.typcollation
            THEN quote_ident(l.nspname) || '.' || quote_ident(o.collname) END AS collation,
       {{identity}} AS identity, {{generated}} AS generated
  FROM pg_attribute a JOIN {_TABLES} ON c.oid = a.attrelid AND a.attnum > 0
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_type y ON y.oid = a.atttypid
  LEFT JOIN pg_collation o ON o.oid = a.attcollation LEFT JOIN pg_namespace l ON l.oid = o.collnamespace
 ORDER BY a.attrelid, a.attnum
"""

CONSTRAINTS = f"""
SELECT k.conrelid::int8 AS oid, k.conname::text AS name, k.contype::text AS kind,
       pg_get_constraintdef(k.oid) AS definition, k.condeferrable AS deferrable, k.coninhcount > 0 AS inherited
  FROM pg_constraint k JOIN {_TABLES} ON c.oid = k.conrelid
 WHERE k.contype IN ('p', 'c', 'x', 'f')
 ORDER BY k.conrelid, k.conname
"""

# A unique constraint is told by its index, so that it equals a unique index of the same columns.
UNIQUE_INDEXES = f"""
SELECT i.indrelid::int8 AS oid, x.relname::text AS name, pg_get_indexdef(i.indexrelid) AS definition,
       array_to_string(x.reloptions, ', ') AS options, i.indimmediate AS immediate, i.indisprimary AS is_primary,
       i.indpred IS NULL AND i.indexprs IS NULL AS plain, i.indkey::text AS columns, {{key_columns}} AS key_columns,
       {{replica_index}} AS replica_index, k.conname::text AS constraint_name,
       pg_get_constraintdef(k.oid) AS constraint_definition,
       EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhrelid = i.indexrelid) AS inherited
  FROM pg_index i JOIN {_TABLES} ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
  LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype = 'u'
 WHERE i.indisunique AND i.indisvalid
 ORDER BY i.indrelid, x.relname
"""

PARENTS = f"""
SELECT h.inhrelid::int8 AS oid, q.nspname::text AS schema, p.relname::text AS name
  FROM pg_inherits h JOIN {_TABLES} ON c.oid = h.inhrelid
  JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace q ON q.oid = p.relnamespace
 ORDER BY h.inhrelid, h.inhseqno
"""

# Of extensions too: where rows travel as they lie on disk, the numbers of their types matter.
TYPES = f"""
SELECT y.oid::int8 AS oid, format_type(y.oid, NULL) AS type, n.nspname::text AS schema, y.typtype::text AS kind,
       x.extname::text AS extension, CASE WHEN y.typtype = 'd' THEN format_type(y.typbasetype, y.typtypmod) END AS base,
       y.typnotnull AS not_null, y.typdefault AS expression,
       (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = y.oid) AS subtype
  FROM pg_type y JOIN pg_namespace n ON n.oid = y.typnamespace
  LEFT JOIN pg_depend e ON e.classid = 'pg_type'::regclass AND e.objid = y.oid AND e.deptype = 'e'
  LEFT JOIN pg_extension x ON x.oid = e.refobjid
 WHERE {OURS.replace("%(schemas)s", "NULL")}
   AND (y.typtype IN ('e', 'd', 'r')
        OR (y.typtype = 'c' AND EXISTS (SELECT 1 FROM pg_class s WHERE s.oid = y.typrelid AND s.relkind = 'c'))
        OR (y.typtype = 'b' AND x.oid IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM pg_type s WHERE s.typarray = y.oid)))
"""

LABELS = """
SELECT enumtypid::int8 AS oid, enumlabel::text AS label, oid::int8 AS number FROM pg_enum
 ORDER BY enumtypid, enumsortorder
"""

ATTRIBUTES = """
SELECT c.reltype::int8 AS oid, a.attname::text AS name, a.attisdropped AS dropped,
       format_type(a.atttypid, a.atttypmod) AS type
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relkind = 'c' AND a.attnum > 0
 ORDER BY c.reltype, a.attnum
"""

DOMAIN_CHECKS = """
SELECT contypid::int8 AS oid, conname::text AS name, pg_get_constraintdef(oid) AS definition
  FROM pg_constraint WHERE contypid <> 0 AND contype = 'c' ORDER BY contypid, conname
"""

EXTENSIONS = """
SELECT e.extname::text AS name, e.extversion AS version, n.nspname::text AS schema
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
"""

SCHEMAS = "SELECT nspname::text AS name FROM pg_namespace ORDER BY 1"

# Those of identity columns go with their columns.
SEQUENCES = f"""
SELECT n.nspname::text AS schema, c.relname::text AS name, p.increment::int8 AS increment,
       p.cycle_option AS cycle, coalesce(format_type((row_to_json(p)->>'data_type')::oid, NULL), 'bigint') AS type,
       {{access_method}} AS access_method, m.nspname::text AS table_schema, r.relname::text AS table_name,
       a.attname::text AS column_name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL pg_sequence_parameters(c.oid) p
  LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'a'
                       AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
  LEFT JOIN pg_class r ON r.oid = d.refobjid LEFT JOIN pg_namespace m ON m.oid = r.relnamespace
  LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE c.relkind = 'S' AND c.relpersistence = 'p' AND {OURS} AND {NO_MEMBER}
   AND NOT EXISTS (SELECT 1 FROM pg_depend i
                    WHERE i.classid = 'pg_class'::regclass AND i.objid = c.oid AND i.deptype = 'i')
"""


def query(text: str, known: t.Collection[str]) -> str:
    """Return a query for a server whose catalogs have the columns that are known."""
    chosen = {name: there if needs in known else without for name, (needs, there, without) in OPTIONAL.items()}
    return text.format(**chosen)
