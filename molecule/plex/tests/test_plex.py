# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three sites, all to all: every node takes writes, and all hold the same rows."""

from __future__ import annotations

import typing as t

import pytest
from nodes import Node, eventually, partition


def rows_everywhere(nodes: dict[str, Node], table: str) -> t.Callable[[], dict[str, list[str]]]:
    """Look at the rows of a table on each node."""
    query = f"SELECT id, writer FROM {table} ORDER BY id"
    return lambda: {name: node.psql(query).splitlines() for name, node in nodes.items()}


def test_what_each_node_writes_is_read_on_all(nodes: dict[str, Node], table: str) -> None:
    for number, (name, node) in enumerate(nodes.items()):
        node.psql(f"INSERT INTO {table} VALUES ({number}, '{name}')")
    rows = [f"{number}|{name}" for number, name in enumerate(nodes)]
    eventually(rows_everywhere(nodes, table), dict.fromkeys(nodes, rows))


def test_a_row_is_updated_and_deleted_from_anywhere(nodes: dict[str, Node], table: str) -> None:
    look = rows_everywhere(nodes, table)
    nodes["alpha"].psql(f"INSERT INTO {table} VALUES (1, 'alpha'), (2, 'alpha')")
    eventually(look, dict.fromkeys(nodes, ["1|alpha", "2|alpha"]))
    nodes["charlie"].psql(f"UPDATE {table} SET writer = 'charlie' WHERE id = 1")
    eventually(look, dict.fromkeys(nodes, ["1|charlie", "2|alpha"]))
    nodes["echo"].psql(f"DELETE FROM {table} WHERE id = 2")
    eventually(look, dict.fromkeys(nodes, ["1|charlie"]))


@pytest.mark.parametrize(("first", "last"), [("alpha", "charlie"), ("charlie", "alpha")])
def test_a_conflict_ends_with_the_last_value_on_all(nodes: dict[str, Node], table: str, first: str, last: str) -> None:
    look = rows_everywhere(nodes, table)
    nodes["echo"].psql(f"INSERT INTO {table} VALUES (1, 'echo')")
    eventually(look, dict.fromkeys(nodes, ["1|echo"]))
    with partition(nodes["alpha"], nodes["charlie"]):
        for name in (first, last):
            nodes[name].psql(f"UPDATE {table} SET writer = '{name}' WHERE id = 1")
        # The two disagree while they cannot hear each other; echo, which hears both, has the last.
        eventually(look, {first: [f"1|{first}"], last: [f"1|{last}"], "echo": [f"1|{last}"]})
    eventually(look, dict.fromkeys(nodes, [f"1|{last}"]), timeout_seconds=60)


def test_the_distribution_has_no_server_on_the_host(node: Node) -> None:
    assert node.run("pg_lsclusters --no-header") == ""
