"""Groups for the tests, removed at the end. Needs root and the server packages."""

from __future__ import annotations

import os
import shutil
import typing as t

import pytest
from groups import HOMES, Group


@pytest.fixture(scope="session", autouse=True)
def _needs_root() -> None:
    assert os.geteuid() == 0, "these tests make servers of their own: run them by make test, as root or with sudo"


@pytest.fixture(scope="session")
def make_group(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Callable[..., Group]]:
    """Return a maker of groups; all of them are removed at the end."""
    made: list[Group] = []

    def make(name: str, first_port: int, nodes: t.Sequence[str] = ("alpha", "bravo"), **variables: t.Any) -> Group:
        ports = {node: first_port + place for place, node in enumerate(nodes)}
        group = Group(name, tmp_path_factory.mktemp(name), ports, variables)
        made.append(group)
        return group

    yield make
    for group in made:
        if (HOMES / group.name).exists():
            group.host_variables.clear()
            group.remove()
        shutil.rmtree(group.directory)
