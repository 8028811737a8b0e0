# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._controller import Refused
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._query import answered, answered_or_told

FOUND = {"links": [{"state": "streaming"}, {"state": "down"}]}


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        (None, {}),
        ("", {}),
        ("links[].state", {"answer": ["streaming", "down"]}),
        ("nodes", {"answer": None}),
    ],
)
def test_an_answer_is_there_where_something_is_asked(query, answer):
    assert answered(query, FOUND) == answer


@pytest.mark.parametrize("query", ["links[", "sum(links)"])
def test_what_is_no_expression_is_refused_by_the_name_of_its_variable(query):
    with pytest.raises(Refused, match="^bdr_query is no JMESPath expression: ") as refused:
        answered(query, FOUND)
    assert refused.value.found == {}


def test_the_report_is_told_where_nothing_is_asked(capsys):
    assert answered_or_told(None, FOUND, lambda: "two links") == {}
    assert capsys.readouterr().out == "two links\n"
    assert answered_or_told("links[0].state", FOUND, lambda: "two links") == {"answer": "streaming"}
    assert capsys.readouterr().out == ""
