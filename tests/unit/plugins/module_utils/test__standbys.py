# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Physical standbys: what one may follow, what it takes no part in, and the plan that makes it start."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import PassfileEntry
from ansible_collections.pgbdr.bdr.plugins.module_utils._standbys import NO_DECODING
from ansible_collections.pgbdr.bdr.tests.unit.builders import (
    figures,
    group,
    node_plan,
    only_problem,
    plan,
    problems,
    settings,
)
from psycopg2.extensions import parse_dsn

FOUR = "alpha bravo charlie delta"
STANDBY = {"delta": {"bdr_standby_of": "alpha"}}
TLS = {"bdr_tls_certificate": "c", "bdr_tls_key": "k", "bdr_tls_ca": "a"}
OLD = {"bdr_engine": "contrib_bdr", "bdr_era": "0.4"}
NEW = {"bdr_engine": "contrib_bdr", "bdr_era": "0.7"}
ENGINES = [{}, OLD, NEW]


def standby_and_primary(**shared):
    """Return both in one plan."""
    own = {**STANDBY, **shared.pop("own", {})}
    found = {node.name: node for node in plan(FOUR, own, **shared).nodes}
    return found["delta"], found["alpha"]


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            {"delta": {"bdr_standby_of": "zulu"}},
            "bdr_standby_of of delta names zulu, which is no node of the group. Its masters: alpha, bravo, charlie",
        ),
        # Nodes go by the names they have in the group.
        (
            {"alpha": {"bdr_node_name": "one"}, "delta": {"bdr_standby_of": "alpha"}},
            "bdr_standby_of of delta names alpha, which is no node of the group. Its masters: bravo, charlie, one",
        ),
        (
            {"delta": {"bdr_standby_of": "delta"}},
            "bdr_standby_of of delta names delta itself; name the node it shall follow, or take it out",
        ),
        (
            {**STANDBY, "charlie": {"bdr_standby_of": "delta"}},
            "bdr_standby_of of charlie names delta, which is a standby itself; cascading is not set up. "
            "Name one of the masters: alpha, bravo",
        ),
        (
            {"delta": {**STANDBY["delta"], "bdr_apply_delay_ms": 500}},
            "bdr_apply_delay_ms of delta is for links, and a physical standby has none; take it out",
        ),
    ],
)
def test_what_a_standby_may_not_be(own, said):
    assert only_problem(group, FOUR, own) == said


def test_two_that_follow_each_other_are_told_whom_they_could():
    own = {"charlie": {"bdr_standby_of": "delta"}, "delta": {"bdr_standby_of": "charlie"}}
    assert [problem.partition(", which is a standby itself; ")[::2] for problem in problems(group, FOUR, own)] == [
        (
            f"bdr_standby_of of {node} names {other}",
            "cascading is not set up. Name one of the masters: alpha, bravo",
        )
        for node, other in (("charlie", "delta"), ("delta", "charlie"))
    ]


@pytest.mark.parametrize(
    ("shared", "own"),
    [
        ({"bdr_databases": [{"name": "appdb", "nodes": ["alpha", "delta"]}]}, {}),
        ({"bdr_topology": "one_way", "bdr_upstream": "delta"}, {}),
        ({"bdr_databases": [{"name": "appdb", "topology": "one_way", "upstream": "delta"}]}, {}),
        ({"bdr_topology": "custom", "bdr_partial_reach": True}, {"delta": {"bdr_upstreams": ["alpha"]}}),
        ({"bdr_topology": "custom", "bdr_partial_reach": True}, {"bravo": {"bdr_upstreams": ["delta"]}}),
        (
            {
                "bdr_databases": [{"name": "appdb", "topology": "custom", "upstreams": {"bravo": ["alpha", "delta"]}}],
                "bdr_partial_reach": True,
            },
            {},
        ),
        (
            {
                "bdr_databases": [{"name": "appdb", "topology": "custom", "upstreams": {"delta": ["alpha"]}}],
                "bdr_partial_reach": True,
            },
            {},
        ),
    ],
)
def test_a_standby_is_no_end_of_a_link(shared, own):
    own = {**own, "delta": {**STANDBY["delta"], **own.get("delta", {})}}
    assert only_problem(group, FOUR, own, **shared) == (
        f"bdr_standby_of: delta is named in bdr_databases or as an upstream, but {NO_DECODING}; take it out there"
    )


