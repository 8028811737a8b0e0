# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What is told of rows and tables, and of the whole. Pure."""

from __future__ import annotations

import typing as t

from . import verdict
from .verdict import Candidate

Told = t.Dict[str, t.Any]

TRUNCATED = "more rows looked different than can be settled at once; compare again when fewer are written"


def of_row(
    candidate: Candidate,
    reason: str,
    key: t.Mapping[str, str],
    column_names: t.Sequence[str],
    details: t.Mapping[str, t.Mapping[str, t.Any]],
) -> Told:
    """Return a difference.

    key: by column, as a person reads it. details: node -> values and marks (one for each column; equal marks are
    equal values), committed and origin, where the row is there. They were read last: what came since is not told.
    """
    groups = verdict.versions(candidate.reading)
    details = {node: found for node, found in details.items() if candidate.reading[node]}
    there = [details[group["nodes"][0]] for group in groups if group["nodes"][0] in details]
    columns = [name for place, name in enumerate(column_names) if len({tuple_["marks"][place] for tuple_ in there}) > 1]
    for group in groups:
        found = details.get(group["nodes"][0])
        values = dict(zip(column_names, found["values"])) if found else {}
        shown = columns or ([] if len(there) > 1 else column_names)
        group["values"] = {name: values[name] for name in shown if name in values}
    return {
        "key": dict(key),
        "verdict": "unproven" if reason else "different",
        "reason": reason,
        "versions": groups,
        "columns": columns,
        "unfenced": sorted(set(candidate.unfenced).intersection(candidate.reading)),
        "majority": verdict.majority(candidate.reading, candidate.unfenced),
        "newest": newest(groups, {node: found["committed"] for node, found in details.items()}),
        "committed": {node: found["committed"] for node, found in sorted(details.items())},
        "origin": {node: found["origin"] for node, found in sorted(details.items())},
    }


def of_multiset(candidate: Candidate, reason: str, values: t.Mapping[str, str | None]) -> Told:
    """Return a difference of a table without a key: a row, its values by column, that nodes have so many times."""
    groups = verdict.versions(candidate.reading)
    return {
        "key": {},
        "verdict": "unproven" if reason else "different",
        "reason": reason,
        "versions": [
            {
                "nodes": group["nodes"],
                "hash": candidate.key[0] if group["hash"] else None,
                "count": int(group["hash"] or 0),
                "values": dict(values) if group["hash"] else {},
            }
            for group in groups
        ],
        "columns": [],
        "unfenced": sorted(set(candidate.unfenced).intersection(candidate.reading)),
        "majority": verdict.majority(candidate.reading, candidate.unfenced),
        "newest": [],
        "committed": {},
        "origin": {},
    }


def newest(groups: t.Iterable[t.Mapping[str, t.Any]], committed: t.Mapping[str, str | None]) -> list[str]:
    """Return the nodes whose version was committed last, by the commit timestamps that servers keep.

    None where a version that is there has no time: it may be the one.
    """
    known = {node: time for node, time in committed.items() if time}
    if any(group["hash"] is not None and not known.keys() & set(group["nodes"]) for group in groups):
        return []
    last = max(known.values(), default=None)
    return sorted(node for node, time in known.items() if time == last)


def with_origins(row: Told, origins: t.Mapping[tuple[str, str], str]) -> Told:
    """Return a difference whose origins are names of nodes where that is known.

    origins: node and what it calls the origin -> the node that is.
    """
    local = {(node, ""): node for node in row["origin"]}
    known = {**origins, **local}
    return {**row, "origin": {node: known.get((node, said), said) for node, said in row["origin"].items()}}


def of_table(nodes: t.Sequence[str], rows: t.Sequence[Told], told: Told) -> Told:
    """Return a table's verdict from its differences. A part of it that was not looked at is not proven to be equal."""
    missing = told["missing_on"]
    verdicts = {row["verdict"] for row in rows}
    reason = f"missing on {', '.join(missing)}" if missing else ""
    if missing:
        verdicts.add("different")
    if told.get("truncated"):
        verdicts.add("unproven")
    worst = next((each for each in ("different", "unproven") if each in verdicts), "equal")
    if worst == "unproven":
        reason = "; ".join(dict.fromkeys(row["reason"] for row in rows)) or TRUNCATED
    return {
        "verdict": worst,
        "reason": reason,
        "nodes": list(nodes),
        "differing": len(rows),
        "pairs": verdict.pairs(nodes, rows),
        "differences": list(rows),
    }


def skipped(reason: str, told: Told) -> Told:
    """Return what is told of a table that was not compared; one that is missing somewhere differs."""
    nodes = [node for node in told["nodes"] if node not in told["missing_on"]]
    return {
        "rows": {},
        "verdict": "different" if told["missing_on"] else "skipped",
        "reason": reason,
        "nodes": nodes,
        "differing": 0,
        "pairs": [],
        "differences": [],
    }
