# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Engine pglogical on a running server. Stdlib only; the SQL stands in pglogical_sql.py."""

from __future__ import annotations

import hashlib
import typing as t

from .. import _naming
from .._conninfo import conninfo
from .._model import Connection
from .._session_types import Row, Session, Statement
from .._state import Item, State, Step
from . import pglogical_messages as messages
from . import pglogical_sql as sql
from .messages import told
from .pglogical import PglogicalRules
from .server import ABANDONED, FOREIGN, LINK, UNPLANNED, EngineServer

TABLE_SETS = ("default", "default_insert_only")
"""The sets of tables: with a primary key, and those that can only be inserted into."""

_STATUS = {"replicating": "running", "initializing": "starting", "disabled": "disabled"}
"""What pglogical says of a subscription: of its worker, whatever that has reached. All else is down."""

SETS = (*TABLE_SETS, "ddl_sql")
"""The sets each subscription takes; the last carries pglogical.replicate_ddl_command()."""


class PglogicalServer(EngineServer):
    """pglogical 2.4."""

    dialect = messages.DIALECT

    def observe_member(self, session: Session, database: str) -> State:
        """Return extension, node, grants, the function and trigger for new tables, and every table's set."""
        state: State = {}
        for row in session.rows(sql.ASSIGN_FUNCTION):
            state[Item("function", "pgbdr.assign_replication_set", database)] = {"body": row["body"]}
        for row in session.rows(sql.ASSIGN_TRIGGER):
            state[_assign_trigger(database)] = {"enabled": row["enabled"]}
        is_there = bool(session.rows(sql.EXTENSIONS))
        for row in session.rows(sql.TABLES if is_there else sql.TABLES_BEFORE_EXTENSION):
            state[Item("table", row["name"], database)] = {"set": row["set_name"], **_table(row)}
        if not is_there:
            return state
        state[Item("extension", "pglogical", database)] = {}
        for row in session.rows(sql.LOCAL_NODE):
            state[Item("pglogical node", row["name"], database)] = {"dsn": row["dsn"]}
        if session.value(sql.GRANTED, {"role": self.plan.replication_user}):
            state[self._grants(database)] = {}
        return state

    def wanted_member(self, found: State, database: str) -> State:
        """Return the same, with every table in the set that fits it."""
        wanted: State = {
            Item("extension", "pglogical", database): {},
            Item("pglogical node", self.plan.engine_node, database): {"dsn": self._local_dsn(database)},
            self._grants(database): {},
            Item("function", "pgbdr.assign_replication_set", database): {"body": sql.ASSIGN_FUNCTION_BODY},
            _assign_trigger(database): {"enabled": "A"},
        }
        for item, attributes in found.items():
            if item.kind == "table":
                # An operator's own set is the operator's choice.
                kept = attributes["set"] not in ("", *TABLE_SETS)
                wanted[item] = {**attributes, "set": attributes["set"] if kept else attributes["fitting_set"]}
        return wanted

    def observe_connections(self, session: Session, database: str) -> State:
        """Return the subscriptions."""
        if not session.rows(sql.EXTENSIONS):
            return {}
        return {_subscription(row["name"], database): _as_found(row) for row in session.rows(sql.SUBSCRIPTIONS)}

    def connections_found(self, session: Session, database: str, text: str) -> list[Connection]:
        """Return the subscriptions; the upstream of one that is not planned is called as it calls itself."""
        rows = session.rows(sql.CONNECTIONS) if session.rows(sql.EXTENSIONS) else []
        names = {connection.name: {"upstream": connection.upstream} for connection in self.plan.connections}
        return [Connection(**{"database": database, **row, **names.get(row["name"], {})}) for row in rows]

    def wanted_connections(self, database: str) -> State:
        """Return one subscription for each connection of the plan."""
        return {
            _subscription(connection.name, database): {
                "dsn": connection.dsn,
                "sets": sorted(SETS),
                "forward_origins": [],
                "apply_delay_ms": connection.apply_delay_ms,
                "enabled": True,
                "worker": "running",
            }
            for connection in self.plan.connections
            if connection.database == database
        }

    def statements(self, step: Step) -> t.Iterable[Statement]:
        """Return the statements of a step, by the kind of its item."""
        return _STATEMENTS[step.item.kind](self, step)

    def warnings(self, found: State) -> list[str]:
        """Name the tables whose UPDATEs and DELETEs do not replicate."""
        return [
            f"{item.name} in {item.database} has no primary key: only its INSERTs are replicated"
            for item, attributes in found.items()
            if item.kind == "table" and attributes["fitting_set"] == "default_insert_only"
        ]

    def link_state(self, session: Session, upstream: Session, connection: Connection) -> str:
        """A link streams when its worker replicates and its slot on the upstream is in use."""
        status = session.value(sql.STATUS, {"name": connection.name})
        slots = upstream.rows(sql.SLOT, {"slot": connection.slot})
        if slots and slots[0]["wal_status"] == "lost":
            return f"the WAL it needs is gone from {connection.upstream}: slot {connection.slot} is lost"
        if status == "replicating" and slots and slots[0]["active"]:
            return "streaming"
        slot = ("in use" if slots[0]["active"] else "not in use") if slots else "missing"
        return f"subscription {connection.name} is {status or 'missing'}, its slot on {connection.upstream} is {slot}"

    def is_established(self, session: Session, upstream: Session, connection: Connection) -> bool:
        """Tell whether the upstream has the slot."""
        return bool(upstream.rows(sql.SLOT, {"slot": connection.slot}))

    def slot_owner(self, slot: Row) -> Row:
        """A slot's name and database are the plan's; what begins like them was a link's from this node."""
        name, database = slot["name"], slot["database"]
        if slot["plugin"] != PglogicalRules.slot_plugin:
            return {"verdict": FOREIGN}
        for planned in self.plan.slots:
            own = name == planned.name or _naming.is_pglogical_sync_slot(name, planned.name)
            if own and database == planned.database:
                return {"verdict": LINK, "downstream": planned.downstream}
        if not _naming.is_pglogical_slot(name, database, self.plan.name):
            return {"verdict": FOREIGN}
        return {"verdict": UNPLANNED if slot["active"] else ABANDONED}

    def findings(self, lines: t.Sequence[str]) -> list[str]:
        """Return what the lines of a log say of links, with the remedy."""
        return list(dict.fromkeys(told(lines, self.plan.replication_user, messages.DIALECT.messages)))

    def connection_of(self, worker: str) -> str:
        """The number of a subscription is a hash of its name."""
        names = {
            str(_naming.hash_any(connection.name.encode())): connection.name for connection in self.plan.connections
        }
        return names.get(worker.partition(":")[2], "")

    def incoming(self, session: Session, database: str) -> list[Row]:
        """Return the subscriptions with their workers."""
        if not session.rows(sql.EXTENSIONS):
            return []
        return [{**row, "status": _STATUS.get(row["status"], "down")} for row in session.rows(sql.INCOMING)]

    def name_in(self, session: Session) -> str:
        """Return the name of pglogical's own node."""
        nodes = session.rows(sql.LOCAL_NODE) if session.rows(sql.EXTENSIONS) else []
        return nodes[0]["name"] if nodes else ""

    def waits_out_a_retry(self, session: Session, connection: Connection) -> bool:
        """A worker that is down is tried again after 5 s at first, then after 180 s."""
        return bool(session.value(sql.STATUS, {"name": connection.name}) == "down")

    def kick(self, connection: Connection) -> t.Iterable[Statement]:
        """Disabling and enabling starts the worker at once, where no other one holds its origin."""
        return _restart_worker(connection.name)

    def stay_local(self) -> t.Iterable[Statement]:
        """What has an origin is not forwarded; what is old does not win over a change that is on its way here."""
        return tuple(map(Statement, (sql.CREATE_LOCAL_ORIGIN, sql.USE_LOCAL_ORIGIN, sql.COUNT_AS_OLD)))

    def _local_dsn(self, database: str) -> str:
        plan = self.plan
        return conninfo(
            {
                "host": plan.socket_directory,
                "port": plan.port,
                "dbname": database,
                "user": "postgres",
            }
        )

    def _grants(self, database: str) -> Item:
        return Item("grants on pglogical to", self.plan.replication_user, database)

    def _extension_statements(self, _step: Step) -> t.Iterator[Statement]:
        yield Statement(sql.CREATE_EXTENSION)

    def _node_statements(self, step: Step) -> t.Iterator[Statement]:
        values = {"name": step.item.name, "node": step.item.name, "dsn": step.after["dsn"]}
        if step.before is None:
            yield Statement(sql.CREATE_NODE, values=values)
        else:
            values["interface"] = _interface(step.after["dsn"])
            yield Statement(sql.ADD_NODE_INTERFACE, values=values)
            yield Statement(sql.USE_NODE_INTERFACE, values=values)

    def _grant_statements(self, step: Step) -> t.Iterator[Statement]:
        for text in (sql.GRANT_SCHEMA, sql.GRANT_TABLES):
            yield Statement(text, {"role": step.item.name})

    def _function_statements(self, step: Step) -> t.Iterator[Statement]:
        yield Statement(sql.CREATE_ASSIGN_FUNCTION, values=step.after)

    def _trigger_statements(self, step: Step) -> t.Iterator[Statement]:
        if step.before is None:
            yield Statement(sql.CREATE_ASSIGN_TRIGGER)
        yield Statement(sql.ENABLE_ASSIGN_TRIGGER)

    def _table_statements(self, step: Step) -> t.Iterator[Statement]:
        before = step.before or {}
        values = {"schema": step.after["schema"], "table": step.after["relation"]}
        if before.get("set"):
            yield Statement(sql.REMOVE_TABLE, values={**values, "set": before["set"]})
        yield Statement(sql.ADD_TABLE, values={**values, "set": step.after["set"]})

    def _subscription_statements(self, step: Step) -> t.Iterator[Statement]:
        values = {"name": step.item.name, **step.after}
        if step.before is None:
            yield Statement(sql.CREATE_SUBSCRIPTION, values=values)
            return
        for attribute, statements in _ALTER_SUBSCRIPTION.items():
            if attribute in step.changes:
                yield from statements(values, step.before)
        yield from _restart_worker(step.item.name)


