# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._controller import Refused
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._text_file import read, read_named


def test_a_text_is_read_as_it_is_written(tmp_path):
    file = tmp_path / "plan.json"
    file.write_bytes("\ufeffZürich\n".encode())
    assert read_named("bdr_file", str(file)) == "\ufeffZürich\n"
    assert read(str(file), str, "utf-8-sig") == "Zürich\n"


def test_what_cannot_be_read_is_refused_by_the_name_of_its_variable(tmp_path):
    file = tmp_path / "plan.json"
    for why in ("No such file or directory", "it is not UTF-8"):
        with pytest.raises(Refused) as refused:
            read_named("bdr_file", str(file))
        assert str(refused.value) == f"bdr_file: {file} cannot be read: {why}"
        file.write_bytes(b"\xff")
