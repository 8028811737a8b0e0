# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: status_report
short_description: The health of a group, as text, JSON and a page
version_added: "0.5.0"
description:
  - Puts together what M(pgbdr.bdr.status_info) returned on each node, and tells of each link what it does, by which
    evidence, and which command mends it.
  - Never fails for what it found; RV(failure) says what a run should fail with.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
options:
  plan:
    description:
      - What M(pgbdr.bdr.plan_info) returned.
    type: dict
    required: true
  found:
    description:
      - What M(pgbdr.bdr.status_info) returned on each node. A host that could not be reached may be among them.
    type: list
    elements: dict
    required: true
  warning_percent:
    description:
      - The soft limit of M(pgbdr.bdr.slot_report), a whole number from 1 to 100.
    type: str
    default: "50"
  lag_mb:
    description:
      - How far behind a link may be and still count as streaming, in MB.
    type: str
    default: "16"
  restored:
    description:
      - What M(pgbdr.bdr.restored_check) returned as RV(pgbdr.bdr.restored_check#module:nodes).
    type: dict
    default: {}
    version_added: "0.6.0"
  file:
    description:
      - A path on the controller where the health is written as JSON, as a page where its name ends in C(.html),
        or as metrics for node_exporter's textfile collector where it ends in C(.prom).
    type: path
    default: ""
  history:
    description:
      - A path on the controller where the look is added to earlier ones, a line of JSON each. The page then shows the
        lag over time. Looks of several groups may share it; it is kept to 1000 looks and 4 MB.
    type: path
    default: ""
    version_added: "0.7.0"
  query:
    description:
      - A JMESPath expression, a question to the health. Its answer is returned, and no table is printed.
    type: str
"""

EXAMPLES = r"""
- name: Show the health of the group
  pgbdr.bdr.status_report:
    plan: "{{ bdr_plan }}"
    found: "{{ ansible_play_hosts_all | map('extract', hostvars, 'bdr_status') }}"
  register: bdr_status_report
  run_once: true
"""

RETURN = r"""
ok:
  description: Whether no finding is of severity error.
  type: bool
  returned: success
at:
  description: When the report was made.
  type: str
  returned: success
group:
  description: Name of the group.
  type: str
  returned: success
nodes:
  description: What M(pgbdr.bdr.status_info) returned, by node; C(answers), C(reason) and C(error) of those without.
  type: dict
  returned: success
links:
  description: The links of the plan.
  type: list
  elements: dict
  returned: success
  contains:
    database:
      description: Its database.
      type: str
    upstream:
      description: Where it begins.
      type: str
    downstream:
      description: Where it ends.
      type: str
    state:
      description:
        - V(streaming), V(catching_up), V(waiting_for_lock), V(crash_looping), V(down), V(slot_missing), V(wal_lost),
          V(stopped_by_conflict) or V(unknown).
      type: str
    end:
      description: The end that is at fault, V(upstream), V(downstream) or V(both), empty where none is.
      type: str
    evidence:
      description: What tells the state.
      type: list
      elements: str
    mend:
      description: The command that mends it, or what to do, empty where nothing is to be done.
      type: str
    lag_bytes:
      description: The WAL that the downstream has not confirmed, none where it is not known.
      type: int
    lag_seconds:
      description: The same as time, none where it is not known.
      type: float
    wal_held_bytes:
      description: The WAL that its slot holds back.
      type: int
    until_lost_bytes:
      description: How much may still be written before that is given up, none without a limit.
      type: int
    used_percent:
      description: How much of what its slot may hold back it does.
      type: int
    conflicts:
      description:
        - Conflicts since the last look that were resolved, none where they were not counted. C(kept), the row of the
          downstream was newer and stayed; C(skipped), it had no such row; C(count), both together; C(overwritten), its
          row was older, which also says that somebody else wrote it before, whenever that was. C(since), in seconds of
          the downstream's clock; C(complete), whether its log still held all of that time.
      type: dict
    worker_failure:
      description: How its worker ended of late, C(failure) of M(pgbdr.bdr.status_info).
      type: dict
findings:
  description:
    - What is wrong, each with C(severity) (V(error) or V(warning)), C(about), C(summary), C(message) and C(mend).
  type: list
  elements: dict
  returned: success
failure:
  description: What to fail with, empty where no finding is of severity error.
  type: str
  returned: success
answer:
  description: The answer to O(query).
  type: raw
  returned: when O(query) is given
"""
