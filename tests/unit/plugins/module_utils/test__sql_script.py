# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a script's statements end, as a table of traps, and what a run refuses to be given."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._sql_script import ScriptError, ScriptStatement, split

ROUTINE = "CREATE OR REPLACE FUNCTION f() RETURNS int {}BEGIN ATOMIC SELECT 1; SELECT {}; END"


def texts(script: str) -> list[str]:
    return [statement.text for statement in split(script)]


TRAPS = [
    "SELECT ';'",
    "SELECT 'it''s; '",
    "SELECT 'a\\'",  # a backslash is one of the letters
    "SELECT E'a\\';'",
    "SELECT e'a\\\\'",
    "SELECT E'it''s;\\''",
    "SELECT E'a'\n  'b\\';'",  # one string over two lines
    "SELECT E'a' -- why;\n 'b\\';'",
    "SELECT E'a'\n-- ; '\n\t'b\\';'",
    "SELECT E'a' 'b\\'",  # on one line they are two, and the second has no escapes
    "SELECT 'a'\n'b\\'",
    "SELECT B'01;', X'1f;', N'n;', U&'\\0041;' , u&'\\'",
    'SELECT U&"a;" FROM "semi;""colon"',
    "SELECT name'a\\'",  # a type's name, and no escape string
    "SELECT $$;'$$",
    "SELECT $a$ ; $$ ; $b$ ; $a$",
    "SELECT $ä1_$;$ä1_$",
    "SELECT a$b$ FROM t",  # dollars within a name
    "SELECT $1 + 1$",
    "SELECT /* ; /* ; */ ; */ 1 /**/",
    "SELECT 1 -- ; '",
    "SELECT 4*/*;*/2",
    "SELECT 3 - -1, a<-1, '{}'::text[], a[1:2], 1e5, .5, x.y",
    "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2))",
    ROUTINE.format("", "2"),
    ROUTINE.format("LANGUAGE sql ", "CASE WHEN true THEN (1) ELSE 2 END"),
    ROUTINE.format("", "(CASE WHEN true THEN 1 END)").replace("FUNCTION", "PROCEDURE").lower(),
    "CREATE FUNCTION begin_atomic() RETURNS int AS 'SELECT 1' LANGUAGE sql",
    'CREATE TABLE atomic ("begin" int, atomic int)',
    "PREPARE p AS SELECT 1",
    "DO $$ BEGIN COMMIT; END $$",
    "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES b DEFERRABLE",
    "COPY t FROM '/srv/rows.csv' CSV",
    "COPY (SELECT a FROM stdin) TO '/srv/rows.csv'",
    "SET LOCAL search_path = bdr, public",
    "SELECT 1 END",
    'CREATE INDEX "CONCURRENTLY" ON t (a)',
    "CREATE INDEX concurrently_i ON t (a)",
    "CLUSTER t USING t_pkey",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
    "SELECT )",
]


@pytest.mark.parametrize("statement", TRAPS)
def test_a_statement_ends_where_it_ends(statement):
    closed = statement + "\n" if "--" in statement.splitlines()[-1] else statement
    assert texts(f"SELECT 'before';\n{closed}; SELECT 'behind'") == [
        "SELECT 'before'",
        statement,
        "SELECT 'behind'",
    ]
    assert texts(statement) == [statement]
    assert not split(statement)[0].alone


