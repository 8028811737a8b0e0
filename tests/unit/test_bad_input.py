# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator can get wrong, as the first issue of this collection lists it: one clear error each.

An unreachable host is not here: nothing can be decided about it from the plan and what was found.
"""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _hosts
from ansible_collections.pgbdr.bdr.plugins.module_utils._inventory import parse
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import PlanError
from ansible_collections.pgbdr.bdr.plugins.module_utils._plan import build_plan
from ansible_collections.pgbdr.bdr.tests.unit.builders import (
    database_found,
    hosts_found,
    inventory,
    server_found,
)

Variables = dict[str, t.Any]
LITTLE_DISK = {"file_system": 1, "free_mb": 100, "wal_mb": 0}
CUSTOM = {"bdr_topology": "custom", "bdr_partial_reach": True}


def problems(names: str = "alpha bravo", own: Variables | None = None, shared: Variables | None = None, **found: t.Any):
    """Return what a run would say before any host is changed; found is what differs on a node's host."""
    try:
        plan = build_plan(parse("bdr", inventory(names, own, **(shared or {}))))
    except PlanError as error:
        return list(error.problems)
    return _hosts.problems(plan.as_dict(), hosts_found(names, **found))


def other_database(**changes: str) -> Variables:
    return {"databases": {"appdb": database_found(**changes)}}


