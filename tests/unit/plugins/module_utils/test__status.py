# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of a group, put together: which end of a link is which, and what else is wrong."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._start_check import way_out
from ansible_collections.pgbdr.bdr.plugins.module_utils._status import failure, status
from ansible_collections.pgbdr.bdr.tests.unit.builders import (
    THREE,
    incoming_seen,
    node_plan,
    node_seen,
    nodes_seen,
    plan,
    slot_seen,
)

PLAN = plan().as_dict()
OLD = plan(bdr_engine="contrib_bdr", bdr_era="0.4").as_dict()
MB = 1024 * 1024
DOWN = {"answers": False, "reason": "down", "error": "no such file", "slots": [], "log": []}


def health(planned: dict = PLAN, without: str = "", **changes: dict) -> dict:
    found = nodes_seen(**changes)
    found.pop(without, None)
    return status(planned, found, 50, 16)


def states(found: dict) -> dict[str, str]:
    return {f"{link['upstream']} {link['downstream']}": link["state"] for link in found["links"]}


def messages(found: dict, severity: str) -> list[str]:
    return [finding["message"] for finding in found["findings"] if finding["severity"] == severity]


def test_a_group_in_which_nothing_is_wrong_has_no_findings():
    found = health()
    assert found["ok"] and found["findings"] == [] and failure(found) == ""
    assert set(states(found).values()) == {"streaming"} and len(found["links"]) == 6
    assert found["links"][0] == {
        **{"database": "appdb", "upstream": "alpha", "downstream": "bravo"},
        **{"state": "streaming", "end": "", "evidence": ["0.0 kB behind"], "mend": ""},
        **{"lag_bytes": 0, "lag_seconds": 0.0, "wal_held_bytes": 56, "until_lost_bytes": 96 * MB, "used_percent": 0},
        **{"worker_failure": None, "conflicts": None},
    }


def test_a_link_is_judged_by_its_own_ends():
    own = [slot_seen("pgl_appdb_alpha_alpha_bravo", "bravo", wal_status="lost", active=False)]
    own += [slot_seen("pgl_appdb_alpha_alpha_charlie", "charlie", behind_bytes=17 * MB)]
    incoming = [incoming_seen("alpha_charlie"), incoming_seen("bravo_charlie", status="disabled")]
    found = health(alpha={"slots": own}, charlie={"incoming": incoming})
    wrong = {name: state for name, state in states(found).items() if state != "streaming"}
    assert wrong == {"alpha bravo": "wal_lost", "alpha charlie": "catching_up", "bravo charlie": "down"}
    assert messages(found, "error") == [
        "alpha -> bravo (appdb) is wal_lost: "
        "slot pgl_appdb_alpha_alpha_bravo of alpha has lost its WAL (wal_status is lost)",
        "bravo -> charlie (appdb) is down at its downstream: its connection on charlie is disabled, "
        "slot pgl_appdb_bravo_bravo_charlie of bravo is in use",
    ]
    assert failure(found) == (
        "bdr is not well: alpha -> bravo (appdb) is wal_lost; bravo -> charlie (appdb) is down at its downstream"
    )
    assert found["findings"][0]["mend"].endswith("reseed.yml -e bdr_node=bravo -e bdr_confirm=bravo")


def test_while_tables_are_copied_the_main_slot_counts():
    main, copies = "pgl_appdb_alpha_alpha_bravo", "pgl_appdb_alpha_alpha_bravo_f00"
    own = [slot_seen(copies, "bravo", behind_bytes=99 * MB), slot_seen(main, "bravo")]
    assert states(health(alpha={"slots": own}))["alpha bravo"] == "streaming"
    assert states(health(alpha={"slots": own[:1]}))["alpha bravo"] == "catching_up"


def test_slots_of_contrib_bdr_are_told_by_ids_and_only_by_a_downstream_that_answers():
    def of(name: str) -> dict:
        ids = {"sysid": name, "timeline": 1, "dboid": 16385}
        return slot_seen(f"bdr of {name}", "", verdict="unknown", of=ids, wal_status=None, wal_held_bytes=None)

    def seen(name: str) -> dict:
        others = [other for other in THREE.split() if other != name]
        return {
            "slots": [of(other) for other in others],
            "incoming": [incoming_seen(other, status="") for other in others],
            **{"slots_keep_wal": False, "wal_limit_bytes": None},
        }

    changes = {name: seen(name) for name in THREE.split()}
    names = {row["upstream"]: row["name"] for row in OLD["nodes"]["bravo"]["connections"]}
    assert set(states(health(OLD, **changes)).values()) == {"streaming"}, names
    found = health(OLD, without="charlie", **changes)
    assert states(found)["alpha charlie"] == "unknown" and states(found)["alpha bravo"] == "streaming"
    changes["alpha"]["slots"] = []
    assert states(health(OLD, **changes))["alpha bravo"] == "slot_missing"


