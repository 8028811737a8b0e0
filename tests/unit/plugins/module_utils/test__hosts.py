# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands against a run, on each host and between them."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._hosts import (
    accepted_problems,
    build_problem,
    builders,
    installs,
    problems,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._hosts_rows import seeds
from ansible_collections.pgbdr.bdr.tests.unit.builders import (
    database_found,
    host_found,
    hosts_found,
    plan,
    server_found,
)

PLAN = plan().as_dict()
NEED = 900 + 1024 + 64  # MB of each node: retention, max_wal_size, an empty instance


def found_with(**changes) -> list[str]:
    return problems(PLAN, hosts_found(**changes))


def disk(free: int, wal: int = 0, file_system: int = 1, machine: str = "one") -> dict:
    return {"machine": machine, "disk": {"file_system": file_system, "free_mb": free, "wal_mb": wal}}


def clock(offset: float, uncertainty: float = 0.0) -> dict:
    return {"clock": {"offset_ms": offset, "uncertainty_ms": uncertainty}}


def databases(**changes) -> dict:
    return {"databases": {"appdb": database_found(**changes)}}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"bravo": {"data": "ours", "major": 15, "running": True, **databases()}},
        {"bravo": {"architecture": "x86_64 little-endian 64 bit", "machine": "another"}},
        # Another distribution builds for itself.
        {"bravo": {"platform": "x86_64, debian 13"}},
        {"bravo": {"data": "ours", "major": 15, "catalog_version": 202209061, "running": True}},
        # What a package brings in this run is not there yet.
        {"bravo": {"server": server_found("", 0), "missing_packages": ["postgresql-15"]}},
    ],
)
def test_nothing_stands_against_sound_hosts(changes):
    assert found_with(**changes) == []


ONE_BY_ONE = [
    ({"restored": {"refused": "bdr_home of bravo: it is old. Mend it"}}, "bdr_home of bravo: it is old. Mend it"),
    (
        {"data": "foreign"},
        "bdr_home of bravo: /var/lib/pgbdr/bdr/bravo is not empty and not ours. Empty it, or name another directory",
    ),
    (
        {"data": "ours", "major": 14},
        "bdr_postgresql_major: bravo has a data directory of PostgreSQL 14, wanted is 15. Set bdr_postgresql_major: 14",
    ),
    ({"address_problem": "192.0.2.12"}, "bdr_listen_addresses of bravo: 192.0.2.12 is no address of that host. Name"),
    ({"port_taken": True}, "bdr_port of bravo: something else uses port 5432 there. Name a free one"),
    (
        databases(encoding="LATIN1"),
        "bdr_encoding: the database appdb of bravo has the encoding LATIN1, wanted is UTF8 on every node. Dump it",
    ),
    (databases(collate="de_DE.UTF-8"), "bdr_locale: the database appdb of bravo has the collate de_DE.UTF-8, wanted"),
    (databases(ctype="C"), "bdr_locale: the database appdb of bravo has the ctype C, wanted is C.UTF-8 on every node"),
    (
        {"architecture": "aarch64 little-endian 64 bit"},
        "the nodes differ in architecture (bravo: aarch64 little-endian 64 bit; "
        "alpha, charlie: x86_64 little-endian 64 bit); replication needs the same on all. Take the odd ones out",
    ),
]


@pytest.mark.parametrize(("changes", "said"), ONE_BY_ONE)
def test_each_problem_alone(changes, said):
    (problem,) = found_with(bravo=changes)
    assert problem.startswith(said)


def test_a_node_that_was_removed_is_not_brought_back():
    (problem,) = found_with(bravo={"data": "removed"})
    assert problem.startswith(
        "bdr_node: bravo was removed from the group for good. Take it out of the inventory; or rem"
    )


def test_a_node_that_is_half_seeded_is_seeded_to_the_end_first():
    assert found_with(bravo={"data": "seeded"}) == [
        "bdr_node: the seeding of bravo is not finished; run it again, it goes on from where it was: "
        "reseed.yml -e bdr_node=bravo -e bdr_confirm=bravo"
    ]


