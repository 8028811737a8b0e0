# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The command lines of the server's programs. Pure."""

from __future__ import annotations

import shlex
import typing as t

from ._conninfo import CONNECT_SECONDS, KEEPALIVES, conninfo
from ._model import NodePlan

COPYING = "pgbdr copy"
APPLICATION = f"PGAPPNAME={COPYING}"
"""What sessions of a copy table by table are called."""


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


def psql(plan: NodePlan, conninfo: str, *statements: str, settings: str = "", encoding: str = "") -> list[str]:
    """Return a call of psql that runs statements one by one and ends at the first that fails; \\! is the shell's."""
    options = [f"PGOPTIONS={settings}"] if settings else []
    encodings = [f"PGCLIENTENCODING={encoding}"] if encoding else []
    return as_postgres(
        APPLICATION,
        *options,
        *encodings,
        *(f"{plan.bin_directory}/psql", "-X", "-q", "-At", "-w", "-v", "ON_ERROR_STOP=1", "-d", conninfo),
        *(word for statement in statements for word in ("-c", statement)),
    )


def pg_waldump(plan: NodePlan, files: t.Sequence[str], begin: str, end: str) -> list[str]:
    """Return what tells the ends of transactions in a part of the WAL; files: where it begins and where it ends."""
    return as_postgres(
        *("TZ=UTC", f"{plan.bin_directory}/pg_waldump", "-p", f"{plan.data_directory}/pg_wal", "-r", "Transaction"),
        *("-s", begin, "-e", end, *files),
    )


def loading_server(plan: NodePlan, directory: str, *arguments: str, marks_times: bool = False) -> list[str]:
    """Return a call of pg_ctl on a new data directory that nobody but its own socket leads to, in that directory.

    Nothing is lost with a crash that the copy's end would not bring to light: it is loaded anew. So it waits for no
    disk, keeps no WAL that it can do without, and lets nothing run beside the load.
    marks_times: rows get the commit times that their session tells.
    """
    values = {
        "listen_addresses": "",
        "unix_socket_directories": directory,
        "port": str(plan.port),
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "16GB",
        "checkpoint_timeout": "1h",
        "autovacuum": "off",
        "maintenance_work_mem": "256MB",
        "max_locks_per_transaction": "1024",
        "max_replication_slots": "200",
        "shared_preload_libraries": "",
        "track_commit_timestamp": "on" if marks_times else "off",
    }
    options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in values.items())
    pg_ctl = (f"{plan.bin_directory}/pg_ctl", "-D", directory, "-w", "-t", "3600", "-s")
    return as_postgres(*pg_ctl, "-l", f"{directory}/loading.log", "-o", options, *arguments)


def stop_loading(plan: NodePlan, directory: str, mode: str) -> list[str]:
    """Return what ends that server."""
    return as_postgres(f"{plan.bin_directory}/pg_ctl", "-D", directory, "-w", "-t", "3600", "-s", "-m", mode, "stop")


def to_disk(plan: NodePlan, directory: str) -> list[str]:
    """Return what has the files of a stopped server on its disk."""
    return as_postgres(f"{plan.bin_directory}/initdb", "-S", "-D", directory)


def pg_dumpall_roles(plan: NodePlan, conninfo: str, database: str) -> list[str]:
    """Return what prints the roles of a server as a script."""
    return as_postgres(APPLICATION, f"{plan.bin_directory}/pg_dumpall", "-w", "-r", "-d", conninfo, "-l", database)


def pg_dump_schema(plan: NodePlan, conninfo: str, snapshot: str, file: str) -> list[str]:
    """Return what writes everything but the rows of a database into an archive, as it was at a snapshot."""
    return as_postgres(
        APPLICATION,
        *(f"{plan.bin_directory}/pg_dump", "-w", "-Fc", "--section=pre-data", "--section=post-data"),
        *("--no-subscriptions", "--no-blobs", "--exclude-schema=pglogical", "--lock-wait-timeout=60000"),
        *(f"--snapshot={snapshot}", "-f", file, "-d", conninfo),
    )


def pg_restore(plan: NodePlan, *arguments: str) -> list[str]:
    """Return a call of pg_restore that ends at the first error."""
    return as_postgres(f"{plan.bin_directory}/pg_restore", "--exit-on-error", "--no-tablespaces", *arguments)


def analyze(plan: NodePlan, place: str, port: int, database: str, jobs: int) -> list[str]:
    """Return what gathers statistics of a database."""
    vacuumdb = (f"{plan.bin_directory}/vacuumdb", "-w", "-q", "-Z", "-j", str(jobs))
    return as_postgres(*vacuumdb, "-h", place, "-p", str(port), "-U", "postgres", "-d", database)
