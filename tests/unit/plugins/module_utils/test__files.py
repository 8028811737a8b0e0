# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several nodes of a host do to the same file at once."""

from __future__ import annotations

import multiprocessing
import os

from ansible_collections.pgbdr.bdr.plugins.module_utils._files import point_to


def _point_often(link: str) -> None:
    for target in range(200):
        point_to(link, f"/build/{target}")


def test_nodes_of_a_host_point_one_link_at_once(tmp_path):
    link = tmp_path / "opt" / "group"
    nodes = [multiprocessing.get_context("fork").Process(target=_point_often, args=(str(link),)) for _node in range(4)]
    for node in nodes:
        node.start()
    for node in nodes:
        node.join()
    assert [node.exitcode for node in nodes] == [0, 0, 0, 0]
    assert os.readlink(link) == "/build/199"
    assert os.listdir(link.parent) == ["group"]


def test_what_a_killed_run_left_is_no_hindrance(tmp_path):
    (tmp_path / "group.new").symlink_to("/build/1")
    point_to(str(tmp_path / "group"), "/build/2")
    assert os.listdir(tmp_path) == ["group"] and os.readlink(tmp_path / "group") == "/build/2"
