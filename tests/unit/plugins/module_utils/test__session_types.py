# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A statement."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._session_types import Statement, refusal


def test_a_statement_needs_a_text_only():
    assert Statement("SELECT 1") == Statement("SELECT 1", {}, {}, alone=False)


@pytest.mark.parametrize(
    ("about", "code", "said"),
    [
        ("", None, "the server's words"),
        ("", "42P01", "the server's words"),
        ("table t", "42P01", "table t: the server's words"),
        ("table t", "55P03", "table t: the server's words; another session uses it. Run again when that session's "
                             "transaction has ended"),
    ],
)  # fmt: skip
def test_a_refusal_says_of_what_and_the_way_out(about, code, said):
    assert refusal(Statement("SELECT 1", about=about), "the server's words", code) == said
