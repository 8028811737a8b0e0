# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a node's logs is shown when something fails."""

from __future__ import annotations

import os
from dataclasses import replace

from ansible_collections.pgbdr.bdr.plugins.module_utils._home import FAULTS, TAIL_BYTES, log_tail
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan


def test_the_end_of_long_logs_is_read_and_not_the_whole(tmp_path):
    plan = replace(node_plan("alpha", "alpha bravo"), log_directory=str(tmp_path))
    assert log_tail(replace(plan, log_directory=f"{tmp_path}/none")) == []
    chatter = "2026-11-22 11:02:46.796 UTC [7] LOG:  chatter\n" * (TAIL_BYTES // 40)
    lines = [f"2026-11-22 11:02:46.796 UTC [7] FATAL:  {number}" for number in range(50)]
    (tmp_path / "b.log").write_text("2026-11-22 11:02:46.796 UTC [7] FATAL:  out of sight\n" + chatter)
    (tmp_path / "a.log").write_text("\n".join(lines))
    os.utime(tmp_path / "b.log", (0, 0))
    assert log_tail(plan, FAULTS) == lines[-30:]
    assert log_tail(plan, FAULTS, 60) == lines
