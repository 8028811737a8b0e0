# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queries of a node's exporter: of which links, in which database, under which names."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _engine
from ansible_collections.pgbdr.bdr.plugins.module_utils._monitor_queries import METRICS, literal, queries
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan


def told(**shared):
    plan = node_plan(**shared)
    return json.loads(queries(plan, _engine.monitoring(plan)))


def values(query: str) -> list[str]:
    """Return the first values of each row of a query's list."""
    listed = re.search(r"\(VALUES (.*)\) AS v ", query)
    return re.findall(r"\(([^()]*)\)", listed[1]) if listed else []


def test_a_node_tells_of_its_own_ends_of_links():
    found = told()
    assert list(found) == ["bdr_node", "bdr_slot", "bdr_connection", "bdr_heartbeat", "bdr_tables"]
    assert values(found["bdr_slot"]["query"]) == [
        "'appdb', 'alpha', 'bravo', 'pgl_appdb_alpha_alpha_bravo'",
        "'appdb', 'alpha', 'charlie', 'pgl_appdb_alpha_alpha_charlie'",
    ]
    assert values(found["bdr_connection"]["query"]) == [
        "'appdb', 'bravo', 'alpha', 'bravo_alpha'",
        "'appdb', 'charlie', 'alpha', 'charlie_alpha'",
    ]
    assert values(found["bdr_heartbeat"]["query"]) == [
        "'appdb', 'alpha', 'alpha'",
        "'appdb', 'bravo', 'alpha'",
        "'appdb', 'charlie', 'alpha'",
    ]


def test_every_value_that_is_told_has_its_name_and_its_kind():
    for name, entry in told().items():
        assert [(*(column.items()),)[0][0] for column in entry["metrics"]] == [column for column, *_ in METRICS[name]]
        assert all(kind in ("LABEL", "GAUGE") and said for _column, kind, said in METRICS[name])


def test_with_several_databases_each_tells_of_itself_and_one_of_the_server():
    found = told(bdr_databases=["appdb", "orders"])
    assert "WHERE current_database() = 'appdb'" in found["bdr_node"]["query"]
    for name in ("bdr_slot", "bdr_connection", "bdr_heartbeat"):
        assert "WHERE v.database = current_database()" in found[name]["query"]
        assert len(values(found[name]["query"])) == (6 if name == "bdr_heartbeat" else 4)


def test_what_has_no_links_of_a_kind_tells_of_none():
    one_way = {"bdr_topology": "one_way", "bdr_upstream": "alpha"}
    assert "bdr_connection" not in told(**one_way) and "bdr_slot" in told(**one_way)
    assert "bdr_slot" not in told(name="bravo", **one_way) and "bdr_connection" in told(name="bravo", **one_way)
    standby = {"own": {"charlie": {"bdr_standby_of": "alpha"}}}
    assert list(told(name="charlie", **standby)) == ["bdr_node"]


@pytest.mark.parametrize(
    ("shared", "wanted"),
    [
        ({"bdr_deny_truncate": False}, "FILTER (WHERE false) AS unguarded"),
        ({"bdr_deny_truncate": True}, "g.tgenabled = 'O')) AS unguarded"),
        (
            {"bdr_deny_truncate": True, "bdr_truncatable_tables": ["public.staging", 'etl."Input 2"']},
            "AND (n.nspname, c.relname) NOT IN (('public', 'staging'), ('etl', 'Input 2'))) AS unguarded",
        ),
    ],
)
def test_a_table_lacks_the_guard_where_it_should_have_it(shared, wanted):
    assert wanted in told(**shared)["bdr_tables"]["query"]


def test_only_the_tables_are_told_from_memory():
    assert [name for name, entry in told().items() if "cache_seconds" in entry] == ["bdr_tables"]


@pytest.mark.parametrize(("text", "wanted"), [("town", "'town'"), ("o'neil", "'o''neil'"), ("a\\'b", " E'a\\\\''b'")])
def test_a_constant_is_quoted(text, wanted):
    assert literal(text) == wanted


def test_no_query_writes_or_locks():
    for entry in told(bdr_deny_truncate=True).values():
        assert re.match("SELECT ", entry["query"])
        assert not re.search(r"\b(INSERT|UPDATE|DELETE|LOCK|FOR SHARE|pg_advisory\w*|nextval)\b", entry["query"])
