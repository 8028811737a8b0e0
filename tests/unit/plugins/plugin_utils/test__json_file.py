# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.pgbdr.bdr.plugins.plugin_utils._json_file import replace_text, write, write_text


def test_a_file_is_written_where_it_differs(tmp_path):
    file = tmp_path / "found.json"
    assert write(str(file), {"name": "Zürich"}, check_mode=True)
    assert not file.exists()
    assert write(str(file), {"name": "Zürich"}, check_mode=False)
    assert file.read_text(encoding="utf-8") == '{\n  "name": "Zürich"\n}\n'
    assert not write(str(file), {"name": "Zürich"}, check_mode=False)
    assert write(str(file), {"name": "Bern"}, check_mode=False)


def test_a_file_with_values_of_rows_is_its_owner_s_alone(tmp_path):
    private, other = tmp_path / "private", tmp_path / "other"
    assert write_text(str(private), "one\r\ntwo\n", check_mode=False, private=True)
    assert write_text(str(other), "", check_mode=False)
    assert (private.stat().st_mode & 0o077, other.stat().st_mode & 0o044) == (0, 0o044)
    assert not write_text(str(private), "one\r\ntwo\n", check_mode=False, private=True)
    assert write_text(str(private), "one", check_mode=False)
    assert private.read_bytes() == b"one"


def test_a_reader_meets_the_old_file_or_the_new_one(tmp_path):
    file = tmp_path / "told.prom"
    assert replace_text(str(file), "one\n", check_mode=True)
    assert list(tmp_path.iterdir()) == []
    assert replace_text(str(file), "one\n", check_mode=False)
    with file.open() as opened:
        assert replace_text(str(file), "two\n", check_mode=False)
        assert opened.read() == "one\n"
    assert (file.read_text(), list(tmp_path.iterdir())) == ("two\n", [file])
    assert not replace_text(str(file), "two\n", check_mode=False)
