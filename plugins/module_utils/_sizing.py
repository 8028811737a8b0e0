# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""From links to the numbers a server needs, each with its formula and source. Pure."""

from __future__ import annotations

import math
import re
import typing as t

from ._model import Figure, Group, Link, Node, NodePlan
from ._topology import downstream_count, upstream_count

BASEBACKUP_SENDERS = 2
OPERATORS = "bdr_settings"
"""How the reason of a setting starts that is the operator's own wish."""
STANDBY_SIZES = (
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
)
"""Settings of which a physical standby must have as much as its primary (PostgreSQL manual, Hot Standby)."""

WAL_SEGMENT_MB = 16
EMPTY_INSTANCE_MB = 64  # what initdb writes, rounded up


def figures(group: Group, all_links: t.Sequence[Link], node: Node, slot_reserve: int) -> tuple[Figure, ...]:
    """Return the figures of a node, sorted by name. slot_reserve: what the engine adds, see its class."""
    up = upstream_count(all_links, node.name)
    down = downstream_count(all_links, node.name)
    slots = up + down + slot_reserve
    senders = slots + node.physical_standbys + BASEBACKUP_SENDERS
    retention = -(-group.allowed_downtime_seconds * group.wal_rate_kb_per_second // 1024)
    return tuple(
        sorted(
            (
                Figure("upstreams", up, "links", "one for each upstream and database", "bdr_topology"),
                Figure(
                    "downstreams",
                    down,
                    "links",
                    "one for each downstream and database",
                    "bdr_topology",
                ),
                Figure(
                    "slots",
                    slots,
                    "slots",
                    f"upstreams {up} + downstreams {down} + reserve {slot_reserve}",
                    "BDR User Guide, max_logical_slots; the reserve is the engine's, for seeding",
                ),
                Figure(
                    "wal_senders",
                    senders,
                    "processes",
                    f"slots {slots} + physical standbys {node.physical_standbys} "
                    f"+ {BASEBACKUP_SENDERS} for pg_basebackup",
                    "BDR User Guide, max_wal_senders",
                ),
                Figure(
                    "wal_retention",
                    max(retention, WAL_SEGMENT_MB),
                    "MB",
                    f"bdr_allowed_downtime_seconds {group.allowed_downtime_seconds} x "
                    f"bdr_wal_rate_kb_per_second {group.wal_rate_kb_per_second} / 1024, "
                    f"at least one segment of {WAL_SEGMENT_MB}",
                    "BDR User Guide, wal_keep_segments",
                ),
            )
        )
    )


def has_room(plan: NodePlan, name: str, running: str) -> bool:
    """Tell whether a running server has more of something than the plan needs, which no restart is worth.

    A wish of the operator's own is not put off, nor is a size that a physical standby must be started with.
    """
    if plan.standby_of or plan.physical_standbys:
        return False
    return any(
        setting.name == name
        and setting.rule == "minimum"
        and not setting.why.startswith(OPERATORS)
        and running.isdecimal()
        and int(running) >= int(setting.value)
        for setting in plan.settings
    )


def value_of(all_figures: t.Iterable[Figure], name: str) -> int:
    """Return the value of the figure of that name."""
    return next(figure.value for figure in all_figures if figure.name == name)


def disk(retention_mb: int, checkpoint_wal_mb: int) -> Figure:
    """Return the disk that a node needs for itself, before any data of the operator's."""
    return Figure(
        "disk",
        retention_mb + checkpoint_wal_mb + EMPTY_INSTANCE_MB,
        "MB",
        f"WAL retention {retention_mb} + WAL of checkpoints {checkpoint_wal_mb} + empty instance {EMPTY_INSTANCE_MB}",
        "PostgreSQL manual, 30.5 WAL Configuration",
    )


_UNITS_MB = {"kB": 1 / 1024, "MB": 1, "GB": 1024, "TB": 1024 * 1024}


def megabytes(value: str, unit_mb: int) -> int | None:
    """Return a size setting in MB, rounded up; a bare number counts in unit_mb. None where it is no size."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(kB|MB|GB|TB)?\s*", value)
    if match is None:
        return None
    number, suffix = match.groups()
    return math.ceil(float(number) * (_UNITS_MB[suffix] if suffix else unit_mb))
