# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a comparison is asked for: what it means, and a message with the variable for all that it cannot mean."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare import settings
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.settings import Settings, WrongSettings, parse
from ansible_collections.pgbdr.bdr.plugins.modules import divergence_info

MEMBERS = {"charlie": ["appdb", "stock"], "alpha": ["appdb", "stock"], "bravo": ["appdb"]}
DEFAULTS = {name: option.get("default") for name, option in divergence_info.ARGUMENT_SPEC.items()}


def parsed(others: t.Sequence[str] = (), **given: t.Any) -> Settings:
    return parse({**DEFAULTS, **given}, MEMBERS, others)


def problems(others: t.Sequence[str] = (), **given: t.Any) -> list[str]:
    with pytest.raises(WrongSettings) as caught:
        parsed(others, **given)
    return str(caught.value).splitlines()


def test_by_default_all_is_compared():
    found = parsed()
    assert found == Settings(("alpha", "bravo", "charlie"), (), ("appdb", "stock"))
    assert found.wants("appdb", "public", "city")
    assert (found.columns_of("public", "city"), found.where_of("public", "city")) == ((), "")
    assert found.keys_of("appdb", "public", "city") == ()


def test_all_that_is_asked_for_is_kept():
    found = parsed(
        ["old"],
        nodes=["old", "bravo"],
        without=["charlie", "alpha"],
        databases=["appdb"],
        schemas=["shop"],
        tables=["b", "a"],
        replication_sets=["default"],
        columns={"city": ["name", "area"]},
        where={"city": "id > 5"},
        equality="sql",
        max_differences=5,
        only=[{"database": "appdb", "table": "public.city", "keys": [{"id": "1", "area": "2"}]}],
    )
    assert found == Settings(
        nodes=("bravo", "old"),
        without=("alpha", "charlie"),
        databases=("appdb",),
        schemas=("shop",),
        tables=("b", "a"),
        replication_sets=("default",),
        columns=(("city", ("name", "area")),),
        where=(("city", "id > 5"),),
        equality="sql",
        max_differences=5,
        only=(("appdb", "public.city", ((("area", "2"), ("id", "1")),)),),
    )


@pytest.mark.parametrize(
    ("given", "nodes", "databases"),
    [
        ({"nodes": ["bravo", "alpha"]}, "alpha bravo", "appdb stock"),
        ({"without": ["alpha"]}, "bravo charlie", "appdb stock"),
        ({"nodes": ["bravo", "alpha", "charlie"], "without": ["alpha", "charlie"], "others": ["old"]}, None, None),
        ({"nodes": ["bravo", "bravo", "alpha"]}, "alpha bravo", "appdb stock"),
        ({"databases": ["stock"]}, "alpha bravo charlie", "stock"),
        ({"others": ["old"], "databases": ["stock"]}, "alpha bravo charlie old", "stock"),
        ({"others": ["old"], "nodes": ["bravo", "old"]}, "bravo old", "appdb"),
        # Nobody knows what others have.
        ({"others": ["old", "new"], "nodes": ["old", "new"], "databases": ["any"]}, "new old", "any"),
        # One that is left out does not matter.
        ({"others": ["old"], "without": ["old"]}, "alpha bravo charlie", "appdb stock"),
    ],
)
def test_which_nodes_and_databases_are_compared(given, nodes, databases):
    if nodes is None:
        assert problems(**given) == ["bdr_compare_nodes: a comparison needs two nodes, and there is only bravo"]
    else:
        found = parsed(**given)
        assert (" ".join(found.nodes), " ".join(found.databases)) == (nodes, databases)


