"""Seed a node table by table while the others are written: killed on the way, and where no physical copy can be."""

from __future__ import annotations

import contextlib
import shutil
import threading
import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._seed_copy import LEAST_PIECE
from groups import Group, eventually, words
from modules import stand
from writing import CHARLIE, KEYS, NODES, TABLES, equal, written

GOES_ON = (*CHARLIE, "-e", "bdr_seed_method=logical")
LOGICAL = (*GOES_ON, "-e", "bdr_force=charlie")
ODD = """
CREATE TABLE part (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE part_low PARTITION OF part FOR VALUES FROM (0) TO (100);
CREATE TABLE part_high PARTITION OF part FOR VALUES FROM (100) TO (200);
CREATE TABLE made (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int,
                   twice int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE "Odd, name" ("Key 1" text PRIMARY KEY, "select" float8, j jsonb, b bytea, city int REFERENCES city (id));
CREATE TABLE large (id int PRIMARY KEY, pad text);
CREATE SEQUENCE counter;
CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n FROM part;
CREATE VIEW all_parts AS SELECT * FROM part;
"""
ROWS = r"""
INSERT INTO part SELECT i, 'p' || i FROM generate_series(0, 199) i;
INSERT INTO made (a) SELECT i FROM generate_series(1, 99) i;
INSERT INTO "Odd, name" VALUES (E'a\tb\\c\nd''', 0.1::float8 + 0.2, '{"k": "\\\""}', '\x0001ff', NULL),
                              ('', 'NaN', NULL, NULL, NULL);
INSERT INTO large SELECT i, repeat('x', 1900) FROM generate_series(1, 36000) i;
SELECT setval('counter', 4711);
REFRESH MATERIALIZED VIEW sums;
"""
HELD = """
SELECT (SELECT md5(string_agg(x::text, '|' ORDER BY id)) FROM part x),
       (SELECT md5(string_agg(x::text, '|' ORDER BY id)) FROM made x),
       (SELECT md5(string_agg(x::text, '|' ORDER BY 1)) FROM "Odd, name" x),
       (SELECT md5(string_agg(x::text, '|' ORDER BY id)) FROM large x)
"""
ADD_TO_REPORTS = """
SELECT pglogical.replication_set_add_table('reports', 'part_low', columns := '{id}', row_filter := 'id > 10'),
       pglogical.replication_set_remove_table('default', 'part_high'),
       pglogical.replication_set_add_table('reports', 'part_high')
"""
REPORTS = """
SELECT s.set_name, s.replicate_delete, t.set_reloid::regclass::text, t.set_att_list,
       pg_get_expr(t.set_row_filter, t.set_reloid)
  FROM pglogical.replication_set s JOIN pglogical.replication_set_table t USING (set_id)
 WHERE t.set_reloid::regclass::text LIKE 'part%' ORDER BY 1, 3
"""
LEFT_OPEN = """
SELECT (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'pgbdr %'),
       (SELECT count(*) FROM pg_replication_slots WHERE NOT active),
       (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'bdr_replication')
"""


