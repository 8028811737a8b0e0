# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What schema_report found, as text for a person. Pure."""

from __future__ import annotations

import typing as t

from ..module_utils._schema_odd import ERROR, SEVERITIES

Mapping = t.Mapping[str, t.Any]


def report(group: str, found: Mapping) -> str:
    """Return the findings by severity: what it is, who has what, and the DDL for each node."""
    lines = ["", f"Schema of group {group}"]
    for database, nodes in found["compared"].items():
        lines.append(
            f"{database}: {', '.join(nodes)} compared" if len(nodes) > 1 else f"{database}: nothing to compare"
        )
    for each in found["not_compared"]:
        lines.append(f"not compared: {each['node']} ({each['database']}): {' '.join(each['reason'].split())}")
    if not found["findings"]:
        lines.append("no findings")
    for severity in SEVERITIES:
        those = [each for each in found["findings"] if each["severity"] == severity]
        if those:
            lines += ["", f"{severity} ({len(those)})"]
        for each in those:
            lines += _finding(each)
    if found["mend_session"] and any(each["mend"] for each in found["findings"]):
        lines += ["", f"Say first in a session that mends: {_sql(found['mend_session'])}"]
    return "\n".join([*lines, ""])


def _finding(found: Mapping) -> list[str]:
    lines = [f"  {found['kind']} {found['object']} ({found['database']}): {found['finding']}"]
    if found["advice"]:
        lines.append(f"      advice: {found['advice']}")
    # What is the same for several nodes is told once.
    by_statements: dict[str, list[str]] = {}
    for mend in found["mend"]:
        by_statements.setdefault(_sql(mend["statements"]), []).append(mend["node"])
    return lines + [f"      mend on {', '.join(nodes)}: {sql}" for sql, nodes in by_statements.items()]


def _sql(statements: t.Iterable[str]) -> str:
    return " ".join(f"{statement};" for statement in statements)


def silence(found: Mapping) -> str:
    """Return why there is nothing to compare, "" where there is."""
    if any(found["compared"].values()):
        return ""
    reasons = [f"{each['node']}: {' '.join(each['reason'].split())}" for each in found["not_compared"]]
    return "no node answers: " + "; ".join(dict.fromkeys(reasons))


def failure(found: Mapping) -> str:
    """Return what is wrong where replication stops or rows differ, "" where they do not."""
    errors = [each for each in found["findings"] if each["severity"] == ERROR]
    if not errors:
        return ""
    objects = dict.fromkeys(f"{each['object']} ({each['database']})" for each in errors)
    count = f"{len(errors)} finding{'s' if len(errors) > 1 else ''} of severity error"
    return (
        f"{count}, in {', '.join(objects)}: replication stops, or rows differ. The report above says what mends it; "
        "with -e bdr_schema_fail=false the run does not fail"
    )