@pytest.mark.parametrize(
    ("seen", "said", "mend"),
    [
        (DOWN, "charlie is down: no such file", "ansible-playbook playbooks/site.yml"),
        (
            {**DOWN, "reason": "silent", "error": "no answer"},
            "charlie does not answer: no answer",
            "look at the host of charlie",
        ),
    ],
)
def test_a_node_that_tells_nothing_is_an_error(seen, said, mend):
    found = health(charlie=seen)
    assert not found["ok"] and (found["findings"][0]["message"], found["findings"][0]["mend"]) == (said, mend)


def test_a_host_that_cannot_be_reached_is_an_error():
    found = health(without="charlie")
    assert messages(found, "error")[0] == "charlie cannot be reached: its host cannot be reached or was not asked"
    assert found["nodes"]["charlie"]["reason"] == "unreachable"
    assert states(found)["alpha charlie"] == "unknown"


def test_what_a_node_that_tells_nothing_does_to_its_links_is_told_once():
    own = [slot_seen("pgl_appdb_alpha_alpha_charlie", "charlie", wal_status="lost", active=False)]
    found = health(charlie=DOWN, alpha={"slots": own})
    assert states(found)["bravo charlie"] == states(found)["charlie alpha"] == "down"
    # What is more than that is told of the link as well.
    told = ["charlie is down", "alpha -> bravo (appdb) is slot_missing", "alpha -> charlie (appdb) is wal_lost"]
    assert [finding["summary"] for finding in found["findings"]] == told
    assert failure(found) == f"bdr is not well: {'; '.join(told)}"


def test_a_node_that_is_half_seeded_is_told_once_with_what_goes_on_with_it():
    broken = {"appdb": {"error": "pglogical is not in shared_preload_libraries", "unguarded": [], "keyless": []}}
    for server in ({"incoming": [], "databases": broken, "is_standby": True}, DOWN):
        found = health(charlie={**server, "seeding": "unfinished"})
        (finding,) = found["findings"]
        assert finding["message"].startswith("charlie is half seeded and no member yet")
        assert finding["mend"] == "ansible-playbook playbooks/reseed.yml -e bdr_node=charlie -e bdr_confirm=charlie"
        assert failure(found) == "bdr is not well: charlie is half seeded"
        of_charlie = [link for link in found["links"] if "charlie" in (link["upstream"], link["downstream"])]
        assert {(link["state"], link["evidence"][0]) for link in of_charlie} == {
            ("down", "the seeding of charlie is not finished")
        }


def test_a_node_that_lets_no_clients_in_is_an_error_though_its_links_stream():
    found = health(charlie={"seeding": "closed"})
    assert set(states(found).values()) == {"streaming"}
    assert failure(found) == "bdr is not well: charlie is closed"
    assert found["findings"][0]["mend"] == "run that again, or let clients in: ansible-playbook playbooks/site.yml"


def test_a_database_that_cannot_be_looked_at_is_an_error():
    seen = {"appdb": {"error": "it is gone", "unguarded": [], "keyless": []}}
    found = health(alpha={"databases": seen, "incoming": []})
    assert messages(found, "error")[0] == "appdb of alpha cannot be looked at: it is gone"


def test_what_a_slot_holds_back_is_warned_of_once():
    own = [slot_seen("pgl_appdb_alpha_alpha_bravo", "bravo", wal_held_bytes=60 * MB, xmin_age=10_000_001)]
    own += [slot_seen("pgl_appdb_alpha_alpha_charlie", "charlie", wal_status="unreserved")]
    own += [slot_seen("other", "", verdict="foreign", wal_status="lost", active=False)]
    found = health(alpha={"slots": own})
    assert messages(found, "warning") == [
        "alpha -> bravo (appdb) holds back 60.0 MB, 62 % of max_slot_wal_keep_size; lost in 96.0 MB",
        "slot pgl_appdb_alpha_alpha_bravo of alpha keeps rows from VACUUM that are 10,000,001 transactions old",
    ]
    (first, second) = messages(found, "error")
    assert first.startswith("alpha -> charlie (appdb) loses its WAL at the next checkpoint")
    assert second.startswith("slot other of alpha has lost its WAL")


def test_clocks_that_are_apart_are_an_error():
    apart = {"clock": {"offset_ms": 3000.0, "uncertainty_ms": 500.0}}
    (said,) = messages(health(alpha=apart), "error")
    assert said.startswith("bdr_max_clock_skew_ms: the clocks of bravo and alpha are at least 2500 ms apart")


