# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_report
short_description: What differs in the tables of a group's nodes, and the DDL that would mend it
version_added: "0.3.0"
description:
  - Compares what M(pgbdr.bdr.schema_info) read on each node, along the links of the plan, by the rules of the engine.
  - Prints each finding with its severity, the nodes and the DDL, and changes nothing.
  - A finding of severity V(error) means that replication stops or rows differ; RV(failure) says so in one sentence.
  - Nodes that did not answer are named and not compared. Fails where none answered.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.plan
options:
  found:
    description:
      - What M(pgbdr.bdr.schema_info) returned on each node. Results without a node, as those of hosts that cannot be
        reached, are taken as no answer.
    type: list
    elements: dict
    required: true
  query:
    description:
      - A JMESPath expression over RV(findings), RV(compared) and RV(not_compared); its answer is returned in
        RV(answer). The report is not printed then.
    type: str
  file:
    description:
      - Write the findings there as JSON, on the controller.
    type: path
requirements:
  - jmespath on the controller
"""

EXAMPLES = r"""
- name: Compare the tables of all nodes
  pgbdr.bdr.schema_report:
    plan: "{{ bdr_plan }}"
    found: "{{ ansible_play_hosts_all | map('extract', hostvars, 'bdr_schema_found') }}"
  run_once: true
"""

RETURN = r"""
findings:
  description: Each difference, the worst first, then in the order in which the DDL can be run.
  type: list
  elements: dict
  returned: success
  sample:
    - severity: error
      database: appdb
      kind: table
      object: public.city
      finding: column note there on alpha, charlie, missing on bravo
      nodes: [bravo]
      mend: [{node: bravo, statements: [ALTER TABLE public.city ADD COLUMN note text]}]
      advice: ""
compared:
  description: For each database the nodes that were compared.
  type: dict
  returned: success
not_compared:
  description: Nodes and databases that gave no answer, and why.
  type: list
  elements: dict
  returned: success
  sample: [{node: bravo, database: appdb, reason: the host cannot be reached}]
mend_session:
  description: What a session that runs the DDL says first, so that it stays on its node.
  type: list
  elements: str
  returned: success
failure:
  description: Which objects have findings of severity V(error); empty without.
  type: str
  returned: success
answer:
  description: What the query found.
  type: raw
  returned: when O(query) is given
"""