def test_all_problems_together():
    bad = {key: value for changes, _said in ONE_BY_ONE for key, value in changes.items()}
    bad.update(databases(encoding="LATIN1", collate="C", ctype="C"), data="foreign")
    every = found_with(bravo=bad, alpha=databases(table_with_rows="public.t"), charlie=clock(5000))
    assert [problem.split(" ")[0].rstrip(":") for problem in every] == [
        "bdr_home",
        "bdr_home",
        "bdr_postgresql_major",
        "bdr_listen_addresses",
        "bdr_port",
        "bdr_encoding",
        "bdr_locale",
        "bdr_locale",
        "the",
        "bdr_max_clock_skew_ms",
        "bdr_existing_rows",
    ]


def test_a_host_that_was_not_reached_is_not_judged():
    hosts = hosts_found("alpha bravo", bravo={"port_taken": True})
    assert len(problems(PLAN, hosts)) == 1
    assert problems(PLAN, {}) == []


@pytest.mark.parametrize(
    ("shared", "database"),
    [
        ({"bdr_encoding": "utf8"}, {}),
        ({"bdr_encoding": "Utf_8"}, {}),
        ({"bdr_encoding": "latin_1"}, {"encoding": "LATIN1"}),
        ({"bdr_encoding": "sql_ascii"}, {"encoding": "SQL_ASCII"}),
        ({"bdr_locale": "C.utf8"}, {}),
        ({"bdr_locale": "de_DE.UTF-8@euro"}, {"collate": "de_DE.utf8@euro", "ctype": "de_DE.utf8@euro"}),
        pytest.param(
            {"bdr_encoding": "unicode"},
            {},
        ),
    ],
)
def test_an_encoding_and_a_locale_have_several_names(shared, database):
    assert problems(plan(**shared).as_dict(), hosts_found(bravo=databases(**database))) == []


@pytest.mark.parametrize(
    ("shared", "database"),
    [
        ({"bdr_encoding": "LATIN1"}, {"encoding": "LATIN10"}),
        ({"bdr_locale": "de_DE"}, {"collate": "de_DE@euro", "ctype": "de_DE"}),
        ({"bdr_locale": "de_DE"}, {"collate": "de_DE.utf8", "ctype": "de_DE"}),
    ],
)
def test_other_names_are_other_things(shared, database):
    assert len(problems(plan(**shared).as_dict(), hosts_found(bravo=databases(**database)))) == 1


# --- Places ---------------------------------------------------------------------------------------

PORTS = {"alpha": {"bdr_port": 1}, "bravo": {"bdr_port": 2}, "charlie": {"bdr_port": 3}}
ONE_HOME = {name: {**variables, "bdr_home": "/srv/pg"} for name, variables in PORTS.items()}


@pytest.mark.parametrize(
    ("own", "machines", "said"),
    [
        ({}, "one two three", []),
        ({}, "one one two", ["bdr_port: alpha and bravo are on one machine and share 5432; give each its own"]),
        ({}, "one one one", ["bdr_port: alpha and bravo and charlie are on one machine and share 5432"]),
        (PORTS, "one one one", []),
        (ONE_HOME, "one two three", []),
        (ONE_HOME, "one two one", ["bdr_home: alpha and charlie are on one machine and share /srv/pg; give each"]),
        (
            {"alpha": {"bdr_home": "/srv/pg"}, "charlie": {"bdr_home": "/srv/pg"}},
            "one two one",
            [
                "bdr_port: alpha and charlie are on one machine and share 5432",
                "bdr_home: alpha and charlie are on one machine and share /srv/pg",
            ],
        ),
    ],
)
def test_nodes_of_one_machine_need_places_of_their_own(own, machines, said):
    hosts = {name: {"machine": machine} for name, machine in zip(PORTS, machines.split(), strict=True)}
    found = problems(plan(own=own).as_dict(), hosts_found(**hosts))
    assert len(found) == len(said)
    for problem, words in zip(found, said, strict=True):
        assert problem.startswith(words)


def test_the_place_of_a_node_that_was_not_reached_is_not_judged():
    assert problems(PLAN, hosts_found("alpha", alpha={"machine": "one"})) == []