def test_everything_that_is_wrong_with_standbys_is_listed_together():
    own = {"charlie": {"bdr_standby_of": "zulu", "bdr_apply_delay_ms": 5}, **STANDBY}
    found = problems(group, FOUR, own, bdr_databases=[{"name": "appdb", "nodes": ["alpha", "charlie", "delta"]}])
    assert [problem.split(" names ")[0].split(" is ")[0] for problem in found] == [
        "bdr_standby_of of charlie",
        "bdr_apply_delay_ms of charlie",
        "bdr_standby_of: charlie",
        "bdr_standby_of: delta",
    ]


def test_a_group_needs_two_nodes_beside_its_standbys():
    assert "has 1 node(s); replication needs at least two" in only_problem(
        plan, "alpha bravo", {"bravo": {"bdr_standby_of": "alpha"}}
    )


# --- The plan -------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_a_standby_has_no_link_of_its_own(engine):
    found = plan(FOUR, STANDBY, **engine)
    assert {name for link in found.links for name in (link.upstream, link.downstream)} == {"alpha", "bravo", "charlie"}
    assert found.links == plan(**engine).links
    standby, _primary = standby_and_primary(**engine)
    assert (standby.standby_of, standby.connections, standby.slots, standby.databases) == ("alpha", (), (), ())
    assert standby.connection_settings == ()
    # It takes part all the same.
    assert found.warnings == ()


@pytest.mark.parametrize("engine", ENGINES)
def test_other_nodes_follow_nobody(engine):
    for node in plan(FOUR, STANDBY, **engine).nodes[:3]:
        assert (node.standby_of, node.primary_conninfo) == ("", "")
        assert not {"primary_conninfo", "hot_standby"} & set(settings(node))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_standby_s_server_is_its_primary_s(engine):
    standby, primary = standby_and_primary(**engine)
    same = ("engine", "era", "bin_directory", "build", "packages", "major", "encoding", "locale")
    assert [getattr(standby, name) for name in same] == [getattr(primary, name) for name in same]


PLACE = {"listen_addresses", "log_directory", "primary_conninfo", "hot_standby"}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "shared", [{}, {"bdr_databases": ["x", "y"]}, {"bdr_topology": "one_way", "bdr_upstream": "alpha"}]
)
def test_a_standby_has_its_primary_s_settings_in_a_place_of_its_own(engine, shared):
    """Every size must be as large as on the primary, or the standby does not start."""
    standby, primary = standby_and_primary(**engine, **shared)
    found, followed = settings(standby), settings(primary)
    assert {name: value for name, value in found.items() if name not in PLACE} == {
        name: value for name, value in followed.items() if name not in PLACE
    }
    assert found["log_directory"] == "/var/lib/pgbdr/bdr/delta/log"
    assert found["hot_standby"] == "on"
    assert figures(standby) == figures(primary)


@pytest.mark.parametrize("engine", ENGINES)
def test_sizes_are_those_of_the_node_that_is_followed(engine):
    """bravo feeds one node of one database, alpha two of two."""
    databases = [
        {"name": "x", "topology": "one_way", "upstream": "alpha", "nodes": ["alpha", "bravo", "charlie"]},
        {"name": "y", "topology": "one_way", "upstream": "bravo", "nodes": ["bravo", "charlie"]},
    ]
    names = f"{FOUR} echo"
    own = {**STANDBY, "echo": {"bdr_standby_of": "bravo"}}
    found = {node.name: settings(node) for node in plan(names, own, **engine, bdr_databases=databases).nodes}
    for size in ("max_wal_senders", "max_worker_processes", "max_replication_slots", "max_logical_slots"):
        assert found["delta"].get(size) == found["alpha"].get(size)
        assert found["echo"].get(size) == found["bravo"].get(size)
    assert found["delta"]["max_wal_senders"] != found["echo"]["max_wal_senders"] or engine


