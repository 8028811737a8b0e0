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
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.contrib_bdr_server import (
    ContribBdr04Server,
    ContribBdr07Server,
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


@pytest.mark.parametrize(
    ("engine", "era", "wanted"),
    [
        ("pglogical", "0.4", PglogicalServer),
        ("pglogical", "0.7", PglogicalServer),
        ("contrib_bdr", "0.4", ContribBdr04Server),
        ("contrib_bdr", "0.7", ContribBdr07Server),
    ],
)
def test_server(engine, era, wanted):
    node = node_plan(bdr_engine=engine, bdr_era=era)
    found = _engine.server(node)
    assert type(found) is wanted
    assert found.plan is node


@pytest.mark.parametrize("engine", _engine.ENGINES)
@pytest.mark.parametrize("era", _engine.ERAS)
def test_a_password_is_stored_as_the_access_rules_ask_for_it(engine, era):
    """A server with SCRAM refuses it to a rule that wants md5 of an old client, and the other way round."""
    node = node_plan(bdr_engine=engine, bdr_era=era)
    assert {rule.method for rule in node.hba} == {"peer", _engine.server(node).password_encryption}
