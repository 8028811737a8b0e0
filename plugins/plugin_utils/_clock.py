# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a host's clock is from the controller's. Pure."""

from __future__ import annotations


def offset(before: float, started: float, ended: float, after: float) -> dict[str, float]:
    """Return offset and uncertainty, all in milliseconds.

    before, after: the controller's clock around the host's work; started, ended: the host's at both ends of it.
    """
    at_most, at_least = started - before, ended - after
    return {"offset_ms": round((at_most + at_least) / 2, 1), "uncertainty_ms": round((at_most - at_least) / 2, 1)}
