"""What only a broken node has is found, written down before anything is wiped, and given to the group after review."""

from __future__ import annotations

import collections
import json
import os
import re
import signal
import subprocess
import typing as t
from pathlib import Path

import pytest
from groups import SOCKETS, Group, Run, eventually, words
from modules import stand

NODES = ("alpha", "bravo", "charlie")
OTHERS = ("alpha", "bravo")
CHARLIE = ("bdr_node=charlie", "bdr_confirm=charlie", "bdr_donor=alpha", "bdr_group_wait_seconds=3")
RESEED = [argument for each in CHARLIE for argument in ("-e", each)]
CONFIRM = ("-e", "bdr_salvage_confirm=charlie")
ODD = 'public."Größe %s ""x {y}"'

SCHEMA = f"""
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a text, b int);
CREATE DOMAIN short AS varchar(5);
CREATE TABLE city (id int PRIMARY KEY, name text, size int);
CREATE TABLE everything (
    id bigint GENERATED ALWAYS AS IDENTITY, code char(4), at timestamptz, PRIMARY KEY (code, at),
    f8 float8, f4 float4, n numeric, b bytea, j json, jb jsonb, e mood, es mood[], p pair, s short, i interval,
    r int4range, bits bit varying, x xml, nothing text, empty text DEFAULT 'other', ts timestamp, big text,
    length int GENERATED ALWAYS AS (octet_length(b)) STORED);
CREATE TABLE {ODD} ("Ä%s" text, "b ""c" numeric, "%(v0)s" text, PRIMARY KEY ("Ä%s", "b ""c"));
CREATE TABLE floats (f float8 PRIMARY KEY, t text);
CREATE TABLE log (line text, n numeric);
"""
EVERYTHING = """
INSERT INTO everything (code, at, f8, f4, n, b, j, jb, e, es, p, s, i, r, bits, x, empty, ts, big) VALUES
('a', '2026-01-01 00:00:00.000001+00', 0.1, 'NaN', 1.10, '\\x00ff27', '{"a" :1}', '{"a": 1.0}', 'sad', '{ok,NULL}',
 '(,)', 'é%s''', '1 mon 25:00', '[1,4)', '101', '<a>%</a>', '', '2026-02-30'::text::date - 0, repeat('x', 1000000)),
('b ', 'infinity', '-0', 1e-40, 'NaN', '', 'null', '[]', 'ok', '{}', NULL, E'\\n\\\\', '-1 s', 'empty', '', NULL,
 ' ', '0001-01-01 00:00:00.5 BC', NULL)
""".replace("'2026-02-30'::text::date - 0", "'2026-02-28 12:00:00.000001'")
SLOTS = "SELECT slot_name, active_pid FROM pg_replication_slots WHERE plugin = 'pglogical_output'"


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a group of equal rows."""
    made = make_group("hcsalvage", 6240, NODES)
    stand(made)
    made.everywhere(SCHEMA)
    made.sql("alpha", "INSERT INTO city SELECT n, 'city ' || n, n FROM generate_series(1, 300) n")
    made.sql("bravo", "INSERT INTO city SELECT n, 'city ' || n, n FROM generate_series(301, 400) n")
    made.sql("charlie", "INSERT INTO city SELECT n, 'city ' || n, n FROM generate_series(401, 500) n")
    made.sql("charlie", f"INSERT INTO {ODD} VALUES ('%s', 1.50, 'was')")
    made.sql("bravo", EVERYTHING.replace("('a'", "('u'").replace("('b '", "('d'"))
    for node in NODES:
        eventually(lambda node=node: made.sql(node, "SELECT count(*) FROM city"), [(500,)])
        eventually(lambda node=node: made.sql(node, "SELECT count(*) FROM everything"), [(2,)])
        eventually(lambda node=node: made.sql(node, f"SELECT count(*) FROM {ODD}"), [(1,)])
    return made


def cut_off(group: Group) -> None:
    """Let charlie get nothing, and drop the slots by which it sends."""
    group.sql("charlie", "SELECT pglogical.alter_subscription_disable(sub_name, true) FROM pglogical.subscription")

    def dropped() -> int:
        for name, pid in group.sql("charlie", SLOTS):
            if pid:
                group.sql("charlie", "SELECT pg_terminate_backend(%s)", pid)
            else:
                group.sql("charlie", "SELECT pg_drop_replication_slot(%s)", name)
        return len(group.sql("charlie", SLOTS))

    eventually(dropped, 0)


WRITTEN = f"""
INSERT INTO city VALUES (1001, 'l''été', NULL), (1002, E'two\\nlines', 0), (1003, '', -1);
UPDATE city SET name = 'of charlie' WHERE id IN (5, 305, 405);
UPDATE city SET size = -7 WHERE id = 9;
UPDATE city SET size = -8 WHERE id = 10;
DELETE FROM city WHERE id IN (20, 320, 420);
{EVERYTHING};
UPDATE everything SET b = '\\x0102', n = 1.1, es = '{{sad}}', nothing = E'\\t' WHERE code = 'u';
DELETE FROM everything WHERE code = 'd';
INSERT INTO {ODD} VALUES ('%s"', 1.500, NULL), ('', 'NaN', E'\\r');
UPDATE {ODD} SET "%(v0)s" = 'is' WHERE "b ""c" = 1.5 AND "Ä%s" = '%s';
INSERT INTO floats VALUES (0.1, 'a'), ('-Infinity', 'b'), (1e-320, 'c');
INSERT INTO log VALUES ('once', 1.0), ('twice', 2), ('twice', 2);
"""


def rows(group: Group, node: str) -> dict[str, list[tuple]]:
    """Return all rows of a node as text, and what a generated column makes of them."""
    read = "SELECT t::text FROM {} t ORDER BY 1"
    return {name: group.sql(node, read.format(name)) for name in ("city", "everything", ODD, "floats", "log")}


def crash(group: Group, node: str) -> None:
    pid = int((group.home(node) / "data/postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGQUIT)
    eventually(lambda: Path(f"/proc/{pid}").exists(), False)


def expected(found: dict[str, list[tuple]]) -> dict[str, list[tuple]]:
    """Return rows without those that are no change of charlie, or that others changed, too."""
    no = re.compile(r"\((9|10|30|31|2001),")
    return {**found, "city": [row for row in found["city"] if not no.match(row[0])]}


def as_sql(group: Group, path: Path) -> None:
    """Run the statements as a person does, and take them back: each finds its row."""
    text = path.read_text("utf-8").replace("\\connect 'appdb'", "BEGIN;") + "ROLLBACK;\n"
    psql = ["/usr/lib/postgresql/15/bin/psql", "-X", "-h", SOCKETS, "-p", str(group.ports["alpha"]), "-U", "postgres"]
    run = subprocess.run([*psql, "appdb"], input=text, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    done = [line for line in run.stdout.splitlines() if line.startswith(("INSERT", "UPDATE", "DELETE"))]
    counted = collections.Counter(done)
    assert counted == {"INSERT 0 1": 13, "UPDATE 1": 5, "DELETE 1": 4}, run.stdout


def salvaged(group: Group) -> Path:
    """Return the only salvage that there is."""
    (path,) = group.directory.glob("salvage-hcsalvage-charlie-*.json")
    return path


def applied(group: Group, path: Path, *arguments: str) -> Run:
    return group.play("salvage", "-e", f"bdr_salvage_file={path}", *arguments)


def test_what_only_a_broken_node_has_is_kept_and_given_to_the_group(group: Group) -> None:
    cut_off(group)
    group.sql("charlie", WRITTEN)
    # What the others write meanwhile: two conflicts, one of them newer here, and rows that are no change of charlie.
    group.sql("alpha", "UPDATE city SET size = 99 WHERE id = 9")
    group.sql("bravo", "UPDATE city SET size = 98 WHERE id = 10")
    group.sql("charlie", "UPDATE city SET size = -8 WHERE id = 10")
    group.sql("bravo", "UPDATE city SET name = 'of bravo' WHERE id = 30")
    group.sql("bravo", "DELETE FROM city WHERE id = 31")
    group.sql("alpha", "INSERT INTO city VALUES (2001, 'of alpha', 1)")
    eventually(lambda: group.sql("alpha", "SELECT size FROM city WHERE id = 10"), [(98,)])
    wanted = rows(group, "charlie")
    group.kill("Find what only the node has", 1.0, "reseed", *RESEED)
    stopped = group.play("reseed", *RESEED)
    assert stopped.code != 0
    assert len(stopped.errors()) == 1
    assert "Nothing was wiped" in words(stopped.output)
    assert rows(group, "charlie") == wanted
    path = salvaged(group)
    assert path.stat().st_mode & 0o077 == 0 and path.with_suffix(".sql").stat().st_mode & 0o077 == 0
    found = json.loads(path.read_text("utf-8"))
    conflicts = [(each["key"], each["newest"]) for each in found["changes"] if each["verdict"] == "conflict"]
    assert conflicts == [({"id": "10"}, "charlie"), ({"id": "9"}, "donor")]
    assert {each["verdict"] for each in found["changes"]} == {"unsent", "conflict"}
    assert "1 row that only alpha has is newer" in words(stopped.output)
    as_sql(group, path.with_suffix(".sql"))

    path.unlink()
    group.must("reseed", *RESEED, "-e", "bdr_accept_loss=charlie")
    path = salvaged(group)
    before = {node: rows(group, node) for node in NODES}
    assert before["charlie"] == before["alpha"] == before["bravo"]

    told = applied(group, path)
    assert told.code == 0 and "No node was changed" in told.output
    assert {node: rows(group, node) for node in NODES} == before

    group.kill("Write the changes on one node", 1.0, "salvage", "-e", f"bdr_salvage_file={path}", *CONFIRM)
    run = applied(group, path, *CONFIRM)
    assert run.code == 0, run.output
    for node in NODES:
        eventually(lambda node=node: expected(rows(group, node)), expected(wanted))
        assert group.sql(node, "SELECT id, size FROM city WHERE id IN (9, 10) ORDER BY 1") == [(9, 99), (10, 98)]
        others = group.sql(node, "SELECT id, name FROM city WHERE id IN (30, 31, 2001) ORDER BY 1")
        assert others == [(30, "of bravo"), (2001, "of alpha")]

    again = applied(group, path, *CONFIRM)
    assert again.code == 0 and again.changed() == set(), again.output
    newest = applied(group, path, *CONFIRM, "-e", "bdr_salvage_conflicts=newest")
    assert newest.code == 0, newest.output
    for node in NODES:
        query = "SELECT id, size FROM city WHERE id IN (9, 10) ORDER BY 1"
        eventually(lambda node=node, query=query: group.sql(node, query), [(9, 99), (10, -8)])


def test_an_operator_decides_row_by_row_and_changed_rows_are_left_alone(group: Group) -> None:
    path = salvaged(group)
    found = json.loads(path.read_text("utf-8"))
    for each in found["changes"]:
        each["apply"] = each["key"] in ({"id": "9"}, {"id": "405"})
    path.write_text(json.dumps(found), encoding="utf-8")
    group.sql("bravo", "UPDATE city SET name = 'since' WHERE id = 405")
    eventually(lambda: group.sql("alpha", "SELECT name FROM city WHERE id = 405"), [("since",)])
    run = applied(group, path, *CONFIRM)
    assert run.code != 0
    assert "1 row changed since and left alone" in words(run.output)
    assert "public.city (appdb) id=405: alpha has another version by now" in words(run.output)
    for node in NODES:
        query = "SELECT id, name, size FROM city WHERE id IN (9, 405) ORDER BY 1"
        eventually(lambda node=node, query=query: group.sql(node, query), [(9, "city 9", -7), (405, "since", 405)])
    found["changes"][0]["key"] = {"id": "1"}
    path.write_text(json.dumps(found), encoding="utf-8")
    refused = applied(group, path, *CONFIRM)
    assert refused.code != 0 and len(refused.errors()) == 1
    assert "its checksum does not fit" in words(refused.output)


def test_of_a_node_that_was_copied_only_its_own_changes_are_found(group: Group) -> None:
    """Rows of the copy bear the times and origins that they have on the donor."""
    salvaged(group).unlink()
    cut_off(group)
    group.sql("charlie", "DELETE FROM city WHERE id IN (50, 350, 450)")
    group.sql("charlie", "UPDATE city SET size = -51 WHERE id IN (51, 351, 451)")
    group.sql("charlie", "INSERT INTO city VALUES (3001, 'of charlie', 1)")
    group.sql("alpha", "UPDATE city SET size = 0 WHERE id IN (60, 360, 460)")
    group.sql("bravo", "DELETE FROM city WHERE id IN (61, 361, 461)")
    group.sql("alpha", "INSERT INTO city VALUES (3002, 'of alpha', 1)")
    eventually(lambda: group.sql("alpha", "SELECT count(*) FROM city WHERE id IN (61, 361, 461)"), [(0,)])
    stopped = group.play("reseed", *RESEED)
    assert stopped.code != 0
    found = json.loads(salvaged(group).read_text("utf-8"))
    told = sorted((each["kind"], int(each["key"]["id"]), each["verdict"]) for each in found["changes"])
    wanted = [("delete", key) for key in (50, 350, 450)] + [("insert", 3001)]
    wanted += [("update", key) for key in (51, 351, 451)]
    assert told == [(*each, "unsent") for each in wanted], found["left"]


def test_where_nothing_can_be_found_the_run_says_so_and_goes_on_only_when_told(group: Group) -> None:
    crash(group, "charlie")
    control = group.home("charlie") / "data/global/pg_control"
    control.rename(control.with_name("pg_control.gone"))
    stopped = group.play("reseed", *RESEED)
    assert stopped.code != 0
    assert "can neither be delivered nor found" in words(stopped.output)
    assert "-e bdr_accept_loss=charlie" in words(stopped.output)
    assert control.with_name("pg_control.gone").exists()
    run = group.must("reseed", *RESEED, "-e", "bdr_accept_loss=charlie")
    assert "what charlie did not send is given up and not written down" in words(run.output)
    assert group.must("site").changed() == set()
