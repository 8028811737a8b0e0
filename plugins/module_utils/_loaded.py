# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a running server has loaded of its settings, and how to make it load the rest."""

from __future__ import annotations

import os
import typing as t

from . import _connection_file, _session
from ._commands import read_setting
from ._model import NodePlan
from ._program import Runner, runs_another
from ._render import SETTINGS_FILE
from ._sizing import has_room

# A good value that waits for a restart is an error here like a wrong one, so those are left to check(), which
# reads the files as the next start will. A setting that was taken out has no name here.
_REFUSED = """
SELECT f.name, f.setting, f.error FROM pg_file_settings f LEFT JOIN pg_settings s ON s.name = f.name
 WHERE f.error IS NOT NULL AND s.context IS DISTINCT FROM 'postmaster'
   AND NOT (f.name IS NULL AND f.error ~ 'cannot be changed without restarting')
"""
# Lines for TLS cannot match before the server has loaded that it is on, which is what the reload is for.
_REFUSED_RULES = """
SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL AND error !~ 'SSL is disabled'
"""
_PENDING = "SELECT name, setting FROM pg_settings WHERE pending_restart ORDER BY name"
TELLS_PENDING = 90500
"""Servers before this version do not tell what waits for a restart."""
_RUNNING = "SELECT name, setting FROM pg_settings WHERE context = 'postmaster' AND name = ANY(%(names)s) ORDER BY name"
_STARTED = "SELECT extract(epoch FROM pg_postmaster_start_time())::float8"
_ONLY_AT_START = "SELECT name, setting FROM pg_settings WHERE context = 'postmaster'"


PROGRAM = "the server's program"


class SettingsRefused(Exception):
    """The server cannot use what the files say; it goes on with what it had."""


def pending_restart(plan: NodePlan, run: Runner) -> list[str]:
    """Return what the server will only use after a restart: settings, its list of connections, its program."""
    program = f"{plan.bin_directory}/postgres"
    with _session.local(plan, "postgres") as session:
        started = float(session.value(_STARTED))
        pid = int(session.value("SELECT pg_read_file('postmaster.pid', 0, 20)").split()[0])
        found = [PROGRAM] if runs_another(pid, program) else []
        if _connection_file.waits_for_restart(plan, started):
            found.append(_connection_file.NAME)
        if session.server_version() >= TELLS_PENDING:
            return [*found, *_worth_it(plan, session.rows(_PENDING))]
        settings_file = f"{plan.data_directory}/{SETTINGS_FILE}"
        if not os.path.exists(settings_file) or os.stat(settings_file).st_mtime <= started:
            return found
        running = session.rows(_RUNNING, {"names": [setting.name for setting in plan.settings]})
    waiting = [row for row in running if _at_next_start(plan, run, row["name"]) != row["setting"]]
    return [*found, *_worth_it(plan, waiting)]


def _worth_it(plan: NodePlan, waiting: t.Iterable[t.Mapping[str, str]]) -> list[str]:
    return [row["name"] for row in waiting if not has_room(plan, row["name"], row["setting"])]


def _at_next_start(plan: NodePlan, run: Runner, setting: str) -> str:
    """Return a setting as the server's program reads it from the files, in the units of pg_settings."""
    return run(read_setting(plan, setting))[1].strip()


def predicted_restart(plan: NodePlan, run: Runner, old_settings: str, new_settings: str) -> list[str]:
    """Return the same as it would be once new_settings are in place of old_settings."""
    changed = set(old_settings.splitlines()) ^ set(new_settings.splitlines())
    names = {line.split(" = ")[0] for line in changed if " = " in line}
    with _session.local(plan, "postgres") as session:
        only_at_start = set(_worth_it(plan, session.rows(_ONLY_AT_START)))
    return sorted({*pending_restart(plan, run), *(names & only_at_start)})


def is_behind(plan: NodePlan, paths: t.Iterable[str]) -> bool:
    """Tell whether a file was written after the server last read its settings.

    A run that was killed between writing and reloading leaves right files and a server that never saw them.
    """
    with _session.local(plan, "postgres") as session:
        loaded = float(session.value("SELECT extract(epoch FROM pg_conf_load_time())::float8"))
    return any(os.stat(path).st_mtime > loaded for path in paths if os.path.exists(path))


def check(plan: NodePlan, run: Runner) -> None:
    """Let the server's program read the files as at a start; SettingsRefused tells its own words."""
    code, _out, err = run(read_setting(plan, "port"))
    if code:
        raise SettingsRefused(err.strip())


def reload(plan: NodePlan) -> None:
    """Make the server read its files again and wait until it has; SettingsRefused where it would not use them."""
    with _session.local(plan, "postgres") as session:
        refused = _refused(session) if session.server_version() >= 100000 else []
        if refused:
            raise SettingsRefused("; ".join(refused))
        before = session.value("SELECT pg_conf_load_time()")
        session.rows("SELECT pg_reload_conf()")
    # The call only signals; a new session is forked from a postmaster that has or has not read the files yet.
    for _attempt in range(200):
        with _session.local(plan, "postgres") as session:
            session.rows("SELECT pg_sleep(0.05)")
            if session.value("SELECT pg_conf_load_time()") != before:
                return
    raise SettingsRefused("the server did not read its files within 10 s of being told to")


def _refused(session: _session.Session) -> list[str]:
    settings = [f"{row['name']} = {row['setting']}: {row['error']}" for row in session.rows(_REFUSED)]
    rules = [f"pg_hba.conf, line {row['line_number']}: {row['error']}" for row in session.rows(_REFUSED_RULES)]
    return settings + rules
