#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _program: the build that a group's nodes on this host run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server
short_description: The build that a node runs
version_added: "0.2.0"
description:
  - Points the group's server directory on this host to one of the host's builds, after a look at whether that build
    reads the node's data and is of the era that was planned for.
  - Does not touch a running server. M(pgbdr.bdr.instance) tells that it waits for a restart.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
options:
  link:
    description:
      - The group's server directory on the host, C(server_directory) of the node's share of the plan.
    type: path
    required: true
  build:
    description:
      - Directory of the build.
    type: path
    required: true
  data_directory:
    description:
      - Data directory of the node. A build that cannot read it is refused.
    type: path
  era:
    description:
      - Era of contrib/bdr that was planned for. A build of another one is refused. Empty where any will do.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Use the build
  pgbdr.bdr.server:
    link: /opt/pgbdr/quickstart
    build: /opt/pgbdr/builds/9.3beta1-0123456789ab
    data_directory: /var/lib/pgbdr/quickstart/alpha/data
    era: "0.4"
"""

RETURN = r"""
program:
  description: The program that the node will run. What was found of another one is out of date.
  type: str
  returned: success
era:
  description: Era of the build's contrib/bdr, empty where it has none.
  type: str
  returned: success
version:
  description: Version of the build.
  type: str
  returned: success
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import runner
from ansible_collections.pgbdr.bdr.plugins.module_utils._files import point_to
from ansible_collections.pgbdr.bdr.plugins.module_utils._hosts import build_problem
from ansible_collections.pgbdr.bdr.plugins.module_utils._program import data_catalog_version, server_facts

ARGUMENT_SPEC = {
    "link": {"type": "path", "required": True},
    "build": {"type": "path", "required": True},
    "data_directory": {"type": "path"},
    "era": {"type": "str", "default": ""},
}


def main() -> None:
    """Look, then point."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    link, build, data_directory = (module.params[name] for name in ("link", "build", "data_directory"))
    facts = server_facts(f"{build}/bin", runner(module))
    # In check mode of a first run the build is not there.
    if facts["version"] or not module.check_mode:
        data = data_catalog_version(data_directory) if data_directory else 0
        problem = build_problem(module.params["era"], data, facts, build)
        if problem:
            module.fail_json(msg=problem)
    found = os.readlink(link) if os.path.islink(link) else ""
    if found != build and not module.check_mode:
        point_to(link, build)
    diff = {"before": f"{link} -> {found}\n", "after": f"{link} -> {build}\n"}
    told = {name: facts[name] for name in ("program", "era", "version")}
    module.exit_json(changed=found != build, diff=diff, **told)


if __name__ == "__main__":
    main()
