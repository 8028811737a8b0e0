# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A limit for sessions."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._deadline import seconds_left, shared, within


def test_nothing_is_limited_but_within_a_deadline():
    assert seconds_left() == 0
    with within(3600):
        assert 3000 < seconds_left() <= 3600
        with within(-5):
            assert seconds_left() == 1, "a session needs a moment to be refused"
        assert seconds_left() > 3000
    assert seconds_left() == 0


def test_what_fails_leaves_no_limit_behind():
    with pytest.raises(ValueError, match="x"), within(9):
        raise ValueError("x")
    assert seconds_left() == 0


def test_sessions_are_shared_until_then_and_ended():
    ended: list[str] = []

    class Session:
        def close(self) -> None:
            ended.append("ended")

    with within(9):
        shared()["appdb"] = Session()
        assert list(shared()) == ["appdb"] and ended == []
    assert ended == ["ended"] and shared() == {}