_STATEMENTS: dict[str, t.Callable[[PglogicalServer, Step], t.Iterator[Statement]]] = {
    "extension": PglogicalServer._extension_statements,
    "pglogical node": PglogicalServer._node_statements,
    "grants on pglogical to": PglogicalServer._grant_statements,
    "function": PglogicalServer._function_statements,
    "event trigger": PglogicalServer._trigger_statements,
    "table": PglogicalServer._table_statements,
    "subscription": PglogicalServer._subscription_statements,
}


def _alter_dsn(values: Row, _before: Row) -> t.Iterator[Statement]:
    named = {**values, "interface": _interface(values["dsn"])}
    yield Statement(sql.ADD_INTERFACE, values=named)
    yield Statement(sql.USE_INTERFACE, values=named)


def _alter_sets(values: Row, before: Row) -> t.Iterator[Statement]:
    for name in sorted(set(values["sets"]) - set(before["sets"])):
        yield Statement(sql.ADD_SET, values={**values, "set": name})
    for name in sorted(set(before["sets"]) - set(values["sets"])):
        yield Statement(sql.REMOVE_SET, values={**values, "set": name})


def _alter_apply_delay(values: Row, _before: Row) -> t.Iterator[Statement]:
    yield Statement(sql.SET_APPLY_DELAY, values=values)


