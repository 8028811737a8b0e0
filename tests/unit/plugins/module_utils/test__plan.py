# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan: what is put together, and how an operator's settings meet replication's."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import PassfileEntry
from ansible_collections.pgbdr.bdr.plugins.module_utils._plan import OWN_SETTINGS
from ansible_collections.pgbdr.bdr.tests.unit.builders import (
    connection_settings,
    figures,
    node_plan,
    only_problem,
    plan,
    problems,
    settings,
)


def setting(name: str, **shared):
    return next(found for found in node_plan(**shared).settings if found.name == name)


def test_a_node_knows_its_places():
    node = node_plan(bdr_group="sales")
    assert (node.name, node.group, node.engine_node, node.unit) == (
        "alpha",
        "sales",
        "alpha",
        "pgbdr-sales-alpha.service",
    )
    assert (node.home, node.data_directory, node.log_directory, node.passfile) == (
        "/var/lib/pgbdr/sales/alpha",
        "/var/lib/pgbdr/sales/alpha/data",
        "/var/lib/pgbdr/sales/alpha/log",
        "/var/lib/pgbdr/sales/alpha/passfile",
    )


@pytest.mark.parametrize(
    ("shared", "bin_directory", "packages"),
    [
        (
            {},
            "/usr/lib/postgresql/15/bin",
            ("postgresql-15", "postgresql-15-pglogical", "python3-psycopg2"),
        ),
        (
            {"bdr_postgresql_major": 16},
            "/usr/lib/postgresql/16/bin",
            ("postgresql-16", "postgresql-16-pglogical", "python3-psycopg2"),
        ),
        ({"bdr_engine": "contrib_bdr"}, "/opt/pgbdr/bdr/bin", ("python3-psycopg2",)),
        ({"bdr_engine": "contrib_bdr", "bdr_group": "sales"}, "/opt/pgbdr/sales/bin", ("python3-psycopg2",)),
        ({"bdr_engine": "contrib_bdr", "bdr_bin_directory": "/opt/pg/bin"}, "/opt/pg/bin", ("python3-psycopg2",)),
        # A server that is built comes from no package.
        ({"bdr_build": True}, "/opt/pgbdr/bdr/bin", ("python3-psycopg2",)),
        (
            {"bdr_bin_directory": "/opt/pg/bin"},
            "/opt/pg/bin",
            ("postgresql-15", "postgresql-15-pglogical", "python3-psycopg2"),
        ),
    ],
)
def test_programs_and_packages_are_the_engine_s(shared, bin_directory, packages):
    node = node_plan(**shared)
    assert (node.bin_directory, node.packages) == (bin_directory, packages)
    built = bin_directory.startswith("/opt/pgbdr/")
    assert node.build is built
    assert node.server_directory == (bin_directory[: -len("/bin")] if built else "")


@pytest.mark.parametrize(
    ("shared", "major"),
    [
        ({}, 15),
        ({"bdr_postgresql_major": 16}, 16),
        # What was built is what says its version.
        ({"bdr_engine": "contrib_bdr"}, 0),
        ({"bdr_engine": "contrib_bdr", "bdr_postgresql_major": 16}, 0),
    ],
)
def test_the_major_version_is_the_inventory_s_where_packages_have_it(shared, major):
    assert node_plan(**shared).major == major


@pytest.mark.parametrize(("engine", "era"), [("pglogical", ""), ("contrib_bdr", "0.4")])
def test_an_era_is_contrib_bdr_s(engine, era):
    found = plan(bdr_engine=engine, bdr_era="0.4")
    assert found.era == era
    assert {node.era for node in found.nodes} == {era}
    assert not found.era_assumed


def test_an_era_that_nobody_said_is_assumed():
    found = plan(bdr_engine="contrib_bdr")
    assert (found.era, found.era_assumed) == ("0.7", True)
    assert not plan().era_assumed


def test_the_passfile_has_one_entry_for_each_upstream():
    node = node_plan(bdr_databases=["x", "y"], own={"bravo": {"bdr_port": 5441}})
    assert node.passfile_entries == (
        PassfileEntry("192.0.2.12", 5441, "bdr_replication"),
        PassfileEntry("192.0.2.13", 5432, "bdr_replication"),
    )


def test_a_node_has_the_databases_it_takes_part_in():
    databases = [{"name": "x", "nodes": ["alpha", "bravo"]}, "y"]
    assert node_plan("alpha", bdr_databases=databases).databases == ("x", "y")
    assert node_plan("charlie", bdr_databases=databases).databases == ("y",)


