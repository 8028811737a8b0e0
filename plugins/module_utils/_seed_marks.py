# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What every way of seeding leaves on the node's disk: a mark, by which it is no member yet, and a receipt."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from . import _render
from ._files import ManagedFile
from ._home import MARKER, SEEDED, found_data, identity
from ._instance import Instance
from ._model import NodePlan
from ._program import Runner
from ._seed import RECEIPT
from ._service import service


class MarkedNode:
    """One node that is seeded from its donor."""

    method = ""

    def __init__(
        self, plan: NodePlan, donor: NodePlan, point: str, run: Runner, password: str, tls: t.Mapping[str, str]
    ) -> None:
        self.plan = plan
        self.donor = donor
        self.point = point
        self.steps: list[str] = []
        self._closed = _render.closed(plan)
        self._service = service(plan, run)
        self._secrets = (run, password, tls)
        self._files: tuple[str, ...] = ()
        """What is there beside the receipt for as long as the node is seeded."""

    def member(self, check_mode: bool) -> None:
        """Take the marks of the seeding away: from here on site.yml knows the node."""
        receipt = f"{self.plan.data_directory}/{RECEIPT}"
        if found_data(self.plan) != SEEDED and not os.path.exists(receipt):
            return
        self.steps.append("note that the node is seeded")
        if not check_mode:
            # The mark first: without it the receipt means nothing.
            self._mark({})
            for path in (receipt, *self._files):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

    def _receipt(self, directory: str, **more: t.Any) -> ManagedFile:
        text = json.dumps({"donor": self.donor.name, "point": self.point, "method": self.method, **more}) + "\n"
        return ManagedFile(f"{directory}/{RECEIPT}", text, 0o600, "postgres")

    def _mark(self, marks: t.Mapping[str, bool]) -> None:
        text = json.dumps({**identity(self.plan), **marks}, indent=2) + "\n"
        ManagedFile(f"{self.plan.home}/{MARKER}", text, 0o600, "postgres").write()

    def _instance(self, plan: NodePlan) -> Instance:
        run, password, tls = self._secrets
        return Instance(plan, run, password, tls, is_seeding=True)