def _alter_forward_origins(values: Row, _before: Row) -> t.Iterator[Statement]:
    yield Statement(sql.SET_FORWARD_ORIGINS, values=values)


_ALTER_SUBSCRIPTION: dict[str, t.Callable[[Row, Row], t.Iterator[Statement]]] = {
    "dsn": _alter_dsn,
    "sets": _alter_sets,
    "apply_delay_ms": _alter_apply_delay,
    "forward_origins": _alter_forward_origins,
}


def _restart_worker(subscription: str) -> t.Iterator[Statement]:
    # A run that is killed behind the second leaves a disabled subscription, which the next run finds and enables.
    for text in (sql.END_LOST_WORKERS, sql.DISABLE, sql.ENABLE):
        yield Statement(text, values={"name": subscription}, alone=True)


def _interface(dsn: str) -> str:
    return f"pgbdr_{hashlib.sha256(dsn.encode()).hexdigest()[:12]}"


def _subscription(name: str, database: str) -> Item:
    return Item("subscription", name, database)


def _assign_trigger(database: str) -> Item:
    return Item("event trigger", "pgbdr_assign_replication_set", database)


def _table(row: Row) -> Row:
    return {name: row[name] for name in ("schema", "relation", "fitting_set")}


def _as_found(row: Row) -> Row:
    return {
        "dsn": row["dsn"],
        "sets": sorted(row["sets"] or ()),
        "forward_origins": list(row["forward_origins"] or ()),
        "apply_delay_ms": row["apply_delay_ms"],
        "enabled": row["enabled"],
        "worker": "down" if row["status"] in ("down", "unknown") else "running",
    }
