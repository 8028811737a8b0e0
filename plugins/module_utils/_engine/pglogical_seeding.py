# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A physical copy becomes a node of its own with engine pglogical. Pure."""

from __future__ import annotations

import typing as t

from .._model import Connection
from .._session_types import Row, Session, Statement
from .pglogical_server import SETS
from .pglogical_sql import CREATE_SUBSCRIPTION, EXTENSIONS
from .seeding import Origin, Seeding

_INHERITED = """
SELECT n.node_name = %(donor)s AS inherited
  FROM pglogical.local_node l JOIN pglogical.node n ON n.node_id = l.node_id
"""
# Origins are named after their slots, and so after both nodes. Under its new name an origin keeps its id, by which
# rows tell where they are from, and its position.
_RENAME = "UPDATE pg_catalog.pg_replication_origin SET roname = %(new)s WHERE roname = %(old)s"
_DROP_ORIGIN = """
SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin WHERE roname = %(old)s
"""
_DROP_EXTENSION = "DROP EXTENSION pglogical CASCADE"

_SUBSCRIPTION = "SELECT 1 AS found FROM pglogical.subscription WHERE sub_name = %(name)s"
_PROGRESS = """
SELECT pg_replication_origin_progress(roname, true)::text FROM pg_replication_origin WHERE roname = %(slot)s
"""
_ORIGINS = """
SELECT roident::int AS id, roname AS name, coalesce(pg_replication_origin_progress(roname, false)::text, '') AS position
  FROM pg_replication_origin WHERE roname = ANY(%(names)s)
"""
_SETS = """
SELECT s.set_name::text AS name, s.replicate_insert AS inserts, s.replicate_update AS updates,
       s.replicate_delete AS deletes, s.replicate_truncate AS truncates,
       coalesce((SELECT json_agg(json_build_object(
                            'table', format('%I.%I', n.nspname, c.relname), 'columns', m.set_att_list,
                            'filter', pg_get_expr(m.set_row_filter, m.set_reloid),
                            'only', NOT EXISTS (SELECT FROM pglogical.replication_set_table o
                                                  JOIN pglogical.replication_set d ON d.set_id = o.set_id
                                                 WHERE o.set_reloid = m.set_reloid
                                                   AND d.set_name IN ('default', 'default_insert_only')))
                        ORDER BY c.oid)
                   FROM pglogical.replication_set_table m JOIN pg_class c ON c.oid = m.set_reloid
                   JOIN pg_namespace n ON n.oid = c.relnamespace WHERE m.set_id = s.set_id), '[]') AS tables
  FROM pglogical.replication_set s JOIN pglogical.local_node l ON l.node_id = s.set_nodeid
 WHERE s.set_name NOT IN ('default', 'default_insert_only', 'ddl_sql') ORDER BY 1
"""
_CREATE_SET = """
SELECT pglogical.create_replication_set(%(name)s, %(inserts)s, %(updates)s, %(deletes)s, %(truncates)s)
"""
_ADD_TO_SET = """
SELECT pglogical.replication_set_add_table(%(name)s, %(table)s::regclass, false, %(columns)s::text[], %(filter)s)
"""
# The engine's own sets got every table that was in none.
_NOT_IN_OURS = """
SELECT pglogical.replication_set_remove_table(s.set_name, t.set_reloid)
  FROM pglogical.replication_set_table t JOIN pglogical.replication_set s ON s.set_id = t.set_id
 WHERE t.set_reloid = %(table)s::regclass AND s.set_name IN ('default', 'default_insert_only')
"""
_KEPT = """
SELECT confirmed_flush_lsn::text FROM pg_replication_slots
 WHERE slot_name = %(slot)s AND wal_status IS DISTINCT FROM 'lost'
"""
# A subscription that is to be synchronized makes its slot anew. One that is ready takes the slot that is there, and
# begins where its origin says.
_READY = """
UPDATE pglogical.local_sync_status SET sync_status = 'r'
 WHERE sync_nspname IS NULL
   AND sync_subid = (SELECT sub_id FROM pglogical.subscription WHERE sub_name = %(name)s)
"""
_CREATE_ORIGIN = """
SELECT pg_replication_origin_create(%(slot)s)
 WHERE NOT EXISTS (SELECT FROM pg_replication_origin WHERE roname = %(slot)s)
"""
_ADVANCE = "SELECT pg_replication_origin_advance(%(slot)s, %(position)s::pg_lsn)"


class PglogicalSeeding(Seeding):
    """Origins renamed, the donor's own objects dropped, subscriptions that are ready at once."""

    def is_inherited(self, session: Session) -> bool:
        """Look whose name the database bears."""
        if not session.rows(EXTENSIONS):
            return False
        return bool(session.value(_INHERITED, {"donor": self.donor.engine_node}))

    def own(self, database: str) -> t.Sequence[Statement]:
        """Return the new names of origins that the node has too, the end of the others, and of the extension."""
        new = {link.upstream: link.slot for link in self.plan.connections if link.database == database}
        statements = [Statement(_DROP_EXTENSION)]
        for connection in self.donor.connections:
            if connection.database != database:
                continue
            names = {"old": connection.slot, "new": new.get(connection.upstream, "")}
            statements.append(Statement(_RENAME if names["new"] else _DROP_ORIGIN, values=names))
        return statements

    def is_linked(self, session: Session, connection: Connection) -> bool:
        """Look for the subscription."""
        return bool(session.rows(_SUBSCRIPTION, {"name": connection.name}))

    def position(self, session: Session, connection: Connection, end: str) -> str:
        """Of the donor it is the copy's end, of the others what the donor had applied by then."""
        if connection.upstream == self.donor.name:
            return end
        return str(session.value(_PROGRESS, {"slot": connection.slot}) or "")

    def origins(self, session: Session, database: str) -> list[Origin]:
        """Origins bear the names of slots."""
        upstreams = {link.slot: link.upstream for link in self.donor.connections if link.database == database}
        rows = session.rows(_ORIGINS, {"names": sorted(upstreams)})
        return [Origin(row["id"], upstreams[row["name"]], row["position"]) for row in rows]

    def sets(self, session: Session) -> list[Row]:
        """Ask the catalogue; a table may have columns and a filter of its own in each set."""
        return session.rows(_SETS)

    def own_sets(self, sets: t.Sequence[Row]) -> t.Sequence[Statement]:
        """Return sets and their tables; a table that is in no other set leaves the engine's own ones."""
        statements = []
        for own in sets:
            statements.append(Statement(_CREATE_SET, values=own))
            for member in own["tables"]:
                values = {**member, "name": own["name"]}
                texts = (_NOT_IN_OURS, _ADD_TO_SET) if member["only"] else (_ADD_TO_SET,)
                statements += [Statement(text, values=values) for text in texts]
        return statements

    def kept_from(self, upstream: Session, connection: Connection) -> str:
        """Ask the slot."""
        return str(upstream.value(_KEPT, {"slot": connection.slot}) or "")

    def link(self, connection: Connection, position: str) -> t.Sequence[Statement]:
        """Return a subscription that is ready, and where it begins."""
        values = {
            "name": connection.name,
            "dsn": connection.dsn,
            "sets": list(SETS),
            "apply_delay_ms": connection.apply_delay_ms,
            "slot": connection.slot,
            "position": position,
        }
        return [Statement(text, values=values) for text in (CREATE_SUBSCRIPTION, _READY, _CREATE_ORIGIN, _ADVANCE)]
