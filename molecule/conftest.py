# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for the tests of every scenario."""

from __future__ import annotations

import secrets
import typing as t

import pytest
from nodes import Node, find_nodes


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `node` once on each."""
    if "node" in metafunc.fixturenames:
        metafunc.parametrize("node", find_nodes().values(), ids=find_nodes())


@pytest.fixture(scope="session")
def nodes() -> dict[str, Node]:
    return find_nodes()


@pytest.fixture
def table(nodes: dict[str, Node]) -> t.Iterator[str]:
    """Give a new table with a primary key, created on every node before anybody writes to it.

    It stays: the hosts are thrown away, and dropping it under changes that are on their way would
    stop the apply workers.
    """
    name = f"public.molecule_{secrets.token_hex(4)}"
    for node in nodes.values():
        node.psql(f"CREATE TABLE {name} (id integer PRIMARY KEY, writer text NOT NULL)")
    yield name
