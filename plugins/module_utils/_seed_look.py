# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a node can give to one that is seeded, or how far it is itself. Only reads."""

from __future__ import annotations

import json
import os
import typing as t

from . import _session
from ._engine import server
from ._home import SEEDED, found_data, found_major
from ._host import disk
from ._instance import SIGNAL_FILE
from ._links import connection_names
from ._model import Connection, NodePlan
from ._program import Runner, missing_packages, platform_name, server_facts
from ._seed import COPIED, FRESH, PHYSICAL, PROMOTED, RECEIPT, STANDBY
from ._slot_dialects import probe
from ._start_note import refusal

_SIZE = "SELECT (sum(pg_database_size(oid)) / 1024 / 1024)::bigint FROM pg_database"
_TABLESPACES = "SELECT spcname::text AS name FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')"
_MOST_SLOTS = """
SELECT setting::int FROM pg_settings WHERE name IN ('max_replication_slots', 'max_logical_slots')
"""
_SETS = """
SELECT set_name::text AS name FROM pglogical.replication_set s JOIN pglogical.local_node l ON l.node_id = s.set_nodeid
 WHERE set_name NOT IN ('default', 'default_insert_only', 'ddl_sql')
"""
_LARGE_OBJECTS = "SELECT count(*) FROM pg_largeobject_metadata"
_PGLOGICAL = "SELECT 1 FROM pg_extension WHERE extname = 'pglogical'"
_WRITTEN = "SELECT pg_current_wal_lsn()::text"
_BEHIND = """
SELECT pg_wal_lsn_diff(%(written)s::pg_lsn, remote_lsn)::bigint FROM pg_replication_origin_status
 WHERE external_id = %(slot)s
"""
ANSWER_SECONDS = 5
NOT_THERE = "not there"


def look(plan: NodePlan, run: Runner) -> dict[str, t.Any]:
    """Return what seed_info returns; its RETURN block says the keys."""
    data = found_data(plan)
    at = stage(plan)
    receipt = {} if at == FRESH else receipt_of(plan, at)
    seen: dict[str, t.Any] = {
        "data": data,
        "has_data": found_major(plan) is not None,
        "platform": platform_name(),
        "version": server_facts(plan.bin_directory, run)["version"],
        "free_mb": disk(plan)["free_mb"],
        "refused": refusal(plan, run),
        "missing_packages": missing_packages(plan.packages, run),
        "stage": at,
        "donor": receipt.get("donor", ""),
        "point": receipt.get("point", ""),
        # A receipt of 0.5.0 names none: there was no other.
        "method": receipt.get("method", PHYSICAL) if receipt else "",
        **{"answers": True, "error": "", "size_mb": 0, "free_slots": 0},
        **{"links": [], "slots": [], "sets": [], "tablespaces": [], "large_objects": []},
    }
    try:
        # A server without the engine cannot be asked for links.
        seen.update(_server(plan, plan.databases if data != SEEDED else ()))
    except _session.SessionError as error:
        seen.update(answers=False, error=" ".join(str(error).split()))
    return seen


def read_receipt(directory: str) -> dict[str, t.Any]:
    """Return what a copied data directory says of itself, nothing where it is none."""
    try:
        with open(f"{directory}/{RECEIPT}", encoding="utf-8") as file:
            return dict(json.load(file))
    except (OSError, ValueError):
        return {}


def receipt_of(plan: NodePlan, at: str) -> dict[str, t.Any]:
    """Return the receipt of a seeding that is at a stage."""
    return read_receipt(f"{plan.data_directory}.new" if at == COPIED else plan.data_directory)


def stage(plan: NodePlan) -> str:
    """Return how far the seeding of the node is, by what lies on its disk.

    A member may have kept the receipt of its own seeding, where the run that took it away was killed.
    """
    if found_data(plan) == SEEDED and read_receipt(plan.data_directory):
        if "stage" in read_receipt(plan.data_directory):
            return str(read_receipt(plan.data_directory)["stage"])
        return STANDBY if os.path.exists(f"{plan.data_directory}/{SIGNAL_FILE}") else PROMOTED
    return COPIED if read_receipt(f"{plan.data_directory}.new") else FRESH


def _server(plan: NodePlan, databases: t.Iterable[str]) -> dict[str, t.Any]:
    with _session.local(plan, "postgres", ANSWER_SECONDS) as session:
        slots = [row["name"] for row in probe(session).slots(session)]
        found = {
            "size_mb": int(session.value(_SIZE)),
            "tablespaces": [row["name"] for row in session.rows(_TABLESPACES)],
            "slots": slots,
            "free_slots": int(session.value(_MOST_SLOTS)) - len(slots),
        }
    sets: set[str] = set()
    large_objects: list[str] = []
    links: list[dict[str, t.Any]] = []
    present = _session.present_databases(plan)
    for database in databases:
        own = [connection for connection in plan.connections if connection.database == database]
        if database not in present:
            links += [_told(connection, False, NOT_THERE, None) for connection in own]
            continue
        with _session.local(plan, database, ANSWER_SECONDS) as session:
            made = connection_names(plan, server(plan), session, database)
            links += [_link(plan, session, connection, connection.name in made) for connection in own]
            if session.value(_LARGE_OBJECTS):
                large_objects.append(database)
            if session.rows(_PGLOGICAL):
                sets |= {row["name"] for row in session.rows(_SETS)}
    return {**found, "links": links, "sets": sorted(sets), "large_objects": large_objects}


def _link(plan: NodePlan, session: _session.Session, connection: Connection, exists: bool) -> dict[str, t.Any]:
    state, behind = NOT_THERE, None
    if exists:
        try:
            with _session.upstream(plan, connection, ANSWER_SECONDS) as upstream:
                state = server(plan).link_state(session, upstream, connection)
                # Elsewhere the node does not say how far it is.
                written = upstream.value(_WRITTEN) if plan.engine == "pglogical" else ""
            behind = session.value(_BEHIND, {"written": written, "slot": connection.slot}) if written else None
        except _session.SessionError as error:
            state = f"{connection.upstream} cannot be reached: {' '.join(str(error).split())}"
    return _told(connection, exists, state, behind)


def _told(connection: Connection, exists: bool, state: str, behind: int | None) -> dict[str, t.Any]:
    link = {"database": connection.database, "upstream": connection.upstream}
    return {**link, "exists": exists, "state": state, "behind_bytes": behind}
