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
options:
  make:
    description:
      - Whether one is made where there is none. Where it is not, and where its file cannot be read, the answer is
        empty.
    type: bool
    default: true
    version_added: "0.7.0"
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

from ..plugin_utils._source import DEFAULT_HOSTS, password_of, value_of


class LookupModule(LookupBase):
    """Generating and locking are ansible.builtin.password's work."""

    def run(self, terms: t.Any, variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        """Return a list of one password."""
        template = self._templar.template
        try:
            given = password_of(variables, template)
        except ValueError as error:
            raise AnsibleError(str(error)) from error
        if given is not None:
            return [given]
        # A hidden directory, since Ansible would read any other file beside an inventory as a part of it.
        beside = os.path.join(variables["inventory_dir"], ".secrets")
        directory = os.path.expanduser(value_of(variables, template, "bdr_secrets_directory") or beside)
        hosts = value_of(variables, template, "bdr_hosts", DEFAULT_HOSTS)
        path = os.path.join(directory, f"{value_of(variables, template, 'bdr_group', hosts)}_replication")
        if not kwargs.get("make", True) and not os.access(path, os.R_OK):
            return [""]
        if variables.get("ansible_check_mode") and not os.path.exists(path):
            path = "/dev/null"
        generator = lookup_loader.get("ansible.builtin.password", loader=self._loader, templar=self._templar)
        return t.cast("list[str]", generator.run([path], variables, length=32))
