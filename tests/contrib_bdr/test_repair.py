"""repair with contrib_bdr: up to 0.4 each node mends its own rows, later the right one is sent to all."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._repair import make
from comparing import compare
from eras import is_0_4, plant
from groups import LOCAL_DDL, Group, eventually
from modules import runner

NODES = ("alpha", "bravo", "charlie")
MESH = {("appdb", one, other) for one in NODES for other in NODES if one != other}
ANY_DDL = f"{LOCAL_DDL} SET bdr.permit_unsafe_ddl_commands = on;"
SCHEMA = """
CREATE TABLE mark (mark int, node text, PRIMARY KEY (mark, node));
CREATE TABLE city (id int PRIMARY KEY, name text, size float8, big text);
GRANT SELECT ON ALL TABLES IN SCHEMA public TO bdr_replication;
"""
# A value of its own place, which an UPDATE that does not touch it does not send. Servers of 0.4 crash over such rows.
APART = "ALTER TABLE city ALTER big SET STORAGE EXTERNAL"
ROWS = "INSERT INTO city SELECT n, 'city ' || n, n / 3.0, repeat(md5(n::text), {}) FROM generate_series(1, 20) n"

Make = t.Callable[..., Group]


@pytest.fixture(scope="module")
def group(make_group: Make) -> Group:
    """Return a group with equal rows."""
    made = make_group("hzreal", 5930, NODES)
    made.must()
    made.everywhere(ANY_DDL + SCHEMA)
    if not is_0_4(made):
        made.everywhere(ANY_DDL + APART)
    made.sql("alpha", ROWS.format(1 if is_0_4(made) else 300))
    settle(made, 1)
    return made


def era(group: Group) -> str:
    return "0.4" if is_0_4(group) else "0.7"


def settle(group: Group, mark: int) -> None:
    """Wait until every row that was written has come through every link."""
    for node in NODES:
        group.sql(node, "INSERT INTO mark VALUES (%s, %s)", mark, node)
    for node in NODES:
        read = f"SELECT count(*) FROM mark WHERE mark = {mark}"
        eventually(lambda node=node, read=read: group.sql(node, read), [(len(NODES),)])


def rows(group: Group, node: str) -> list[tuple]:
    return group.sql(node, "SELECT id, name, size, md5(big) FROM city ORDER BY 1")


def repaired(group: Group, capsys: pytest.CaptureFixture[str], plan: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    run = runner(group, capsys, era(group))
    return {node: run("repair", node, repair=plan) for node in NODES}


def planned(group: Group, delete: bool = False) -> dict[str, t.Any]:
    return make(compare(group, "public.city"), "majority", delete, MESH)


def test_rows_of_every_kind_of_difference_come_to_one_version(group: Group, capsys: pytest.CaptureFixture[str]) -> None:
    right = rows(group, "alpha")
    plant(group, "bravo", "UPDATE city SET name = 'odd' WHERE id = 1; UPDATE city SET big = 'odd' WHERE id = 2")
    plant(group, "bravo", "DELETE FROM city WHERE id IN (3, 4)")
    plant(group, "bravo", "INSERT INTO city VALUES (100, 'more', NULL, NULL)")
    plant(group, "charlie", "UPDATE city SET size = size + 1 WHERE id = 5; DELETE FROM city WHERE id = 6")
    settle(group, 2)
    assert rows(group, "alpha") == right and rows(group, "bravo") != right != rows(group, "charlie")
    plan = planned(group, delete=True)
    found = repaired(group, capsys, plan)
    assert [each["stale"] + each["refused"] for each in found.values()] == [[], [], []], found
    wanted = {"alpha": 0, "bravo": 5, "charlie": 2} if is_0_4(group) else {"alpha": 6, "bravo": 1, "charlie": 0}
    assert {node: each["repaired"] for node, each in found.items()} == wanted
    settle(group, 3)
    for node in NODES:
        eventually(lambda node=node: rows(group, node), right)
    again = repaired(group, capsys, plan)
    assert [(each["changed"], each["repaired"], each["stale"]) for each in again.values()] == [(False, 0, [])] * 3


def test_check_mode_only_tells(group: Group, capsys: pytest.CaptureFixture[str]) -> None:
    plant(group, "bravo", "UPDATE city SET name = 'odd' WHERE id = 10")
    plan = planned(group)
    before = {node: rows(group, node) for node in NODES}
    run = runner(group, capsys, era(group))
    told = [step for node in NODES for step in run("repair", node, check=True, repair=plan)["steps"]]
    assert told == [f"{'update' if is_0_4(group) else 'send'} 1 row of public.city in appdb"]
    settle(group, 4)
    assert {node: rows(group, node) for node in NODES} == before
    repaired(group, capsys, plan)
    eventually(lambda: rows(group, "bravo"), before["alpha"])


def test_a_stale_plan_does_nothing(group: Group, capsys: pytest.CaptureFixture[str]) -> None:
    plant(group, "bravo", "UPDATE city SET name = 'odd' WHERE id IN (7, 8); DELETE FROM city WHERE id = 9")
    plan = planned(group)
    plant(group, "bravo", "UPDATE city SET name = 'odder' WHERE id = 7")
    plant(group, "bravo", "INSERT INTO city VALUES (9, 'another', 0, '')")
    plant(group, "alpha", "UPDATE city SET name = 'new' WHERE id = 8")
    before = {node: rows(group, node) for node in NODES}
    found = repaired(group, capsys, plan)
    stale = sorted(row["key"]["id"] for each in found.values() for row in each["stale"])
    assert (stale, [each["repaired"] for each in found.values()]) == (["7", "8", "9"], [0, 0, 0])
    settle(group, 5)
    assert {node: rows(group, node) for node in NODES} == before
