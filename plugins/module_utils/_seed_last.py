# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The rows that the last transactions before a snapshot wrote: they keep their commit times and origins. Pure.

A row that a copy brings is older than every change, and loses every conflict. That is right but for rows that may have
won over a change which is still on its way here. They wait in a table of their own, and are inserted by transactions
that bear the commit time and the origin of those that wrote them.
"""

from __future__ import annotations

import typing as t

from ._model import NodePlan
from ._schema_ddl import literal
from ._seed_copy import Ends, Table, reading

MARK = "/* older {} */"
"""What stands for that condition in the commands of all the tables of a database, by the database's place."""
AT_A_TIME = 50
"""Tables that one query reads; most have no such row."""

_WAITING = """
CREATE SCHEMA pgbdr_seed;
CREATE TABLE pgbdr_seed.tables (number int, name text, columns text, fields text);
CREATE TABLE pgbdr_seed.commits (place int, origin text, at timestamptz, xid bigint);
CREATE TABLE pgbdr_seed.waiting (number int, xid bigint, written text);
SELECT pg_replication_origin_create(name) FROM (VALUES {origins}) v (name)
 WHERE NOT EXISTS (SELECT FROM pg_replication_origin WHERE roname = name);
"""
# Its transactions are committed one by one, in the order of the donor's WAL.
INSERT = """
DO $insert$
DECLARE
    c      record;
    t      record;
    bearer text := '';
BEGIN
    FOR c IN SELECT DISTINCT k.place, k.origin, k.at FROM pgbdr_seed.commits k JOIN pgbdr_seed.waiting USING (xid)
              ORDER BY k.place
    LOOP
        IF bearer NOT IN ('', c.origin) THEN
            PERFORM pg_replication_origin_session_reset();
        END IF;
        IF bearer <> c.origin THEN
            PERFORM pg_replication_origin_session_setup(c.origin);
            bearer := c.origin;
        END IF;
        PERFORM pg_replication_origin_xact_setup('0/1', c.at);
        FOR t IN SELECT DISTINCT m.* FROM pgbdr_seed.commits k JOIN pgbdr_seed.waiting USING (xid)
                   JOIN pgbdr_seed.tables m USING (number) WHERE k.place = c.place
        LOOP
            EXECUTE format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %3$s FROM ('
                           'SELECT w.written::%1$s AS y FROM pgbdr_seed.waiting w JOIN pgbdr_seed.commits USING (xid)'
                           ' WHERE place = $1 AND number = $2) z', t.name, t.columns, t.fields) USING c.place, t.number;
        END LOOP;
        COMMIT;
    END LOOP;
END $insert$
"""
FORGET = "DROP SCHEMA IF EXISTS pgbdr_seed CASCADE"


def older(recent: t.Iterable[t.Mapping[str, t.Any]]) -> str:
    """Return the condition of all other rows."""
    return f"NOT {_among(_numbers(recent))}"


def waiting(tables: t.Sequence[Table], recent: t.Sequence[t.Mapping[str, t.Any]], origins: t.Mapping[str, str]) -> str:
    """Return the script that makes room for the rows; origins: the node's origin of each upstream."""
    script = [_WAITING.format(origins=", ".join(f"({literal(name)})" for name in sorted(set(origins.values()))))]
    for number, table in enumerate(tables):
        fields = ", ".join(f"(z.y).{column}" for column in table.columns)
        texts = ", ".join(map(literal, (table.name, table.column_list, fields)))
        script.append(f"INSERT INTO pgbdr_seed.tables VALUES ({number}, {texts});\n")
    for place, commit in enumerate(recent):
        bearer = f"{literal(origins[commit['upstream']])}, {literal(commit['at'])}"
        script += [f"INSERT INTO pgbdr_seed.commits VALUES ({place}, {bearer}, {xid});\n" for xid in commit["xids"]]
    return "".join(script)


def readings(
    plan: NodePlan, ends: Ends, tables: t.Sequence[Table], recent: t.Iterable[t.Mapping[str, t.Any]]
) -> list[list[str]]:
    """Return the commands that read the rows, of some tables each."""
    among = _among(_numbers(recent))
    selects = []
    for number, table in enumerate(tables):
        condition = f" AND ({table.own_rows})" if table.own_rows else ""
        row = f"SELECT {number}, x.xmin::text::bigint, x::text FROM ONLY {table.name} x"
        selects.append(f"{row} WHERE x.{among}{condition}")
    groups = [selects[first : first + AT_A_TIME] for first in range(0, len(selects), AT_A_TIME)]
    return [reading(plan, ends, f"COPY ({' UNION ALL '.join(group)}) TO STDOUT") for group in groups]


def _numbers(recent: t.Iterable[t.Mapping[str, t.Any]]) -> list[int]:
    return sorted({int(xid) for commit in recent for xid in commit["xids"]})


def _among(numbers: t.Iterable[int]) -> str:
    return f"xmin = ANY ('{{{','.join(map(str, numbers))}}}'::xid[])"
