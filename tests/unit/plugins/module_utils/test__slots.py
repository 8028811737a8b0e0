# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node's slots on a server that only has rows: looked at, made, dropped, refused."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _slots
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import server
from ansible_collections.pgbdr.bdr.plugins.module_utils._slot_dialects import PROBE, SlotRefused
from ansible_collections.pgbdr.bdr.plugins.module_utils._slots import SlotWork, Wanted, look
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan

LINK = "pgl_appdb_alpha_alpha_bravo"
SYSID = 7_123_456_789_012_345_678

COLUMNS = (
    *("slot_type", "datoid", "active_pid", "catalog_xmin"),
    *("restart_lsn", "confirmed_flush_lsn", "wal_status", "safe_wal_size"),
)
MODERN = [
    "function pg_current_wal_lsn",
    "function pg_create_logical_replication_slot",
    *(f"column {name}" for name in COLUMNS),
]
OLD = ["view pg_stat_logical_decoding", "function init_logical_replication"]
COMMANDS = ["view pg_stat_logical_decoding"]


def slot(name: str = "one", **changes) -> dict:
    """Return a slot as the server tells of it."""
    sound = {
        "name": name,
        "plugin": "pglogical_output",
        "kind": "logical",
        "database": "appdb",
        "active": False,
        "pid": None,
        "wal_status": "reserved",
        "until_lost_bytes": 5,
    }
    return {**sound, **changes}


class Server:
    """Slots and walsenders that change as they are asked about: one state a look, the last one for good."""

    def __init__(self, *looks: list[dict], has=tuple(MODERN), walsenders=(), is_standby=False, settings=None) -> None:
        self.has, self.looks, self.walsenders, self.is_standby = has, list(looks), list(walsenders), is_standby
        self.settings = settings or [{"name": "wal_segment_size", "value": 16 * 1024 * 1024, "unit": "B"}]
        self.did: list[tuple[str, dict]] = []
        self.idle_drop = [{"dropped": ""}]

    def rows(self, text, values=None):
        if "FROM pg_stat_replication w" in text:
            return self.walsenders
        if " ORDER BY 1" in text and "slot_name::text AS name" in text:
            return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if "NOT active" in text:
            self.did.append((text, values))
            return self.idle_drop
        fixed = {
            PROBE: [{"has": name} for name in self.has],
            _slots._SETTINGS: self.settings,
            _slots._DATABASES: [{"name": "appdb", "oid": 16385}, {"name": "postgres", "oid": 5}],
        }
        if text not in fixed:
            self.did.append((text, values))
        return fixed.get(text, [])

    def value(self, text, values=None):
        if text == _slots._RECOVERY:
            return self.is_standby
        if text == _slots._SYSID:
            return SYSID.to_bytes(8, sys.byteorder).hex()
        return "000000020000000000000003"

    def done(self, text: str) -> list[dict]:
        """Return the values of each statement that begins so."""
        return [values for query, values in self.did if query.startswith(text)]


def engine(**shared):
    return server(node_plan("alpha", "alpha bravo", **shared))


# --- Looking --------------------------------------------------------------------------------------


def test_a_look_gives_slots_limits_and_who_the_node_is():
    settings = [
        {"name": "max_slot_wal_keep_size", "value": 96, "unit": "MB"},
        {"name": "wal_keep_size", "value": 32, "unit": "MB"},
        {"name": "wal_segment_size", "value": 16777216, "unit": "B"},
    ]
    found = look(Server([slot(LINK), slot("phys", kind="physical", plugin=None)], settings=settings), engine())
    assert found["identity"] == {
        "sysid": str(SYSID),
        "timeline": 2,
        "databases": {"appdb": 16385, "postgres": 5},
    }
    assert (found["is_standby"], found["slots_keep_wal"]) == (False, True)
    assert (found["wal_limit_bytes"], found["wal_kept_bytes"]) == (96 * 1024 * 1024, 32 * 1024 * 1024)
    told = {row["name"]: (row["verdict"], row["downstream"], row["until_lost_bytes"]) for row in found["slots"]}
    assert told == {LINK: ("link", "bravo", 5), "phys": ("foreign", "", 5)}


def test_a_server_of_the_guide_s_time_keeps_segments_for_all():
    settings = [
        {"name": "wal_keep_segments", "value": 6, "unit": None},
        {"name": "wal_segment_size", "value": 2048, "unit": "8kB"},
    ]
    found = look(Server([], has=OLD, settings=settings), engine())
    assert (found["slots_keep_wal"], found["wal_limit_bytes"]) == (False, None)
    assert found["wal_kept_bytes"] == 6 * 16 * 1024 * 1024