def test_disk_is_the_sum_of_what_a_node_writes():
    assert figures(node_plan())["disk"] == 900 + 1024 + 64
    assert figures(node_plan(bdr_settings={"max_wal_size": "4GB"}))["disk"] == 900 + 4096 + 64


OLD = {"bdr_engine": "contrib_bdr", "bdr_era": "0.4"}
NEW = {"bdr_engine": "contrib_bdr", "bdr_era": "0.7"}


@pytest.mark.parametrize(
    ("shared", "wal"),
    [
        ({}, 900 + 1024),
        ({"bdr_settings": {"max_slot_wal_keep_size": "10GB"}}, 10240 + 1024),
        ({"bdr_settings": {"Max_Slot_WAL_Keep_Size": "1.5GB"}}, 1536 + 1024),
        ({"bdr_settings": {"max_slot_wal_keep_size": 100}}, 100 + 1024),
        # Without a limit, or one that cannot be read, what was derived is what is planned for.
        ({"bdr_settings": {"max_slot_wal_keep_size": -1}}, 900 + 1024),
        ({"bdr_settings": {"max_slot_wal_keep_size": "lots"}}, 900 + 1024),
        (OLD, 57 * 16 + 136),
        ({**OLD, "bdr_settings": {"wal_keep_segments": 5000}}, 80000 + 136),
        (NEW, 900 + 136),
        ({**NEW, "bdr_settings": {"wal_keep_segments": 5000}}, 80000 + 136),
        ({**NEW, "bdr_settings": {"wal_keep_segments": "lots"}}, 900 + 136),
        pytest.param(
            {**NEW, "bdr_settings": {"wal_keep_segments": 1}},
            900 + 136,
        ),
        pytest.param(
            {"bdr_settings": {"wal_keep_size": "10GB"}},
            10240 + 1024,
        ),
    ],
)
def test_disk_follows_what_the_operator_lets_a_node_keep(shared, wal):
    assert figures(node_plan(**shared))["disk"] == wal + 64


ONE_WAY = {"bdr_topology": "one_way", "bdr_upstream": "alpha"}
NO_LIMIT = {"max_slot_wal_keep_size": -1, "wal_keep_size": "16MB"}
OWN_STANDBY = {"bravo": {"bdr_physical_standbys": 1}}
FOLLOWED = {"charlie": {"bdr_standby_of": "bravo"}}


@pytest.mark.parametrize(
    ("shared", "node", "kept"),
    [
        # Nothing is kept for nobody.
        ({**OLD, **ONE_WAY}, "bravo", 0),
        ({**NEW, **ONE_WAY}, "bravo", 0),
        ({**OLD, **ONE_WAY}, "alpha", 57 * 16),
        ({**NEW, **ONE_WAY}, "alpha", 900),
        # Physical standbys are somebody, in the inventory or not.
        ({**OLD, **ONE_WAY, "own": OWN_STANDBY}, "bravo", 57 * 16),
        ({**NEW, **ONE_WAY, "own": OWN_STANDBY}, "bravo", 57 * 16),
        ({**OLD, **ONE_WAY, "own": FOLLOWED}, "bravo", 57 * 16),
        ({**NEW, **ONE_WAY, "own": FOLLOWED}, "bravo", 57 * 16),
        # A standby is planned like the node it follows.
        ({**OLD, **ONE_WAY, "own": FOLLOWED}, "charlie", 57 * 16),
        ({**NEW, **ONE_WAY, "own": {"charlie": {"bdr_standby_of": "alpha"}}}, "charlie", 57 * 16),
        # What the operator keeps at any rate is kept.
        ({**OLD, **ONE_WAY, "bdr_settings": {"wal_keep_segments": 100}}, "bravo", 1600),
        ({**NEW, **ONE_WAY, "bdr_settings": {"wal_keep_segments": 100}}, "bravo", 1600),
        # pglogical writes its limit on every node, and what is written is counted.
        (ONE_WAY, "bravo", 900),
        ({**ONE_WAY, "bdr_settings": {"max_slot_wal_keep_size": -1}}, "bravo", 0),
        ({**ONE_WAY, "bdr_settings": NO_LIMIT}, "bravo", 16),
        ({**ONE_WAY, "bdr_settings": NO_LIMIT}, "alpha", 900),
        ({**ONE_WAY, "bdr_settings": NO_LIMIT, "own": OWN_STANDBY}, "bravo", 900),
        ({**ONE_WAY, "bdr_settings": NO_LIMIT, "own": FOLLOWED}, "charlie", 900),
    ],
)
def test_a_node_that_feeds_nobody_keeps_no_wal(shared, node, kept):
    (disk,) = [figure for figure in node_plan(node, **shared).figures if figure.name == "disk"]
    assert disk.formula.startswith(f"WAL retention {kept} + WAL of checkpoints ")
    assert disk.value == kept + (136 if "bdr_engine" in shared else 1024) + 64


