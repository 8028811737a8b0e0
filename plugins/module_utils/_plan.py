# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""build_plan(group): the one place where everything a node needs is put together. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from . import _naming
from ._engine import rules
from ._engine.base import EngineRules
from ._model import (
    Group,
    Link,
    Node,
    NodePlan,
    PassfileEntry,
    Plan,
    PlanError,
    Setting,
)
from ._sizing import OPERATORS, STANDBY_SIZES, disk, figures, value_of
from ._topology import links

OWN_SETTINGS = (
    "data_directory",
    "hba_file",
    "ident_file",
    "listen_addresses",
    "log_destination",
    "log_directory",
    "log_file_mode",
    "log_filename",
    "logging_collector",
    "port",
    "unix_socket_directories",
)
"""Settings that follow from where the node lives; an operator's value would make it unreachable or unreadable."""

MODULES_NEED = ("python3-psycopg2",)
"""Packages that the modules need on a host, whatever the engine."""


def build_plan(group: Group) -> Plan:
    """Return the plan of the whole group; PlanError lists what stands against it."""
    engine = rules(group.engine, group.era)
    all_links = links(group)
    problems = engine.name_problems(group, all_links)
    own_links: dict[str, list[Link]] = {node.name: [] for node in group.nodes}
    for link in all_links:
        own_links[link.upstream].append(link)
        own_links[link.downstream].append(link)
    plans = [_node_plan(group, engine, own_links, node, problems) for node in group.nodes]
    if problems:
        raise PlanError(problems)
    return Plan(
        group=group.name,
        engine=group.engine,
        era=_era(group),
        era_assumed=group.era_assumed,
        max_clock_skew_ms=group.max_clock_skew_ms,
        links=all_links,
        nodes=tuple(plans),
        warnings=(*group.unknown_variables, *_isolated(group, all_links)),
    )


def _isolated(group: Group, all_links: t.Sequence[Link]) -> tuple[str, ...]:
    linked = {name for link in all_links for name in (link.upstream, link.downstream)}
    return tuple(
        f"{node.name} has no link in any database: it is built, but takes no part in replication"
        for node in group.nodes
        if node.name not in linked and not node.standby_of
    )


def _node_plan(
    group: Group, engine: EngineRules, links_of: t.Mapping[str, list[Link]], node: Node, problems: list[str]
) -> NodePlan:
    own_links = links_of[node.name]
    connections = engine.connections(group, own_links, node)
    # A standby is what it follows, in another place: every size must be as large as there, or it does not start.
    followed = group.node(node.standby_of) if node.standby_of else node
    followed_links = links_of[followed.name]
    sizes = figures(group, followed_links, followed, engine.slot_reserve(group, followed_links, followed))
    needed = [*engine.settings(group, followed, engine.connections(group, followed_links, followed), sizes)]
    primary_conninfo = engine.primary_conninfo(group, node) if node.standby_of else ""
    if node.standby_of:
        needed += [*_sizes_of(followed), *engine.standby_settings(node, primary_conninfo)]
    connection_settings = tuple(engine.connection_settings(connections))
    settings = _settings(group, node, needed, connection_settings, problems)
    values = {setting.name: setting.value for setting in settings}
    feeds_others = value_of(sizes, "downstreams") or followed.physical_standbys
    kept_wal = engine.kept_wal_mb(values, value_of(sizes, "wal_retention") if feeds_others else 0)
    sizes = tuple(sorted((*sizes, disk(kept_wal, engine.checkpoint_wal_mb(values)))))
    return NodePlan(
        name=node.name,
        host=node.host,
        group=group.name,
        engine=group.engine,
        era=_era(group),
        engine_node=engine.node_name(node.name),
        address=node.address,
        port=node.port,
        home=node.home,
        data_directory=f"{node.home}/data",
        log_directory=f"{node.home}/log",
        passfile=f"{node.home}/passfile",
        unit=_naming.unit(group.name, node.name),
        build=group.build,
        server_directory=_naming.server_directory(group.name) if group.build else "",
        bin_directory=bin_directory(group),
        packages=(*(() if group.build else engine.server_packages(group.major)), *MODULES_NEED),
        socket_directory=group.socket_directory,
        major=engine.major(group),
        encoding=group.encoding,
        locale=group.locale,
        replication_user=group.replication_user,
        tls=group.tls,
        existing_rows=group.existing_rows,
        standby_of=node.standby_of,
        primary_conninfo=primary_conninfo,
        listen_addresses=node.listen_addresses,
        databases=tuple(database.name for database in group.databases if node.name in database.members),
        connections=connections,
        slots=engine.slots(group, own_links, node),
        settings=settings,
        connection_settings=connection_settings,
        hba=engine.hba(group, own_links, node),
        operator_hba=node.hba,
        passfile_entries=_passfile_entries(group, node),
        figures=sizes,
        physical_standbys=followed.physical_standbys,
        deny_truncate=not engine.replicates_truncate if group.deny_truncate is None else group.deny_truncate,
        truncatable_tables=group.truncatable_tables,
        sequence_strategy=group.sequence_strategy,
        sequence_increment=group.sequence_increment,
        sequence_offset=node.sequence_offset,
        initdb_place=group.nodes.index(node) if engine.identifiers_are_times else 0,
        initdb_places=len(group.nodes) if engine.identifiers_are_times else 1,
    )


