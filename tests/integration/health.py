"""A plex in which something is to go wrong: small slots, a few tables, and the looks at it that a report is made of."""

from __future__ import annotations

import json
import typing as t

from groups import Group, Run, eventually
from modules import Runner, node_plans, stand

NODES = ("alpha", "bravo", "charlie")
# A slot may hold back 96 MB; WAL is written a segment at a time. Nothing writes by itself.
SETTINGS = {
    "max_wal_size": "64MB",
    "min_wal_size": "32MB",
    "max_slot_wal_keep_size": "96MB",
    "autovacuum": "off",
}
TABLES = """
CREATE TABLE town (id int PRIMARY KEY, n int);
CREATE TABLE mail (id int PRIMARY KEY, address text UNIQUE);
CREATE TABLE gone (id int PRIMARY KEY);
"""


def with_tables(group: Group, more: str = "") -> Group:
    """Return the group, which stands by then, with the same rows on all nodes."""
    stand(group)
    group.everywhere(TABLES + more)
    group.sql("alpha", "INSERT INTO town VALUES (1, 1)")
    group.sql("alpha", "INSERT INTO mail VALUES (1, 'a'), (2, 'b')")
    for node in NODES:
        eventually(lambda node=node: group.sql(node, "SELECT count(*) FROM mail"), [(2,)])
    return group


def plan_of(group: Group) -> dict[str, t.Any]:
    """Return what a report wants of the plan."""
    return {
        **{"group": group.name, "max_clock_skew_ms": 1000, "nodes": node_plans(group)},
        "links": [
            {"database": "appdb", "upstream": upstream, "downstream": downstream}
            for upstream in NODES
            for downstream in NODES
            if upstream != downstream
        ],
    }


def looked_at(run: Runner) -> dict[str, dict[str, t.Any]]:
    """Return what status_info returns of each node."""
    found = {node: run("status_info", node) for node in NODES}
    for node in found.values():
        del node["clock"]  # the action plugin's to make sense of
    return found


def played(playbook: str, group: Group, **variables: t.Any) -> tuple[Run, dict[str, t.Any]]:
    """Run the playbook of a report, and return the run and the JSON that it wrote."""
    file = group.directory / f"{playbook}.json"
    file.unlink(missing_ok=True)
    run = group.play(playbook, "-e", json.dumps({f"bdr_{playbook}_file": str(file), **variables}))
    assert file.exists(), run.output
    return run, json.loads(file.read_text())
