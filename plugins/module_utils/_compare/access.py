# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What the replication role may read of a node, as it is and as a comparison needs it. Pure.

The role can read everything anyway, by decoding the WAL or by a base backup: nothing is given away.
"""

from __future__ import annotations

import typing as t

from .._model import NodePlan
from .._session_types import Session, Statement
from .._state import Item, State, Step

SERVER_ROLES = ("pg_read_all_data", "pg_read_all_stats")
"""Roles of newer servers; with the first, no table has to be granted by itself."""

_HELD = """
SELECT g.rolname::text AS name, pg_has_role(r.oid, g.oid, 'MEMBER') AS held
  FROM pg_roles g, pg_roles r WHERE g.rolname = ANY(%(names)s) AND r.rolname = %(role)s ORDER BY 1
"""
_SCHEMAS = """
SELECT n.nspname::text AS name, has_schema_privilege(%(role)s, n.oid, 'USAGE')
       AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p')
                          AND NOT has_table_privilege(%(role)s, c.oid, 'SELECT')) AS readable
  FROM pg_namespace n
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_'
 ORDER BY 1
"""


class Access:
    """What the replication role of a node may read: a part of the node's state."""

    def __init__(self, plan: NodePlan) -> None:
        self._role = plan.replication_user
        self._first = plan.databases[:1]
        self._wanted: dict[str, State] = {}

    def observe(self, session: Session, database: str) -> State:
        """Return the server's roles that the role holds; where the server has none that reads all, schema by schema."""
        rows = session.rows(_HELD, {"names": list(SERVER_ROLES), "role": self._role})
        has_reader = any(row["name"] == SERVER_ROLES[0] for row in rows)
        # They are the whole server's: told once.
        items = {Item("membership in", row["name"]): row["held"] for row in rows if database in self._first}
        if not has_reader:
            schemas = session.rows(_SCHEMAS, {"role": self._role})
            items.update({Item("reading of schema", row["name"], database): row["readable"] for row in schemas})
        self._wanted[database] = {item: {} for item in items}
        return {item: {} for item, held in items.items() if held}

    def wanted(self, found: State, database: str) -> State:
        """Return the same as they should be: all that are there."""
        return self._wanted.get(database, {})

    def batches(self, steps: t.Sequence[Step]) -> t.Iterable[t.Sequence[Statement]]:
        """Return what carries out the steps."""
        for step in steps:
            names = {"role": self._role, "name": step.item.name}
            if step.item.kind == "membership in":
                yield [Statement("GRANT {name} TO {role}", names)]
            else:
                texts = (
                    "GRANT USAGE ON SCHEMA {name} TO {role}",
                    "GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO {role}",
                )
                yield [Statement(text, names) for text in texts]
