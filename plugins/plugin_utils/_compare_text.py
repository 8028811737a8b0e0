# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a comparison found, as text for a person. Pure. Values are a database's: nothing of them acts on a terminal."""

from __future__ import annotations

import re
import typing as t

from ._text import table

Mapping = t.Mapping[str, t.Any]

ROWS_SHOWN = 20
"""How many differing rows of a table the text shows; the file and the page have them all."""
TABLES_SHOWN = 30
"""How many tables are listed one by one when all is well; beyond it the equal ones are only counted."""
NAMED = 5
VALUE_LENGTH = 60
NOT_THERE = "not there"


def report(found: Mapping) -> str:
    """Return verdict, what was compared how, one line a table, and for each that differs the rows."""
    lines = ["", f"Comparison {found['session']} of {', '.join(found['nodes'])}: {found['verdict']}", _how(found)]
    lines += [f"not compared: {each['node']}: {one_line(each['reason'])}" for each in found["absent"]]
    lines += [f"not fenced: {each['link']}: {one_line(each['reason'])}" for each in found["fence"]["unfenced"]]
    lines += ["", *_tables(found)]
    for each in found["tables"]:
        if each["notes"] or each["missing_on"] or each["differences"]:
            lines += ["", f"{full_name(each)}", *(f"  {line}" if line else "" for line in _details(each))]
    return "\n".join([*lines, ""])


def _how(found: Mapping) -> str:
    fence, hashed = found["fence"], found["hash"]
    counted = counts(len(found["tables"]), "table")
    rounds = f"{counts(fence['rounds'], 'round')}, {fence['seconds']:.1f} s"
    return (
        f"{counted} in {found['seconds']:.1f} s; hash {hashed['mode']}, equality {hashed['equality']}; fence: {rounds}"
    )


def _tables(found: Mapping) -> list[str]:
    every = found["tables"]
    shown = every if len(every) <= TABLES_SHOWN else [each for each in every if each["verdict"] != "equal"]
    header = ("database", "table", "key", *(f"rows {node}" for node in found["nodes"]), "verdict")
    lines = table(header, [_table_row(each, found["nodes"]) for each in shown]) if shown else []
    left_out = len(every) - len(shown)
    return [*lines, f"{counts(left_out, 'table')} equal"] if left_out else lines


def _table_row(each: Mapping, nodes: t.Sequence[str]) -> tuple[str, ...]:
    rows = (str(each["rows"].get(node, "")) for node in nodes)
    key = ", ".join(map(printable, each["key"])) or "none"
    return printable(each["database"]), relation(each), key, *rows, verdict_of(each)


def verdict_of(each: Mapping) -> str:
    """Return the verdict on a table with the number of rows or the reason behind it."""
    if each["verdict"] == "different" and each["differing"]:
        return f"different ({counts(each['differing'], 'row')})"
    return f"{each['verdict']}: {one_line(each['reason'])}" if each["reason"] else str(each["verdict"])


def _details(each: Mapping) -> list[str]:
    lines = [one_line(note) for note in each["notes"]]
    if each["missing_on"]:
        lines.append(f"the table is missing on {', '.join(each['missing_on'])}")
    pairs = [pair for pair in each["pairs"] if any(pair[name] for name in COUNTED)]
    if pairs:
        header = ("nodes", "only on the first", "only on the second", "different", "unproven")
        lines += table(header, [(", ".join(pair["nodes"]), *(str(pair[name]) for name in COUNTED)) for pair in pairs])
    for difference in each["differences"][:ROWS_SHOWN]:
        lines += ["", *_difference(difference)]
    more = each["differing"] - min(len(each["differences"]), ROWS_SHOWN)
    if each["differences"] and more > 0:
        lines += ["", f"{more} more"]
    return lines


COUNTED = ("only_first", "only_second", "different", "unproven")
"""The numbers of a pair of nodes, in the order in which they are shown."""