# --- Disk -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"alpha": disk(NEED)}, None),
        ({"alpha": disk(NEED - 1)}, f"alpha need {NEED} MB for WAL, {NEED - 1} MB are free there"),
        # WAL that is there already is not needed again
        ({"alpha": disk(NEED - 500, wal=500)}, None),
        ({"alpha": disk(NEED - 501, wal=500)}, f"alpha need {NEED - 500} MB"),
        ({"alpha": disk(0, wal=NEED + 1)}, None),
        # Nodes of one file system share it
        ({"alpha": disk(2 * NEED), "bravo": disk(2 * NEED)}, None),
        ({"alpha": disk(2 * NEED - 1), "bravo": disk(2 * NEED)}, f"alpha, bravo need {2 * NEED} MB"),
        # Too much WAL of one does not make room for another
        ({"alpha": disk(NEED - 1, wal=9 * NEED), "bravo": disk(NEED)}, f"alpha, bravo need {NEED} MB"),
        ({"alpha": disk(NEED), "bravo": disk(NEED, file_system=2)}, None),
        ({"alpha": disk(NEED), "bravo": disk(NEED, machine="two")}, None),
    ],
)
def test_disk_is_enough_for_all_nodes_that_share_it(changes, said):
    found = problems(plan(own=PORTS).as_dict(), hosts_found(**changes))
    assert len(found) == (said is not None)
    if said:
        assert found[0].startswith("bdr_allowed_downtime_seconds x bdr_wal_rate_kb_per_second: ")
        assert said in found[0]
        assert "Lower one of the two, or give the nodes more disk (bdr_home)" in found[0]


# --- Clocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "apart"),
    [
        ({"alpha": clock(1000.0)}, None),
        ({"alpha": clock(1001.0)}, ("bravo", "alpha", 1001)),
        ({"alpha": clock(-600.0), "charlie": clock(600.0)}, ("alpha", "charlie", 1200)),
        # What could also be the time it took to ask is not held against a clock.
        ({"alpha": clock(1200.0, 150.0), "bravo": clock(0.0, 150.0), "charlie": clock(600.0, 10.0)}, None),
        (
            {"alpha": clock(1500.0, 100.0), "bravo": clock(-1.0, 50.0), "charlie": clock(600.0)},
            ("bravo", "alpha", 1351),
        ),
        # Of each side the clock that is surest counts, not the one that is farthest out.
        (
            {"alpha": clock(0.0), "bravo": clock(1500.0), "charlie": clock(1600.0, 900.0)},
            ("alpha", "bravo", 1500),
        ),
        ({"alpha": clock(-500.0, 900.0), "bravo": clock(0.0), "charlie": clock(1001.0)}, ("bravo", "charlie", 1001)),
        # A clock nobody could ask in time says nothing.
        ({"alpha": clock(0.0, 60_000.0), "bravo": clock(30_000.0, 60_000.0), "charlie": clock(0.0, 60_000.0)}, None),
        ({"alpha": clock(86_400_000.0), "bravo": clock(86_400_000.0), "charlie": clock(86_400_000.0)}, None),
    ],
)
def test_clocks(changes, apart):
    found = found_with(**changes)
    assert len(found) == (apart is not None)
    if apart:
        earliest, latest, skew = apart
        assert found[0].startswith(
            f"bdr_max_clock_skew_ms: the clocks of {earliest} and {latest} are at least {skew} ms apart, "
            "allowed are 1000."
        )
        assert "set the clocks (NTP) first" in found[0]


def test_the_limit_of_the_clocks_is_the_operator_s():
    found = plan(bdr_max_clock_skew_ms=50).as_dict()
    assert len(problems(found, hosts_found(alpha=clock(51.0)))) == 1
    assert problems(found, hosts_found(alpha=clock(50.0))) == []


# --- Rows -----------------------------------------------------------------------------------------


def stands(*connections: str, **changes) -> dict:
    """Return a node whose server runs, with links from the upstreams that the connections name."""
    return {"data": "ours", "major": 15, "running": True, **databases(connections=list(connections), **changes)}


