# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the logs tell, as text."""

from __future__ import annotations

from ansible_collections.pgbdr.bdr.plugins.plugin_utils._doctor_text import report, verdict

NODE = {"server": "up", "files": 2, "bytes": 1024 * 1024, "lines": 7, "unread": 0, "left_out": 0}
LINK = {"database": "appdb", "upstream": "alpha", "downstream": "bravo", "state": "down"}


def finding(**changes: object) -> dict:
    return {
        **{"severity": "error", "state": "going_on", "going_on": True, "about": "alpha -> bravo (appdb)"},
        **{
            "message": "odd",
            "links": ["alpha -> bravo (appdb)"],
            "node": "bravo",
            "count": 3,
            "why": "the link is down",
        },
        **{"first_at": "2026-11-22 11:00:00", "last_at": "2026-11-22 11:05:00", "said": ["odd", "detail of it"]},
        **{"meaning": "it means", "mend": "mend it", "run": ["ansible-playbook x.yml"]},
        **changes,
    }


def found(*findings: dict, **changes: object) -> dict:
    return {
        **{"group": "bdr", "ok": True, "nodes": {"alpha": NODE}, "links": [LINK], "clients": []},
        "findings": list(findings),
        **changes,
    }


def test_a_finding_that_goes_on_has_all():
    assert report(found(finding())).splitlines() == [
        "node   server  files  log     lines",
        "-----  ------  -----  ------  -----",
        "alpha  up      2      1.0 MB  7",
        "",
        "error, going on: alpha -> bravo (appdb): odd",
        "  logged 3 times on bravo from 2026-11-22 11:00:00 to 2026-11-22 11:05:00; the link is down",
        "  detail of it",
        "  it means",
        "  mend: mend it",
        "  run: ansible-playbook x.yml",
        "",
        "bdr: 1 going on, 0 errors earlier or over; links: 1 down",
    ]


def test_what_is_over_needs_no_command():
    text = report(found(finding(state="over", going_on=False, count=1, why="")))
    assert "error, over: alpha -> bravo" in text and "  run: " not in text
    assert "\n  logged on bravo at 2026-11-22 11:05:00\n" in text
    assert text.endswith("bdr: 0 going on, 1 errors earlier or over; links: 1 down")


def test_a_notice_an_unknown_error_and_one_that_no_log_has():
    text = report(
        found(
            finding(severity="notice", state="", going_on=False),
            finding(meaning="", mend="", said=[], links=["a", "b"]),
            finding(count=0, meaning="", why="no such file"),
            finding(count=0, meaning="", why="", message="unreachable"),
        )
    )
    assert "notice: alpha -> bravo (appdb): odd" in text and "  one of a, b\n" in text
    assert text.count("  not known to this collection") == 1 and "\n  no such file\n" in text


def test_nothing_and_what_applications_did():
    node = {**NODE, "left_out": 4}
    clients = [{"node": "alpha", "database": "appdb", "count": 9 - n, "message": f"odd {n}"} for n in range(6)]
    text = report(found(clients=clients, nodes={"alpha": node}, links=[]))
    assert "\nnothing was found\n" in text and "7 (4 not counted)" in text
    assert "errors of applications, of no link (5 of 6 kinds):" in text and "odd 5" not in text
    assert verdict(found(links=[])).endswith("links: none")
