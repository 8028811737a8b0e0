#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _slots: every slot of a node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: slot_info
short_description: Every slot of a node, whose it is and what it holds back
version_added: "0.3.0"
description:
  - Returns all slots of the node's server, logical and physical, with the WAL that each holds back, how far it is from
    losing it, and whose it is by the plan.
  - Whose a slot of contrib_bdr is only its downstream can say. Such a slot comes back with the ids in its name, and
    each node with its own. M(pgbdr.bdr.slot_report) puts the two together.
  - A server that is down or does not answer is no failure but C(answers=false).
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
"""

EXAMPLES = r"""
- name: Look at the slots
  pgbdr.bdr.slot_info:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
  register: bdr_slots
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
answers:
  description: Whether its server does.
  type: bool
  returned: always
error:
  description: What it says instead, empty where it answers.
  type: str
  returned: always
slots:
  description: The slots, sorted by name.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: Name of the slot.
      type: str
    plugin:
      description: Its output plugin, none for a physical slot.
      type: str
    kind:
      description: V(logical) or V(physical).
      type: str
    database:
      description: Its database, none for a physical slot.
      type: str
    active:
      description: Whether it is in use.
      type: bool
    pid:
      description: The process that uses it, none where the server does not say.
      type: int
    xmin_age:
      description: How many transactions old the rows are that it keeps from VACUUM, none where it keeps none.
      type: int
    catalog_xmin_age:
      description: The same of rows of the catalogs.
      type: int
    wal_held_bytes:
      description: The WAL from its place to the end, none where slots keep no WAL.
      type: int
    behind_bytes:
      description: The WAL that its downstream has not confirmed yet, none where the server does not say.
      type: int
    wal_status:
      description: The server's word for its WAL, such as V(reserved) and V(lost), none before PostgreSQL 13.
      type: str
    until_lost_bytes:
      description: How much may still be written before its WAL is given up; 0 where it is lost, none without a limit.
      type: int
    verdict:
      description:
        - V(link) of the plan; V(abandoned), the engine's by plugin and name, but of no link of the plan and not in use;
          V(unplanned), the same in use; V(foreign), somebody else's; V(unknown), the engine's, and only its downstream
          can say whose.
      type: str
    downstream:
      description: The downstream of its link, empty where there is none or it is not known.
      type: str
    of:
      description: The ids of the downstream in the name of a slot of contrib_bdr.
      type: dict
is_standby:
  description: Whether the node is a physical standby. Its slots are nobody's link.
  type: bool
  returned: when it answers
slots_keep_wal:
  description: Whether slots keep WAL on this server. Up to contrib_bdr 0.4 they do not.
  type: bool
  returned: when it answers
wal_limit_bytes:
  description: How much WAL a slot may hold back, none without a limit (C(max_slot_wal_keep_size)).
  type: int
  returned: when it answers
wal_kept_bytes:
  description: How much WAL is kept for whoever needs it, slot or not (C(wal_keep_segments), C(wal_keep_size)).
  type: int
  returned: when it answers
identity:
  description: Who the node is in the names of slots, C(sysid), C(timeline), and C(databases) with their oids.
  type: dict
  returned: when it answers
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils import _session
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, engine_of, open_door
from ansible_collections.pgbdr.bdr.plugins.module_utils._slot_dialects import SlotRefused
from ansible_collections.pgbdr.bdr.plugins.module_utils._slots import look

ARGUMENT_SPEC = {**NODE}


def main() -> None:
    """Look and return."""
    module, plan = open_door(ARGUMENT_SPEC)
    engine = engine_of(module, plan)
    try:
        with _session.local(plan, "postgres") as session:
            found = look(session, engine)
    except (_session.SessionError, SlotRefused) as error:
        module.exit_json(changed=False, node=plan.name, answers=False, error=" ".join(str(error).split()), slots=[])
    module.exit_json(changed=False, node=plan.name, answers=True, error="", **found)


if __name__ == "__main__":
    main()
