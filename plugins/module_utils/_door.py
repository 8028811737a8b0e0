# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What the doors share: the node's share of the plan as an option, and one way to fail."""

from __future__ import annotations

import contextlib
import fcntl
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ._apply import Outcome
from ._engine import server
from ._engine.server import EngineServer
from ._instance import InstanceError
from ._model import NodePlan, node_plan
from ._program import Runner
from ._sequences import SequenceError
from ._service import ServiceError
from ._session import SessionError
from ._state import told
from ._tls import WrongKeyPair

LOCK_SECONDS = 300

NODE: dict[str, t.Any] = {"node": {"type": "dict", "required": True}}
TLS: dict[str, t.Any] = {"tls": {"type": "dict", "default": {}, "no_log": True}}
RESTORED: dict[str, t.Any] = {"accept_restored": {"type": "str", "default": ""}}
PASSWORD: dict[str, t.Any] = {"password": {"type": "str", "required": True, "no_log": True}}


def open_door(argument_spec: t.Mapping[str, t.Any], no_log: bool = False) -> tuple[AnsibleModule, NodePlan]:
    """Return the module and the node's plan; a mapping that is no plan is an error that says so.

    no_log: the host's system log is not told the arguments.
    """
    module = AnsibleModule(argument_spec=dict(argument_spec), supports_check_mode=True, no_log=no_log)
    return module, share_of(module, "node")


def share_of(module: AnsibleModule, option: str) -> NodePlan:
    """Return another node's share of the plan, which an option holds."""
    try:
        return node_plan(module.params[option])
    except (KeyError, TypeError) as error:
        module.fail_json(
            msg=f"{option}: not a node's share of the plan ({error}); use nodes[...] of plan_info's result"
        )
        raise


def accepts_restored(module: AnsibleModule, plan: NodePlan) -> bool:
    """Tell whether the operator named the node as one whose data may be another than what ran there last."""
    return plan.name in [name.strip() for name in module.params["accept_restored"].split(",")]


def engine_of(module: AnsibleModule, plan: NodePlan) -> EngineServer:
    """Return the live side of the node's engine."""
    try:
        return server(plan)
    except ValueError as error:
        module.fail_json(msg=str(error))
        raise


def runner(module: AnsibleModule) -> Runner:
    """Return how programs are run: without a shell, in a locale whose messages are English."""

    def run(command: t.Sequence[str]) -> tuple[int, str, str]:
        return t.cast("tuple[int, str, str]", module.run_command(list(command), environ_update={"LC_ALL": "C.UTF-8"}))

    return run


def remembering(run: Runner) -> Runner:
    """Return the same for what only looks: a command that was run before has the same answer."""
    answers: dict[tuple[str, ...], tuple[int, str, str]] = {}

    def answer(command: t.Sequence[str]) -> tuple[int, str, str]:
        key = tuple(command)
        if key not in answers:
            answers[key] = run(command)
        return answers[key]

    return answer


@contextlib.contextmanager
def one_error(module: AnsibleModule) -> t.Iterator[None]:
    """Turn what the helpers raise into one message of the module."""
    try:
        yield
    except (InstanceError, SequenceError, ServiceError, SessionError, WrongKeyPair) as error:
        module.fail_json(msg=str(error))


@contextlib.contextmanager
def alone(module: AnsibleModule, plan: NodePlan) -> t.Iterator[None]:
    """Change one node from one place at a time, and turn what the helpers raise into one message.

    A run whose controller was killed leaves its modules at work; the next run waits here until they are through.
    """
    with one_error(module):
        if module.check_mode:
            yield
            return
        with open(f"/run/{plan.unit}.lock", "w", encoding="ascii") as lock:
            deadline = time.monotonic() + LOCK_SECONDS
            while not _is_taken_now(lock):
                if time.monotonic() >= deadline:
                    module.fail_json(msg=f"another run has been working on {plan.name} for {LOCK_SECONDS} s")
                time.sleep(0.1)
            yield


def _is_taken_now(lock: t.IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def exit_with(module: AnsibleModule, outcome: Outcome, **result: t.Any) -> None:
    """Return steps, diff and warnings of an outcome, and what the module adds."""
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(
        changed=bool(outcome.steps),
        steps=told(outcome.steps),
        diff=outcome.diff,
        **result,
    )
