# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sequences: which are moved, where to, and what an operator is told.

What the SQL does on a real server is tested in tests/integration and tests/contrib_bdr.
"""

from __future__ import annotations

import json

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _sequences_sql as sql
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import contrib_bdr_sql, server
from ansible_collections.pgbdr.bdr.plugins.module_utils._sequences import SequenceError, Sequences
from ansible_collections.pgbdr.bdr.plugins.module_utils._state import GONE, Item, diff
from ansible_collections.pgbdr.bdr.tests.unit.builders import FakeSession, node_plan

OWN = {"alpha": {"bdr_sequence_offset": 3}, "bravo": {"bdr_sequence_offset": 4}}
FIT = Item("function", "pgbdr.fit_sequence", "appdb")
FIT_NEW = Item("function", "pgbdr.fit_new_sequences", "appdb")
TRIGGER = Item("event trigger", "pgbdr_fit_new_sequences", "appdb")
KIND = Item("setting", "default_sequenceam", "appdb")
SEQUENCE = Item("sequence", "public.t_id_seq", "appdb")
BIGINT = 2**63 - 1


def part(strategy: str = "offset", era: str = "", **options) -> Sequences:
    engine = {"bdr_engine": "contrib_bdr", "bdr_era": era} if era else {}
    plan = node_plan(names="alpha bravo", own=OWN, bdr_sequence_strategy=strategy, **engine)
    return Sequences(plan, server(plan), **options)


def row(**changes) -> dict:
    """Return a sequence that fits."""
    sound = {
        "name": "public.t_id_seq",
        "increment": 100,
        "start": 3,
        "last": 3,
        "called": False,
        "cycles": False,
        "room": BIGINT,
        "highest": None,
    }
    return {**sound, **changes}


def answers(*sequences: dict, part: Sequences, **changes) -> FakeSession:
    """Return a server on which all is as it should be; changes are given by the names of the queries."""
    compare = {"compare": part.compare_rows}
    body = sql.FIT_NEW_BODY.format(step=100, remainder=3)
    local = sorted(["search_path=pg_catalog", *(f"{k}={v}" for k, v in part.engine.session_settings.items())])
    sound = {
        "TRIGGER": [{"enabled": "A"}],
        "FUNCTIONS": [
            {
                "name": "fit_sequence",
                "body": sql.FIT_BODY,
                "settings": ["search_path=pg_catalog", "lock_timeout=3s"],
            },
            {"name": "fit_new_sequences", "body": body, "settings": local},
        ],
        "DEFAULT_KIND": [],
        "OBSERVED": [{"current_setting": json.dumps(sequences)}],
        "KINDS_KNOWN": [{"found": 1}],
        "KIND": [{"found": 1}],
        "EXTENSION": [{"found": 1}],
        "LOCAL": [],
    }
    rows = {getattr(sql, name): found for name, found in {**sound, **changes}.items()}
    rows[sql.OBSERVE.format(step=100, remainder=3, **compare)] = []
    rows[contrib_bdr_sql.SEQUENCER] = [{"gives": True}]
    return FakeSession(rows)


def steps(share: Sequences, session: FakeSession) -> dict:
    found = share.observe(session, "appdb")
    return {step.item: step.after for step in diff(found, share.wanted(found, "appdb"))}


def moved(share: Sequences | None = None, **changes) -> int | None:
    """Return where a sequence goes to, None where it is left alone."""
    share = share or part()
    done = steps(share, answers(row(**changes), part=share))
    return done[SEQUENCE]["next"] if SEQUENCE in done else None


@pytest.mark.parametrize("era", ["", "0.4", "0.7"])
def test_a_node_that_is_as_it_should_be_needs_nothing(era):
    share = part(era=era)
    assert steps(share, answers(row(), part=share)) == {}
    assert share.warnings == []


def test_a_database_without_anything_needs_everything_in_order():
    share = part()
    done = steps(share, answers(row(increment=1, start=1, last=1), part=share, TRIGGER=[], FUNCTIONS=[]))
    assert list(done) == [FIT, FIT_NEW, TRIGGER, SEQUENCE]
    assert done[SEQUENCE] == {"increment": 100, "start": 3, "next": 3}
    assert list(part().wanted({}, "appdb")) == [FIT, FIT_NEW, TRIGGER]


@pytest.mark.parametrize(
    ("changes", "to"),
    [
        # As it should be: called or not, wherever the start is, whatever the others have.
        ({}, None),
        ({"last": 1203, "called": True}, None),
        ({"start": 1003, "last": 1003}, None),
        # Never used: no margin.
        ({"increment": 1, "start": 1, "last": 1}, 3),
        ({"increment": 1, "start": 55, "last": 55}, 103),
        ({"increment": 1, "start": -500, "last": -500}, -497),
        ({"increment": 1, "start": 3, "last": 3}, 3),
        # Set by hand before its first use.
        ({"increment": 1, "start": 1, "last": 700}, 703),
        # Used: above what it gave, above the rows, and the margin on top.
        ({"increment": 1, "start": 1, "last": 250, "called": True}, 10303),
        ({"increment": 1, "start": 1, "last": 250, "called": True, "highest": 7777}, 17803),
        ({"increment": 1, "start": 1, "last": 1, "highest": 7777}, 17803),
        ({"increment": 1, "start": 1, "last": 9000, "called": True, "highest": 7777}, 19003),
        # It gave the last one below its own: the very next is its own.
        ({"increment": 1, "start": 1, "last": 10002, "called": True, "highest": 2}, 20003),
        # Set by hand; started from elsewhere; stepping by something else.
        ({"last": 1200, "called": True}, 11203),
        ({"start": 1, "last": 1203, "called": True}, 11303),
        ({"increment": 50, "last": 1203, "called": True}, 11303),
        # To the very last value.
        ({"increment": 1, "start": 1, "last": 1, "room": 3}, 3),
        # Rows with values of its own that are yet to come.
        ({"last": 103, "called": True, "highest": 90003}, 100103),
        # A margin that would eat up what is left takes a hundredth of it.
        ({"increment": 1, "start": 1, "last": 7, "called": True, "room": 32767}, 403),
        ({"increment": 1, "start": 1, "last": 32600, "called": True, "room": 32767}, 32603),
    ],
)
def test_where_a_sequence_goes_to(changes, to):
    assert moved(**changes) == to


def test_the_margin_is_the_operator_s():
    assert moved(part(margin=0), increment=1, start=1, last=250, called=True) == 303


def test_rows_are_compared_where_that_is_asked_for():
    share = part(compare_rows=True)
    session = answers(row(), part=share)
    assert steps(share, session) == {}
    assert any("compare   constant boolean := True" in text for text, _values in session.asked)


@pytest.mark.parametrize(
    ("changes", "alone", "told"),
    [
        ({"increment": -1, "start": -1, "last": -1, "room": -1}, True, "descends, so it is left alone"),
        ({"increment": -1, "start": 100, "last": 100, "room": 1000}, True, "descends, so it is left alone"),
        (
            {"increment": 1, "start": 1, "last": 32760, "called": True, "room": 32767},
            True,
            "has no value left for this node, so it is left alone, and nodes may give the same: the next would be "
            "32803, 32767 is the most; make column and sequence bigint",
        ),
        ({"last": 32703, "called": True, "room": 32767}, True, "has no value left for this node"),
        ({"room": 32767}, True, "has 328 values left for this node, since 32767 is the most"),
        ({"increment": 1, "start": 1, "last": 1, "room": 32767}, False, "has 328 values left for this node"),
        ({"cycles": True}, True, "cycles: after its last value it gives those of other nodes"),
    ],
)
def test_what_cannot_be_kept_apart_is_told(changes, alone, told):
    share = part()
    assert (moved(share, **changes) is None) == alone
    (warning,) = share.warnings
    assert warning.startswith(f"sequence public.t_id_seq in appdb {told}")


@pytest.mark.parametrize(("left", "told"), [(9_999, 1), (10_000, 0)])
def test_few_values_left_are_told_in_time(left, told):
    share = part()
    moved(share, room=3 + 100 * (left - 1))
    assert len(share.warnings) == told


@pytest.mark.parametrize(
    ("changes", "item"),
    [
        ({"TRIGGER": []}, TRIGGER),
        ({"TRIGGER": [{"enabled": "O"}]}, TRIGGER),
        ({"FUNCTIONS": [{"name": "fit_sequence", "body": "old", "settings": None}]}, FIT),
        ({"FUNCTIONS": [{"name": "fit_new_sequences", "body": "old", "settings": []}]}, FIT_NEW),
        ({"DEFAULT_KIND": [{"value": "bdr"}]}, KIND),
    ],
)
def test_drift(changes, item):
    share = part()
    assert item in steps(share, answers(part=share, **changes))


# --- Statements -----------------------------------------------------------------------------------


def batches(share: Sequences, session: FakeSession) -> list[list]:
    found = share.observe(session, "appdb")
    return [list(batch) for batch in share.batches(diff(found, share.wanted(found, "appdb")))]


def test_each_sequence_is_moved_in_a_transaction_of_its_own():
    share = part(margin=5)
    old = {"increment": 1, "start": 1, "last": 1}
    session = answers(row(**old), row(name='"Ä"."b.c"', **old), part=share, TRIGGER=[], FUNCTIONS=[])
    objects, *sequences = batches(share, session)
    texts = [statement.text for statement in objects]
    assert texts == [
        sql.CREATE_FIT.format(settings="SET lock_timeout = '3s' SET search_path = 'pg_catalog'"),
        sql.CREATE_FIT_NEW.format(settings="SET search_path = 'pg_catalog'"),
        sql.CREATE_TRIGGER,
        sql.ENABLE_TRIGGER,
    ]
    assert objects[0].values == {"body": sql.FIT_BODY}
    assert [[(each.text, each.values) for each in batch] for batch in sequences] == [
        [(sql.FIT, {"sequence": name, "margin": 5, "step": 100, "remainder": 3})]
        for name in ("public.t_id_seq", '"Ä"."b.c"')
    ]


def test_a_trigger_that_is_there_is_only_enabled():
    share = part()
    ((statement,),) = batches(share, answers(part=share, TRIGGER=[{"enabled": "D"}]))
    assert statement.text == sql.ENABLE_TRIGGER


def test_what_moves_sequences_is_not_replicated_itself():
    share = part(era="0.7")
    (objects,) = batches(share, answers(part=share, FUNCTIONS=[]))
    assert "SET bdr.skip_ddl_replication = 'on'" in objects[1].text


# --- The other strategies -------------------------------------------------------------------------


def test_without_a_strategy_only_the_trigger_goes():
    share = part("none")
    session = answers(part=share, DEFAULT_KIND=[{"value": "bdr"}])
    assert steps(share, session) == {TRIGGER: GONE, FIT: GONE, FIT_NEW: GONE}
    (objects,) = batches(share, session)
    assert [each.text for each in objects] == [sql.DROP_TRIGGER, sql.DROP_FIT, sql.DROP_FIT_NEW]
    assert steps(share, answers(part=share, TRIGGER=[], FUNCTIONS=[])) == {}


@pytest.mark.parametrize("era", ["0.4", "0.7"])
def test_the_engine_s_own_are_the_default_of_the_database(era):
    share = part("engine", era)
    session = answers(part=share, TRIGGER=[], FUNCTIONS=[])
    assert steps(share, session) == {KIND: {"value": "bdr"}}
    ((statement,),) = batches(share, session)
    assert (statement.text, statement.identifiers, statement.values) == (
        sql.SET_KIND,
        {"database": "appdb"},
        {"kind": "bdr"},
    )
    done = answers(part=share, DEFAULT_KIND=[{"value": "bdr"}], LOCAL=[])
    assert steps(share, done) == {TRIGGER: GONE, FIT: GONE, FIT_NEW: GONE}
    assert share.warnings == []


def test_offset_takes_new_sequences_back_from_the_engine():
    share = part(era="0.7")
    ((statement,),) = batches(share, answers(part=share, DEFAULT_KIND=[{"value": "bdr"}]))
    assert (statement.text, statement.identifiers) == (sql.RESET_KIND, {"database": "appdb"})


@pytest.mark.parametrize(
    ("changes", "fails"),
    [
        ({"KINDS_KNOWN": []}, True),
        ({"KIND": []}, True),
        ({"KIND": [], "EXTENSION": []}, False),  # the extension, which brings them, is about to be made
        ({"KINDS_KNOWN": [], "EXTENSION": []}, True),
    ],
)
def test_a_server_without_global_sequences_is_an_error(changes, fails):
    share = part("engine", "0.7")
    session = answers(part=share, **changes)
    if not fails:
        assert KIND in steps(share, session)
        return
    with pytest.raises(SequenceError) as error:
        share.observe(session, "appdb")
    assert str(error.value) == (
        "bdr_sequence_strategy is engine, but alpha has no global sequences in appdb; set it to offset"
    )


def test_a_node_that_never_gets_the_extension_has_none():
    plan = node_plan(
        names="alpha bravo",
        bdr_engine="contrib_bdr",
        bdr_era="0.4",
        bdr_topology="one_way",
        bdr_upstream="alpha",
        bdr_sequence_strategy="engine",
    )
    share = Sequences(plan, server(plan))
    with pytest.raises(SequenceError):
        share.observe(answers(part=share, KIND=[], EXTENSION=[]), "appdb")
    with pytest.raises(SequenceError):
        share.wanted({}, "appdb")  # before its server is there
    # Somebody made it by hand.
    assert steps(share, answers(part=share, TRIGGER=[], FUNCTIONS=[])) == {KIND: {"value": "bdr"}}
    assert list(part("engine", "0.4").wanted({}, "appdb")) == [KIND]


@pytest.mark.parametrize(
    ("count", "named"), [(1, "s0"), (5, "s0, s1, s2, s3, s4"), (7, "s0, s1, s2, s3, s4 and 2 more")]
)
def test_sequences_that_were_there_before_are_named(count, named):
    share = part("engine", "0.7")
    steps(share, answers(part=share, LOCAL=[{"name": f"s{number}"} for number in range(count)]))
    (warning,) = share.warnings
    assert f" of them: {named}; make them anew, USING bdr" in warning


def test_a_worker_that_does_not_start_is_told():
    share = part("engine", "0.4")
    session = answers(part=share)
    session.answers = {**session.answers, contrib_bdr_sql.SEQUENCER: [{"gives": False}]}
    steps(share, session)
    assert share.warnings == [
        "no worker hands out the values of global sequences in appdb of alpha, so nextval fails; build a server that "
        "starts it, or set bdr_sequence_strategy to offset"
    ]
