# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: monitor_files
short_description: The alert rules of a group and where its exporters are, for Prometheus
version_added: "0.6.0"
description:
  - Writes two files on the controller. C(pgbdr-<group>.rules.yml) holds the alert rules of the group, each with the
    address of the page that tells what to do. C(pgbdr-<group>.targets.json) holds the exporters, for
    C(file_sd_configs), with the labels C(group) and C(node), which the rules read.
attributes:
  check_mode:
    support: full
    description: Tells whether they would be written.
  diff_mode:
    support: none
    description: The files hold nothing that is not in the plan.
  idempotent:
    support: full
    description: Writes what differs only.
author:
  - pgbdr.bdr contributors (@pgbdr)
options:
  plan:
    description:
      - What M(pgbdr.bdr.plan_info) returned.
    type: dict
    required: true
  found:
    description:
      - What M(pgbdr.bdr.monitor) returned on each node.
    type: list
    elements: dict
    required: true
  limits:
    description:
      - From where on something is told of, with the keys C(for_seconds), C(lag_mb), C(lag_seconds), C(wal_percent) and
        C(xmin_age), all whole numbers. How far clocks may be apart is the plan's.
    type: dict
    required: true
  docs_url:
    description:
      - Where the pages of the collection are.
    type: str
    required: true
  directory:
    description:
      - The directory of the controller to write to. It is made where it is missing.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Write the alert rules and the targets
  pgbdr.bdr.monitor_files:
    plan: "{{ bdr_plan }}"
    found: "{{ ansible_play_hosts | map('extract', hostvars, 'bdr_monitored') }}"
    limits: {for_seconds: 60, lag_mb: 64, lag_seconds: 60, wal_percent: 50, xmin_age: 10000000}
    docs_url: https://github.com/pgbdr/bdr/blob/main/docs
    directory: monitor
  run_once: true
"""

RETURN = r"""
files:
  description: Names of the files.
  type: list
  elements: str
  returned: always
  sample: [pgbdr-london.rules.yml, pgbdr-london.targets.json]
written:
  description: Those of them that differed.
  type: list
  elements: str
  returned: always
"""