def _difference(found: Mapping) -> list[str]:
    columns = f": {', '.join(map(printable, found['columns']))}" if found["columns"] else ""
    unproven = f", unproven: {one_line(found['reason'])}" if found["verdict"] != "different" else ""
    lines = [f"{key_text(found['key'])}{columns}{unproven}"]
    names = [", ".join(version["nodes"]) for version in found["versions"]]
    width = max(map(len, names))
    for name, version in zip(names, found["versions"]):
        told = [values_text(version), *marks(found, version)]
        lines.append(f"    {name.ljust(width)}  {'; '.join(told)}")
    known = [each for version in found["versions"] for each in origins(found, version)]
    return [*lines, f"    committed: {', '.join(known)}"] if known else lines


def values_text(version: Mapping) -> str:
    """Return a version's values on one line."""
    if version["hash"] is None:
        return NOT_THERE
    values = ", ".join(f"{printable(name)} {value_text(value)}" for name, value in version["values"].items())
    times = f"{version['count']} times" if version["count"] > 1 else ""
    return ", ".join(filter(None, (values, times))) or "there"


def marks(found: Mapping, version: Mapping) -> list[str]:
    """Return what speaks for a version."""
    return [name for name in ("majority", "newest") if set(found[name]) & set(version["nodes"])]


def origins(found: Mapping, version: Mapping) -> list[str]:
    """Return when the nodes of a version committed it and where it came from, as far as they know."""
    told = []
    for node in version["nodes"]:
        committed, origin = found["committed"].get(node), found["origin"].get(node)
        if committed or origin:
            of = f"from {origin}" if origin else ""
            told.append(" ".join(filter(None, (node, printable(committed or ""), of))))
    return told


def value_text(value: str | None) -> str:
    """Return a value as in SQL, cut."""
    if value is None:
        return "NULL"
    cut = value if len(value) <= VALUE_LENGTH else value[:VALUE_LENGTH] + "..."
    return f"'{printable(cut)}'"


def key_text(key: Mapping) -> str:
    """Return the key of a row, or what stands for it where the table has none."""
    if not key:
        return "a row"
    return ", ".join(f"{printable(name)}={_plain(value)}" for name, value in key.items())


def _plain(value: str) -> str:
    return value if re.fullmatch(r"[\w.:+-]+", value) and value.isprintable() else value_text(value)


def printable(text: str) -> str:
    r"""Return a text with \x.. for what is not printed: a value must not steer the terminal that shows it."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(text))


def one_line(text: str) -> str:
    """Return a text of several lines as one."""
    return printable(" ".join(str(text).split()))


def relation(each: Mapping) -> str:
    """Return schema and name of a table."""
    return f"{printable(each['schema'])}.{printable(each['name'])}"


def full_name(each: Mapping) -> str:
    """Return schema, name and database of a table."""
    return f"{relation(each)} ({printable(each['database'])})"


def counts(number: int, what: str) -> str:
    """Return a number of things."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def listed(names: t.Sequence[str]) -> str:
    """Return a few names and how many more there are."""
    more = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more])


def failure(found: Mapping) -> str:
    """Return in one sentence what is not equal, "" where everything is."""
    by_verdict: dict[str, list[str]] = {"different": [], "unproven": [], "skipped": []}
    for each in found["tables"]:
        if each["verdict"] in by_verdict:
            by_verdict[each["verdict"]].append(_told(each))
    told = []
    if by_verdict["different"]:
        told.append(f"the nodes differ in {listed(by_verdict['different'])}")
    if by_verdict["unproven"]:
        told.append(f"not proven equal: {listed(by_verdict['unproven'])}")
    if by_verdict["skipped"]:
        told.append(f"not compared: {listed(by_verdict['skipped'])}")
    if not told and found["verdict"] != "equal":
        silent = [f"{each['node']} ({one_line(each['reason'])})" for each in found["absent"]]
        told.append(f"not proven equal: {listed(silent) or found['verdict']}")
    if not told:
        return ""
    return f"{'; '.join(told)}. The report above says more; with -e bdr_compare_fail=false the run does not fail"


def _told(each: Mapping) -> str:
    missing = f"missing on {', '.join(each['missing_on'])}" if each["missing_on"] else ""
    rows = counts(each["differing"], "row") if each["differing"] else ""
    reason = one_line(each["reason"]) if each["verdict"] != "different" else ""
    return f"{full_name(each)}: {', '.join(filter(None, (rows, missing, reason)))}".rstrip(": ")
