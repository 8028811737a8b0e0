# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last rows before a snapshot keep their commit times; what the SQL does is tested on servers."""

from __future__ import annotations

from ansible_collections.pgbdr.bdr.plugins.module_utils import _seed_last
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed_copy import Ends, Table
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan

PLAN = node_plan("charlie")
ENDS = Ends("appdb", "host=alpha", "host=/new", "UTF8", "00A-1")
T = Table("public.t", 1, 2, ("id", '"a\'b"'))
OWN_ROWS = Table("public.u", 1, 2, ("id",), "id > 5", True)
AT = "2026-11-22 14:46:33 UTC"
RECENT = [
    {"upstream": "bravo", "at": AT, "xids": [12]},
    {"upstream": "alpha", "at": AT, "xids": [10, 11]},
]
ORIGINS = {"alpha": "pgl_a", "bravo": "pgl_b"}


def test_all_other_rows():
    assert _seed_last.older(RECENT) == "NOT xmin = ANY ('{10,11,12}'::xid[])"


def test_room_for_them():
    script = _seed_last.waiting([T, OWN_ROWS], RECENT, ORIGINS)
    assert "FROM (VALUES ('pgl_a'), ('pgl_b')) v (name)" in script
    assert script.splitlines()[-5:] == [
        """INSERT INTO pgbdr_seed.tables VALUES (0, 'public.t', 'id, "a''b"', '(z.y).id, (z.y)."a''b"');""",
        "INSERT INTO pgbdr_seed.tables VALUES (1, 'public.u', 'id', '(z.y).id');",
        # In the order of the donor's WAL
        f"INSERT INTO pgbdr_seed.commits VALUES (0, 'pgl_b', '{AT}', 12);",
        f"INSERT INTO pgbdr_seed.commits VALUES (1, 'pgl_a', '{AT}', 10);",
        f"INSERT INTO pgbdr_seed.commits VALUES (1, 'pgl_a', '{AT}', 11);",
    ]


def test_one_query_reads_many_tables(monkeypatch):
    monkeypatch.setattr(_seed_last, "AT_A_TIME", 2)
    queries = [command[-3] for command in _seed_last.readings(PLAN, ENDS, [T, OWN_ROWS, T], RECENT)]

    def row(number: int, name: str) -> str:
        columns = f"SELECT {number}, x.xmin::text::bigint, x::text"
        return f"{columns} FROM ONLY public.{name} x WHERE x.xmin = ANY ('{{10,11,12}}'::xid[])"

    assert queries == [
        f"COPY ({row(0, 't')} UNION ALL {row(1, 'u')} AND (id > 5)) TO STDOUT",
        f"COPY ({row(2, 't')}) TO STDOUT",
    ]
