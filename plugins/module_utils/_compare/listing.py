# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The tables of a database on all nodes that are compared, and what each server can do for it."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .. import _compare_hash as rows_as_sql
from .. import _compare_table as table
from .hashing import Probed
from .nodes import Nodes
from .settings import Settings

# A function alone does not help: the setting that fills it may be off. Nor does the setting, which is older than
# the functions of today.
_COMMIT_TIMES = """
SELECT CASE WHEN f.tracked AND 'pg_xact_commit_timestamp' = ANY(f.names) THEN 'timestamp'
            WHEN f.tracked AND 'pg_get_transaction_committime' = ANY(f.names) THEN 'committime'
            ELSE '' END AS committed,
       CASE WHEN f.tracked AND 'pg_xact_commit_timestamp_origin' = ANY(f.names) THEN 'origin' ELSE '' END AS origin
  FROM (SELECT EXISTS (SELECT 1 FROM pg_settings WHERE name = 'track_commit_timestamp' AND setting = 'on') AS tracked,
               ARRAY(SELECT proname::text FROM pg_proc WHERE proname ~ '^pg_(xact_commit|get_transaction)') AS names) f
"""
_DIGITS = "SELECT set_config('extra_float_digits', %(digits)s, false)"
# Whoever alters a table keeps it locked; the comparison goes on with the others.
_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', '10s', false)"
_IN_SETS = """
SELECT n.nspname::text AS schema, c.relname::text AS name
  FROM pglogical.replication_set_table t JOIN pglogical.replication_set s ON s.set_id = t.set_id
  JOIN pg_class c ON c.oid = t.set_reloid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE s.set_name = ANY(%(sets)s)
"""


class Tables:
    """Tables by schema and name, then by node."""

    def __init__(self, found: t.Mapping[str, t.Sequence[table.CompareTable]], probed: t.Mapping[str, Probed]) -> None:
        self.probed = probed
        self._nodes = list(found)
        self._tables: dict[tuple[str, str], dict[str, table.CompareTable]] = {}
        for node, tables in found.items():
            for each in tables:
                self._tables.setdefault((each.schema, each.name), {})[node] = each

    def listed(self, settings: Settings, database: str) -> t.Iterator[dict[str, t.Any]]:
        """Yield what is told of each table that is to be compared, the largest last: small ones tell sooner."""
        wanted = {name: found for name, found in self._tables.items() if settings.wants(database, *name)}
        for (schema, name), found in sorted(wanted.items(), key=lambda each: (_rows(each[1]), each[0])):
            missing = [node for node in self._nodes if node not in found]
            common, notes = table.common(found)
            chosen, reason = _chosen(common, settings.columns_of(schema, name))
            unreadable = [node for node, each in sorted(found.items()) if not each.readable]
            if unreadable:
                reason = f"no right to read it on {', '.join(unreadable)}: GRANT SELECT ON {schema}.{name}"
            if len(found) < 2:
                reason = f"there on {', '.join(found)} only"
            yield {
                "database": database,
                "schema": schema,
                "name": name,
                "key": list(chosen.key),
                "key_kind": chosen.key_kind,
                "columns": [column.name for column in chosen.columns],
                "nodes": sorted(found),
                "missing_on": missing,
                "notes": list(notes),
                "reason": reason,
                "fingerprints": self.fingerprints(schema, name),
                "estimate": _rows(found),
            }

    def fingerprints(self, schema: str, name: str) -> dict[str, str]:
        """Return a digest of each node's definition of a table."""
        found = self._tables.get((schema, name), {})
        return {node: table.fingerprint(each) for node, each in sorted(found.items())}

    def changed(self, told: t.Mapping[str, t.Any]) -> list[str]:
        """Return the nodes whose definition of a listed table is another one by now, or gone."""
        found = self.fingerprints(told["schema"], told["name"])
        before = told["fingerprints"]
        return [node for node in self._nodes if before.get(node) != found.get(node)]

    def chosen(self, told: t.Mapping[str, t.Any]) -> table.CompareTable:
        """Return a listed table as it is compared."""
        common, _notes = table.common(self._tables[told["schema"], told["name"]])
        return replace(common, columns=tuple(column for column in common.columns if column.name in told["columns"]))


def _rows(found: t.Mapping[str, table.CompareTable]) -> float:
    return max(each.rows_estimate or each.pages for each in found.values())


def _chosen(common: table.CompareTable, columns: t.Sequence[str]) -> tuple[table.CompareTable, str]:
    """Return a table with some of its columns and its key, and what stands against that."""
    if not columns:
        return common, ""
    unknown = sorted(set(columns) - {column.name for column in common.columns})
    kept = tuple(column for column in common.columns if column.name in (*columns, *common.key))
    reason = f"bdr_compare_columns: it has no column {', '.join(unknown)}" if unknown else ""
    return replace(common, columns=kept), reason


def read_tables(nodes: Nodes, settings: Settings) -> Tables:
    """Bring the sessions of all nodes to settings under which all write values alike, and read their tables.

    What a session begins with is SESSION of _compare_hash already.
    """
    able = [table.capabilities(rows[0]) for rows in nodes.ask(table.CAPABILITIES).values()]
    digits = {"digits": rows_as_sql.session_settings(able)["extra_float_digits"]}
    nodes.prepare([(_DIGITS, digits), (rows_as_sql.where_known(), {}), (_LOCK_TIMEOUT, {})])
    times = nodes.ask(_COMMIT_TIMES)
    probed = {
        node: Probed(table.capabilities(rows[0]), times[node][0]["committed"], times[node][0]["origin"])
        for node, rows in nodes.ask(table.CAPABILITIES).items()
    }
    found = {node: [table.table(row) for row in rows] for node, rows in nodes.ask(table.TABLES, table.wanted()).items()}
    if settings.replication_sets:
        sets = nodes.ask(_IN_SETS, {"sets": list(settings.replication_sets)})
        names = {(row["schema"], row["name"]) for rows in sets.values() for row in rows}
        found = {node: [each for each in tables if (each.schema, each.name) in names] for node, tables in found.items()}
    return Tables(found, probed)
