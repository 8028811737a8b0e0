# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One upstream, two downstreams: changes go out from alpha, and nothing comes back."""

from __future__ import annotations

import pytest
from nodes import Node, eventually

DOWNSTREAMS = ("bravo", "charlie")


@pytest.mark.parametrize("downstream", DOWNSTREAMS)
def test_what_alpha_does_arrives(nodes: dict[str, Node], table: str, downstream: str) -> None:
    def look() -> str:
        return nodes[downstream].psql(f"SELECT id, writer FROM {table}")

    nodes["alpha"].psql(f"INSERT INTO {table} VALUES (1, 'alpha')")
    eventually(look, "1|alpha")
    nodes["alpha"].psql(f"UPDATE {table} SET writer = 'again' WHERE id = 1")
    eventually(look, "1|again")
    nodes["alpha"].psql(f"DELETE FROM {table} WHERE id = 1")
    eventually(look, "")


def test_what_bravo_writes_reaches_nobody(nodes: dict[str, Node], table: str) -> None:
    nodes["bravo"].psql(f"INSERT INTO {table} VALUES (1, 'bravo')")
    # What alpha writes later has been through every link there is: the row of bravo had its time.
    nodes["alpha"].psql(f"INSERT INTO {table} VALUES (2, 'alpha')")
    eventually(lambda: nodes["bravo"].psql(f"SELECT id FROM {table} ORDER BY id"), "1\n2")
    eventually(lambda: nodes["charlie"].psql(f"SELECT id FROM {table} ORDER BY id"), "2")
    assert nodes["alpha"].psql(f"SELECT id FROM {table}") == "2"


def test_the_links_go_one_way(nodes: dict[str, Node]) -> None:
    subscriptions = "SELECT count(*) FROM pglogical.subscription"
    slots = "SELECT count(*) FROM pg_replication_slots WHERE active"
    ends = {name: (node.psql(subscriptions), node.psql(slots)) for name, node in nodes.items()}
    assert ends == {"alpha": ("0", "2"), "bravo": ("1", "0"), "charlie": ("1", "0")}


def test_the_server_that_was_there_before_did_not_notice(nodes: dict[str, Node]) -> None:
    version, name, port, status = nodes["charlie"].run("pg_lsclusters --no-header").split()[:4]
    assert (version, name, port, status) == ("15", "main", "5499", "online")
    # Not one restart: the file is written at every start.
    assert (
        nodes["charlie"].run("find %s -newer %s", "/var/lib/postgresql/15/main/postmaster.pid", "/run/molecule-watch")
        == ""
    )
