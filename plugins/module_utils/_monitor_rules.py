# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Alert rules of a group, and where its exporters are, as Prometheus reads them. Pure.

Each rule speaks of one group only, so that groups can have limits of their own. The labels group and node are those of
the targets.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

CRITICAL = "critical"
WARNING = "warning"

ANY_ADDRESS = ("", "0.0.0.0", "::")
LINK = "{{ $labels.upstream }} -> {{ $labels.downstream }} ({{ $labels.database }})"
_ON_LINK = "on (group, database, upstream, downstream)"


@dataclass(frozen=True)
class Limits:
    """From where on something is told of. for_seconds: how long it must last."""

    for_seconds: int = 60
    lag_mb: int = 64
    lag_seconds: int = 60
    wal_percent: int = 50
    xmin_age: int = 10_000_000
    clock_skew_ms: int = 1000


@dataclass(frozen=True)
class Rule:
    """An alert: its expression with {group}, the selector of the group, and {limits}; the page that tells what to do.

    lasting: how many times for_seconds it must last.
    """

    name: str
    severity: str
    expression: str
    summary: str
    runbook: str
    lasting: int = 1


RULES: tuple[Rule, ...] = (
    Rule(
        "BdrExporterDown",
        CRITICAL,
        "up{group} == 0",
        "nobody tells of {{ $labels.node }}: its exporter does not answer",
        "monitor.md#when-an-exporter-is-silent",
    ),
    Rule(
        "BdrNodeDown",
        CRITICAL,
        "pg_up{group} == 0",
        "the server of {{ $labels.node }} does not let its exporter in",
        "status.md#what-a-link-does",
    ),
    Rule(
        "BdrMetricsIncomplete",
        WARNING,
        "pg_exporter_last_scrape_error{group} == 1 and on (group, node) pg_up{group} == 1",
        "a query of the exporter of {{ $labels.node }} fails",
        "monitor.md#when-an-exporter-is-silent",
    ),
    Rule(
        "BdrLinkDisabled",
        CRITICAL,
        "bdr_connection_enabled{group} == 0",
        f"{LINK} is disabled, or {{{{ $labels.downstream }}}} has no connection for it",
        "status.md#what-a-link-does",
    ),
    Rule(
        "BdrApplyCrashLoop",
        CRITICAL,
        f"bdr_connection_up{{group}} == 0 and bdr_connection_enabled{{group}} == 1"
        f" and bdr_connection_conflict{{group}} == 0 and {_ON_LINK} (bdr_slot_active{{group}} == 0)",
        f"{LINK}: the worker ends again and again, though both servers are up",
        "status.md#what-a-link-does",
    ),
    Rule(
        "BdrDivergentConflict",
        CRITICAL,
        "bdr_connection_conflict{group} == 1",
        f"{LINK} stopped at a row that another one stands against",
        "status.md#a-link-that-stopped-at-a-conflict",
    ),
    Rule(
        "BdrApplyWaits",
        WARNING,
        "bdr_connection_waiting{group} == 1",
        f"{LINK}: the worker waits for a lock",
        "status.md#what-a-link-does",
    ),
    Rule(
        "BdrSlotMissing",
        CRITICAL,
        "bdr_slot_present{group} == 0",
        f"{LINK}: {{{{ $labels.upstream }}}} has no slot for it, so nothing is kept",
        "reseed.md",
        lasting=0,
    ),
    Rule(
        "BdrSlotInactive",
        WARNING,
        "bdr_slot_active{group} == 0 and bdr_slot_present{group} == 1",
        f"{LINK}: nobody reads from the slot {{{{ $labels.slot }}}}, which holds back WAL",
        "slots.md#looking",
    ),
    Rule(
        "BdrWalLost",
        CRITICAL,
        "bdr_slot_lost{group} == 1",
        f"{LINK} has lost its WAL; {{{{ $labels.downstream }}}} must be seeded again",
        "reseed.md",
        lasting=0,
    ),
    Rule(
        "BdrWalNearLoss",
        CRITICAL,
        "bdr_slot_wal_held_bytes{group}"
        " > on (group, node) group_left () (bdr_node_wal_limit_bytes{group} * {wal_percent} / 100)",
        f"{LINK} holds back {{{{ $value | humanize1024 }}}}B of WAL, more than {{wal_percent}} % of what it may",
        "slots.md#limits",
        lasting=0,
    ),
    Rule(
        "BdrLinkLags",
        WARNING,
        "bdr_slot_lag_bytes{group} > {lag_mb} * 1048576",
        f"{LINK} is {{{{ $value | humanize1024 }}}}B behind",
        "status.md#what-a-link-does",
    ),
    Rule(
        "BdrRowsLate",
        WARNING,
        '(bdr_heartbeat_age_seconds{group,own="no"} > {lag_seconds} or bdr_heartbeat_seen{group,own="no"} == 0)'
        ' unless on (group, database, upstream) (bdr_heartbeat_age_seconds{group,own="yes"} > {lag_seconds}'
        ' or bdr_heartbeat_seen{group,own="yes"} == 0)',
        f"{LINK}: what is written there is seen here more than {{lag_seconds}} s later, or not at all",
        "status.md#what-a-link-does",
    ),
    Rule(
        "BdrHeartbeatStopped",
        WARNING,
        'bdr_heartbeat_age_seconds{group,own="yes"} > {lag_seconds} or bdr_heartbeat_seen{group,own="yes"} == 0',
        "{{ $labels.node }} writes no heartbeat in {{ $labels.database }}",
        "monitor.md#the-heartbeat",
    ),
    Rule(
        "BdrXminOld",
        WARNING,
        "bdr_slot_xmin_age{group} > {xmin_age}",
        f"{LINK}: VACUUM on {{{{ $labels.upstream }}}} keeps rows of {{{{ $value | humanize }}}} transactions for it",
        "slots.md#looking",
    ),
    Rule(
        "BdrClockSkew",
        WARNING,
        "max by (group) (min_over_time((bdr_node_clock_seconds{group} - timestamp(bdr_node_clock_seconds{group}))"
        "[{window}:])) - min by (group) (min_over_time((bdr_node_clock_seconds{group}"
        " - timestamp(bdr_node_clock_seconds{group}))[{window}:])) > {clock_skew_ms} / 1000",
        "clocks of {{ $labels.group }} are {{ $value | humanizeDuration }} apart, and the last update wins",
        "site.md#what-the-last-update-wins-promises",
    ),
    Rule(
        "BdrGuardDrift",
        WARNING,
        "bdr_tables_unguarded{group} > 0",
        "{{ $value }} tables in {{ $labels.database }} of {{ $labels.node }} lack the guard",
        "guard.md#drift",
    ),
    Rule(
        "BdrTablesWithoutKey",
        WARNING,
        "bdr_tables_keyless{group} > 0",
        "{{ $value }} tables in {{ $labels.database }} of {{ $labels.node }} have no primary key:"
        " only their INSERTs are replicated",
        "schema.md",
    ),
)


