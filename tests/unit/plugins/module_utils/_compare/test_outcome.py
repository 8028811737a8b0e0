# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a row that differs, of a table and of one that was not compared."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare import outcome
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.verdict import Candidate

NAMES = ("id", "name", "size")
ONE, TWO = ("1", "10"), ("2", "20")
EARLY, LATE = "2026-11-20 01:00:00+00", "2026-11-20 01:00:00.25+00"


def details(*values: str | None, committed: str | None = EARLY, origin: str | None = "") -> dict[str, t.Any]:
    """Return a row as a node shows it; equal values have equal marks."""
    return {
        "values": list(values),
        "marks": [f"m{value}" for value in values],
        "committed": committed,
        "origin": origin,
    }


def told(reading: t.Any, shown: dict[str, t.Any], reason: str = "", unfenced: t.Sequence[str] = ()) -> outcome.Told:
    candidate = Candidate(("5",), reading, 1, dict.fromkeys(unfenced, "silent"))
    return outcome.of_row(candidate, reason, {"id": "5"}, NAMES, shown)


def test_all_that_is_told_of_a_row():
    shown = {
        "b": details("5", "Lutetia", "1", committed=EARLY, origin=None),
        "a": details("5", "Paris", "1", committed=LATE),
        "c": details("5", "Paris", "1", committed=LATE, origin="bdr_a"),
    }
    assert told({"c": ONE, "a": ONE, "b": TWO}, shown, unfenced=["c", "not compared"]) == {
        "key": {"id": "5"},
        "verdict": "different",
        "reason": "",
        "versions": [
            {"nodes": ["a", "c"], "hash": "1", "count": 1, "values": {"name": "Paris"}},
            {"nodes": ["b"], "hash": "2", "count": 1, "values": {"name": "Lutetia"}},
        ],
        "columns": ["name"],
        "unfenced": ["c"],
        "majority": [],
        "newest": ["a", "c"],
        "committed": {"a": LATE, "b": EARLY, "c": LATE},
        "origin": {"a": "", "b": None, "c": "bdr_a"},
    }
    assert told({"c": ONE, "a": ONE, "b": TWO}, shown)["majority"] == ["a", "c"]


def test_a_row_that_is_not_proven_says_why():
    found = told({"a": ONE, "b": TWO}, {}, "silent", ["b"])
    assert (found["verdict"], found["reason"], found["unfenced"]) == ("unproven", "silent", ["b"])


@pytest.mark.parametrize(
    ("reading", "shown", "columns", "values"),
    [
        # Of a row that some lack all is shown; of one that all have what differs.
        ({"a": ONE, "b": None}, {"a": details("5", "x", None)}, [], [{"id": "5", "name": "x", "size": None}, {}]),
        (
            {"a": ONE, "b": TWO},
            {"a": details("5", "", "1"), "b": details("5", None, "2")},
            ["name", "size"],
            [{"name": "", "size": "1"}, {"name": None, "size": "2"}],
        ),
        (
            {"a": ONE, "b": TWO, "c": None},
            {"a": details("5", "x", "1"), "b": details("5", "y", "1")},
            ["name"],
            [{"name": "x"}, {"name": "y"}, {}],
        ),
        # What came between the verdict and this look: equal by now, gone, or there.
        ({"a": ONE, "b": TWO}, {"a": details("5", "x", "1"), "b": details("5", "x", "1")}, [], [{}, {}]),
        ({"a": ONE, "b": TWO}, {"a": details("5", "x", "1")}, [], [{"id": "5", "name": "x", "size": "1"}, {}]),
        ({"a": ONE, "b": TWO}, {}, [], [{}, {}]),
        (
            {"a": ONE, "b": None},
            {"a": details("5", "x", "1"), "b": details("5", "y", "1", committed=LATE)},
            [],
            [{"id": "5", "name": "x", "size": "1"}, {}],
        ),
    ],
)
def test_which_values_are_shown(reading, shown, columns, values):
    found = told(reading, shown)
    assert found["columns"] == columns
    assert [version["values"] for version in found["versions"]] == values
    there = sorted(node for node in shown if reading[node])
    assert (sorted(found["committed"]), sorted(found["origin"])) == (there, there)


def test_values_that_are_written_alike_differ_by_their_marks():
    shown = {"a": details("5", "x", "1"), "b": {**details("5", "x", "1"), "marks": ["m5", "another", "m1"]}}
    assert told({"a": ONE, "b": TWO}, shown)["columns"] == ["name"]


