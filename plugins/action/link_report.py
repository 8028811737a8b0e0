# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print one line a link, and fail with both servers' own words where a link is silent."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display

from ..plugin_utils import _text
from ..plugin_utils._controller import ControllerAction, Given

STREAMING = "streaming"


class ActionModule(ControllerAction):
    OPTIONS = {
        "heartbeats": {"type": "list", "elements": "dict", "required": True},
        "plan": {"type": "dict", "required": True},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Show the table; the run fails with the first silent link's logs."""
        heartbeats = {heartbeat["node"]: heartbeat for heartbeat in given["heartbeats"]}
        links = sorted(
            (link for heartbeat in heartbeats.values() for link in heartbeat["links"]),
            key=lambda link: (link["database"], link["upstream"], link["downstream"]),
        )
        silent = [link for link in links if link["state"] != STREAMING]
        hint = "" if silent else _text.next_command(given["plan"])
        Display().display(f"\n{_text.links(links)}\n{hint}")
        result = {"changed": False, "links": links}
        if silent and not self._play_context.check_mode:
            result.update(failed=True, msg=_told(silent, heartbeats))
        return result


def _told(silent: list[dict[str, t.Any]], heartbeats: dict[str, dict[str, t.Any]]) -> str:
    lines = [f"{link['upstream']} -> {link['downstream']} ({link['database']}): {link['state']}" for link in silent]
    concerned = sorted({link[end] for link in silent for end in ("upstream", "downstream")})
    for name in concerned:
        if name in heartbeats:
            lines += [f"{name}: {finding}" for finding in heartbeats[name]["findings"]]
            lines += [f"The server of {name} says:", *heartbeats[name]["log"]]
    return "\n".join(lines)
