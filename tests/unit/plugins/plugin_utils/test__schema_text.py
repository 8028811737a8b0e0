# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a schema as a person reads it."""

from __future__ import annotations

from ansible_collections.pgbdr.bdr.plugins.plugin_utils import _schema_text

TABLE = {"kind": "table", "object": "public.city", "database": "appdb", "nodes": ["bravo"], "advice": "", "mend": []}
FOUND = {
    "findings": [
        {
            **TABLE,
            "severity": "error",
            "finding": "column v there on alpha, missing on bravo, charlie",
            "advice": "fill it",
            "mend": [{"node": node, "statements": ["ALTER one", "ALTER two"]} for node in ("bravo", "charlie")],
        },
        {**TABLE, "severity": "note", "finding": "unlogged"},
    ],
    "compared": {"appdb": ["alpha", "bravo", "charlie"], "reports": ["alpha"]},
    "not_compared": [{"node": "bravo", "database": "reports", "reason": "refused\n\tby it"}],
    "mend_session": ["SET x = 1"],
}
SOUND = {**FOUND, "findings": [], "not_compared": []}


def test_a_report():
    assert (
        _schema_text.report("paris", FOUND)
        == """
Schema of group paris
appdb: alpha, bravo, charlie compared
reports: nothing to compare
not compared: bravo (reports): refused by it

error (1)
  table public.city (appdb): column v there on alpha, missing on bravo, charlie
      advice: fill it
      mend on bravo, charlie: ALTER one; ALTER two;

note (1)
  table public.city (appdb): unlogged

Say first in a session that mends: SET x = 1;
"""
    )


def test_a_sound_group():
    assert _schema_text.report("paris", SOUND).endswith("no findings\n")


def test_a_session_is_told_of_where_there_is_something_to_mend():
    assert "Say first" not in _schema_text.report("paris", {**FOUND, "findings": FOUND["findings"][1:]})
    assert "Say first" not in _schema_text.report("paris", {**FOUND, "mend_session": []})


def test_what_fails_a_run():
    said = "1 finding of severity error, in public.city (appdb): replication stops, or rows differ."
    assert _schema_text.failure(FOUND).startswith(said)
    twice = {**FOUND, "findings": FOUND["findings"][:1] * 2}
    assert _schema_text.failure(twice).startswith("2 findings of severity error, in public.city (appdb): ")
    assert _schema_text.failure(SOUND) == ""


def test_a_group_of_which_nobody_answers():
    assert _schema_text.silence(FOUND) == ""
    silent = {**FOUND, "compared": {"appdb": []}, "not_compared": FOUND["not_compared"] * 2}
    assert _schema_text.silence(silent) == "no node answers: bravo: refused by it"
