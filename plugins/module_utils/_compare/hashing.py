# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""How rows are hashed in a comparison, and what a server can do for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .._compare_table import Capabilities


@dataclass(frozen=True)
class Hashing:
    """How rows are hashed on all nodes."""

    mode: str
    equality: str
    seed: int


@dataclass(frozen=True)
class Probed:
    """What a server can do: hashes and pages, and how it tells commit times and origins of rows."""

    can: Capabilities
    committed: str
    origin: str