def rules(group: str, limits: Limits, docs: str) -> dict[str, t.Any]:
    """Return the file of alert rules. docs: where the pages are."""
    return {"groups": [{"name": f"pgbdr-{group}", "rules": [_rule(rule, group, limits, docs) for rule in RULES]}]}


def targets(found: t.Iterable[t.Mapping[str, t.Any]], plan: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the file of targets. found: what monitor returned on each node."""
    return [
        {
            "targets": [f"{_reached_at(node, plan)}:{node['port']}"],
            "labels": {"group": plan["group"], "node": node["node"]},
        }
        for node in sorted(found, key=lambda node: str(node["node"]))
    ]


def problems(limits: t.Mapping[str, int]) -> list[str]:
    """Return what is wrong with limits that an operator gave."""
    highest = {"wal_percent": 100, "for_seconds": 86400, "xmin_age": 2_000_000_000}
    return [
        f"bdr_monitor_{name} is {value}; a whole number from 1 to {highest.get(name, 1_000_000)} is wanted"
        for name, value in limits.items()
        if not 1 <= value <= highest.get(name, 1_000_000)
    ]


def _rule(rule: Rule, group: str, limits: Limits, docs: str) -> dict[str, t.Any]:
    filled = {"{window}": f"{5 * limits.for_seconds}s"}
    filled.update({f"{{{name}}}": str(getattr(limits, name)) for name in limits.__dataclass_fields__})
    told = {
        "alert": rule.name,
        "expr": _filled(_selected(rule.expression, group), filled),
        "labels": {"severity": rule.severity},
        "annotations": {"summary": _filled(rule.summary, filled), "runbook_url": f"{docs}/{rule.runbook}"},
    }
    return {**told, "for": f"{rule.lasting * limits.for_seconds}s"} if rule.lasting else told


def _selected(expression: str, group: str) -> str:
    quoted = group.replace("\\", "\\\\").replace('"', '\\"')
    return expression.replace("{group", f'{{group="{quoted}"')


def _filled(text: str, values: t.Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _reached_at(node: t.Mapping[str, t.Any], plan: t.Mapping[str, t.Any]) -> str:
    """An exporter that listens on all addresses, or on the loopback, is reached at the node's, or on its host only."""
    listen = node["listen"]
    address = str(plan["nodes"][node["node"]]["address"]) if listen in ANY_ADDRESS else str(listen)
    return f"[{address}]" if ":" in address else address
