"""Groups for the tests, removed at the end. Needs root and the server packages."""

from __future__ import annotations

import os
import typing as t

import pytest
from groups import Group, group_maker


@pytest.fixture(scope="session", autouse=True)
def _needs_root() -> None:
    assert os.geteuid() == 0, "these tests make servers of their own: run them by make test, as root or with sudo"


@pytest.fixture(scope="module")
def make_group(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[t.Callable[..., Group]]:
    """Return a maker of groups; all of them are removed at the end of the file, so that few servers run at a time."""
    yield from group_maker(tmp_path_factory)
