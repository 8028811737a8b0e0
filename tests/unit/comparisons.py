# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparisons as compare.yml writes them."""

from __future__ import annotations

import typing as t

Found = dict[str, t.Any]

NODES = ("alpha", "bravo", "charlie")
MESH = {("appdb", one, other) for one in NODES for other in NODES if one != other}


def version(nodes: str, hash_of: str | None, **values: str | None) -> Found:
    """Return what some nodes have of a row; without a hash it is not there."""
    return {"nodes": nodes.split(), "hash": hash_of, "count": 1 if hash_of else 0, "values": values}


def difference(key: Found, *versions: Found, **changes: t.Any) -> Found:
    """Return a row of which nodes have different versions."""
    sound = {
        "key": key,
        "verdict": "different",
        "reason": "",
        "versions": list(versions),
        "columns": sorted({name for each in versions if each["hash"] for name in each["values"]}),
        "unfenced": [],
        "majority": versions[0]["nodes"] if len(versions[0]["nodes"]) > len(NODES) / 2 else [],
        "newest": [],
        "committed": {},
        "origin": {},
    }
    return {**sound, **changes}


CHANGED = difference(
    {"id": "5"},
    version("alpha charlie", "51", name="Paris"),
    version("bravo", "52", name="Lutetia"),
    newest=["alpha"],
    committed={
        "alpha": "2026-11-22T09:01:02.345678+00:00",
        "bravo": "2026-11-20T01:00:00+00:00",
        "charlie": "2026-11-22T09:01:02.345678+00:00",
    },
    origin={"alpha": None, "bravo": None, "charlie": "alpha"},
)
GONE = difference({"id": "7"}, version("alpha bravo", None), version("charlie", "71", name="Ys", size=None))
MISSING = difference({"id": "9"}, version("alpha charlie", "91", name="Köln", size=""), version("bravo", None))
EVEN = difference(
    {"id": "11"},
    version("alpha", "111", name="A"),
    version("bravo", "112", name="B"),
    version("charlie", "113", name="C"),
)
IN_FLIGHT = difference(
    {"id": "13"},
    version("alpha charlie", "131", name="Rome"),
    version("bravo", "132", name="Roma"),
    verdict="unproven",
    reason="bravo did not confirm alpha's changes within 60 s",
)


def table(name: str, *differences: Found, **changes: t.Any) -> Found:
    """Return a table of the comparison; it is equal where it has no differences."""
    sound = {
        "database": "appdb",
        "schema": "public",
        "name": name,
        "key": ["id"],
        "key_kind": "primary",
        "columns": ["id", "name", "size"],
        "rows": {"alpha": 100, "bravo": 99, "charlie": 101} if differences else dict.fromkeys(NODES, 1000),
        "missing_on": [],
        "verdict": "different" if differences else "equal",
        "reason": "",
        "notes": [],
        "fingerprints": dict.fromkeys(NODES, "f1"),
        "differing": len(differences),
        "truncated": False,
        "pairs": [
            {"nodes": list(pair), "only_first": 1, "only_second": 0, "different": 2, "unproven": 1}
            for pair in (("alpha", "bravo"), ("alpha", "charlie"), ("bravo", "charlie"))
        ]
        if differences
        else [],
        "differences": list(differences),
    }
    return {**sound, **changes}


def comparison(*tables: Found, **changes: t.Any) -> Found:
    """Return a comparison of three nodes."""
    verdicts = {each["verdict"] for each in tables}
    sound = {
        "session": "20261122T091500",
        "started": "2026-11-22T09:15:00+00:00",
        "seconds": 12.34,
        "verdict": next((each for each in ("different", "unproven") if each in verdicts), "equal"),
        "hash": {"mode": "record", "seed": 123, "equality": "exact"},
        "nodes": list(NODES),
        "absent": [],
        "fence": {"rounds": 2, "seconds": 0.44, "unfenced": []},
        "tables": list(tables),
    }
    return {**sound, **changes}
