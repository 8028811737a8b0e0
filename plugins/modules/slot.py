#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _slots: one logical slot."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slot
short_description: Make or drop one logical slot
version_added: "0.3.0"
description:
  - Makes or drops a logical slot on any era of server, by SQL functions where the server has them, by commands of a
    replication session where it has not.
  - Slots of links are made by their downstreams. This is for a slot that was left behind, and for one that has to be
    there before its downstream is.
  - Refuses, with what it found, when the name stands for a slot of another plugin, of another database, or for a
    physical one, such as standbys and backup tools have. Those are never touched.
  - Refuses to drop a slot that is in use, unless told to wait or to end its walsender.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.attributes.node
options:
  name:
    description:
      - Name of the slot. What a server takes in a name differs with its era; it is checked before the server is asked.
    type: str
    required: true
  state:
    description:
      - Whether the slot shall be there.
    type: str
    choices: [present, absent]
    default: present
  database:
    description:
      - Database of the slot. Needed with O(state=present). With O(state=absent) the slot must be of it, where it is
        given.
    type: str
  plugin:
    description:
      - Output plugin of the slot, by default that of the group's engine. A slot of another plugin is not dropped.
    type: str
  end_walsender:
    description:
      - End the walsender that uses the slot before it is dropped. Its downstream will try again, and find no slot.
      - Servers before 9.5 do not say which walsender uses a slot. Where it cannot be told, the module refuses.
    type: bool
    default: false
  wait_seconds:
    description:
      - How long to wait until nobody uses the slot that is to be dropped. V(0) does not wait for a downstream, and 10 s
        for a walsender that was ended.
      - With O(state=present), how long open transactions may hold up the new slot; V(0) is 60 s.
    type: int
    default: 0
  unused_seconds:
    description:
      - With O(state=present), drop the slot again when nobody has used it for so long since it was made, in
        seconds. V(0) sets no limit. Servers before 9.5 do not tell.
      - A process on the host sees to that, until the host is started again. The server's log tells when it dropped a
        slot.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Drop the slot of a downstream that is gone for good
  pgbdr.bdr.slot:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    name: pgl_appdb_alpha_alpha_charlie
    state: absent

- name: Keep the WAL for a downstream that comes later
  pgbdr.bdr.slot:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    name: pgl_appdb_alpha_alpha_charlie
    database: appdb
"""

RETURN = r"""
steps:
  description: What was done, or would be done, in order.
  type: list
  elements: str
  returned: always
  sample: [drop slot pgl_appdb_alpha_alpha_charlie]
before:
  description: The slot as it was, empty where there was none. Its keys are those of M(pgbdr.bdr.slot_info).
  type: dict
  returned: always
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils import _session
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, alone, engine_of, open_door
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import rules
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import NodePlan
from ansible_collections.pgbdr.bdr.plugins.module_utils._session_types import Statement
from ansible_collections.pgbdr.bdr.plugins.module_utils._slot_dialects import SlotRefused
from ansible_collections.pgbdr.bdr.plugins.module_utils._slot_limit import SlotLimit
from ansible_collections.pgbdr.bdr.plugins.module_utils._slots import SlotWork, Wanted

ARGUMENT_SPEC = {
    **NODE,
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "database": {"type": "str"},
    "plugin": {"type": "str"},
    "end_walsender": {"type": "bool", "default": False},
    "wait_seconds": {"type": "int", "default": 0},
    "unused_seconds": {"type": "int", "default": 0},
}


def _run(plan: NodePlan, work: SlotWork, database: str, *statements: Statement) -> None:
    """Run statements where the server takes them: in a session of SQL or of replication commands."""
    more = {"replication": "true"} if work.probed.dialect.by_walsender else {}
    with _session.local(plan, database, more=more) as session:
        for statement in statements:
            session.run(statement)


def _create(plan: NodePlan, work: SlotWork) -> None:
    """Make the slot. An old server that does not find the plugin leaves a slot behind."""
    try:
        _run(plan, work, work.wanted.database, *work.creation())
    except _session.SessionError:
        if work.found():
            _run(plan, work, "postgres", work.removal())
        raise


def main() -> None:
    """Observe, decide, do."""
    module, plan = open_door(ARGUMENT_SPEC)
    engine = engine_of(module, plan)
    options = module.params
    if options["state"] == "present" and not options["database"]:
        module.fail_json(msg="database: name the database of the slot; a logical slot is of one")
    wanted = Wanted(
        node=plan.name,
        name=options["name"],
        database=options["database"] or "",
        plugin=options["plugin"] or rules(plan.engine, plan.era).slot_plugin,
        is_present=options["state"] == "present",
        end_walsender=options["end_walsender"],
        wait_seconds=options["wait_seconds"],
        unused_seconds=options["unused_seconds"],
    )
    try:
        with alone(module, plan), _session.local(plan, "postgres") as session:
            work = SlotWork(wanted, engine, session)
            if work.steps and not module.check_mode:
                if wanted.is_present:
                    if wanted.unused_seconds:
                        SlotLimit(plan, wanted.name).begin(wanted.unused_seconds, wanted.database)
                    _create(plan, work)
                else:
                    command = work.drop()
                    if command:
                        _run(plan, work, "postgres", command)
    except SlotRefused as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(work.steps), steps=work.steps, diff=work.diff, before=work.before or {})


if __name__ == "__main__":
    main()
