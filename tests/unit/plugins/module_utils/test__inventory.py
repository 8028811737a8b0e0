# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every variable: what is taken, what is refused, and how the refusal names it."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _inventory, _other_variables
from ansible_collections.pgbdr.bdr.plugins.module_utils._inventory import parse
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import Database, Group, Node
from ansible_collections.pgbdr.bdr.tests.unit.builders import group, inventory, only_problem, problems

TLS = {"bdr_tls_certificate": "text", "bdr_tls_key": "text", "bdr_tls_ca": "text"}

# --- What is taken --------------------------------------------------------------------------------


def test_a_group_of_defaults():
    assert group("alpha bravo") == Group(
        name="bdr",
        engine="pglogical",
        era="0.7",
        era_assumed=False,
        build=False,
        nodes=tuple(
            Node(
                name=name,
                host=name,
                address=f"192.0.2.{number}",
                port=5432,
                home=f"/var/lib/pgbdr/bdr/{name}",
                listen_addresses=(f"192.0.2.{number}", "localhost"),
                sources=(f"192.0.2.{number}",),
            )
            for number, name in ((11, "alpha"), (12, "bravo"))
        ),
        databases=(Database("appdb", "mesh", ("alpha", "bravo")),),
    )


GROUP_VALUES = {
    "bdr_group": [("sales", "name", "sales")],
    "bdr_engine": [("contrib_bdr", "engine", "contrib_bdr"), ("pglogical", "engine", "pglogical")],
    "bdr_era": [("0.4", "era", "0.4")],
    "bdr_postgresql_major": [(16, "major", 16), ("13", "major", 13)],
    "bdr_encoding": [("LATIN1", "encoding", "LATIN1")],
    "bdr_locale": [("de_DE.UTF-8@euro", "locale", "de_DE.UTF-8@euro")],
    "bdr_bin_directory": [("/opt/pg-15/bin", "bin_directory", "/opt/pg-15/bin")],
    "bdr_build": [(True, "build", True), ("true", "build", True), (False, "build", False)],
    "bdr_replication_user": [("repl_1", "replication_user", "repl_1")],
    "bdr_tls": [("off", "tls", "off"), (False, "tls", "off")],
    "bdr_socket_directory": [("/run/pg", "socket_directory", "/run/pg")],
    "bdr_allowed_downtime_seconds": [(60, "allowed_downtime_seconds", 60)],
    "bdr_wal_rate_kb_per_second": [("1024", "wal_rate_kb_per_second", 1024)],
    "bdr_synchronous_commit": [(True, "synchronous_commit", True), ("true", "synchronous_commit", True)],
    "bdr_partial_reach": [(True, "partial_reach", True)],
    "bdr_existing_rows": [("accept", "existing_rows", "accept")],
    "bdr_max_clock_skew_ms": [(250, "max_clock_skew_ms", 250)],
    "bdr_deny_truncate": [(True, "deny_truncate", True), ("false", "deny_truncate", False)],
    "bdr_truncatable_tables": [(["public.staging"], "truncatable_tables", ("public.staging",))],
    "bdr_sequence_strategy": [("none", "sequence_strategy", "none")],
    "bdr_sequence_increment": [("10", "sequence_increment", 10)],
}


@pytest.mark.parametrize(
    ("variable", "value", "field", "wanted"),
    [(name, *row) for name, rows in GROUP_VALUES.items() for row in rows],
)
def test_a_variable_of_the_group(variable, value, field, wanted):
    assert getattr(group(**{variable: value}), field) == wanted