# --- Settings -------------------------------------------------------------------------------------


def test_settings_are_sorted_and_each_says_why():
    found = node_plan(bdr_settings={"work_mem": "8MB", "a.b": "c"}).settings
    assert list(found) == sorted(found, key=lambda each: each.name)
    assert len({each.name for each in found}) == len(found)
    assert all(each.why for each in found)


def test_settings_of_the_place():
    found = settings(node_plan(own={"alpha": {"bdr_port": "5440"}}))
    assert found["port"] == "5440"
    assert found["listen_addresses"] == "192.0.2.11, localhost"
    assert found["unix_socket_directories"] == "/var/run/postgresql"
    assert found["log_directory"] == "/var/lib/pgbdr/bdr/alpha/log"
    assert found["log_file_mode"] == "0600"
    assert "ssl" not in found


@pytest.mark.parametrize("tls", ["require", "verify-full"])
def test_settings_of_tls(tls):
    texts = {"bdr_tls_certificate": "c", "bdr_tls_key": "k", "bdr_tls_ca": "a"}
    found = settings(node_plan(bdr_tls=tls, **texts))
    assert (found["ssl"], found["ssl_cert_file"], found["ssl_key_file"]) == (
        "on",
        "/var/lib/pgbdr/bdr/alpha/tls/server.crt",
        "/var/lib/pgbdr/bdr/alpha/tls/server.key",
    )


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        # The operator's own
        ("work_mem", "16MB", ("16MB", "operator")),
        ("autovacuum", False, ("off", "operator")),
        ("pg_stat_statements.max", 1000, ("1000", "operator")),
        ("log_line_prefix", "", ("", "default")),
        # fixed: saying the same is fine
        ("wal_level", "logical", ("logical", "fixed")),
        ("wal_level", "LOGICAL", ("LOGICAL", "fixed")),
        ("track_commit_timestamp", True, ("on", "fixed")),
        ("port", 5432, ("5432", "fixed")),
        # minimum: 7 slots and 9 senders and 14 workers are derived for three nodes
        ("max_replication_slots", 7, ("7", "minimum")),
        ("max_replication_slots", "70", ("70", "minimum")),
        ("max_wal_senders", 20, ("20", "minimum")),
        ("max_worker_processes", 32, ("32", "minimum")),
        # list: added to
        ("shared_preload_libraries", "auto_explain", ("pglogical,auto_explain", "list")),
        ("shared_preload_libraries", ["auto_explain", "pglogical"], ("pglogical,auto_explain", "list")),
        ("shared_preload_libraries", "a, b,,a", ("pglogical,a,b", "list")),
        ("shared_preload_libraries", "", ("pglogical", "list")),
        ("output_plugin_libraries", "mine", ("pgoutput,test_decoding,pglogical_output,mine", "list")),
        # default: replaced
        ("max_slot_wal_keep_size", "10GB", ("10GB", "default")),
        ("log_rotation_size", "10MB", ("10MB", "default")),
    ],
)
def test_an_operator_s_setting_is_merged(name, value, wanted):
    found = setting(name, bdr_settings={name: value})
    assert (found.value, found.rule) == wanted
    assert "bdr_settings" in found.why


def test_what_is_probed_stays_probed():
    """An operator's addition does not make a server know the name."""
    shared = {"bdr_settings": {"output_plugin_libraries": "mine"}}
    assert setting("output_plugin_libraries").probed
    assert setting("output_plugin_libraries", **shared).probed
    assert [each.name for each in node_plan(**shared).settings if each.probed] == ["output_plugin_libraries"]


