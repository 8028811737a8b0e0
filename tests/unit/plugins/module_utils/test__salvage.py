# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose change a row is, and what a file of such changes may say."""

from __future__ import annotations

import json

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _salvage
from ansible_collections.pgbdr.bdr.plugins.module_utils._salvage import SalvageError, Side, Version
from ansible_collections.pgbdr.bdr.tests.unit.salvages import ADDED, ALL, BOTH, CHANGED, GONE, LINE, UNKNOWN, salvage

# Charlie sent up to 10, and got up to 20 from alpha and bravo. Of 5 each knows the transactions, of 6 none does.
CHARLIE = Side("charlie", {"charlie": "15", "alpha": "20", "bravo": "20"}, {"05"})
ALPHA = Side("alpha", {"charlie": "10", "alpha": "30", "bravo": "25"}, {"05"})


def at(committed: str | None, origin: str | None = "charlie", hash_: str = "") -> Version:
    return Version(hash_ or f"{committed} {origin}", committed, origin)


@pytest.mark.parametrize(
    ("here", "there", "wanted"),
    [
        # The same, gone on both, or older than the server keeps
        (at("15", hash_="1"), at("30", "alpha", hash_="1"), ("behind", "")),
        (None, None, ("behind", "")),
        (at(None), at("05", "alpha"), ("behind", "")),
        # Rows that the node added, and such that alpha had and deleted
        (at("15"), None, ("unsent", "insert")),
        (at("05"), None, ("behind", "")),
        (at("05", None), None, ("behind", "")),
        (at("06"), None, ("unclear", "insert")),
        (at(None), None, ("unclear", "insert")),
        (at("15", None), None, ("unclear", "insert")),
        # From bravo, and not yet on alpha
        (at("26", "bravo"), None, ("unclear", "insert")),
        (at("05", "bravo"), None, ("behind", "")),
        # Gone from the node, which had it; which never got it; and where nobody can tell
        (None, at("05", "alpha"), ("unsent", "delete")),
        (None, at("05", "charlie"), ("unsent", "delete")),
        (None, at("21", "alpha"), ("behind", "")),
        (None, at("01", "zulu"), ("behind", "")),
        (None, at("06", "bravo"), ("unclear", "delete")),
        (None, at(None), ("unclear", "delete")),
        # Changed here alone, there alone, on both
        (at("15"), at("05", "bravo"), ("unsent", "update")),
        (at("15"), at(None, None), ("unsent", "update")),
        (at("05"), at("21", "alpha"), ("behind", "")),
        (at("15"), at("21", "alpha"), ("conflict", "update")),
        (at("15"), at("06", "alpha"), ("conflict", "update")),
        (at("06"), at("21", "alpha"), ("unclear", "update")),
        (at("26", "bravo"), at("05", "alpha"), ("unclear", "update")),
    ],
)
def test_whose_change_a_row_is(here, there, wanted):
    found = _salvage.judge(CHARLIE, ALPHA, here, there)
    assert (found.verdict, found.kind) == wanted
    assert bool(found.reason) == bool(found.kind)


def test_only_times_that_may_tell_something_are_asked_for():
    assert ALPHA.asks_for(at("15")) == "", "later than all that it got"
    assert ALPHA.asks_for(at("06")) == "06"
    assert ALPHA.asks_for(at("15", None)) == "15", "nobody knows where it is from"
    assert ALPHA.asks_for(at(None)) == ALPHA.asks_for(None) == ""


def test_what_is_certain_is_applied_and_the_rest_is_the_operator_s():
    decided = {each["verdict"]: each["apply"] for each in (ADDED, CHANGED, GONE, BOTH, UNKNOWN)}
    assert decided == {"unsent": True, "conflict": None, "unclear": False}
    assert (BOTH["newest"], CHANGED["newest"], ADDED["newest"]) == ("donor", "charlie", "")
    assert (GONE["node"], GONE["wanted"], ADDED["seen"]) == (None, None, None)
    assert CHANGED["node"] == {
        "committed": "2026-11-22 12:14:03.000000",
        "origin": "charlie",
        "values": {"id": "5", "name": "Nice"},
    }


