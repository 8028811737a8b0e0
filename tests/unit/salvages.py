# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was salvaged of a node, for tests."""

from __future__ import annotations

import typing as t

from ansible_collections.pgbdr.bdr.plugins.module_utils._compare_table import CompareColumn, CompareTable
from ansible_collections.pgbdr.bdr.plugins.module_utils._salvage import (
    CONFLICT,
    DELETE,
    INSERT,
    UNCLEAR,
    UNSENT,
    UPDATE,
    Judgement,
    change,
    sealed,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._salvage_sql import told

ID = CompareColumn("id", "integer", "integer", not_null=True)
NAME = CompareColumn("name", "text", "text")
LENGTH = CompareColumn("length", "integer", "integer", generated=True)
CITY = CompareTable("public", "city", (ID, LENGTH, NAME), ("id",), "primary", (("id",),))
LOG = CompareTable("public", "log", (NAME,))
TABLES = [
    {"database": "appdb", **told(CITY, []), "fingerprint": "f1"},
    {"database": "appdb", **told(LOG, []), "fingerprint": "f2"},
]


def version(key: str, name: str | None, origin: str, second: int) -> dict[str, t.Any]:
    """Return a version of a row, as it was read."""
    committed = f"2026-11-22 12:14:{second:02}.000000"
    return {
        "hash": f"{key}{second}",
        "committed": committed,
        "origin": origin,
        "values": {"id": key, "name": name},
    }


def found(verdict: str, kind: str, reason: str, key: str, here: t.Any, there: t.Any) -> dict[str, t.Any]:
    """Return a change of a city."""
    return change(Judgement(verdict, kind, reason), 0, {"id": key}, "charlie", here, there)


ADDED = found(UNSENT, INSERT, "alpha has no such row", "1001", version("1001", "Lyon", "charlie", 2), None)
CHANGED = found(
    UNSENT,
    UPDATE,
    "charlie changed the version that alpha has",
    "5",
    version("5", "Nice", "charlie", 3),
    version("5", "Nizza", "alpha", 1),
)
GONE = found(
    UNSENT,
    DELETE,
    "charlie had the version that alpha has, and deleted it",
    "20",
    None,
    version("20", "Metz", "bravo", 1),
)
BOTH = found(
    CONFLICT,
    UPDATE,
    "charlie and alpha both changed it",
    "9",
    version("9", "Brest", "charlie", 4),
    version("9", "Brest\n(Bretagne)", "alpha", 9),
)
UNKNOWN = found(
    UNCLEAR, DELETE, "whether charlie ever had the row cannot be told", "77", None, version("77", "Pau", "alpha", 1)
)
LINE = {
    **change(
        Judgement(UNSENT, INSERT, "charlie added it 2 times"),
        1,
        {},
        "charlie",
        {"hash": "7", "committed": "2026-11-22 12:14:05.000000", "origin": "charlie", "values": {"name": None}},
        None,
    ),
    "times": {"seen": 1, "wanted": 3},
}
LEFT = {"what": "table public.log (appdb)", "reason": "it has no key: rows that were deleted are not found"}


def salvage(*changes: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    """Return the file of some changes of charlie."""
    whole = {
        "node": "charlie",
        "donor": "alpha",
        "hash": {"mode": "record", "equality": "exact", "seed": 7},
        "sent": {"appdb": "2026-11-22 12:14:01.000000"},
        "tables": TABLES,
        "changes": list(changes),
        "left": [],
        **more,
    }
    return sealed(whole, "paris", "2026-11-22 12:15:00")


ALL = salvage(ADDED, CHANGED, GONE, BOTH, UNKNOWN, LINE, left=[LEFT])
