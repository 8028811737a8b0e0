# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Engine contrib_bdr before there is a server: the patched PostgreSQL of the BDR User Guide. Pure.

Two eras: up to 0.4 slots keep no WAL and settings are named bdr.<connection>.dsn; from 0.5 on slots keep
WAL, settings are named bdr.<connection>_dsn and a connection's name has no underscore.
"""

from __future__ import annotations

import typing as t

from .. import _naming
from .._model import Connection, Figure, Group, Link, Node, Setting
from .._render import hba_name
from .._schema_odd import Rules
from .._sizing import WAL_SEGMENT_MB, value_of
from .._topology import upstream_count
from .base import EngineRules

RESEEDS = 2
"""How often each upstream may come back with a new identity: every identity takes a replication state for
good and a server without a free one panics, so they must be there beforehand."""

DEFAULT_CHECKPOINT_SEGMENTS = 3

CONNECTIONS = "bdr.connections"
EXTENSIONS = ("btree_gist", "bdr")


class ContribBdrRules(EngineRules):
    """What both eras share."""

    preload_library = "bdr"
    auth_method = "md5"
    needs_passfile_in_dsn = False
    seed_methods = ("in_place",)
    identifiers_are_times = True
    underscore: t.ClassVar[bool]
    slots_setting: t.ClassVar[str]
    dsn_setting: t.ClassVar[str]
    delay_setting: t.ClassVar[str]
    slots_keep_wal: t.ClassVar[bool]
    upstream_loads_library: t.ClassVar[bool]
    """True where the output plugin is the bdr library itself, which only loads at the server's start."""

    def server_packages(self, major: int) -> tuple[str, ...]:
        """No distribution has this server: it is built."""
        return ()

    def major(self, group: Group) -> int:
        """Only the build knows: catalog versions tell whether it reads a data directory, see check_hosts."""
        return 0

    def node_name(self, node: str) -> str:
        """Return the name that connections to the node carry."""
        return _naming.contrib_bdr_connection(node, "", True, self.underscore)

    def connection_name(self, group: Group, link: Link) -> str:
        """Return the entry of bdr.connections; these are server-wide, so several databases show in it."""
        own = {database.name for database in group.databases if link.downstream in database.members}
        return _naming.contrib_bdr_connection(link.upstream, link.database, len(own) == 1, self.underscore)

    def hba_databases(self, database: str) -> tuple[str, ...]:
        """These servers match a walsender against the keyword, whatever its dbname; modules log in to the database."""
        return ("replication", hba_name(database))

    def slot_reserve(self, group: Group, links: t.Sequence[Link], node: Node) -> int:
        """Room for every upstream to be re-seeded under a new identity, RESEEDS times."""
        return RESEEDS * upstream_count(links, node.name)

    def kept_wal_mb(self, settings: t.Mapping[str, str], retention_mb: int) -> int:
        """Return what is needed, or wal_keep_segments where that is more; from 0.5 on slots keep all they need."""
        segments = settings.get("wal_keep_segments", "")
        return max(retention_mb, int(segments) * WAL_SEGMENT_MB if segments.isdecimal() else 0)

    def checkpoint_wal_mb(self, settings: t.Mapping[str, str]) -> int:
        """Return the WAL of checkpoints: (2 + completion target 0.5) x checkpoint_segments + 1 segments.

        Source: PostgreSQL 9.3 manual, 29.4 WAL Configuration.
        """
        segments = settings.get("checkpoint_segments", "")
        count = int(segments) if segments.isdecimal() else DEFAULT_CHECKPOINT_SEGMENTS
        return (5 * count + 2) * WAL_SEGMENT_MB // 2

    def settings(
        self,
        group: Group,
        node: Node,
        connections: t.Sequence[Connection],
        figures: t.Sequence[Figure],
    ) -> t.Iterable[Setting]:
        """Yield the guide's parameters; a downstream-only node keeps wal_level as it was."""
        if value_of(figures, "downstreams"):
            yield Setting("wal_level", "logical", "fixed", "what logical decoding reads")
        elif node.physical_standbys:
            yield Setting("wal_level", "hot_standby", "default", "what physical standbys read")
        yield from self.retention(node, figures)
        if value_of(figures, "downstreams") or node.physical_standbys:
            senders = str(value_of(figures, "wal_senders"))
            yield Setting("max_wal_senders", senders, "minimum", "slots + standbys + 2")
        yield Setting(
            self.slots_setting,
            str(value_of(figures, "slots")),
            "minimum",
            "upstreams + downstreams + identities of nodes re-seeded later",
        )
        if connections or (self.upstream_loads_library and value_of(figures, "downstreams")):
            yield Setting("shared_preload_libraries", self.preload_library, "list", "the engine")
            yield Setting("track_commit_timestamp", "on", "fixed", "last update wins by commit time")
        if connections:
            yield Setting(
                "bdr.synchronous_commit",
                "on" if group.synchronous_commit else "off",
                "fixed",
                "bdr_synchronous_commit, of the apply workers",
            )

    def connection_settings(self, connections: t.Sequence[Connection]) -> t.Iterable[Setting]:
        """Yield the list of the node's upstreams and how each is reached."""
        if not connections:
            return
        names = ", ".join(connection.name for connection in connections)
        yield Setting(CONNECTIONS, names, "fixed", "one for each upstream and database")
        for connection in connections:
            where = f"{connection.upstream}, {connection.database}"
            yield Setting(self.dsn_setting.format(connection.name), connection.dsn, "fixed", where)
            if connection.apply_delay_ms:
                yield Setting(
                    self.delay_setting.format(connection.name),
                    str(connection.apply_delay_ms),
                    "fixed",
                    "bdr_apply_delay_ms",
                )

    def retention(self, node: Node, figures: t.Sequence[Figure]) -> t.Iterable[Setting]:
        """Yield what keeps WAL for whoever is away and has no slot that keeps it."""
        if node.physical_standbys or (value_of(figures, "downstreams") and not self.slots_keep_wal):
            segments = -(-value_of(figures, "wal_retention") // WAL_SEGMENT_MB)
            yield Setting("wal_keep_segments", str(segments), "minimum", "allowed downtime x WAL rate / 16 MB")

    def standby_settings(self, node: Node, primary_conninfo: str) -> t.Iterable[Setting]:
        """The way to the primary stands in recovery.conf here."""
        yield Setting("hot_standby", "on", "default", "reads on the standby")


class ContribBdr04Rules(ContribBdrRules):
    """Up to 0.4, the guide's own time."""

    name = "contrib_bdr 0.4"
    slot_plugin = "bdr_output"
    underscore = True
    slots_setting = "max_logical_slots"
    dsn_setting = "bdr.{}.dsn"
    delay_setting = "bdr.{}.apply_delay"
    slots_keep_wal = False
    replicates_truncate = False
    upstream_loads_library = False
    schema = Rules(
        ships_tuples=True,
        without_key="an UPDATE of it stops every link that carries it, a DELETE stays on its node",
        extensions=EXTENSIONS,
        mend_session=("SET replication_origin_id = 1",),
    )

    def slot_name(self, group: Group, link: Link) -> str:
        """Return the shape of the slot's name."""
        return _naming.contrib_bdr_04_slot(link.database, link.upstream, link.downstream)


class ContribBdr07Rules(ContribBdrRules):
    """0.5 to 0.7. Slots keep WAL without a limit, so there is no setting for it, only disk."""

    name = "contrib_bdr 0.7"
    slot_plugin = "bdr"
    underscore = False
    slots_setting = "max_replication_slots"
    dsn_setting = "bdr.{}_dsn"
    delay_setting = "bdr.{}_apply_delay"
    slots_keep_wal = True
    replicates_truncate = True
    upstream_loads_library = True
    schema = Rules(
        ships_tuples=True,
        without_key="UPDATE and DELETE of it are refused",
        extensions=EXTENSIONS,
        mend_session=(
            "SET bdr.skip_ddl_replication = on",
            "SET bdr.skip_ddl_locking = on",
            "SET bdr.permit_unsafe_ddl_commands = on",
        ),
    )

    def slot_name(self, group: Group, link: Link) -> str:
        """Return the shape of the slot's name."""
        return _naming.contrib_bdr_07_slot(link.database, link.upstream, link.downstream)

    def settings(
        self,
        group: Group,
        node: Node,
        connections: t.Sequence[Connection],
        figures: t.Sequence[Figure],
    ) -> t.Iterable[Setting]:
        """Yield the same, and the background workers this era counts."""
        yield from super().settings(group, node, connections, figures)
        databases = sum(node.name in database.members for database in group.databases)
        yield Setting(
            "max_worker_processes",
            str(1 + databases + 2 * len(connections) + 8),
            "minimum",
            f"1 supervisor + {databases} per database + 2 x {len(connections)} connections + 8",
        )