NODE_VALUES = {
    "bdr_node_name": [("a-1.x", "name", "a-1.x"), ("a-1", "home", "/var/lib/pgbdr/bdr/a-1")],
    "ansible_host": [("198.51.100.1", "address", "198.51.100.1")],
    "bdr_address": [
        ("198.51.100.1", "address", "198.51.100.1"),
        ("198.51.100.1", "sources", ("198.51.100.1",)),
        ("db.example", "listen_addresses", ("db.example", "localhost")),
        ("127.0.0.1", "listen_addresses", ("127.0.0.1",)),
        ("::1", "listen_addresses", ("::1",)),
        ("[2001:db8::1]", "address", "2001:db8::1"),
        ("[2001:db8::1]", "listen_addresses", ("2001:db8::1", "localhost")),
        ("[2001:db8::1]", "sources", ("2001:db8::1",)),
        ("[::1]", "listen_addresses", ("::1",)),
        ("localhost", "listen_addresses", ("localhost",)),
    ],
    "bdr_port": [(5440, "port", 5440), ("5440", "port", 5440)],
    "bdr_home": [("/srv/pg/alpha", "home", "/srv/pg/alpha")],
    "bdr_listen_addresses": [
        (["*"], "listen_addresses", ("*",)),
        ([], "listen_addresses", ("192.0.2.11", "localhost")),
    ],
    "bdr_sources": [
        (["198.51.100.0/24", "db.example"], "sources", ("198.51.100.0/24", "db.example")),
        (["[2001:db8::1]", "[2001:db8::2"], "sources", ("2001:db8::1", "[2001:db8::2")),
        ([], "sources", ("192.0.2.11",)),
    ],
    "bdr_settings": [({"work_mem": "8MB", "jit": False}, "settings", (("jit", "off"), ("work_mem", "8MB")))],
    "bdr_node_settings": [({"jit": True}, "settings", (("jit", "on"),))],
    "bdr_hba": [(["host all app ::1/128 md5"], "hba", ("host all app ::1/128 md5",))],
    "bdr_physical_standbys": [(2, "physical_standbys", 2)],
    "bdr_apply_delay_ms": [(500, "apply_delay_ms", 500)],
    "bdr_sequence_offset": [(3, "sequence_offset", 3)],
}


@pytest.mark.parametrize(
    ("variable", "value", "field", "wanted"),
    [(name, *row) for name, rows in NODE_VALUES.items() for row in rows],
)
def test_a_variable_of_a_node(variable, value, field, wanted):
    alpha, *others = group(own={"alpha": {variable: value}}).nodes
    assert getattr(alpha, field) == wanted
    assert others == list(group().nodes[1:])


def test_every_variable_has_a_row_here():
    elsewhere = {"bdr_topology", "bdr_upstream", "bdr_databases", "bdr_upstreams", "bdr_standby_of"}
    assert {*GROUP_VALUES, *NODE_VALUES, *elsewhere} == set(_inventory.READ)


def test_a_host_s_name_is_its_last_address():
    found = parse("bdr", {name: {"bdr_databases": ["appdb"]} for name in ("alpha.example", "bravo.example")})
    assert [node.address for node in found.nodes] == ["alpha.example", "bravo.example"]


def test_nodes_are_sorted_by_their_own_names():
    found = group("alpha bravo", own={"alpha": {"bdr_node_name": "zulu"}})
    assert [(node.name, node.host) for node in found.nodes] == [("bravo", "bravo"), ("zulu", "alpha")]
    assert found.databases[0].members == ("bravo", "zulu")


def test_several_nodes_share_an_address():
    found = group(bdr_address="127.0.0.1", own={"alpha": {"bdr_port": 5440}, "bravo": {"bdr_port": 5441}})
    assert [(node.address, node.port) for node in found.nodes] == [
        ("127.0.0.1", 5440),
        ("127.0.0.1", 5441),
        ("127.0.0.1", 5432),
    ]


# --- What is refused ------------------------------------------------------------------------------

TEMPLATE = "{{ nope }}"

