# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""check(plan, found): everything that must be right on the hosts, and between them, before one is changed. Pure.

`found` maps a node's name to what host_info saw there; every problem names its variable and the mend.
"""

from __future__ import annotations

import re
import typing as t

from ._hosts_rows import Found, crowd_problems, lost_problems, row_problems, seeds


def problems(plan: t.Mapping[str, t.Any], found: Found) -> list[str]:
    """Return every reason not to start; an empty list lets the run go on. plan is Plan.as_dict()."""
    seen = {name: node for name, node in plan["nodes"].items() if name in found}
    new = seeds(plan, found)
    one_by_one = [problem for name, node in seen.items() for problem in _node_problems(node, found[name])]
    return [
        *one_by_one,
        *_place_problems(seen, found),
        *_disk_problems(seen, found),
        *_difference_problems(found),
        *clock_problems(plan["max_clock_skew_ms"], found),
        *lost_problems(plan, found),
        *crowd_problems(new),
        *row_problems(plan, found, new),
    ]


def installs(found: Found) -> dict[str, list[str]]:
    """Return which node installs which packages: of nodes that share a machine the first installs them."""
    wanted: dict[str, list[str]] = {}
    machines = set()
    for name in sorted(found):
        wanted[name] = [] if found[name]["machine"] in machines else list(found[name]["missing_packages"])
        machines.add(found[name]["machine"])
    return wanted


def builders(found: Found) -> dict[str, str]:
    """Return which node's host builds the server for which node: the first of each platform."""
    first: dict[str, str] = {}
    for name in sorted(found):
        first.setdefault(found[name]["platform"], name)
    return {name: first[found[name]["platform"]] for name in sorted(found)}


