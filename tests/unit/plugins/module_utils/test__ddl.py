# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script on a server that only answers: what is said to it, in which order, and what ends it.

What it does on a real server is tested in tests/integration.
"""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _ddl
from ansible_collections.pgbdr.bdr.plugins.module_utils._ddl import Done, Task, run_script
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import pglogical_sql, server
from ansible_collections.pgbdr.bdr.plugins.module_utils._member import DDL_JOURNAL
from ansible_collections.pgbdr.bdr.plugins.module_utils._session_types import SessionError, Statement
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan

ENGINES = {
    "pglogical": server(node_plan()),
    "0.4": server(node_plan(bdr_engine="contrib_bdr", bdr_era="0.4")),
    "0.7": server(node_plan(bdr_engine="contrib_bdr", bdr_era="0.7")),
}
SCRIPT = "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\n"
TASK = Task("alpha", "appdb", "two.sql", SCRIPT, 5, 600, nodes=("alpha", "bravo"))
NOTED = {"script": "two.sql", "sha256": TASK.sha256, "finished_at": "now"}
WORDS = "Nothing is changed on alpha. The script is on no node, not on alpha, bravo; "


class Server:
    """Keeps what it is told, and answers by the statement; an answer that is an error is raised."""

    def __init__(self, **answers: t.Any) -> None:
        known = {DDL_JOURNAL: [{"found": 1}], _ddl.JOURNAL: []}
        self.answers = {**known, **{getattr(_ddl, name, name): answer for name, answer in answers.items()}}
        self.told: list[str] = []
        self.values: dict[str, t.Any] = {}
        self.blockers: list[dict[str, t.Any]] = []
        self.files = iter(self.answers.get(_ddl.FILES, [[], []]))

    def run(self, statement: Statement) -> list[dict[str, t.Any]]:
        text = statement.text
        for name, value in statement.identifiers.items():
            text = text.replace(f"{{{name}}}", value)
        self.told.append(text)
        self.values[text] = statement.values
        if text == _ddl.FILES:
            return next(self.files)
        answer = self.answers.get(text, [])
        if isinstance(answer, SessionError):
            raise answer
        return answer

    def rows(self, text: str, values: t.Any = None) -> list[dict[str, t.Any]]:
        return self.run(Statement(text, values=values or {}))


def run(session: Server, engine: str = "pglogical", task: Task = TASK, check_mode: bool = False) -> Done:
    return run_script(session, ENGINES[engine], task, check_mode)


def failure(session: Server, engine: str = "pglogical", task: Task = TASK) -> str:
    with pytest.raises(SessionError) as caught:
        run(session, engine, task)
    return str(caught.value)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_script_is_one_transaction_with_its_row_in_the_journal(engine):
    session = Server()
    assert run(session, engine) == Done("ran", 2)
    stay_local = [statement.text for statement in ENGINES[engine].stay_local()]
    assert stay_local
    assert session.told == [
        DDL_JOURNAL,
        _ddl.JOURNAL,
        *_ddl.LIMITS,
        *stay_local,
        "BEGIN",
        _ddl.FILES,
        "CREATE TABLE a (id int)",
        "CREATE TABLE b (id int)",
        *_ddl.OWN_RIGHTS,
        _ddl.FILES,
        _ddl.ROWS_WRITTEN,
        _ddl.NOTE,
        "COMMIT",
    ]
    assert session.values[_ddl.JOURNAL] == {"node": "alpha"}
    assert session.values[_ddl.NOTE] == {"node": "alpha", "script": "two.sql", "sha256": TASK.sha256}
    assert session.values["SET lock_timeout = %(lock_ms)s"] == {"lock_ms": 5000, "statement_ms": 600000}
    # psycopg2 reads a % as a placeholder as soon as there are values.
    assert session.values["SET track_counts = on"] == session.values["CREATE TABLE a (id int)"] == {}


@pytest.mark.parametrize(
    ("engine", "wanted"),
    [
        ("pglogical", [pglogical_sql.CREATE_LOCAL_ORIGIN, pglogical_sql.USE_LOCAL_ORIGIN, pglogical_sql.COUNT_AS_OLD]),
        ("0.4", ["SET replication_origin_id = 1"]),
        ("0.7", ["SET bdr.permit_unsafe_ddl_commands = off"]),
    ],
)
def test_what_a_script_does_stays_on_the_node(engine, wanted):
    assert [statement.text for statement in ENGINES[engine].stay_local()] == wanted
    assert ("bdr.skip_ddl_replication" in ENGINES[engine].session_settings) == (engine == "0.7")


def test_check_mode_only_looks_into_the_journal():
    session = Server()
    assert run(session, check_mode=True) == Done("would run", 2)
    assert session.told == [DDL_JOURNAL, _ddl.JOURNAL]


def test_a_script_that_ran_is_left_alone():
    session = Server(JOURNAL=[{**NOTED, "script": "one.sql", "sha256": "x"}, NOTED])
    assert run(session) == Done("was there", 2)
    assert session.told == [DDL_JOURNAL, _ddl.JOURNAL]


def test_another_script_of_the_name_is_refused():
    assert failure(Server(JOURNAL=[{**NOTED, "sha256": "x"}])) == (
        "bdr_ddl_name: another script of the name two.sql ran on alpha before. Give this one another name "
        "(-e bdr_ddl_name=...), or the file the text it had"
    )


def test_space_around_a_script_makes_no_other_of_it():
    assert _ddl.fingerprint(SCRIPT) == _ddl.fingerprint(f"\n{SCRIPT}\r\n ") != _ddl.fingerprint(SCRIPT.lower())


def test_a_database_without_journal_has_run_nothing():
    session = Server(**{DDL_JOURNAL: []})
    assert _ddl.journal(session, "alpha") == []
    assert session.told == [DDL_JOURNAL]


def test_a_script_that_is_none():
    session = Server()
    assert failure(session, task=Task("alpha", "appdb", "two.sql", "\nBEGIN")) == (
        "script two.sql: line 2: BEGIN controls the transaction, and the run makes the script one: take it out"
    )
    assert session.told == []


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("SET track_counts = on", "before its first statement"),
        ("BEGIN", "before its first statement"),
        ("CREATE TABLE a (id int)", "statement 1 of 2, line 1"),
        ("CREATE TABLE b (id int)", "statement 2 of 2, line 2"),
        (_ddl.ROWS_WRITTEN, "behind its last statement"),
        (_ddl.NOTE, "behind its last statement"),
        ("COMMIT", "behind its last statement"),
    ],
)
def test_what_fails_is_rolled_back_and_told_with_its_place(where, told):
    session = Server(**{where: SessionError("no", "42P07")})
    assert failure(session).startswith(f"alpha, script two.sql, {told}, SQLSTATE 42P07: no\n{WORDS}")
    if "BEGIN" in session.told:
        assert session.told[-2:] == [where, "ROLLBACK"]
    assert "COMMIT" not in session.told or where == "COMMIT"


def test_a_connection_that_is_gone_is_told_once():
    gone = SessionError("it does not answer within 5 s")
    session = Server(**{"CREATE TABLE b (id int)": gone, "ROLLBACK": SessionError("connection already closed")})
    assert failure(session).startswith("alpha, script two.sql, statement 2 of 2, line 2: it does not answer within 5 s")


def test_without_an_answer_to_its_end_nobody_knows():
    message = failure(Server(COMMIT=SessionError("it does not answer within 5 s")))
    assert "Whether alpha still carried it out, its journal tells the next run." in message


# --- Rewrites and rows ----------------------------------------------------------------------------


def table(oid: int, file: int) -> dict[str, t.Any]:
    return {"oid": oid, "file": file, "schema": "public", "name": f"t{oid}"}


FILES = [
    [table(1, 10), table(2, 20), table(3, 30), table(4, 40)],
    # 1 was rewritten, 2 is as it was, 3 was emptied, 4 was dropped, 5 is new.
    [table(1, 11), table(2, 20), table(3, 31), table(5, 50)],
]
HAS_ROWS = {
    "SELECT EXISTS (SELECT 1 FROM public.t1) AS found": [{"found": True}],
    "SELECT EXISTS (SELECT 1 FROM public.t3) AS found": [{"found": False}],
}
WRITTEN = [{"schema": "public", "name": "t1", "written": 7}, {"schema": "s", "name": "t", "written": 1}]


@pytest.mark.parametrize("engine", ["pglogical", "0.4"])
def test_what_a_script_rewrote_and_wrote_is_told(engine):
    done = run(Server(FILES=FILES, ROWS_WRITTEN=WRITTEN, **HAS_ROWS), engine)
    assert done == Done("ran", 2, ("public.t1",), {"public.t1": 7, "s.t": 1})


def test_a_rewrite_that_would_be_sent_is_refused():
    session = Server(FILES=FILES, **HAS_ROWS)
    assert failure(session, "0.7").startswith("alpha, script two.sql: it rewrites public.t1, which this server sends")
    assert session.told[-1] == "ROLLBACK"
    assert _ddl.NOTE not in session.told


def test_rows_that_would_be_sent_are_refused():
    session = Server(ROWS_WRITTEN=WRITTEN)
    assert failure(session, "0.7").startswith("alpha, script two.sql: it writes rows of public.t1 (7), s.t (1), which")
    assert session.told[-1] == "ROLLBACK"
    assert _ddl.NOTE not in session.told


# --- A statement that refuses to be in a transaction ----------------------------------------------

INDEX = "CREATE INDEX CONCURRENTLY i ON t (a)"
ALONE = Task("alpha", "appdb", "index.sql", INDEX, 5)


class Refusing(Server):
    """Refuses a statement in a transaction; outside of one it ends as given."""

    def __init__(self, outside: SessionError | None = None, **answers: t.Any) -> None:
        super().__init__(**answers)
        self.outside = outside

    def run(self, statement: Statement) -> list[dict[str, t.Any]]:
        rows = super().run(statement)
        if statement.text == INDEX and "ROLLBACK" not in self.told:
            raise SessionError("it cannot run inside a transaction block", "25001")
        if statement.text == INDEX and self.outside:
            raise self.outside
        return rows


def test_a_statement_that_the_server_refuses_in_a_transaction_is_run_outside_of_one():
    session = Refusing()
    assert run(session, task=ALONE) == Done("ran", 1)
    after = session.told[session.told.index("ROLLBACK") + 1 :]
    assert after == [INDEX, _ddl.UNFINISHED, _ddl.NOTE]
    assert session.values[_ddl.UNFINISHED] == {"text": INDEX}


def test_one_of_several_is_not():
    session = Server(**{"CREATE TABLE b (id int)": SessionError("not in a transaction block", "25001")})
    assert "statement 2 of 2, line 2, SQLSTATE 25001: not in a transaction block" in failure(session)
    assert session.told[-1] == "ROLLBACK"


UNFINISHED = "alpha, script index.sql: the index public.i is not valid, a build of it ended half-way. "


@pytest.mark.parametrize(
    ("outside", "left", "told"),
    [
        (
            SessionError("no", "23505"),
            [],
            ["statement 1 of 1, line 1, SQLSTATE 23505: no", "not in a transaction: look"],
        ),
        (SessionError("no", "23505"), [{"name": "public.i"}], ["line 1, SQLSTATE 23505: no", UNFINISHED]),
        (SessionError("gone"), SessionError("closed"), ["line 1: gone\nIt was not in a transaction: look"]),
        (None, [{"name": "public.i"}], [UNFINISHED]),
    ],
)
def test_what_is_half_made_is_told_and_not_noted(outside, left, told):
    session = Refusing(outside, UNFINISHED=left)
    message = failure(session, task=ALONE)
    for words in told:
        assert words in message
    assert _ddl.NOTE not in session.told


@pytest.mark.parametrize(("lock", "answer", "wanted"), [(5, 10, 2.5), (0, 10, 10), (60, 10, 10), (1, 10, 0.5)])
def test_one_looks_around_before_the_wait_for_a_lock_ends(lock, answer, wanted):
    assert _ddl.seconds_of_silence(Task("alpha", "appdb", "x", "y", lock), answer) == wanted