def test_no_limit_is_none():
    settings = [
        {"name": "max_slot_wal_keep_size", "value": -1, "unit": "MB"},
        {"name": "wal_segment_size", "value": 16777216, "unit": "B"},
    ]
    assert look(Server([], settings=settings), engine())["wal_limit_bytes"] is None


def test_what_is_lost_is_lost_in_no_time():
    (found,) = look(Server([slot(LINK, wal_status="lost", until_lost_bytes=None)]), engine())["slots"]
    assert (found["until_lost_bytes"], found["verdict"]) == (0, "link")


def test_a_standby_has_copies_of_its_primary_s_slots_and_no_timeline_of_its_own():
    found = look(Server([slot(LINK)], is_standby=True), engine())
    assert found["identity"]["timeline"] == 0
    assert [row["verdict"] for row in found["slots"]] == ["foreign"]


# --- Making and dropping --------------------------------------------------------------------------


def work(found: Server, state: str = "present", shared=None, **changes) -> SlotWork:
    """Return the work on slot `one` of a server."""
    wanted = {"node": "alpha", "name": "one", "database": "appdb", "plugin": "pglogical_output", **changes}
    return SlotWork(Wanted(**wanted, is_present=state == "present"), engine(**(shared or {})), found)


def refusal(found: Server, state: str = "present", **changes) -> str:
    with pytest.raises(SlotRefused) as caught:
        work(found, state, **changes)
    assert found.done("SELECT pg_") == []
    return str(caught.value)


def test_a_slot_that_is_missing_is_made():
    found = work(Server([slot("other")]))
    assert found.steps == ["create slot one in appdb"]
    assert found.diff == {"before": "", "after": "slot one in appdb, plugin pglogical_output\n"}
    limit, create = found.creation()
    assert limit.text == "SET statement_timeout = '60s'"
    assert dict(create.values) == {"name": "one", "plugin": "pglogical_output"} and not create.identifiers
    assert work(Server([]), wait_seconds=7).creation()[0].text == "SET statement_timeout = '7s'"


def test_a_command_has_names_and_no_values():
    (create,) = work(Server([], has=COMMANDS)).creation()
    assert create.text == "INIT_LOGICAL_REPLICATION {name} {plugin}"
    assert dict(create.identifiers) == {"name": "one", "plugin": "pglogical_output"} and not create.values


@pytest.mark.parametrize(("found", "state"), [([slot()], "present"), ([slot("other")], "absent"), ([], "absent")])
def test_what_is_as_it_should_be_is_left_alone(found, state):
    server_found = Server(found)
    idle = work(server_found, state)
    assert (idle.steps, idle.diff) == ([], {"before": "", "after": ""})


def test_a_slot_is_dropped():
    found = Server([slot()])
    drop = work(found, "absent")
    assert drop.steps == ["drop slot one"]
    assert drop.diff == {"before": "slot one in appdb, plugin pglogical_output\n", "after": ""}
    assert found.done("SELECT pg_drop") == []
    assert drop.drop() is None
    assert found.done("SELECT pg_drop_replication_slot(slot_name") == [{"name": "one"}]


def test_any_database_will_do_where_none_is_named():
    assert work(Server([slot(database="other")]), "absent", database="").steps == ["drop slot one"]


def test_a_drop_by_command_is_left_to_a_session_of_commands():
    command = work(Server([slot()], has=COMMANDS), "absent").drop()
    assert command.text == "FREE_LOGICAL_REPLICATION {name}" and dict(command.identifiers) == {"name": "one"}


