# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Let a comparison pause while a node has other things to do."""

from __future__ import annotations

import typing as t

from .nodes import Nodes

# What each server has of these is probed: {lag} stands for the WAL that the slots in use hold back.
_ACTIVE = "SELECT count(*) AS number FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
_PROBE = """
SELECT (SELECT min(p.proname::text) FROM pg_proc p WHERE p.proname IN ('pg_current_wal_lsn', 'pg_current_xlog_location')
           AND p.pronargs = 0) AS current,
       (SELECT min(p.proname::text) FROM pg_proc p WHERE p.proname IN ('pg_wal_lsn_diff', 'pg_xlog_location_diff'))
           AS diff,
       (SELECT string_agg(a.attname::text, ',') FROM pg_attribute a
         WHERE a.attrelid = 'pg_stat_replication'::regclass
           AND a.attname IN ('replay_lsn', 'replay_location')) AS replayed
"""
_LAG = """
SELECT coalesce(max({diff}({current}(), {replayed}::text::{type})), 0)::int8 AS bytes FROM pg_stat_replication
"""


class Throttle:
    """The limits, and the look whether a node is beyond one."""

    def __init__(self, max_lag_mb: int, max_active: int) -> None:
        self._max_lag = max_lag_mb * 1024 * 1024
        self._max_active = max_active
        self._lag_queries: dict[str, str] = {}

    def reason(self, nodes: Nodes) -> str:
        """Return why to pause, empty where there is no reason."""
        if self._max_lag:
            answers = nodes.ask_each({node: (self._lag_query(nodes, node), {}) for node in nodes.names})
            for node, rows in answers.items():
                if rows[0]["bytes"] > self._max_lag:
                    return f"a link of {node} is {rows[0]['bytes'] // 1048576} MB behind"
        if self._max_active:
            for node, rows in nodes.ask(_ACTIVE).items():
                if rows[0]["number"] > self._max_active:
                    return f"{node} has {rows[0]['number']} active sessions"
        return ""

    def _lag_query(self, nodes: Nodes, node: str) -> str:
        if node not in self._lag_queries:
            found: dict[str, t.Any] = nodes.ask_each({node: (_PROBE, {})})[node][0]
            kind = "pg_lsn" if found["diff"] == "pg_wal_lsn_diff" else "text"
            self._lag_queries[node] = _LAG.format(**found, type=kind) if all(found.values()) else "SELECT 0 AS bytes"
        return self._lag_queries[node]
