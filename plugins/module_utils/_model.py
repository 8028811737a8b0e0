# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The words of the collection as frozen dataclasses: what an inventory says and what a plan says.

Nothing here decides anything and nothing here touches a server; every other file speaks in these types.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass, field


class PlanError(ValueError):
    """An inventory that cannot become a group. Each problem names its variable and the mend."""

    def __init__(self, problems: t.Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Database:
    """A replicated database. `upstreams` is read by topology custom only: downstream -> its upstreams."""

    name: str
    topology: str
    members: tuple[str, ...]
    upstream: str | None = None
    upstreams: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Node:
    """One PostgreSQL instance: an inventory host and its variables."""

    name: str
    host: str
    address: str
    port: int
    home: str
    listen_addresses: tuple[str, ...]
    sources: tuple[str, ...]
    settings: tuple[tuple[str, str], ...] = ()
    hba: tuple[str, ...] = ()
    physical_standbys: int = 0
    apply_delay_ms: int = 0
    sequence_offset: int = 0
    """The node's own residue of what sequences give, 0 where none was asked for."""
    standby_of: str = ""
    """The node that a physical standby follows; empty for a node of the group's own writing."""


@dataclass(frozen=True)
class Group:
    """All nodes that replicate one set of databases."""

    name: str
    engine: str
    era: str
    nodes: tuple[Node, ...]
    databases: tuple[Database, ...]
    replication_user: str = "bdr_replication"
    tls: str = "off"
    socket_directory: str = "/var/run/postgresql"
    encoding: str = "UTF8"
    locale: str = "C.UTF-8"
    major: int = 15
    bin_directory: str | None = None
    build: bool = False
    era_assumed: bool = False
    """True where neither the inventory nor a server said which era contrib_bdr is of."""
    allowed_downtime_seconds: int = 3600
    wal_rate_kb_per_second: int = 256
    synchronous_commit: bool = False
    partial_reach: bool = False
    existing_rows: str = "refuse"
    max_clock_skew_ms: int = 1000
    deny_truncate: bool | None = None
    """None leaves it to the engine: denied where TRUNCATE is not replicated."""
    truncatable_tables: tuple[str, ...] = ()
    sequence_strategy: str = "none"
    sequence_increment: int = 100
    unknown_variables: tuple[str, ...] = ()

    @functools.cached_property
    def _by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    def node(self, name: str) -> Node:
        """Return the node of that name; KeyError when it is no member."""
        return self._by_name[name]

    def standbys(self, name: str) -> tuple[Node, ...]:
        """Return the physical standbys that follow a node."""
        return tuple(node for node in self.nodes if node.standby_of == name)


@dataclass(frozen=True, order=True)
class Link:
    """One direction for one database: upstream -> downstream."""

    database: str
    upstream: str
    downstream: str

    def __str__(self) -> str:
        return f"{self.upstream} -> {self.downstream} ({self.database})"


@dataclass(frozen=True, order=True)
class Connection:
    """The downstream's configured end of a link. `slot` is the upstream's end, under its name there."""

    database: str
    upstream: str
    name: str
    dsn: str
    slot: str
    apply_delay_ms: int = 0


@dataclass(frozen=True, order=True)
class Slot:
    """The upstream's end of a link. Angle brackets in a name stand for what only a running server knows."""

    database: str
    downstream: str
    name: str
    plugin: str


@dataclass(frozen=True, order=True)
class Setting:
    """A line of the settings file.

    rule: `fixed` (replication needs exactly this), `minimum` (an operator may raise it), `list` (an operator
    may add to it), `default` (an operator may change it), `operator` (the operator's own).
    probed: written only where the server's program knows the name, since it came with a minor release.
    """

    name: str
    value: str
    rule: str
    why: str
    probed: bool = False


@dataclass(frozen=True)
class HbaRule:
    """One line of pg_hba.conf, its fields as they stand there; address is empty for local lines."""

    type: str
    database: str
    user: str
    address: str
    method: str
    options: str = ""


@dataclass(frozen=True, order=True)
class Figure:
    """A derived number with its formula and the source of the formula."""

    name: str
    value: int
    unit: str
    formula: str
    source: str


@dataclass(frozen=True)
class PassfileEntry:
    """A line of the passfile without its password. The database is always *: see _conninfo.passfile."""

    host: str
    port: int
    user: str


@dataclass(frozen=True)
class NodePlan:
    """Everything one node needs to know of its group: the only input of the roles and the modules."""

    name: str
    host: str
    group: str
    engine: str
    era: str
    engine_node: str
    address: str
    port: int
    home: str
    data_directory: str
    log_directory: str
    passfile: str
    unit: str
    build: bool
    server_directory: str
    bin_directory: str
    packages: tuple[str, ...]
    socket_directory: str
    major: int
    encoding: str
    locale: str
    replication_user: str
    tls: str
    existing_rows: str
    standby_of: str
    primary_conninfo: str
    listen_addresses: tuple[str, ...]
    databases: tuple[str, ...]
    connections: tuple[Connection, ...]
    slots: tuple[Slot, ...]
    settings: tuple[Setting, ...]
    connection_settings: tuple[Setting, ...]
    hba: tuple[HbaRule, ...]
    operator_hba: tuple[str, ...]
    passfile_entries: tuple[PassfileEntry, ...]
    figures: tuple[Figure, ...]
    physical_standbys: int
    deny_truncate: bool
    truncatable_tables: tuple[str, ...]
    sequence_strategy: str
    sequence_increment: int
    sequence_offset: int
    initdb_place: int
    initdb_places: int
    """In which seconds its data may be made, see _birth.py: those that leave the place, divided by the places."""


@dataclass(frozen=True)
class Plan:
    """The whole group. `as_dict` gives the JSON-able, sorted form that golden files and roles read."""

    group: str
    engine: str
    era: str
    era_assumed: bool
    max_clock_skew_ms: int
    links: tuple[Link, ...]
    nodes: tuple[NodePlan, ...]
    warnings: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, t.Any]:
        """Return plain dicts, lists, strings and numbers; nodes as a mapping by name."""
        plain = t.cast("dict[str, t.Any]", _plain(self))
        plain["nodes"] = {node["name"]: node for node in plain["nodes"]}
        return plain


def _plain(value: t.Any) -> t.Any:
    # dataclasses.asdict copies every leaf; for the 9,900 links of 100 nodes that alone took a second.
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


def node_plan(plain: t.Mapping[str, t.Any]) -> NodePlan:
    """Return the NodePlan that a module was handed as a plain mapping."""
    values = {name: plain[name] for name in NodePlan.__dataclass_fields__}
    for name, kind in _NODE_PLAN_ITEMS.items():
        values[name] = tuple(kind(**item) for item in values[name])
    for name in ("listen_addresses", "databases", "operator_hba", "packages", "truncatable_tables"):
        values[name] = tuple(values[name])
    return NodePlan(**values)


_NODE_PLAN_ITEMS: dict[str, t.Any] = {
    "connections": Connection,
    "slots": Slot,
    "settings": Setting,
    "connection_settings": Setting,
    "hba": HbaRule,
    "passfile_entries": PassfileEntry,
    "figures": Figure,
}
