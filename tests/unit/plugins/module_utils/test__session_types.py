# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A statement."""

from __future__ import annotations

from ansible_collections.pgbdr.bdr.plugins.module_utils._session_types import Statement


def test_a_statement_needs_a_text_only():
    assert Statement("SELECT 1") == Statement("SELECT 1", {}, {}, alone=False)