GROUP_REFUSALS = [
    ("bdr_group", 5, "is the number '5'; a string is wanted"),
    ("bdr_group", "my group", ": 'my group' cannot stand in a path; use letters, digits, - . and _"),
    ("bdr_group", "../etc", ": '../etc' cannot stand in a path"),
    ("bdr_engine", "slony", "is the string 'slony'; one of contrib_bdr, pglogical is wanted"),
    ("bdr_era", 0.4, "is the number '0.4'; one of 0.4, 0.7 is wanted"),
    ("bdr_topology", "ring", "is the string 'ring'; one of mesh, one_way, custom is wanted"),
    ("bdr_topology", True, "is the boolean 'True'; one of mesh"),
    ("bdr_upstream", ["alpha"], "is the list ['alpha']; a string is wanted"),
    ("bdr_postgresql_major", 12, "is 12; a whole number from 13 to 18 is wanted"),
    ("bdr_postgresql_major", 15.4, "is the number '15.4'; a whole number from 13 to 18"),
    ("bdr_encoding", "UTF-8", "is 'UTF-8'; wanted: an encoding of PostgreSQL"),
    ("bdr_locale", "C; DROP", "is 'C; DROP'; wanted: a locale"),
    ("bdr_bin_directory", "bin", "is 'bin'; wanted: an absolute path"),
    ("bdr_build", "maybe", "is the string 'maybe'; true or false is wanted"),
    ("bdr_build", 1, "is the number '1'; true or false is wanted"),
    ("bdr_replication_user", "Repl User", "is 'Repl User'; wanted: a role name of a-z, 0-9 and _"),
    ("bdr_tls", "on", "is the string 'on'; one of off, require, verify-full is wanted"),
    ("bdr_tls", True, "is the boolean 'True'; one of off, require, verify-full is wanted"),
    ("bdr_socket_directory", "/run/my pg", "is '/run/my pg'; wanted: an absolute path"),
    ("bdr_allowed_downtime_seconds", "1h", "is the string '1h'; a whole number from 60"),
    ("bdr_allowed_downtime_seconds", 59, "is 59; a whole number from 60 to 31536000"),
    ("bdr_wal_rate_kb_per_second", 0, "is 0; a whole number from 1"),
    ("bdr_synchronous_commit", "maybe", "is the string 'maybe'; true or false is wanted"),
    ("bdr_partial_reach", 1, "is the number '1'; true or false is wanted"),
    ("bdr_existing_rows", "merge", "is the string 'merge'; one of refuse, accept is wanted"),
    ("bdr_max_clock_skew_ms", None, "is nothing (null); a whole number from 1"),
    *(
        (name, TEMPLATE, "{{ nope }}")
        for name in _inventory.GROUP_FIELDS
        if name != "bdr_databases"  # see above
    ),
]


@pytest.mark.parametrize(("variable", "value", "said"), GROUP_REFUSALS)
def test_a_variable_of_the_group_is_refused_once(variable, value, said):
    problem = only_problem(group, **{variable: value})
    assert problem.startswith(variable)
    assert said in problem


NODE_REFUSALS = [
    ("ansible_host", 5, "is the number '5'; a string is wanted"),
    ("bdr_node_name", ["x"], "is the list ['x']; a string is wanted"),
    ("bdr_address", 192.0, "is the number '192.0'; a string is wanted"),
    ("bdr_port", 65536, "is 65536; a whole number from 1 to 65535 is wanted"),
    ("bdr_port", "postgresql", "is the string 'postgresql'; a whole number"),
    ("bdr_home", "pg", "is 'pg'; wanted: an absolute path"),
    ("bdr_home", "/srv/my pg", "is '/srv/my pg'; wanted: an absolute path"),
    ("bdr_listen_addresses", "*", "is the string '*'; a list is wanted"),
    ("bdr_sources", [5], "item 1 is the number '5'; a string is wanted"),
    ("bdr_upstreams", 5, "is the number '5'; a list is wanted"),
    ("bdr_upstreams", "alpha", "is the string 'alpha'; a list is wanted"),
    ("bdr_settings", ["a"], "is the list ['a']; a mapping (name: value) is wanted"),
    ("bdr_settings", {"work_mem": None}, "entry work_mem is nothing (null)"),
    ("bdr_settings", {"work_mem": TEMPLATE}, "entry work_mem is a template that did not resolve"),
    ("bdr_node_settings", "a", "is the string 'a'; a mapping"),
    ("bdr_hba", "host all all ::1/128 md5", "is the string 'host all all ::1/128 md5'; a list is wanted"),
    ("bdr_hba", ["host all all ::1/128 md5\nlocal all all trust"], "item 1 is 'host"),
    ("bdr_standby_of", ["alpha"], "is the list ['alpha']; a string is wanted"),
    ("bdr_physical_standbys", -1, "is -1; a whole number from 0 to 100"),
    ("bdr_apply_delay_ms", "1s", "is the string '1s'; a whole number from 0"),
    *((name, TEMPLATE, "{{ nope }}") for name in _inventory.NODE_FIELDS),
]


