# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""From the variables of the inventory's hosts to a Group. Pure; owns every message about a variable's type.

What differs between nodes is read per host; what the group shares is read from every host and must agree.
"""

from __future__ import annotations

import difflib
import re
import typing as t

from . import _fields as f
from ._databases import databases
from ._engine import ENGINES, ERAS
from ._model import Group, Node, PlanError
from ._naming import home, is_path_safe
from ._offsets import STRATEGIES, offset_problems
from ._standbys import standby_link_problems, standby_problems, with_standbys
from ._topology import TOPOLOGIES

_PATH = f.matching(r"/[A-Za-z0-9/_.-]+", "an absolute path of letters, digits, _ . -")
_USER = f.matching(
    r"(?!pg_|(?:postgres|public|none)$)[a-z_][a-z0-9_]{0,62}", "a role name of a-z, 0-9 and _, none of the server's own"
)
_SETTINGS = f.mapping(f.setting_value)
_NAMES = f.listing(f.text)

GROUP_FIELDS: f.Fields = {
    "bdr_group": (f.text, None),
    "bdr_engine": (f.choice(*ENGINES), "pglogical"),
    "bdr_era": (f.choice(*ERAS), None),
    "bdr_topology": (f.choice(*TOPOLOGIES), "mesh"),
    "bdr_upstream": (f.text, None),
    "bdr_databases": (lambda value: value, None),
    "bdr_postgresql_major": (f.integer(13, 18), 15),
    "bdr_encoding": (f.matching(r"[A-Za-z0-9_]+", "an encoding of PostgreSQL"), "UTF8"),
    "bdr_locale": (f.matching(r"[A-Za-z0-9_.@-]+", "a locale of the hosts"), "C.UTF-8"),
    "bdr_bin_directory": (_PATH, None),
    "bdr_build": (f.boolean, None),
    "bdr_replication_user": (_USER, "bdr_replication"),
    "bdr_tls": (f.choice("off", "require", "verify-full"), "off"),
    "bdr_socket_directory": (_PATH, "/var/run/postgresql"),
    "bdr_allowed_downtime_seconds": (f.integer(60, 31_536_000), 3600),
    "bdr_wal_rate_kb_per_second": (f.integer(1, 10_485_760), 256),
    "bdr_synchronous_commit": (f.boolean, False),
    "bdr_partial_reach": (f.boolean, False),
    "bdr_existing_rows": (f.choice("refuse", "accept"), "refuse"),
    "bdr_max_clock_skew_ms": (f.integer(1, 3_600_000), 1000),
    "bdr_deny_truncate": (f.boolean, None),
    "bdr_truncatable_tables": (f.listing(f.table), ()),
    "bdr_sequence_strategy": (f.choice(*STRATEGIES), "none"),
    "bdr_sequence_increment": (f.integer(2, 10_000), 100),
}

NODE_FIELDS: f.Fields = {
    "ansible_host": (f.text, None),
    "bdr_node_name": (f.text, None),
    "bdr_address": (f.text, None),
    "bdr_port": (f.integer(1, 65535), 5432),
    "bdr_home": (_PATH, None),
    "bdr_listen_addresses": (_NAMES, None),
    "bdr_sources": (_NAMES, None),
    "bdr_upstreams": (_NAMES, None),
    "bdr_settings": (_SETTINGS, ()),
    "bdr_node_settings": (_SETTINGS, ()),
    "bdr_hba": (_NAMES, ()),
    "bdr_physical_standbys": (f.integer(0, 100), 0),
    "bdr_standby_of": (f.text, None),
    "bdr_apply_delay_ms": (f.integer(0, 2_147_483_647), 0),
    "bdr_sequence_offset": (f.integer(1, 10_000), None),
}

# Read by playbooks and roles, not by the plan.
OTHER_VARIABLES = (
    *("bdr_accept_loss", "bdr_confirm", "bdr_donor", "bdr_drop_slot", "bdr_force", "bdr_hosts", "bdr_node"),
    *("bdr_compare_fail", "bdr_compare_file", "bdr_compare_page", "bdr_plan_file", "bdr_query"),
    *("bdr_repair_delete", "bdr_repair_fail", "bdr_repair_file"),
    *("bdr_repair_lock_seconds", "bdr_repair_plan", "bdr_repair_policy"),
    *("bdr_replication_password", "bdr_secrets_directory"),
    *("bdr_schema_fail", "bdr_schema_file", "bdr_slot_warning_percent"),
    *("bdr_status_fail", "bdr_status_file", "bdr_status_lag_mb"),
)

READ = (*GROUP_FIELDS, *NODE_FIELDS)
"""The variables whose values the plan reads; of others it looks at the name only."""

# Variables of roles carry the role's name.
_ROLE_PREFIXES = (
    *("bdr_build_", "bdr_compare_", "bdr_ddl_", "bdr_packages_", "bdr_instance_"),
    *("bdr_group_", "bdr_guard_", "bdr_monitor_", "bdr_plan_", "bdr_seed_"),
)

ASSUMED_ERA = "0.7"
"""What contrib_bdr is planned for as long as neither the inventory nor a server says."""


def parse(inventory_group: str, hosts: t.Mapping[str, t.Mapping[str, t.Any]], probed_era: str | None = None) -> Group:
    """Return the group; hosts maps inventory host to its variables. PlanError lists every problem found.

    probed_era: what a server of the group was seen to be of; bdr_era wins.

    Variables the plan does not read may come with any value: only their names are looked at.
    """
    if not hosts:
        raise PlanError([f"the inventory group {inventory_group} has no hosts; put the nodes into it"])
    problems: list[str] = []
    shared = _shared(hosts, problems)
    nodes = {host: f.fields_of(NODE_FIELDS, variables, f" of {host}", problems) for host, variables in hosts.items()}
    problems += _tls_problems(shared["bdr_tls"], hosts)
    problems += _build_problems(shared)
    if problems:
        raise PlanError(problems)
    group_name = shared["bdr_group"] or inventory_group
    members = {host: _node(group_name, host, values) for host, values in sorted(nodes.items())}
    names = {host: node.name for host, node in members.items()}
    upstreams = {names[host]: values["bdr_upstreams"] for host, values in nodes.items()}
    problems += _node_problems(group_name, members)
    problems += standby_problems(tuple(members.values()))
    problems += offset_problems(shared, tuple(members.values()))
    writers = tuple(sorted(node.name for node in members.values() if not node.standby_of))
    found = databases(shared, writers, upstreams, problems)
    problems += standby_link_problems(tuple(members.values()), found)
    if problems:
        raise PlanError(problems)
    options = {key[4:]: value for key, value in shared.items() if key not in _NOT_OPTIONS}
    return Group(
        name=group_name,
        nodes=with_standbys(tuple(sorted(members.values(), key=lambda node: node.name))),
        databases=found,
        major=shared["bdr_postgresql_major"],
        unknown_variables=_unknown(hosts),
        era=shared["bdr_era"] or probed_era or ASSUMED_ERA,
        era_assumed=shared["bdr_engine"] == "contrib_bdr" and not (shared["bdr_era"] or probed_era),
        build=_is_built(shared),
        **options,
    )


_NOT_OPTIONS = (
    "bdr_group",
    "bdr_topology",
    "bdr_upstream",
    "bdr_databases",
    "bdr_postgresql_major",
    "bdr_build",
    "bdr_era",
)


def _is_built(shared: t.Mapping[str, t.Any]) -> bool:
    """contrib_bdr is in no distribution; programs of the operator's own are used as they are."""
    if shared["bdr_build"] is None:
        return shared["bdr_engine"] == "contrib_bdr" and not shared["bdr_bin_directory"]
    return bool(shared["bdr_build"])


