# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: doctor_report
short_description: What the logs of a group tell, as text and JSON
version_added: "0.6.0"
description:
  - Puts together what M(pgbdr.bdr.log_info) and M(pgbdr.bdr.status_info) returned on each node, and tells of each
    message what it means, which link it is of, how often it came, whether it is still going on, and what mends it.
  - Never fails for what it found; RV(failure) says what a run should fail with.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.plan
options:
  read:
    description:
      - What M(pgbdr.bdr.log_info) returned on each node. A host that could not be reached may be among them.
    type: list
    elements: dict
    required: true
  seen:
    description:
      - What M(pgbdr.bdr.status_info) returned on each node, likewise.
    type: list
    elements: dict
    required: true
  file:
    description:
      - A path on the controller where all of it is written as JSON.
    type: path
    default: ""
  query:
    description:
      - A JMESPath expression, a question to what was found. Its answer is returned, and no text is printed.
    type: str
"""

EXAMPLES = r"""
- name: Tell what the logs say
  pgbdr.bdr.doctor_report:
    plan: "{{ bdr_plan }}"
    read: "{{ ansible_play_hosts_all | map('extract', hostvars, 'bdr_log') }}"
    seen: "{{ ansible_play_hosts_all | map('extract', hostvars, 'bdr_status') }}"
  register: bdr_doctor_report
  run_once: true
"""

RETURN = r"""
ok:
  description: Whether nothing of severity error is still going on.
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
  description: Of each node its C(server), how many C(files) and C(bytes) were read, C(lines), C(unread), C(left_out).
  type: dict
  returned: success
links:
  description: The links of the plan with their state, as M(pgbdr.bdr.status_report) tells it.
  type: list
  elements: dict
  returned: success
findings:
  description: What still goes on first, then by severity, the latest first.
  type: list
  elements: dict
  returned: success
  contains:
    about:
      description: The link, or the node where it is of none or of one of several.
      type: str
    node:
      description: The node whose log says so.
      type: str
    links:
      description: The links that it can be of.
      type: list
      elements: str
    names_link:
      description: Whether the log tells which link it is.
      type: bool
    severity:
      description: V(error), V(warning) or V(notice).
      type: str
    going_on:
      description: Whether it is still going on.
      type: bool
    state:
      description:
        - V(going_on); V(over) where its link streams or its server answers; V(earlier) where something else has been
          told of the link since; empty for what does not last.
      type: str
    why:
      description: What tells that.
      type: str
    message:
      description: What was recognised; of an error that is not known, what it says without names and numbers.
      type: str
    meaning:
      description: What it means, empty where that is not known.
      type: str
    mend:
      description: What to do.
      type: str
    run:
      description: The commands.
      type: list
      elements: str
    count:
      description: How often it was logged.
      type: int
    first_at:
      description: When first, UTC.
      type: str
    last_at:
      description: When last, UTC.
      type: str
    said:
      description: The server's own words of the last time, without secrets.
      type: list
      elements: str
    end:
      description: The end of the link that said so.
      type: str
    database:
      description: The database of the session that said so.
      type: str
    kind:
      description: V(conflict), V(unreachable), V(server), V(client) or empty.
      type: str
clients:
  description: Errors of applications, counted, without names and numbers.
  type: list
  elements: dict
  returned: success
failure:
  description: What to fail with, empty where nothing of severity error is still going on.
  type: str
  returned: success
answer:
  description: The answer to O(query).
  type: raw
  returned: when O(query) is given
"""
