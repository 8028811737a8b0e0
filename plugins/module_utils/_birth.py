# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Make a data directory whose system identifier no other node of the group has.

Servers before 9.4 make it of the time alone: the second is its upper half, second | microsecond its lower one. Of two
that were made in one second, as nodes of a group are, each bit of 20 tells them apart with a chance of one in four, so
0.3 % of all pairs are the same, and such nodes refuse each other for good. Hence each node has seconds of its own:
those that leave its place when they are divided by the number of nodes, by whatever clock.
Source: BootStrapXLOG() of the servers of the eras 0.4 and 0.5.
"""

from __future__ import annotations

import shutil
import sys
import time
import typing as t

from ._model import NodePlan

TRIES = 8
USUAL_LEAD_SECONDS = 0.5
"""How long after its start initdb takes the time; what it really was is known after a try."""


def wait_seconds(now: float, lead: float, place: int, places: int) -> float:
    """Return how long to wait with what takes the time a lead later, to hit the middle of one of its seconds."""
    return (place + 0.5 - lead - now) % places


def initdb(plan: NodePlan, directory: str, run: t.Callable[[], None]) -> None:
    """Run initdb, which makes the directory, until it was made in a second of the node's own."""
    lead = USUAL_LEAD_SECONDS
    for left in reversed(range(TRIES)):
        if plan.initdb_places > 1:
            time.sleep(wait_seconds(time.time(), lead, plan.initdb_place, plan.initdb_places))
        began = time.time()
        run()
        made = _second(directory)
        # The last one stays in any case: that it is the same as another's is not likely, and told.
        if made % plan.initdb_places == plan.initdb_place or not left:
            return
        lead = made + 0.5 - began
        shutil.rmtree(directory)


def _second(directory: str) -> int:
    with open(f"{directory}/global/pg_control", "rb") as file:
        return int.from_bytes(file.read(8), sys.byteorder) >> 32
