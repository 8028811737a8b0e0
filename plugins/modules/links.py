#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _apply: the node's ends of its links."""

from __future__ import annotations

DOCUMENTATION = r"""
module: links
short_description: The downstream ends of a node's links
version_added: "0.1.0"
description:
  - Creates the connections of the plan, repairs those that differ or stand still, and waits until all of them stream.
  - A connection that the plan does not know is left alone and named in a warning.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
options:
  wait_seconds:
    description:
      - How long to wait until every link streams. V(0) does not wait.
    type: int
    default: 60
  established_only:
    description:
      - Make and change no connection, and wait for links only that were up before, whose place in the WAL their
        upstream keeps.
    type: bool
    default: false
  settings_written:
    description:
      - Leave connections that are settings as they are, and wait for them only. An earlier task of the run wrote them,
        before the restart that brings them.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Link the node to its upstreams
  pgbdr.bdr.links:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    wait_seconds: 30
"""

RETURN = r"""
steps:
  description: What was done, or would be done, in order.
  type: list
  elements: str
  returned: always
  sample: [create subscription bravo_alpha in appdb]
restart_required:
  description: What the server will only use after a restart, where the engine's connections are settings.
  type: list
  elements: str
  returned: always
  sample: [the list of connections]
links:
  description: State of each link when the waiting ended.
  type: list
  elements: dict
  returned: always
  sample: [{database: appdb, upstream: bravo, downstream: alpha, state: streaming}]
log:
  description: Last lines of the server's log.
  type: list
  elements: str
  returned: when a link does not stream
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._apply import Outcome
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import (
    NODE,
    alone,
    engine_of,
    exit_with,
    open_door,
    runner,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._links import apply_connections, restart_required
from ansible_collections.pgbdr.bdr.plugins.module_utils._wait import (
    established,
    observed_links,
    wait_for_links,
)

ARGUMENT_SPEC = {
    **NODE,
    "wait_seconds": {"type": "int", "default": 60},
    "established_only": {"type": "bool", "default": False},
    "settings_written": {"type": "bool", "default": False},
}


def main() -> None:
    """Observe, plan, apply, wait."""
    module, plan = open_door(ARGUMENT_SPEC)
    engine = engine_of(module, plan)
    with alone(module, plan):
        outcome = Outcome()
        written = module.params["settings_written"] and plan.connection_settings
        if not written and not module.params["established_only"]:
            outcome = apply_connections(plan, engine, runner(module), module.check_mode)
        if module.check_mode and outcome.unknown:
            exit_with(module, outcome, links=observed_links(plan, "not known while the server is down"))
        restart = restart_required(plan, runner(module), outcome, module.check_mode)
        if module.check_mode and (outcome.steps or written):
            exit_with(module, outcome, links=observed_links(plan, "not there yet"), restart_required=restart)
        awaited = established(plan, engine) if module.params["established_only"] else None
        links = wait_for_links(plan, engine, module.params["wait_seconds"], awaited)
    exit_with(module, outcome, links=links, restart_required=restart)


if __name__ == "__main__":
    main()
