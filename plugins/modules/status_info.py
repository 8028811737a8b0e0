#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _status_look. The action plugin of the same name adds the clock."""

from __future__ import annotations

DOCUMENTATION = r"""
module: status_info
short_description: What a node sees of its links
version_added: "0.5.0"
description:
  - Returns what a node's server and its log tell of the links that begin and end there, in a few seconds, without
    changing anything.
  - No other node is asked, and none has to answer. M(pgbdr.bdr.status_report) puts all nodes together.
  - A server that is down or does not answer is no failure but C(answers=false).
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
  - pgbdr.bdr.attributes.tls
options:
  conflicts_since:
    description:
      - C(until) of RV(conflicts), as an earlier look returned it, 0 without one. Where it is given, the conflicts since
        are counted.
    type: float
    version_added: "0.7.0"
  history:
    description:
      - A path on the controller where M(pgbdr.bdr.status_report) keeps the looks. O(conflicts_since) is taken from
        there.
    type: path
    version_added: "0.7.0"
  password:
    description:
      - Password of the replication role. Where it is given, RV(drift) is looked for; where it is empty, RV(drift) says
        that it is missing.
    type: str
    version_added: "0.7.0"
"""

EXAMPLES = r"""
- name: Look at the node
  pgbdr.bdr.status_info:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
  register: bdr_status
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
reason:
  description: V(down) where no server runs, V(silent) where one runs and does not answer, empty where it answers.
  type: str
  returned: always
log:
  description: The last complaints in its log.
  type: list
  elements: str
  returned: when it does not answer
clock:
  description: Milliseconds that the host's clock is ahead of the controller's, and how far off that may be.
  type: dict
  returned: always
  sample:
    offset_ms: 1.5
    uncertainty_ms: 300.2
conflicts:
  description:
    - Conflicts that were resolved, as the log tells them. C(workers) maps what the log calls a worker to how many ended
      in each way. V(kept), the row here was newer and stayed; V(skipped), a row that is not here was to be changed;
      V(overwritten), the row here was older.
    - C(since) and C(until), in seconds of the host's clock; C(since) is none where none were counted before.
      C(complete), whether the log held all of that time.
  type: dict
  returned: when O(conflicts_since) is given and the engine logs each
drift:
  description:
    - What site.yml would change on the node, as M(pgbdr.bdr.host_info) returns it (C(steps)), or why that is not known
      (C(error)).
  type: dict
  returned: when it answers and O(password) is given
restored:
  description: What M(pgbdr.bdr.restored_info) returns.
  type: dict
  returned: always
seeding:
  description:
    - V(unfinished) of a node that is half seeded, V(closed) of one that lets no clients in because it is about to be
      seeded or to leave, empty of others.
  type: str
  returned: always
slots:
  description:
    - The slots as M(pgbdr.bdr.slot_info) returns them, each with C(sender), the state of its walsender, and
      C(behind_seconds), how long ago that was written which its downstream confirmed last, none where it is not known.
    - C(is_standby), C(slots_keep_wal), C(wal_limit_bytes), C(wal_kept_bytes) and C(identity) are those of
      M(pgbdr.bdr.slot_info), too.
  type: list
  elements: dict
  returned: always
lsn:
  description: The end of its WAL.
  type: str
  returned: when it answers
wal_file:
  description: The file that it is in, none on a standby.
  type: str
  returned: when it answers
incoming:
  description: The node's ends of links, sorted by database and name.
  type: list
  elements: dict
  returned: when it answers
  contains:
    database:
      description: Its database.
      type: str
    name:
      description: Name of the connection.
      type: str
    status:
      description:
        - V(running), V(starting), V(down), V(disabled), or empty where only the upstream can tell whether it is at
          work.
      type: str
    worker:
      description: What the server's log calls its worker.
      type: str
    pid:
      description: The process of its worker, none where it has none or that is not known.
      type: int
    age_seconds:
      description: How long that process has been there.
      type: float
    waits_seconds:
      description: How long it has waited for a lock, none where it waits for none.
      type: float
    waits_for:
      description: What it waits to lock.
      type: str
    blocked_by:
      description: The processes that hold it up, empty where the server does not say.
      type: list
      elements: int
    blockers:
      description: Who they are; where the server does not say, all that have a lock on the same.
      type: list
      elements: dict
    origin_lsn:
      description: The upstream's position that was applied last.
      type: str
    failure:
      description:
        - How its worker ended in the last ten minutes, none where it did not. C(times) in a row, C(first_at),
          C(last_at), C(seconds_ago); of the last C(error), C(detail), C(context); C(meaning), C(mend) and C(kind) where
          the error is known.
      type: dict
findings:
  description: What the log of the last ten minutes says of links, with meaning and remedy.
  type: list
  elements: str
  returned: when it answers
log_time:
  description: The time, as the log has it.
  type: str
  returned: when it answers
settings:
  description: The settings that somebody set.
  type: dict
  returned: when it answers
pending_restart:
  description: What the server will only use after a restart.
  type: list
  elements: str
  returned: when it answers
databases:
  description:
    - Of each database the tables without the guard they should have (C(unguarded)), those without a primary key
      (C(keyless)), and C(error) where it could not be looked at.
  type: dict
  returned: when it answers
"""

import time

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import (
    NODE,
    TLS,
    engine_of,
    open_door,
    remembering,
    runner,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._drift import look as look_for_drift
from ansible_collections.pgbdr.bdr.plugins.module_utils._status_look import look

ARGUMENT_SPEC = {
    **NODE,
    **TLS,
    "password": {"type": "str", "no_log": True},
    "conflicts_since": {"type": "float"},
    "history": {"type": "path"},  # the action plugin's
}


def main() -> None:
    """Look and return."""
    module, plan = open_door(ARGUMENT_SPEC)
    started = time.time()
    password, run = module.params["password"], remembering(runner(module))
    found = look(plan, engine_of(module, plan), run, module.params["conflicts_since"])
    # What another node's data needs is told with it.
    if password is not None and found["answers"] and not found["restored"]["refused"]:
        found["drift"] = look_for_drift(plan, run, password, module.params["tls"])
    # Read twice: how long the look took says nothing of the clock.
    clock = {"started_ms": started * 1000, "ended_ms": time.time() * 1000}
    module.exit_json(changed=False, node=plan.name, **found, clock=clock)


if __name__ == "__main__":
    main()
