# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engine pglogical under monitoring; what the SQL does is tested on servers."""

from __future__ import annotations

import re

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _engine
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import pglogical_monitoring as pgl
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import pglogical_sql
from ansible_collections.pgbdr.bdr.tests.unit.builders import FakeSession, node_plan

ENGINE = _engine.monitoring(node_plan())


@pytest.mark.parametrize(("rows", "wanted"), [([], False), ([{"granted": False}], False), ([{"granted": True}], True)])
def test_whether_the_role_may_read_is_asked(rows, wanted):
    session = FakeSession({pgl._GRANTED: rows})
    assert ENGINE.is_granted(session, "pgbdr_monitor") is wanted
    assert session.asked == [(pgl._GRANTED, {"role": "pgbdr_monitor"})]


def test_whether_the_engine_is_there_is_asked():
    assert ENGINE.is_member(FakeSession({pglogical_sql.EXTENSIONS: [{"name": "pglogical"}]}))
    assert not ENGINE.is_member(FakeSession({pglogical_sql.EXTENSIONS: []}))


def test_what_is_granted_is_revoked():
    granted = [re.sub("^GRANT | TO {role}$", "", text) for text in ENGINE.grants]
    assert [re.sub("^REVOKE | FROM {role}$", "", text) for text in ENGINE.revokes] == granted[::-1]


@pytest.mark.parametrize(
    ("said", "conflict"),
    [
        ('duplicate key value violates unique constraint "mail_address_key"', True),
        ('new row for relation "ck" violates check constraint "ck_at_check"', True),
        ('relation "public.gone" does not exist', False),
    ],
)
def test_a_conflict_is_known_by_what_status_knows_it_by(said, conflict):
    """The pattern is PostgreSQL's, which has no named groups; what is left of it is Python's as well."""
    assert "?P<" not in ENGINE.conflict
    assert bool(re.search(ENGINE.conflict, said)) is conflict


def test_a_worker_that_ended_is_known_by_worker_and_process():
    said = 'LOG:  background worker "pglogical apply 16389:250" (PID 812) exited with exit code 1'
    assert re.search(ENGINE.ended, said).groups() == ("16389:250", "812")