LARGE = {
    "max_connections": 500,
    "max_locks_per_transaction": 256,
    "max_prepared_transactions": 9,
    "max_wal_senders": 99,
    "Max_Worker_Processes": 64,
}
SMALL = {"work_mem": "9MB", "deadlock_timeout": 500}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_size_that_was_raised_on_the_primary_alone_is_the_standby_s_too(engine):
    """The server compares these, and a standby that has less does not start."""
    standby, primary = standby_and_primary(**engine, own={"alpha": {"bdr_node_settings": {**LARGE, **SMALL}}})
    found = settings(standby)
    assert {name: found[name] for name in map(str.lower, LARGE)} == {
        name.lower(): str(value) for name, value in LARGE.items()
    }
    # What is no such size is the node's own.
    assert settings(primary).keys() >= SMALL.keys()
    assert not SMALL.keys() & found.keys()
    assert figures(standby) == figures(primary)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_standby_may_have_more_than_its_primary_and_not_less(engine):
    def own(on_standby: int) -> dict:
        return {
            "alpha": {"bdr_node_settings": LARGE},
            "delta": {**STANDBY["delta"], "bdr_node_settings": {"max_connections": on_standby}},
        }

    assert settings(plan(FOUR, own(501), **engine).nodes[3])["max_connections"] == "501"
    assert only_problem(plan, FOUR, own(499), **engine) == (
        "bdr_settings of delta: max_connections 499 is too small: this node needs at least 500 (not less than on "
        "alpha). Take it out, or give at least that"
    )


def test_a_size_that_is_none_is_the_server_s_to_refuse():
    own = {
        "alpha": {"bdr_node_settings": {"max_connections": "lots"}},
        "delta": {**STANDBY["delta"], "bdr_node_settings": {"max_connections": 100}},
    }
    assert settings(plan(FOUR, own).nodes[3])["max_connections"] == "100"


def test_a_size_that_is_too_small_is_told_of_where_it_was_said():
    own = {**STANDBY, "alpha": {"bdr_node_settings": {"max_wal_senders": 1}}}
    assert only_problem(plan, FOUR, own).startswith("bdr_settings of alpha: max_wal_senders 1 is too small")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_standby_is_counted_with_those_outside_the_inventory(engine):
    senders = figures(node_plan("alpha", **engine))["wal_senders"]
    followed = node_plan("alpha", f"{FOUR} echo", own={**STANDBY, "echo": {"bdr_standby_of": "alpha"}}, **engine)
    assert figures(followed)["wal_senders"] == senders + 2
    both = {**STANDBY, "alpha": {"bdr_physical_standbys": 3}}
    assert figures(node_plan("alpha", FOUR, own=both, **engine))["wal_senders"] == senders + 3 + 1
    assert [node.physical_standbys for node in group(FOUR, both).nodes] == [4, 0, 0, 0]


@pytest.mark.parametrize(
    ("engine", "keeps"),
    [({}, {"wal_keep_size": "900MB"}), (OLD, {"wal_keep_segments": "57"}), (NEW, {"wal_keep_segments": "57"})],
)
def test_wal_is_kept_for_a_standby_that_is_away(engine, keeps):
    """It has no slot, so nothing else would."""
    one_way = {"bdr_topology": "one_way", "bdr_upstream": "bravo"}
    for shared in ({}, one_way):
        _standby, primary = standby_and_primary(**engine, **shared)
        assert keeps.items() <= settings(primary).items()


@pytest.mark.parametrize(("engine", "level"), [({}, "logical"), (OLD, "hot_standby"), (NEW, "hot_standby")])
def test_a_downstream_that_is_followed_writes_what_its_standby_reads(engine, level):
    standby, primary = standby_and_primary(**engine, bdr_topology="one_way", bdr_upstream="bravo")
    assert settings(primary)["wal_level"] == settings(standby)["wal_level"] == level


