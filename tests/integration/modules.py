"""Modules run in this process, on the nodes of a group that stands."""

from __future__ import annotations

import contextlib
import importlib
import json
import typing as t

import psycopg2.extensions
import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.pgbdr.bdr.plugins.module_utils._inventory import parse
from ansible_collections.pgbdr.bdr.plugins.module_utils._plan import build_plan
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._addresses import with_networks
from groups import Group

Runner = t.Callable[..., dict[str, t.Any]]


@contextlib.contextmanager
def as_a_module(arguments: dict[str, t.Any]) -> t.Iterator[None]:
    """Give what runs inside its arguments, and take back what it leaves in a process that is not its own."""
    try:
        with patch_module_args(arguments), contextlib.suppress(SystemExit):
            yield
    finally:
        # With a module's own way to wait, a test's statements of more than five seconds would fail.
        psycopg2.extensions.set_wait_callback(None)


def runner(group: Group, capsys: pytest.CaptureFixture[str], era: str | None = None) -> Runner:
    """Return a runner of modules: it gives them the node's share of the plan, and returns their result."""
    shared = {"bdr_group": group.name, "bdr_address": "127.0.0.1", "bdr_databases": ["appdb"], **group.variables}
    own = group.host_variables
    hosts = {name: {**shared, "bdr_port": port, **own.get(name, {})} for name, port in group.ports.items()}
    plans = build_plan(with_networks(parse("bdr", hosts, era))).as_dict()["nodes"]

    def run(module: str, node: str = "", check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        plan = plans[node or next(iter(plans))]
        found = importlib.import_module(f"ansible_collections.pgbdr.bdr.plugins.modules.{module}")
        capsys.readouterr()
        arguments = {"node": plan, "_ansible_check_mode": check, "_ansible_diff": True, **options}
        with as_a_module(arguments):
            found.main()
        return t.cast("dict[str, t.Any]", json.loads(capsys.readouterr().out))

    return run
