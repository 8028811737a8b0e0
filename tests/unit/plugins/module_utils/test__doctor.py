# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the logs of all nodes come to: which link a message is of, whether it goes on, and what mends it."""

from __future__ import annotations

import calendar

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._doctor import diagnose, failure
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import server
from ansible_collections.pgbdr.bdr.plugins.module_utils._log_reading import Reading
from ansible_collections.pgbdr.bdr.tests.unit.builders import incoming_seen, node_plan, nodes_seen, plan, slot_seen
from ansible_collections.pgbdr.bdr.tests.unit.log_lines import (
    ALL,
    AT,
    BOTH,
    CLIENT,
    P_SENDER,
    P_WORKER,
    REFUSED,
    ROLE,
    SERVER,
    SLOT,
    TO_BRAVO,
)

SHARED = {"pglogical": {}, "contrib_bdr": {"bdr_engine": "contrib_bdr", "bdr_era": "0.4"}}
PLANS = {engine: plan(**shared).as_dict() for engine, shared in SHARED.items()}
NODES = ("alpha", "bravo", "charlie")
SINCE = calendar.timegm((2026, 11, 22, 0, 0, 0))
DUPLICATE = 'duplicate key value violates unique constraint "mail_address_key"'
TO_CHARLIE = "alpha -> charlie (appdb)"
SITE = "ansible-playbook playbooks/site.yml"
AWAY = {"answers": False, "reason": "down", "error": "no such file", "slots": [], "log": []}


def read(engine: str = "pglogical", **lines: list[str]) -> dict[str, dict]:
    """Return what log_info returns of each node."""
    found = {}
    for node in NODES:
        dialect = server(node_plan(node, **SHARED[engine]))
        reading = Reading(dialect.dialect, ROLE, SINCE)
        reading.begin(0, SINCE)
        for line in lines.get(node, []):
            reading.take(line)
        result = reading.result()
        for group in (*result["known"], *result["unknown"]):
            group["connection"] = dialect.connection_of(group.pop("worker"))
        found[node] = {"node": node, "files": 1, "bytes": 10, "since": "2026-11-22 00:00:00", **result}
    return found


def broken(*names: str) -> dict[str, dict]:
    """Return what status_info returns where the workers of these links, by their connections, are down."""
    found = nodes_seen()
    for name in names:
        _upstream, downstream = name.split("_")
        for row in found[downstream]["incoming"]:
            if row["name"] == name:
                row["status"] = "down"
    return found


def diagnosed(seen: dict | None = None, engine: str = "pglogical", **lines: list[str]) -> dict:
    return diagnose(PLANS[engine], read(engine, **lines), seen or nodes_seen())


def only(found: dict) -> dict:
    (finding,) = found["findings"]
    return finding


@pytest.mark.parametrize(("engine", "node", "who", "line", "text", "link"), ALL)
def test_every_message_has_its_link(engine, node, who, line, text, link):
    seen = nodes_seen()
    if engine == "contrib_bdr":
        for name in NODES:
            seen[name]["incoming"] = [incoming_seen(other) for other in NODES if other != name]
        # What the ids in the name of a slot stand for, the servers say.
        slots = [slot_seen("bdr: 16385:7710786083593340662-1-16385:", "bravo"), slot_seen("other", "charlie")]
        seen["alpha"]["slots"] = slots
    lines = [line]
    if engine == "contrib_bdr" and who == "W":
        lines.append(f"{AT}[1] LOG:  worker process: bdr apply: alpha (PID 3012) exited with exit code 1")
    finding = only(diagnosed(seen, engine, **{node: lines}))
    wanted = [TO_BRAVO, TO_CHARLIE] if link == BOTH else [link] if link else []
    if finding["kind"] == "server":
        wanted = []
    assert sorted(finding["links"]) == wanted
    assert finding["about"] == (wanted[0] if len(wanted) == 1 else node)
    # All links stream here.
    assert not finding["going_on"] and finding["state"] == ("" if finding["severity"] == "notice" else "over")
    assert not any("<" in command for command in finding["run"])


def test_a_group_in_whose_logs_nothing_stands_is_well():
    found = diagnosed(alpha=[f"{SERVER}LOG:  checkpoint starting: time"])
    assert found["ok"] and found["findings"] == [] and failure(found) == "" and found["clients"] == []
    assert {link["state"] for link in found["links"]} == {"streaming"} and len(found["links"]) == 6
    assert found["nodes"]["alpha"] == {
        **{"server": "up", "files": 1, "bytes": 10, "lines": 1, "unread": 0, "left_out": 0},
        "since": "2026-11-22 00:00:00",
    }


def test_what_stops_a_link_goes_on_as_long_as_the_link_does_not_work():
    lines = [f"{P_WORKER}ERROR:  {DUPLICATE}", f"{P_WORKER}DETAIL:  Key (address)=(z) already exists."]
    finding = only(diagnosed(broken("alpha_bravo"), bravo=lines))
    assert (finding["state"], finding["why"], finding["about"]) == ("going_on", "the link is down", TO_BRAVO)
    assert finding["said"] == [DUPLICATE, "Key (address)=(z) already exists."] and finding["run"] == [SITE]
    found = diagnosed(broken("alpha_bravo"), bravo=lines)
    assert failure(found) == f"bdr is not well: {TO_BRAVO}: {DUPLICATE}" and not found["ok"]
    over = only(diagnosed(bravo=lines))
    assert (over["state"], over["why"], over["going_on"]) == ("over", "the link is streaming", False)


