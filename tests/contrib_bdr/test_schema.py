"""schema.yml where rows travel as they lie on disk: places of columns, dropped ones, numbers of types."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

import pytest
from groups import Group, Run, eventually

NODES = ("alpha", "bravo", "charlie")

Make = t.Callable[..., Group]
Report = dict[str, t.Any]


def local(group: Group, node: str, first: t.Iterable[str], *statements: str) -> None:
    """Run statements in a session that begins as the report says: what they do stays on the node."""
    with group.session(node) as session:
        session.autocommit = True
        for statement in (*first, *statements):
            session.cursor().execute(statement)


def alter(group: Group, nodes: t.Iterable[str], first: t.Iterable[str], table: str, actions: str) -> None:
    """Run several ALTER TABLE on several nodes."""
    for node in nodes:
        local(group, node, first, *(f"ALTER TABLE {table} {each}" for each in actions.split("; ") if each))


def compare(group: Group, *arguments: str) -> tuple[Run, Report]:
    """Run schema.yml and return the run and what it wrote as JSON."""
    path = group.directory / "schema.json"
    path.unlink(missing_ok=True)
    run = group.play("schema", "-e", f"bdr_schema_file={path}", "-e", "bdr_schema_fail=false", *arguments)
    assert run.code == 0, run.output
    return run, json.loads(path.read_text("utf-8"))


def mend(group: Group, found: Report) -> None:
    """Run the DDL of each finding, in the order of the report, each in a session that begins as the report says."""
    for each in found["findings"]:
        for there in each["mend"]:
            local(group, there["node"], found["mend_session"], *there["statements"])


@dataclass
class Plant:
    """A table: what is done to it on every node, then on alpha and charlie, then on bravo, and what the report says."""

    finding: str
    everywhere: str = ""
    most: str = ""
    bravo: str = ""
    mends: bool = True


PLANTS = {
    "behind": Plant("columns (id, v, more) on bravo, (id, v) on alpha, charlie", bravo="ADD more int"),
    "lacking": Plant(
        "columns (id, v, dropped, more) on alpha, charlie, (id, v) on bravo",
        most="ADD gone bigint; DROP gone; ADD more int; ALTER more SET DEFAULT 3",
    ),
    "dropped": Plant(
        "columns (id, v, dropped) on alpha, charlie, (id, v, more) on bravo",
        everywhere="ADD more int",
        most="DROP more",
    ),
    "dropped_here": Plant(
        "columns (id, v, more) on alpha, charlie, (id, v, dropped) on bravo",
        everywhere="ADD more int",
        bravo="DROP more",
        mends=False,
    ),
    "in_order": Plant(
        "columns (id, v, a, b) on alpha, charlie, (id, v, dropped, dropped, b, a) on bravo",
        everywhere="ADD a int; ADD b text",
        bravo="DROP a; DROP b; ADD b text; ADD a int",
        mends=False,
    ),
    "typed": Plant(
        "column n integer on alpha, charlie, bigint on bravo",
        everywhere="ADD n int; ALTER n SET DEFAULT 5",
        bravo="ALTER n TYPE bigint",
    ),
    "shorter": Plant(
        "column n character varying(5) on alpha, charlie, text on bravo",
        everywhere="ADD n varchar(5)",
        bravo="ALTER n TYPE text",
    ),
    "strict": Plant("column v nullable on alpha, charlie, NOT NULL on bravo", bravo="ALTER v SET NOT NULL"),
    "checked": Plant(
        "CHECK ((v <> 'x'::text)) missing on alpha, charlie, there on bravo", bravo="ADD CHECK (v <> 'x')"
    ),
    "uniq": Plant(
        "UNIQUE USING btree (v) there on alpha, charlie, missing on bravo",
        everywhere="ADD UNIQUE (v)",
        bravo="DROP CONSTRAINT uniq_v_key",
    ),
    "keyed": Plant("PRIMARY KEY (id) on alpha, charlie, no primary key on bravo", bravo="DROP CONSTRAINT keyed_pkey"),
    "owned": Plant("owned by postgres on alpha, charlie, bdr_replication on bravo", bravo="OWNER TO bdr_replication"),
    "dflt": Plant("column v no default on alpha, charlie, DEFAULT 'x'::text on bravo", bravo="ALTER v SET DEFAULT 'x'"),
}
GONE = """
    CREATE TABLE "Gone.1" (a int, b serial PRIMARY KEY, c text, "D %" numeric(8,2) DEFAULT 1.5, UNIQUE (c));
    ALTER TABLE "Gone.1" DROP COLUMN a
