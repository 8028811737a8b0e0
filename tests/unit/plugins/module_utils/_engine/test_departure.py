# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of a node that departed, by engine; what the SQL does is tested on servers."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _engine
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import (
    contrib_bdr_departure,
    contrib_bdr_sql,
    pglogical_departure,
    pglogical_sql,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.departure import _HEARTBEATS as HEARTBEATS
from ansible_collections.pgbdr.bdr.plugins.module_utils._session_types import SessionError
from ansible_collections.pgbdr.bdr.plugins.module_utils._state import Item
from ansible_collections.pgbdr.bdr.tests.unit.builders import FakeSession, node_plan

SYSID = 6_000_000_000_000_000_001
IDENTITY = [{"sysid": SYSID.to_bytes(8, "little").hex(), "dboid": 16384}]
VIEW = [{"name": "pg_replication_slots"}]
SLOTS = contrib_bdr_sql.SLOTS.format(view="pg_replication_slots")
EXTENSIONS = [{"name": "btree_gist", "installed": True}, {"name": "bdr", "installed": True}]
MINE, STAYS, GONE = (str(SYSID), "16384"), ("7", "16400"), "9"


def made(era: str = "", **shared):
    """Return alpha's departure of charlie."""
    options = {"bdr_engine": "contrib_bdr", "bdr_era": era} if era else {}
    return _engine.departure(node_plan("alpha", **options, **shared), node_plan("charlie", **options, **shared))


def texts(statements) -> list[str]:
    return [" ".join(statement.text.split()) for statement in statements]


# --- pglogical ------------------------------------------------------------------------------------

PGL = pglogical_departure


def pglogical_session(**changes) -> FakeSession:
    answers = {
        pglogical_sql.EXTENSIONS: [{"name": "pglogical"}],
        PGL._SUBSCRIPTIONS: [{"name": "charlie_alpha"}],
        PGL._SLOTS: [{"name": "pgl_appdb_alpha_alpha_charlie", "active": True}],
        PGL._ORIGINS: [{"name": "pgl_appdb_charlie_charlie_alpha"}],
        PGL._NODES: [{"name": "charlie"}],
        PGL._RECEIVED: [{"lsn": "0/5"}],
        HEARTBEATS: [{"found": 1}],
    }
    return FakeSession({**answers, **changes})


def test_pglogical_names_everything_after_both_nodes():
    session = pglogical_session()
    found = made()
    assert list(found.connections(session, "appdb")) == [Item("subscription", "charlie_alpha", "appdb")]
    assert list(found.rest(session, "appdb", ())) == [
        Item("slot", "pgl_appdb_alpha_alpha_charlie", "appdb"),
        Item("replication origin", "pgl_appdb_charlie_charlie_alpha", "appdb"),
        Item("pglogical node", "charlie", "appdb"),
        Item("heartbeats of", "charlie", "appdb"),
    ]
    asked = dict(session.asked)
    assert asked[PGL._SLOTS] == {"names": ["pgl_appdb_alpha_alpha_charlie"]}
    assert asked[PGL._ORIGINS] == {"names": ["pgl_appdb_charlie_charlie_alpha"]}
    assert asked[PGL._SUBSCRIPTIONS] == asked[PGL._NODES] == {"node": "charlie"}
    assert asked[HEARTBEATS] == {"name": "charlie"}
    assert found.slots(session, "appdb", ()) == {"pgl_appdb_alpha_alpha_charlie": True}


def test_pglogical_without_its_extension_or_with_nothing_left():
    session = FakeSession(
        {pglogical_sql.EXTENSIONS: [], PGL._SLOTS: [], PGL._ORIGINS: [], PGL._RECEIVED: [], HEARTBEATS: []}
    )
    found = made()
    assert found.connections(session, "appdb") == found.rest(session, "appdb", ()) == {}
    assert found.received_up_to(session, "appdb") == ""
    assert found.identity(session) is None


def test_pglogical_tells_how_far_changes_got():
    assert made().received_up_to(pglogical_session(), "appdb") == "0/5"


@pytest.mark.parametrize(
    ("kind", "wanted", "alone"),
    [
        ("subscription", "pglogical.drop_subscription", [True]),
        ("slot", "pg_drop_replication_slot", [True, True]),
        ("replication origin", "pg_replication_origin_drop", [False]),
        ("pglogical node", "pglogical.drop_node", [False]),
        ("heartbeats of", "DELETE FROM pgbdr.heartbeat", [False]),
    ],
)
def test_pglogical_removes(kind, wanted, alone):
    statements = made().removal(Item(kind, "x", "appdb"))
    assert wanted in texts(statements)[-1]
    assert [statement.alone for statement in statements] == alone
    assert all(statement.values == {"name": "x"} for statement in statements)


# --- contrib_bdr ----------------------------------------------------------------------------------


def contrib_session(*slots: str, **changes) -> FakeSession:
    answers = {
        contrib_bdr_sql.IDENTITY: IDENTITY,
        contrib_bdr_sql.SLOT_VIEW: VIEW,
        contrib_bdr_sql.EXTENSIONS: EXTENSIONS,
        SLOTS: [{"name": name, "active": False} for name in slots],
        HEARTBEATS: [],
    }
    return FakeSession({**answers, **changes})


@pytest.mark.parametrize(
    ("era", "shape"), [("0.4", "bdr: {here}:{sysid}-1-{dboid}:"), ("0.7", "bdr_{here}_{sysid}_1_{dboid}__")]
)
def test_a_slot_that_nobody_who_stays_accounts_for(era, shape):
    names = {
        who: shape.format(here=here, sysid=sysid, dboid=dboid)
        for who, here, sysid, dboid in (
            ("stays", 16384, *STAYS),
            ("gone", 16384, GONE, 16400),
            ("another database of a host that stays", 16384, STAYS[0], 16401),
            ("of another database here", 16385, GONE, 16400),
        )
    }
    session = contrib_session(*names.values(), "backup")
    assert set(made(era).slots(session, "appdb", {MINE, STAYS})) == {
        names["gone"],
        names["another database of a host that stays"],
    }


def test_no_slot_goes_while_nobody_knows_who_stays():
    with pytest.raises(SessionError, match="remaining: alpha itself"):
        made("0.4").slots(contrib_session(), "appdb", {STAYS})


def test_who_a_node_is():
    assert made("0.4").identity(contrib_session()) == MINE


def test_identifiers_of_04_stay():
    assert made("0.4").rest(contrib_session(), "appdb", {MINE}) == {}


def test_rows_and_identifiers_of_07():
    rows = [
        {"sysid": MINE[0], "timeline": "1", "dboid": MINE[1]},
        {"sysid": GONE, "timeline": "1", "dboid": "16400"},
    ]
    names = [
        f"bdr_{STAYS[0]}_1_{STAYS[1]}_16384_",
        f"bdr_{GONE}_1_16400_16384_",
        f"bdr_{GONE}_1_16400_16385_",
        "another",
    ]
    found = made("0.7")
    session = contrib_session()
    session.answers = {
        **session.answers,
        contrib_bdr_departure._NODES: rows,
        contrib_bdr_departure._IDENTIFIERS: [{"name": name} for name in names],
    }
    assert list(found.rest(session, "appdb", {MINE, STAYS})) == [
        Item("bdr node", f"{GONE}-1-16400", "appdb"),
        Item("replication identifier", f"bdr_{GONE}_1_16400_16384_", "appdb"),
    ]
    session.answers = {**session.answers, contrib_bdr_sql.EXTENSIONS: EXTENSIONS[:1]}
    assert found.rest(session, "appdb", {MINE}) == {}


@pytest.mark.parametrize(
    ("era", "kind", "wanted"),
    [
        ("0.4", "slot", ["SELECT stop_logical_replication(%(name)s)"]),
        ("0.4", "heartbeats of", ["SET replication_origin_id = 1", "DELETE FROM pgbdr.heartbeat"]),
        ("0.7", "slot", ["SELECT pg_drop_replication_slot(%(name)s)"]),
        ("0.7", "bdr node", ["DELETE FROM bdr.bdr_nodes"]),
        ("0.7", "replication identifier", ["SELECT pg_replication_identifier_drop(%(name)s)"]),
        ("0.7", "heartbeats of", ["DELETE FROM pgbdr.heartbeat"]),
    ],
)
def test_contrib_bdr_removes(era, kind, wanted):
    found = texts(made(era).removal(Item(kind, "x", "appdb")))
    assert len(found) == len(wanted)
    assert all(text.startswith(start) for text, start in zip(found, wanted, strict=True))


def test_connections_of_contrib_bdr_are_in_no_database():
    assert made("0.7").connections(contrib_session(), "appdb") == {}
    assert made("0.7").received_up_to(contrib_session(), "appdb") == ""
