# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Engine pglogical under monitoring. Pure."""

from __future__ import annotations

import re

from .._session_types import Session
from .messages import CONFLICT
from .monitoring import Monitoring
from .pglogical_messages import MESSAGES
from .pglogical_sql import EXTENSIONS

# The function tells DSNs, too; none of ours holds a password.
_GRANTED = """
SELECT has_schema_privilege(r.oid, 'pglogical', 'USAGE')
       AND has_column_privilege(r.oid, 'pglogical.subscription', 'sub_id', 'SELECT')
       AND has_column_privilege(r.oid, 'pglogical.subscription', 'sub_name', 'SELECT')
       AND has_column_privilege(r.oid, 'pglogical.subscription', 'sub_enabled', 'SELECT') AS granted
  FROM pg_roles r WHERE r.rolname = %(role)s
"""


class PglogicalMonitoring(Monitoring):
    """Subscriptions and their apply workers."""

    grants = (
        "GRANT USAGE ON SCHEMA pglogical TO {role}",
        "GRANT SELECT (sub_id, sub_name, sub_enabled) ON pglogical.subscription TO {role}",
    )
    revokes = (
        "REVOKE SELECT (sub_id, sub_name, sub_enabled) ON pglogical.subscription FROM {role}",
        "REVOKE USAGE ON SCHEMA pglogical FROM {role}",
    )

    ended = r'background worker "pglogical apply (\d+:\d+)" \(PID (\d+)\)'
    # Names of groups are Python's own.
    conflict = "|".join(re.sub(r"\?P<\w+>", "?:", known.pattern) for known in MESSAGES if known.kind == CONFLICT)

    def is_granted(self, session: Session, role: str) -> bool:
        """Ask for each privilege."""
        return bool(session.value(_GRANTED, {"role": role}))

    def is_member(self, session: Session) -> bool:
        """Look for the extension."""
        return bool(session.rows(EXTENSIONS))

    @property
    def connection_columns(self) -> str:
        """A worker that replicates may still wait for a lock, or for an upstream that is away."""
        return """(c.sub_name IS NOT NULL)::int AS present,
       coalesce(c.sub_enabled, false)::int AS enabled,
       coalesce(t.status = 'replicating', false)::int AS up,
       coalesce(t.status <> 'replicating'
                AND d.oid || ':' || c.sub_id = ANY (string_to_array(b.token, ' ')), false)::int AS conflict,
       extract(epoch FROM a.backend_start) AS worker_started_seconds,
       coalesce(a.wait_event_type = 'Lock', false)::int AS waiting"""

    @property
    def connection_joins(self) -> str:
        """The function fails on a name it does not know, so it is asked for subscriptions that are there."""
        return """  LEFT JOIN pglogical.subscription c ON c.sub_name = v.connection
  LEFT JOIN LATERAL pglogical.show_subscription_status(c.sub_name) t ON c.sub_name IS NOT NULL
  LEFT JOIN pg_database d ON d.datname = current_database()
  LEFT JOIN pg_stat_activity a ON a.application_name = 'pglogical apply ' || d.oid || ':' || c.sub_id"""
