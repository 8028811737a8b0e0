# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The file of an engine whose connections are settings. It is written once the node's databases are there.

A server that finds a connection without its database, or without a table that changes come for, only loops.
"""

from __future__ import annotations

import os
import typing as t

from . import _render
from ._engine.server import EngineServer
from ._files import ManagedFile
from ._model import NodePlan
from ._state import Item, State, Step, diff

NAME = "the list of connections"
"""What waits for a restart when the file is newer than the server; SHOW cannot tell."""


def path_of(plan: NodePlan) -> str:
    """Return where the file lies; not every engine has one."""
    return f"{plan.data_directory}/{_render.CONNECTIONS_FILE}"


def is_used(plan: NodePlan) -> bool:
    """Tell whether the node's connections stand in the file, or once did."""
    return bool(plan.connection_settings) or os.path.exists(path_of(plan))


def text_of(plan: NodePlan) -> str:
    """Return what the file holds, "" where there is none."""
    return _file(plan, "").found() or ""


def steps(plan: NodePlan, engine: EngineServer, left_out: t.Collection[str] = ()) -> tuple[Step, ...]:
    """Return what is to be changed in the file. left_out: names of connections to be made in a later run."""
    text = text_of(plan)
    wanted = {setting.name: setting.value for setting in engine.wanted_settings(text, left_out)}
    return diff(_state(_render.settings_in(text)), _state(wanted))


def write(plan: NodePlan, engine: EngineServer, left_out: t.Collection[str] = ()) -> None:
    """Write the file."""
    _file(plan, _render.connections(plan, engine.wanted_settings(text_of(plan), left_out))).write()


def waits_for_restart(plan: NodePlan, started: float) -> bool:
    """Tell whether the file is newer than the server, which started at that second of the epoch."""
    path = path_of(plan)
    return os.path.exists(path) and os.stat(path).st_mtime > started


def _file(plan: NodePlan, text: str) -> ManagedFile:
    return ManagedFile(path_of(plan), text, 0o600, "postgres")


def _state(settings: t.Mapping[str, str]) -> State:
    return {Item("setting", name): {"value": value} for name, value in settings.items()}
