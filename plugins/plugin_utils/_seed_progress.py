# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a copy is, as a line for a person. Pure."""

from __future__ import annotations

import typing as t

from ._compare_progress import duration

MEGABYTE = 1024 * 1024


def line(donor: str, node: str, progress: t.Mapping[str, t.Any], total_mb: int, seconds: float) -> str:
    """Return one line; total_mb is what the donor's databases took when it was looked at, without its WAL."""
    begin = f"reseed {donor} to {node}:"
    phase = progress.get("phase")
    if not phase:
        return f"{begin} {_bytes(progress['bytes'], total_mb, seconds)}"
    done = f"{progress['done']} of {progress['of']} done"
    if progress["bytes"] < progress["total_bytes"]:
        total = round(progress["total_bytes"] / MEGABYTE)
        return f"{begin} {phase}, {done}, {_bytes(progress['bytes'], total, progress['seconds'])}"
    return f"{begin} {phase}, {done}, for {duration(progress['seconds'])}"


def _bytes(copied_bytes: int, total_mb: int, seconds: float) -> str:
    copied = copied_bytes / MEGABYTE
    rate = copied / max(seconds, 0.001)
    rest = max(0.0, total_mb - copied)
    left = f"{duration(rest / rate)} left" if rate and rest else "almost through"
    return f"{copied:,.0f} of about {total_mb:,} MB, {rate:,.0f} MB/s, {left}"
