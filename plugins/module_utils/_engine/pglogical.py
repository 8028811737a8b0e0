# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Engine pglogical before there is a server: names, settings and sizes on stock PostgreSQL. Pure."""

from __future__ import annotations

import typing as t

from .. import _naming
from .._model import Connection, Figure, Group, Link, Node, Setting
from .._render import hba_name
from .._schema_odd import Rules
from .._sizing import megabytes, value_of
from .._topology import upstream_count
from .base import EngineRules

PARALLEL_WORKERS = 8  # the server's own default, kept on top of what replication takes


class PglogicalRules(EngineRules):
    """pglogical 2.4 on PostgreSQL 13 and later."""

    name = "pglogical"
    slot_plugin = "pglogical_output"
    preload_library = "pglogical"
    auth_method = "scram-sha-256"
    needs_passfile_in_dsn = True
    seed_methods = ("physical", "logical")
    replicates_truncate = True
    schema = Rules(
        ships_tuples=False,
        without_key="only its INSERTs are replicated",
        extensions=("pglogical",),
    )

    def server_packages(self, major: int) -> tuple[str, ...]:
        """Return Debian's names."""
        return (f"postgresql-{major}", f"postgresql-{major}-pglogical")

    def major(self, group: Group) -> int:
        """Return what the inventory says."""
        return group.major

    def node_name(self, node: str) -> str:
        """Return the pglogical node name."""
        return _naming.pglogical_node(node)

    def connection_name(self, group: Group, link: Link) -> str:
        """Return the subscription's name."""
        return _naming.pglogical_subscription(link.upstream, link.downstream)

    def connection_key(self, group: Group, link: Link) -> str:
        """Subscriptions live in their database, so the same name in two databases is no collision."""
        return f"{link.database}/{self.connection_name(group, link)}"

    def slot_name(self, group: Group, link: Link) -> str:
        """Return what pglogical will name the slot."""
        return _naming.pglogical_slot(link.database, link.upstream, self.connection_name(group, link))

    def hba_databases(self, database: str) -> tuple[str, ...]:
        """Since PostgreSQL 10 a logical walsender matches its database's own line."""
        return (hba_name(database),)

    def slot_reserve(self, group: Group, links: t.Sequence[Link], node: Node) -> int:
        """One sync slot and origin for each upstream while tables are copied, and one to join with."""
        return upstream_count(links, node.name) + 1

    def kept_wal_mb(self, settings: t.Mapping[str, str], retention_mb: int) -> int:
        """Return max_slot_wal_keep_size (-1: no limit, so what is needed), or wal_keep_size where that is more."""
        limit = megabytes(settings["max_slot_wal_keep_size"], unit_mb=1)
        at_any_rate = megabytes(settings.get("wal_keep_size", "0"), unit_mb=1) or 0
        return max(retention_mb if limit is None else limit, at_any_rate)

    def checkpoint_wal_mb(self, settings: t.Mapping[str, str]) -> int:
        """Return max_wal_size in MB."""
        return megabytes(settings.get("max_wal_size", "1GB"), unit_mb=1) or 1024

    def settings(
        self,
        group: Group,
        node: Node,
        connections: t.Sequence[Connection],
        figures: t.Sequence[Figure],
    ) -> t.Iterable[Setting]:
        """Yield the settings; sources in facts of pglogical 2.4: one supervisor, a manager a database,
        an apply worker and at times a sync worker a subscription.
        """
        databases = sum(node.name in database.members for database in group.databases)
        workers = 1 + databases + 2 * len(connections) + PARALLEL_WORKERS
        retention = value_of(figures, "wal_retention")
        yield Setting("wal_level", "logical", "fixed", "what logical decoding reads")
        yield Setting("track_commit_timestamp", "on", "fixed", "last update wins by commit time")
        yield Setting("shared_preload_libraries", self.preload_library, "list", "the engine")
        yield Setting(
            "max_replication_slots",
            str(value_of(figures, "slots")),
            "minimum",
            "slots of the downstreams, origins of the upstreams, reserve for seeding",
        )
        yield Setting(
            "max_wal_senders",
            str(value_of(figures, "wal_senders")),
            "minimum",
            "slots + standbys + 2",
        )
        yield Setting(
            "max_worker_processes",
            str(workers),
            "minimum",
            f"1 supervisor + {databases} managers + 2 x {len(connections)} subscriptions + {PARALLEL_WORKERS}",
        )
        yield Setting(
            "max_slot_wal_keep_size",
            f"{retention}MB",
            "default",
            "allowed downtime x WAL rate, at most this",
        )
        yield Setting("pglogical.conflict_resolution", "last_update_wins", "fixed", "the group's promise")
        yield Setting(
            "pglogical.synchronous_commit",
            "on" if group.synchronous_commit else "off",
            "fixed",
            "bdr_synchronous_commit, of the apply workers",
        )
        # PostgreSQL 15.20 and its like refuse every other output plugin; servers before do not know the name.
        yield Setting(
            "output_plugin_libraries",
            f"pgoutput,test_decoding,{self.slot_plugin}",
            "list",
            "lets downstreams use the engine's output plugin",
            probed=True,
        )
        if node.physical_standbys:
            yield Setting("wal_keep_size", f"{retention}MB", "default", "a standby that is away needs it, too")
        yield Setting("password_encryption", "scram-sha-256", "fixed", "no weaker hash is ever stored")

    def standby_settings(self, node: Node, primary_conninfo: str) -> t.Iterable[Setting]:
        """Since PostgreSQL 12 the way to the primary is a setting."""
        yield Setting("primary_conninfo", primary_conninfo, "fixed", f"bdr_standby_of: {node.standby_of}")
        yield Setting("hot_standby", "on", "default", "reads on the standby")
