# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a slot that was made ahead is dropped, on a clock that a test turns."""

from __future__ import annotations

import runpy
import subprocess
import sys

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _slot_watch
from ansible_collections.pgbdr.bdr.plugins.module_utils._slot_watch import GONE, UNKNOWN

LIMIT = 1000


class Server:
    """A slot as psql would see it: what it looks like from which second on, and whether it is in use."""

    def __init__(self, seen: dict[float, str], in_use_until: float = 0, wanted_until: float = 99999) -> None:
        self.clock, self.dropped = 0.0, -1.0
        self._seen, self._in_use_until, self._wanted_until = seen, in_use_until, wanted_until

    def sleep(self, seconds: float) -> None:
        self.clock += seconds

    def look(self) -> str:
        return GONE if self.dropped >= 0 else self._seen[max(at for at in self._seen if at <= self.clock)]

    def drop(self, first: str) -> None:
        if self.look() == first and self.clock >= self._in_use_until:
            self.dropped = self.clock

    def is_wanted(self) -> bool:
        return self.clock < self._wanted_until

    def watched(self) -> str:
        return _slot_watch.watch(self.look, self.drop, self.is_wanted, LIMIT, self.sleep, lambda: self.clock)


@pytest.mark.parametrize(
    ("server", "ended", "dropped"),
    [
        (Server({0: "0/1"}), "gone", LIMIT),
        (Server({0: GONE, 30: "0/1"}), "gone", LIMIT),
        (Server({0: UNKNOWN, 30: "0/1"}), "gone", LIMIT),
        (Server({0: GONE, 3000: "0/1"}), "gone", 3000),
        (Server({0: "0/1", 990: UNKNOWN, 1030: "0/1"}), "gone", 1060),
        (Server({0: "0/1"}, in_use_until=1100), "gone", 1120),
        (Server({0: "0/1", 500: "0/2"}), "used", -1),
        (Server({0: "0/1", 1030: "0/2"}, in_use_until=9999), "used", -1),
        (Server({0: "0/1", 500: GONE}), "gone", -1),
        (Server({0: "0/1"}, wanted_until=500), "not wanted", -1),
        (Server({0: "0/1", 990: UNKNOWN}, wanted_until=5000), "not wanted", -1),
        (Server({0: "0/1", 990: UNKNOWN}, wanted_until=1e9), "not wanted", -1),
        (Server({0: GONE}), "never made", -1),
        (Server({0: UNKNOWN}), "never made", -1),
    ],
)
def test_a_slot_is_dropped_when_it_was_never_used(server, ended, dropped):
    assert (server.watched(), server.dropped) == (ended, dropped)


def test_one_that_was_never_made_is_not_waited_for_for_ever():
    server = Server({0: GONE})
    server.watched()
    assert server.clock <= _slot_watch.APPEAR_SECONDS + 2 * _slot_watch.APPEAR_POLL_SECONDS


# Stands for psql: a slot is a file, which is read and removed.
PSQL = """
import os, sys
path, do, first = sys.argv[1], *sys.argv[3].partition(" ")[::2]
if do == "fail":
    sys.exit("no server")
if do == "drop" and open(path).read() == first:
    os.remove(path)
print(open(path).read() if os.path.exists(path) else "")
"""


def test_psql_is_asked(tmp_path, capsys):
    slot = tmp_path / "slot"
    slot.write_text("0/1")
    psql = (sys.executable, "-c", PSQL, str(slot))
    _slot_watch.main("0", str(tmp_path), "look", "drop {first}", *psql)
    assert (capsys.readouterr().out, slot.exists()) == ("gone\n", False)


def test_a_server_that_does_not_answer_loses_no_slot(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_slot_watch, "APPEAR_SECONDS", 0)
    monkeypatch.setattr(_slot_watch, "APPEAR_POLL_SECONDS", 0)
    _slot_watch.main("0", str(tmp_path), "fail", "drop {first}", sys.executable, "-c", PSQL, str(tmp_path / "slot"))
    assert capsys.readouterr().out == "never made\n"


def test_it_runs_by_its_text_alone(tmp_path, monkeypatch, capsys):
    program = (sys.executable, "-I", _slot_watch.__file__)
    assert "main() missing" in subprocess.run(program, capture_output=True, text=True, check=False).stderr
    slot = tmp_path / "slot"
    slot.write_text("0/1")
    psql = (sys.executable, "-c", PSQL, str(slot))
    monkeypatch.setattr(sys, "argv", ["-c", "0", str(tmp_path), "look", "drop {first}", *psql])
    runpy.run_path(_slot_watch.__file__, run_name="__main__")
    assert (capsys.readouterr().out, slot.exists()) == ("gone\n", False)
