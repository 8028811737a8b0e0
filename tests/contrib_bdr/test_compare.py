"""compare.yml with contrib_bdr: hashes and fences of old servers, and one of them beside a new one."""

from __future__ import annotations

import json
import threading
import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.work import Comparison
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import node_plan
from eras import is_0_4, plant
from groups import LOCAL_DDL, SOCKETS, Group, eventually
from modules import node_plans

NODES = ("alpha", "bravo", "charlie")
ANY_DDL = f"{LOCAL_DDL} SET bdr.permit_unsafe_ddl_commands = on;"
SCHEMA = """
CREATE TABLE city (id int PRIMARY KEY, name text, size float8, share numeric);
CREATE TABLE visit (city int, at timestamptz);
"""
ROWS = "INSERT INTO city SELECT n, 'city ' || n, n / 3.0, n / 7.0 FROM generate_series(1, 20000) n"

Make = t.Callable[..., Group]


@pytest.fixture(scope="module")
def group(make_group: Make) -> Group:
    """Return a group with equal rows."""
    made = make_group("hcbcmp", 5870, NODES)
    made.must()
    made.everywhere(ANY_DDL + SCHEMA)
    made.sql("alpha", ROWS)
    for node in NODES:
        eventually(lambda node=node: made.sql(node, "SELECT count(*) FROM city"), [(20000,)])
    return made


def compare(group: Group, **options: t.Any) -> tuple[int, dict[str, t.Any], str]:
    """Run compare.yml. Return its status, the comparison that it wrote, and its output."""
    path = group.directory / "compare.json"
    path.unlink(missing_ok=True)
    given = {f"bdr_compare_{name}": value for name, value in {"file": str(path), **options}.items()}
    run = group.play("compare", "-e", json.dumps(given))
    return run.code, json.loads(path.read_text("utf-8")) if path.exists() else {}, run.output


def rows(found: dict[str, t.Any], name: str = "city") -> dict[str, str]:
    table = next(each for each in found["tables"] if each["name"] == name)
    return {row["key"]["id"]: row["verdict"] for row in table["differences"]}


def test_equal_nodes_are_equal(group: Group) -> None:
    code, found, output = compare(group)
    assert (code, found["verdict"], found["hash"]["mode"]) == (0, "equal", "md5"), output
    assert group.must("compare").changed() == set()


def test_what_is_planted_is_told(group: Group) -> None:
    plant(group, "bravo", "DELETE FROM city WHERE id = 17")
    plant(group, "charlie", "UPDATE city SET share = 3.00 WHERE id = 21")
    plant(group, "charlie", "INSERT INTO city VALUES (-5, NULL, 'NaN', 1)")
    code, found, output = compare(group)
    assert code != 0 and rows(found) == dict.fromkeys(("17", "21", "-5"), "different"), output
    # What the guide's era writes under an origin counts as written in 2000.
    wanted = {"21": ["alpha", "bravo"] if is_0_4(group) else ["charlie"], "-5": ["charlie"]}
    newest = {row["key"]["id"]: row["newest"] for row in found["tables"][-1]["differences"]}
    assert {key: newest[key] for key in wanted} == wanted, "commit times are told"
    # To = of SQL 3.00 is 3.0000000000000000.
    assert rows(compare(group, equality="sql")[1]).keys() == {"17", "-5"}


def test_nothing_false_while_all_nodes_write(group: Group) -> None:
    enough = threading.Event()

    def write(place: int) -> None:
        with group.session(NODES[place]) as session, session.cursor() as cursor:
            session.autocommit = True
            number = 0
            while not enough.is_set():
                number += 3
                key = 1000 + (number + place) % 15000
                cursor.execute("UPDATE city SET size = size + 1 WHERE id %% 3 = %s AND id = %s", (place, key))
                enough.wait(0.01)

    writers = [threading.Thread(target=write, args=(place,)) for place in range(len(NODES))]
    for writer in writers:
        writer.start()
    try:
        for _round in range(3):
            assert rows(compare(group)[1]) == dict.fromkeys(("17", "21", "-5"), "different")
    finally:
        enough.set()
        for writer in writers:
            writer.join()


def test_an_old_server_beside_a_new_one(group: Group, make_group: Make) -> None:
    """The same rows in a database of a stock server: equal where they are, told where they are not."""
    stock = make_group("hcbnew", 5875, ("delta", "echo"), bdr_engine="pglogical", bdr_settings={})
    stock.must()
    stock.everywhere(SCHEMA)
    stock.sql("delta", ROWS)
    dsn = f"host={SOCKETS} port={stock.ports['delta']} dbname=appdb user=postgres"
    members = node_plans(group, "0.4" if is_0_4(group) else "0.7")
    lists = ("without", "databases", "schemas", "replication_sets", "only")
    given = {
        **dict.fromkeys(lists, []),
        **{"members": members, "nodes": ["alpha", "delta"], "others": [{"name": "delta", "dsn": dsn}]},
        **{"tables": ["city"], "columns": {}, "where": {}, "equality": "exact", "max_differences": 9},
        **{"fence_seconds": 60, "max_lag_mb": 0, "max_active": 0, "fresh": True, "slice_seconds": 0, "goes_on": False},
    }
    with Comparison(node_plan(members["alpha"]), given) as comparison:
        found = comparison.go_on()["comparison"]
    assert (found["verdict"], found["hash"]["mode"]) == ("equal", "md5"), found["tables"]
    stock.sql("delta", "UPDATE city SET size = 0.1 + 0.2 WHERE id = 4")
    with Comparison(node_plan(members["alpha"]), given) as comparison:
        assert rows(comparison.go_on()["comparison"]) == {"4": "different"}
