# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What the logs of a group tell as text for a person: what goes on first, each with meaning and mend. Pure."""

from __future__ import annotations

import typing as t

from ..module_utils._engine.messages import ERROR
from ..module_utils._slot_report import size
from ._text import table

Mapping = t.Mapping[str, t.Any]
CLIENTS = 5


def report(found: Mapping) -> str:
    """Return what was read, and the findings."""
    header = ("node", "server", "files", "log", "lines")
    lines = table(header, [_node_row(*each) for each in found["nodes"].items()])
    for finding in found["findings"]:
        lines += ["", *_finding(finding)]
    if not found["findings"]:
        lines += ["", "nothing was found"]
    if found["clients"]:
        shown = found["clients"][:CLIENTS]
        rows = [(row["node"], row["database"], str(row["count"]), row["message"]) for row in shown]
        head = f"errors of applications, of no link ({len(shown)} of {len(found['clients'])} kinds):"
        lines += ["", head, *table(("node", "database", "count", "error"), rows)]
    return "\n".join([*lines, "", verdict(found)])


def verdict(found: Mapping) -> str:
    """Return the last line: how much goes on, and how much is over."""
    goes_on = sum(1 for finding in found["findings"] if finding["going_on"])
    errors = sum(1 for finding in found["findings"] if not finding["going_on"] and finding["severity"] == ERROR)
    links: dict[str, int] = {}
    for link in found["links"]:
        links[link["state"]] = links.get(link["state"], 0) + 1
    states = ", ".join(f"{number} {state}" for state, number in sorted(links.items()))
    return f"{found['group']}: {goes_on} going on, {errors} errors earlier or over; links: {states or 'none'}"


def _node_row(name: str, node: Mapping) -> tuple[str, ...]:
    left_out = f" ({node['left_out']} not counted)" if node["left_out"] else ""
    return (name, node["server"], str(node["files"]), size(node["bytes"]), f"{node['lines']}{left_out}")


def _finding(finding: Mapping) -> t.Iterator[str]:
    state = f", {finding['state'].replace('_', ' ')}" if finding["state"] else ""
    yield f"{finding['severity']}{state}: {finding['about']}: {finding['message']}"
    if len(finding["links"]) > 1:
        yield f"  one of {', '.join(finding['links'])}"
    if finding["count"]:
        yield f"  {_often(finding)}" + (f"; {finding['why']}" if finding["why"] else "")
    elif finding["why"]:
        yield f"  {finding['why']}"
    for said in finding["said"]:
        if said != finding["message"]:
            yield f"  {said}"
    if finding["meaning"]:
        yield f"  {finding['meaning']}"
    elif finding["count"]:
        yield "  not known to this collection"
    if finding["mend"]:
        yield f"  mend: {finding['mend']}"
    if finding["going_on"]:
        yield from (f"  run: {command}" for command in finding["run"])


def _often(finding: Mapping) -> str:
    if finding["count"] == 1:
        return f"logged on {finding['node']} at {finding['last_at']}"
    return f"logged {finding['count']} times on {finding['node']} from {finding['first_at']} to {finding['last_at']}"