def _build_problems(shared: t.Mapping[str, t.Any]) -> list[str]:
    if shared["bdr_build"] and shared["bdr_bin_directory"]:
        return ["bdr_build: true puts the server where it belongs; take bdr_bin_directory out, or bdr_build"]
    if shared["bdr_build"] is False and shared["bdr_engine"] == "contrib_bdr" and not shared["bdr_bin_directory"]:
        return ["bdr_bin_directory is missing: with bdr_build: false, contrib_bdr needs a server of your own"]
    return []


def _shared(hosts: t.Mapping[str, t.Mapping[str, t.Any]], problems: list[str]) -> dict[str, t.Any]:
    first, *others = sorted(hosts)
    for name in GROUP_FIELDS:
        problems += [
            f"{name} differs between {first} and {other}; it is the group's: set it once, for the whole group"
            for other in others
            if hosts[other].get(name) != hosts[first].get(name)
        ][:1]
    return f.fields_of(GROUP_FIELDS, hosts[first], "", problems)


def _node(group: str, host: str, values: t.Mapping[str, t.Any]) -> Node:
    name = values["bdr_node_name"] or str(host)
    address = _unbracketed(values["bdr_address"] or values["ansible_host"] or str(host))
    return Node(
        name=name,
        host=str(host),
        address=address,
        port=values["bdr_port"],
        home=values["bdr_home"] or home(group, name),
        listen_addresses=values["bdr_listen_addresses"] or tuple(dict.fromkeys((address, *_loopback(address)))),
        sources=tuple(map(_unbracketed, values["bdr_sources"] or (address,))),
        settings=_merged_settings(values["bdr_settings"], values["bdr_node_settings"]),
        hba=values["bdr_hba"],
        physical_standbys=values["bdr_physical_standbys"],
        apply_delay_ms=values["bdr_apply_delay_ms"],
        sequence_offset=values["bdr_sequence_offset"] or 0,
        standby_of=values["bdr_standby_of"] or "",
    )


