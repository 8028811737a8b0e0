# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a comparison is, as lines for a person. Pure."""

from __future__ import annotations

import typing as t


def lines(progress: t.Mapping[str, t.Any]) -> list[str]:
    """Return one line for the whole and one for each node."""
    seconds = max(progress["seconds"], 0.001)
    rate = progress["rows"] / seconds
    rest = max(0.0, progress["estimate"] - progress["rows"])
    left = duration(rest / rate) if rate else "unknown"
    whole = (
        f"compare: {progress['tables_done']} of {progress['tables']} tables, {progress['rows']:,} of about "
        f"{max(progress['rows'], int(progress['estimate'])):,} rows, {rate:,.0f} rows/s, {left} left, "
        f"{progress['differences']:,} rows differ{_paused(progress['paused'])}"
    )
    return [whole, *(f"compare: {node}: {told}" for node, told in sorted(progress["nodes"].items()))]


def duration(seconds: float) -> str:
    """Return a time as a person says it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _paused(reason: str) -> str:
    return f", paused: {reason}" if reason else ""
