# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What differs between the definitions of a database's nodes, by the guide's rules. Pure."""

from __future__ import annotations

import json
import typing as t

from ._engine import rules as engine_rules
from ._schema_odd import SEVERITIES, Definition, Finding, Group, Links, Rules
from ._schema_tables import table_findings
from ._schema_types import (
    extension_findings,
    sequence_findings,
    sequences_of_missing_tables,
    type_findings,
    used_types,
)

KINDS = ("extension", "type", "sequence", "table")


def compare(definitions: t.Mapping[str, Definition], links: t.Iterable[tuple[str, str]], rules: Rules) -> list[Finding]:
    """Return the findings, the worst first, then in the order in which their mends can be run.

    definitions: by node, of one database; links: upstream and downstream.
    """
    group = Group(Links(links, definitions), rules, definitions)
    used = used_types(group)
    with_tables = sequences_of_missing_tables(group)
    findings: list[Finding] = []
    for name in group.names("extensions"):
        findings += extension_findings(group, name, used)
    for name in group.names("types"):
        findings += type_findings(group, name, used)
    for name in group.names("sequences"):
        findings += sequence_findings(group, name, with_tables)
    for name in group.names("relations"):
        findings += table_findings(group, name)
    return sorted(findings, key=_order)


def _order(finding: Finding) -> tuple[int, int, int, str]:
    # Sorting is stable: what is told of one object stays in the order of the rules.
    return (SEVERITIES.index(finding.severity), KINDS.index(finding.kind), finding.depth, finding.object)


def as_dict(finding: Finding, database: str) -> dict[str, t.Any]:
    """Return a finding as plain data."""
    return {
        "severity": finding.severity,
        "database": database,
        "kind": finding.kind,
        "object": finding.object,
        "finding": finding.finding,
        "nodes": list(finding.nodes),
        "mend": [{"node": node, "statements": list(statements)} for node, statements in finding.mend],
        "advice": finding.advice,
    }


UNREACHABLE = "the host cannot be reached, or its module failed"


def report(plan: t.Mapping[str, t.Any], found: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """Return the findings of all databases, who was compared, and who gave no answer.

    plan: as plan_info returns it; found: as schema_info returned it on each host, in any order.
    """
    answers = {each["node"]: each for each in found if "definitions" in each}
    engine = engine_rules(plan["engine"], plan["era"]).schema
    members: dict[str, list[str]] = {}
    for node in plan["nodes"].values():
        for database in () if node["standby_of"] else node["databases"]:
            members.setdefault(database, []).append(node["name"])
    compared, silent, findings = {}, [], []
    for database, nodes in sorted(members.items()):
        definitions = {}
        for node in nodes:
            if database in answers.get(node, {}).get("definitions", {}):
                definitions[node] = json.loads(answers[node]["definitions"][database])
            else:
                reason = answers.get(node, {}).get("errors", {}).get(database, UNREACHABLE)
                silent.append({"node": node, "database": database, "reason": reason})
        links = [(link["upstream"], link["downstream"]) for link in plan["links"] if link["database"] == database]
        compared[database] = list(definitions)
        findings += [as_dict(finding, database) for finding in compare(definitions, links, engine)]
    findings.sort(key=lambda finding: SEVERITIES.index(finding["severity"]))
    return {
        "findings": findings,
        "compared": compared,
        "not_compared": silent,
        "mend_session": list(engine.mend_session),
    }