@pytest.mark.parametrize(("variable", "value", "said"), NODE_REFUSALS)
def test_a_variable_of_a_node_is_refused_and_the_node_named(variable, value, said):
    problem = only_problem(group, own={"bravo": {variable: value}})
    assert problem.startswith(f"{variable} of bravo ")
    assert said in problem


@pytest.mark.parametrize("name", _inventory.GROUP_FIELDS)
def test_what_the_group_shares_must_agree(name):
    values = {"bdr_databases": ["other"], "bdr_tls": False}
    found = problems(group, own={"bravo": {name: values.get(name, GROUP_VALUES.get(name, [["alpha"]])[0][0])}})
    assert found[0].startswith(f"{name} differs between alpha and bravo; ")
    assert "set it once, for the whole group" in found[0]
    assert len(found) == 1


def test_a_difference_is_said_once_for_each_variable():
    own = {"bravo": {"bdr_era": "0.4"}, "charlie": {"bdr_era": "0.7", "bdr_group": "x"}}
    assert [problem.split(";")[0] for problem in problems(group, own=own)] == [
        "bdr_group differs between alpha and charlie",
        "bdr_era differs between alpha and bravo",
    ]


def test_no_host():
    assert only_problem(parse, "bdr", {}) == "the inventory group bdr has no hosts; put the nodes into it"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"alpha": {"bdr_node_name": "bravo"}}, "bdr_node_name: alpha and bravo are all called bravo"),
        (
            {"alpha": {"bdr_address": "10.0.0.1"}, "bravo": {"bdr_address": "10.0.0.1"}},
            "bdr_port: alpha and bravo all have the address 10.0.0.1:5432; give each its own bdr_port",
        ),
        ({"alpha": {"bdr_node_name": "a b"}}, "bdr_node_name 'a b' cannot stand in a path or a unit's name; set"),
        (
            {"bravo": {"bdr_hba": ["local all all trust"]}},
            "bdr_hba of bravo: 'local all all trust' lets anybody in without a password (trust); name another method",
        ),
        (
            {
                "alpha": {"bdr_home": "/srv/pg"},
                "bravo": {"bdr_home": "/srv/pg", "ansible_host": "192.0.2.11", "bdr_port": 1},
            },
            "bdr_home: alpha and bravo have one address and one home, 192.0.2.11 /srv/pg; give each its own",
        ),
    ],
)
def test_nodes_that_are_refused(own, said):
    assert said in only_problem(group, own=own)


def test_a_host_whose_name_cannot_be_a_node():
    assert only_problem(group, "alpha bra/vo") == (
        "the inventory host 'bra/vo' cannot stand in a path or a unit's name; "
        "set bdr_node_name to letters, digits, - . and _"
    )


