# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.pgbdr.bdr.plugins.plugin_utils._json_file import write


def test_a_file_is_written_where_it_differs(tmp_path):
    file = tmp_path / "found.json"
    assert write(str(file), {"name": "Zürich"}, check_mode=True)
    assert not file.exists()
    assert write(str(file), {"name": "Zürich"}, check_mode=False)
    assert file.read_text(encoding="utf-8") == '{\n  "name": "Zürich"\n}\n'
    assert not write(str(file), {"name": "Zürich"}, check_mode=False)
    assert write(str(file), {"name": "Bern"}, check_mode=False)
