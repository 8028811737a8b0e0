# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What an engine must know before there is a server: names, settings, access rules, sizes. Pure.

An engine is one subclass of EngineRules; nothing outside this folder knows that dialects exist.
What an engine does on a running server is its EngineServer, see server.py.
"""

from __future__ import annotations

import abc
import typing as t

from .._conninfo import conninfo
from .._model import Connection, Figure, Group, HbaRule, Link, Node, Setting, Slot
from .._render import IDENT_MAP, hba_name
from .._schema_odd import Rules


class EngineRules(abc.ABC):
    """The static side of an engine: pure functions of the group and its links."""

    name: t.ClassVar[str]
    slot_plugin: t.ClassVar[str]
    preload_library: t.ClassVar[str]
    auth_method: t.ClassVar[str]
    """Method of pg_hba for the replication role."""
    seed_methods: t.ClassVar[tuple[str, ...]] = ()
    """How a node can be given the group's data, the one that `auto` prefers first. _seed.METHODS explains them."""
    replicates_truncate: t.ClassVar[bool]
    """Where it does not, a TRUNCATE empties one node only, so it is denied unless the operator says otherwise."""
    needs_passfile_in_dsn: t.ClassVar[bool]
    """False where libpq does not know `passfile`: the unit's PGPASSFILE serves there."""
    identifiers_are_times: t.ClassVar[bool] = False
    """True where servers made in one second may have the same system identifier."""
    schema: t.ClassVar[Rules]
    """What must be the same in the definitions of tables."""

    @abc.abstractmethod
    def server_packages(self, major: int) -> tuple[str, ...]:
        """Return the distribution's packages that hold the server; none where it is always built."""

    @abc.abstractmethod
    def major(self, group: Group) -> int:
        """Return the server's major version, 0 where only the built server knows it."""

    @abc.abstractmethod
    def node_name(self, node: str) -> str:
        """Return the node's name inside the engine."""

    @abc.abstractmethod
    def connection_name(self, group: Group, link: Link) -> str:
        """Return the name of the downstream's end."""

    @abc.abstractmethod
    def slot_name(self, group: Group, link: Link) -> str:
        """Return the name of the upstream's end."""

    @abc.abstractmethod
    def hba_databases(self, database: str) -> tuple[str, ...]:
        """Return the database fields of the access rules that let a downstream in, quoted where they must be."""

    @abc.abstractmethod
    def slot_reserve(self, group: Group, links: t.Sequence[Link], node: Node) -> int:
        """Return how many slots to keep free beyond upstreams and downstreams."""

    @abc.abstractmethod
    def settings(
        self,
        group: Group,
        node: Node,
        connections: t.Sequence[Connection],
        figures: t.Sequence[Figure],
    ) -> t.Iterable[Setting]:
        """Yield what replication needs in the settings file."""

    def connection_settings(self, connections: t.Sequence[Connection]) -> t.Iterable[Setting]:
        """Yield what makes the connections where settings do: a file of their own, written once databases are there."""
        return ()

    @abc.abstractmethod
    def standby_settings(self, node: Node, primary_conninfo: str) -> t.Iterable[Setting]:
        """Yield what a physical standby has beyond the settings of the node it follows."""

    @abc.abstractmethod
    def kept_wal_mb(self, settings: t.Mapping[str, str], retention_mb: int) -> int:
        """Return how much WAL the settings keep for downstreams that are away; retention_mb is what they should."""

    @abc.abstractmethod
    def checkpoint_wal_mb(self, settings: t.Mapping[str, str]) -> int:
        """Return how much WAL the server keeps for its own checkpoints, in MB."""

    def connections(self, group: Group, links: t.Iterable[Link], node: Node) -> tuple[Connection, ...]:
        """Return the node's connections, sorted: one for each link it is the downstream of."""
        return tuple(
            sorted(
                Connection(
                    database=link.database,
                    upstream=link.upstream,
                    name=self.connection_name(group, link),
                    dsn=self.dsn(group, link),
                    slot=self.slot_name(group, link),
                    apply_delay_ms=node.apply_delay_ms,
                )
                for link in links
                if link.downstream == node.name
            )
        )

    def slots(self, group: Group, links: t.Iterable[Link], node: Node) -> tuple[Slot, ...]:
        """Return the node's slots, sorted: one for each link it is the upstream of."""
        return tuple(
            sorted(
                Slot(link.database, link.downstream, self.slot_name(group, link), self.slot_plugin)
                for link in links
                if link.upstream == node.name
            )
        )

    def dsn(self, group: Group, link: Link) -> str:
        """Return how the downstream reaches the upstream. Never a password: servers log and show DSNs."""
        upstream, downstream = group.node(link.upstream), group.node(link.downstream)
        return conninfo(self._parameters(group, upstream, downstream, link.database))

    def primary_conninfo(self, group: Group, standby: Node) -> str:
        """Return how a physical standby reaches the node it follows."""
        parameters = self._parameters(group, group.node(standby.standby_of), standby, "")
        return conninfo({**parameters, "application_name": standby.name})

    def _parameters(self, group: Group, upstream: Node, downstream: Node, database: str) -> dict[str, t.Any]:
        parameters: dict[str, t.Any] = {"host": upstream.address, "port": upstream.port}
        if database:
            parameters["dbname"] = database
        parameters["user"] = group.replication_user
        if self.needs_passfile_in_dsn:
            parameters["passfile"] = f"{downstream.home}/passfile"
        if group.tls != "off":
            parameters["sslmode"] = group.tls
        if group.tls == "verify-full":
            parameters["sslrootcert"] = f"{downstream.home}/tls/ca.crt"
        return parameters

    def hba(self, group: Group, links: t.Iterable[Link], node: Node) -> tuple[HbaRule, ...]:
        """Return the access rules: the local superuser, local OS users, then members and standbys by address."""
        rules = [
            HbaRule("local", "all", "postgres", "", "peer", f"map={IDENT_MAP}"),
            HbaRule("local", "all", "all", "", "peer"),
        ]
        peers = {
            (database, source)
            for link in links
            if link.upstream == node.name
            for source in group.node(link.downstream).sources
            for database in self.hba_databases(link.database)
        }
        # Nodes without a link between them are compared as well.
        peers |= {
            (hba_name(database.name), source)
            for database in group.databases
            if node.name in database.members
            for member in database.members
            if member != node.name
            for source in group.node(member).sources
        }
        peers |= {("replication", source) for standby in group.standbys(node.name) for source in standby.sources}
        line_type = "host" if group.tls == "off" else "hostssl"
        rules += [
            HbaRule(
                line_type,
                database,
                hba_name(group.replication_user),
                source,
                self.auth_method,
            )
            for database, source in sorted(peers)
        ]
        return tuple(dict.fromkeys(rules))

    def name_problems(self, group: Group, links: t.Sequence[Link]) -> list[str]:
        """Return which names of the group fall together once the engine has mapped them."""
        nodes = _collisions(
            ((self.node_name(node.name), node.name) for node in group.nodes),
            "bdr_node_name: the nodes {names} all become {mapped} in the engine; rename one of them",
        )
        connections = _collisions(
            (
                (
                    f"{self.connection_key(group, link)} on {link.downstream}",
                    f"{link.upstream}/{link.database}",
                )
                for link in links
            ),
            "bdr_node_name: the upstreams {names} all become the connection {mapped}; rename one of the nodes",
        )
        # Nodes that fall together take their connections and slots with them: one cause, one message.
        return nodes or connections or self._slot_problems(group, links)

    def _slot_problems(self, group: Group, links: t.Sequence[Link]) -> list[str]:
        by_slot: dict[tuple[str, str], list[str]] = {}
        for link in links:
            by_slot.setdefault((link.upstream, self.slot_name(group, link)), []).append(link.database)
        shared = {tuple(sorted(databases)) for databases in by_slot.values() if len(databases) > 1}
        return [
            f"bdr_databases: {' and '.join(databases)} would share their slots, since the engine maps both names to "
            "one; rename one of the databases"
            for databases in sorted(shared)
        ]

    def connection_key(self, group: Group, link: Link) -> str:
        """Return what must be unique among a node's connections: by default the name itself."""
        return self.connection_name(group, link)


def _collisions(pairs: t.Iterable[tuple[str, str]], message: str) -> list[str]:
    by_mapped: dict[str, list[str]] = {}
    for mapped, name in pairs:
        by_mapped.setdefault(mapped, []).append(name)
    return [
        message.format(names=" and ".join(sorted(names)), mapped=mapped)
        for mapped, names in sorted(by_mapped.items())
        if len(names) > 1
    ]