HAS = "the group has no node 'delta'; it has alpha, bravo, charlie"
ROWS = "wants database, table and keys, each of them values by column"


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"nodes": ["delta", "alpha"]}, [f"bdr_compare_nodes: {HAS}"]),
        ({"without": ["delta"]}, [f"bdr_compare_without: {HAS}"]),
        ({"nodes": ["delta"], "without": ["delta"]}, [f"bdr_compare_nodes: {HAS}", f"bdr_compare_without: {HAS}"]),
        (
            {"nodes": ["alpha", "alpha"]},
            ["bdr_compare_nodes: a comparison needs two nodes, and there is only alpha"],
        ),
        (
            {"without": ["alpha", "bravo", "charlie"]},
            ["bdr_compare_nodes: a comparison needs two nodes, and there is none"],
        ),
        (
            {"others": ["alpha"], "databases": ["appdb"]},
            ["bdr_compare_others: alpha is a node of the group; give the other one another name"],
        ),
        (
            {"databases": ["appdb", "web"]},
            [
                "bdr_compare_databases: no node that is compared has the database 'web'; they have appdb, stock",
            ],
        ),
        (
            {"nodes": ["alpha", "bravo"], "databases": ["x", "y"]},
            [
                "bdr_compare_databases: no node that is compared has the database 'x'; they have appdb, stock",
                "bdr_compare_databases: no node that is compared has the database 'y'; they have appdb, stock",
            ],
        ),
        # One DSN leads to one database; with another it would be a false difference.
        *(
            (
                {"others": ["old", "new"], **given},
                [
                    "bdr_compare_databases: name one; a DSN leads to one database, and old, new cannot be compared "
                    "with more"
                ],
            )
            for given in ({}, {"databases": ["appdb", "stock"]}, {"nodes": ["old", "new"]})
        ),
        ({"equality": "about"}, ["bdr_compare_equality is 'about'; exact or sql is wanted"]),
        ({"max_differences": 0}, ["bdr_compare_max_differences is 0; a number from 1 on is wanted"]),
        ({"fence_seconds": 0}, ["bdr_compare_fence_seconds is 0; a number from 1 on is wanted"]),
        # Every node lags by more than that: it would pause for ever.
        ({"max_lag_mb": -1}, ["bdr_compare_max_lag_mb is -1; a number from 0 on is wanted"]),
        ({"max_active": -1}, ["bdr_compare_max_active is -1; a number from 0 on is wanted"]),
        (
            {"only": [{"database": "appdb", "table": "a.b", "keys": []}, {"database": "appdb", "keys": []}]},
            [f"bdr_compare_only: entry 2 {ROWS}"],
        ),
        ({"only": [{"table": "a.b", "keys": []}]}, [f"bdr_compare_only: entry 1 {ROWS}"]),
        ({"only": [{"database": "appdb", "table": "a.b"}]}, [f"bdr_compare_only: entry 1 {ROWS}"]),
        ({"only": [{"database": "appdb", "table": "a.b", "keys": ["12"]}]}, [f"bdr_compare_only: entry 1 {ROWS}"]),
        ({"only": [{"database": "appdb", "table": "a.b", "keys": {"id": 1}}]}, [f"bdr_compare_only: entry 1 {ROWS}"]),
    ],
)
def test_what_is_wrong_is_told_by_its_variable(given, wrong):
    assert problems(**given) == wrong


def test_all_that_is_wrong_is_told_at_once():
    found = problems(nodes=["delta"], databases=["web"], equality="", max_differences=0, only=[{}])
    assert [problem.split(":")[0].split(" ")[0] for problem in found] == [
        "bdr_compare_nodes",
        "bdr_compare_equality",
        "bdr_compare_max_differences",
        "bdr_compare_only",
    ]


@pytest.mark.parametrize(
    ("schemas", "tables", "wanted"),
    [
        ([], [], "public.city public.a.b shop.city shop.City"),
        (["shop"], [], "shop.city shop.City"),
        (["SHOP"], [], ""),
        (["s*", "public"], [], "public.city public.a.b shop.city shop.City"),
        ([], ["city"], "public.city shop.city"),
        ([], ["shop.city"], "shop.city"),
        ([], ["shop.*"], "shop.city shop.City"),
        ([], ["[cC]ity"], "public.city shop.city shop.City"),
        ([], ["shop.C*", "a.b"], "public.a.b shop.City"),
        (["public"], ["city"], "public.city"),
        (["public"], ["shop.city"], ""),
        ([], ["cit"], ""),
        ([], ["op.city"], ""),
    ],
)
def test_which_tables_a_pattern_means(schemas, tables, wanted):
    found = parsed(schemas=schemas, tables=tables)
    every = [("public", "city"), ("public", "a.b"), ("shop", "city"), ("shop", "City")]
    assert " ".join(f"{schema}.{name}" for schema, name in every if found.wants("appdb", schema, name)) == wanted


