# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all engines share: connections, slots, DSNs, access rules and names that fall together."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan, only_problem, plan, problems
from psycopg2.extensions import parse_dsn

TLS = {"bdr_tls_certificate": "c", "bdr_tls_key": "k", "bdr_tls_ca": "a"}
CONTRIB = {"bdr_engine": "contrib_bdr"}
ONE_WAY = {"bdr_topology": "one_way", "bdr_upstream": "alpha"}
ENGINES = [{}, CONTRIB, {**CONTRIB, "bdr_era": "0.4"}]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "shared",
    [
        {},
        {"bdr_databases": ["orders", "log"]},
        {"bdr_topology": "one_way", "bdr_upstream": "alpha"},
        {"bdr_topology": "custom", "bdr_partial_reach": True, "own": {"bravo": {"bdr_upstreams": ["charlie"]}}},
    ],
)
def test_every_link_has_both_its_ends(engine, shared):
    found = plan(**engine, **shared)
    downstream_ends = {
        (each.database, each.upstream, node.name, each.slot) for node in found.nodes for each in node.connections
    }
    upstream_ends = {
        (each.database, node.name, each.downstream, each.name) for node in found.nodes for each in node.slots
    }
    assert downstream_ends == upstream_ends
    assert {end[:3] for end in downstream_ends} == {
        (link.database, link.upstream, link.downstream) for link in found.links
    }
    for node in found.nodes:
        assert list(node.connections) == sorted(node.connections)
        assert list(node.slots) == sorted(node.slots)


@pytest.mark.parametrize(
    ("shared", "wanted"),
    [
        ({}, {"passfile": "/var/lib/pgbdr/bdr/alpha/passfile"}),
        ({"own": {"alpha": {"bdr_home": "/srv/a"}}}, {"passfile": "/srv/a/passfile"}),
        (CONTRIB, {}),
        ({**CONTRIB, "bdr_tls": "require", **TLS}, {"sslmode": "require"}),
        (
            {**CONTRIB, "bdr_tls": "verify-full", **TLS},
            {"sslmode": "verify-full", "sslrootcert": "/var/lib/pgbdr/bdr/alpha/tls/ca.crt"},
        ),
        ({"own": {"bravo": {"bdr_port": 5441}}}, {"port": "5441", "passfile": "/var/lib/pgbdr/bdr/alpha/passfile"}),
        (
            {"bdr_databases": ["it's my db"]},
            {"dbname": "it's my db", "passfile": "/var/lib/pgbdr/bdr/alpha/passfile"},
        ),
    ],
)
def test_a_dsn_says_where_never_the_password(shared, wanted):
    connection = node_plan("alpha", "alpha bravo", bdr_replication_password="secret", **shared).connections[0]
    basic = {"host": "192.0.2.12", "port": "5432", "dbname": "appdb", "user": "bdr_replication"}
    assert parse_dsn(connection.dsn) == {**basic, **wanted}


def test_apply_delay_is_the_downstream_s():
    found = plan("alpha bravo", own={"bravo": {"bdr_apply_delay_ms": 500}})
    assert [node.connections[0].apply_delay_ms for node in found.nodes] == [0, 500]


def rules(node_name: str = "alpha", **shared) -> list[str]:
    return [
        f"{rule.type} {rule.database} {rule.user} {rule.address} {rule.method}".replace("  ", " ")
        for rule in node_plan(node_name, **shared).hba
    ]


LOCAL = ["local all postgres peer", "local all all peer"]