def rows(table: str = "public.t", connections: tuple[str, ...] = ()) -> dict:
    return stands(*connections, table_with_rows=table)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"alpha": rows("")}, []),
        (
            {"alpha": rows(), "bravo": stands(), "charlie": stands()},
            [
                "public.t of appdb on alpha has rows, and bravo -> alpha, charlie -> alpha, alpha -> bravo, "
                "alpha -> charlie does not exist yet",
            ],
        ),
        # A group that stands: rows are what it is for.
        (
            {
                "alpha": rows(connections=("bravo_alpha", "charlie_alpha")),
                "bravo": rows(connections=("alpha_bravo", "charlie_bravo")),
                "charlie": stands("alpha_charlie", "bravo_charlie"),
            },
            [],
        ),
        # One link is gone.
        (
            {
                "alpha": rows(connections=("bravo_alpha", "charlie_alpha")),
                "bravo": rows("s.u", connections=("charlie_bravo",)),
                "charlie": stands("alpha_charlie", "bravo_charlie"),
            },
            [
                "public.t of appdb on alpha has rows, and alpha -> bravo does not exist yet",
                "s.u of appdb on bravo has rows, and alpha -> bravo does not exist yet",
            ],
        ),
        # A new node is seeded, and so needs no link before.
        ({"alpha": rows(connections=("charlie_alpha",)), "charlie": rows(connections=("alpha_charlie",))}, []),
        # Rows of a database that is none of the group's
        ({"alpha": {"databases": {"other": database_found("other", table_with_rows="public.t")}}}, []),
    ],
)
def test_rows_before_links(changes, said):
    found = found_with(**changes)
    assert len(found) == len(said)
    for problem, words in zip(found, said, strict=True):
        assert problem.startswith(f"bdr_existing_rows: {words}: rows from before a link are not sent through it.")
        assert "Empty the tables, or set bdr_existing_rows: accept" in problem


def test_rows_that_are_accepted():
    found = plan(bdr_existing_rows="accept").as_dict()
    assert problems(found, hosts_found(alpha=rows())) == []


@pytest.mark.parametrize(
    ("shape", "changes", "new"),
    [
        ({}, {}, []),
        ({}, {"alpha": rows(), "bravo": stands()}, ["charlie"]),
        ({}, {"alpha": rows()}, ["bravo", "charlie"]),
        ({}, {"alpha": rows(""), "bravo": stands()}, []),
        ({"bdr_existing_rows": "accept"}, {"alpha": rows(), "bravo": stands()}, []),
        # Rows downstream are no upstream's.
        ({"bdr_topology": "one_way", "bdr_upstream": "alpha"}, {"alpha": stands(), "bravo": rows()}, []),
        ({"bdr_topology": "one_way", "bdr_upstream": "alpha"}, {"alpha": rows(), "bravo": stands()}, ["charlie"]),
        ({"bdr_engine": "contrib_bdr"}, {"alpha": rows(), "bravo": stands()}, []),
    ],
)
def test_who_is_seeded(shape, changes, new):
    assert seeds(plan(**shape).as_dict(), hosts_found(**changes)) == new


def test_a_node_that_is_not_reached_is_not_seeded():
    hosts = hosts_found(alpha=rows(), bravo=stands())
    del hosts["charlie"]
    assert seeds(PLAN, hosts) == []


def test_one_node_is_seeded_at_a_time():
    (problem,) = found_with(alpha=rows())
    assert problem.startswith("bdr_hosts: bravo and charlie are new, and the group holds rows")
    assert problem.endswith("Add them to the inventory one at a time, with a run of site.yml each")


def test_rows_matter_where_the_links_are():
    found = plan(bdr_topology="one_way", bdr_upstream="alpha").as_dict()
    (problem,) = problems(found, hosts_found(alpha=stands(), bravo=rows()))
    assert "on bravo has rows, and alpha -> bravo does not exist yet" in problem