def _merged_settings(*layers: t.Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the settings of all layers, later ones over earlier; the server does not tell small from capital."""
    return tuple(sorted({name.lower(): value for layer in layers for name, value in layer}.items()))


def _unbracketed(address: str) -> str:
    """Return an IPv6 address as libpq and PostgreSQL take it, without the brackets of a URL."""
    return address[1:-1] if address.startswith("[") and address.endswith("]") else address


def _loopback(address: str) -> tuple[str, ...]:
    return () if address.startswith("127.") or address == "::1" else ("localhost",)


def _node_problems(group: str, members: t.Mapping[str, Node]) -> list[str]:
    problems = [
        f"{'bdr_node_name' if node.name != host else 'the inventory host'} {node.name!r} cannot stand in a path "
        "or a unit's name; set bdr_node_name to letters, digits, - . and _"
        for host, node in members.items()
        if not is_path_safe(node.name)
    ]
    problems += _twice(
        {host: f"{node.address} {node.home}" for host, node in members.items()},
        "bdr_home: {hosts} have one address and one home, {value}; give each its own",
    )
    problems += [
        f"bdr_hba of {host}: {line!r} lets anybody in without a password (trust); name another method"
        for host, node in members.items()
        for line in node.hba
        if _hba_method(line) == "trust"
    ]
    if not is_path_safe(group):
        problems.append(f"bdr_group: {group!r} cannot stand in a path; use letters, digits, - . and _")
    problems += _twice(
        {host: node.name for host, node in members.items()},
        "bdr_node_name: {hosts} are all called {value}; a node's name is its own",
    )
    problems += _twice(
        {host: f"{node.address}:{node.port}" for host, node in members.items()},
        "bdr_port: {hosts} all have the address {value}; give each its own bdr_port (or bdr_address)",
    )
    return problems


def _hba_method(line: str) -> str:
    """Return the method of a line of pg_hba.conf: behind the address, and behind its mask where that stands apart."""
    fields = [field.strip('"') for field in _HBA_FIELD.findall(line.split("#")[0])]
    place = 3 if fields[:1] == ["local"] else 4
    has_mask = len(fields) > place and re.fullmatch(r"[0-9a-fA-F.:]*[.:][0-9a-fA-F.:]*", fields[place]) is not None
    return next(iter(fields[place + has_mask :]), "")


# Words and quoted names, and lists of them with commas between: each is one field.
_HBA_FIELD = re.compile(r"""(?:"[^"]*"|[^\s",])+(?:,\s*(?:"[^"]*"|[^\s",])+)*""")


def _tls_problems(tls: str, hosts: t.Mapping[str, t.Mapping[str, t.Any]]) -> list[str]:
    needed = {"off": (), "require": _TLS[:2], "verify-full": _TLS}[tls]
    return [
        f"{name} of {host} is missing: bdr_tls {tls} needs it, the text of a PEM file (lookup it or keep it in a vault)"
        for host, variables in sorted(hosts.items())
        for name in needed
        if name not in variables
    ]


_TLS = ("bdr_tls_certificate", "bdr_tls_key", "bdr_tls_ca")


def _twice(values: t.Mapping[str, str], message: str) -> list[str]:
    by_value: dict[str, list[str]] = {}
    for host, value in values.items():
        by_value.setdefault(value, []).append(host)
    return [
        message.format(hosts=" and ".join(sorted(hosts)), value=value)
        for value, hosts in sorted(by_value.items())
        if len(hosts) > 1
    ]


def _unknown(hosts: t.Mapping[str, t.Mapping[str, t.Any]]) -> tuple[str, ...]:
    known = (*READ, *OTHER_VARIABLES, *_TLS)
    unknown = {
        name
        for variables in hosts.values()
        for name in variables
        if name.startswith("bdr_") and name not in known and not name.startswith(_ROLE_PREFIXES)
    }
    return tuple(_did_you_mean(name, known) for name in sorted(unknown))


def _did_you_mean(name: str, known: t.Sequence[str]) -> str:
    close = [other for other in known if other.startswith(name)] or difflib.get_close_matches(name, known, 1)
    return f"{name} is no variable of this collection" + (f"; did you mean {close[0]}?" if close else "")