def test_of_two_troubles_of_a_link_the_one_that_came_later_goes_on():
    early = P_WORKER.replace("11:02:46", "10:30:00")
    lines = [f'{early}ERROR:  relation "public.gone" does not exist', f"{P_WORKER}ERROR:  {DUPLICATE}"]
    found = diagnosed(broken("alpha_bravo"), bravo=lines)
    assert [(finding["state"], finding["why"]) for finding in found["findings"]] == [
        ("going_on", "the link is down"),
        ("earlier", "the link is down, by what was told later"),
    ]


def test_what_both_ends_say_of_one_try_goes_on():
    gone = f'ERROR:  replication slot "{SLOT}" does not exist'
    at = {minute: P_SENDER.replace("11:02", minute) for minute in ("11:01", "10:30")}
    odd = f"{P_WORKER}ERROR:  very odd"
    states = {
        minute: {
            f["node"]: f["state"]
            for f in diagnosed(broken("alpha_bravo"), alpha=[at[minute] + gone], bravo=[odd])["findings"]
        }
        for minute in at
    }
    assert states["11:01"] == {"alpha": "going_on", "bravo": "going_on"}
    assert states["10:30"] == {"alpha": "earlier", "bravo": "going_on"}


def test_a_downstream_that_is_away_was_not_refused_a_moment_ago():
    line = f'{REFUSED}FATAL:  password authentication failed for user "{ROLE}"'
    found = diagnosed(nodes_seen(bravo=AWAY), alpha=[line])
    refused = next(finding for finding in found["findings"] if finding["node"] == "alpha")
    assert (refused["links"], refused["state"]) == ([TO_CHARLIE], "over")


def test_an_error_that_nobody_knows_counts_as_the_later_one():
    lines = [f"{P_WORKER.replace('11:02', '10:30')}ERROR:  {DUPLICATE}", f"{P_WORKER}ERROR:  very odd"]
    unknown, known = diagnosed(broken("alpha_bravo"), bravo=lines)["findings"]
    assert (unknown["message"], unknown["meaning"], unknown["state"]) == ("very odd", "", "going_on")
    assert (known["message"], known["state"]) == (DUPLICATE, "earlier")


def test_a_slot_that_is_gone_asks_for_a_seeding_of_its_downstream():
    line = f'{P_SENDER}ERROR:  replication slot "{SLOT}" does not exist'
    finding = only(diagnosed(broken("alpha_bravo"), alpha=[line]))
    assert finding["run"] == ["ansible-playbook playbooks/reseed.yml -e bdr_node=bravo -e bdr_confirm=bravo"]


def test_a_message_that_names_no_link_is_of_those_that_do_not_work():
    line = f'{REFUSED}FATAL:  password authentication failed for user "{ROLE}"'
    finding = only(diagnosed(broken("alpha_charlie"), alpha=[line]))
    assert (finding["about"], finding["links"], finding["state"]) == (TO_CHARLIE, [TO_CHARLIE], "going_on")
    both = only(diagnosed(broken("alpha_bravo", "alpha_charlie"), alpha=[line]))
    assert (both["about"], both["links"]) == ("alpha", [TO_BRAVO, TO_CHARLIE])
    assert both["why"] == "the links are down" and both["going_on"]


def test_where_the_downstreams_name_the_link_the_upstream_is_not_told_of_again():
    refused = f'{REFUSED}FATAL:  password authentication failed for user "{ROLE}"'
    at_bravo = f'{P_WORKER}ERROR:  password authentication failed for user "{ROLE}"'
    at_charlie = at_bravo.replace("2414362915", "2875908993")
    found = diagnosed(broken("alpha_bravo", "alpha_charlie"), alpha=[refused], bravo=[at_bravo], charlie=[at_charlie])
    assert [finding["about"] for finding in found["findings"]] == [TO_BRAVO, TO_CHARLIE]


def test_a_change_that_waits_goes_on_while_it_waits():
    line = (
        f"{P_WORKER}LOG:  process 7 still waiting for RowExclusiveLock on relation 16420 of database 16385 after 1 ms"
    )
    waiting = incoming_seen("alpha_bravo", waits_seconds=5.0, waits_for="town")
    seen = nodes_seen(bravo={"incoming": [waiting, incoming_seen("charlie_bravo")]})
    found = diagnosed(seen, bravo=[line])
    waits = found["findings"][0]
    assert (waits["about"], waits["severity"], waits["state"]) == (TO_BRAVO, "warning", "going_on")
    other = diagnosed(broken("alpha_bravo"), bravo=[line])["findings"]
    assert [(finding["severity"], finding["state"]) for finding in other] == [
        ("error", "going_on"),
        ("warning", "earlier"),
    ]