def test_rows_are_told_of_for_each_database():
    found = plan("alpha bravo", bdr_databases=["x", "y"]).as_dict()
    full = {**stands(), "databases": {name: database_found(name, table_with_rows=f"s.{name}") for name in ("x", "y")}}
    told = problems(found, hosts_found("alpha bravo", alpha=full, bravo=full))
    assert [problem.split(", and ")[0] for problem in told] == [
        f"bdr_existing_rows: s.{database} of {database} on {node} has rows"
        for database in ("x", "y")
        for node in ("alpha", "bravo")
    ]
    assert all("and bravo -> alpha, alpha -> bravo does not exist yet" in problem for problem in told)


def test_a_server_that_is_down_is_no_reason_to_refuse():
    """Its links are not seen, which is not to say that they are not there: site.yml must be able to start it."""
    linked = rows(connections=("bravo_alpha",))
    found = plan("alpha bravo").as_dict()
    assert problems(found, hosts_found("alpha bravo", alpha=linked, bravo={"major": 15, "running": False})) == []


def test_rows_of_a_node_that_was_not_reached_are_unknown():
    assert problems(PLAN, {"bravo": host_found("bravo", **databases())}) == []


# --- A node that is lost --------------------------------------------------------------------------

GONE = {"data": "absent", "major": None}
LOST = (
    "bdr_home of {0}: there is no data directory, but {1} had links from it: a new one would be another node to them. "
    "Put its data back; or give up what it did not send, and copy another node: "
    "reseed.yml -e bdr_node={0} -e bdr_confirm={0} -e bdr_accept_loss={0}"
)
LOST_FOR_GOOD = LOST.split(" or give up")[0] + " to give it up, remove the whole group"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        # A group that is made, and one to which bravo is added.
        ({}, []),
        ({"alpha": stands("charlie_alpha"), "bravo": GONE, "charlie": stands("alpha_charlie")}, []),
        (
            {"alpha": stands("bravo_alpha", "charlie_alpha"), "bravo": GONE, "charlie": stands("alpha_charlie")},
            [("bravo", "alpha")],
        ),
        (
            {"alpha": stands("bravo_alpha"), "bravo": GONE, "charlie": stands("bravo_charlie")},
            [("bravo", "alpha, charlie")],
        ),
        # An empty home that was made again is no data either.
        ({"alpha": stands("bravo_alpha"), "bravo": {"data": "ours", "major": None}}, [("bravo", "alpha")]),
        # Two are gone.
        ({"alpha": stands("bravo_alpha", "charlie_alpha")}, [("bravo", "alpha"), ("charlie", "alpha")]),
        # It is there, though it is down.
        ({"alpha": stands("bravo_alpha"), "bravo": {"data": "ours", "major": 15}}, []),
        # A connection that the plan does not know is nobody's.
        ({"alpha": stands("zulu_alpha", "alpha_bravo")}, []),
        # A server that is down does not tell whom it had links from.
        ({"alpha": {"data": "ours", "major": 15}, "bravo": GONE}, []),
    ],
)
def test_a_node_whose_data_is_gone_is_not_made_anew(changes, said):
    assert found_with(**changes) == [LOST.format(*each) for each in said]


def test_a_node_that_was_not_reached_is_not_lost():
    hosts = hosts_found(alpha=stands("bravo_alpha"), bravo=GONE, charlie=stands())
    assert problems(PLAN, hosts) == [LOST.format("bravo", "alpha")]
    del hosts["bravo"]
    assert problems(PLAN, hosts) == []


def test_a_node_is_told_of_once_whatever_databases_it_had():
    found = plan("alpha bravo", bdr_databases=["x", "y"]).as_dict()
    names = {name: [each["name"] for each in found["nodes"]["alpha"]["connections"]] for name in ("x", "y")}
    full = {name: database_found(name, connections=connections) for name, connections in names.items()}
    both = {**stands(), "databases": full}
    assert problems(found, hosts_found("alpha bravo", alpha=both)) == [LOST.format("bravo", "alpha")]
    one = {**stands(), "databases": {"x": database_found("x"), "y": full["y"]}}
    assert problems(found, hosts_found("alpha bravo", alpha=one)) == [LOST.format("bravo", "alpha")]


