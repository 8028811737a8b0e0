#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _schema: what a node's tables are."""

from __future__ import annotations

DOCUMENTATION = r"""
module: schema_info
short_description: The definitions of a node's replicated tables
version_added: "0.3.0"
description:
  - Reads the catalogs of the node's databases. For each table its columns, keys, constraints, storage parameters,
    parents and owner; and the types, extensions and sequences that tables are made of. No row of a table is read.
  - Tables of the system, of the engine and of extensions are left out. Views come by name only.
  - What is as usual is left out of the answer. Equal tables have equal definitions, whatever their numbers (oids).
  - Does not fail where the node's server is down or hangs. It says so in RV(answers), and M(pgbdr.bdr.schema_report)
    goes on with the other nodes.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
options:
  databases:
    description:
      - Databases to look at. All of the node's by default.
    type: list
    elements: str
  schemas:
    description:
      - Schemas to look at. All by default.
    type: list
    elements: str
  answer_seconds:
    description:
      - How long a server may be silent before it is asked once more, and counts as one that hangs.
    type: int
    default: 10
"""

EXAMPLES = r"""
- name: Read the definitions of all tables
  pgbdr.bdr.schema_info:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
  register: bdr_schema_found
  ignore_unreachable: true
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
answers:
  description: Whether every database of the node was read.
  type: bool
  returned: always
error:
  description: What the server said where it was not, empty otherwise.
  type: str
  returned: always
errors:
  description: The same for each database that was not read.
  type: dict
  returned: always
definitions:
  description:
    - For each database that was read its definitions, as JSON text. Many thousand tables travel faster as one string.
      Read it with P(ansible.builtin.from_json#filter).
    - It has C(relations), C(types), C(sequences), C(extensions), C(schemas) and C(version), the server's as a number.
  type: dict
  returned: always
  sample:
    appdb: >-
      {"version": 150018, "schemas": ["public"], "extensions": {}, "types": {}, "sequences": {}, "relations":
      {"public.city": {"schema": "public", "kind": "table", "owner": "postgres", "columns": [{"name": "id", "type":
      "integer", "not_null": true}], "primary_key": {"name": "city_pkey", "definition": "PRIMARY KEY (id)"}}}}
"""

import json

from ansible_collections.pgbdr.bdr.plugins.module_utils import _session
from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, open_door
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import rules
from ansible_collections.pgbdr.bdr.plugins.module_utils._schema import read

ARGUMENT_SPEC = {
    **NODE,
    "databases": {"type": "list", "elements": "str"},
    "schemas": {"type": "list", "elements": "str"},
    "answer_seconds": {"type": "int", "default": 10},
}


def main() -> None:
    """Read and return."""
    module, plan = open_door(ARGUMENT_SPEC)
    # A physical standby has what the node it follows has.
    own = () if plan.standby_of else plan.databases
    wanted = module.params["databases"] if module.params["databases"] is not None else own
    unknown = sorted(set(wanted) - set(plan.databases))
    if unknown:
        module.fail_json(msg=f"databases: {', '.join(unknown)} is none of {plan.name}'s; it has {', '.join(own)}")
    physical = rules(plan.engine, plan.era).schema.ships_tuples
    definitions, errors = {}, {}
    for database in wanted:
        try:
            with _session.local(plan, database, module.params["answer_seconds"]) as session:
                found = read(session, module.params["schemas"], physical)
            definitions[database] = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        except _session.SessionError as error:
            errors[database] = str(error)
    module.exit_json(
        changed=False,
        node=plan.name,
        answers=not errors,
        error="; ".join(dict.fromkeys(errors.values())),
        errors=errors,
        definitions=definitions,
    )


if __name__ == "__main__":
    main()
