# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of the replication role: given, or generated once."""

from __future__ import annotations

DOCUMENTATION = r"""
name: replication_password
short_description: The password of the replication role, given or generated once
version_added: "0.1.0"
author:
  - pgbdr.bdr contributors (@pgbdr)
description:
  - Returns C(bdr_replication_password) where it is set, from a vault for instance.
  - Otherwise returns what the file C(bdr_secrets_directory)/C(bdr_group)_replication holds.
    When it is missing it is made, readable by its owner only.
  - In check mode nothing is written.
options: {}
"""

EXAMPLES = r"""
- name: Bring up the instance
  pgbdr.bdr.instance:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    password: "{{ lookup('pgbdr.bdr.replication_password') }}"
"""

RETURN = r"""
_raw:
  description: The password.
  type: list
  elements: str
"""

import os
import typing as t

from ansible.errors import AnsibleError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase

from ..plugin_utils._source import password_of


class LookupModule(LookupBase):
    """Generating and locking are ansible.builtin.password's work."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        """Return a list of one password."""
        try:
            given = password_of(variables)
        except ValueError as error:
            raise AnsibleError(str(error)) from error
        if given is not None:
            return [given]
        directory = variables.get("bdr_secrets_directory") or os.path.join(variables["inventory_dir"], "secrets")
        group = variables.get("bdr_group") or variables.get("bdr_hosts") or "bdr"
        path = os.path.join(os.path.expanduser(directory), f"{group}_replication")
        if variables.get("ansible_check_mode") and not os.path.exists(path):
            path = "/dev/null"
        generator = lookup_loader.get("ansible.builtin.password", loader=self._loader, templar=self._templar)
        return t.cast("list[str]", generator.run([path], variables, length=32))
