# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection says of itself."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes, and the two options that most modules share."""

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