TRUSTING = [
    "local all all trust",
    '"local" all all trust',
    "local all all\ttrust",
    "host all all all trust",
    "host all all samenet trust",
    "host all all samehost trust",
    "host all all db.example trust",
    "host all all .example trust",
    "host all all 10.0.0.0/8 trust",
    "host all all 10.0.0.0 255.0.0.0 trust",
    "host all all ::1/128 trust",
    "host all all fe80:: ffff:ffff:: trust",
    'host all all 192.0.2.0/24 "trust"',
    'host "all" "my user" "192.0.2.0" "255.255.255.0" trust',
    "host a,b c,d 192.0.2.0/24 trust",
    "host replication all 192.0.2.0/24 trust",
    "hostssl all all 192.0.2.0/24 trust clientcert=verify-ca",
    "hostnossl all all 192.0.2.0/24 trust",
    "hostgssenc all all 192.0.2.0/24 trust",
    "  host   all   all   192.0.2.0/24   trust",
    pytest.param('host "a","b" all 192.0.2.0/24 trust'),
    pytest.param("host a, b all 192.0.2.0/24 trust"),
    pytest.param("local all a, b trust"),
    pytest.param("local all all trust# for now"),
]


@pytest.mark.parametrize("line", TRUSTING)
def test_a_line_that_trusts(line):
    assert only_problem(group, own={"bravo": {"bdr_hba": [line]}}) == (
        f"bdr_hba of bravo: {line!r} lets anybody in without a password (trust); name another method"
    )


@pytest.mark.parametrize(
    "line",
    [
        "host all trusty 192.0.2.0/24 md5",
        "host trust app 192.0.2.0/24 md5",
        "host app trust 192.0.2.0/24 md5",
        "host app app trust md5",
        'host "trust" "trust" 192.0.2.0 255.255.255.0 md5',
        "local trust trust peer",
        "local all all peer map=trust",
        "host all all 192.0.2.0 255.255.255.0 scram-sha-256",
        "host all all 192.0.2.0/24 md5 # not trust",
        "hostssl all all all cert",
        "host all all all reject",
        # What PostgreSQL will refuse is PostgreSQL's to say.
        "host all all",
        "host",
        "local",
        '""',
        "# a remark",
        pytest.param('"'),
    ],
)
def test_a_line_that_does_not_trust(line):
    assert group(bdr_hba=[line]).nodes[0].hba == (line,)


@pytest.mark.parametrize(
    "role",
    [
        "postgres",
        "pg_monitor",
        "pg_",
        pytest.param("public"),
        pytest.param("none"),
    ],
)
def test_the_server_s_own_roles_are_not_the_replication_role(role):
    assert "a role name of a-z, 0-9 and _, none of the server's own" in only_problem(group, bdr_replication_user=role)


@pytest.mark.parametrize("role", ["pgbdr", "postgres_2", "pg", "_pg"])
def test_roles_that_only_look_like_the_server_s(role):
    assert group(bdr_replication_user=role).replication_user == role


@pytest.mark.parametrize(
    ("tls", "missing"),
    [
        ("require", ["bdr_tls_certificate", "bdr_tls_key"]),
        ("verify-full", ["bdr_tls_certificate", "bdr_tls_key", "bdr_tls_ca"]),
    ],
)
def test_tls_needs_its_texts(tls, missing):
    found = problems(group, "alpha bravo", bdr_tls=tls)
    assert [problem.split(" is missing: ")[0] for problem in found] == [
        f"{name} of {host}" for host in ("alpha", "bravo") for name in missing
    ]
    assert all(f"bdr_tls {tls} needs it, the text of a PEM file" in problem for problem in found)
    assert group(bdr_tls=tls, **{name: None for name in missing}).tls == tls


def test_one_node_s_missing_text_is_named():
    own = {"bravo": {"bdr_tls_key": "text"}}
    shared = {"bdr_tls": "require", "bdr_tls_certificate": "text"}
    found = problems(group, own=own, **shared)
    assert [problem.split(" is missing")[0] for problem in found] == ["bdr_tls_key of alpha", "bdr_tls_key of charlie"]


def test_all_problems_are_listed_together():
    found = problems(
        group,
        "alpha bravo",
        bdr_engine="slony",
        bdr_era="1.0",
        own={"bravo": {"bdr_port": "x", "bdr_home": "y", "bdr_topology": "one_way"}},
    )
    assert [problem.split(" ")[0] for problem in found] == [
        "bdr_topology",
        "bdr_engine",
        "bdr_era",
        "bdr_port",
        "bdr_home",
    ]


