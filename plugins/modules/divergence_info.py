#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _compare: whether nodes hold the same rows."""

from __future__ import annotations

DOCUMENTATION = r"""
module: divergence_info
short_description: Rows that differ between nodes
version_added: "0.4.0"
description:
  - Compares the rows of two or more nodes while they are written, and changes none. It runs on one node of the group,
    which asks the others as the replication role; M(pgbdr.bdr.read_access) lets it read there.
  - The servers hash the rows in blocks of keys, all at the same time. Blocks that differ are divided, and of the rows
    that look different only keys and hashes are fetched.
  - A row is V(different) only when it is proven not to be on its way. It is read, a row is sent through every link and
    awaited (the fence), and it is read again. Where a link lets no row through the verdict is V(unproven), with why.
  - Tables are compared by their primary key, else by a unique key without NULL, else as multisets of rows.
  - A call compares for O(slice_seconds) and notes in a file on the host how far it came. The action plugin of the same
    name calls until it is through and shows the progress. What was stopped or killed goes on from there.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
options:
  members:
    description:
      - The shares of all nodes of the group, RV(pgbdr.bdr.plan_info#module:nodes) of M(pgbdr.bdr.plan_info).
    type: dict
    required: true
  others:
    description:
      - Nodes outside the group, of any version from 9.3 on, each with a O(others[].name) and a O(others[].dsn), by
        which the host reaches it.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - What the node is called in the result.
        type: str
        required: true
      dsn:
        description:
          - Parameters of libpq. A password is better kept in a passfile that this names.
        type: str
        required: true
  nodes:
    description:
      - Names of the nodes to compare. All by default.
    type: list
    elements: str
    default: []
  without:
    description:
      - Nodes to leave out, such as one that is down for good. What is on its way from them is not waited for.
    type: list
    elements: str
    default: []
  databases:
    description:
      - Databases to compare. All that the nodes have by default.
    type: list
    elements: str
    default: []
  schemas:
    description:
      - Schemas to compare, or shell patterns of them. All by default.
    type: list
    elements: str
    default: []
  tables:
    description:
      - Tables to compare, as C(table) or C(schema.table), or shell patterns of them. All by default.
    type: list
    elements: str
    default: []
  replication_sets:
    description:
      - Compare only tables that are in one of these replication sets, with the engine pglogical.
    type: list
    elements: str
    default: []
  columns:
    description:
      - For a table or pattern the columns to compare. The key is always one of them. All columns by default.
      - Of several patterns that mean a table, the narrowest is taken.
    type: dict
    default: {}
  where:
    description:
      - For a table or pattern an SQL condition, which says what rows to compare.
      - Of several patterns that mean a table, the narrowest is taken.
    type: dict
    default: {}
  equality:
    description:
      - V(exact) takes 1.0 and 1.00 for different, as what is stored is. V(sql) takes for equal what C(=) does.
    type: str
    default: exact
    choices: [exact, sql]
  max_differences:
    description:
      - How many rows of a table that differ are told, after which the table is left.
    type: int
    default: 1000
  fence_seconds:
    description:
      - How long a row may take through a link.
    type: int
    default: 60
  max_lag_mb:
    description:
      - Pause while a slot of a node holds back more WAL than this. V(0) never pauses.
    type: int
    default: 0
  max_active:
    description:
      - Pause while a node has more active sessions than this. V(0) never pauses.
    type: int
    default: 0
  fresh:
    description:
      - Begin anew, whatever an earlier call has noted.
    type: bool
    default: false
  stop_after_seconds:
    description:
      - Stop between two calls once so much time has passed, and return RV(stopped). V(0) is never.
    type: int
    default: 0
  slice_seconds:
    description:
      - How long a call compares, about. V(0) is until it is through.
    type: int
    default: 0
  goes_on:
    description:
      - This call follows at once on one of the same run, so that a link that let nothing through is not waited for as
        long once more. The action plugin sets it by itself.
    type: bool
    default: false
  only:
    description:
      - Compare only these rows. Each entry has C(database), C(table) as C(schema.table), and C(keys), mappings of the
        key's columns to values as text. What was noted of a whole comparison is kept.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Compare all tables of all nodes
  pgbdr.bdr.divergence_info:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    members: "{{ bdr_plan.nodes }}"
  register: bdr_divergence
  run_once: true

- name: Compare what was ordered today on two of them
  pgbdr.bdr.divergence_info:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    members: "{{ bdr_plan.nodes }}"
    nodes: [alpha, bravo]
    tables: [shop.orders]
    where:
      shop.orders: ordered_at >= current_date
  register: bdr_divergence
  run_once: true
"""

RETURN = r"""
progress:
  description: How far the comparison is, by tables, rows and time; what the action plugin prints.
  type: dict
  returned: while it goes on, and not by the action plugin
stopped:
  description: That the time given by O(stop_after_seconds) was up before the end.
  type: bool
  returned: when it was, by the action plugin
comparison:
  description:
    - The verdict, V(equal), V(different) or V(unproven), how the rows were hashed, the nodes, and for each table its
      key, rows, pairs of nodes and the rows that differ.
  type: dict
  returned: when it is through
  sample:
    verdict: different
    nodes: [alpha, bravo]
    tables:
      - database: appdb
        schema: public
        name: city
        key: [id]
        verdict: different
        pairs: [{nodes: [alpha, bravo], only_first: 1, only_second: 0, different: 0, unproven: 0}]
        differences:
          - key: {id: "5"}
            verdict: different
            versions: [{nodes: [alpha], hash: "4711", values: {}}, {nodes: [bravo], hash: null, values: {}}]
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.settings import WrongSettings
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.work import Comparison, NotComparable
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, one_error, open_door

_NAMES = {"type": "list", "elements": "str", "default": []}
ARGUMENT_SPEC = {
    **NODE,
    "members": {"type": "dict", "required": True},
    "others": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "dsn": {"type": "str", "required": True, "no_log": True},
        },
    },
    "nodes": _NAMES,
    "without": _NAMES,
    "databases": _NAMES,
    "schemas": _NAMES,
    "tables": _NAMES,
    "replication_sets": _NAMES,
    "columns": {"type": "dict", "default": {}},
    "where": {"type": "dict", "default": {}},
    "equality": {"type": "str", "default": "exact", "choices": ["exact", "sql"]},
    "max_differences": {"type": "int", "default": 1000},
    "fence_seconds": {"type": "int", "default": 60},
    "max_lag_mb": {"type": "int", "default": 0},
    "max_active": {"type": "int", "default": 0},
    "fresh": {"type": "bool", "default": False},
    "stop_after_seconds": {"type": "int", "default": 0},
    "slice_seconds": {"type": "int", "default": 0},
    "goes_on": {"type": "bool", "default": False},
    "only": {"type": "list", "elements": "dict", "default": []},
}


def main() -> None:
    """Compare for a while."""
    module, plan = open_door(ARGUMENT_SPEC)
    with one_error(module):
        try:
            with Comparison(plan, module.params) as comparison:
                result = comparison.go_on()
        except (NotComparable, WrongSettings) as error:
            module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
