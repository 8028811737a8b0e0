# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What monitors a node: its exporter and its heartbeat, their files, units, commands; the role they read by. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from . import _naming
from ._commands import as_postgres
from ._conninfo import conninfo
from ._engine.monitoring import Monitoring
from ._model import NodePlan
from ._monitor_queries import asked, literal, queries
from ._render import BANNER

USER = "pgbdr_monitor"
"""The role, and the operating system's user of the exporter: the same, so that peer lets it in with no password."""
EXPORTER = "/usr/bin/prometheus-postgres-exporter"
STATEMENT_MS = 5000
PORT_OFFSET = 3755
"""An exporter of a server on 5432 has its well-known port 9187."""
HIGHEST_PORT = 65535
LOG_BYTES = 65536
LOG_MINUTES = 10
WORKS_AS = "PGBDR_WORKS_AS"
"""Variable of a process's environment that tells which files it has read."""

ROLE = """
SELECT r.rolcanlogin AS login,
       r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls AS more,
       EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                WHERE m.member = r.oid AND g.rolname = 'pg_monitor') AS monitors
  FROM pg_roles r WHERE r.rolname = %(role)s
"""
SET_ROLE = (
    "{verb} ROLE {{role}} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS",
    "GRANT pg_monitor TO {{role}}",
)
GRANTED = """
SELECT has_schema_privilege(r.oid, 'pgbdr', 'USAGE') AND has_table_privilege(r.oid, 'pgbdr.heartbeat', 'SELECT')
  FROM pg_roles r WHERE r.rolname = %(role)s
"""
GRANTS = ("GRANT USAGE ON SCHEMA pgbdr TO {role}", "GRANT SELECT ON pgbdr.heartbeat TO {role}")
REVOKES = ("REVOKE SELECT ON pgbdr.heartbeat FROM {role}", "REVOKE USAGE ON SCHEMA pgbdr FROM {role}")

# The row is made anew each time, so that a downstream that has lost it gets it back. Written by its own node only, it
# is never a conflict. A node that is a physical standby for a while, as when it is seeded, writes nothing.
# What else it says are the apply workers that ended at a conflict of late, which only the log tells. The end of the log
# is enough: they are tried again after three minutes at the latest.
_BEAT = """DO $heartbeat$
DECLARE
    log     text;
    workers text := '';
BEGIN
    IF pg_is_in_recovery() THEN
        RETURN;
    END IF;
    BEGIN
        SELECT encode(pg_read_binary_file(pg_current_logfile(), greatest(0, size - {log_bytes}), {log_bytes}), 'escape')
          INTO log FROM pg_stat_file(pg_current_logfile());
        IF log ~ {ended} THEN
            WITH line AS (
                SELECT l.text, l.place, substring(l.text FROM '\\[(\\d+)\\]') AS pid
                  FROM regexp_split_to_table(log, E'\\n') WITH ORDINALITY AS l (text, place)
            ), ended AS (
                SELECT DISTINCT ON (m[1]) m[1] AS worker, m[2] AS pid
                  FROM line, regexp_match(line.text, {ended}) m
                 WHERE m IS NOT NULL AND left(line.text, 19) >= to_char(
                           (now() - interval '{log_minutes} min') AT TIME ZONE current_setting('log_timezone'),
                           'YYYY-MM-DD HH24:MI:SS')
                 ORDER BY m[1], place DESC
            )
            SELECT coalesce(string_agg(DISTINCT worker, ' '), '') INTO workers FROM ended JOIN line USING (pid)
             WHERE line.text ~ {conflict};
        END IF;
    EXCEPTION WHEN OTHERS THEN
        workers := '';  -- a log that cannot be read keeps no heartbeat back
    END;
    DELETE FROM pgbdr.heartbeat WHERE upstream = {node} AND downstream = '';
    INSERT INTO pgbdr.heartbeat (upstream, downstream, token) VALUES ({node}, '', workers);
END $heartbeat$;
"""
FORGET_BEAT = "DELETE FROM pgbdr.heartbeat WHERE upstream = %(node)s AND downstream = ''"
_BEATS = """# A server that is away for a while is tried again; nothing is kept.
export PGCONNECT_TIMEOUT=3 PGOPTIONS='-c statement_timeout=3s -c synchronous_commit=off -c log_statement=none'
while :; do
{calls}
    sleep {seconds}
done
"""


@dataclass(frozen=True)
class Process:
    """One of the two: as whom it runs what, with which environment, and the texts of its files by path."""

    name: str
    unit: str
    about: str
    user: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, str], ...]

    @property
    def works_as(self) -> str:
        """Return what tells a process that has read these files, and was started so, from any other one."""
        told = repr((self.user, self.command, self.environment, self.files))
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    @property
    def detached(self) -> list[str]:
        """Return the command where no systemd runs it."""
        variables = [f"{name}={value}" for name, value in self.environment]
        return ["runuser", "-u", self.user, "--", *as_postgres()[4:], *variables, *self.command]


def directory(plan: NodePlan) -> str:
    """Return where the files are. Not in the node's home, which only PostgreSQL may read."""
    return f"/etc/pgbdr/{plan.group}/{plan.name}"