def _node_problems(node: t.Mapping[str, t.Any], host: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    name = node["name"]
    if host["data"] == "foreign":
        yield f"bdr_home of {name}: {node['home']} is not empty and not ours. Empty it, or name another directory"
    if host["data"] == "removed":
        yield was_removed(name, node["home"])
    if host["data"] == "seeded":
        yield half_seeded(name)
    if host["restored"]["refused"]:
        yield host["restored"]["refused"]
    if host["major"] is not None and node["major"] not in (0, host["major"]):
        yield (
            f"bdr_postgresql_major: {name} has a data directory of PostgreSQL {host['major']}, wanted is "
            f"{node['major']}. Set bdr_postgresql_major: {host['major']}; a major upgrade is not site.yml's work"
        )
    if host["address_problem"]:
        yield (
            f"bdr_listen_addresses of {name}: {host['address_problem']} is no address of that host. "
            "Name the addresses the server shall listen on there"
        )
    if host["port_taken"]:
        yield f"bdr_port of {name}: something else uses port {node['port']} there. Name a free one"
    yield from _server_problems(node, host)
    for database in host["databases"].values():
        yield from _encoding_problems(node, database)


def accepted_problems(plan: t.Mapping[str, t.Any], accepted: str) -> list[str]:
    """Return what is wrong with the names of nodes whose data may be another than what ran there last."""
    nodes = plan["nodes"]
    return [
        f"bdr_accept_restored names {name!r}: the group {plan['group']} has no such node; it has "
        f"{', '.join(sorted(nodes))}"
        for name in (name.strip() for name in accepted.split(","))
        if accepted and name not in nodes
    ]


def was_removed(name: str, home: str) -> str:
    """Return the problem of a node that was taken out of the group: what it holds is of that time."""
    return (
        f"bdr_node: {name} was removed from the group for good. Take it out of the inventory; or remove {home} on its "
        "host, and it joins as a new node"
    )


def half_seeded(name: str) -> str:
    """Return the problem of a node whose seeding was interrupted."""
    return (
        f"bdr_node: the seeding of {name} is not finished; run it again, it goes on from where it was: "
        f"reseed.yml -e bdr_node={name} -e bdr_confirm={name}"
    )


def _server_problems(node: t.Mapping[str, t.Any], host: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """What is built or installed in this run is not there yet; what is there must fit."""
    name, server, where = node["name"], host["server"], node["bin_directory"]
    if not server["version"]:
        if not node["build"] and not host["missing_packages"]:
            yield f"bdr_bin_directory: {where} of {name} has no program postgres. Name the server's directory there"
        return
    if node["era"] and not server["era"] and not node["build"]:
        yield f"bdr_engine: the server in {where} of {name} has no contrib/bdr. Use pglogical, or a server that has it"
    elif server["era"] != node["era"] and node["era"] and not node["build"]:
        yield another_era(node["era"], server["era"], f"{where} of {name}")
    if host["catalog_version"] and server["catalog_version"] not in (0, host["catalog_version"]):
        yield unreadable(host["catalog_version"], server["catalog_version"], f"{where} of {name}")


def build_problem(era: str, data: int, server: t.Mapping[str, t.Any], build: str) -> str:
    """Return why a node must not run a build, "" where it may. era: what was planned for, "" where any will do."""
    if not server["version"]:
        return f"{build} has no program postgres; run site.yml again, which builds it"
    if era and not server["era"]:
        return f"bdr_build_contrib: {build} has no contrib/bdr. Take bdr into the list"
    if era and server["era"] != era:
        return another_era(era, server["era"], build)
    if data and server["catalog_version"] not in (0, data):
        return unreadable(data, server["catalog_version"], build)
    return ""


def another_era(planned: str, found: str, where: str) -> str:
    """Return the problem of a server that names its settings otherwise than the plan does."""
    return (
        f"bdr_era: the contrib/bdr in {where} is of the era {found}, not {planned}. "
        f'Set bdr_era: "{found}", or take bdr_era out'
    )


def unreadable(data: int, server: int, where: str) -> str:
    """Return the problem of a data directory that another server made."""
    return (
        f"the node's data directory has the catalog version {data}, the server in {where} reads {server}: it was "
        "made by another server. Give the node that server again (bdr_build_*, bdr_bin_directory), or remove its data"
    )


def _encoding_problems(node: t.Mapping[str, t.Any], database: t.Mapping[str, str]) -> t.Iterator[str]:
    wanted = (("bdr_encoding", "encoding"), ("bdr_locale", "collate"), ("bdr_locale", "ctype"))
    for variable, key in wanted:
        value = node[variable[4:]]
        if _plain(database[key]) != _plain(value):
            yield (
                f"{variable}: the database {database['name']} of {node['name']} has the {key} {database[key]}, "
                f"wanted is {value} on every node. Dump it and create it anew, or set {variable}"
            )


def _plain(name: str) -> str:
    """Return a name of an encoding or a locale as the server compares it: UTF8, utf-8 and Utf_8 are one."""
    plain = re.sub(r"[^a-z0-9.@]", "", name.lower())
    return "utf8" if plain == "unicode" else plain


def _place_problems(seen: t.Mapping[str, t.Mapping[str, t.Any]], found: Found) -> t.Iterator[str]:
    """Nodes of one machine share its directories and its sockets, whatever their addresses are."""
    for variable, key in (("bdr_port", "port"), ("bdr_home", "home")):
        by_place: dict[tuple[str, t.Any], list[str]] = {}
        for name, node in seen.items():
            by_place.setdefault((found[name]["machine"], node[key]), []).append(name)
        for (_machine, value), names in by_place.items():
            if len(names) > 1:
                yield f"{variable}: {' and '.join(names)} are on one machine and share {value}; give each its own"


def _disk_problems(seen: t.Mapping[str, t.Mapping[str, t.Any]], found: Found) -> t.Iterator[str]:
    """Nodes that share a file system need it together; WAL that is there already is not needed again."""
    by_disk: dict[tuple[str, int], list[str]] = {}
    for name in seen:
        by_disk.setdefault((found[name]["machine"], found[name]["disk"]["file_system"]), []).append(name)
    for names in by_disk.values():
        need = sum(max(0, _figure(seen[name], "disk") - found[name]["disk"]["wal_mb"]) for name in names)
        free = min(found[name]["disk"]["free_mb"] for name in names)
        if need > free:
            yield (
                f"bdr_allowed_downtime_seconds x bdr_wal_rate_kb_per_second: {', '.join(names)} need {need} MB "
                f"for WAL, {free} MB are free there. Lower one of the two, or give the nodes more disk (bdr_home)"
            )


def _figure(node: t.Mapping[str, t.Any], name: str) -> int:
    return next(int(figure["value"]) for figure in node["figures"] if figure["name"] == name)


def _difference_problems(found: Found) -> t.Iterator[str]:
    by_architecture: dict[str, list[str]] = {}
    for name, host in found.items():
        by_architecture.setdefault(host["architecture"], []).append(name)
    if len(by_architecture) > 1:
        shown = "; ".join(f"{', '.join(names)}: {kind}" for kind, names in sorted(by_architecture.items()))
        yield f"the nodes differ in architecture ({shown}); replication needs the same on all. Take the odd ones out"


def clock_problems(limit_ms: int, found: Found) -> t.Iterator[str]:
    """Last update wins by the clock. A clock is known to within half the time it took to ask."""
    if not found:
        return
    clocks = {name: host["clock"] for name, host in found.items()}
    earliest_at_most = {name: clock["offset_ms"] + clock["uncertainty_ms"] for name, clock in clocks.items()}
    latest_at_least = {name: clock["offset_ms"] - clock["uncertainty_ms"] for name, clock in clocks.items()}
    earliest = min(clocks, key=lambda name: earliest_at_most[name])
    latest = max(clocks, key=lambda name: latest_at_least[name])
    skew = latest_at_least[latest] - earliest_at_most[earliest]
    if skew > limit_ms:
        yield (
            f"bdr_max_clock_skew_ms: the clocks of {earliest} and {latest} are at least {int(skew)} ms apart, "
            f"allowed are {limit_ms}. The last update wins by the clock: set the clocks (NTP) first"
        )
