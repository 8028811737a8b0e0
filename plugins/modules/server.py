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
  - pgbdr.bdr.attributes.node
options:
  build:
    description:
      - Directory of the build.
    type: path
    required: true
  any_era:
    description:
      - The era was only assumed by the plan, so another one is no error.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Use the build
  pgbdr.bdr.server:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    build: /opt/pgbdr/builds/9.3beta1-0123456789ab
"""

RETURN = r"""
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

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, alone, open_door, runner
from ansible_collections.pgbdr.bdr.plugins.module_utils._files import point_to
from ansible_collections.pgbdr.bdr.plugins.module_utils._hosts import build_problem
from ansible_collections.pgbdr.bdr.plugins.module_utils._program import data_catalog_version, server_facts

ARGUMENT_SPEC = {
    **NODE,
    "build": {"type": "path", "required": True},
    "any_era": {"type": "bool", "default": False},
}


def main() -> None:
    """Look, then point."""
    module, plan = open_door(ARGUMENT_SPEC)
    build = module.params["build"]
    facts = server_facts(f"{build}/bin", runner(module))
    # In check mode of a first run the build is not there.
    if facts["version"] or not module.check_mode:
        planned = "" if module.params["any_era"] else plan.era
        problem = build_problem(plan.name, planned, data_catalog_version(plan.data_directory), facts, build)
        if problem:
            module.fail_json(msg=problem)
    found = os.readlink(plan.server_directory) if os.path.islink(plan.server_directory) else ""
    with alone(module, plan):
        if found != build and not module.check_mode:
            point_to(plan.server_directory, build)
    diff = {"before": f"{found}\n", "after": f"{build}\n"}
    module.exit_json(changed=found != build, diff=diff, era=facts["era"], version=facts["version"])


if __name__ == "__main__":
    main()
