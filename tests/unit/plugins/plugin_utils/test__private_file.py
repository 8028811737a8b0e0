# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is its owner's alone, and there as a whole or not at all."""

from __future__ import annotations

import os

import pytest
from ansible_collections.pgbdr.bdr.plugins.plugin_utils import _private_file


def test_a_file_is_its_owner_s_alone(tmp_path):
    path = tmp_path / "new" / "s.json"
    before = os.umask(0)
    try:
        _private_file.write(path, "Größe\n")
    finally:
        os.umask(before)
    assert path.read_bytes() == "Größe\n".encode()
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert list(path.parent.iterdir()) == [path]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path):
    path = tmp_path / "s.json"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        _private_file.write(path, "text")
    assert list(tmp_path.iterdir()) == [path]
