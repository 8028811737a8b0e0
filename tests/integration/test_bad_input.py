"""What only a host can tell to be wrong: one clear error, and no host is changed. The rest is in tests/unit."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import typing as t
from pathlib import Path

import psycopg2
import pytest
from groups import HOMES, Group, Run, words


@pytest.fixture
def group(make_group: t.Callable[..., Group]) -> t.Iterator[Group]:
    """Return a group that is never built."""
    group = make_group("itbad", 5476)
    group.variables = {}
    group.host_variables = {}
    yield group
    shutil.rmtree(HOMES / group.name, ignore_errors=True)


def refused(group: Group, *arguments: str) -> Run:
    """Run site.yml and see it refuse, with one error, before anything is changed."""
    before = sorted((HOMES / group.name).rglob("*"))
    run = group.play("site", *arguments)
    assert run.code != 0, run.output
    assert run.changed() == set()
    assert len(run.errors()) == 1, run.errors()
    assert sorted((HOMES / group.name).rglob("*")) == before
    return run


def test_an_unreachable_host_leaves_the_others_as_they_are(group: Group) -> None:
    group.host_variables["bravo"] = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    run = refused(group)
    assert "bravo" in words(run.output) and "UNREACHABLE" in run.output


def test_a_home_that_is_not_ours(group: Group) -> None:
    home = group.home("bravo")
    home.mkdir(parents=True)
    (home / "precious").write_text("data")
    run = refused(group)
    assert f"bdr_home of bravo: {home} is not empty and not ours" in words(run.errors()[0])
    assert (home / "precious").read_text() == "data"


def test_a_home_of_another_node(group: Group) -> None:
    group.home("bravo").mkdir(parents=True)
    (group.home("bravo") / ".pgbdr.json").write_text('{"group": "itbad", "node": "charlie"}')
    assert "bdr_home of bravo" in refused(group).errors()[0]


def test_a_port_in_use(group: Group) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", group.ports["bravo"]))):
        run = refused(group)
    assert run.errors() == [
        f"bdr_port of bravo: something else uses port {group.ports['bravo']} there. Name a free one"
    ]


def test_an_address_of_another_host(group: Group) -> None:
    group.host_variables["bravo"] = {"bdr_address": "192.0.2.1"}
    assert "bdr_listen_addresses of bravo: 192.0.2.1 is no address of that host" in refused(group).errors()[0]


def test_a_data_directory_of_another_major_version(group: Group) -> None:
    data = group.home("alpha") / "data"
    data.mkdir(parents=True)
    (group.home("alpha") / ".pgbdr.json").write_text('{"group": "itbad", "node": "alpha"}')
    (data / "PG_VERSION").write_text("14\n")
    assert (
        "bdr_postgresql_major: alpha has a data directory of PostgreSQL 14, wanted is 15" in refused(group).errors()[0]
    )


def test_too_little_disk(group: Group) -> None:
    group.variables["bdr_allowed_downtime_seconds"] = 31_536_000
    group.variables["bdr_wal_rate_kb_per_second"] = 1_000_000
    error = refused(group).errors()[0]
    assert error.startswith("bdr_allowed_downtime_seconds x bdr_wal_rate_kb_per_second: alpha, bravo need")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"bdr_databases": "{{ no_such_thing }}"}, "bdr_databases is a template that did not resolve"),
        (
            {"bdr_engine": "contrib_bdr", "bdr_bin_directory": "/usr/lib/postgresql/15/bin"},
            "bdr_engine: the server in /usr/lib/postgresql/15/bin of alpha has no contrib/bdr",
        ),
        ({"bdr_replication_password": 12345}, "bdr_replication_password must be a string of one line"),
        ({"bdr_tls": "verify-full"}, "bdr_tls_ca of alpha is missing"),
    ],
)
def test_a_variable_that_is_wrong(group: Group, variables: dict[str, t.Any], message: str) -> None:
    group.variables.update(variables)
    assert message in words(refused(group).errors()[0])


def test_no_such_inventory_group(group: Group) -> None:
    run = group.play("site", "-e", "bdr_hosts=alpha")
    assert "bdr_hosts: the inventory has no group alpha" in words(run.output)


def distributions_own() -> dict[Path, float]:
    """Return the files of the distribution's own servers, and when they were written."""
    there = Path("/etc/postgresql")
    return {path: path.stat().st_mtime for path in there.rglob("*")} if there.exists() else {}


@pytest.fixture(scope="module")
def before() -> dict[Path, float]:
    """Return what was there before a group was made beside it."""
    return distributions_own()


@pytest.fixture(scope="module")
def standing(make_group: t.Callable[..., Group], before: dict[Path, float]) -> Group:
    """Return a pair that stands; the last test removes it."""
    group = make_group("itrows", 5478)
    group.must()
    return group


def test_rows_that_a_new_link_would_not_carry(standing: Group) -> None:
    standing.everywhere("CREATE TABLE city (id int PRIMARY KEY)")
    standing.sql("alpha", "INSERT INTO city VALUES (1)")
    standing.sql("bravo", "SELECT pglogical.drop_subscription('alpha_bravo')")
    run = standing.play()
    assert run.code != 0
    assert run.changed() == set()
    assert "bdr_existing_rows: public.city of appdb on" in words(run.errors()[0])
    assert "alpha -> bravo does not exist yet" in words(run.errors()[0])
    standing.everywhere("DELETE FROM city")
    standing.must()


def test_a_database_with_another_encoding(standing: Group) -> None:
    standing.sql("bravo", "CREATE DATABASE other TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'", database="postgres")
    standing.variables["bdr_databases"] = ["appdb", "other"]
    run = standing.play()
    assert run.code != 0 and run.changed() == set()
    assert "bdr_encoding: the database other of bravo has the encoding LATIN1, wanted is UTF8" in words(run.errors()[0])


def test_the_distributions_own_server_is_left_alone(standing: Group, before: dict[Path, float]) -> None:
    """A server that was there before keeps its files, its port and its data."""
    standing.remove()
    assert distributions_own() == before
    assert os.path.exists("/etc/postgresql-common")
    with pytest.raises(psycopg2.OperationalError):
        standing.sql("alpha", "SELECT 1")
