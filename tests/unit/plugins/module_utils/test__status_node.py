# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node saw, put together: slots with their walsenders, workers with what the log says, tables that lack."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.contrib_bdr_server import ContribBdr07Server
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.pglogical_server import PglogicalServer
from ansible_collections.pgbdr.bdr.plugins.module_utils._state import GONE, Item
from ansible_collections.pgbdr.bdr.plugins.module_utils._status_node import tables, with_failures, with_sender
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan

PGLOGICAL = PglogicalServer(node_plan())
BDR07 = ContribBdr07Server(node_plan(bdr_engine="contrib_bdr", bdr_era="0.7"))


def slot(**changes) -> dict:
    return {"name": "bdr_1_77_1_2__", "database": "appdb", "active": True, "pid": 7, "behind_bytes": 8, **changes}


def sender(pid: int = 7, **changes) -> dict:
    sound = {"pid": pid, "application_name": "bdr (77,1,2,): receive", "database": "appdb", "state": "streaming"}
    return {**sound, "behind_bytes": 5, "behind_seconds": 0.5, **changes}


@pytest.mark.parametrize(
    ("engine", "tells", "found", "senders", "wanted"),
    [
        (PGLOGICAL, True, slot(), [sender(6, state="catchup"), sender()], ("streaming", 8, 0.5)),
        (PGLOGICAL, True, slot(active=False, pid=None), [sender()], ("", 8, None)),
        (PGLOGICAL, True, slot(behind_bytes=0), [sender()], ("streaming", 0, 0.0)),
        (BDR07, False, slot(behind_bytes=None), [sender(state="catchup")], ("catchup", 5, 0.5)),
        (BDR07, False, slot(behind_bytes=None), [sender(database="other")], ("", None, None)),
        (BDR07, False, slot(behind_bytes=None), [sender(6), sender()], ("", None, None)),
        (BDR07, False, slot(active=False, behind_bytes=None), [sender()], ("", None, None)),
        (BDR07, False, slot(behind_bytes=None), [sender(state=None)], ("", 5, 0.5)),
    ],
)
def test_a_slot_comes_with_the_walsender_that_is_known_to_use_it(engine, tells, found, senders, wanted):
    told = with_sender(found, senders, engine, tells)
    assert (told["sender"], told["behind_bytes"], told["behind_seconds"]) == wanted


def test_a_worker_comes_with_how_it_ended_and_how_long_ago():
    failed = {"16385:7": {"times": 2, "last_at": "2026-11-22 11:59:50"}}
    found = with_failures({"worker": "16385:7"}, failed, "2026-11-22 12:00:05")
    assert found["failure"] == {"times": 2, "last_at": "2026-11-22 11:59:50", "seconds_ago": 15}
    # The log is read behind the clock.
    assert with_failures({"worker": "16385:7"}, failed, "2026-11-22 11:59:49")["failure"]["seconds_ago"] == 0
    assert with_failures({"worker": "16385:8"}, failed, "2026-11-22 12:00:05")["failure"] is None


def test_tables_that_lack_their_guard_or_a_key_are_named():
    one, two = Item("table", "public.one", "appdb"), Item("table", "public.two", "appdb")
    as_is = {one: {"guard": "none"}, two: {"guard": "on"}}
    to_be = {Item("function", "pgbdr.deny_truncate", "appdb"): GONE, one: {"guard": "on"}, two: {"guard": "on"}}
    found = tables(as_is, to_be, [{"name": "public.log"}])
    assert found == {"unguarded": ["public.one"], "keyless": ["public.log"]}
