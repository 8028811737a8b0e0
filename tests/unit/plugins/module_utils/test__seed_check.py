# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May a node be seeded, from whom, and how: of what was seen on all nodes."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _seed_check, _seed_told
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed import (
    COPIED,
    FRESH,
    HELD,
    LINKED,
    LOADED,
    PROMOTED,
    STANDBY,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed_check import Course, Request
from ansible_collections.pgbdr.bdr.tests.unit.builders import plan

PLAN = plan().as_dict()
CHARLIE = Request("charlie")
PHYSICALLY = Request("charlie", method="physical")
LOGICALLY = Request("charlie", method="logical")
DOWN = {"answers": False, "error": "no such file", "links": [], "size_mb": 0, "free_slots": 0, "slots": []}


def link(upstream: str, state: str = "streaming", behind: int | None = 0, exists: bool = True) -> dict:
    return {"database": "appdb", "upstream": upstream, "exists": exists, "state": state, "behind_bytes": behind}


def seen(name: str, **changes) -> dict:
    """Return a healthy node as seed_info sees it."""
    sound = {
        "node": name,
        "host": f"host of {name}",
        "data": "ours",
        "has_data": True,
        "stage": FRESH,
        "donor": "",
        "point": "",
        "method": "",
        "answers": True,
        "error": "",
        "refused": "",
        "links": [link(other) for other in PLAN["nodes"] if other != name],
        "size_mb": 1000,
        "free_mb": 5000,
        "slots": [slot["name"] for slot in PLAN["nodes"].get(name, {}).get("slots", [])],
        "free_slots": 3,
        "sets": [],
        "tablespaces": [],
        "large_objects": [],
        "platform": "x86_64, debian 12",
        "version": "15.8",
    }
    return {**sound, **changes}


def all_seen(**changes) -> dict:
    """Return three nodes; by default charlie is down."""
    return {name: seen(name, **changes.get(name, DOWN if name == "charlie" else {})) for name in PLAN["nodes"]}


def half(stage: str, **changes) -> dict:
    """Return charlie half seeded from bravo."""
    course = {"donor": "bravo", "point": "pgbdr_charlie_1", "method": "physical"}
    return {**DOWN, "data": "seeded", "stage": stage, **course, **changes}


CONTRIB = plan(bdr_engine="contrib_bdr").as_dict()
ROWS = {"method": "in_place", "donor": "bravo", "point": "pgbdr_charlie_1"}


# --- Rows in their place --------------------------------------------------------------------------


def test_a_server_that_is_gone_is_an_identity_that_is_gone():
    found = all_seen(charlie={**DOWN, "data": "absent", "has_data": False})
    (said,) = _seed_check.problems(CONTRIB, Request("charlie", accept_loss="charlie"), found)
    assert said.startswith("bdr_node: charlie has no data any more, and with contrib_bdr its server is its identity")


def test_slots_whose_names_have_ids_are_not_counted():
    found = all_seen(alpha={"free_slots": 0, "slots": []}, bravo={"free_slots": 0, "slots": []})
    assert _seed_check.problems(CONTRIB, CHARLIE, found) == []


@pytest.mark.parametrize(
    ("stage", "wanted"),
    [
        (
            FRESH,
            [
                "copies the rows of bravo (1000 MB) to charlie",
                "replaces all rows of appdb on charlie, at once",
                "first lets charlie deliver what only it has, closed to its clients",
            ],
        ),
        (
            HELD,
            [
                "goes on: copies the rows of bravo (1000 MB) to charlie",
                "replaces all rows of appdb on charlie, at once",
            ],
        ),
        (LOADED, ["goes on: charlie has the rows of bravo, and is to be linked"]),
        (LINKED, ["goes on: charlie has the rows of bravo, and is linked"]),
    ],
)
def test_what_is_told_of_rows_in_their_place(stage, wanted):
    request = Request("charlie", "" if stage != FRESH else "bravo")
    found = all_seen(charlie={**DOWN, "stage": stage, "data": "ours" if stage == FRESH else "seeded", **ROWS})
    assert _seed_check.problems(CONTRIB, request, found) == []
    way = _seed_check.course(CONTRIB, request, found, "new")
    assert (way.method, way.donor, way.delivers) == ("in_place", "bravo", stage == FRESH)
    told = _seed_told.told(CONTRIB, request, way, found)
    assert told == "\n".join(f"reseed {line}" for line in wanted)


# --- What stands against it -----------------------------------------------------------------------

LOST = {"links": [link("alpha", "the slot is lost"), link("bravo")]}
NEW = {**DOWN, "data": "absent", "has_data": False, "version": ""}
NOBODY_S = {name: {"links": [link(other)]} for name, other in (("alpha", "bravo"), ("bravo", "alpha"))}
"""The others have no links from charlie."""
STALE = {"links": [link("bravo", "down"), link("charlie")]}
ALPHA_HAS = {"alpha": {"free_slots": 0}}


@pytest.mark.parametrize(
    ("request_", "changes"),
    [
        # Down, never there, without a link, and one that lost its WAL
        (CHARLIE, {}),
        (CHARLIE, {**NOBODY_S, "charlie": NEW}),
        (CHARLIE, {"charlie": {"links": []}}),
        (CHARLIE, {"charlie": LOST}),
        # One that gets everything, and from which alpha gets nothing
        (CHARLIE, {"charlie": {}, "alpha": {"links": [link("bravo"), link("charlie", "down")]}}),
        # A healthy one, as its name is repeated
        (Request("charlie", force="charlie"), {"charlie": {}}),
        (Request("charlie", accept_loss="charlie"), {}),
        (Request("charlie", accept_loss="charlie"), {"charlie": NEW}),
        (Request("charlie", accept_loss="charlie"), {"charlie": {**DOWN, "refused": "it is old"}}),
        # Links from the node itself are nobody's fault.
        (CHARLIE, {"alpha": {"links": [link("bravo"), link("charlie", "down", None)]}}),
        # One of the donors is not whole, the other one is.
        (CHARLIE, {"alpha": STALE}),
        (Request("charlie", "bravo"), {"alpha": STALE}),
        # What cannot be copied as a whole is copied table by table.
        (CHARLIE, {"alpha": {"tablespaces": ["fast"], "sets": ["reports"]}}),
        (CHARLIE, {"charlie": {**DOWN, "version": "16.1", "platform": "aarch64, debian 13"}}),
        (LOGICALLY, {}),
        (LOGICALLY, {"charlie": NEW, **NOBODY_S}),
        # Large objects come with a copy of all files.
        (CHARLIE, {"alpha": {"large_objects": ["appdb"]}}),
        # Just enough disk, and slots that are there already
        (Request("charlie", "bravo"), {"charlie": {**DOWN, "free_mb": 1100}}),
        (Request("charlie", "bravo"), {"alpha": {"free_slots": 0}, "bravo": {"free_slots": 1}}),
        # What an earlier run began goes on, whatever has become of disk and slots.
        (CHARLIE, {"charlie": half(COPIED, free_mb=0), **ALPHA_HAS}),
        (CHARLIE, {"charlie": half(STANDBY)}),
        (Request("charlie", "bravo"), {"charlie": half(PROMOTED)}),
        (Request("charlie", "alpha", force="charlie"), {"charlie": half(PROMOTED)}),
    ],
)
def test_nothing_stands_against_it(request_, changes):
    assert _seed_check.problems(PLAN, request_, all_seen(**changes)) == []


@pytest.mark.parametrize(
    ("request_", "changes", "said"),
    [
        (
            Request("charlie", force="bravo"),
            {},
            "bdr_force names 'bravo'; it must name the node that is seeded, charlie, or be left out",
        ),
        (
            Request("charlie", accept_loss="alpha"),
            {},
            "bdr_accept_loss names 'alpha'; it must name the node that is seeded, charlie, or be left out",
        ),
        (
            CHARLIE,
            {"bravo": DOWN},
            "bdr_hosts: bravo does not answer (no such file), and it must send to charlie and get from it; start",
        ),
        (
            CHARLIE,
            {"charlie": {"data": "foreign"}},
            "bdr_home of charlie: what lies there is foreign. Empty it, or name another directory",
        ),
        (
            CHARLIE,
            {"charlie": {"data": "removed"}},
            "bdr_home of charlie: what lies there is removed. Empty it, or name another directory",
        ),
        (
            CHARLIE,
            {"charlie": {}},
            "bdr_node: charlie is healthy, all its links stream. To replace its data all the same, say so with "
            "-e bdr_force=charlie",
        ),
        (
            Request("charlie", "alpha"),
            {"charlie": half(STANDBY)},
            "bdr_donor: charlie is half copied from bravo. Leave bdr_donor out to go on with that, or begin anew with "
            "-e bdr_force=charlie",
        ),
        (
            CHARLIE,
            {"alpha": STALE, "bravo": {"links": [link("alpha", "not there", None), link("charlie")]}},
            "bdr_donor: no donor is whole: bravo -> alpha (appdb) is down; alpha -> bravo (appdb) is not there. Mend "
            "these links with site.yml first, or name another donor",
        ),
        (
            Request("charlie", "alpha"),
            {"alpha": STALE},
            "bdr_donor: no donor is whole: bravo -> alpha (appdb) is down. Mend these links with site.yml first, or ",
        ),
        (
            CHARLIE,
            {"charlie": {**DOWN, "free_mb": 1099}},
            "bdr_home of charlie: the copy of alpha needs 1100 MB beside what lies there, 1099 MB are free. Give the ",
        ),
        (
            PHYSICALLY,
            {"alpha": {"tablespaces": ["fast", "slow"]}},
            "bdr_donor: alpha has tablespaces (fast, slow), which would be copied to the same paths; move their tables",
        ),
        (
            PHYSICALLY,
            {"alpha": {"sets": ["reports"]}},
            "bdr_donor: alpha has replication sets of your own (reports), which a copy loses; drop them for the time, ",
        ),
        (
            PHYSICALLY,
            {"charlie": {**DOWN, "version": "15.7"}},
            "bdr_donor: alpha has the version 15.8, charlie has 15.7; a copy needs the same",
        ),
        (
            PHYSICALLY,
            {"charlie": {**DOWN, "platform": "x86_64, debian 13"}},
            "bdr_donor: alpha has the platform x86_64, debian 12, charlie has x86_64, debian 13; a copy needs the same",
        ),
        (
            CHARLIE,
            {"charlie": NEW},
            "bdr_node: charlie has no data any more, so what it did not send to alpha and bravo is lost. Put its data "
            "back, or say that you accept this with -e bdr_accept_loss=charlie",
        ),
        (
            CHARLIE,
            {"charlie": {**DOWN, "refused": "bdr_home of charlie: it is old"}},
            "bdr_home of charlie: it is old",
        ),
        # What no copy of tables brings
        (
            LOGICALLY,
            {"alpha": {"large_objects": ["appdb"]}},
            "bdr_donor: alpha has large objects (appdb), which are no rows of a table and would be lost; move them to ",
        ),
        (
            CHARLIE,
            {"charlie": {**DOWN, "version": "14.19"}},
            "bdr_donor: alpha has the version 15.8, charlie has 14.19, and an older server cannot take all that a",
        ),
        # The donor needs one for the copy.
        (
            CHARLIE,
            {"alpha": {"free_slots": 0}},
            "bdr_settings: alpha needs 1 free slots to seed charlie and has 0; drop those that nobody needs (slots",
        ),
        (
            CHARLIE,
            {"alpha": {"free_slots": 1, "slots": []}},
            "bdr_settings: alpha needs 2 free slots to seed charlie and has 1; drop those that nobody needs (slots",
        ),
        # Another upstream needs the node's own only, where it is not there.
        (
            CHARLIE,
            {"bravo": {"free_slots": 0, "slots": ["pgl_appdb_bravo_bravo_alpha"]}},
            "bdr_settings: bravo needs 1 free slots to seed charlie and has 0; drop those that nobody needs (slots",
        ),
    ],
)
def test_what_stands_against_it(request_, changes, said):
    (problem,) = _seed_check.problems(PLAN, request_, all_seen(**changes))
    assert problem.startswith(said)


def test_hosts_that_cannot_be_reached():
    assert _seed_check.problems(PLAN, CHARLIE, {"alpha": seen("alpha")}) == [
        "bdr_hosts: bravo does not answer (its host cannot be reached), and it must send to charlie and get from it; "
        "start its server (unit pgbdr-bdr-bravo.service), or remove the node first",
        "bdr_node: the host of charlie cannot be reached",
    ]


def test_a_physical_standby_need_not_answer():
    with_standby = plan("alpha bravo charlie", {"bravo": {"bdr_standby_of": "alpha"}}).as_dict()
    found = {
        "alpha": seen("alpha", links=[link("charlie")]),
        "bravo": seen("bravo", **DOWN),
        "charlie": seen("charlie", **DOWN),
    }
    assert _seed_check.problems(with_standby, CHARLIE, found) == []
    del found["bravo"]
    assert _seed_check.problems(with_standby, CHARLIE, found) == []


def test_everything_that_the_copy_lacks_at_once():
    found = all_seen(
        alpha={"tablespaces": ["fast"], "sets": ["reports"], "free_slots": 0},
        bravo={"free_slots": 0, "slots": []},
        charlie={**DOWN, "free_mb": 1, "version": "15.7"},
    )
    told = _seed_check.problems(PLAN, PHYSICALLY, found)
    assert [problem.split(":")[0] for problem in told] == [
        *("bdr_home of charlie", "bdr_donor", "bdr_donor", "bdr_donor", "bdr_settings", "bdr_settings")
    ]


# --- The donor ------------------------------------------------------------------------------------


def lagging(**behind: int | None) -> dict:
    """Return nodes that are behind the other healthy one; far behind the one that is seeded, as both are."""
    other = {"alpha": "bravo", "bravo": "alpha"}
    return all_seen(
        **{
            name: {
                "links": [link(other[name], behind=bytes_), link("charlie", "down", 10_000 if name == "alpha" else 0)]
            }
            for name, bytes_ in behind.items()
        }
    )


@pytest.mark.parametrize(
    ("found", "asked", "wanted"),
    [
        (lagging(alpha=5, bravo=4), "", "bravo"),
        (lagging(alpha=4, bravo=5), "", "alpha"),
        # By name on a tie; what the node itself has not sent does not count.
        (lagging(alpha=5, bravo=5), "", "alpha"),
        (lagging(alpha=None, bravo=1), "", "alpha"),
        # The one asked for, however far it is behind
        (lagging(alpha=5, bravo=4), "alpha", "alpha"),
        # Never one with a link that does not stream, though it seems to be less behind or was asked for
        (all_seen(alpha=STALE), "", "bravo"),
        (all_seen(alpha=STALE), "alpha", ""),
        (all_seen(alpha={"links": [link("bravo", "slow"), link("charlie")]}), "", "bravo"),
        (all_seen(alpha=STALE, bravo={"links": [link("alpha", "down")]}), "", ""),
    ],
)
def test_the_donor_is_whole_and_the_least_behind(found, asked, wanted):
    assert _seed_check.donor_of(PLAN, Request("charlie", asked), found) == wanted


def test_how_far_a_node_is_behind_the_others():
    node = seen("alpha", links=[link("bravo", behind=3), link("delta", behind=4), link("charlie", behind=100)])
    assert _seed_check.behind("charlie", node) == 7


# --- The course -----------------------------------------------------------------------------------

NOT_MADE = {
    name: {"links": [link(other), link("charlie", "not there", None, False)]} for name, other in [("alpha", "bravo")]
}


@pytest.mark.parametrize(
    ("request_", "changes", "wanted"),
    [
        (CHARLIE, {}, Course("alpha", "new", FRESH, True, "physical")),
        (Request("charlie", "bravo"), {}, Course("bravo", "new", FRESH, True, "physical")),
        # Nobody gets anything from it any more.
        (CHARLIE, NOBODY_S, Course("alpha", "new", FRESH, False, "physical")),
        # A new node has nothing that the others lack.
        (CHARLIE, {**NOBODY_S, "charlie": NEW}, Course("alpha", "new", FRESH, False, "physical")),
        (CHARLIE, {**NOBODY_S, **NOT_MADE, "charlie": NEW}, Course("alpha", "new", FRESH, False, "physical")),
        # What it did not send is given up, but not before it was tried to deliver it, and written down.
        (Request("charlie", accept_loss="charlie"), {}, Course("alpha", "new", FRESH, True, "physical")),
        (LOGICALLY, {}, Course("alpha", "new", FRESH, True, "logical")),
        (CHARLIE, {"alpha": {"sets": ["mine"]}}, Course("alpha", "new", FRESH, True, "logical")),
        # Of the node's own kind, and of one whose data directory fits
        (Request("charlie", "bravo"), {"alpha": {"sets": ["mine"]}}, Course("bravo", "new", FRESH, True, "physical")),
        # What an earlier run began
        (CHARLIE, {"charlie": half(COPIED)}, Course("bravo", "pgbdr_charlie_1", COPIED, False, "physical")),
        (CHARLIE, {"charlie": half(STANDBY)}, Course("bravo", "new", STANDBY, False, "physical")),
        (CHARLIE, {"charlie": half(PROMOTED)}, Course("bravo", "pgbdr_charlie_1", PROMOTED, False, "physical")),
    ],
)
def test_the_course(request_, changes, wanted):
    assert _seed_check.course(PLAN, request_, all_seen(**changes), "new") == wanted


@pytest.mark.parametrize("stage", [COPIED, STANDBY, PROMOTED])
def test_force_begins_anew(stage):
    found = all_seen(charlie=half(stage))
    request = Request("charlie", "alpha", force="charlie", accept_loss="charlie")
    assert _seed_check.course(PLAN, request, found, "new") == Course("alpha", "new", FRESH, False, "physical")


def test_a_half_seeded_node_has_nothing_to_deliver():
    """Nobody was let in since it delivered everything, and a standby could send nothing."""
    found = all_seen(charlie=half(PROMOTED))
    assert not _seed_check.course(PLAN, Request("charlie", force="charlie"), found, "new").delivers


def test_a_node_that_was_opened_again_behind_its_copy_delivers_again():
    found = all_seen(charlie=half(COPIED, data="ours", has_data=True))
    assert _seed_check.course(PLAN, CHARLIE, found, "new").delivers


def test_a_donor_that_left_the_group_is_told_of():
    (problem,) = _seed_check.problems(PLAN, CHARLIE, all_seen(charlie=half(STANDBY, donor="zulu")))
    assert problem.startswith("bdr_donor: charlie is half copied from zulu, which is no node of the group any more")
    assert problem.endswith("-e bdr_force=charlie")


@pytest.mark.parametrize(
    ("stage", "begins", "forgets"),
    [(FRESH, True, True), (COPIED, False, True), (STANDBY, False, True), (PROMOTED, False, False)],
)
def test_slots_of_a_node_that_stands_alone_are_kept(stage, begins, forgets):
    """Their changes are what the copy lacks."""
    course = Course("alpha", "point", stage, False, "physical")
    assert (course.begins, course.forgets) == (begins, forgets)


@pytest.mark.parametrize(("stage", "forgets"), [(FRESH, True), (COPIED, False), (PROMOTED, False)])
def test_slots_that_are_older_than_a_snapshot_are_kept_with_its_copy(stage, forgets):
    assert Course("alpha", "point", stage, False, "logical").forgets is forgets


COPIES = "reseed copies alpha (1000 MB) to charlie"
REPLACES = "reseed replaces all data in /var/lib/pgbdr/bdr/charlie of host of charlie, once the copy is complete"
DELIVERS = "reseed first lets charlie deliver what only it has, closed to its clients"


@pytest.mark.parametrize(
    ("request_", "charlie", "wanted"),
    [
        (CHARLIE, DOWN, [COPIES, REPLACES, DELIVERS]),
        (Request("charlie", accept_loss="charlie"), DOWN, [COPIES, REPLACES, DELIVERS]),
        (Request("charlie", accept_loss="charlie"), NEW, [COPIES]),
        (CHARLIE, half(COPIED), ["reseed goes on: the copy of bravo lies beside the data of charlie"]),
        (CHARLIE, half(STANDBY), ["reseed goes on: charlie follows bravo"]),
        (CHARLIE, half(PROMOTED), ["reseed goes on: the copy of bravo is whole and becomes charlie"]),
    ],
)
def test_what_is_told(request_, charlie, wanted):
    found = all_seen(charlie=charlie)
    course = _seed_check.course(PLAN, request_, found, "new")
    assert _seed_told.told(PLAN, request_, course, found).splitlines() == wanted


@pytest.mark.parametrize(
    ("request_", "alpha", "wanted"),
    [
        (LOGICALLY, {"sets": ["mine"]}, f"{COPIES} table by table"),
        (CHARLIE, {"tablespaces": ["a", "b"]}, f"{COPIES} table by table, as alpha has tablespaces (a, b)"),
        (
            CHARLIE,
            {"sets": ["mine"]},
            f"{COPIES} table by table, as alpha has replication sets of your own (mine)",
        ),
        (
            CHARLIE,
            {"version": "14.1"},
            f"{COPIES} table by table, as alpha has the version 14.1, charlie has 15.8",
        ),
    ],
)
def test_what_is_told_of_a_copy_table_by_table(request_, alpha, wanted):
    found = all_seen(alpha=alpha)
    course = _seed_check.course(PLAN, request_, found, "new")
    assert _seed_told.told(PLAN, request_, course, found).splitlines()[0] == wanted


def test_a_copy_table_by_table_goes_on():
    found = all_seen(charlie=half(COPIED, method="logical"))
    course = _seed_check.course(PLAN, LOGICALLY, found, "new")
    assert "goes on" in _seed_told.told(PLAN, LOGICALLY, course, found)


def test_a_copy_beside_data_that_is_still_the_node_s_own_replaces_it():
    found = all_seen(charlie=half(COPIED, data="ours"))
    assert (
        REPLACES
        in _seed_told.told(PLAN, CHARLIE, Course("bravo", "point", COPIED, False, "physical"), found).splitlines()
    )


def test_a_course_takes_the_method_that_was_asked_for_or_the_one_of_the_earlier_run():
    asked = Request("charlie", method="physical")
    assert _seed_check.course(PLAN, asked, all_seen(), "new").method == "physical"
    begun = all_seen(charlie={**half(PROMOTED), "method": "another"})
    assert _seed_check.course(PLAN, asked, begun, "new").method == "another"
