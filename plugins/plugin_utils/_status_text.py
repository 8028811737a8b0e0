# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The health of a group as text for a person: a line a link, then what is wrong with evidence and mend. Pure."""

from __future__ import annotations

import typing as t

from ..module_utils._log_reading import stamp
from ..module_utils._slot_report import size
from ..module_utils._status import link_name
from ..module_utils._status_links import amount
from ._text import table

Mapping = t.Mapping[str, t.Any]


def report(found: Mapping) -> str:
    """Return the tables of nodes and links, and the findings."""
    # A column of its own only where somebody counted.
    counted = any(link["conflicts"] for link in found["links"])
    lines = [
        *table(
            ("node", "server", "WAL position", "slots", "clock"), [_node_row(*each) for each in found["nodes"].items()]
        ),
        "",
        *table(
            (
                "database",
                "link",
                "state",
                "lag",
                "lag s",
                "WAL held",
                "until lost",
                *(("conflicts",) if counted else ()),
            ),
            [(*_link_row(link), *((conflicts(link),) if counted else ())) for link in found["links"]],
        ),
    ]
    evidence = {link_name(link): link["evidence"][1:] for link in found["links"]}
    for finding in found["findings"]:
        lines += ["", f"{finding['severity']}: {finding['message']}"]
        lines += [f"  {line}" for line in evidence.get(finding["about"], ())]
        lines += [f"  mend: {finding['mend']}"] if finding["mend"] else []
    return "\n".join([*lines, "", verdict(found)])


def verdict(found: Mapping) -> str:
    """Return the last line: how many links there are, and what is wrong in short."""
    states: dict[str, int] = {}
    for link in found["links"]:
        states[link["state"]] = states.get(link["state"], 0) + 1
    told = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    return f"{found['group']} is {'well' if found['ok'] else 'not well'}: {told}"


def _node_row(name: str, node: Mapping) -> tuple[str, ...]:
    server = "up" if node["answers"] else node["reason"]
    if node.get("is_standby"):
        server = "up, standby"
    clock = node.get("clock")
    offset = f"{clock['offset_ms']:+.0f} ms (within {clock['uncertainty_ms']:.0f})" if clock else ""
    active = sum(1 for slot in node["slots"] if slot["active"])
    slots = f"{active} of {len(node['slots'])} in use" if node["answers"] else ""
    return (name, server, node.get("lsn") or "", slots, offset)


def _link_row(link: Mapping) -> tuple[str, ...]:
    return (
        link["database"],
        f"{link['upstream']} -> {link['downstream']}",
        link["state"],
        "" if link["lag_bytes"] is None else amount(link["lag_bytes"]),
        "" if link["lag_seconds"] is None else f"{link['lag_seconds']:.1f}",
        _size(link["wal_held_bytes"]),
        "lost" if link["state"] == "wal_lost" else _size(link["until_lost_bytes"]),
    )


def conflicts(link: Mapping) -> str:
    """Return how many conflicts there were since the last look, empty where nobody counted."""
    counted = link["conflicts"]
    if not counted:
        return ""
    at_least = "" if counted["complete"] else "at least "
    return f"{at_least}{counted['count']} since {stamp(counted['since'])} UTC"


def _size(value: int | None) -> str:
    return "" if value is None else size(value)
