# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What was salvaged, and what became of it, as text for a person. Pure."""

from __future__ import annotations

import shlex
import typing as t

from ..module_utils._salvage import CONFLICT, CONFLICTS, DELETE, INSERT, UNCLEAR, UNSENT, UPDATE, counted
from . import _rows_text
from ._compare_text import counts, full_name, key_text, one_line, values_text
from ._text import table

Mapping = t.Mapping[str, t.Any]

SHOWN = 50
"""So many changes are shown one by one; the files have them all."""
COLUMNS = (INSERT, UPDATE, DELETE, CONFLICT, UNCLEAR)


def report(found: Mapping) -> str:
    """Return what was found: the numbers by table, the changes, and what could not be looked at."""
    node, donor = found["node"], found["donor"]
    lines = ["", f"Salvage of {node}, compared with {donor}: {summary(found)}"]
    for database, sent in sorted(found["sent"].items()):
        known = f"what {node} committed up to {sent} UTC" if sent else f"no change of {node} that it knows the time of"
        lines.append(f"{donor} has {known} ({one_line(database)})")
    if found["changes"]:
        lines += ["", *table(("table", *COLUMNS), _numbers(found)), ""]
        for each in found["changes"][:SHOWN]:
            lines += _change(found, each)
    more = len(found["changes"]) - SHOWN
    if more > 0:
        lines.append(f"and {counts(more, 'more change')}")
    if found["left"]:
        lines += ["", "Not in the files"]
        lines += [f"  {one_line(each['what'])}: {one_line(each['reason'])}" for each in found["left"]]
    return "\n".join([*lines, ""])


def summary(found: Mapping) -> str:
    """Return the numbers."""
    numbers = counted(found)
    unsent = f"{counts(numbers[UNSENT], 'change')} that {found['donor']} did not get"
    return f"{unsent}, {counts(numbers[CONFLICT], 'conflict')}, {numbers[UNCLEAR]} unclear"


def _numbers(found: Mapping) -> t.Iterator[t.Sequence[str]]:
    numbers: dict[int, dict[str, int]] = {}
    for each in found["changes"]:
        what = each["kind"] if each["verdict"] == UNSENT else each["verdict"]
        numbers.setdefault(each["table"], dict.fromkeys(COLUMNS, 0))[what] += 1
    for place, of_table in sorted(numbers.items()):
        yield full_name(found["tables"][place]), *(str(number) for number in of_table.values())


def _change(found: Mapping, each: Mapping) -> t.Iterator[str]:
    what = "" if each["verdict"] == UNSENT else f"{each['verdict']}: "
    # Of a row without a key there is nothing else to tell it by.
    why = "" if each["verdict"] == UNSENT and each["key"] else f": {one_line(each['reason'])}"
    yield f"{what}{each['kind']} {full_name(found['tables'][each['table']])} {key_text(each['key'])}{why}"
    if each["verdict"] == CONFLICT:
        width = max(len(found["node"]), len(found["donor"]))
        new, old = each["node"]["values"], each["donor"]["values"]
        differ = [name for name in new if new[name] != old.get(name)]
        for name, version in ((found["node"], each["node"]), (found["donor"], each["donor"])):
            values = values_text({"hash": "", "count": 1, "values": {key: version["values"][key] for key in differ}})
            yield f"    {name.ljust(width)}  {values}; committed {version['committed']}"


def stop(found: Mapping, path: str) -> str:
    """Return why the run stops once before anything is wiped, and how to go on."""
    node = found["node"]
    return (
        f"bdr_node: what {node} did not send cannot be delivered. It was found and written down: {summary(found)}, in "
        f"{path}.json and {path}.sql{_what_is_left(found)}. Nothing was wiped. Mend the links with site.yml, which "
        f"also lets clients in again, and run this again; or go on with -e bdr_accept_loss={node}, and apply the file "
        f"then: salvage.yml -e bdr_salvage_file={shlex.quote(f'{path}.json')}"
    )


def _what_is_left(found: Mapping) -> str:
    left = len(found["left"])
    return f" (not in them: {counts(left, 'thing')} named above)" if left else ""


def plan(found: Mapping, changes: t.Sequence[Mapping], target: str, conflicts: str) -> str:
    """Return what applying does."""
    lines = [report(found).rstrip("\n"), ""]
    left = len(found["changes"]) - len(changes)
    lines.append(f"{counts(len(changes), 'change')} to apply on {target}, {left} left alone")
    waiting = sum(each["apply"] is None for each in found["changes"])
    if waiting:
        others = " or ".join(f"-e bdr_salvage_conflicts={each}" for each in CONFLICTS if each != conflicts)
        lines.append(f"{counts(waiting, 'conflict')}: bdr_salvage_conflicts is {conflicts}; {others} decides otherwise")
    return "\n".join([*lines, ""])


def how(found: Mapping, path: str) -> str:
    """Return how a plan is carried out."""
    return (
        f"No node was changed. To apply: -e bdr_salvage_file={shlex.quote(path)} -e bdr_salvage_confirm={found['node']}"
    )


def outcome(found: Mapping, results: t.Sequence[Mapping]) -> str:
    """Return what became of the changes, and each row that was not written."""
    return _rows_text.outcome(found, results, "applied")


def failure(results: t.Sequence[Mapping]) -> str:
    """Return in one sentence what was not written, "" where everything was."""
    told = {"stale": "changed since and left alone", "refused": "refused by the server"}
    return _rows_text.failure(results, told, "look at them, and run what you want of the .sql by hand")