# --- Where the server comes from ------------------------------------------------------------------

BIN = "/opt/pg/bin"
BOTH = "bdr_build: true puts the server where it belongs; take bdr_bin_directory out, or bdr_build"
NEITHER = "bdr_bin_directory is missing: with bdr_build: false, contrib_bdr needs a server of your own"


@pytest.mark.parametrize(
    ("engine", "build", "bin_directory", "wanted"),
    [
        ("pglogical", None, None, False),
        ("pglogical", None, BIN, False),
        ("pglogical", False, None, False),
        ("pglogical", False, BIN, False),
        ("pglogical", True, None, True),
        ("pglogical", True, BIN, BOTH),
        ("contrib_bdr", None, None, True),
        ("contrib_bdr", None, BIN, False),
        ("contrib_bdr", False, None, NEITHER),
        ("contrib_bdr", False, BIN, False),
        ("contrib_bdr", True, None, True),
        ("contrib_bdr", True, BIN, BOTH),
    ],
)
def test_where_the_server_comes_from(engine, build, bin_directory, wanted):
    said = {"bdr_build": build, "bdr_bin_directory": bin_directory}
    given = {name: value for name, value in said.items() if value is not None}
    if isinstance(wanted, str):
        assert only_problem(group, bdr_engine=engine, **given) == wanted
    else:
        found = group(bdr_engine=engine, **given)
        assert (found.build, found.bin_directory) == (wanted, bin_directory)


@pytest.mark.parametrize(
    ("engine", "said", "probed", "era", "assumed"),
    [
        ("contrib_bdr", None, None, _inventory.ASSUMED_ERA, True),
        ("contrib_bdr", None, "", _inventory.ASSUMED_ERA, True),
        ("contrib_bdr", None, "0.4", "0.4", False),
        ("contrib_bdr", None, "0.7", "0.7", False),
        # What the operator says wins; check_hosts compares it with the server.
        ("contrib_bdr", "0.7", "0.4", "0.7", False),
        ("contrib_bdr", "0.4", "0.7", "0.4", False),
        ("contrib_bdr", "0.4", None, "0.4", False),
        ("pglogical", None, None, _inventory.ASSUMED_ERA, False),
    ],
)
def test_the_era_is_said_or_seen_or_assumed(engine, said, probed, era, assumed):
    variables = inventory(bdr_engine=engine, **({"bdr_era": said} if said else {}))
    found = parse("bdr", variables, probed)
    assert (found.era, found.era_assumed) == (era, assumed)


# --- Names that nothing reads ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("bdr_topolgy", "bdr_topolgy is no variable of this collection; did you mean bdr_topology?"),
        ("bdr_upstraem", "did you mean bdr_upstream?"),
        ("bdr_replication_pasword", "did you mean bdr_replication_password?"),
        ("bdr_tls_cert", "is no variable of this collection"),
        ("bdr_zzzzzz", "bdr_zzzzzz is no variable of this collection"),
    ],
)
def test_an_unknown_variable_is_told_of(name, said):
    (told,) = group(own={"bravo": {name: object()}}).unknown_variables
    assert told.startswith(f"{name} is no variable")
    assert said in told
    assert ("did you mean" in told) == ("zzz" not in name)


@pytest.mark.parametrize(
    "name",
    [
        *_other_variables.NAMES,
        *TLS,
        "bdr_instance_wait_seconds",
        "bdr_ddl_script",
        "bdr_group_wait_seconds",
        "postgresql_port",
        "bdr",
    ],
)
def test_a_variable_of_somebody_else_is_not_touched(name):
    assert group(**{name: object()}).unknown_variables == ()


def test_unknown_variables_are_told_of_once():
    variables = inventory(bdr_b=1, bdr_a=1)
    assert [told.split(" ")[0] for told in parse("bdr", variables).unknown_variables] == ["bdr_a", "bdr_b"]
