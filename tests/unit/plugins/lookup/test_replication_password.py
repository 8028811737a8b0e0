# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of the replication role: given, or made once."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import lookup_loader
from ansible.template import Templar
from ansible_collections.pgbdr.bdr.plugins.lookup import replication_password
from ansible_collections.pgbdr.bdr.tests.unit.ansible_variables import task_vars

HOSTS = {"bdr": {"hosts": {"alpha": {}, "bravo": {}}, "vars": {"bdr_databases": ["appdb"]}}}


class ShortNames:
    """Ansible's loader by short names; full ones need a hook in the imports, which would stay for all other tests."""

    @staticmethod
    def get(name: str, **arguments):
        return lookup_loader.get(name.removeprefix("ansible.builtin."), **arguments)


@pytest.fixture(autouse=True)
def short_names(monkeypatch):
    monkeypatch.setattr(replication_password, "lookup_loader", ShortNames)


@pytest.fixture
def inventory(tmp_path):
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(HOSTS), "utf-8")
    return tmp_path


def write_group_variables(inventory: Path, variables: dict) -> None:
    (inventory / "group_vars").mkdir()
    (inventory / "group_vars" / "bdr.yml").write_text(yaml.safe_dump(variables), "utf-8")


def looked_up(inventory: Path, check_mode: bool = False, make: bool = True, **extra) -> str:
    variables = {**task_vars(inventory, **extra), "ansible_check_mode": check_mode}
    loader = DataLoader()
    lookup = replication_password.LookupModule(loader=loader, templar=Templar(loader=loader, variables=variables))
    (password,) = lookup.run([], variables, make=make)
    return password


def test_a_password_that_is_given(inventory):
    assert looked_up(inventory, bdr_replication_password="it's given") == "it's given"
    assert [path.name for path in inventory.iterdir()] == ["hosts.yml"]


def test_what_is_no_password_is_refused(inventory):
    with pytest.raises(AnsibleError, match="must be a string of one line"):
        looked_up(inventory, bdr_replication_password=5)


def test_a_password_is_made_once_for_its_owner_s_eyes(inventory, tmp_path_factory):
    secrets = tmp_path_factory.mktemp("elsewhere") / "secrets"
    first = looked_up(inventory, bdr_secrets_directory=str(secrets), bdr_group="sales")
    assert len(first) == 32
    assert looked_up(inventory, bdr_secrets_directory=str(secrets), bdr_group="sales") == first
    assert looked_up(inventory, bdr_secrets_directory=str(secrets), bdr_group="other") != first
    (file, _other) = sorted(secrets.iterdir(), reverse=True)
    assert file.name == "sales_replication"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_check_mode_writes_nothing(inventory):
    assert looked_up(inventory, check_mode=True)
    assert [path.name for path in inventory.iterdir()] == ["hosts.yml"]


def test_a_password_that_is_a_template_is_its_value(inventory):
    shared = {"vault_password": "secret", "bdr_replication_password": "{{ vault_password }}"}
    write_group_variables(inventory, shared)
    assert looked_up(inventory) == "secret"


def test_a_password_that_was_made_is_no_host(inventory):
    password = looked_up(inventory)
    assert (inventory / ".secrets" / "bdr_replication").read_text("utf-8").startswith(password)
    assert password not in task_vars(inventory)["groups"]["all"]
    assert looked_up(inventory) == password


@pytest.mark.parametrize(
    ("shared", "path"),
    [
        ({"bdr_hosts": "bdr"}, ".secrets/bdr_replication"),
        ({"bdr_hosts": "{{ one }}", "one": "sales"}, ".secrets/sales_replication"),
        ({"bdr_hosts": "sales", "bdr_group": "{{ two }}", "two": "money"}, ".secrets/money_replication"),
        ({"bdr_secrets_directory": "{{ inventory_dir }}/.kept"}, ".kept/bdr_replication"),
    ],
)
def test_where_a_password_lies_is_resolved(inventory, monkeypatch, shared, path):
    monkeypatch.chdir(inventory)  # a template that stays one would be a path below the directory one is in
    write_group_variables(inventory, shared)
    password = looked_up(inventory)
    assert (inventory / path).read_text("utf-8").startswith(password)


def test_where_none_shall_be_made_one_that_is_missing_is_empty_and_the_other_is_read(inventory):
    assert looked_up(inventory, make=False) == ""
    assert [path.name for path in inventory.iterdir()] == ["hosts.yml"]
    assert looked_up(inventory) == looked_up(inventory, make=False) != ""
    assert looked_up(inventory, make=False, bdr_replication_password="given") == "given"
