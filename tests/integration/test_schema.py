"""schema.yml on real groups: what is planted on one node is found there, and the DDL of the report mends it."""

from __future__ import annotations

import json
import os
import signal
import time
import typing as t

import pytest
from groups import Group, Run, words

Make = t.Callable[..., Group]
NODES = ("alpha", "bravo", "charlie")
Finding = dict[str, t.Any]


def compare(group: Group, *arguments: str) -> tuple[Run, dict[str, t.Any]]:
    """Run schema.yml and return the run and what it wrote as JSON."""
    path = group.directory / "schema.json"
    path.unlink(missing_ok=True)
    run = group.play("schema", "-e", f"bdr_schema_file={path}", *arguments)
    return run, json.loads(path.read_text()) if path.exists() else {}


@pytest.fixture(scope="module")
def mesh(make_group: Make) -> Group:
    """Return a mesh of three with the same tables on every node."""
    group = make_group("hcmesh", 5630, NODES)
    group.must()
    return group


def test_dev(mesh):
    mesh.everywhere("CREATE TABLE city (id serial primary key, name text)")
    mesh.sql("bravo", "ALTER TABLE city ADD note text not null default 'x'")
    run, found = compare(mesh)
    print(run.output)
    assert 0
