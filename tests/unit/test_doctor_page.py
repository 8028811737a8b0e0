# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of docs/doctor.md are the catalogue: every message that is known, with what is told of it."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import (
    contrib_bdr_messages,
    pglogical_messages,
    server_messages,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.messages import Message, meaning
from ansible_collections.pgbdr.bdr.tests.unit.log_lines import COMMON, CONTRIB_BDR, PGLOGICAL

PAGE = Path(__file__).resolve().parents[2] / "docs" / "doctor.md"


def rows(messages: t.Sequence[Message], lines: t.Sequence[tuple[str, ...]]) -> t.Iterator[str]:
    """Yield a row for each message, in the order of the catalogue, with a line as servers write it."""
    for message in messages:
        for _node, who, _level, text, _link in lines:
            eligible = [each for each in messages if (each.kind == "client") == (who == "C")]
            first = next((each for each in eligible if re.search(each.pattern, text)), None)
            if first is message:
                found = meaning(text, [message])
                yield f"| `{found['told']}` | {found['severity']} | {found['meaning']} | {found['mend']} |"
                break


def own(messages: t.Sequence[Message]) -> list[Message]:
    return [message for message in messages if message not in server_messages.MESSAGES]


TABLES = {
    "With pglogical": (own(pglogical_messages.DIALECT.messages), PGLOGICAL),
    "With contrib_bdr": (own(contrib_bdr_messages.DIALECT.messages), CONTRIB_BDR),
    "With either": (server_messages.MESSAGES, COMMON),
}


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_of_the_page_is_the_catalogue(heading):
    messages, lines = TABLES[heading]
    wanted = list(rows(messages, lines))
    assert len(wanted) == len(messages)
    section = PAGE.read_text("utf-8").split(f"\n### {heading}\n")[1].split("\n#")[0]
    assert [line for line in section.splitlines() if line.startswith("| `")] == wanted
