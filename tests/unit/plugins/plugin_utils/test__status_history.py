# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks that are kept in a file."""

from __future__ import annotations

import json
import stat
import threading

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._status import status
from ansible_collections.pgbdr.bdr.plugins.plugin_utils import _status_history
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._status_history import (
    HistoryError,
    add,
    counted_until,
    look_of,
    read,
)
from ansible_collections.pgbdr.bdr.tests.unit.builders import incoming_seen, nodes_seen, plan

COUNTED = {"since": 5.0, "until": 9, "complete": True, "workers": {}}


def look(at: str = "2026-11-22T11:30:26+00:00", group: str = "bdr", **counted: float) -> dict:
    return {"at": at, "group": group, "counted": counted, "links": []}


def test_a_look_keeps_what_a_later_one_compares():
    found = {**status(plan().as_dict(), nodes_seen(bravo={"conflicts": COUNTED}), 50, 16), "at": "now"}
    kept = look_of(found)
    assert (kept["at"], kept["group"], kept["counted"]) == ("now", "bdr", {"bravo": 9})
    assert kept["links"][0] == ["appdb", "alpha", "bravo", "streaming", 0, 0.0, 0]
    assert kept["links"][1] == ["appdb", "alpha", "charlie", "streaming", 0, 0.0, None]


def test_looks_are_added_and_read_back_and_the_file_is_its_owner_s(tmp_path):
    path = tmp_path / "looks.jsonl"
    assert read(str(path)) == ([], 0)
    for at in ("1", "2"):
        add(str(path), read(str(path))[0], look(at))
    assert [each["at"] for each in read(str(path))[0]] == ["1", "2"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and [each.name for each in tmp_path.iterdir()] == [path.name]


def test_the_oldest_looks_go_when_there_are_too_many_or_they_are_too_large(tmp_path, monkeypatch):
    path = tmp_path / "looks.jsonl"
    monkeypatch.setattr(_status_history, "LOOKS", 3)
    add(str(path), [look(str(number)) for number in range(9)], look("new"))
    assert [each["at"] for each in read(str(path))[0]] == ["7", "8", "new"]
    monkeypatch.setattr(_status_history, "BYTES", len(json.dumps(look("new"))) + 9)
    add(str(path), read(str(path))[0], look("newer"))
    assert [each["at"] for each in read(str(path))[0]] == ["newer"]


def test_a_node_is_counted_from_where_it_was_last(tmp_path):
    path = str(tmp_path / "looks.jsonl")
    assert counted_until(path, "bdr", "alpha") == 0
    for each in (look(alpha=1, bravo=2), look(alpha=3), look(group="other", alpha=9, bravo=9)):
        add(path, read(path)[0], each)
    assert [counted_until(path, "bdr", node) for node in ("alpha", "bravo", "charlie")] == [3, 2, 0]
    assert counted_until(str(tmp_path), "bdr", "alpha") == 0, "a directory"


@pytest.mark.parametrize(
    "line",
    [
        *("", "no json", "[]", "7", "\x00\xff", '{"at": 7}', json.dumps({**look(), "counted": {"alpha": "x"}})),
        *(json.dumps({**look(), "links": [["appdb"]]}), json.dumps({**look(), "links": 7})),
    ],
)
def test_a_line_that_is_no_look_is_left_out_and_told_of(tmp_path, line):
    path = tmp_path / "looks.jsonl"
    path.write_text(f"{json.dumps(look('1'))}\n{line}\n{json.dumps(look('2', alpha=4))}\n", "latin-1")
    looks, others = read(str(path))
    assert [each["at"] for each in looks] == ["1", "2"] and others == 1
    assert counted_until(str(path), "bdr", "alpha") == 4


def test_a_file_of_something_else_is_refused_and_stays(tmp_path):
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n")
    with pytest.raises(HistoryError, match="bdr_status_history: .*hosts holds something else than looks of status.yml"):
        read(str(path))
    assert counted_until(str(path), "bdr", "alpha") == 0 and path.read_text() == "127.0.0.1 localhost\n"


def test_a_directory_is_not_made(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such directory"):
        add(str(tmp_path / "no" / "looks.jsonl"), [], look())
    assert list(tmp_path.iterdir()) == []


def test_conflicts_of_a_link_are_known_by_its_worker():
    workers = {"16385:1": {"kept": 2, "skipped": 0, "overwritten": 5}}
    seen = {
        "incoming": [incoming_seen("alpha_bravo", worker="16385:1"), incoming_seen("charlie_bravo", worker="16385:2")],
        "conflicts": {**COUNTED, "workers": workers},
    }
    kept = look_of({**status(plan().as_dict(), nodes_seen(bravo=seen), 50, 16), "at": "now"})
    assert {tuple(link[1:3]): link[-1] for link in kept["links"] if link[2] == "bravo"} == {
        ("alpha", "bravo"): 2,
        ("charlie", "bravo"): 0,
    }


def test_runs_at_the_same_time_lose_no_more_than_their_lines(tmp_path):
    path = str(tmp_path / "looks.jsonl")

    def run(name: str) -> None:
        for number in range(20):
            add(path, read(path)[0], look(f"{name} {number}"))

    threads = [threading.Thread(target=run, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    looks, others = read(path)
    assert others == 0 and 20 <= len(looks) <= 40 and {"a 19", "b 19"} & {each["at"] for each in looks}
    assert [each.name for each in tmp_path.iterdir()] == ["looks.jsonl"]