CLERK = """
SELECT rolpassword, has_table_privilege('clerk', 'part', 'SELECT') FROM pg_authid WHERE rolname = 'clerk'
"""
HIDDEN = """
CREATE TABLE hidden (id int PRIMARY KEY);
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
CREATE POLICY nobody ON hidden USING (false);
"""
# Commit times and origins of rows that nobody sent since: without links, all of them came with the copy.
LAST_ROWS = """
SELECT c.id, o.timestamp, coalesce(r.roname, '') AS origin
  FROM city c CROSS JOIN LATERAL pg_xact_commit_timestamp_origin(c.xmin) o
  LEFT JOIN pg_replication_origin r ON r.roident = o.roident WHERE o.timestamp IS NOT NULL
"""


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a group whose tables have of all that there is."""
    made = make_group("itlogical", 6220, NODES, bdr_settings={"max_wal_size": "512MB"})
    stand(made)
    made.everywhere(TABLES + ";" + ODD)
    made.everywhere("CREATE ROLE clerk LOGIN PASSWORD 'a secret'; GRANT SELECT ON part TO clerk")
    made.sql("alpha", f"INSERT INTO city SELECT i, 0, 'first' FROM generate_series(0, {KEYS - 1}) i")
    made.sql("alpha", ROWS)
    return made


def is_whole(group: Group) -> None:
    """Charlie holds what the donor does, keeps nothing open there, and stays as it is."""
    equal(group)
    eventually(lambda: len({tuple(group.sql(node, HELD)) for node in NODES}), 1)
    for node in NODES:
        eventually(lambda node=node: group.sql(node, LEFT_OPEN), [(0, 0, False)])
    assert group.must("site").changed() == set()


# Granted right before the donor's part of the WAL that is read begins.
SNAPSHOT_BEGINS = "SELECT 1 FROM pg_roles WHERE rolname = 'bdr_replication' AND rolbypassrls"


@contextlib.contextmanager
def switched(group: Group) -> t.Iterator[None]:
    """Let alpha begin new WAL files while its snapshot is taken, as a busy server does."""
    ended = threading.Event()
    switches: list[list[tuple]] = []

    def go_on() -> None:
        while not ended.wait(0.2) and len(switches) < 5:
            if group.sql("alpha", SNAPSHOT_BEGINS):
                switches.append(group.sql("alpha", "SELECT pg_switch_wal()"))

    switcher = threading.Thread(target=go_on)
    switcher.start()
    try:
        yield
    finally:
        ended.set()
        switcher.join()
    assert len(switches) == 5, "no snapshot was seen"


def test_rows_come_table_by_table(group: Group) -> None:
    group.sql("charlie", "INSERT INTO note VALUES ('last words')")
    assert group.sql("alpha", "SELECT pg_table_size('large')") > [(LEAST_PIECE,)], "it is copied in parts"
    with written(group), switched(group):
        run = group.must("reseed", *LOGICAL, "-e", "bdr_donor=alpha")
    assert "to charlie table by table" in words(run.output)
    is_whole(group)
    for node in NODES:
        assert group.sql(node, "SELECT count(*) FROM note WHERE id = 'last words'") == [(1,)]
    assert group.sql("charlie", "SELECT last_value, is_called FROM counter") == [(4711, True)]
    assert group.sql("charlie", "SELECT n FROM sums") == [(200,)]
    assert group.sql("charlie", CLERK) == group.sql("alpha", CLERK)
    assert group.sql("charlie", CLERK)[0][1] is True
    group.sql("charlie", "INSERT INTO made (a) VALUES (1000)")
    assert group.sql("charlie", "SELECT id, twice FROM made WHERE a = 1000") == [(100, 2000)]
    with pytest.raises(Exception, match="foreign key"):
        group.sql("charlie", "INSERT INTO \"Odd, name\" VALUES ('c', 1, NULL, NULL, -1)")


# Each leaves something else behind. A module begins its work about a second into its task.
KILLS = (
    ("Stop the node, whose slots go", 1.3),
    ("Remove what is left of the node", 1.0),
    ("Keep a snapshot of the donor", 3.0),
    ("Copy the donor table by table", 2.5),
    ("Let the snapshot go", 1.0),
    ("Put the copy in the place of the node's data", 1.2),
    ("Link the node to its upstreams from where the copy ends", 1.0),
)


def test_killed_at_each_step_it_goes_on(group: Group) -> None:
    with written(group):
        for task, seconds in KILLS:
            # What stands in its place is no member from the first step on, and says so.
            is_marked = "seeded" in (group.home("charlie") / ".pgbdr.json").read_text()
            group.kill(task, seconds, "reseed", *(LOGICAL if not is_marked else GOES_ON))
        refused = group.play("site")
        assert "the seeding of charlie is not finished" in words(refused.output)
        group.must("reseed", *GOES_ON)
    is_whole(group)


def test_the_last_rows_keep_their_commit_times(group: Group) -> None:
    """What another node sends later is decided by them as on the donor."""
    with written(group):
        group.kill("Link the node to its upstreams from where the copy ends", 0.0, "reseed", *LOGICAL)
    rows = group.sql("charlie", LAST_ROWS)
    origins = {origin for _id, _at, origin in rows}
    donors = {"pgl_appdb_alpha_alpha_charlie", "pgl_appdb_bravo_bravo_charlie"}
    assert origins == donors
    assert group.sql("charlie", "SELECT count(*) > %s FROM city", len(rows)) == [(True,)], "old rows have none"
    for key, at, _origin in rows:
        # alpha writes the even keys, bravo the odd ones, and each row's last change is its own.
        assert key % 2 == (1 if "bravo" in _origin else 0)
        assert all(
            at <= when
            for (when,) in group.sql("alpha", "SELECT pg_xact_commit_timestamp(xmin) FROM city WHERE id = %s", key)
        )
    group.must("reseed", *GOES_ON)
    is_whole(group)


def test_a_donor_that_cannot_be_copied_as_a_whole_is_copied_by_tables(group: Group) -> None:
    place = group.home("alpha") / "space"  # for good: pglogical's workers hold a DROP TABLESPACE up
    place.mkdir(mode=0o700)
    shutil.chown(place, "postgres", "postgres")
    group.sql("alpha", f"CREATE TABLESPACE aside LOCATION '{place}'")
    assert group.sql("charlie", REPORTS) == group.sql("alpha", REPORTS)
    group.sql("alpha", "ALTER TABLE part_low SET TABLESPACE aside")
    group.sql("alpha", "SELECT pglogical.create_replication_set('reports', replicate_delete := false)")
    group.sql("alpha", ADD_TO_REPORTS)
    asked = (*CHARLIE, "-e", "bdr_force=charlie", "-e", "bdr_donor=alpha")
    refused = group.play("reseed", *asked, "-e", "bdr_seed_method=physical")
    assert "bdr_donor: alpha has tablespaces (aside)" in words(refused.output)
    assert refused.changed() == set()
    group.everywhere(HIDDEN)
    group.sql("alpha", "INSERT INTO hidden VALUES (1), (2)")
    with written(group):
        # A comparison may not read what a policy hides.
        run = group.must("reseed", *asked, "-e", "bdr_compare_fail=false")
    assert group.sql("charlie", "SELECT count(*) FROM hidden") == [(2,)]
    assert "to charlie table by table, as alpha has tablespaces (aside)" in words(run.output)
    is_whole(group)
    assert group.sql("charlie", REPORTS) == group.sql("alpha", REPORTS)
