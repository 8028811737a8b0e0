# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The command lines of the server's programs. Pure."""

from __future__ import annotations

from ._conninfo import CONNECT_SECONDS, KEEPALIVES, conninfo
from ._model import NodePlan


def as_postgres(*command: str) -> list[str]:
    """Return a command that runs as the postgres user, from a directory it may be in; NAME=value may come first."""
    return ["runuser", "-u", "postgres", "--", "env", "-C", "/", *command]


def initdb(plan: NodePlan, directory: str) -> list[str]:
    """Return what makes an empty data directory that lets nobody in but by the rules to come."""
    return as_postgres(
        *(f"{plan.bin_directory}/initdb", "-D", directory, "-U", "postgres", "--data-checksums"),
        *("--auth-local=peer", "--auth-host=reject"),
        *(f"--encoding={plan.encoding}", f"--locale={plan.locale}"),
    )


def pg_basebackup(plan: NodePlan, directory: str) -> list[str]:
    """Return what copies the data directory of the node that a physical standby follows."""
    watched = {"connect_timeout": CONNECT_SECONDS, **KEEPALIVES}
    slots = [setting.value for setting in plan.settings if setting.name == "primary_slot_name"]
    return as_postgres(
        f"PGPASSFILE={plan.passfile}",
        *(f"{plan.bin_directory}/pg_basebackup", "-w", "-X", "stream", "-c", "fast"),
        *(word for slot in slots for word in ("-S", slot)),
        *("-d", f"{plan.primary_conninfo} {conninfo(watched)}", "-D", directory),
    )


def pg_ctl(plan: NodePlan, *arguments: str) -> list[str]:
    """Return a call of pg_ctl on the node's data directory."""
    return as_postgres(
        f"PGPASSFILE={plan.passfile}", f"{plan.bin_directory}/pg_ctl", "-D", plan.data_directory, *arguments
    )


def read_setting(plan: NodePlan, name: str) -> list[str]:
    """Return what lets the server's program read its files as at a start, and tell one setting."""
    return as_postgres(f"{plan.bin_directory}/postgres", "-D", plan.data_directory, "-C", name)
