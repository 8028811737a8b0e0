"""Groups that are not plain: several databases with odd names, other shapes, TLS, runs that were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import typing as t
from pathlib import Path

import psycopg2
import pytest
from groups import HOMES, Group, eventually, words
from test_stand_up import replicates


def test_databases_with_odd_names_and_shapes_of_their_own(make_group: t.Callable[..., Group]) -> None:
    names = ["Äpp-db 'one'", 'we"ird %s {x} $y \\z']
    group = make_group("itodd", 5486, ("North.1", "south-2", "south_2b"))
    group.variables["bdr_databases"] = [
        {"name": names[0]},
        {"name": names[1], "topology": "one_way", "upstream": "North.1"},
    ]
    group.must()
    assert group.must().changed() == set()
    group.everywhere('CREATE TABLE "Tä ble" (id int PRIMARY KEY, name text)', database=names[0])
    replicates(group, '"Tä ble"', database=names[0])
    group.everywhere("CREATE TABLE report (id int PRIMARY KEY)", database=names[1])
    group.sql("North.1", "INSERT INTO report VALUES (1)", database=names[1])
    group.sql("south-2", "INSERT INTO report VALUES (2)", database=names[1])
    for node, wanted in (("south-2", [(1,), (2,)]), ("south_2b", [(1,)]), ("North.1", [(1,)])):
        eventually(lambda node=node: group.sql(node, "TABLE report ORDER BY 1", database=names[1]), wanted)
    planned = group.sql("North.1", "SELECT slot_name FROM pg_replication_slots ORDER BY 1", database=names[0])
    run = group.must("plan", "-e", f"bdr_plan_file={group.directory}/plan.json")
    assert run.code == 0
    import json

    plan = json.loads((group.directory / "plan.json").read_text())
    assert sorted(slot["name"] for slot in plan["nodes"]["North.1"]["slots"]) == [row[0] for row in planned]
    group.remove()


def openssl(directory: Path, *arguments: str) -> None:
    """Run openssl in a directory."""
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """Return a directory with a CA and a server's certificate for 127.0.0.1."""
    openssl(tmp_path, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
            "-subj", "/CN=test CA", "-days", "2")  # fmt: skip
    openssl(tmp_path, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr",
            "-subj", "/CN=localhost")  # fmt: skip
    (tmp_path / "san").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    openssl(tmp_path, "x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "san", "-out", "server.crt")  # fmt: skip
    return tmp_path


def test_tls_between_the_nodes(make_group: t.Callable[..., Group], certificates: Path) -> None:
    group = make_group("ittls", 5492)
    for variable, name in (("certificate", "server.crt"), ("key", "server.key"), ("ca", "ca.crt")):
        group.variables[f"bdr_tls_{variable}"] = f"{{{{ lookup('file', '{certificates / name}') }}}}\n"
    group.variables["bdr_tls"] = "verify-full"
    group.must()
    assert group.must().changed() == set()
    for node in group.ports:
        encrypted = """SELECT count(*), bool_and(s.ssl) FROM pg_stat_replication r JOIN pg_stat_ssl s USING (pid)"""
        assert group.sql(node, encrypted) == [(1, True)]
        assert "hostssl" in (group.home(node) / "data" / "pg_hba.conf").read_text()
        assert (group.home(node) / "tls" / "server.key").stat().st_mode & 0o777 == 0o600
    group.variables["bdr_tls"] = False  # what YAML makes of a bare off
    group.must()
    assert group.must().changed() == set()
    assert group.sql("alpha", "SELECT count(*) FROM pg_stat_ssl WHERE ssl") == [(0,)]
    group.variables["bdr_tls"] = "require"
    group.must()
    assert group.must().changed() == set()
    assert "hostssl" in (group.home("alpha") / "data" / "pg_hba.conf").read_text()
    group.remove()


# A module begins its work about a second into its task.
KILLS = (
    ("Bring up the instance", 1.5),  # while initdb runs
    ("Bring up the instance", 3.0),  # while the server starts
    ("Make the node a member of the group", 1.0),
    ("Link the node to its upstreams", 1.0),
)


def test_a_killed_run_can_simply_be_run_again(make_group: t.Callable[..., Group]) -> None:
    """Kill ansible-playbook and everything it started, at some point of the way; the next run goes on from there."""
    group = make_group("itkill", 5489)
    for task, seconds in KILLS:
        group.kill(task, seconds, "site")
    group.must()
    assert group.must().changed() == set()
    group.everywhere("CREATE TABLE city (id int PRIMARY KEY, name text)")
    replicates(group, "city")
    group.remove()


def test_a_physical_standby_follows_its_primary(make_group: t.Callable[..., Group]) -> None:
    """bravo is alpha's copy, charlie its downstream: both read what alpha writes, bravo takes no writes of its own."""
    group = make_group("itha", 5457, ("alpha", "bravo", "charlie"), bdr_topology="one_way", bdr_upstream="alpha")
    group.host_variables["bravo"] = {"bdr_standby_of": "alpha"}
    predicted = group.must("site", "--check")
    assert not (HOMES / group.name).exists()
    built = group.must()
    assert (
        {host for _task, host in predicted.changed()} == {host for _task, host in built.changed()} == set(group.ports)
    )
    assert "alpha -> bravo" in words(built.output)
    for node in ("alpha", "charlie"):
        group.sql(node, "CREATE TABLE city (id int PRIMARY KEY, name text)")
    group.sql("alpha", "INSERT INTO city VALUES (1, 'Bern')")
    for node in ("bravo", "charlie"):
        eventually(lambda node=node: group.sql(node, "TABLE city"), [(1, "Bern")])
    with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
        group.sql("bravo", "DELETE FROM city")
    assert group.must().changed() == set()

    os.kill(int((group.home("bravo") / "data/postmaster.pid").read_text().split()[0]), signal.SIGINT)
    assert {host for _task, host in group.must().changed()} == {"bravo"}, "a standby that stands still is started again"
    group.variables["bdr_settings"] = {**group.variables.get("bdr_settings", {}), "max_connections": 120}
    group.must()
    assert {group.sql(node, "SHOW max_connections", database="postgres")[0][0] for node in group.ports} == {"120"}
    assert group.must().changed() == set()
    group.remove()
