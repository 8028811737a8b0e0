"""schema.yml where rows travel as they lie on disk: places of columns, dropped ones, numbers of types."""

from __future__ import annotations

import json
import time
import typing as t

import pytest
from groups import Group, Run

DEADLINE_SECONDS = 60
NODES = ("alpha", "bravo", "charlie")
# Later eras send DDL on; each node makes its tables by itself here, as a mend does.
LOCAL_DDL = "SET bdr.skip_ddl_replication = on; SET bdr.skip_ddl_locking = on; SET bdr.permit_unsafe_ddl_commands = on;"

Make = t.Callable[..., Group]
Report = dict[str, t.Any]


def local(group: Group, node: str, text: str) -> None:
    group.sql(node, f"{LOCAL_DDL} {text}")


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
            with group.session(there["node"]) as session:
                session.autocommit = True
                for statement in (*found["mend_session"], *there["statements"]):
                    session.cursor().execute(statement)


# What all nodes have, what bravo gets, the finding, whether DDL mends it.
PLANTS: dict[str, tuple[str, str, str, bool]] = {
    "behind": ("", "ADD more int", "columns (id, v, more) on bravo, (id, v) on alpha, charlie", True),
    "lacking": (
        "ADD more int DEFAULT 3, ADD last text",
        "DROP last, DROP more",
        "columns (id, v, dropped, dropped) on bravo, (id, v, more, last) on alpha, charlie",
        True,
    ),
    "in_order": (
        "ADD a int, ADD b text",
        "DROP a, DROP b, ADD b text, ADD a int",
        "columns (id, v, a, b) on alpha, charlie, (id, v, dropped, dropped, b, a) on bravo",
        False,
    ),
    "typed": (
        "ADD n int DEFAULT 5",
        "ALTER n TYPE bigint",
        "columns (id, v, n) on alpha, charlie, (id, v, n) on bravo",
        False,
    ),
    "typed_alike": (
        "ADD n varchar(5)",
        "ALTER n TYPE text",
        "column n character varying(5) on alpha, charlie, text on bravo",
        True,
    ),
    "strict": ("", "ALTER v SET NOT NULL", "column v nullable on alpha, charlie, NOT NULL on bravo", True),
    "checked": ("", "ADD CHECK (v <> 'x')", "CHECK ((v <> 'x'::text)) missing on alpha, charlie, there on bravo", True),
    "uniq": (
        "ADD UNIQUE (v)",
        "DROP CONSTRAINT uniq_v_key",
        "UNIQUE USING btree (v) there on alpha, charlie, missing on bravo",
        True,
    ),
    "keyed": ("", "DROP CONSTRAINT keyed_pkey", "PRIMARY KEY (id) on alpha, charlie, no primary key on bravo", True),
    "owned": ("", "OWNER TO bdr_replication", "owned by postgres on alpha, charlie, bdr_replication on bravo", True),
    "parameters": (
        "",
        "SET (user_catalog_table=true)",
        "user_catalog_table not set on alpha, charlie, true on bravo",
        True,
    ),
    "dflt": ("", "ALTER v SET DEFAULT 'x'", "column v no default on alpha, charlie, DEFAULT 'x'::text on bravo", True),
}
GONE = """
    CREATE TABLE "Gone.1" (a int, b serial PRIMARY KEY, c text, "D %" numeric(8,2) DEFAULT 1.5, UNIQUE (c));
    ALTER TABLE "Gone.1" DROP COLUMN a
"""


@pytest.fixture(scope="module")
def mesh(make_group: Make) -> Group:
    """Return a mesh with equal tables that have rows."""
    group = make_group("hcbmesh", 5634, NODES)
    group.must()
    for node in NODES:
        for name, (everywhere, *_more) in PLANTS.items():
            local(group, node, f"CREATE TABLE {name} (id int PRIMARY KEY, v text)")
            if everywhere:
                local(group, node, f"ALTER TABLE {name} {everywhere}")
        local(group, node, GONE)
    return group


def test_an_equal_group_has_no_findings(mesh: Group) -> None:
    run, found = compare(mesh)
    assert found["findings"] == []
    assert found["compared"] == {"appdb": list(NODES)}
    assert "no findings" in run.output


@pytest.fixture(scope="module")
def planted(mesh: Group) -> tuple[Run, Report]:
    """Return the report of a group in which every plant is planted."""
    for name, (_everywhere, change, *_more) in PLANTS.items():
        local(mesh, "bravo", f"ALTER TABLE {name} {change}")
    local(mesh, "bravo", 'DROP TABLE "Gone.1"')
    local(mesh, "bravo", "CREATE TYPE number_taker AS ENUM ('x')")
    for node in NODES:
        local(mesh, node, "CREATE TYPE mood AS ENUM ('sad', 'ok')")
        local(mesh, node, "CREATE TABLE moody (id int PRIMARY KEY, m mood)")
        local(mesh, node, "CREATE TABLE keyless (v int)")
    local(mesh, "bravo", "DROP TYPE number_taker")
    return compare(mesh)


@pytest.mark.parametrize("name", PLANTS)
def test_what_is_planted_is_found(planted: tuple[Run, Report], name: str) -> None:
    _everywhere, _change, said, mends = PLANTS[name]
    found = [each for each in planted[1]["findings"] if each["object"] == f"public.{name}"]
    assert [(each["finding"], bool(each["mend"])) for each in found if each["finding"] == said] == [(said, mends)], (
        found
    )


def test_the_numbers_of_types_and_tables_without_a_key(planted: tuple[Run, Report]) -> None:
    found = {each["object"]: each for each in planted[1]["findings"]}
    assert found["public.mood"]["finding"].startswith("numbers ")
    assert (found["public.mood"]["severity"], found["public.mood"]["nodes"]) == ("error", ["bravo"])
    assert found["public.keyless"]["finding"].startswith("no primary key: ")
    assert found['public."Gone.1"']["finding"] == "there on alpha, charlie, missing on bravo"
    assert {each["object"] for each in planted[1]["findings"]} == {
        *(f"public.{name}" for name in PLANTS),
        *("public.mood", "public.keyless", 'public."Gone.1"'),
    }


def test_the_mends_mend(mesh: Group, planted: tuple[Run, Report]) -> None:
    mend(mesh, planted[1])
    left = compare(mesh)[1]["findings"]
    without = {f"public.{name}" for name, (*_more, mends) in PLANTS.items() if not mends}
    assert {each["object"] for each in left} == {"public.mood", "public.keyless", *without}
    assert [each["finding"] for each in left if each["mend"]] == []


def test_rows_travel_through_what_was_mended(mesh: Group, planted: tuple[Run, Report]) -> None:
    """Through every table that is whole again, in both directions, and they are the same everywhere."""
    tables = [name for name, (*_more, mends) in PLANTS.items() if mends]
    for place, node in enumerate(NODES):
        for name in tables:
            mesh.sql(node, f"INSERT INTO {name} (id, v) VALUES (%s, %s)", place, node)
        mesh.sql(node, 'INSERT INTO "Gone.1" (b, c) VALUES (%s, %s)', place, node)

    def rows(node: str) -> list[t.Any]:
        return [mesh.sql(node, f"SELECT * FROM {name} ORDER BY 1") for name in (*tables, '"Gone.1"')]

    deadline = time.monotonic() + DEADLINE_SECONDS
    while not all(rows(node) == rows("alpha") and {len(each) for each in rows(node)} == {3} for node in NODES):
        assert time.monotonic() < deadline, {node: rows(node) for node in NODES}
        time.sleep(0.1)
