#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _program. The action plugin of the same name fills in the directory."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_info
short_description: What the server of a group is, where the plan has to know
version_added: "0.2.0"
description:
  - The eras of contrib/bdr name their settings differently, so the plan needs the era. This asks the server's programs.
  - Contacts the host only where the engine is contrib_bdr and C(bdr_era) is not set. Use it with C(run_once).
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
options:
  bin_directory:
    description:
      - Where the server's programs are. The action plugin says what the plan has.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Ask the server which era it is of
  pgbdr.bdr.server_info:
  register: bdr_server
  run_once: true

- name: Compute the plan of the group
  pgbdr.bdr.plan_info:
    era: "{{ bdr_server.era }}"
  register: bdr_plan
  run_once: true
"""

RETURN = r"""
program:
  description: The program that C(postgres) in that directory is, links resolved; empty where there is none.
  type: str
  returned: always
version:
  description: Version of the server, empty where there is none or nobody had to look.
  type: str
  returned: always
  sample: 9.3beta1
catalog_version:
  description: Catalog version of the data directories it reads, 0 where it is not known.
  type: int
  returned: always
era:
  description: Era of its contrib/bdr, empty where it has none.
  type: str
  returned: always
  sample: "0.4"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import runner
from ansible_collections.pgbdr.bdr.plugins.module_utils._program import server_facts

ARGUMENT_SPEC = {"bin_directory": {"type": "path", "required": True}}


def main() -> None:
    """Read and return."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    module.exit_json(changed=False, **server_facts(module.params["bin_directory"], runner(module)))


if __name__ == "__main__":
    main()
