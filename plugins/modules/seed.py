#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _seeding."""

from __future__ import annotations

DOCUMENTATION = r"""
module: seed
short_description: Make a node of a copy of another one, and link it from exactly where the copy ends
version_added: "0.5.0"
description:
  - Brings the node from one state to the next. Each can be asked for again; the module looks at the disk and the
    server for what is left to do.
  - The data that was in the node's place is removed once the copy is whole, and not before.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
options:
  donor:
    description:
      - The donor's share of the plan.
    type: dict
    required: true
  point:
    description:
      - Name of the point in the donor's WAL where the copy ends, as M(pgbdr.bdr.seed_check) returned it.
    type: str
    required: true
  state:
    description:
      - V(stopped) has a server whose data is about to be replaced stopped. Of O(method=logical).
      - V(held) runs, but applies nothing. Of O(method=in_place).
      - V(copied) has the donor's data, as a directory or table by table, beside the node's own; or the donor's rows in
        the place of the node's own.
      - V(standby) has it in the place of the node's own, and follows the donor closely.
      - V(promoted) has reached the point and is a node of its own, without links.
      - V(linked) has links to its upstreams, each from where the copy ends.
      - V(member) is a node as any other.
    type: str
    choices: [stopped, held, copied, standby, promoted, linked, member]
    required: true
  method:
    description:
      - How the node gets the group's data. V(physical) copies the donor's data directory, V(logical) its databases
        table by table, V(in_place) the rows of a node that keeps its server.
    type: str
    choices: [physical, logical, in_place]
    default: physical
  snapshots:
    description:
      - With O(method=logical) and O(state=copied), what M(pgbdr.bdr.seed_source) returned on the donor.
    type: list
    elements: dict
    default: []
  jobs:
    description:
      - With O(method=logical), how many tables, or parts of large ones, are copied at a time.
    type: int
    default: 4
  begin:
    description:
      - With O(state=copied) or O(state=held), use nothing of an earlier copy for another point.
    type: bool
    default: false
  size_mb:
    description:
      - What the donor's databases take, as M(pgbdr.bdr.seed_check) returned it. Only told of while the node is copied.
    type: int
    default: 0
  slice_seconds:
    description:
      - With O(state=copied), return after so many seconds even where the copy is not through; it goes on, and the next
        call returns to it. The action plugin, which shows how far it is, sets it by itself.
    type: int
    default: 86400
  wait_seconds:
    description:
      - How long the node may take to follow its donor, to reach the point, and to have its links stream.
    type: int
    default: 300
  password:
    description:
      - Password of the replication role.
    type: str
    required: true
  tls:
    description:
      - Texts of certificate, key and authority, as M(pgbdr.bdr.instance) takes them.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Copy alpha
  pgbdr.bdr.seed:
    node: "{{ bdr_plan.nodes.charlie }}"
    donor: "{{ bdr_plan.nodes.alpha }}"
    point: pgbdr_charlie_5f3a1c0e
    state: copied
    password: "{{ lookup('pgbdr.bdr.replication_password') }}"
"""

RETURN = r"""
held_seconds:
  description: For how long nobody could write on the donor, in seconds.
  type: float
  returned: when rows were replaced
progress:
  description:
    - How many C(bytes) of the copy are there. With O(method=logical) also which C(phase) it is in, since how many
      C(seconds), and how many jobs are C(done) C(of) all in it.
  type: dict
  returned: when the copy is not through
steps:
  description: What was done, or would be done, in order.
  type: list
  elements: str
  returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import (
    NODE,
    PASSWORD,
    TLS,
    alone,
    open_door,
    runner,
    share_of,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._in_place import InPlaceWork
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed import IN_PLACE, LOGICAL, PHYSICAL
from ansible_collections.pgbdr.bdr.plugins.module_utils._seeding import SeedingWork
from ansible_collections.pgbdr.bdr.plugins.module_utils._seeding_logical import LogicalSeeding

STATES = ["stopped", "held", "copied", "standby", "promoted", "linked", "member"]
ARGUMENT_SPEC = {
    **NODE,
    **PASSWORD,
    **TLS,
    "donor": {"type": "dict", "required": True},
    "point": {"type": "str", "required": True},
    "state": {"type": "str", "choices": STATES, "required": True},
    "method": {"type": "str", "choices": ["physical", "logical", "in_place"], "default": "physical"},
    "snapshots": {"type": "list", "elements": "dict", "default": []},
    "jobs": {"type": "int", "default": 4},
    "begin": {"type": "bool", "default": False},
    "size_mb": {"type": "int", "default": 0},
    "slice_seconds": {"type": "int", "default": 86400},
    "wait_seconds": {"type": "int", "default": 300},
}


def main() -> None:
    """Bring the state about."""
    module, plan = open_door(ARGUMENT_SPEC)
    given = module.params
    kinds: dict[str, type[SeedingWork | InPlaceWork]]
    kinds = {PHYSICAL: SeedingWork, LOGICAL: LogicalSeeding, IN_PLACE: InPlaceWork}
    work = kinds[given["method"]](
        plan, share_of(module, "donor"), given["point"], runner(module), given["password"], given["tls"]
    )
    with alone(module, plan):
        told = _in_place(work, module) if isinstance(work, InPlaceWork) else _copy(work, module)
    diff = [{"before": "", "after": f"{step}\n"} for step in work.steps]
    module.exit_json(changed=bool(work.steps), steps=work.steps, diff=diff, **told)


def _copy(work: SeedingWork, module: AnsibleModule) -> dict[str, t.Any]:
    given, check_mode, seconds = module.params, module.check_mode, module.params["wait_seconds"]
    if isinstance(work, LogicalSeeding):
        work.snapshots, work.jobs = given["snapshots"], given["jobs"]
    if given["state"] == "copied":
        done = work.copied(check_mode, given["begin"], given["slice_seconds"])
        return {} if done is None else {"progress": done}
    if given["state"] == "stopped":
        work.stopped(check_mode)
    elif given["state"] == "standby":
        work.standing_by(check_mode, seconds)
    elif given["state"] == "promoted":
        work.promoted(check_mode, seconds)
    elif given["state"] == "linked":
        work.linked(check_mode, seconds)
    elif given["state"] == "member":
        work.member(check_mode)
    return {}


def _in_place(work: InPlaceWork, module: AnsibleModule) -> dict[str, t.Any]:
    given, check_mode, seconds = module.params, module.check_mode, module.params["wait_seconds"]
    if given["state"] == "held":
        work.held(check_mode, given["begin"], seconds)
    elif given["state"] == "copied":
        work.copied(check_mode, seconds)
        return {"held_seconds": round(work.held_seconds, 3)} if work.held_seconds else {}
    elif given["state"] == "linked":
        work.linked(check_mode, seconds)
    elif given["state"] == "member":
        work.member(check_mode)
    return {}


if __name__ == "__main__":
    main()
