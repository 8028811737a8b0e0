# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A question to what was found, in JMESPath."""

from __future__ import annotations

import typing as t

import jmespath
from ansible.utils.display import Display
from jmespath.exceptions import JMESPathError

from ._controller import Refused


def answered(query: str | None, found: t.Any) -> dict[str, t.Any]:
    """Return the answer as a part of a task's result; nothing where nothing is asked."""
    if not query:
        return {}
    try:
        return {"answer": jmespath.search(query, found)}
    except JMESPathError as error:
        raise Refused(f"bdr_query is no JMESPath expression: {error}") from error


def answered_or_told(query: str | None, found: t.Any, report: t.Callable[[], str]) -> dict[str, t.Any]:
    """Return what answered() returns; print the report where nothing is asked."""
    if not query:
        Display().display(report())
    return answered(query, found)
