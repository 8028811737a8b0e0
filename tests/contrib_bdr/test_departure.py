"""A node leaves a group of the engine contrib_bdr: alive, its identity known only to the slots of the others."""

from __future__ import annotations

import os
import signal
import typing as t

import pytest
from groups import LOCAL_DDL, Group, eventually, words

NODES = ("alpha", "bravo", "charlie")
CHARLIE = ("-e", "bdr_node=charlie", "-e", "bdr_confirm=charlie")
VIEWS = "SELECT viewname FROM pg_views WHERE viewname IN ('pg_stat_logical_decoding', 'pg_replication_slots')"


@pytest.fixture
def group(make_group: t.Callable[..., Group]) -> t.Iterator[Group]:
    made = make_group("bleave", 5590, NODES)
    made.must()
    yield made
    made.ports = dict(zip(NODES, range(5590, 5593), strict=True))
    made.remove()


def slots(group: Group, node: str) -> int:
    ((view,),) = group.sql(node, VIEWS)
    return len(group.sql(node, f"SELECT 1 FROM {view}"))


def arrives(group: Group, text: str, nodes: t.Sequence[str], wanted: list[tuple]) -> None:
    for node in nodes:
        eventually(lambda node=node: group.sql(node, text), wanted)


def gone(group: Group) -> None:
    for node in ("alpha", "bravo"):
        assert slots(group, node) == 1
        assert "port=5592" not in (group.home(node) / "data/pgbdr_connections.conf").read_text()
        assert "127.0.0.1:5592" not in (group.home(node) / "passfile").read_text()
        assert group.sql(node, "SELECT 1 FROM pgbdr.heartbeat WHERE 'charlie' IN (upstream, downstream)") == []


def test_a_live_node_leaves(group: Group) -> None:
    group.everywhere(f"{LOCAL_DDL} CREATE TABLE city (id int PRIMARY KEY, name text)")
    assert slots(group, "alpha") == 2
    predicted = group.must("remove_node", *CHARLIE, "--check")
    assert slots(group, "alpha") == 2
    group.sql("charlie", "INSERT INTO city SELECT n, 'charlie' FROM generate_series(1, 500) n")
    run = group.must("remove_node", *CHARLIE)
    assert {host for _task, host in run.changed()} == {host for _task, host in predicted.changed()} == set(NODES)
    gone(group)
    arrives(group, "SELECT count(*) FROM city", ("alpha", "bravo"), [(500,)])
    assert group.must("remove_node", *CHARLIE).changed() == set()
    del group.ports["charlie"]
    assert group.must("site").changed() == set()
    group.sql("alpha", "INSERT INTO city VALUES (0, 'alpha')")
    arrives(group, "SELECT name FROM city WHERE id = 0", ("bravo",), [("alpha",)])


def test_a_dead_node_is_told_by_what_nobody_accounts_for(group: Group) -> None:
    os.kill(int((group.home("charlie") / "data/postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
    run = group.play("remove_node", *CHARLIE)
    assert run.code != 0
    assert "bdr_accept_loss=charlie" in words(run.output)
    assert run.changed() == set()
    group.must("remove_node", *CHARLIE, "-e", "bdr_accept_loss=charlie")
    gone(group)
    assert group.must("remove_node", *CHARLIE, "-e", "bdr_accept_loss=charlie").changed() == set()
