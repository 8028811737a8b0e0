# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection says of itself."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes, and the options that several modules share."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Predicts what a run would do, and changes nothing.
  diff_mode:
    support: full
    description: Shows what differs, before and after; secrets show that they differ only.
  idempotent:
    support: full
    description: A second run changes nothing.
author:
  - pgbdr.bdr contributors (@pgbdr)
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    description: Only reads.
  diff_mode:
    support: none
    description: Only reads.
  idempotent:
    support: full
    description: Only reads.
author:
  - pgbdr.bdr contributors (@pgbdr)
"""

    NODE = r"""
options:
  node:
    description:
      - The node's share of the plan, C(nodes[...]) of what M(pgbdr.bdr.plan_info) returns.
    type: dict
    required: true
requirements:
  - psycopg2 on the node
"""

    PLAN = r"""
options:
  plan:
    description:
      - What M(pgbdr.bdr.plan_info) returned.
    type: dict
    required: true
"""

    PASSWORD = r"""
options:
  password:
    description:
      - Password of the replication role.
    type: str
    required: true
"""

    TLS = r"""
options:
  tls:
    description:
      - Texts of the files C(server.crt), C(server.key) and C(ca.crt); empty without TLS.
    type: dict
    default: {}
"""

    ROW_WAITS = r"""
options:
  lock_timeout_seconds:
    description:
      - How long a row that another session holds is waited for. Then it is returned in RV(refused).
    type: int
    default: 5
  answer_seconds:
    description:
      - How long a server may be silent before it is asked whether it still answers.
    type: int
    default: 10
"""

    ACCEPT_RESTORED = r"""
options:
  accept_restored:
    description:
      - Names of nodes, with commas between them, whose data may be another than what ran there last.
        The others are refused where it is.
    type: str
    default: ""
    version_added: "0.6.0"
"""

    CONSENT = r"""
options:
  confirm:
    description:
      - The same name, once more.
    type: str
    default: ""
  accept_loss:
    description:
      - The same name, where changes that it did not send are given up.
    type: str
    default: ""
"""
