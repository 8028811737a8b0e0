# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engines by name."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _engine
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.contrib_bdr import (
    ContribBdr04Rules,
    ContribBdr07Rules,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.pglogical import PglogicalRules
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.pglogical_server import PglogicalServer
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan


@pytest.mark.parametrize(
    ("engine", "era", "wanted"),
    [
        ("pglogical", "0.4", PglogicalRules),
        ("pglogical", "0.7", PglogicalRules),
        ("contrib_bdr", "0.4", ContribBdr04Rules),
        ("contrib_bdr", "0.7", ContribBdr07Rules),
    ],
)
def test_rules(engine, era, wanted):
    assert type(_engine.rules(engine, era)) is wanted


def test_every_engine_and_era_has_rules_under_a_name_of_its_own():
    names = {_engine.rules(engine, era).name for engine in _engine.ENGINES for era in _engine.ERAS}
    assert names == {"pglogical", "contrib_bdr 0.4", "contrib_bdr 0.7"}


def test_server():
    node = node_plan()
    found = _engine.server(node)
    assert type(found) is PglogicalServer
    assert found.plan is node


def test_what_can_only_be_planned_has_no_server():
    assert set(_engine.ENGINES) - set(_engine.DEPLOYABLE) == {"contrib_bdr"}
    with pytest.raises(ValueError, match=r"bdr_engine: contrib_bdr can be planned, but not deployed yet"):
        _engine.server(node_plan(bdr_engine="contrib_bdr"))
