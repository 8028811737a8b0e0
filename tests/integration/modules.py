"""Modules run in this process, on the nodes of a group that stands."""

from __future__ import annotations

import contextlib
import importlib
import io
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
    plans = node_plans(group, era)

    def run(module: str, node: str = "", check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        plan = plans[node or next(iter(plans))]
        capsys.readouterr()
        arguments = {"node": plan, "_ansible_check_mode": check, "_ansible_diff": True, **options}
        with as_a_module(arguments):
            main_of(module)()
        return t.cast("dict[str, t.Any]", json.loads(capsys.readouterr().out))

    return run


def node_plans(group: Group, era: str | None = None) -> dict[str, t.Any]:
    """Return the nodes of a group's plan."""
    hosts = {name: {**group.shared(), **own} for name, own in group.hosts().items()}
    return build_plan(with_networks(parse("bdr", hosts, era))).as_dict()["nodes"]


def main_of(module: str) -> t.Callable[[], None]:
    """Return a module's main()."""
    return importlib.import_module(f"ansible_collections.pgbdr.bdr.plugins.modules.{module}").main


def stand(group: Group) -> Group:
    """Make what site.yml makes, by its modules in this process: for tests of which it is not the subject."""
    password = group.variables.setdefault("bdr_replication_password", "no secret")
    plans = node_plans(group)
    secret = {"password": password}
    calls = {"instance": secret, "node": secret, "sequences": {}, "deny_truncate": {}, "links": {}}
    for module, options in calls.items():
        for plan in plans.values():
            output = io.StringIO()
            with contextlib.redirect_stdout(output), as_a_module({"node": plan, **options}):
                main_of(module)()
            result = json.loads(output.getvalue())
            assert not result.get("failed"), result
    return group
