"""A comparison of tables on the nodes of a group, row by row: what repair.yml is given."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import psycopg2
import psycopg2.extras
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_hash as h
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_keys as by_key
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_table as tables
from groups import SOCKETS, Group

Found = dict[str, t.Any]
SEED = 4711


class Node:
    """A session of a node as a comparison has it."""

    def __init__(self, group: Group, name: str, database: str) -> None:
        where = {"host": SOCKETS, "port": group.ports[name], "dbname": database, "user": "postgres"}
        self.connection = psycopg2.connect(**where, cursor_factory=psycopg2.extras.RealDictCursor)
        self.connection.autocommit = True
        self.capabilities = tables.capabilities(self.rows(tables.CAPABILITIES)[0])
        for setting, value in h.session_settings([self.capabilities]).items():
            self.rows("SELECT set_config(%s, %s, false)", [setting, value])
        self.rows(h.where_known())

    def rows(self, text: str, values: t.Any = None) -> list[Found]:
        """Run a query and return its rows."""
        with self.connection.cursor() as cursor:
            cursor.execute(text, values)
            return [dict(row) for row in cursor.fetchall()]


def compare(group: Group, *names: str, database: str = "appdb", equality: str = h.EXACT) -> Found:
    """Return the comparison of some tables (schema.name) of all nodes."""
    nodes = {name: Node(group, name, database) for name in group.ports}
    mode = h.hash_mode([node.capabilities for node in nodes.values()])
    compared = [_table(nodes, *name.split("."), database, mode, equality) for name in names]
    for node in nodes.values():
        node.connection.close()
    return {
        "session": "20261122T091500",
        "started": "2026-11-22T09:15:00+00:00",
        "seconds": 0.1,
        "verdict": "different" if any(each["differences"] for each in compared) else "equal",
        "hash": {"mode": mode, "seed": SEED, "equality": equality},
        "nodes": list(group.ports),
        "absent": [],
        "fence": {"rounds": 1, "seconds": 0.1, "unfenced": []},
        "tables": compared,
    }


def _table(nodes: dict[str, Node], schema: str, name: str, database: str, mode: str, equality: str) -> Found:
    found = {
        node: tables.table(session.rows(tables.TABLES, tables.wanted(tables=[(schema, name)]))[0])
        for node, session in nodes.items()
    }
    common, notes = tables.common(found)
    text = (
        f"SELECT {by_key.key_select(common)}, {h.row_hash(common, mode, equality, SEED)}::text AS hash,"
        f" row_to_json(t.*)::text AS everything FROM {h.relation(common)}"
    )
    rows: dict[str, dict[t.Any, Found]] = {}
    for node, session in nodes.items():
        read = session.rows(text)
        rows[node] = {tuple(row[f"k{place}"] for place in range(len(common.key))): row for row in read}
    keys = sorted({key for each in rows.values() for key in each})
    differences = [
        found
        for found in (
            _difference(by_key.readable(common, key), {node: rows[node].get(key) for node in nodes}) for key in keys
        )
        if len(found["versions"]) > 1
    ]
    return {
        "database": database,
        "schema": schema,
        "name": name,
        "key": list(common.key),
        "key_kind": common.key_kind,
        "columns": [column.name for column in common.columns],
        "rows": {node: len(each) for node, each in rows.items()},
        "missing_on": [],
        "verdict": "different" if differences else "equal",
        "reason": "",
        "notes": list(notes),
        "fingerprints": {node: tables.fingerprint(each) for node, each in found.items()},
        "differing": len(differences),
        "truncated": False,
        "pairs": [],
        "differences": differences,
    }


def _difference(key: Found, rows: dict[str, Found | None]) -> Found:
    by_hash: dict[str | None, list[str]] = {}
    for node, row in rows.items():
        by_hash.setdefault(row["hash"] if row else None, []).append(node)
    values = {node: json.loads(row["everything"]) if row else {} for node, row in rows.items()}
    versions = [
        {"nodes": each, "hash": hashed, "count": int(hashed is not None), "values": _texts(values[each[0]])}
        for hashed, each in sorted(by_hash.items(), key=lambda item: -len(item[1]))
    ]
    first = versions[0]["nodes"]
    return {
        "key": key,
        "verdict": "different",
        "reason": "",
        "versions": versions,
        "columns": sorted({name for each in versions for name in each["values"]}),
        "unfenced": [],
        "majority": first if 2 * len(first) > len(rows) else [],
        "newest": [],
        "committed": {},
        "origin": {},
    }


def _texts(values: Found) -> Found:
    return {name: None if value is None else str(value) for name, value in values.items()}


def write(found: Found, path: Path) -> Path:
    """Write a comparison as compare.yml does."""
    path.write_text(json.dumps(found), encoding="utf-8")
    return path
