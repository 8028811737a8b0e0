# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engine contrib_bdr on a server that only has rows, in both its eras: what is read, what is wanted, what is written.

What the SQL does on a real server is tested in tests/contrib_bdr.
"""

from __future__ import annotations

import re
import sys

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _render
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import contrib_bdr_sql as sql
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import server
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.contrib_bdr import CONNECTIONS
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.server import EngineServer
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import Setting
from ansible_collections.pgbdr.bdr.plugins.module_utils._state import Item, Step, diff
from ansible_collections.pgbdr.bdr.tests.unit.builders import FakeSession, connection_settings, node_plan

OLD = {"bdr_engine": "contrib_bdr", "bdr_era": "0.4"}
NEW = {"bdr_engine": "contrib_bdr", "bdr_era": "0.7"}
ERAS = [OLD, NEW]
ONE_WAY = {"bdr_topology": "one_way", "bdr_upstream": "alpha"}

BTREE_GIST = Item("extension", "btree_gist", "appdb")
BDR = Item("extension", "bdr", "appdb")
GRANTS = Item("grants on bdr to", "bdr_replication", "appdb")
NODE = Item("bdr node", "alpha", "appdb")


def engine(era: dict, name: str = "alpha", names: str = "alpha bravo", **shared) -> EngineServer:
    return server(node_plan(name, names, **era, **shared))


def extensions(*installed: str) -> list[dict]:
    """Return the extensions that a server has at hand, some of them installed."""
    return [{"name": name, "installed": name in installed} for name in ("btree_gist", "bdr")]


# --- Membership -----------------------------------------------------------------------------------


def member_steps(
    found: EngineServer,
    installed: str = "btree_gist bdr",
    granted: bool | None = True,
    status: str | None = "r",
) -> list[str]:
    session = FakeSession(
        {
            sql.EXTENSIONS: extensions(*installed.split()),
            sql.GRANTED: [] if granted is None else [{"granted": granted}],
            sql.REGISTERED: [] if status is None else [{"status": status}],
        }
    )
    state = found.observe_member(session, "appdb")
    assert all(values == {"role": "bdr_replication"} for text, values in session.asked if text == sql.GRANTED)
    return [str(step) for step in diff(state, found.wanted_member(state, "appdb"))]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("node", ["alpha", "bravo"])
def test_a_node_that_is_as_it_should_be_needs_nothing(era, node):
    assert member_steps(engine(era, node)) == []


@pytest.mark.parametrize(
    ("era", "more"),
    [(OLD, []), (NEW, ["create grants on bdr to bdr_replication in appdb", "create bdr node alpha in appdb"])],
)
def test_a_database_without_anything_needs_everything_in_order(era, more):
    found = engine(era)
    basic = ["create extension btree_gist in appdb", "create extension bdr in appdb"]
    assert member_steps(found, installed="", granted=None, status=None) == [*basic, *more]


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({"granted": False}, ["create grants on bdr to bdr_replication in appdb"]),
        ({"granted": None}, ["create grants on bdr to bdr_replication in appdb"]),
        ({"status": None}, ["create bdr node alpha in appdb"]),
        # The server is at it.
        *(({"status": status}, []) for status in "rico"),
    ],
)
def test_drift_of_a_node_from_0_5_on(changes, steps):
    assert member_steps(engine(NEW), **changes) == steps
    assert member_steps(engine(OLD), **changes) == []


@pytest.mark.parametrize("era", ERAS)
def test_without_the_extension_its_tables_are_not_asked_for(era):
    session = FakeSession({sql.EXTENSIONS: extensions("btree_gist")})
    assert engine(era).observe_member(session, "appdb") == {BTREE_GIST: {}}
    assert [text for text, _values in session.asked] == [sql.EXTENSIONS]


@pytest.mark.parametrize(("era", "installs"), [(OLD, False), (NEW, True)])
def test_a_node_without_upstreams_needs_the_extension_where_the_library_is_its_output_plugin(era, installs):
    found = engine(era, "alpha", **ONE_WAY)
    assert bool(member_steps(found, installed="", granted=None, status=None)) is installs
    downstream = engine(era, "bravo", **ONE_WAY)
    assert "create extension bdr in appdb" in member_steps(downstream, installed="", granted=None, status=None)


@pytest.mark.parametrize("era", ERAS)
def test_each_database_is_looked_at_for_itself(era):
    databases = [{"name": "x"}, {"name": "y", "nodes": ["bravo", "charlie"]}]
    found = engine(era, "alpha", "alpha bravo charlie", bdr_databases=databases)
    assert Item("extension", "bdr", "x") in found.wanted_member({}, "x")
    assert found.wanted_member({}, "y") == {}
    assert found.wanted_member({}, "postgres") == {}


@pytest.mark.parametrize("era", ERAS)
def test_up_to_0_4_the_library_of_one_database_is_not_wanted_in_another(era):
    databases = [{"name": "x"}, {"name": "y", **{k[4:]: v for k, v in ONE_WAY.items()}}]
    found = engine(era, "alpha", "alpha bravo", bdr_databases=databases)
    assert bool(found.wanted_member({}, "y")) is (era is NEW)


def test_preparing_a_node_is_not_replicated_from_0_5_on():
    """DDL is, and under a lock of the whole group: the settings keep what the modules do out of it."""
    assert engine(OLD).session_settings == {}
    assert engine(NEW).session_settings == {
        "bdr.skip_ddl_replication": "on",
        "bdr.skip_ddl_locking": "on",
        "bdr.permit_unsafe_ddl_commands": "on",
    }


@pytest.mark.parametrize("era", ERAS)
def test_nothing_is_warned_of(era):
    assert engine(era).warnings({BDR: {}, Item("table", "public.t", "appdb"): {}}) == []


# --- Statements -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("era", "item", "wanted"),
    [
        *(
            (era, item, [(sql.CREATE_EXTENSION, {"extension": item.name})])
            for era in ERAS
            for item in (BTREE_GIST, BDR)
        ),
        (NEW, GRANTS, [(text, {"role": "bdr_replication"}) for text in sql.GRANT]),
        (NEW, NODE, [(sql.REGISTER, {})]),
    ],
)
def test_statements_of_a_step(era, item, wanted):
    found = list(engine(era).statements(Step(item, None, {})))
    assert [(statement.text, statement.identifiers) for statement in found] == wanted
    for statement in found:
        assert set(re.findall(r"\{(\w+)\}", statement.text)) == set(statement.identifiers)
        assert not statement.alone


@pytest.mark.parametrize("name", [name for name in vars(sql) if name.isupper()])
def test_the_sql_is_for_servers_of_their_time(name):
    text = " ".join([getattr(sql, name)] if isinstance(getattr(sql, name), str) else getattr(sql, name))
    for newer in ("jsonb", "to_regclass", "ON CONFLICT", "FILTER (", "IF NOT EXISTS", "pg_control_system", "regrole"):
        assert newer.lower() not in text.lower()


# --- Connections ----------------------------------------------------------------------------------

DSN = "host=192.0.2.12 port=5432 dbname=appdb user=bdr_replication"


def text_of(found: EngineServer, *settings: Setting) -> str:
    return _render.connections(found.plan, settings)


def written(found: EngineServer, text: str = "", left_out: tuple[str, ...] = ()) -> dict[str, str]:
    """Return what the file holds once it was written, by the way through its text."""
    return _render.settings_in(_render.connections(found.plan, found.wanted_settings(text, left_out)))


def named(*settings: tuple[str, str]) -> list[Setting]:
    return [Setting(name, value, "fixed", "it's ours") for name, value in settings]


@pytest.mark.parametrize("era", ERAS)
def test_no_database_holds_connections(era):
    found = engine(era)
    assert found.observe_connections(FakeSession({}), "appdb") == {}
    assert found.wanted_connections("appdb") == {}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "shared",
    [
        {},
        {"names": "alpha bravo charlie", "bdr_databases": ["orders", "log"]},
        {"own": {"alpha": {"bdr_apply_delay_ms": 500}}},
        # What must be quoted in a DSN must be quoted once more in the file.
        {"bdr_databases": ["it's my db"]},
        {"bdr_databases": ["back\\slash", "two''s \\' 's"]},
    ],
)
def test_what_is_written_is_what_is_read(era, shared):
    found = engine(era, **shared)
    planned = connection_settings(found.plan)
    assert written(found) == planned
    text = _render.connections(found.plan, found.wanted_settings("", ()))
    assert found.connections_in(text) == [connection.name for connection in found.plan.connections]
    assert written(found, text) == planned
    assert found.wanted_settings(text, ()) == found.plan.connection_settings


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("", []),
        ("bravo", ["bravo"]),
        ("bravo,charlie", ["bravo", "charlie"]),
        (" bravo , charlie ,", ["bravo", "charlie"]),
    ],
)
@pytest.mark.parametrize("era", ERAS)
def test_the_names_of_the_connections(era, value, names):
    found = engine(era)
    assert found.connections_in(text_of(found, *named((CONNECTIONS, value)))) == names
    assert found.connections_in(text_of(found)) == found.connections_in("") == []


SEPARATOR = {"0.4": ".", "0.7": "_"}


@pytest.mark.parametrize("era", ERAS)
def test_a_stranger_is_left_alone(era):
    found, mark = engine(era), SEPARATOR[era["bdr_era"]]
    theirs = ((f"bdr.zulu{mark}dsn", "host=z options='-c a=\\'b\\''"), (f"bdr.zulu{mark}apply_delay", "7"))
    text = text_of(found, *named((CONNECTIONS, "zulu, bravo"), (f"bdr.bravo{mark}dsn", "old"), *theirs))
    assert written(found, text) == {CONNECTIONS: "bravo, zulu", f"bdr.bravo{mark}dsn": DSN, **dict(theirs)}
    # And so it is in the run after.
    again = _render.connections(found.plan, found.wanted_settings(text, ()))
    assert _render.connections(found.plan, found.wanted_settings(again, ())) == again


@pytest.mark.parametrize("era", ERAS)
def test_connections_are_told_as_the_plan_has_them(era):
    found, mark = engine(era, bdr_apply_delay_ms=9), SEPARATOR[era["bdr_era"]]
    text = _render.connections(found.plan, found.plan.connection_settings)
    assert found.connections_found(FakeSession({}), "appdb", text) == list(found.plan.connections)
    theirs = ((f"bdr.zulu{mark}dsn", "host=z dbname='other'"), (f"bdr.yankee{mark}dsn", "host=y dbname=other user=x"))
    text = text_of(found, *named((CONNECTIONS, "zulu, xray, yankee"), *theirs))
    assert found.connections_found(FakeSession({}), "appdb", text) == []
    told = [("zulu", "host=z dbname='other'", ""), ("yankee", "host=y dbname=other user=x", "")]
    assert [
        (each.name, each.dsn, each.slot) for each in found.connections_found(FakeSession({}), "other", text)
    ] == told


@pytest.mark.parametrize("era", ERAS)
def test_strangers_of_a_node_without_upstreams_are_left_alone(era):
    found, mark = engine(era, "alpha", **ONE_WAY), SEPARATOR[era["bdr_era"]]
    there = {CONNECTIONS: "zulu", f"bdr.zulu{mark}dsn": "host=z"}
    assert written(found, text_of(found, *named(*there.items()))) == there
    assert written(found) == {}


@pytest.mark.parametrize("name", ["a_dsn", "dsn", "x_apply_delay", "apply_delay", "n_1"])
def test_a_stranger_may_be_called_as_settings_are(name):
    found = engine(OLD)
    there = {CONNECTIONS: name, f"bdr.{name}.dsn": "host=z", f"bdr.{name}.apply_delay": "7"}
    text = text_of(found, *named(*there.items()))
    assert written(found, text) == {**there, CONNECTIONS: f"bravo, {name}", "bdr.bravo.dsn": DSN}


@pytest.mark.parametrize("era", ERAS)
def test_a_connection_may_be_left_out_for_a_later_run(era):
    found, mark = engine(era, names="alpha bravo charlie"), SEPARATOR[era["bdr_era"]]
    assert written(found, "", ("charlie",)) == {CONNECTIONS: "bravo", f"bdr.bravo{mark}dsn": DSN}
    assert written(found, "", ("bravo", "charlie")) == {CONNECTIONS: ""}
    # With its delay.
    slow = engine(era, own={"alpha": {"bdr_apply_delay_ms": 500}})
    assert written(slow, "", ("bravo",)) == {CONNECTIONS: ""}


@pytest.mark.parametrize("era", ERAS)
def test_a_left_out_connection_does_not_take_a_stranger_with_it(era):
    found, mark = engine(era), SEPARATOR[era["bdr_era"]]
    theirs = {f"bdr.zulu{mark}dsn": "host=z"}
    text = text_of(found, *named((CONNECTIONS, "zulu"), *theirs.items()))
    assert written(found, text, ("bravo",)) == {CONNECTIONS: "zulu", **theirs}


@pytest.mark.parametrize("era", ERAS)
def test_the_end_of_a_delay_is_written(era):
    """A line less would be no step, and the server would go on waiting."""
    mark = SEPARATOR[era["bdr_era"]]
    slow, found = engine(era, own={"alpha": {"bdr_apply_delay_ms": 500}}), engine(era)
    text = _render.connections(slow.plan, slow.wanted_settings("", ()))
    assert written(slow, text)[f"bdr.bravo{mark}apply_delay"] == "500"
    ended = written(found, text)
    assert ended == {CONNECTIONS: "bravo", f"bdr.bravo{mark}dsn": DSN, f"bdr.bravo{mark}apply_delay": "0"}
    assert written(found, text_of(found, *named(*ended.items()))) == ended


# --- State of a link ------------------------------------------------------------------------------

SYSID = 7710786083593340662


def identity(sysid: int = SYSID, dboid: int = 16385) -> FakeSession:
    hexadecimal = sysid.to_bytes(8, sys.byteorder).hex()
    return FakeSession({sql.IDENTITY: [{"sysid": hexadecimal, "dboid": dboid}]})


def slots(*found: tuple[str, bool], view: str = "pg_replication_slots") -> FakeSession:
    rows = [{"name": name, "active": active} for name, active in found]
    return FakeSession({sql.SLOT_VIEW: [{"name": view}], sql.SLOTS.format(view=view): rows})


SLOT = {"0.4": "bdr: 16385:{}-{}-{}:", "0.7": "bdr_16385_{}_{}_{}__"}


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ([], "it has no slot on bravo yet: its apply worker makes one at first contact"),
        ([((SYSID, 1, 16385), False)], "its slot on bravo is not in use"),
        ([((SYSID, 1, 16385), True)], "streaming"),
        # Somebody else's: another node, another database, ids that only begin or end alike.
        ([((SYSID + 1, 1, 16385), True)], None),
        ([((SYSID, 1, 16386), True)], None),
        ([((SYSID, 1, 163850), True)], None),
        ([((f"1{SYSID}", 1, 16385), True)], None),
        ([((f"{SYSID}1", 1, 16385), True)], None),
        ([((SYSID + 1, 1, 16385), True), ((SYSID, 1, 16385), False)], "its slot on bravo is not in use"),
        # After a failover the slot of the earlier timeline may be there still.
        ([((SYSID, 1, 16385), False), ((SYSID, 2, 16385), True)], "streaming"),
        ([((SYSID, 2, 16385), True), ((SYSID, 1, 16385), False)], "streaming"),
    ],
)
def test_state_of_a_link(era, there, wanted):
    found = engine(era)
    missing = "it has no slot on bravo yet: its apply worker makes one at first contact"
    there = [(SLOT[era["bdr_era"]].format(*ids), active) for ids, active in there]
    connection = found.plan.connections[0]
    assert found.link_state(identity(), slots(*there), connection) == (wanted or missing)
    assert found.is_established(identity(), slots(*there), connection) is (wanted not in (None, missing))


@pytest.mark.parametrize("era", ERAS)
def test_the_slot_of_the_other_era_is_none_of_ours(era):
    other = SLOT["0.7" if era is OLD else "0.4"].format(SYSID, 1, 16385)
    found = engine(era)
    assert not found.is_established(identity(), slots((other, True)), found.plan.connections[0])


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("view", ["pg_stat_logical_replication", "pg_stat_logical_decoding", "pg_replication_slots"])
def test_the_view_of_slots_is_the_one_the_upstream_has(era, view):
    found = engine(era)
    upstream = slots((SLOT[era["bdr_era"]].format(SYSID, 1, 16385), True), view=view)
    assert found.link_state(identity(), upstream, found.plan.connections[0]) == "streaming"
    assert view in sql.SLOT_VIEW


@pytest.mark.parametrize("era", ERAS)
def test_an_upstream_without_a_view_of_slots_has_none(era):
    found = engine(era)
    assert not found.is_established(identity(), FakeSession({sql.SLOT_VIEW: []}), found.plan.connections[0])


@pytest.mark.parametrize("sysid", [1, SYSID, 2**63, 2**64 - 1])
def test_a_system_identifier_is_read_as_the_server_prints_it(sysid):
    """It has no sign, whatever its highest bit."""
    found = engine(NEW)
    upstream = slots((SLOT["0.7"].format(sysid, 1, 5), True))
    assert found.is_established(identity(sysid, 5), upstream, found.plan.connections[0])


@pytest.mark.parametrize("era", ERAS)
def test_a_worker_retries_by_itself(era):
    found = engine(era)
    connection = found.plan.connections[0]
    assert found.waits_out_a_retry(FakeSession({}), connection) is False
    assert list(found.kick(connection)) == []


def test_rows_of_heartbeats_are_forgotten_on_each_node_for_itself():
    """Up to 0.4 there is a row a beat. What a session with an origin changes is not sent on."""
    statements = list(engine(OLD).forget_heartbeats())
    assert [statement.text for statement in statements] == [sql.KEEP_TO_ITSELF, sql.FORGET_HEARTBEATS]
    assert not any(statement.alone for statement in statements)
    # From 0.5 on there is one row a link.
    assert list(engine(NEW).forget_heartbeats()) == []


@pytest.mark.parametrize("era", ERAS)
def test_a_database_bears_no_name(era):
    assert engine(era).name_in(FakeSession({})) == ""


@pytest.mark.parametrize("era", ERAS)
def test_the_log_is_read_for_the_role_that_replicates(era):
    found = engine(era, bdr_replication_user="repl")
    line = "2026-11-22 00:51:12.196 UTC [18242] {}@appdb bdr ERROR:  all replication slots are in use"
    assert len(found.findings([line.format("repl")])) == 1
    assert found.findings([line.format("bdr_replication")]) == []


# --- Slots ----------------------------------------------------------------------------------------

SLOTS = {
    "0.4": ("bdr: 16384:7123456789012345678-2-16385:", "bdr_output"),
    "0.7": ("bdr_16384_7123456789012345678_2_16385__", "bdr"),
}
IDS = {"sysid": "7123456789012345678", "timeline": 2, "dboid": 16385}


@pytest.mark.parametrize("era", ERAS)
def test_a_slot_has_the_ids_of_its_downstream(era):
    name, plugin = SLOTS[era["bdr_era"]]
    assert engine(era).slot_owner({"name": name, "plugin": plugin}) == {"verdict": "unknown", "of": IDS}
    assert engine(era).slot_owner({"name": name, "plugin": "test_decoding"}) == {"verdict": "foreign"}
    assert engine(era).slot_owner({"name": f"my_{name}", "plugin": plugin}) == {"verdict": "foreign"}


def test_later_eras_name_a_connection_by_its_ids():
    name, _plugin = SLOTS["0.7"]
    senders = [
        {"pid": 1, "application_name": "bdr (7123456789012345678,2,16385,): receive"},
        {"pid": 2, "application_name": "bdr (7123456789012345679,2,16385,): receive"},
        {"pid": 3, "application_name": "pg_recvlogical"},
    ]
    assert [row["pid"] for row in engine(NEW).walsender_of({"name": name}, senders)] == [1]
    assert engine(NEW).walsender_of({"name": "hs_cdc"}, senders) == senders
    assert engine(OLD).walsender_of({"name": name}, senders) == senders


# --- Incoming links -------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_a_connection_is_told_with_the_worker_that_shows_its_name(era):
    found = engine(era, "charlie", "alpha bravo charlie")
    (first, second) = (connection.name for connection in found.plan.connections)
    seen = {"age_seconds": 9.0, "waits_seconds": None, "waits_for": None}
    rows = [
        {**seen, "pid": pid, "query": f"bdr_apply: BEGIN origin(source, orig_lsn, timestamp): {name}, 0/1"}
        for pid, name in ((6, first), (7, first), (8, f"{second}x"))
    ]
    incoming = found.incoming(FakeSession({sql.APPLYING: rows}), "appdb")
    assert [(row["name"], row["status"], row["pid"]) for row in incoming] == [(first, "", 7), (second, "", None)]
    assert found.incoming(FakeSession({sql.APPLYING: rows}), "other") == []


@pytest.mark.parametrize("era", ERAS)
def test_workers_that_ended_are_counted_by_connection(era):
    line = "2026-11-22 00:51:12.196 UTC [1] LOG:  worker process: bdr apply: bravo (PID 7) exited with exit code 0"
    said = '2026-11-22 00:51:12.100 UTC [7] ERROR:  duplicate key value violates unique constraint "k"'
    failure = engine(era).failures([said, line])["bravo"]
    assert (failure["times"], failure["kind"]) == (1, "conflict")
