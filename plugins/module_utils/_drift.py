# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What site.yml would change on a node whose server answers: its own dry run, in a few seconds. Only reads."""

from __future__ import annotations

import typing as t

from ._deadline import within
from ._instance import InstanceError
from ._model import NodePlan
from ._pending import pending
from ._program import Runner, server_facts, speaks_as_planned
from ._sequences import SequenceError
from ._service import ServiceError
from ._session_types import Row, SessionError
from ._tls import WrongKeyPair

SECONDS = 3
"""What the ten seconds of a look at the group leave to it."""
NO_PASSWORD = (
    "this controller does not have the password of the replication role; run status.yml where site.yml is run, or "
    "set bdr_secrets_directory"
)

_CANCELED = "57014"
_KICK = "change worker of "
"""A worker that waits to be tried again is as planned, and its link's state tells of it."""


def look(plan: NodePlan, run: Runner, password: str, tls: t.Mapping[str, str]) -> Row:
    """Return the steps, or why nobody can tell them: `error`, empty where they are known."""
    if not password:
        return _unknown(NO_PASSWORD)
    if plan.era and not speaks_as_planned(plan, server_facts(plan.bin_directory, run)):
        return _unknown(f"its server is not of era {plan.era}, which the plan is made for")
    try:
        with within(SECONDS):
            steps = pending(plan, run, password, tls, accepts_restored=False).steps
        return {"steps": [step for step in steps if not step.startswith(_KICK)], "error": ""}
    except SessionError as error:
        if error.sqlstate == _CANCELED:
            return _unknown(f"a look takes more than {SECONDS} s, somebody holds a lock on what it reads")
        return _unknown(" ".join(str(error).split()))
    except (InstanceError, SequenceError, ServiceError, WrongKeyPair) as error:
        return _unknown(" ".join(str(error).split()))


def _unknown(error: str) -> Row:
    return {"steps": [], "error": error}
