# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a node leave, and has it."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _departure
from ansible_collections.pgbdr.bdr.tests.unit.builders import plan

PLAN = plan().as_dict()


def seen(name: str, **changes):
    return {"node": name, "data": "ours", "answers": True, "error": "", "identities": [], **changes}


def all_seen(**changes):
    return {name: seen(name, **changes.get(name, {})) for name in ("alpha", "bravo", "charlie")}


DEAD = {"charlie": {"answers": False, "error": "no such file"}}


def beat(downstream: str, upstream: str = "charlie", state: str = "streaming"):
    return {"links": [{"database": "appdb", "upstream": upstream, "downstream": downstream, "state": state}]}


ALL_BEAT = [beat("alpha"), beat("bravo")]


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (("charlie", "charlie", ""), []),
        (("charlie", "charlie", "charlie"), []),
        (("", "", ""), ["bdr_node is missing: name the node that is to leave, with -e bdr_node=...; the group has"]),
        (("delta", "delta", ""), ["bdr_node: the group bdr has no node 'delta'; it has alpha, bravo, charlie"]),
        (("charlie", "", ""), ["bdr_confirm is missing: removing charlie cannot be undone; repeat its name, -e bdr_c"]),
        (("charlie", "bravo", ""), ["bdr_confirm names 'bravo': removing charlie cannot be undone; repeat its name"]),
        (("charlie", "charlie", "bravo"), ["bdr_accept_loss names 'bravo'; it must name the node that leaves, charl"]),
    ],
)
def test_a_request(request_, wanted):
    found = _departure.request_problems(PLAN, *request_)
    assert len(found) == len(wanted)
    assert all(problem.startswith(start) for problem, start in zip(found, wanted, strict=True))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("alpha", "bdr_standby_of: bravo would have nothing to follow; take it out of the inventory"),
        ("bravo", "bdr_node: bravo is a physical standby and has no links; stop it and take it out of the inventory"),
        ("charlie", None),
    ],
)
def test_physical_standbys(name, wanted):
    with_standby = plan(own={"bravo": {"bdr_standby_of": "alpha"}}).as_dict()
    assert _departure.request_problems(with_standby, name, name, "") == ([wanted] if wanted else [])


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (all_seen(), "alive"),
        (all_seen(charlie={"data": "removed", "answers": False}), "removed"),
        (all_seen(**DEAD), "dead"),
        ({}, "dead"),
    ],
)
def test_the_state_of_a_node(found, wanted):
    assert _departure.state_of(PLAN, "charlie", found) == wanted


@pytest.mark.parametrize(
    ("found", "accept_loss", "heartbeats"),
    [
        (all_seen(), "", ALL_BEAT),
        (all_seen(), "", [*ALL_BEAT, beat("bravo", "alpha", "slow")]),
        (all_seen(), "", None),
        (all_seen(), "charlie", [beat("alpha", state="down")]),
        (all_seen(**DEAD), "charlie", []),
        (all_seen(charlie={"data": "removed", "answers": False}), "", []),
    ],
)
def test_it_may_leave(found, accept_loss, heartbeats):
    assert _departure.problems(PLAN, "charlie", accept_loss, found, heartbeats) == []


def test_a_physical_standby_need_not_answer():
    with_standby = plan(own={"bravo": {"bdr_standby_of": "alpha"}}).as_dict()
    found = all_seen(bravo={"answers": False, "error": "down"})
    assert _departure.problems(with_standby, "charlie", "", found, [beat("alpha")]) == []


def only(*arguments) -> str:
    (problem,) = _departure.problems(PLAN, "charlie", *arguments)
    return problem


def test_all_others_must_answer_whatever_is_accepted():
    silent = all_seen(bravo={"answers": False, "error": "refused"})
    for accept_loss in ("", "charlie"):
        assert only(accept_loss, silent, ALL_BEAT).startswith("bdr_hosts: bravo does not answer (refused), and what it")
    del silent["bravo"]
    assert "bravo does not answer (its host cannot be reached)" in only("", silent, ALL_BEAT)


def test_nobody_can_tell_what_a_dead_node_did_not_send():
    told = only("", all_seen(**DEAD), [])
    assert "charlie does not answer (no such file)" in told
    assert "(how far its changes got is not known)" in told
    assert told.endswith("say so with -e bdr_accept_loss=charlie")
    received = {"alpha": {"received": {"appdb": "0/5"}}, "bravo": {"received": {"appdb": ""}, "in_use": ["slot"]}}
    told = only("", all_seen(**DEAD, **received), [])
    assert "(bravo still sends to it; alpha has its changes of appdb up to 0/5)" in told


def test_what_does_not_get_through_keeps_the_node():
    told = only("", all_seen(), [beat("alpha"), beat("bravo", state="row not seen")])
    assert told.startswith("bdr_node: changes of charlie do not get to bravo (appdb): row not seen. Mend the link")


def test_a_link_that_was_not_tried_is_not_taken_for_proven():
    told = _departure.problems(PLAN, "charlie", "", all_seen(), [beat("alpha")])
    assert told == ["bdr_node: nothing proves that changes of charlie get to bravo (appdb); run this again"]


def test_what_is_accepted_to_be_lost_is_told_all_the_same():
    stuck = [beat("alpha"), beat("bravo", state="down")]
    assert _departure.problems(PLAN, "charlie", "charlie", all_seen(), stuck) == []
    assert "do not get to bravo" in _departure.undelivered(PLAN, "charlie", all_seen(), stuck)[0]
    assert "does not answer" in _departure.undelivered(PLAN, "charlie", all_seen(**DEAD), [])[0]
    assert _departure.undelivered(PLAN, "charlie", all_seen(), ALL_BEAT) == []


def test_who_stays():
    found = all_seen(alpha={"identities": [("1", "2")]}, charlie={"identities": [("3", "4")]})
    assert _departure.remaining(PLAN, "charlie", found) == [["1", "2"]]


def test_what_is_left():
    assert _departure.left({"bravo": seen("bravo", left=["slot x"]), "alpha": seen("alpha")}) == [
        "bravo still has slot x"
    ]


def test_farewell():
    told = _departure.farewell(PLAN["nodes"]["charlie"])
    assert "charlie has left the group bdr" in told
    assert "/var/lib/pgbdr/bdr/charlie of charlie" in told
