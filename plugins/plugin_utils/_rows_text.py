# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What became of rows that a plan of repair or a salvage was to write, as text for a person. Pure."""

from __future__ import annotations

import typing as t

from ._compare_text import counts, full_name, key_text, one_line
from ._text import table

Mapping = t.Mapping[str, t.Any]


def outcome(found: Mapping, results: t.Sequence[Mapping], done: str) -> str:
    """Return a line a node, and each row that was not written. done: the name of the number of those that were."""
    rows = [
        (each["node"], str(each[done]), str(each["there"]), str(len(each["stale"])), str(len(each["refused"])))
        for each in results
    ]
    lines = ["", *table(("node", done, "right before", "stale", "refused"), rows)]
    for each in results:
        for row in (*each["stale"], *each["refused"]):
            where = full_name(found["tables"][row["table"]])
            lines.append(f"{each['node']}: {where} {key_text(row['key'])}: {one_line(row['reason'])}")
    return "\n".join([*lines, ""])


def failure(results: t.Sequence[Mapping], told: t.Mapping[str, str], mend: str) -> str:
    """Return in one sentence what was not written and what to do, "" where everything was.

    told: what is said of stale rows and of those that were refused; {was} stands for "was" or "were".
    """
    sentences = []
    for name, said in told.items():
        number = sum(len(each[name]) for each in results)
        if number:
            sentences.append(f"{counts(number, 'row')} {said.format(was='was' if number == 1 else 'were')}")
    return f"{'; '.join(sentences)}: {mend}" if sentences else ""