@pytest.mark.parametrize(
    ("node", "shared", "wanted"),
    [
        (
            "alpha",
            {},
            [
                "host appdb bdr_replication 192.0.2.12 scram-sha-256",
                "host appdb bdr_replication 192.0.2.13 scram-sha-256",
            ],
        ),
        # The other members of each database, linked or not: they compare their rows
        (
            "bravo",
            {"bdr_topology": "one_way", "bdr_upstream": "alpha"},
            [
                "host appdb bdr_replication 192.0.2.11 scram-sha-256",
                "host appdb bdr_replication 192.0.2.13 scram-sha-256",
            ],
        ),
        (
            "alpha",
            {"bdr_databases": ["x", {"name": "y", "nodes": ["bravo", "charlie"]}]},
            ["host x bdr_replication 192.0.2.12 scram-sha-256", "host x bdr_replication 192.0.2.13 scram-sha-256"],
        ),
        # Every source of a downstream, each once
        (
            "alpha",
            {"own": {"bravo": {"bdr_sources": ["b2", "b1"]}, "charlie": {"bdr_sources": ["b1"]}}},
            ["host appdb bdr_replication b1 scram-sha-256", "host appdb bdr_replication b2 scram-sha-256"],
        ),
        (
            "alpha",
            {"bdr_tls": "require", **TLS, "names": "alpha bravo", "bdr_replication_user": "repl"},
            ["hostssl appdb repl 192.0.2.12 scram-sha-256"],
        ),
        # Names that would be read as something else are quoted.
        (
            "alpha",
            {
                "names": "alpha bravo",
                "bdr_databases": ["all", "my db", "Orders"],
                "bdr_replication_user": "replication",
            },
            [
                'host "Orders" "replication" 192.0.2.12 scram-sha-256',
                'host "all" "replication" 192.0.2.12 scram-sha-256',
                'host "my db" "replication" 192.0.2.12 scram-sha-256',
            ],
        ),
        # contrib/bdr: one line for all links of a downstream, and one a database for the modules that ask its upstream
        (
            "alpha",
            {**CONTRIB, "bdr_databases": ["x", "y"]},
            [
                "host replication bdr_replication 192.0.2.12 md5",
                "host replication bdr_replication 192.0.2.13 md5",
                "host x bdr_replication 192.0.2.12 md5",
                "host x bdr_replication 192.0.2.13 md5",
                "host y bdr_replication 192.0.2.12 md5",
                "host y bdr_replication 192.0.2.13 md5",
            ],
        ),
        # A database whose name is the keyword's is no way in for replication, nor the other way round.
        (
            "alpha",
            {**CONTRIB, "names": "alpha bravo", "bdr_databases": ["all"]},
            ['host "all" bdr_replication 192.0.2.12 md5', "host replication bdr_replication 192.0.2.12 md5"],
        ),
    ],
)
def test_access_rules_let_in_the_members_of_each_database(node, shared, wanted):
    assert rules(node, **shared) == LOCAL + wanted


def test_no_rule_trusts():
    for engine in ENGINES:
        assert not any("trust" in rule for rule in rules(**engine))


@pytest.mark.parametrize(
    ("names", "shared", "said"),
    [
        ("node-1 node_1", {}, "bdr_node_name: the nodes node-1 and node_1 all become node_1 in the engine; rename one"),
        ("Alpha alpha bravo", {}, "the nodes Alpha and alpha all become alpha in the engine"),
        ("node-1 node_1", {**CONTRIB, "bdr_era": "0.4"}, "the nodes node-1 and node_1 all become node_1 in the engine"),
        ("node-1 node_1 node1", CONTRIB, "the nodes node-1 and node1 and node_1 all become node1 in the engine"),
        # Without an underscore between them, node and database may read alike.
        (
            "a ab z",
            {
                **CONTRIB,
                "bdr_databases": [{"name": "bc", "nodes": ["a", "z"]}, {"name": "c", "nodes": ["ab", "z"]}],
            },
            "bdr_node_name: the upstreams a/bc and ab/c all become the connection abc on z; rename one of the nodes",
        ),
        # Slots are the instance's: the names of all its databases meet there.
        (
            "alpha bravo",
            {**ONE_WAY, "bdr_databases": ["app-db", "app_db"]},
            "bdr_databases: app-db and app_db would share their slots, since the engine maps both names to one; "
            "rename one of the databases",
        ),
        (
            "alpha bravo",
            {**ONE_WAY, "bdr_databases": ["Orders", "_rders"]},
            "bdr_databases: Orders and _rders would share their slots",
        ),
    ],
)
def test_names_that_fall_together(names, shared, said):
    assert said in only_problem(plan, names, **shared)


@pytest.mark.parametrize(
    "databases", [[{"name": "app-db", "nodes": ["a", "b"]}, {"name": "app_db", "nodes": ["a", "c"]}], ["app", "App2"]]
)
def test_slots_that_stay_apart(databases):
    """The downstream is in the subscription's name, and so in the slot's."""
    assert plan("a b c", bdr_databases=databases).links


def test_each_pair_that_falls_together_is_named():
    assert len(problems(plan, "a-1 a_1 b-1 b_1 c")) == 2


@pytest.mark.parametrize(
    ("names", "shared"),
    [
        ("node-1 node_2", {}),
        ("a ab z", {"bdr_databases": [{"name": "bc", "nodes": ["a", "z"]}, {"name": "c", "nodes": ["ab", "z"]}]}),
        ("a ab", {**CONTRIB, "bdr_era": "0.4", "bdr_databases": ["bc", "c"]}),
        ("alpha bravo", {"bdr_databases": ["app_db", "appdb"]}),
    ],
)
def test_names_that_stay_apart(names, shared):
    assert plan(names, **shared).links