@pytest.mark.parametrize("turn", [1, -1])
def test_the_narrowest_pattern_says_what_is_looked_at(turn):
    """In whatever order they are given: a table by its whole name, by its name, by the longer pattern."""
    patterns = ["*", "shop.*", "shop.cit*", "city", "shop.city", "z"]
    given = {pattern: [pattern] for pattern in patterns[::turn]}
    found = parsed(columns=given, where={pattern: f"'{pattern}'" for pattern in patterns[::turn]})
    for schema, name, wanted in (
        ("shop", "city", "shop.city"),
        ("public", "city", "city"),
        ("shop", "cities", "shop.cit*"),
        ("shop", "area", "shop.*"),
        ("public", "area", "*"),
    ):
        assert found.columns_of(schema, name) == (wanted,)
        assert found.where_of(schema, name) == f"'{wanted}'"
    assert parsed(where={"city": "a"}).where_of("public", "town") == ""


def test_a_few_rows_are_looked_at_and_no_others():
    one, two, three = ({"id": number} for number in "123")
    found = parsed(
        tables=["shop.area"],
        only=[
            {"database": "appdb", "table": "shop.city", "keys": [one]},
            {"database": "stock", "table": "shop.city", "keys": [two]},
            {"database": "appdb", "table": "shop.city", "keys": [three]},
        ],
    )
    assert found.keys_of("appdb", "shop", "city") == ((("id", "1"),), (("id", "3"),)), "none of them is forgotten"
    assert found.keys_of("stock", "shop", "city") == ((("id", "2"),),)
    assert found.keys_of("stock", "shop", "area") == ()
    wanted = [("appdb", "shop", "city"), ("stock", "shop", "city")]
    every = [*wanted, ("appdb", "shop", "area"), ("appdb", "public", "city"), ("other", "shop", "city")]
    assert [each for each in every if found.wants(*each)] == wanted


def test_the_fingerprint_changes_with_each_setting_and_with_nothing_else():
    changes: list[dict[str, t.Any]] = [
        {},
        {"nodes": ["alpha", "bravo"]},
        {"without": ["alpha"]},
        {"databases": ["appdb"]},
        {"schemas": ["shop"]},
        {"tables": ["shop"]},
        {"replication_sets": ["shop"]},
        {"columns": {"city": ["a"]}},
        {"where": {"city": "a"}},
        {"equality": "sql"},
        {"max_differences": 7},
        {"only": [{"database": "appdb", "table": "shop.city", "keys": [{"id": "1"}]}]},
    ]
    prints = [parsed(**change).fingerprint({}) for change in changes]
    assert len(set(prints)) == len(changes)
    assert prints == [parsed(**change).fingerprint({}) for change in changes]
    order = parsed(nodes=["bravo", "alpha"], where={"a": "1", "b": "2"}).fingerprint({})
    assert order == parsed(nodes=["alpha", "bravo"], where={"b": "2", "a": "1"}).fingerprint({})
    assert all(option in settings.Settings.__dataclass_fields__ for change in changes for option in change)


def test_a_pattern_that_fits_no_table_is_named_with_its_variable():
    tables = {("public", "orders"), ("shop", "bill")}
    asked = parsed(
        tables=["*"],
        columns={"orders": ["id"], "shop.ordr": ["id"]},
        where={"public.*": "a", "*.bil": "b", "bill": "c"},
    )
    assert asked.unmatched(tables) == [
        "bdr_compare_columns: no table that is compared fits 'shop.ordr'",
        "bdr_compare_where: no table that is compared fits '*.bil'",
    ]
    assert parsed(tables=["shop.*", "nope"]).unmatched(tables) == [
        "bdr_compare_tables: no table that is compared fits 'nope'"
    ]


def test_another_dsn_is_another_comparison():
    assert parsed().fingerprint({"old": "port=1"}) != parsed().fingerprint({"old": "port=2"})
