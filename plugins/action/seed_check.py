# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether a node may be seeded and from whom, from what was seen on all of them."""

from __future__ import annotations

import secrets
import typing as t

from ansible.utils.display import Display

from ..module_utils import _seed, _seed_check, _seed_told
from ..plugin_utils._controller import ControllerAction, Given, Refused


class ActionModule(ControllerAction):
    OPTIONS = {
        "plan": {"type": "dict", "required": True},
        "name": {"type": "str", "default": ""},
        "confirm": {"type": "str", "default": ""},
        "donor": {"type": "str", "default": ""},
        "force": {"type": "str", "default": ""},
        "accept_loss": {"type": "str", "default": ""},
        "method": {"type": "str", "default": "auto"},
        "jobs": {"type": "int", "default": 4},
        "limit_seconds": {"type": "int", "default": 86400},
        "found": {"type": "list", "elements": "dict"},
    }

    def answer(self, given: Given, task_vars: t.Any) -> dict[str, t.Any]:
        """Fail with every reason, or return the course of the run."""
        plan, name, donor = given["plan"], given["name"], given["donor"]
        method = given["method"]
        wrong = _seed.request_problems(plan, name, given["confirm"], donor, method)
        wrong += _seed.number_problems(given["jobs"], given["limit_seconds"])
        if wrong:
            raise Refused("\n".join(wrong))
        result = {"changed": False, "name": name, "host": plan["nodes"][name]["host"]}
        if given["found"] is None:
            return result
        found = {node["node"]: node for node in given["found"] if "node" in node}
        request = _seed_check.Request(name, donor, given["force"], given["accept_loss"], method)
        wrong = _seed_check.problems(plan, request, found)
        if wrong:
            raise Refused("\n".join(wrong), result)
        new_point = f"pgbdr_{plan['nodes'][name]['engine_node']}_{secrets.token_hex(4)}"
        course = _seed_check.course(plan, request, found, new_point)
        Display().display(_seed_told.told(plan, request, course, found))
        return {
            **result,
            "donor": course.donor,
            "donor_host": plan["nodes"][course.donor]["host"],
            "method": course.method,
            "point": course.point,
            "size_mb": found[course.donor]["size_mb"],
            "begins": course.begins,
            "delivers": course.delivers,
            "forgets": course.forgets,
        }