def test_what_differs_between_nodes_is_warned_of_but_for_what_each_has_for_itself():
    settings = {"max_connections": "100", "port": "5433", "work_mem": "8MB"}
    found = health(alpha={"settings": settings}, bravo={**DOWN})
    assert messages(found, "warning") == ["work_mem differs: 8MB on alpha, its default on charlie"]
    standby = {"settings": settings, "is_standby": True}
    assert messages(health(alpha=standby), "warning") == []


def test_connections_that_are_settings_are_each_node_s_own():
    settings = {"bdr.bravo.dsn": "host=192.0.2.12", "bdr.other.dsn": "host=192.0.2.99"}
    found = health(OLD, alpha={"settings": settings})
    (said,) = (said for said in messages(found, "warning") if "dsn" in said)
    assert said.startswith("bdr.other.dsn differs: ")


def test_what_the_plan_lets_differ_is_right():
    planned = plan(own={"alpha": {"bdr_settings": {"work_mem": "8MB"}}}).as_dict()
    settings = {"max_connections": "100", "work_mem": "8192"}
    assert messages(health(planned, alpha={"settings": settings}), "warning") == []


def test_a_pending_restart_and_tables_that_lack_something_are_warned_of():
    seen = {"appdb": {"error": "", "unguarded": ["public.city"], "keyless": ["public.log"]}}
    found = health(
        alpha={"pending_restart": ["wal_level", "max_wal_senders"], "databases": seen}, bravo={"databases": seen}
    )
    assert found["ok"]
    assert messages(found, "warning") == [
        "alpha has to restart for wal_level, max_wal_senders",
        "public.city in appdb lacks the guard it should have on alpha, bravo",
        "public.log in appdb lacks a primary key on alpha, bravo",
    ]


def test_the_builders_agree_with_the_plan():
    names = {row["name"] for row in PLAN["nodes"]["alpha"]["connections"]}
    assert {row["name"] for row in node_seen("alpha")["incoming"]} == names


REFUSED = "bdr_home of charlie: it is old"


def test_a_node_that_must_not_start_is_told_with_its_way_out():
    way = way_out(node_plan("charlie"))
    found = health(charlie={**DOWN, "restored": {"refused": f"{REFUSED}. {way}"}})
    assert [(row["about"], row["message"], row["mend"]) for row in found["findings"]] == [("charlie", REFUSED, way)]
    assert failure(found) == "bdr is not well: charlie holds other data than its own of today"


def test_a_node_that_knows_less_than_the_others_is_told():
    found = status(PLAN, nodes_seen(), 50, 16, {"charlie": "charlie is old"})
    assert [(row["severity"], row["message"]) for row in found["findings"]] == [("error", "charlie is old")]


def test_what_site_would_change_is_a_warning_of_each_node_that_is_not_as_planned():
    steps = [f"step {number}" for number in range(1, 12)]
    changes = {
        "alpha": {"drift": {"steps": [], "error": ""}},
        "bravo": {"drift": {"steps": ["reload the server"], "error": ""}},
        "charlie": {"drift": {"steps": steps, "error": ""}},
    }
    found = health(**changes)
    assert found["ok"] and [finding["about"] for finding in found["findings"]] == ["bravo", "charlie"]
    assert messages(found, "warning") == [
        "bravo is not as planned, site.yml would: reload the server",
        f"charlie is not as planned, site.yml would: {'; '.join(steps[:8])}; and 3 more",
    ]
    assert {finding["mend"] for finding in found["findings"]} == {"ansible-playbook playbooks/site.yml"}


def test_nodes_of_which_it_is_not_known_for_the_same_reason_are_told_of_once():
    unknown = {"drift": {"steps": [], "error": "no password"}}
    found = health(alpha=unknown, charlie=unknown, bravo={"drift": {"steps": [], "error": "too slow"}})
    assert found["ok"] and messages(found, "warning") == [
        "what site.yml would change on alpha, charlie is not known: no password",
        "what site.yml would change on bravo is not known: too slow",
    ]


def test_changes_that_were_skipped_are_warned_of_since_rows_may_differ():
    worker = incoming_seen("alpha_bravo")["worker"]
    workers = {worker: {"kept": 4, "skipped": 2, "overwritten": 9}}
    counted = {"since": 1795374826.0, "until": 1795374999, "complete": True, "workers": workers}
    seen = {"incoming": [incoming_seen("alpha_bravo"), incoming_seen("charlie_bravo", worker="other")]}
    found = health(bravo={**seen, "conflicts": counted})
    assert found["links"][0]["conflicts"] == {**workers[worker], "count": 6, "since": 1795374826.0, "complete": True}
    assert messages(found, "warning") == [
        "alpha -> bravo (appdb) skipped 2 changes since 2026-11-22 19:13:46 UTC: bravo has no such rows"
    ]
    assert found["ok"] and found["findings"][0]["mend"] == "ansible-playbook playbooks/compare.yml"
