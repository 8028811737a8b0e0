# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a build while it runs and when it fails."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._build import told

from .test_spec import spec


def test_extensions_are_a_step_of_their_own():
    assert len(told.steps(False)) == 8 and "extensions" not in told.steps(False)
    assert told.steps(True).index("extensions") == told.steps(True).index("install") + 1


GCC = """make[3]: Entering directory '/o/src/port'
gcc -O2 -c -o path.o path.c
path.c: In function 'canonicalize_path':
path.c:29:1: error: unknown type name 'garbage'
   29 | garbage
      | ^~~~~~~
gcc -O2 -c -o quotes.o quotes.c
make[3]: *** [<builtin>: path.o] Error 1
make[2]: *** Waiting for unfinished jobs....
"""


@pytest.mark.parametrize(
    ("log", "first", "length"),
    [
        (GCC, "path.c: In function 'canonicalize_path':", 5),
        ("a.c:1:10: fatal error: b.h: No such file or directory\n", "a.c:1:10: fatal error: b.h: No such file", 1),
        ("ok\nconfigure: error: readline library not found\nmore\n", "ok", 3),
        ("/usr/bin/ld: a.o: undefined reference to `b'\ncollect2: error: ld returned 1\n", "/usr/bin/ld: a.o", 2),
        # make's own summary is not the error; without any, the end is told.
        ("one\nmake: *** [GNUmakefile:11: all] Error 2\n", "one", 2),
        ("\n".join(str(number) for number in range(100)), "88", 12),
        ("", None, 0),
    ],
)
def test_the_first_error_of_a_log(log, first, length):
    found = told.first_errors(log)
    assert len(found) == length
    assert not found or found[0].startswith(first)


def test_the_state_of_a_build_from_begin_to_end():
    state = told.first_state(False, 1000.0)
    assert (state["step"], state["number"], state["of"], state["status"]) == ("fetch", 1, 8, "running")
    state = told.after(told.after(state, {"step": "edit"}, False, 1003.2), {"step": "configure"}, False, 1004.0)
    news = told.news(state, "/log", 1005.7, "1000.000:1")
    assert {name: news[name] for name in ("step", "number", "of", "elapsed", "seen", "log")} == {
        **{"step": "configure", "number": 3, "of": 8, "elapsed": 5},
        **{"seen": "1000.000:3", "log": "/log"},
    }
    # A step that was over before anybody asked is told of too.
    assert told.lines("alpha", news) == [
        "bdr_build alpha: edit (2 of 8), 3 s",
        "bdr_build alpha: configure (3 of 8), 4 s",
    ]
    assert len(told.passed(state, "")) == 3, "who joins is told from the start"
    again = told.news(state, "/log", 1016.0, news["seen"])
    assert told.lines("alpha", again) == ["bdr_build alpha: configure (3 of 8), 16 s"]
    assert told.is_the_one(news["seen"], state)
    assert not told.is_the_one(news["seen"], told.first_state(False, 1001.0))


@pytest.mark.parametrize("state", [{}, {"status": "failed", "run": "1000.000"}])
def test_another_build_is_waited_for(state):
    news = told.news(state, "/log", 1042.7)
    assert told.progress("alpha", news) == "bdr_build alpha: wait for another build on this host, 0 s"
    assert not told.is_the_one(news["seen"], state)


def test_why_a_build_has_ended():
    state = told.first_state(True, 1000.0)
    assert told.epitaph(state, "/log") == (
        "the build was killed at step fetch; run again, it begins anew with what was fetched\nThe whole log: /log"
    )
    assert told.epitaph({**state, "error": "compile failed"}, "/log") == "compile failed\nThe whole log: /log"


def test_a_state_follows_the_messages_of_the_work():
    state = told.first_state(True, 1000.0)
    state = told.after(state, {"step": "install"}, True, 1010.0)
    assert (state["step"], state["number"], state["error"]) == ("install", 6, "")
    state = told.after(state, {"facts": {}}, True, 1011.0)
    assert state["step"] == "install"
    assert told.failed(state, 9)["error"] == "the build ended by signal 9 at step install"
    state = told.failed(told.after(state, {"error": "install failed"}, True, 1012.0), 0)
    assert (state["status"], state["error"]) == ("failed", "install failed")


def test_room_for_a_build():
    assert told.disk_problem("bdr_build_prefix", "/opt", 700, 700) == []
    (found,) = told.disk_problem("bdr_build_prefix", "/opt", 699, 700)
    assert found.startswith("bdr_build_prefix: /opt has 699 MB free, 700 MB are needed to build; make room or set")


def test_both_directories_need_room():
    found = told.needs(spec(prefix="/p", work_directory="/w", debug=True))
    assert found == [
        ("bdr_build_work_directory", "/w", told.needed_mb(1, True)),
        ("bdr_build_prefix", "/p", told.SERVER_MB),
    ]


def test_what_a_build_needs_grows():
    assert told.needed_mb(1, False) < told.needed_mb(2, False) < told.needed_mb(1, True)