"""


@pytest.fixture(scope="module")
def mesh(make_group: Make) -> Group:
    """Return a mesh with equal tables; each has a row that came from alpha."""
    group = make_group("hcbmesh", 5637, NODES)
    group.must()
    first = compare(group)[1]["mend_session"]
    for node in NODES:
        local(group, node, first, *(f"CREATE TABLE {name} (id int PRIMARY KEY, v text)" for name in PLANTS), GONE)
    for name, plant in PLANTS.items():
        alter(group, NODES, first, name, plant.everywhere)
        group.sql("alpha", f"INSERT INTO {name} VALUES (100, 'first')")
    same_everywhere(group, PLANTS, 1)
    return group


def same_everywhere(group: Group, tables: t.Iterable[str], count: int) -> None:
    """Wait until each table has as many rows on every node, the same ones."""
    names = list(tables)

    def rows(node: str) -> list[t.Any]:
        return [group.sql(node, f"SELECT * FROM {name} ORDER BY 1") for name in names]

    def counts(node: str) -> list[int]:
        return [len(each) for each in rows(node)]

    for node in NODES:
        eventually(lambda node=node: counts(node), [count] * len(names))
        assert rows(node) == rows("alpha")


def test_an_equal_group_has_no_findings(mesh: Group) -> None:
    """With what may differ, differing."""
    first = compare(mesh)[1]["mend_session"]
    local(mesh, "bravo", first, "CREATE INDEX own ON dflt (v)")
    alter(mesh, ["bravo"], first, "dflt", "SET (fillfactor=60, autovacuum_enabled=off)")
    run, found = compare(mesh)
    assert found["findings"] == []
    assert found["compared"] == {"appdb": list(NODES)}
    assert "no findings" in run.output


@pytest.fixture(scope="module")
def planted(mesh: Group) -> tuple[Run, Report]:
    """Return the report of a group in which every plant is planted."""
    first = compare(mesh)[1]["mend_session"]
    for name, plant in PLANTS.items():
        alter(mesh, ("alpha", "charlie"), first, name, plant.most)
        alter(mesh, ["bravo"], first, name, plant.bravo)
    # The numbers of bravo's types run ahead.
    local(mesh, "bravo", first, 'DROP TABLE "Gone.1"', "CREATE TYPE taker AS ENUM ('x')", "DROP TYPE taker")
    moody = ("CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE TABLE moody (id int PRIMARY KEY, m mood)")
    for node in NODES:
        local(mesh, node, first, *moody, "CREATE TABLE keyless (v int)")
    return compare(mesh)


@pytest.mark.parametrize("name", PLANTS)
def test_what_is_planted_is_found(planted: tuple[Run, Report], name: str) -> None:
    found = [each for each in planted[1]["findings"] if each["object"] == f"public.{name}"]
    assert [(each["finding"], bool(each["mend"])) for each in found] == [(PLANTS[name].finding, PLANTS[name].mends)]


def test_the_numbers_of_types_and_tables_without_a_key(planted: tuple[Run, Report]) -> None:
    found = {each["object"]: each for each in planted[1]["findings"]}
    assert found["public.mood"]["finding"].startswith("numbers ")
    assert found["public.mood"]["severity"] == "error" and "bravo" in found["public.mood"]["nodes"]
    assert found["public.keyless"]["finding"].startswith("no primary key: ")
    assert found['public."Gone.1"']["finding"] == "there on alpha, charlie, missing on bravo"
    assert {each["object"] for each in planted[1]["findings"]} == {
        *(f"public.{name}" for name in PLANTS),
        *("public.mood", "public.keyless", 'public."Gone.1"'),
    }


def test_the_mends_mend(mesh: Group, planted: tuple[Run, Report]) -> None:
    mend(mesh, planted[1])
    left = compare(mesh)[1]["findings"]
    without = {f"public.{name}" for name, plant in PLANTS.items() if not plant.mends}
    assert {each["object"] for each in left} == {"public.mood", "public.keyless", *without}
    assert [each["finding"] for each in left if each["mend"]] == []


def test_rows_travel_through_what_was_mended(mesh: Group, planted: tuple[Run, Report]) -> None:
    """Through every table that is whole again, in both directions, and they are the same everywhere."""
    whole = [name for name, plant in PLANTS.items() if plant.mends]
    for place, node in enumerate(NODES):
        for name in whole:
            mesh.sql(node, f"INSERT INTO {name} (id, v) VALUES (%s, %s)", place, node)
        mesh.sql(node, 'INSERT INTO "Gone.1" (b, c) VALUES (%s, %s)', place, node)
    same_everywhere(mesh, whole, 4)
    same_everywhere(mesh, ['"Gone.1"'], 3)
