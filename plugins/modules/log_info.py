#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _logs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: log_info
short_description: What the logs of a node tell of its links
version_added: "0.6.0"
description:
  - Reads the logs in a node's home, whether its server is up or down, and returns every message that is known, with
    its meaning and its remedy, and counts every error that is not.
  - Reads in a stream, so that the size of a log does not matter, and leaves out files that are older than O(since).
  - Secrets that a server wrote into its log, such as the password of a DSN, are not returned. Statements are not
    returned either.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.attributes.node
options:
  since:
    description:
      - How far back to read, such as V(90 min), V(24 h) or V(7 d).
    type: str
    default: 24 h
"""

EXAMPLES = r"""
- name: Read the logs of the last hour
  pgbdr.bdr.log_info:
    node: "{{ bdr_plan.nodes[inventory_hostname] }}"
    since: 1 h
  register: bdr_log
"""

RETURN = r"""
node:
  description: Name of the node.
  type: str
  returned: always
since:
  description: From when on was read. All times are UTC.
  type: str
  returned: always
read_at:
  description: When it was read, by the host's clock.
  type: str
  returned: always
files:
  description: How many files were read.
  type: int
  returned: always
bytes:
  description: How large they are.
  type: int
  returned: always
lines:
  description: How many lines with a level are from O(since) on.
  type: int
  returned: always
unread:
  description: Of these, how many begin otherwise than the plan's C(log_line_prefix) lets them.
  type: int
  returned: always
left_out:
  description: How many lines were not counted, since there were too many different messages.
  type: int
  returned: always
known:
  description: The messages that are known, the most frequent first.
  type: list
  elements: dict
  returned: always
  contains:
    message:
      description: What was recognised.
      type: str
    severity:
      description: V(error), a link or a server stops; V(warning), rows may differ or wait; V(notice), good to know.
      type: str
    meaning:
      description: What it means.
      type: str
    mend:
      description: What to do.
      type: str
    run:
      description: The commands for it; V(<downstream>) in them is the link's.
      type: list
      elements: str
    kind:
      description: V(conflict), V(unreachable), V(server), V(client) or empty.
      type: str
    end:
      description: The end of a link that said so, V(upstream) or V(downstream), else V(server) or V(client).
      type: str
    database:
      description: Database of the session.
      type: str
    application:
      description: What the session calls itself.
      type: str
    connection:
      description: The connection whose worker said so, empty where the log does not tell.
      type: str
    slot:
      description: The slot that it names.
      type: str
    level:
      description: The server's level.
      type: str
    count:
      description: How often.
      type: int
    first_at:
      description: When first.
      type: str
    last_at:
      description: When last.
      type: str
    said:
      description: What the server said, the last time.
      type: str
    detail:
      description: The detail of it.
      type: str
    context:
      description: The context of it.
      type: str
unknown:
  description:
    - The errors that are not known, likewise. C(message) is without what is quoted, and without numbers; of clients
      nothing else is returned.
  type: list
  elements: dict
  returned: always
"""

from ansible_collections.pgbdr.bdr.plugins.module_utils._door import NODE, engine_of, open_door
from ansible_collections.pgbdr.bdr.plugins.module_utils._log_reading import seconds_back
from ansible_collections.pgbdr.bdr.plugins.module_utils._logs import read

ARGUMENT_SPEC = {**NODE, "since": {"type": "str", "default": "24 h"}}


def main() -> None:
    """Read and return."""
    module, plan = open_door(ARGUMENT_SPEC)
    try:
        back = seconds_back(module.params["since"])
        found = read(plan, engine_of(module, plan), back)
    except (ValueError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, node=plan.name, **found)


if __name__ == "__main__":
    main()