def test_lines_are_those_of_the_file():
    script = "-- first\n\n/* second\n*/ SELECT 1; SELECT\n2\n;;\n\n  SELECT '\n';\r\nSELECT 3 -- last\n"
    assert [(statement.line, statement.text) for statement in split(script)] == [
        (4, "SELECT 1"),
        (4, "SELECT\n2"),
        (8, "SELECT '\n'"),
        (10, "SELECT 3 -- last"),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "create unique index concurrently if not exists i on t (a)",
        "DROP INDEX CONCURRENTLY i",
        "REINDEX TABLE CONCURRENTLY t",
        "REINDEX (VERBOSE, CONCURRENTLY) INDEX i",
        "REINDEX (VERBOSE) DATABASE d",
        "REINDEX SCHEMA s",
        "VACUUM",
        "VACUUM (FULL) t",
        "CLUSTER",
        "CLUSTER VERBOSE",
        "ALTER SYSTEM SET work_mem = '9MB'",
        "CREATE DATABASE d",
        "DROP TABLESPACE s",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
        'ALTER DATABASE "d" SET TABLESPACE s',
        "ALTER TABLE ONLY s.t DETACH PARTITION s.p CONCURRENTLY",
    ],
)
def test_what_refuses_a_transaction_must_be_alone(statement):
    assert split(f"{statement};") == (ScriptStatement(statement, 1, alone=True),)
    assert problem(f"SELECT 1;\n{statement};") == (
        "line 2: this statement refuses to be in a transaction: give it a script of its own, as the only one"
    )


def problem(script: str) -> str:
    with pytest.raises(ScriptError) as caught:
        split(script)
    return str(caught.value)


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("", "line 1: there is no statement in it"),
        (" \n-- nothing\n;;\n/* */", "line 1: there is no statement in it"),
        ("SELECT 1;\nSELECT '", "line 2: ' is opened here and not closed"),
        ("SELECT 1;\nSELECT 'it's'", "line 2: ' is opened here and not closed"),
        ("SELECT 'a''", "line 1: ' is opened here and not closed"),
        ("SELECT E'a\\'", "line 1: E' is opened here and not closed"),
        ("SELECT E'a'\n'b\\'", "line 1: E' is opened here and not closed"),
        ('SELECT\n"a', 'line 2: " is opened here and not closed'),
        ("DO $x$\nBEGIN\nEND $$", "line 1: $x$ is opened here and not closed"),
        ("SELECT 1 /* /* */", "line 1: /* is opened here and not closed"),
        ("SELECT 1;\nSELECT (2;\nSELECT 3;", "line 2: a parenthesis is not closed"),
        (ROUTINE.format("", "CASE 1"), "line 1: BEGIN ATOMIC has no END"),
        ("SELECT 1;\n\\i more.sql", "line 2: a backslash outside of quotes: commands of psql are not run here"),
        ("SELECT 1 \\gexec", "line 1: a backslash outside of quotes: commands of psql are not run here"),
        ("SELECT 1;\n-- \0", "line 2: a NUL byte, which no server takes"),
    ],
)
def test_what_is_no_script(script, wanted):
    assert problem(script) == wanted


TRANSACTION = "controls the transaction, and the run makes the script one: take it out"
CLIENT = "moves rows from or to a client, and there is none: use INSERT, or a file on the host"
SESSION = "changes what the run itself has set in the session: take it out"


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        *((f"{word} x", f"{word} {TRANSACTION}") for word in ("BEGIN", "COMMIT", "END", "ROLLBACK", "ABORT")),
        *((f"{word} x", f"{word} {TRANSACTION}") for word in ("SAVEPOINT", "RELEASE")),
        ("start\ntransaction", f"START {TRANSACTION}"),
        ("PREPARE /* two */ TRANSACTION 'x'", f"PREPARE {TRANSACTION}"),
        ("SET LOCAL TRANSACTION READ ONLY", f"SET {TRANSACTION}"),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", f"SET {TRANSACTION}"),
        ('COPY s."t" (a, b) FROM stdin WITH CSV', f"COPY {CLIENT}"),
        ("COPY (SELECT 1) TO STDOUT", f"COPY {CLIENT}"),
        ("DISCARD ALL", f"DISCARD {SESSION}"),
        ("RESET ALL", f"RESET {SESSION}"),
        ("SET standard_conforming_strings TO off", f"SET {SESSION}"),
        ("SET SESSION replication_origin_id = 0", f"SET {SESSION}"),
        ("SET LOCAL bdr.skip_ddl_replication = off", f"SET {SESSION}"),
        ("RESET bdr . permit_unsafe_ddl_commands", f"RESET {SESSION}"),
    ],
)
def test_what_the_run_decides_itself(statement, wanted):
    assert problem(f"SELECT 1;\n\n{statement};\nSELECT '") == f"line 3: {wanted}"