def test_whose_worker_waits_status_knows_where_the_log_has_no_name():
    line = f"{SERVER}LOG:  process {{}} still waiting for RowExclusiveLock on relation 16420 of database 1 after 1 ms"
    incoming = [incoming_seen("alpha", pid=9, waits_seconds=5.0, waits_for="town"), incoming_seen("charlie", pid=8)]
    seen = nodes_seen(bravo={"incoming": incoming})
    (waits,) = (
        finding
        for finding in diagnosed(seen, "contrib_bdr", bravo=[line.format(9)])["findings"]
        if finding["message"].startswith("process")
    )
    assert (waits["about"], waits["end"], waits["state"]) == (TO_BRAVO, "downstream", "going_on")
    other = diagnosed(seen, "contrib_bdr", bravo=[line.format(7)])["findings"]
    assert ("bravo", "over") in {(finding["about"], finding["state"]) for finding in other}


def test_what_a_server_says_of_itself_goes_on_while_it_is_down():
    full = f'{SERVER}PANIC:  could not write to file "pg_wal/xlogtemp.77": No space left on device'
    assert only(diagnosed(alpha=[full]))["why"] == "its server answers"
    found = diagnosed(nodes_seen(alpha=AWAY), alpha=[full])
    finding = found["findings"][0]
    assert (finding["about"], finding["state"], finding["why"]) == ("alpha", "going_on", "its server is down")
    signal = f"{SERVER}LOG:  server process (PID 7) was terminated by signal 9: Killed"
    states = {
        finding["message"][:6]: finding["state"]
        for finding in diagnosed(nodes_seen(alpha=AWAY), alpha=[signal])["findings"]
    }
    assert states["server"] == "earlier"


def test_what_does_not_work_though_no_log_says_why_is_told():
    finding = only(diagnosed(broken("alpha_bravo")))
    assert (finding["about"], finding["message"]) == (TO_BRAVO, "down, and no log says why")
    assert finding["going_on"] and finding["run"] == ["ansible-playbook playbooks/status.yml"]
    down = diagnosed(nodes_seen(alpha=AWAY))["findings"]
    # Its links are as they are since it is.
    assert [(finding["about"], finding["run"]) for finding in down] == [("alpha", [SITE])]
    silent = diagnosed(nodes_seen(alpha={**AWAY, "reason": "silent"}))["findings"]
    assert "ansible-playbook playbooks/status.yml" in next(f for f in silent if f["about"] == "alpha")["run"]


def test_a_server_that_is_down_is_told_of_whatever_its_workers_said_before():
    found = diagnosed(nodes_seen(bravo=AWAY), bravo=[f"{P_WORKER}ERROR:  {DUPLICATE}"])
    on = {(finding["about"], finding["message"][:13]) for finding in found["findings"] if finding["going_on"]}
    assert on == {(TO_BRAVO, "duplicate key"), ("bravo", "its server is")}


def test_what_the_links_of_a_half_seeded_node_said_before_does_not_go_on():
    seen = nodes_seen(bravo={"seeding": "unfinished", "incoming": [], "is_standby": True})
    found = diagnosed(seen, bravo=[f"{P_WORKER}ERROR:  {DUPLICATE}"])
    told = {(finding["about"], finding["state"], finding["why"]) for finding in found["findings"]}
    assert told == {("bravo", "going_on", ""), (TO_BRAVO, "earlier", "the seeding of bravo is not finished")}
    assert found["findings"][0]["run"] == [
        "ansible-playbook playbooks/reseed.yml -e bdr_node=bravo -e bdr_confirm=bravo"
    ]


def test_a_host_that_cannot_be_reached_is_told_of():
    seen = nodes_seen()
    del seen["charlie"]
    lines = read()
    del lines["charlie"]
    found = diagnose(PLANS["pglogical"], lines, seen)
    finding = next(finding for finding in found["findings"] if finding["about"] == "charlie")
    assert finding["message"] == "its host cannot be reached or was not asked, so its log is not known"
    assert finding["going_on"] and found["nodes"]["charlie"]["server"] == "unreachable"


def test_logs_that_cannot_be_read_well_are_told_of():
    lines = read()
    lines["alpha"]["files"] = 0
    lines["bravo"]["unread"] = 7
    found = diagnose(PLANS["pglogical"], lines, nodes_seen())
    assert [(finding["about"], finding["severity"], finding["message"]) for finding in found["findings"]] == [
        ("alpha", "notice", "nothing was logged since 2026-11-22 00:00:00"),
        ("bravo", "notice", "7 lines of its log tell neither time nor session"),
    ]
    assert found["ok"]


def test_errors_of_applications_are_counted_beside_the_findings():
    found = diagnosed(alpha=[f'{CLIENT}ERROR:  invalid input syntax for type integer: "x"'] * 2)
    assert found["findings"] == [] and found["ok"]
    assert found["clients"] == [
        {
            **{"node": "alpha", "message": 'invalid input syntax for type integer: "..."', "level": "ERROR"},
            **{"database": "appdb", "count": 2, "last_at": "2026-11-22 11:02:46"},
        }
    ]
