# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an action plugin is handed, task_vars and a templar, made by Ansible itself from an inventory."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager


def task_vars(inventory: Path, **extra: t.Any) -> dict[str, t.Any]:
    """Return the variables of the inventory's first host, with hostvars and groups; extra is -e."""
    loader = DataLoader()
    manager = InventoryManager(loader=loader, sources=[str(inventory)])
    variables = VariableManager(loader=loader, inventory=manager)
    variables._extra_vars = extra  # what the command line's -e becomes
    HostVars(inventory=manager, variable_manager=variables, loader=loader)  # makes itself known to `variables`
    return variables.get_vars(host=manager.get_hosts("all")[0])


def template(variables: t.Mapping[str, t.Any]) -> t.Callable[[t.Any], t.Any]:
    """Return what resolves templates among such variables, as a plugin has it."""
    return Templar(loader=DataLoader(), variables=variables).template