def read(found, group="paris"):
    return _salvage.salvage_of(json.dumps(found), "s.json", group)


def test_a_file_is_read_as_it_was_made_or_decided_otherwise():
    assert read(ALL) == ALL
    decided = {**ALL, "changes": [{**each, "apply": True} for each in ALL["changes"]]}
    assert read(decided) == decided


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "bdr_salvage_file: s.json holds no salvage (format 1); name the .json that reseed.yml wrote"),
        ("[]", "s.json holds no salvage"),
        ('{"format": 1}', "s.json holds no salvage"),
        (json.dumps({**ALL, "format": 2}), "s.json holds no salvage"),
        (json.dumps({**ALL, "group": "rome"}), "bdr_salvage_file: s.json is of the group rome, this one is paris"),
        (json.dumps({**ALL, "node": "bravo"}), 'changed after it was made, elsewhere than in an "apply"'),
        (json.dumps({**ALL, "changes": [{**ADDED, "wanted": "1"}]}), "its checksum does not fit"),
        (
            json.dumps({**ALL, "changes": [{**each, "apply": "yes"} for each in ALL["changes"]]}),
            'bdr_salvage_file: s.json: "apply" is "yes"; wanted: true, false or null',
        ),
    ],
)
def test_what_is_no_such_file_is_refused(text, problem):
    with pytest.raises(SalvageError) as caught:
        _salvage.salvage_of(text, "s.json", "paris")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("confirm", "conflicts", "problem"),
    [
        ("alpha", "leave", "bdr_salvage_confirm names 'alpha': the changes of charlie are applied; repeat its name, "),
        ("charlie", "mine", "bdr_salvage_conflicts is 'mine'; wanted: leave, newest, apply"),
    ],
)
def test_a_wrong_request_is_refused(confirm, conflicts, problem):
    with pytest.raises(SalvageError) as caught:
        _salvage.refuse_request(ALL, confirm, conflicts)
    assert str(caught.value).startswith(problem)


def test_a_right_one_is_not():
    _salvage.refuse_request(ALL, "", "leave")
    _salvage.refuse_request(ALL, "charlie", "newest")


def test_the_donor_writes_unless_it_is_gone_or_another_one_is_asked_for():
    assert _salvage.target_of(ALL, "", ["alpha", "bravo"]) == "alpha"
    assert _salvage.target_of(ALL, "bravo", ["alpha", "bravo"]) == "bravo"
    assert _salvage.target_of(ALL, "", ["bravo", "charlie"]) == "bravo"
    with pytest.raises(SalvageError) as caught:
        _salvage.target_of(ALL, "zulu", ["alpha", "bravo"])
    assert str(caught.value) == "bdr_salvage_on: the group has no node 'zulu' to write to; it has alpha, bravo"


NEWER = {**BOTH, "newest": "charlie"}


@pytest.mark.parametrize(
    ("conflicts", "wanted"),
    [("leave", [ADDED]), ("newest", [ADDED, NEWER]), ("apply", [ADDED, BOTH, NEWER])],
)
def test_conflicts_are_applied_as_the_operator_says(conflicts, wanted):
    found = salvage(ADDED, BOTH, NEWER, UNKNOWN)
    assert _salvage.chosen(found, conflicts) == wanted


def test_what_the_file_decides_goes_before():
    found = salvage({**ADDED, "apply": False}, {**BOTH, "apply": True}, {**UNKNOWN, "apply": True})
    assert [each["key"] for each in _salvage.chosen(found, "leave")] == [{"id": "9"}, {"id": "77"}]


def test_rows_with_a_key_can_be_compared_afterwards():
    assert _salvage.keys_of(ALL, [ADDED, GONE, LINE]) == [
        {"database": "appdb", "table": "public.city", "keys": [{"id": "1001"}, {"id": "20"}]}
    ]
