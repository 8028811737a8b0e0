"""The hash of a row on an old server and on a new one: the same for the same, another for all else."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_hash as compare
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_table as catalog
from groups import Group
from traps import KEYS, KINDS, PROGRAMS, ROWS, SETTINGS, Place, Sides, check_keys, keyed, plant, server

PORT = 5912


@pytest.fixture(scope="module")
def sides(make_group: t.Callable[..., Group]) -> t.Iterator[Sides]:
    """Yield a database on a server of the group's programs, and one on a server of today."""
    group = make_group("hybdr", 5910, ("alpha", "bravo"))
    group.must()
    with server(f"/opt/pgbdr/{group.name}/bin", PORT) as old, server(PROGRAMS, PORT + 1) as new:
        both = Place.made(old, PORT, "here"), Place.made(new, PORT + 1, "there", SETTINGS)
        for side in both:
            plant(side, turned=side is both[1])
            side.pin([each.capabilities() for each in both])
        yield both
        for side in both:
            side.close()


@pytest.fixture(scope="module")
def common(sides: Sides) -> dict[str, catalog.CompareTable]:
    """Return what both have of each table that both have."""
    left, right = (side.tables() for side in sides)
    found = {name: catalog.common({"old": left[name], "new": right[name]}) for name in left}
    assert {name: notes for name, (_table, notes) in found.items() if notes} == {}
    return {name: table for name, (table, _notes) in found.items()}


def test_an_old_server_and_a_new_one_hash_alike(sides: Sides, common: dict[str, catalog.CompareTable]) -> None:
    mode = compare.hash_mode([side.capabilities() for side in sides])
    assert mode == "md5"
    wrong = []
    names = [name for name, kind in KINDS.items() if all(side.has(kind) for side in sides)]
    assert len(names) > 50
    for name, equality in itertools.product(names, ("exact", "sql")):
        kind = KINDS[name]
        left, right = (side.hashes(common[f"of {name}"], mode, equality) for side in sides)
        same = {pair for here, there in kind.same for pair in ((here, there), (there, here))}
        equal = same if equality == "sql" else set()
        values = [None, *kind.values]
        wrong += [
            (name, equality, values[here], values[there])
            for here, there in itertools.product(left, right)
            if (left[here] == right[there]) != (here == there or (values[here], values[there]) in equal)
        ]
    assert wrong == []


def test_columns_do_not_run_into_each_other(sides: Sides, common: dict[str, catalog.CompareTable]) -> None:
    left, right = (side.hashes(common["rows"], "md5", "exact") for side in sides)
    assert left == right
    assert len(set(left.values())) == len(ROWS)
    blocks = [side.block(common["rows"], "md5") for side in sides]
    assert blocks[0] == blocks[1]


@pytest.mark.parametrize("name", KEYS)
def test_a_key_of_one_server_finds_the_row_of_the_other(sides: Sides, name: str) -> None:
    kind = KINDS[name]
    if not all(side.has(kind) for side in sides):
        pytest.skip("one of the servers does not know it")
    if "empty" in kind.values:
        pytest.skip("planners of these servers stop at >= of an empty range: unexpected operator 3886")
    twins = dict(kind.same)
    rows = [(text,) for text in kind.values if text not in twins.values()]
    try:
        table, notes = keyed(sides, [kind.type], rows, twins)
        assert notes == ()
        check_keys(sides, table, len(rows))
    finally:
        for side in sides:
            side.run("DROP SCHEMA IF EXISTS keyed CASCADE")