CASES: list[tuple[str, Variables, str, str]] = [
    # item of the list, what is wrong, the variable named, the mend named
    ("unknown engine", {"shared": {"bdr_engine": "slony"}}, "bdr_engine", "one of contrib_bdr, pglogical is wanted"),
    (
        "unknown topology",
        {"shared": {"bdr_topology": "star"}},
        "bdr_topology",
        "one of mesh, one_way, custom is wanted",
    ),
    (
        "an upstream that is no member",
        {"shared": {"bdr_topology": "one_way", "bdr_upstream": "zulu"}},
        "bdr_upstream",
        "Its nodes: alpha, bravo",
    ),
    (
        "an upstream of a node that is no member",
        {"shared": CUSTOM, "own": {"bravo": {"bdr_upstreams": ["zulu"]}}},
        "bdr_upstreams of bravo",
        "Its nodes: alpha, bravo",
    ),
    (
        "a node that names itself",
        {"shared": CUSTOM, "own": {"bravo": {"bdr_upstreams": ["bravo"]}}},
        "bdr_upstreams of bravo",
        "take it out",
    ),
    (
        "two nodes with the same name",
        {"own": {"bravo": {"bdr_node_name": "alpha"}}},
        "bdr_node_name",
        "a node's name is its own",
    ),
    (
        "two nodes with the same address and port",
        {"own": {"bravo": {"ansible_host": "192.0.2.11"}}},
        "bdr_port",
        "give each its own bdr_port (or bdr_address)",
    ),
    ("names that collide after mapping", {"names": "charlie node-1 node_1"}, "bdr_node_name", "rename one of them"),
    (
        "slots that collide after mapping",
        {"shared": {"bdr_databases": ["app-db", "app_db"]}},
        "bdr_databases",
        "rename",
    ),
    ("no node", {"names": ""}, "the inventory group bdr has no hosts", "put the nodes into it"),
    ("one node", {"names": "alpha"}, "bdr_databases", "Add hosts to the inventory group bdr"),
    ("a database name missing", {"shared": {"bdr_databases": [{"topology": "mesh"}]}}, "bdr_databases", "has no name"),
    ("no database", {"shared": {"bdr_databases": []}}, "bdr_databases", "wanted: a list of database names"),
    ("a database name twice", {"shared": {"bdr_databases": ["a", "a"]}}, "bdr_databases", "name each database once"),
    ("template1", {"shared": {"bdr_databases": ["template1"]}}, "bdr_databases", "replicate a database of yours"),
    ("a port in use by something else", {"bravo": {"port_taken": True}}, "bdr_port of bravo", "Name a free one"),
    (
        "another major version",
        {"bravo": {"data": "ours", "major": 13}},
        "bdr_postgresql_major",
        "Set bdr_postgresql_major: 13",
    ),
    ("a directory that is not ours", {"bravo": {"data": "foreign"}}, "bdr_home of bravo", "Empty it, or name another"),
    ("encoding that differs", {"bravo": other_database(encoding="LATIN1")}, "bdr_encoding", "or set bdr_encoding"),
    ("collation that differs", {"bravo": other_database(collate="de_DE.UTF-8")}, "bdr_locale", "or set bdr_locale"),
    (
        "architecture that differs",
        {"bravo": {"architecture": "aarch64 little-endian 64 bit"}},
        "the nodes differ in architecture",
        "Take the odd ones out",
    ),
    (
        "clock skew above a limit",
        {"bravo": {"clock": {"offset_ms": 1500.0, "uncertainty_ms": 10.0}}},
        "bdr_max_clock_skew_ms",
        "set the clocks (NTP) first",
    ),
    (
        "two nodes of one machine with one port",
        {"alpha": {"machine": "one"}, "bravo": {"machine": "one"}},
        "bdr_port",
        "give each its own",
    ),
    (
        "two nodes of one machine with one home",
        {
            "alpha": {"machine": "one"},
            "bravo": {"machine": "one"},
            "own": {"alpha": {"bdr_home": "/srv/pg", "bdr_port": 5440}, "bravo": {"bdr_home": "/srv/pg"}},
        },
        "bdr_home",
        "give each its own",
    ),
    (
        "rows from before the links",
        {
            "alpha": {"data": "ours", "major": 15, "running": True, **other_database(table_with_rows="public.t")},
            "bravo": {"data": "ours", "major": 15, "running": True},
        },
        "bdr_existing_rows",
        "Empty the tables, or set bdr_existing_rows: accept",
    ),
    (
        "an upstream that nothing reads",
        {"shared": {"bdr_upstream": "alpha"}},
        "bdr_upstream",
        "take it out or change the topology",
    ),
    (
        "contrib_bdr without a server",
        {"shared": {"bdr_engine": "contrib_bdr", "bdr_build": False}},
        "bdr_bin_directory",
        "contrib_bdr needs a server of your own",
    ),
    (
        "a server that is built and one that is there",
        {"shared": {"bdr_build": True, "bdr_bin_directory": "/opt/pg/bin"}},
        "bdr_build",
        "take bdr_bin_directory out",
    ),
    (
        "no server where one was named",
        {"shared": {"bdr_bin_directory": "/opt/pg/bin"}, "bravo": {"server": server_found("", 0)}},
        "bdr_bin_directory",
        "Name the server's directory there",
    ),
    (
        "a data directory of another server",
        {"bravo": {"data": "ours", "catalog_version": 1}},
        "the node's data directory has the catalog version 1, the server in /usr/lib/postgresql/15/bin of bravo",
        "Give the node that server again",
    ),
    (
        "a node whose data is gone",
        {"alpha": {"data": "ours", "major": 15, "running": True, **other_database(connections=["bravo_alpha"])}},
        "bdr_home of bravo",
        "Put its data back",
    ),
    (
        "a standby of a node that is no member",
        {"own": {"bravo": {"bdr_standby_of": "zulu"}}},
        "bdr_standby_of of bravo",
        "Its masters: alpha",
    ),
    (
        "a standby of itself",
        {"own": {"bravo": {"bdr_standby_of": "bravo"}}},
        "bdr_standby_of of bravo",
        "name the node it shall follow",
    ),
    (
        "a standby that feeds others",
        {
            "names": "alpha bravo charlie",
            "shared": {"bdr_topology": "one_way", "bdr_upstream": "charlie"},
            "own": {"charlie": {"bdr_standby_of": "alpha"}},
        },
        "bdr_standby_of: charlie",
        "take it out there",
    ),
    ("too little disk", {"bravo": {"disk": LITTLE_DISK}}, "bdr_allowed_downtime_seconds", "give the nodes more disk"),
    (
        "a setting that contradicts",
        {"own": {"bravo": {"bdr_settings": {"wal_level": "replica"}}}},
        "bdr_settings of bravo",
        "take it out",
    ),
    ("a number for a list", {"own": {"bravo": {"bdr_sources": 5}}}, "bdr_sources of bravo", "a list is wanted"),
    ("a number for the databases", {"shared": {"bdr_databases": 5}}, "bdr_databases", "wanted: a list"),
    (
        "a template that did not resolve",
        {"own": {"bravo": {"bdr_home": "{{ nope }}"}}},
        "bdr_home of bravo",
        "is a template that did not resolve",
    ),
]


@pytest.mark.parametrize(
    ("wrong", "variable", "mend"),
    [pytest.param(*case, id=item) for item, *case in CASES],
)
def test_one_clear_error(wrong, variable, mend):
    (problem,) = problems(**wrong)
    assert problem.startswith(variable)
    assert mend in problem


def test_nothing_is_wrong_with_the_rest():
    """Each case above differs from this one in one thing."""
    assert problems() == []
    assert problems(shared={**CUSTOM}, own={"bravo": {"bdr_upstreams": ["alpha"]}}) == []