@pytest.mark.parametrize("era", ["0.4", "0.7"])
def test_a_node_that_fed_nobody_may_be_made_anew(era):
    shape = {"bdr_topology": "one_way", "bdr_upstream": "alpha", "bdr_engine": "contrib_bdr", "bdr_era": era}
    found = plan("alpha bravo", **shape).as_dict()
    sound = {"server": server_found("9.4", 0, era)}
    hosts = hosts_found("alpha bravo", alpha={**stands(), **sound}, bravo={**GONE, **sound})
    assert problems(found, hosts) == []
    hosts = hosts_found("alpha bravo", alpha={**GONE, **sound}, bravo={**stands("alpha"), **sound})
    assert problems(found, hosts) == [LOST_FOR_GOOD.format("alpha", "bravo")]


def test_rows_that_are_accepted_do_not_bring_a_node_back():
    found = plan("alpha bravo", bdr_existing_rows="accept").as_dict()
    assert problems(found, hosts_found("alpha bravo", alpha=rows(connections=("bravo_alpha",)), bravo=GONE)) == [
        LOST.format("bravo", "alpha")
    ]


# --- Packages -------------------------------------------------------------------------------------


def test_one_node_of_a_machine_installs():
    hosts = {
        "charlie": host_found("charlie", machine="one", missing_packages=["x"]),
        "alpha": host_found("alpha", machine="one", missing_packages=["x", "y"]),
        "bravo": host_found("bravo", machine="two", missing_packages=["x"]),
        "delta": host_found("delta", machine="three"),
    }
    assert installs(hosts) == {"alpha": ["x", "y"], "bravo": ["x"], "charlie": [], "delta": []}
    assert installs({}) == {}


# --- The server's programs ------------------------------------------------------------------------

OLD = {"bdr_engine": "contrib_bdr", "bdr_era": "0.4"}
OWN = {"bdr_bin_directory": "/opt/pg/bin"}
NO_SERVER = server_found("", 0)
SERVER_04 = server_found("9.3beta1", 201305061, "0.4")
SERVER_07 = server_found("9.4beta2", 201408161, "0.7")
UNREADABLE = (
    "the node's data directory has the catalog version {}, the server in {} reads {}: it was made by another "
    "server. Give the node that server again (bdr_build_*, bdr_bin_directory), or remove its data"
)


@pytest.mark.parametrize(
    ("shared", "bravo", "said"),
    [
        # Programs of the operator's own must be there.
        (
            {**OLD, **OWN},
            {"server": NO_SERVER},
            "bdr_bin_directory: /opt/pg/bin of bravo has no program postgres. Name the server's directory there",
        ),
        (OWN, {"server": NO_SERVER}, "bdr_bin_directory: /opt/pg/bin of bravo has no program postgres."),
        ({}, {"server": NO_SERVER}, "bdr_bin_directory: /usr/lib/postgresql/15/bin of bravo has no program postgres."),
        # A server that is built comes in this run.
        (OLD, {"server": NO_SERVER}, None),
        ({"bdr_build": True}, {"server": NO_SERVER}, None),
        (OLD, {"server": SERVER_04}, None),
        ({**OLD, **OWN}, {"server": SERVER_04}, None),
        # It must have the engine, unless it is built in this run.
        (
            {**OLD, **OWN},
            {"server": server_found()},
            "bdr_engine: the server in /opt/pg/bin of bravo has no contrib/bdr. Use pglogical, or a server that has it",
        ),
        (OLD, {"server": server_found()}, None),
        ({}, {"server": server_found()}, None),
        ({**OWN}, {"server": SERVER_07}, None),
        # It must be of the era that was planned for; a build of another source may come in this run.
        (
            {**OLD, **OWN},
            {"server": SERVER_07},
            "bdr_era: the contrib/bdr in /opt/pg/bin of bravo is of the era 0.7, not 0.4. "
            'Set bdr_era: "0.7", or take bdr_era out',
        ),
        (OLD, {"server": SERVER_07}, None),
        # It must read what lies there.
        ({**OLD, **OWN}, {"server": SERVER_04, "catalog_version": 201305061}, None),
        (
            {**OLD, **OWN},
            {"server": SERVER_04, "catalog_version": 201408161},
            UNREADABLE.format(201408161, "/opt/pg/bin of bravo", 201305061),
        ),
        ({}, {"catalog_version": 1}, UNREADABLE.format(1, "/usr/lib/postgresql/15/bin of bravo", 202209061)),
        # Without its headers a server does not say what it reads.
        ({**OLD, **OWN}, {"server": server_found("9.3beta1", 0, "0.4"), "catalog_version": 201408161}, None),
        # No distribution says which major version a server is of that somebody built.
        ({**OLD, **OWN}, {"server": SERVER_04, "data": "ours", "major": 93}, None),
    ],
)
def test_the_server_must_fit_the_plan_and_the_data(shared, bravo, said):
    names = "alpha bravo"
    sound = {"server": SERVER_04 if shared.get("bdr_era") else server_found()}
    found = problems(plan(names, **shared).as_dict(), hosts_found(names, alpha=sound, bravo=bravo))
    assert len(found) == (said is not None)
    assert not said or found[0].startswith(said)