@pytest.mark.parametrize(
    ("shared", "wanted"),
    [
        ({}, {"passfile": "/var/lib/pgbdr/bdr/delta/passfile"}),
        (OLD, {}),
        (NEW, {}),
        ({"own": {"alpha": {"bdr_port": 5441}}, **OLD}, {"port": "5441"}),
        ({"bdr_replication_user": "repl", **NEW}, {"user": "repl"}),
        ({"bdr_tls": "require", **TLS, **NEW}, {"sslmode": "require"}),
        (
            {"bdr_tls": "verify-full", **TLS},
            {
                "sslmode": "verify-full",
                "sslrootcert": "/var/lib/pgbdr/bdr/delta/tls/ca.crt",
                "passfile": "/var/lib/pgbdr/bdr/delta/passfile",
            },
        ),
    ],
)
def test_the_way_to_the_primary(shared, wanted):
    standby, _primary = standby_and_primary(bdr_replication_password="secret", **shared)
    basic = {"host": "192.0.2.11", "port": "5432", "user": "bdr_replication", "application_name": "delta"}
    assert parse_dsn(standby.primary_conninfo) == {**basic, **wanted}


def test_the_way_to_the_primary_is_a_setting_since_postgresql_12():
    standby, _primary = standby_and_primary()
    assert settings(standby)["primary_conninfo"] == standby.primary_conninfo
    for engine in (OLD, NEW):
        standby, _primary = standby_and_primary(**engine)
        assert "primary_conninfo" not in settings(standby)


def test_the_way_to_the_primary_is_not_an_operator_s():
    own = {"delta": {**STANDBY["delta"], "bdr_node_settings": {"primary_conninfo": "host=z"}}}
    said = only_problem(plan, FOUR, own)
    assert said.startswith("bdr_settings of delta: primary_conninfo 'host=z' contradicts 'host=192.0.2.11")
    assert "(bdr_standby_of: alpha)" in said


def test_a_standby_knows_the_password_of_its_primary_only():
    standby, primary = standby_and_primary(own={"alpha": {"bdr_port": 5441}})
    assert standby.passfile_entries == (PassfileEntry("192.0.2.11", 5441, "bdr_replication"),)
    assert PassfileEntry("192.0.2.14", 5432, "bdr_replication") not in primary.passfile_entries


@pytest.mark.parametrize(("engine", "method"), [({}, "scram-sha-256"), (OLD, "md5"), (NEW, "md5")])
def test_a_primary_lets_its_standby_in_and_nobody_else_does(engine, method):
    own = {"delta": {**STANDBY["delta"], "bdr_sources": ["198.51.100.4", "198.51.100.5"]}}
    found = plan(FOUR, own, **engine)
    lines = {
        node.name: [
            (rule.type, rule.database, rule.user, rule.method) for rule in node.hba if rule.address.startswith("198.")
        ]
        for node in found.nodes
    }
    line = ("host", "replication", "bdr_replication", method)
    assert lines == {"alpha": [line, line], "bravo": [], "charlie": [], "delta": []}


def test_a_standby_lets_in_no_downstream():
    standby, _primary = standby_and_primary()
    assert [rule.type for rule in standby.hba] == ["local", "local"]


def test_a_standby_of_a_downstream_that_nobody_reads():
    shared = {"bdr_topology": "one_way", "bdr_upstream": "bravo", **OLD}
    _standby, primary = standby_and_primary(**shared)
    assert [(rule.database, rule.address) for rule in primary.hba if rule.type == "host"] == [
        ("appdb", "192.0.2.12"),
        ("appdb", "192.0.2.13"),
        ("replication", "192.0.2.14"),
    ]
    assert settings(primary)["max_wal_senders"] == str(figures(primary)["wal_senders"])


def test_tls_is_asked_of_a_standby_too():
    _standby, primary = standby_and_primary(bdr_tls="require", **TLS)
    (rule,) = [rule for rule in primary.hba if rule.database == "replication"]
    assert rule.type == "hostssl"
