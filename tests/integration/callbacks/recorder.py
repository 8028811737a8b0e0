"""Write what each task reports of each host as JSON, so that tests need not read what is meant for people."""

from __future__ import annotations

import json
import os
import signal
import threading

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: recorder
type: notification
short_description: Results as JSON for the tests
description:
  - Writes tasks and stats to the file that PGBDR_RECORD names.
  - Kills the run and all it started in the task whose name PGBDR_KILL_IN holds, PGBDR_KILL_SECONDS after its start.
options: {}
"""


class CallbackModule(CallbackBase):
    """Records changed, failed, unreachable, skipped, and of what a module returns what the tests look at."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "recorder"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._tasks: dict = {}

    def _record(self, result, **more) -> None:
        wanted = ("msg", "pending", "steps", "tables", "warnings")
        kept = {name: result.result[name] for name in wanted if name in result.result}
        entry = {"changed": bool(result.result.get("changed")), **kept, **more}
        self._tasks.setdefault(result.task.name, {})[result.host.get_name()] = entry

    def v2_playbook_on_task_start(self, task, is_conditional) -> None:
        if task.name == os.environ.get("PGBDR_KILL_IN"):
            seconds = float(os.environ["PGBDR_KILL_SECONDS"])
            threading.Timer(seconds, os.killpg, (os.getpgid(0), signal.SIGKILL)).start()

    def v2_runner_on_ok(self, result) -> None:
        self._record(result)

    def v2_runner_on_failed(self, result, ignore_errors=False) -> None:
        self._record(result, failed=True)

    def v2_runner_on_unreachable(self, result) -> None:
        self._record(result, unreachable=True)

    def v2_runner_on_skipped(self, result) -> None:
        self._record(result, skipped=True)

    def v2_playbook_on_stats(self, stats) -> None:
        totals = {host: stats.summarize(host) for host in stats.processed}
        with open(os.environ["PGBDR_RECORD"], "w", encoding="utf-8") as file:
            json.dump({"tasks": self._tasks, "stats": totals}, file, default=str)
