# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a host looks like before anything is changed on it: nothing here needs a server, and nothing writes."""

from __future__ import annotations

import errno
import os
import platform
import shutil
import socket
import sys
import typing as t

from . import _session
from ._engine import server
from ._home import found_data, found_major
from ._links import connection_names
from ._member import table_with_rows
from ._model import NodePlan
from ._program import Runner, data_catalog_version, missing_packages, platform_name, server_facts, speaks_as_planned
from ._service import is_dead, is_systemd, service

_ENCODINGS = """
SELECT datname::text AS name, pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype
  FROM pg_database WHERE datname = ANY(%(names)s)
"""


def observe(plan: NodePlan, run: Runner) -> dict[str, t.Any]:
    """Return what check_hosts decides on; the keys are the RETURN block of host_info."""
    running = service(plan, run).is_running() if found_major(plan) else False
    facts = server_facts(plan.bin_directory, run)
    data = found_data(plan)
    return {
        "architecture": f"{platform.machine()} {sys.byteorder}-endian {8 * _pointer_bytes()} bit",
        "machine": _machine_id(),
        "service_manager": "systemd" if is_systemd() else "pg_ctl",
        "platform": platform_name(),
        "server": facts,
        "data": data,
        "catalog_version": data_catalog_version(plan.data_directory),
        "major": found_major(plan),
        "running": running,
        "address_problem": _address_problem(plan),
        "port_taken": not running and _is_taken(plan),
        "missing_packages": missing_packages(plan.packages, run),
        "disk": disk(plan),
        # A node that is half seeded is refused; as long as it follows its donor, it has no engine to be asked for.
        "databases": _databases(plan) if running and data == "ours" and speaks_as_planned(plan, facts) else {},
    }


def _pointer_bytes() -> int:
    return (sys.maxsize.bit_length() + 1) // 8


def _machine_id() -> str:
    """Return what tells machines apart. Clones can share their id, so the host's name is in it too."""
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        try:
            with open(path, encoding="ascii") as file:
                found = file.read().strip()
        except OSError:
            continue
        if found:
            return f"{socket.gethostname()} {found}"
    return socket.gethostname()


def _is_taken(plan: NodePlan) -> bool:
    """Tell whether something listens on the node's port, on an address it would use or on its socket."""
    if not is_dead(f"{plan.socket_directory}/.s.PGSQL.{plan.port}.lock"):
        return True
    return any(_bind_error(address, plan.port) == errno.EADDRINUSE for address in plan.listen_addresses)


def _address_problem(plan: NodePlan) -> str:
    """Return the first listen address that is none of this host's, "" where all are."""
    for address in plan.listen_addresses:
        if _bind_error(address, 0) in (errno.EADDRNOTAVAIL, socket.EAI_NONAME):
            return address
    return ""


def _bind_error(address: str, port: int) -> int:
    if address in ("*", "0.0.0.0", "::"):
        address = ""
    try:
        family, kind, protocol, _name, where = socket.getaddrinfo(
            address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            # As PostgreSQL does: a port whose last server left connections in TIME_WAIT is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
    except OSError as error:
        return error.errno or 0
    return 0


def disk(plan: NodePlan) -> dict[str, t.Any]:
    """Return where the home is or will be, how much is free there, and what the node's WAL takes already."""
    existing = plan.home
    while not os.path.exists(existing):
        existing = os.path.dirname(existing)
    wal_bytes = 0
    for directory in ("pg_wal", "pg_xlog"):
        wal_bytes += _size(f"{plan.data_directory}/{directory}")
    return {
        "file_system": os.stat(existing).st_dev,
        "free_mb": shutil.disk_usage(existing).free // 2**20,
        "wal_mb": wal_bytes // 2**20,
    }


def _size(directory: str) -> int:
    total = 0
    try:
        for entry in os.scandir(directory):
            total += entry.stat(follow_symlinks=False).st_size
    except OSError:  # no such directory, or a segment that was removed meanwhile
        pass
    return total


def _databases(plan: NodePlan) -> dict[str, t.Any]:
    with _session.local(plan, "postgres") as session:
        rows = session.rows(_ENCODINGS, {"names": list(plan.databases)})
    return {row["name"]: {**row, **_contents(plan, row["name"])} for row in rows}


def _contents(plan: NodePlan, database: str) -> dict[str, t.Any]:
    """Return which connections are there, and a table that has rows, if any."""
    engine = server(plan)
    with _session.local(plan, database) as session:
        names = connection_names(plan, engine, session, database)
        return {"connections": names, "table_with_rows": table_with_rows(session)}
