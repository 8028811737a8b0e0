# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A node as its server has it, in the shape of the node's share of the plan. Only reads."""

from __future__ import annotations

import ipaddress
import typing as t
from dataclasses import asdict

from . import _connection_file, _session
from ._engine.messages import redacted
from ._engine.server import FOREIGN, EngineServer
from ._model import NodePlan
from ._session_types import Row, Session
from ._slots import look as look_at_slots

TEN = 100000
"""PostgreSQL 10: from then on pg_hba.conf can be read as a view, and the major version is one number."""

_LIMIT = "SET statement_timeout = '10s'"
_SERVER = """
SELECT current_setting('port')::int AS port, current_setting('data_directory') AS data_directory,
       current_setting('log_directory') AS log_directory,
       current_setting('unix_socket_directories') AS socket_directory,
       current_setting('listen_addresses') AS listen_addresses, current_setting('server_version_num')::int AS version
"""
_DATABASES = """
SELECT d.datname::text AS name, pg_encoding_to_char(d.encoding)::text AS encoding, d.datcollate::text AS locale
  FROM pg_database d WHERE d.datallowconn AND NOT d.datistemplate AND d.datname <> 'postgres' ORDER BY 1
"""
_ENGINE = "SELECT 1 FROM pg_extension WHERE extname IN ('pglogical', 'bdr')"
# A setting that the server does not know has no value.
_SETTINGS = "SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY(%(names)s) ORDER BY name"
_RULES = """
SELECT type, array_to_string(database, ',') AS database, array_to_string(user_name, ',') AS user,
       coalesce(address, '') AS address, coalesce(netmask, '') AS netmask, auth_method AS method,
       coalesce(array_to_string(options, ' '), '') AS options
  FROM pg_hba_file_rules WHERE error IS NULL ORDER BY line_number
"""


def look(plan: NodePlan, engine: EngineServer) -> Row:
    """Return what the server has of each field that it knows; SessionError where it does not answer.

    databases: those that hold the engine, and with it connections. hba: None where the server does not tell.
    """
    with _session.local(plan, "postgres") as session:
        session.rows(_LIMIT)
        (server,) = session.rows(_SERVER)
        databases = session.rows(_DATABASES)
        names = [setting.name for setting in (*plan.settings, *plan.connection_settings)]
        found = {
            "port": server["port"],
            "data_directory": server["data_directory"],
            "log_directory": server["log_directory"],
            "socket_directory": server["socket_directory"].split(",")[0].strip(),
            "listen_addresses": sorted(each.strip() for each in server["listen_addresses"].split(",") if each.strip()),
            # Before 10 it is two numbers, and the plan has none.
            "major": server["version"] // 10000 if server["version"] >= TEN else 0,
            "settings": session.rows(_SETTINGS, {"names": names}),
            "slots": _slots(session, engine),
            "hba": _rules(session) if server["version"] >= TEN else None,
        }
    members = {row["name"]: row for row in databases if _is_member(plan, row["name"])}
    return {
        **found,
        "databases": sorted(members),
        "encoding": _alike(members, "encoding"),
        "locale": _alike(members, "locale"),
        "connections": [row for name in members for row in _connections(plan, engine, name)],
    }


def _is_member(plan: NodePlan, database: str) -> bool:
    """Tell whether a database holds the engine; up to 0.4 one that has no upstream need not."""
    with _session.local(plan, database) as session:
        return bool(session.rows(_ENGINE)) or (database in plan.databases and plan.engine != "pglogical")


def _alike(members: t.Mapping[str, Row], what: str) -> str:
    """Return what all databases have, their values where they differ."""
    return ", ".join(sorted({row[what] for row in members.values()}))


def _connections(plan: NodePlan, engine: EngineServer, database: str) -> list[Row]:
    text = _connection_file.text_of(plan)
    with _session.local(plan, database) as session:
        found = engine.connections_found(session, database, text)
    return [{**asdict(connection), "dsn": redacted(connection.dsn)} for connection in sorted(found)]


def _slots(session: Session, engine: EngineServer) -> list[Row]:
    """Return the engine's slots; where only the downstream can tell whose one is, downstream is empty."""
    return [
        {name: slot[name] for name in ("database", "downstream", "name", "plugin")}
        for slot in look_at_slots(session, engine)["slots"]
        if slot["verdict"] != FOREIGN
    ]


def _rules(session: Session) -> list[Row]:
    rules = session.rows(_RULES)
    for rule in rules:
        mask = rule.pop("netmask")
        if mask:
            rule["address"] = str(ipaddress.ip_network(f"{rule['address']}/{_bits(mask)}", strict=False))
    return rules


def _bits(mask: str) -> int:
    return bin(int(ipaddress.ip_address(mask))).count("1")
