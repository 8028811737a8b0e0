# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the replication role may read: what servers of each age have for it, and what is granted."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare import access
from ansible_collections.pgbdr.bdr.plugins.module_utils._compare.access import Access
from ansible_collections.pgbdr.bdr.plugins.module_utils._state import diff, told
from ansible_collections.pgbdr.bdr.tests.unit.builders import FakeSession, node_plan

PLAN = node_plan(bdr_databases=["appdb", "other"])
DATA, STATS = access.SERVER_ROLES
HELD = {"names": [DATA, STATS], "role": PLAN.replication_user}


def server(held: dict[str, bool], schemas: dict[str, bool] | None = None) -> FakeSession:
    """Return a session of a server with these roles and schemas; without schemas it is not to be asked for them."""
    answers = {access._HELD: [{"name": name, "held": is_held} for name, is_held in held.items()]}
    if schemas is not None:
        answers[access._SCHEMAS] = [{"name": name, "readable": readable} for name, readable in schemas.items()]
    return FakeSession(answers)


def granted(session: FakeSession, database: str = "appdb") -> tuple[list[str], list[list[str]]]:
    """Return the steps in words and the statements of each transaction."""
    part = Access(PLAN)
    found = part.observe(session, database)
    steps = diff(found, part.wanted(found, database))
    batches = [list(batch) for batch in part.batches(steps)]
    assert all(not statement.values and not statement.alone for batch in batches for statement in batch)
    return told(steps), [[each.text.format(**each.identifiers) for each in batch] for batch in batches]


@pytest.mark.parametrize(
    ("held", "schemas", "database", "steps"),
    [
        ({DATA: True, STATS: True}, None, "appdb", []),
        ({DATA: False, STATS: False}, None, "appdb", [f"create membership in {DATA}", f"create membership in {STATS}"]),
        ({DATA: True, STATS: False}, None, "appdb", [f"create membership in {STATS}"]),
        # A role is the whole server's, and told with its first database.
        ({DATA: False, STATS: False}, None, "other", []),
        # 10 to 13: no role that reads all.
        (
            {STATS: False},
            {"public": False, "shop": True, "Odd": False},
            "appdb",
            [
                f"create membership in {STATS}",
                "create reading of schema public in appdb",
                "create reading of schema Odd in appdb",
            ],
        ),
        ({STATS: False}, {"public": False}, "other", ["create reading of schema public in other"]),
        ({STATS: True}, {"public": True}, "appdb", []),
        # Before 10 neither.
        ({}, {"public": False}, "appdb", ["create reading of schema public in appdb"]),
        ({}, {}, "appdb", []),
    ],
)
def test_what_there_is_to_grant(held, schemas, database, steps):
    session = server(held, schemas)
    assert granted(session, database)[0] == steps
    asked = [(access._HELD, HELD)]
    assert session.asked == (asked if schemas is None else [*asked, (access._SCHEMAS, {"role": PLAN.replication_user})])


def test_how_it_is_granted():
    role = PLAN.replication_user
    assert granted(server({DATA: False, STATS: False}))[1] == [
        [f"GRANT {DATA} TO {role}"],
        [f"GRANT {STATS} TO {role}"],
    ]
    assert granted(server({}, {"shop": False}))[1] == [
        [f"GRANT USAGE ON SCHEMA shop TO {role}", f"GRANT SELECT ON ALL TABLES IN SCHEMA shop TO {role}"]
    ]
    assert granted(server({}, {"shop": True}))[1] == []


def test_a_database_that_is_yet_to_be_made_has_nothing_to_grant():
    part = Access(PLAN)
    assert part.wanted({}, "appdb") == {}
    part.observe(server({}, {"shop": False}), "appdb")
    assert part.wanted({}, "other") == {}, "what was seen of another one is not its own"