@pytest.mark.parametrize(
    ("changes", "wanted", "told"),
    [
        ({"kind": "physical"}, {}, "name: the slot one of alpha is a physical one"),
        ({"plugin": "other"}, {}, "plugin: the slot one of alpha has the plugin other, not pglogical_output"),
        ({"database": "other"}, {}, "database: the slot one of alpha is of the database other, not appdb"),
        ({}, {"name": "One"}, "name: 'One' has 'O' in it"),
        ({}, {"wait_seconds": -1}, "wait_seconds: is -1"),
        ({}, {"unused_seconds": -1}, "unused_seconds: is -1"),
    ],
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_what_the_name_stands_for_is_told_and_left_alone(changes, wanted, told, state):
    assert refusal(Server([slot(**changes)]), state, **wanted).startswith(told)


def test_a_limit_needs_a_server_that_tells_who_used_a_slot():
    told = refusal(Server([], has=OLD), unused_seconds=7)
    assert told == "unused_seconds: alpha does not tell whether a slot was ever used; leave it out"
    assert work(Server([]), unused_seconds=7).steps == ["create slot one in appdb"]


def test_a_database_that_is_not_there():
    assert refusal(Server([]), database="zulu") == "database: alpha has no database 'zulu'"


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_standby_is_not_asked(state):
    told = "node: alpha is a physical standby; it makes and drops no logical slots"
    assert refusal(Server([slot()], is_standby=True), state) == told


# --- Slots in use ---------------------------------------------------------------------------------

BUSY = slot(active=True, pid=41)
SENDER = {"pid": 41, "application_name": "charlie", "database": "appdb"}
OTHER = {"pid": 42, "application_name": "bravo", "database": "appdb"}
PHYSICAL = {"pid": 43, "application_name": "standby", "database": None}


def test_a_slot_in_use_is_refused():
    assert refusal(Server([BUSY], walsenders=[SENDER]), "absent") == (
        "state: the slot one of alpha is in use by process 41; wait for its end (wait_seconds), "
        "or end its walsender (end_walsender: true)"
    )
    assert "is in use; wait" in refusal(Server([{**BUSY, "pid": None}], has=OLD), "absent")


def test_its_walsender_is_ended_and_the_slot_dropped():
    found = Server([BUSY], [BUSY], [slot()], walsenders=[OTHER, SENDER])
    ending = work(found, "absent", end_walsender=True)
    assert ending.steps == ["end the walsender 41 (charlie) that uses slot one", "drop slot one"]
    assert found.done("SELECT pg_terminate") == []
    assert ending.drop() is None
    assert found.done("SELECT pg_terminate") == [{"pid": 41}]
    assert found.done("SELECT pg_drop") == [{"name": "one"}]
    assert found.done("SELECT pg_sleep") == [{"seconds": 0.01}]


def test_a_client_that_is_back_is_ended_again():
    found = Server([BUSY], [BUSY], [BUSY], [slot()], walsenders=[SENDER])
    work(found, "absent", end_walsender=True).drop()
    assert len(found.done("SELECT pg_terminate")) == 2


def test_a_slot_that_came_into_use_between_two_looks_is_waited_for():
    found = Server([slot()])
    found.idle_drop = []
    with pytest.raises(SlotRefused, match="It was for 1 s"):
        work(found, "absent", wait_seconds=1).drop()
    assert len(found.done("SELECT pg_sleep")) == 10 and found.done("SELECT pg_terminate") == []


def test_waiting_ends_with_the_last_state():
    found = Server([BUSY], walsenders=[SENDER])
    waiting = work(found, "absent", wait_seconds=2)
    assert waiting.steps == ["drop slot one"]
    with pytest.raises(SlotRefused) as caught:
        waiting.drop()
    assert str(caught.value).startswith("state: the slot one of alpha is in use by process 41")
    assert str(caught.value).endswith("It was for 2 s")
    assert len(found.done("SELECT pg_sleep")) == 20 and found.done("SELECT pg_terminate") == []


def test_a_slot_that_went_away_is_as_good_as_dropped():
    found = Server([BUSY], [], walsenders=[SENDER])
    assert work(found, "absent", wait_seconds=1).drop() is None
    assert found.done("SELECT pg_drop") == []


def test_a_process_that_is_no_walsender_is_not_ended():
    told = refusal(Server([BUSY], walsenders=[OTHER]), "absent", end_walsender=True)
    assert "the process that uses it (41) is no walsender. Stop the downstream instead" in told


def test_an_old_server_s_walsender_is_told_by_being_the_only_one_in_the_database():
    busy = {**BUSY, "pid": None}
    elsewhere = {**OTHER, "database": "other"}
    found = work(Server([busy], has=OLD, walsenders=[SENDER, elsewhere, PHYSICAL]), "absent", end_walsender=True)
    assert found.steps[0].startswith("end the walsender 41 ")
    told = refusal(Server([busy], has=OLD, walsenders=[SENDER, OTHER, PHYSICAL]), "absent", end_walsender=True)
    assert "the server does not tell which of the walsenders 41, 42 uses it" in told
    told = refusal(Server([busy], has=OLD, walsenders=[PHYSICAL]), "absent", end_walsender=True)
    assert "(not told) is no walsender" in told


def test_when_another_link_comes_back_first_nobody_is_ended():
    busy = {**BUSY, "pid": None}
    found = Server([busy], [busy], [slot()], has=OLD, walsenders=[SENDER])
    ending = work(found, "absent", end_walsender=True)
    found.walsenders = [SENDER, OTHER]
    ending.drop()
    assert found.done("SELECT pg_terminate") == []
