# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was salvaged, as a person reads it."""

from __future__ import annotations

from ansible_collections.pgbdr.bdr.plugins.module_utils._salvage import chosen
from ansible_collections.pgbdr.bdr.plugins.plugin_utils import _salvage_text as text
from ansible_collections.pgbdr.bdr.tests.unit.salvages import ADDED, ALL, BOTH, LINE, salvage

REPORT = """
Salvage of charlie, compared with alpha: 4 changes that alpha did not get, 1 conflict, 1 unclear
alpha has what charlie committed up to 2026-11-22 12:14:01.000000 UTC (appdb)

table                insert  update  delete  conflict  unclear
-------------------  ------  ------  ------  --------  -------
public.city (appdb)  1       1       1       1         1
public.log (appdb)   1       0       0       0         0

insert public.city (appdb) id=1001
update public.city (appdb) id=5
delete public.city (appdb) id=20
conflict: update public.city (appdb) id=9: charlie and alpha both changed it
    charlie  name 'Brest'; committed 2026-11-22 12:14:04.000000
    alpha    name 'Brest\\n(Bretagne)'; committed 2026-11-22 12:14:09.000000
unclear: delete public.city (appdb) id=77: whether charlie ever had the row cannot be told
insert public.log (appdb) a row: charlie added it 2 times

Not in the files
  table public.log (appdb): it has no key: rows that were deleted are not found
"""


def test_a_report():
    assert text.report(ALL) == REPORT


def test_a_report_of_nothing():
    told = text.report(salvage(sent={"appdb": ""}))
    assert told.endswith(
        "0 changes that alpha did not get, 0 conflicts, 0 unclear\n"
        "alpha has no change of charlie that it knows the time of (appdb)\n"
    )


def test_a_long_report_shows_its_first_changes():
    rows = [{**ADDED, "key": {"id": str(number)}} for number in range(text.SHOWN + 2)]
    assert text.report(salvage(*rows)).endswith("id=49\nand 2 more changes\n")


def test_a_run_that_stops_tells_how_it_goes_on():
    said = text.stop(ALL, "/srv/my salvage")
    assert "/srv/my salvage.json and /srv/my salvage.sql (not in them: 1 thing named above). Nothing was wiped." in said
    assert "-e bdr_accept_loss=charlie" in said
    assert said.endswith("salvage.yml -e bdr_salvage_file='/srv/my salvage.json'")
    assert "not in them" not in text.stop(salvage(ADDED), "s")


def test_a_plan():
    told = text.plan(ALL, chosen(ALL, "leave"), "alpha", "leave")
    assert told.endswith(
        "\n4 changes to apply on alpha, 2 left alone\n"
        "1 conflict: bdr_salvage_conflicts is leave; -e bdr_salvage_conflicts=newest or -e bdr_salvage_conflicts=apply "
        "decides otherwise\n"
    )
    decided = salvage({**BOTH, "apply": True})
    assert text.plan(decided, [BOTH], "alpha", "leave").endswith("\n1 change to apply on alpha, 0 left alone\n")
    how = text.how(ALL, "my s.json")
    assert how == "No node was changed. To apply: -e bdr_salvage_file='my s.json' -e bdr_salvage_confirm=charlie"


def test_an_outcome():
    stale = {"table": 0, "key": {"id": "5"}, "reason": "alpha has another version by now"}
    refused = {"table": 1, "key": LINE["key"], "reason": "canceling\nstatement"}
    result = {"node": "alpha", "applied": 2, "there": 1, "stale": [stale], "refused": [refused]}
    assert text.outcome(ALL, [result]) == (
        """
node   applied  right before  stale  refused
-----  -------  ------------  -----  -------
alpha  2        1             1      1
alpha: public.city (appdb) id=5: alpha has another version by now
alpha: public.log (appdb) a row: canceling statement
"""
    )
    assert text.failure([result]) == (
        "1 row changed since and left alone; 1 row refused by the server: look at them, and run what you want of the "
        ".sql by hand"
    )
    assert text.failure([{**result, "stale": [], "refused": []}]) == ""