def test_a_server_can_be_wrong_in_two_ways():
    found = plan("alpha bravo", **OLD, **OWN).as_dict()
    bad = {"server": SERVER_07, "catalog_version": 201305061}
    told = problems(found, hosts_found("alpha bravo", alpha={"server": SERVER_04}, bravo=bad))
    assert [problem.split(" of bravo")[0] for problem in told] == [
        "bdr_era: the contrib/bdr in /opt/pg/bin",
        "the node's data directory has the catalog version 201305061, the server in /opt/pg/bin",
    ]


BUILD = "/opt/pgbdr/builds/x"


@pytest.mark.parametrize(
    ("era", "data", "server", "said"),
    [
        ("0.4", 0, NO_SERVER, f"{BUILD} has no program postgres; run site.yml again, which builds it"),
        ("", 0, NO_SERVER, f"{BUILD} has no program postgres"),
        ("0.4", 0, SERVER_04, ""),
        ("0.4", 201305061, SERVER_04, ""),
        ("0.4", 0, SERVER_07, f"bdr_era: the contrib/bdr in {BUILD} is of the era 0.7, not 0.4."),
        (
            "0.7",
            0,
            server_found(),
            f"bdr_build_contrib: {BUILD} has no contrib/bdr. Take bdr into the list",
        ),
        # Any will do: pglogical, or an era that was only assumed.
        ("", 0, SERVER_04, ""),
        ("", 0, SERVER_07, ""),
        ("", 0, server_found(), ""),
        ("", 201305061, SERVER_07, UNREADABLE.format(201305061, BUILD, 201408161)),
        ("0.7", 201305061, SERVER_07, UNREADABLE.format(201305061, BUILD, 201408161)),
        ("0.7", 201305061, server_found("9.4", 0, "0.7"), ""),
        # Of two reasons the first to mend.
        ("0.4", 201305061, SERVER_07, "bdr_era: "),
        ("0.4", 201305061, server_found(), "bdr_build_contrib: "),
    ],
)
def test_a_node_does_not_run_a_build_that_does_not_fit(era, data, server, said):
    found = build_problem(era, data, server, BUILD)
    assert found.startswith(said)
    assert bool(found) is bool(said)


def test_one_host_of_a_platform_builds():
    hosts = {
        "charlie": host_found("charlie", platform="x86_64, debian 12"),
        "alpha": host_found("alpha", platform="x86_64, debian 13"),
        "bravo": host_found("bravo", platform="x86_64, debian 12"),
        "delta": host_found("delta", platform="aarch64, debian 12"),
    }
    assert builders(hosts) == {"alpha": "alpha", "bravo": "bravo", "charlie": "bravo", "delta": "delta"}
    assert list(builders(hosts)) == sorted(hosts)
    assert builders({}) == {}


@pytest.mark.parametrize("accepted", ["", "alpha", "alpha,charlie", "alpha, charlie"])
def test_nodes_may_be_named_whose_data_is_accepted(accepted):
    assert accepted_problems(PLAN, accepted) == []


def test_a_name_that_is_no_node_s_is_told():
    said = "bdr_accept_restored names 'zulu': the group bdr has no such node; it has alpha, bravo, charlie"
    assert accepted_problems(PLAN, "alpha,zulu") == [said]
