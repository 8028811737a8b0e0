"""The health of a group with contrib_bdr: what its downstreams do not say is told by slots, sessions and logs."""

from __future__ import annotations

import json
import os
import signal
import typing as t

import pytest
from eras import NODES, is_0_4, with_tables
from groups import LOCAL_DDL, Group, eventually
from modules import node_plans, runner


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a plex that stands, with some tables."""
    return with_tables(make_group("hsreal", 6105, NODES))


def health(group: Group) -> dict[str, t.Any]:
    """Return what status.yml writes."""
    file = group.directory / "status.json"
    group.must("status", "-e", f"bdr_status_file={file}", "-e", "bdr_status_fail=false")
    return json.loads(file.read_text())


def links(found: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    return {f"{link['upstream']} {link['downstream']}": link for link in found["links"]}


def wrong(found: dict[str, t.Any]) -> dict[str, str]:
    return {name: link["state"] for name, link in links(found).items() if link["state"] != "streaming"}


def seen(group: Group, wanted: dict[str, str]) -> dict[str, t.Any]:
    """Wait until just these links do not stream, and return the whole."""
    found: dict[str, t.Any] = {}

    def read() -> dict[str, str]:
        found.update(health(group))
        return wrong(found)

    eventually(read, wanted)
    return found


def test_a_group_that_is_well_has_no_findings(group: Group) -> None:
    found = seen(group, {})
    assert found["ok"] and found["findings"] == []
    told = [link["lag_bytes"] for link in found["links"]]
    # Up to 0.4 nothing says which walsender serves which slot, where there are several.
    assert told == [None] * 6 if is_0_4(group) else all(lag is not None for lag in told)


def test_a_node_is_told_as_it_is_in_the_shape_of_the_plan(group: Group, capsys: pytest.CaptureFixture[str]) -> None:
    era = "0.4" if is_0_4(group) else "0.7"
    for node, plan in node_plans(group, era).items():
        as_is = runner(group, capsys, era)("group_info", node)["as_is"]
        # Only the downstream can tell whose a slot is.
        assert [slot["downstream"] for slot in as_is.pop("slots")] == ["", ""] and as_is.pop("hba") is None
        assert {"bdr.connections"} <= {setting["name"] for setting in as_is.pop("settings")}
        assert as_is == {name: plan[name] for name in as_is}


def test_a_worker_that_waits_for_a_lock_is_told_with_who_holds_it(group: Group) -> None:
    with group.session("bravo") as session, session.cursor() as cursor:
        cursor.execute("SET application_name = 'forgotten'; LOCK town; SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
        group.sql("alpha", "UPDATE town SET n = n + 1")
        found = links(seen(group, {"alpha bravo": "waiting_for_lock"}))["alpha bravo"]
    first, second = found["evidence"]
    assert first.endswith("s for a lock on town") and second == f"PID {pid} (forgotten, postgres) holds it"
    assert found["mend"] == "end the transaction on bravo that holds it"
    seen(group, {})


def test_a_worker_that_ends_again_and_again_is_told_by_its_last_error(group: Group) -> None:
    if is_0_4(group):
        group.sql("bravo", "SET replication_origin_id = 1; INSERT INTO mail VALUES (1, 'z')")
        state, error = "stopped_by_conflict", 'duplicate key value violates unique constraint "mail_address_key"'
    else:
        # The last update wins here, but not in a table that is not there.
        group.sql("bravo", f"{LOCAL_DDL} DROP TABLE mail")
        state, error = "crash_looping", 'relation "public.mail" does not exist'
    group.sql("alpha", "INSERT INTO mail VALUES (2, 'z')")
    found = links(seen(group, {"alpha bravo": state}))["alpha bravo"]
    assert error in found["evidence"] and found["worker_failure"]["times"] >= 1


def test_a_node_that_is_down_takes_its_links_with_it(group: Group) -> None:
    pid_file = group.home("charlie") / "data/postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGINT)
    eventually(pid_file.exists, False)
    found = health(group)
    assert found["nodes"]["charlie"]["reason"] == "down"
    down = {"alpha charlie", "bravo charlie", "charlie alpha", "charlie bravo"}
    assert {name for name, state in wrong(found).items() if state == "down"} == down
    assert [finding["summary"] for finding in found["findings"]][0] == "charlie is down"
