# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Queries for servers of all ages: what newer catalogs have is left out where it is not.

That they run is tested in tests/integration and tests/contrib_bdr.
"""

from __future__ import annotations

import re

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _schema_sql as sql

QUERIES = ("RELATIONS", "COLUMNS", "CONSTRAINTS", "UNIQUE_INDEXES", "PARENTS", "TYPES", "SEQUENCES")
NEW = {needs for needs, _there, _without in sql.OPTIONAL.values()}


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("known", [frozenset(), frozenset(NEW)])
def test_a_query_is_whole_for_old_servers_and_new_ones(name, known):
    text = sql.query(getattr(sql, name), known)
    assert "{" not in text
    assert set(re.findall(r"%\(\w+\)s|%", text)) <= {"%(schemas)s"}


@pytest.mark.parametrize("name", sql.OPTIONAL)
def test_a_column_is_asked_for_where_it_is_known(name):
    needs, there, without = sql.OPTIONAL[name]
    asking = [getattr(sql, query) for query in QUERIES if f"{{{name}}}" in getattr(sql, query)]
    assert asking, "no query asks for it"
    for text in asking:
        assert f"{there} AS {name}" in sql.query(text, {needs})
        assert f"{without} AS {name}" in sql.query(text, NEW - {needs})
        assert there not in sql.query(text, NEW - {needs})


def test_the_probe_looks_where_the_columns_are():
    assert {needs.partition(".")[0] for needs in NEW} <= set(re.findall(r"'(pg_\w+)'", sql.PROBE))
