# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Close a node to its clients, or stop it for good: its data stays, its server does not come back by itself."""

from __future__ import annotations

import json

from . import _loaded, _render, _session
from ._files import ManagedFile
from ._home import MARKER, REMOVED, found_data, identity
from ._model import NodePlan
from ._program import Runner
from ._service import service
from ._start_note import fence_file

# What has a client port is a client; workers have none. Downstreams go on reading until they have everything.
_CLIENTS = """
SELECT pid FROM pg_stat_activity
 WHERE client_port IS NOT NULL AND pid <> pg_backend_pid() AND usename <> %(role)s
"""
_END = "SELECT pg_terminate_backend(pid) FROM (" + _CLIENTS + ") AS clients"


def closed(plan: NodePlan, run: Runner, check_mode: bool) -> list[dict[str, str]]:
    """Let only downstreams and the local superuser in, and end who else is connected. A server that is down starts."""
    file = _shut(plan)
    diffs = [file.diff()] if file.differences() else []
    manager = service(plan, run)
    if not manager.is_running():
        diffs.append({"before": "", "after": "start the server, closed\n"})
        if not check_mode:
            file.write()
            manager.start()
        return diffs
    with _session.local(plan, "postgres") as session:
        role = {"role": plan.replication_user}
        if session.rows(_CLIENTS, role):
            diffs.append({"before": "clients are connected\n", "after": "no client is connected\n"})
        if diffs and not check_mode:
            file.write()
            _loaded.reload(plan)
            session.rows(_END, role)
    return diffs


def is_closed(plan: NodePlan) -> bool:
    """Tell whether the node lets no clients in, and the plan does."""
    shut = _shut(plan)
    return shut.text != _render.hba(plan) and shut.found() == shut.text


def _shut(plan: NodePlan) -> ManagedFile:
    return ManagedFile(f"{plan.data_directory}/pg_hba.conf", _render.hba(_render.closed(plan)), 0o600, "postgres")


def out(plan: NodePlan, run: Runner, check_mode: bool) -> list[dict[str, str]]:
    """Stop the server, keep it from starting at a boot, and mark its data as that of a node that left."""
    manager = service(plan, run)
    diffs = []
    if found_data(plan) == "ours":
        diffs.append({"before": "", "after": f"mark {plan.home} as removed from {plan.group}\n"})
        if not check_mode:
            marker = json.dumps({**identity(plan), REMOVED: True}, indent=2) + "\n"
            ManagedFile(f"{plan.home}/{MARKER}", marker, 0o600, "postgres").write()
    if manager.is_running():
        diffs.append({"before": "", "after": "stop the server\n"})
        if not check_mode:
            manager.stop()
    if manager.unit_file and manager.is_enabled():
        diffs.append({"before": "", "after": f"disable {plan.unit}\n"})
        if not check_mode:
            manager.disable()
    return diffs


def restored(plan: NodePlan, run: Runner, check_mode: bool, why: str) -> list[dict[str, str]]:
    """Stop the server, and keep it from starting until the node is seeded, or the operator accepts its data."""
    file = fence_file(plan, why)
    diffs = [file.diff()] if file.differences() else []
    manager = service(plan, run)
    if manager.is_running():
        diffs.append({"before": "", "after": "stop the server\n"})
    if not check_mode:
        file.write()
        manager.halt()
    return diffs
