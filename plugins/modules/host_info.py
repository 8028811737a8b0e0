#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _host. The action plugin of the same name adds the clock."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: What a host looks like before a node is built or changed on it
version_added: "0.1.0"
description:
  - Reads what M(pgbdr.bdr.check_hosts) decides on. Needs no server and no library.
    Where the node's server runs, it is asked too.
  - Tells what M(pgbdr.bdr.instance), M(pgbdr.bdr.node), M(pgbdr.bdr.sequences), M(pgbdr.bdr.deny_truncate) and
    M(pgbdr.bdr.links) would have to do, by their own dry run.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
  - pgbdr.bdr.attributes.password
  - pgbdr.bdr.attributes.tls
  - pgbdr.bdr.attributes.accept_restored
"""

EXAMPLES = r"""
- name: Look at the host
  pgbdr.bdr.host_info:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    password: "{{ bdr_replication_password }}"
  register: bdr_host
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
architecture:
  description: Processor, byte order and word length.
  type: str
  returned: always
platform:
  description: Processor and distribution; a server that was built on one host runs on another of the same platform.
  type: str
  returned: always
  sample: x86_64 debian 12
server:
  description: Program, version, catalog version and era of contrib/bdr of the node's server; empty or 0 without.
  type: dict
  returned: always
catalog_version:
  description: Catalog version of the node's data directory, 0 where there is none.
  type: int
  returned: always
machine:
  description: The machine's id; nodes with the same one share a machine.
  type: str
  returned: always
service_manager:
  description: V(systemd) or V(pg_ctl).
  type: str
  returned: always
data:
  description: What lies in the node's home, V(absent), V(ours) or V(foreign).
  type: str
  returned: always
major:
  description: Major version of the data directory.
  type: int
  returned: where there is one
running:
  description: Whether the node's server runs.
  type: bool
  returned: always
address_problem:
  description: A listen address that is none of the host's, or nothing.
  type: str
  returned: always
port_taken:
  description: Whether something else uses the node's port.
  type: bool
  returned: always
missing_packages:
  description: Packages of the plan that are not installed.
  type: list
  elements: str
  returned: always
disk:
  description: File system of the home, MB free there, MB that the node's WAL takes.
  type: dict
  returned: always
restored:
  description: What M(pgbdr.bdr.restored_info) returns.
  type: dict
  returned: always
databases:
  description: For each database that is there already, its encoding, its connections and a table that has rows.
  type: dict
  returned: always
pending:
  description: What there is to do on the node, in order; empty where it is as the plan says.
  type: list
  elements: str
  returned: always
  sample: [start the server]
clock:
  description: Milliseconds that the host's clock is ahead of the controller's, and how far off that may be.
  type: dict
  returned: always
"""

import time

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import (
    NODE,
    PASSWORD,
    RESTORED,
    TLS,
    accepts_restored,
    one_error,
    open_door,
    runner,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._pending import look

ARGUMENT_SPEC = {**NODE, **PASSWORD, **TLS, **RESTORED}


def main() -> None:
    """Read and return."""
    module, plan = open_door(ARGUMENT_SPEC)
    with one_error(module):
        params = module.params
        accepts = accepts_restored(module, plan)
        found, to_do = look(plan, runner(module), params["password"], params["tls"], accepts)
    for warning in to_do.warnings:
        module.warn(warning)
    # The clock comes last, so that the action plugin can pair it with the moment the answer arrives.
    module.exit_json(
        changed=False,
        node=plan.name,
        **found,
        pending=to_do.steps,
        clock={"epoch_ms": time.time() * 1000},
    )


if __name__ == "__main__":
    main()
