# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a copy is, as a person reads it."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._seed_progress import MEGABYTE, line

DATA = {"phase": "data", "done": 3, "of": 21, "bytes": 500 * MEGABYTE, "total_bytes": 2000 * MEGABYTE, "seconds": 10}


@pytest.mark.parametrize(
    ("progress", "wanted"),
    [
        ({"bytes": 500 * MEGABYTE}, "500 of about 1,500 MB, 50 MB/s, 20 s left"),
        ({"bytes": 0}, "0 of about 1,500 MB, 0 MB/s, almost through"),
        ({"bytes": 1600 * MEGABYTE}, "1,600 of about 1,500 MB, 160 MB/s, almost through"),
        # Table by table: of what the tables take, since the phase began
        (DATA, "data, 3 of 21 done, 500 of about 2,000 MB, 50 MB/s, 30 s left"),
        (
            {**DATA, "phase": "statistics", "done": 0, "of": 1, "bytes": 2000 * MEGABYTE, "seconds": 65.4},
            "statistics, 0 of 1 done, for 1 min 5 s",
        ),
    ],
)
def test_a_line(progress, wanted):
    assert line("alpha", "charlie", progress, 1500, 10) == f"reseed alpha to charlie: {wanted}"