def exporter_port(plan: NodePlan, port: int) -> int:
    """Return the exporter's port: what is asked for, or, where that is 0, the one that goes with the server's."""
    return port or plan.port + PORT_OFFSET


def is_monitored(plan: NodePlan) -> bool:
    """Tell whether there is a way to monitor the engine's nodes."""
    return plan.engine == "pglogical"


def problems(plan: NodePlan, seconds: int, port: int) -> list[str]:
    """Return what stands against it."""
    found = []
    if not is_monitored(plan):
        found.append(
            f"bdr_engine: monitoring is for the engine pglogical only so far, and this group's is {plan.engine}"
        )
    if exporter_port(plan, port) > HIGHEST_PORT:
        found.append(
            f"bdr_monitor_port: {plan.name} has the port {plan.port}, and its exporter's would be "
            f"{exporter_port(plan, port)}; set bdr_monitor_port to one that is free on its host"
        )
    if not 1 <= seconds <= 3600:
        found.append(f"bdr_monitor_heartbeat_seconds is {seconds}; a whole number from 1 to 3600 is wanted")
    return found


def processes(plan: NodePlan, engine: Monitoring, listen: str, port: int, seconds: int) -> tuple[Process, ...]:
    """Return what runs for a node; a physical standby can write no heartbeat."""
    exporter = _exporter(plan, engine, listen, exporter_port(plan, port))
    return (exporter,) if plan.standby_of else (exporter, _heartbeat(plan, engine, seconds))


def _exporter(plan: NodePlan, engine: Monitoring, listen: str, port: int) -> Process:
    path = f"{directory(plan)}/queries.yml"
    return Process(
        name="exporter",
        unit=_unit("exporter", plan),
        about=f"Metrics of PostgreSQL node {plan.name} of the group {plan.group}",
        user=USER,
        command=(
            EXPORTER,
            f"--web.listen-address={_bracketed(listen)}:{port}",
            f"--extend.query-path={path}",
            "--disable-default-metrics",
            "--disable-settings-metrics",
            "--no-collector.database",
            "--no-collector.bgwriter",
        ),
        environment=(("DATA_SOURCE_NAME", ",".join(dsn(plan, database) for database in asked(plan))),),
        files=((path, queries(plan, engine)),),
    )


def _heartbeat(plan: NodePlan, engine: Monitoring, seconds: int) -> Process:
    script, beat = f"{directory(plan)}/heartbeat.sh", f"{directory(plan)}/heartbeat.sql"
    calls = "\n".join(
        f"    {plan.bin_directory}/psql -Xq -d {_word(_local(plan, database))} -f {_word(beat)} >/dev/null"
        for database in plan.databases
    )
    banner = BANNER.format(group=plan.group, node=plan.name)
    return Process(
        name="heartbeat",
        unit=_unit("heartbeat", plan),
        about=f"Heartbeat of PostgreSQL node {plan.name} of the group {plan.group}",
        user="postgres",
        command=("/bin/sh", script),
        environment=(),
        files=((script, banner + _BEATS.format(calls=calls, seconds=seconds)), (beat, beat_sql(plan.name, engine))),
    )


def beat_sql(node: str, engine: Monitoring) -> str:
    """Return what writes a node's heartbeat, in one transaction."""
    words = {"node": node, "ended": engine.ended, "conflict": engine.conflict}
    quoted = {name: literal(text) for name, text in words.items()}
    return _BEAT.format(log_bytes=LOG_BYTES, log_minutes=LOG_MINUTES, **quoted)


def dsn(plan: NodePlan, database: str) -> str:
    """Return how the exporter's driver reaches a database: by the socket, as its own user. A comma would part DSNs."""
    where = {
        "host": plan.socket_directory,
        "port": plan.port,
        "sslmode": "disable",
        "application_name": USER,
        "statement_timeout": STATEMENT_MS,
    }
    return f"postgresql://{USER}@/{quote(database, safe='')}?{urlencode(where, quote_via=quote)}"


def unit_text(plan: NodePlan, process: Process) -> str:
    """Return the systemd unit of a process."""
    variables = (*process.environment, (WORKS_AS, process.works_as))
    lines = [
        "[Unit]",
        f"Description={process.about}",
        f"After={plan.unit}",
        "",
        "[Service]",
        *(f'Environment="{_escaped(f"{name}={value}")}"' for name, value in variables),
        f"ExecStart={_escaped(' '.join(process.command))}",
        f"User={process.user}",
        "Restart=always",
        "RestartSec=5",
        "NoNewPrivileges=true",
        "ProtectSystem=strict",
        "ProtectHome=true",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return BANNER.format(group=plan.group, node=plan.name) + "".join(f"{line}\n" for line in lines)


def _unit(what: str, plan: NodePlan) -> str:
    return f"pgbdr_{what}-{_naming.unit(plan.group, plan.name)[len('pgbdr-') :]}"


def _local(plan: NodePlan, database: str) -> str:
    where = {"host": plan.socket_directory, "port": plan.port, "dbname": database, "user": "postgres"}
    return conninfo({**where, "application_name": "pgbdr_heartbeat"})


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _word(text: str) -> str:
    """Return one word of a shell's command line."""
    return "'" + text.replace("'", "'\\''") + "'"


def _escaped(text: str) -> str:
    """Return a value as a unit has it: % and $ mean something there."""
    return text.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