@pytest.mark.parametrize(
    ("groups", "committed", "wanted"),
    [
        ("a b", {}, ""),
        ("a b", {"a": EARLY, "b": LATE}, "b"),
        ("a b", {"a": LATE, "b": EARLY}, "a"),
        ("ac b", {"a": LATE, "b": EARLY, "c": LATE}, "ac"),
        ("a b", {"a": EARLY, "b": EARLY}, "ab"),
        ("a -b", {"a": EARLY}, "a"),
        # A version without a time may be the one.
        ("a b", {"a": EARLY, "b": None}, ""),
        ("a b", {"a": EARLY}, ""),
        ("ac b", {"a": EARLY, "b": LATE, "c": None}, "b"),
        ("a bc", {"a": EARLY, "b": None, "c": LATE}, "c"),
        # As the server writes them, without zeros at the end.
        ("a b", {"a": "2026-11-20 01:00:00.12+00", "b": "2026-11-20 01:00:00.123+00"}, "b"),
        ("a b", {"a": "2026-11-20 01:00:00.9+00", "b": "2026-11-20 01:00:00.123+00"}, "a"),
        ("a b", {"a": "2026-11-20 01:00:01+00", "b": "2026-11-20 01:00:00.999999+00"}, "a"),
    ],
)
def test_which_version_is_the_newest(groups, committed, wanted):
    versions = [
        {"nodes": list(group.strip("-")), "hash": None if group[0] == "-" else group} for group in groups.split()
    ]
    assert "".join(outcome.newest(versions, committed)) == wanted


def test_a_row_without_a_key():
    candidate = Candidate(("4711",), {"a": ("2", "9"), "b": ("2", "8"), "c": None}, 2, {"b": "silent"})
    found = outcome.of_multiset(candidate, "", {"name": "x", "size": None})
    assert found == {
        "key": {},
        "verdict": "different",
        "reason": "",
        "versions": [
            {"nodes": ["a", "b"], "hash": "4711", "count": 2, "values": {"name": "x", "size": None}},
            {"nodes": ["c"], "hash": None, "count": 0, "values": {}},
        ],
        "columns": [],
        "unfenced": ["b"],
        "majority": [],
        "newest": [],
        "committed": {},
        "origin": {},
    }
    again = outcome.of_multiset(Candidate(("4711",), {"a": ("1", "1"), "b": ("3", "2"), "c": ("3", "1")}), "silent", {})
    assert (again["verdict"], again["reason"], again["majority"]) == ("unproven", "silent", ["b", "c"])
    assert [(version["hash"], version["count"]) for version in again["versions"]] == [("4711", 3), ("4711", 1)]
    assert set(found) == set(told({"a": ONE, "b": TWO}, {})), "one shape, whatever the table"


def test_origins_are_told_by_their_nodes():
    row = told({"a": ONE, "b": TWO}, {})
    row["origin"] = {"a": "", "b": "bdr_a", "c": "elsewhere", "d": None}
    origins = {("b", "bdr_a"): "a", ("c", "bdr_a"): "d"}
    found = outcome.with_origins(row, origins)
    assert found["origin"] == {"a": "a", "b": "a", "c": "elsewhere", "d": None}
    assert {**found, "origin": row["origin"]} == row


DIFFERENT = told({"a": ONE, "b": TWO}, {})
SILENT = told({"a": ONE, "b": TWO}, {}, "silent")
WRITTEN = told({"a": ONE, "b": None}, {}, "written")
THERE = {"missing_on": [], "nodes": ["a", "b"]}


@pytest.mark.parametrize(
    ("rows", "table", "verdict", "reason"),
    [
        ([], THERE, "equal", ""),
        ([DIFFERENT], THERE, "different", ""),
        ([SILENT, DIFFERENT], THERE, "different", ""),
        ([SILENT, WRITTEN, SILENT], THERE, "unproven", "silent; written"),
        ([], {**THERE, "missing_on": ["c", "d"]}, "different", "missing on c, d"),
        ([SILENT], {**THERE, "missing_on": ["c"]}, "different", "missing on c"),
        # What looked equal, or was settled, is only a part.
        ([], {**THERE, "truncated": True}, "unproven", outcome.TRUNCATED),
        ([SILENT], {**THERE, "truncated": True}, "unproven", "silent"),
        ([DIFFERENT], {**THERE, "truncated": True}, "different", ""),
        ([], {**THERE, "truncated": False}, "equal", ""),
    ],
)
def test_the_verdict_of_a_table(rows, table, verdict, reason):
    found = outcome.of_table(["a", "b"], rows, table)
    assert (found["verdict"], found["reason"]) == (verdict, reason)
    assert (found["nodes"], found["differing"], found["differences"]) == (["a", "b"], len(rows), rows)
    assert [pair["nodes"] for pair in found["pairs"]] == [["a", "b"]]
    assert sum(found["pairs"][0][kind] for kind in ("only_first", "only_second", "different", "unproven")) == len(rows)


@pytest.mark.parametrize(
    ("missing", "verdict", "nodes"),
    [([], "skipped", ["a", "b"]), (["b"], "different", ["a"]), (["c"], "different", None)],
)
def test_a_table_that_was_not_compared_is_never_equal(missing, verdict, nodes):
    found = outcome.skipped("no right to read it", {"nodes": ["a", "b"], "missing_on": missing})
    assert (found["verdict"], found["reason"]) == (verdict, "no right to read it")
    assert found["nodes"] == (nodes or ["a", "b"])
    table = outcome.of_table([], [], THERE)
    assert set(found) == {*table, "rows"}
    assert [found[name] for name in ("rows", "differing", "pairs", "differences")] == [{}, 0, [], []]
