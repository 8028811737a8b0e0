# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The engines by name. Plain imports, since only what is imported travels to a managed node."""

from __future__ import annotations

from .._model import NodePlan
from .base import EngineRules
from .contrib_bdr import ContribBdr04Rules, ContribBdr07Rules
from .contrib_bdr_departure import ContribBdr04Departure, ContribBdr07Departure
from .contrib_bdr_server import ContribBdr04Server, ContribBdr07Server
from .departure import Departure
from .monitoring import Monitoring
from .pglogical import PglogicalRules
from .pglogical_departure import PglogicalDeparture
from .pglogical_monitoring import PglogicalMonitoring
from .pglogical_seeding import PglogicalSeeding
from .pglogical_server import PglogicalServer
from .seeding import Seeding
from .server import EngineServer

ENGINES = ("contrib_bdr", "pglogical")
ERAS = ("0.4", "0.7")


def rules(engine: str, era: str) -> EngineRules:
    """Return the rules of an engine; the era is read by contrib_bdr only."""
    if engine == "pglogical":
        return PglogicalRules()
    return ContribBdr04Rules() if era == "0.4" else ContribBdr07Rules()


def server(plan: NodePlan) -> EngineServer:
    """Return the live side of the engine of a node's plan."""
    if plan.engine == "pglogical":
        return PglogicalServer(plan)
    return ContribBdr04Server(plan) if plan.era == "0.4" else ContribBdr07Server(plan)


def departure(plan: NodePlan, departed: NodePlan) -> Departure:
    """Return what a node has of another one that leaves the group."""
    if plan.engine == "pglogical":
        return PglogicalDeparture(plan, departed)
    return ContribBdr04Departure(plan, departed) if plan.era == "0.4" else ContribBdr07Departure(plan, departed)


def seeding(plan: NodePlan, donor: NodePlan) -> Seeding:
    """Return what turns a copy of the donor into the node; _seed.problems() tells which engines can."""
    return PglogicalSeeding(plan, donor)


def monitoring(plan: NodePlan) -> Monitoring:
    """Return what a node's monitoring asks the engine; _monitor.problems() tells which engines can be asked."""
    return PglogicalMonitoring(plan)
