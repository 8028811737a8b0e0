#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _wait: proof that rows travel."""

from __future__ import annotations

DOCUMENTATION = r"""
module: heartbeat
short_description: Prove that rows travel through a node's links
version_added: "0.1.0"
description:
  - For each link that the node is the downstream of, writes a row on the upstream and waits until it is seen here.
  - The time between the two is taken on one clock, this host's, so skew between hosts is not in it.
  - Never fails for a silent link. M(pgbdr.bdr.link_report) does, once it knows both ends.
attributes:
  check_mode:
    support: partial
    description: Tells which links would be tried, and writes no row.
  diff_mode:
    support: none
    description: A row of the heartbeat table is a measurement and no state to compare.
  idempotent:
    support: full
    description: Always reports no change, since nothing of the group's configuration changes.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.node
author:
  - pgbdr.bdr contributors (@pgbdr)
options:
  timeout_seconds:
    description:
      - How long to wait for the rows.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Send a row through every link
  pgbdr.bdr.heartbeat:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
  register: bdr_heartbeat
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
links:
  description: For each link, its state and the round trip in milliseconds.
  type: list
  elements: dict
  returned: always
  sample: [{database: appdb, upstream: bravo, downstream: alpha, state: streaming, round_trip_ms: 11}]
log:
  description: Last lines of this node's log.
  type: list
  elements: str
  returned: always
findings:
  description: What the server logged meanwhile that says why a link stands still, with the remedy.
  type: list
  elements: str
  returned: always
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import (
    NODE,
    engine_of,
    one_error,
    open_door,
    runner,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._home import FAULTS, LogMark, log_tail
from ansible_collections.pgbdr.bdr.plugins.module_utils._start_note import note
from ansible_collections.pgbdr.bdr.plugins.module_utils._wait import beat, observed_links

ARGUMENT_SPEC = {**NODE, "timeout_seconds": {"type": "int", "default": 30}}


def main() -> None:
    """Write there, read here."""
    module, plan = open_door(ARGUMENT_SPEC)
    engine = engine_of(module, plan)
    if module.check_mode:
        module.exit_json(
            changed=False,
            node=plan.name,
            links=observed_links(plan, "not tried (check mode)"),
            log=[],
            findings=[],
        )
    mark = LogMark(plan)
    with one_error(module):
        links = beat(plan, engine, module.params["timeout_seconds"])
    note(plan, runner(module))  # no run of site.yml is without it
    module.exit_json(
        changed=False,
        node=plan.name,
        links=links,
        log=log_tail(plan, FAULTS),
        findings=engine.findings(mark.lines()),
    )


if __name__ == "__main__":
    main()