def _sizes_of(followed: Node) -> t.Iterator[Setting]:
    """Yield the sizes that the operator raised on the node that a standby follows; less is refused there already."""
    for name, value in followed.settings:
        if name in STANDBY_SIZES and value.isdecimal():
            yield Setting(name, value, "minimum", f"not less than on {followed.name}")


def _era(group: Group) -> str:
    return group.era if group.engine == "contrib_bdr" else ""


def bin_directory(group: Group) -> str:
    """Return where the server's programs are on every node."""
    built = f"{_naming.server_directory(group.name)}/bin" if group.build else ""
    return group.bin_directory or built or f"/usr/lib/postgresql/{group.major}/bin"


def _passfile_entries(group: Group, node: Node) -> tuple[PassfileEntry, ...]:
    """Return whom the node may log in to: members of its databases, linked or not, and what a standby follows."""
    members = {name for database in group.databases if node.name in database.members for name in database.members}
    others = sorted((members | {node.standby_of}) - {node.name, ""})
    return tuple(PassfileEntry(other.address, other.port, group.replication_user) for other in map(group.node, others))


def _settings(
    group: Group,
    node: Node,
    needed_by_engine: t.Iterable[Setting],
    elsewhere: t.Iterable[Setting],
    problems: list[str],
) -> tuple[Setting, ...]:
    """Return the settings file. elsewhere: what stands in a file of its own, which an operator may only repeat."""
    needed = {setting.name: setting for setting in (*_base_settings(group, node), *needed_by_engine)}
    fixed_elsewhere = {setting.name: setting for setting in elsewhere}
    for name, value in node.settings:
        try:
            merged = _merged(name, value, fixed_elsewhere.get(name) or needed.get(name))
        except ValueError as error:
            problems.append(f"bdr_settings of {node.name}: {error}")
        else:
            if name not in fixed_elsewhere:
                needed[name] = merged
    return tuple(needed[name] for name in sorted(needed))


def _base_settings(group: Group, node: Node) -> t.Iterator[Setting]:
    yield Setting("port", str(node.port), "fixed", "bdr_port")
    yield Setting("listen_addresses", ", ".join(node.listen_addresses), "fixed", "bdr_listen_addresses")
    yield Setting("unix_socket_directories", group.socket_directory, "fixed", "bdr_socket_directory")
    yield Setting("lc_messages", "C", "fixed", "the server's messages are read by this collection")
    yield Setting("logging_collector", "on", "fixed", "the run shows the server's own words when a link fails")
    yield Setting("log_destination", "stderr", "fixed", "read by this collection")
    yield Setting("log_directory", f"{node.home}/log", "fixed", "beside the data")
    yield Setting("log_filename", "postgresql-%a.log", "fixed", "a week of logs, one file a day")
    yield Setting("log_file_mode", "0600", "fixed", "rows of yours can stand in it")
    yield Setting("log_truncate_on_rotation", "on", "default", "a week of logs")
    yield Setting("log_rotation_age", "1d", "default", "a week of logs")
    yield Setting("log_rotation_size", "0", "default", "a week of logs")
    yield Setting("log_lock_waits", "on", "default", "tells of changes that wait for a lock, as the guide advises")
    yield Setting("log_min_messages", "warning", "default", "what links and servers complain of")
    yield Setting("log_line_prefix", "%m [%p] %q%u@%d %a ", "default", "who and where; doctor.yml tells the link by it")
    if group.tls != "off":
        yield Setting("ssl", "on", "fixed", "bdr_tls")
        yield Setting("ssl_cert_file", f"{node.home}/tls/server.crt", "fixed", "bdr_tls_certificate")
        yield Setting("ssl_key_file", f"{node.home}/tls/server.key", "fixed", "bdr_tls_key")


def _merged(name: str, value: str, needed: Setting | None) -> Setting:
    """Return the operator's setting where replication allows it; ValueError says what it contradicts."""
    if needed is None:
        if name in OWN_SETTINGS:
            raise ValueError(f"{name} follows from where the node lives (bdr_home); take it out")
        if not _is_setting_name(name):
            raise ValueError(f"{name!r} is no name of a setting")
        return Setting(name, value, "operator", OPERATORS)
    if needed.rule == "list":
        return _merged_list(value, needed)
    if needed.rule == "minimum":
        if not value.isdecimal() or int(value) < int(needed.value):
            raise ValueError(
                f"{name} {value} is too small: this node needs at least {needed.value} ({needed.why}). "
                "Take it out, or give at least that"
            )
        return Setting(name, value, needed.rule, f"{OPERATORS}; needs {needed.value}: {needed.why}")
    if needed.rule == "fixed" and value.lower() != needed.value.lower():
        mend = "set the variable named" if name in OWN_SETTINGS else "take it out"
        raise ValueError(f"{name} {value!r} contradicts {needed.value!r} ({needed.why}); {mend}")
    return Setting(name, value, needed.rule, OPERATORS)


def _merged_list(value: str, needed: Setting) -> Setting:
    items = [item.strip() for item in f"{needed.value},{value}".split(",") if item.strip()]
    return replace(needed, value=",".join(dict.fromkeys(items)), why=f"{needed.why}, and bdr_settings")


def _is_setting_name(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
