# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A plan of repair, and what became of it, as text for a person. Pure."""

from __future__ import annotations

import shlex
import typing as t

from ..module_utils._repair import DELETE, INSERT, UPDATE
from . import _rows_text
from ._compare_text import counts, full_name, key_text, listed, one_line
from ._text import table

Mapping = t.Mapping[str, t.Any]

STEPS_SHOWN = 50
ACTIONS = (INSERT, UPDATE, DELETE)


def plan(found: Mapping, path: str = "") -> str:
    """Return what the plan does: the numbers by table and node, the steps, and what is left out and why.

    path: where it was written, if it was.
    """
    deletes = "may delete rows" if found["delete"] else "deletes nothing"
    lines = ["", f"Repair of comparison {found['session']}: policy {found['policy']}, {deletes}"]
    steps = found["steps"]
    if steps:
        lines += ["", *table(("table", "node", *ACTIONS), _numbers(found)), ""]
        lines += [_step(found, step) for step in steps[:STEPS_SHOWN]]
    else:
        lines.append("nothing to do")
    if len(steps) > STEPS_SHOWN:
        lines.append(f"and {counts(len(steps) - STEPS_SHOWN, 'more step')}")
    if found["left"]:
        lines += ["", "Left out", *_left(found)]
    if path and steps:
        lines += ["", f"No node was changed. To carry the plan out: -e bdr_repair_plan={shlex.quote(path)}"]
    return "\n".join([*lines, ""])


def _numbers(found: Mapping) -> t.Iterator[t.Sequence[str]]:
    numbers: dict[tuple[int, str], dict[str, int]] = {}
    for step in found["steps"]:
        numbers.setdefault((step["table"], step["node"]), dict.fromkeys(ACTIONS, 0))[step["action"]] += 1
    for (place, node), of_actions in sorted(numbers.items()):
        yield full_name(found["tables"][place]), node, *(str(number) for number in of_actions.values())


def _step(found: Mapping, step: Mapping) -> str:
    where = full_name(found["tables"][step["table"]])
    return f"{step['action']} {where} {key_text(step['key'])} on {step['node']} as on {step['source']}"


def _left(found: Mapping) -> list[str]:
    # Thousands of rows can be left for one reason.
    keys: dict[str, list[str]] = {}
    for each in found["left"]:
        on = f" on {', '.join(each['nodes'])}" if each["nodes"] else ""
        where = f"{full_name(found['tables'][each['table']])}{on}: {one_line(each['reason'])}"
        keys.setdefault(where, []).extend([key_text(each["key"])] if each["key"] else [])
    return [f"  {where}{': ' if rows else ''}{listed(rows)}" for where, rows in keys.items()]


def outcome(found: Mapping, results: t.Sequence[Mapping]) -> str:
    """Return a line a node of what its steps came to, where it had any, and each row that was not repaired."""
    had = [each for each in results if each["repaired"] or each["there"] or each["stale"] or each["refused"]]
    return _rows_text.outcome(found, had, "repaired")


def failure(results: t.Sequence[Mapping]) -> str:
    """Return in one sentence what was not repaired, "" where everything was."""
    told = {
        "stale": "changed since the comparison and {was} left alone",
        "refused": "{was} refused by the server",
    }
    return _rows_text.failure(results, told, "compare again and make a new plan")