def test_a_node_s_own_settings_win_over_the_group_s():
    shared = {"bdr_settings": {"work_mem": "8MB", "jit": False}, "own": {"bravo": {"bdr_node_settings": {"jit": True}}}}
    assert settings(node_plan("alpha", **shared))["jit"] == "off"
    assert settings(node_plan("bravo", **shared))["jit"] == "on"
    assert settings(node_plan("bravo", **shared))["work_mem"] == "8MB"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "wal_level",
            "replica",
            "wal_level 'replica' contradicts 'logical' (what logical decoding reads); take it out",
        ),
        ("track_commit_timestamp", False, "track_commit_timestamp 'off' contradicts 'on'"),
        ("pglogical.conflict_resolution", "error", "contradicts 'last_update_wins'"),
        ("port", 5433, "port '5433' contradicts '5432' (bdr_port); set the variable named"),
        ("listen_addresses", "*", "(bdr_listen_addresses); set the variable named"),
        ("unix_socket_directories", "/tmp", "(bdr_socket_directory); set the variable named"),
        ("max_replication_slots", 6, "max_replication_slots 6 is too small: this node needs at least 7"),
        ("max_wal_senders", "lots", "max_wal_senders lots is too small: this node needs at least 9"),
        ("max_worker_processes", 8, "Take it out, or give at least that"),
        ("not a name", "x", "'not a name' is no name of a setting"),
        ("a..b", "x", "'a..b' is no name of a setting"),
        ("1st", "x", "'1st' is no name of a setting"),
    ],
)
def test_a_setting_that_contradicts(name, value, said):
    problem = only_problem(plan, own={"bravo": {"bdr_node_settings": {name: value}}})
    assert problem.startswith("bdr_settings of bravo: ")
    assert said in problem


@pytest.mark.parametrize(
    ("shared", "name"),
    [(OLD, "bdr.bravo.dsn"), (NEW, "bdr.bravo_dsn"), (OLD, "bdr.connections"), (NEW, "bdr.connections")],
)
def test_a_connection_is_not_an_operator_s_setting(shared, name):
    """It stands in a file of its own; the same once more would be harmless, but belongs there."""
    sound = connection_settings(node_plan(**shared))[name]
    repeated = node_plan(**shared, own={"alpha": {"bdr_settings": {name: sound}}})
    assert repeated.settings == node_plan(**shared).settings
    assert repeated.connection_settings == node_plan(**shared).connection_settings
    problem = only_problem(plan, **shared, own={"alpha": {"bdr_settings": {name: "x"}}})
    assert problem.startswith(f"bdr_settings of alpha: {name} 'x' contradicts {sound!r} (")


UNWRITTEN = ("data_directory", "hba_file", "ident_file")
"""Settings that are left at what the server makes of its data directory."""


@pytest.mark.parametrize("name", [*OWN_SETTINGS, "Data_Directory", "PORT"])
def test_what_follows_from_where_the_node_lives_is_not_an_operator_s(name):
    problem = only_problem(plan, own={"bravo": {"bdr_settings": {name: "elsewhere"}}})
    unwritten = f"{name.lower()} follows from where the node lives (bdr_home); take it out"
    assert (unwritten if name.lower() in UNWRITTEN else "set the variable named") in problem


@pytest.mark.parametrize(
    ("name", "value", "written", "wanted"),
    [
        ("Wal_Level", "logical", "wal_level", "logical"),
        ("MAX_WAL_SENDERS", 20, "max_wal_senders", "20"),
        ("Shared_Preload_Libraries", "a", "shared_preload_libraries", "pglogical,a"),
        ("Work_Mem", "8MB", "work_mem", "8MB"),
        ("pgAudit.Log", "All", "pgaudit.log", "All"),
    ],
)
def test_names_of_settings_are_the_same_in_capitals(name, value, written, wanted):
    found = settings(node_plan(bdr_settings={name: value}))
    assert found[written] == wanted
    assert name not in found


def test_capitals_hide_no_contradiction():
    assert "contradicts 'logical'" in only_problem(plan, own={"bravo": {"bdr_settings": {"Wal_Level": "replica"}}})


def test_a_node_s_own_setting_wins_in_capitals_too():
    shared = {"bdr_settings": {"work_mem": "8MB"}, "own": {"alpha": {"bdr_node_settings": {"Work_Mem": "9MB"}}}}
    assert settings(node_plan("alpha", **shared))["work_mem"] == "9MB"


def test_every_contradiction_of_every_node_is_listed():
    assert len(problems(plan, bdr_settings={"wal_level": "minimal", "max_wal_senders": 0})) == 6


# --- Warnings and names ---------------------------------------------------------------------------


def test_a_node_without_links_is_warned_of():
    found = plan(bdr_databases=[{"name": "x", "nodes": ["alpha", "bravo"]}])
    assert found.warnings == ("charlie has no link in any database: it is built, but takes no part in replication",)


def test_unknown_variables_are_warned_of():
    assert "did you mean bdr_topology?" in plan(bdr_topolgy="mesh").warnings[0]


def test_a_sound_group_has_no_warnings():
    assert plan().warnings == ()


def test_names_that_fall_together_and_settings_are_listed_together():
    found = problems(plan, "node-1 node_1", bdr_settings={"wal_level": "minimal"})
    assert [problem.split(":")[0] for problem in found] == [
        "bdr_node_name",
        "bdr_settings of node-1",
        "bdr_settings of node_1",
    ]
