"""schema.yml on real groups: what is planted on one node is found there, and the DDL of the report mends it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import time
import typing as t
from dataclasses import dataclass

import pytest
from ansible_collections.pgbdr.bdr.plugins.modules import schema_info
from groups import Group, Run, eventually, words
from modules import as_a_module, stand

Make = t.Callable[..., Group]
Finding = dict[str, t.Any]
NODES = ("alpha", "bravo", "charlie")


def compare(group: Group, *arguments: str) -> tuple[Run, dict[str, t.Any]]:
    """Run schema.yml and return the run and what it wrote as JSON."""
    path = group.directory / "schema.json"
    path.unlink(missing_ok=True)
    run = group.play("schema", "-e", f"bdr_schema_file={path}", *arguments)
    return run, json.loads(path.read_text("utf-8")) if path.exists() else {}


def told(found: dict[str, t.Any]) -> list[tuple[str, str, str]]:
    """Return severity, object and words of each finding."""
    return [(each["severity"], each["object"], each["finding"]) for each in found["findings"]]


def mend(group: Group, found: dict[str, t.Any], database: str = "appdb") -> None:
    """Run the DDL of each finding, in the order of the report."""
    for each in found["findings"]:
        for there in each["mend"]:
            with group.session(there["node"], database) as session:
                session.autocommit = True
                for statement in (*found["mend_session"], *there["statements"]):
                    session.cursor().execute(statement)


@dataclass
class Plant:
    """One difference: what all nodes have, what one node gets, and what the report says of it."""

    everywhere: str
    planted: str
    severity: str
    object: str
    finding: str
    nodes: tuple[str, ...] = ("bravo",)
    on: str = "bravo"
    mends: bool = True


LONG = "ü" * 31 + "x"  # 63 bytes
PLANTS = {
    # Tables
    "table missing": Plant(
        "CREATE TABLE gone (id int PRIMARY KEY, v numeric(8,2) DEFAULT 1.5 NOT NULL, UNIQUE (v), CHECK (v > 0));"
        "CREATE UNIQUE INDEX gone_low ON gone (abs(v)) WITH (fillfactor=70) WHERE id > 3;"
        "ALTER TABLE gone ALTER v SET STORAGE EXTERNAL; ALTER TABLE gone SET (fillfactor=70)",
        "DROP TABLE gone CASCADE",
        "error",
        "public.gone",
        "there on alpha, charlie, missing on bravo",
    ),
    "table on one node only": Plant(
        "",
        "CREATE TABLE lonely (id int PRIMARY KEY)",
        "error",
        "public.lonely",
        "there on bravo, missing on alpha, charlie",
        nodes=("alpha", "charlie"),
    ),
    "table in a schema of its own, with a sequence": Plant(
        'CREATE SCHEMA "My.Schema"; CREATE TABLE "My.Schema"."T 1" (id serial PRIMARY KEY, "Ä%s" text)',
        'DROP SCHEMA "My.Schema" CASCADE',
        "error",
        '"My.Schema"."T 1"',
        "there on alpha, charlie, missing on bravo",
    ),
    "tables that refer to each other": Plant(
        "CREATE TABLE a_child (id int PRIMARY KEY); CREATE TABLE z_parent (id int PRIMARY KEY);"
        "ALTER TABLE a_child ADD FOREIGN KEY (id) REFERENCES z_parent",
        "DROP TABLE a_child, z_parent CASCADE",
        "warning",
        "public.a_child",
        "FOREIGN KEY (id) REFERENCES public.z_parent(id) there on alpha, charlie, missing on bravo",
    ),
    "partitions": Plant(
        "CREATE TABLE z_log (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
        "CREATE TABLE log_1 PARTITION OF z_log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
        "CREATE TABLE log_2 PARTITION OF z_log FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')",
        "DROP TABLE z_log CASCADE",
        "error",
        "public.log_2",
        "there on alpha, charlie, missing on bravo",
    ),
    "partition detached": Plant(
        "CREATE TABLE part (id int PRIMARY KEY) PARTITION BY LIST (id);"
        "CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1)",
        "ALTER TABLE part DETACH PARTITION part_1",
        "error",
        "public.part_1",
        "partition of public.part FOR VALUES IN (1) on alpha, charlie, no partition on bravo",
    ),
    "bound": Plant(
        "CREATE TABLE bounds (id int PRIMARY KEY) PARTITION BY LIST (id);"
        "CREATE TABLE bounds_1 PARTITION OF bounds FOR VALUES IN (1)",
        "DROP TABLE bounds_1 CASCADE; CREATE TABLE bounds_1 PARTITION OF bounds FOR VALUES IN (1, 2)",
        "error",
        "public.bounds_1",
        "partition of public.bounds FOR VALUES IN (1) on alpha, charlie, "
        "partition of public.bounds FOR VALUES IN (1, 2) on bravo",
    ),
    "column of a partitioned table": Plant(
        "CREATE TABLE wide (id int PRIMARY KEY) PARTITION BY LIST (id);"
        "CREATE TABLE wide_1 PARTITION OF wide FOR VALUES IN (1)",
        "ALTER TABLE wide ADD note text",
        "error",
        "public.wide",
        "column note there on bravo, missing on alpha, charlie",
        nodes=("alpha", "charlie"),
    ),
    "a view on one node": Plant(
        "CREATE TABLE seen (id int PRIMARY KEY)",
        "DROP TABLE seen CASCADE; CREATE VIEW seen AS SELECT 1 AS id",
        "error",
        "public.seen",
        "table on alpha, charlie, view on bravo",
        mends=False,
    ),
    "unlogged on one node": Plant(
        "CREATE TABLE fast (id int PRIMARY KEY)",
        "DROP TABLE fast CASCADE; CREATE UNLOGGED TABLE fast (id int PRIMARY KEY)",
        "error",
        "public.fast",
        "logged on alpha, charlie, unlogged on bravo",
    ),
    "inheritance": Plant(
        "CREATE TABLE mother (id int PRIMARY KEY); CREATE TABLE heir (id int PRIMARY KEY) INHERITS (mother)",
        "ALTER TABLE heir NO INHERIT mother",
        "error",
        "public.heir",
        "inherits public.mother on alpha, charlie, inherits nothing on bravo",
    ),
    "owner": Plant(
        'CREATE ROLE "Ow\'ner"; CREATE TABLE owned (id int PRIMARY KEY)',
        'ALTER TABLE owned OWNER TO "Ow\'ner"',
        "warning",
        "public.owned",
        'owned by postgres on alpha, charlie, "Ow\'ner" on bravo',
    ),
    "storage parameter": Plant(
        "CREATE TABLE stored (id int PRIMARY KEY) WITH (toast_tuple_target=200)",
        "ALTER TABLE stored RESET (toast_tuple_target)",
        "warning",
        "public.stored",
        "toast_tuple_target 200 on alpha, charlie, not set on bravo",
    ),
    "catalog table": Plant(
        "CREATE TABLE catalogue (id int PRIMARY KEY)",
        "ALTER TABLE catalogue SET (user_catalog_table=true)",
        "error",
        "public.catalogue",
        "user_catalog_table not set on alpha, charlie, true on bravo",
    ),
    # Columns
    "column missing": Plant(
        'CREATE TABLE cols (id int PRIMARY KEY, "A ""b"" %" varchar(10) COLLATE "C" DEFAULT \'it\'\'s\' NOT NULL)',
        'ALTER TABLE cols DROP "A ""b"" %"',
        "error",
        "public.cols",
        'column "A ""b"" %" there on alpha, charlie, missing on bravo',
    ),
    "generated column missing": Plant(
        "CREATE TABLE computed (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)",
        "ALTER TABLE computed DROP twice",
        "error",
        "public.computed",
        "column twice there on alpha, charlie, missing on bravo",
    ),
    "generated otherwise": Plant(
        "CREATE TABLE otherwise (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)",
        "ALTER TABLE otherwise DROP twice, ADD twice int GENERATED ALWAYS AS (id * 3) STORED",
        "error",
        "public.otherwise",
        "column twice generated as (id * 2) on alpha, charlie, generated as (id * 3) on bravo",
        mends=False,
    ),
    "type": Plant(
        "CREATE TABLE typed (id int PRIMARY KEY, n int DEFAULT 7)",
        "ALTER TABLE typed ALTER n TYPE text",
        "error",
        "public.typed",
        "column n integer on alpha, charlie, text on bravo",
    ),
    "collation": Plant(
        'CREATE TABLE sorted (id int PRIMARY KEY, v text COLLATE "C")',
        "ALTER TABLE sorted ALTER v TYPE text",
        "warning",
        "public.sorted",
        'column v text COLLATE pg_catalog."C" on alpha, charlie, text on bravo',
    ),
    "not null on one node": Plant(
        "CREATE TABLE strict (id int PRIMARY KEY, v text)",
        "ALTER TABLE strict ALTER v SET NOT NULL",
        "error",
        "public.strict",
        "column v nullable on alpha, charlie, NOT NULL on bravo",
    ),
    "not null missing": Plant(
        "CREATE TABLE lax (id int PRIMARY KEY, v text NOT NULL)",
        "ALTER TABLE lax ALTER v DROP NOT NULL",
        "error",
        "public.lax",
        "column v NOT NULL on alpha, charlie, nullable on bravo",
    ),
    "default": Plant(
        "CREATE TABLE dflt (id int PRIMARY KEY, at timestamptz DEFAULT '2026-01-01 00:00:00+00')",
        "ALTER TABLE dflt ALTER at DROP DEFAULT",
        "note",
        "public.dflt",
        "column at DEFAULT '2026-01-01 00:00:00+00'::timestamp with time zone on alpha, charlie, no default on bravo",
    ),
    "identity": Plant(
        "CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
        "ALTER TABLE ident ALTER id DROP IDENTITY",
        "warning",
        "public.ident",
        "column id identity ALWAYS on alpha, charlie, no identity on bravo",
    ),
    "identity of another kind": Plant(
        "CREATE TABLE kind (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
        "ALTER TABLE kind ALTER id SET GENERATED BY DEFAULT",
        "warning",
        "public.kind",
        "column id identity ALWAYS on alpha, charlie, identity BY DEFAULT on bravo",
    ),
    "storage of a column": Plant(
        "CREATE TABLE held (id int PRIMARY KEY, v text)",
        "ALTER TABLE held ALTER v SET STORAGE EXTERNAL",
        "note",
        "public.held",
        "column v storage of its type on alpha, charlie, storage EXTERNAL on bravo",
    ),
    # Keys
    "primary key missing": Plant(
        'CREATE TABLE keyed (id int CONSTRAINT "Key\'s" PRIMARY KEY)',
        'ALTER TABLE keyed DROP CONSTRAINT "Key\'s"',
        "error",
        "public.keyed",
        "PRIMARY KEY (id) on alpha, charlie, no primary key on bravo",
    ),
    "another primary key": Plant(
        "CREATE TABLE rekeyed (id int PRIMARY KEY, b int NOT NULL)",
        "ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey, ADD PRIMARY KEY (id, b)",
        "error",
        "public.rekeyed",
        "PRIMARY KEY (id) on alpha, charlie, PRIMARY KEY (id, b) on bravo",
    ),
    "unique missing": Plant(
        "CREATE TABLE uniq (id int PRIMARY KEY, v text CONSTRAINT taken UNIQUE)",
        "ALTER TABLE uniq DROP CONSTRAINT taken, ADD CONSTRAINT taken CHECK (v <> 'x'); ",
        "error",
        "public.uniq",
        "UNIQUE USING btree (v) there on alpha, charlie, missing on bravo",
    ),
    "unique index on one node": Plant(
        "CREATE TABLE uidx (id int PRIMARY KEY, v text)",
        "CREATE UNIQUE INDEX uidx_low ON uidx (lower(v)) WHERE v <> ' WITH (a=b)'",
        "error",
        "public.uidx",
        "UNIQUE USING btree (lower(v)) WHERE (v <> ' WITH (a=b)'::text) missing on alpha, charlie, there on bravo",
    ),
    "check on one node": Plant(
        "CREATE TABLE checked (id int PRIMARY KEY, v int)",
        "ALTER TABLE checked ADD CHECK (v % 2 = 0) NOT VALID",
        "error",
        "public.checked",
        "CHECK (((v % 2) = 0)) missing on alpha, charlie, there on bravo",
    ),
    "exclusion missing": Plant(
        "CREATE TABLE excl (id int PRIMARY KEY, EXCLUDE USING gist (int4range(id, id + 2) WITH &&))",
        "ALTER TABLE excl DROP CONSTRAINT excl_int4range_excl",
        "error",
        "public.excl",
        "EXCLUDE USING gist (int4range(id, (id + 2)) WITH &&) there on alpha, charlie, missing on bravo",
    ),
    "deferrable key": Plant(
        "CREATE TABLE later (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)",
        "",
        "warning",
        "public.later",
        "its primary key is deferrable: only its INSERTs are replicated",
        nodes=NODES,
    ),
    "replica identity": Plant(
        "CREATE TABLE replident (id int PRIMARY KEY, b int NOT NULL UNIQUE)",
        "ALTER TABLE replident REPLICA IDENTITY USING INDEX replident_b_key",
        "error",
        "public.replident",
        "REPLICA IDENTITY DEFAULT on alpha, charlie, REPLICA IDENTITY USING INDEX USING btree (b) on bravo",
    ),
    "replica identity full": Plant(
        "CREATE TABLE full_row (id int PRIMARY KEY); ALTER TABLE full_row REPLICA IDENTITY FULL",
        "",
        "warning",
        "public.full_row",
        "REPLICA IDENTITY FULL: only its INSERTs are replicated",
        nodes=NODES,
    ),
    "no key": Plant(
        "CREATE TABLE keyless (v int)",
        "",
        "warning",
        "public.keyless",
        "no primary key: only its INSERTs are replicated",
        nodes=NODES,
        mends=False,
    ),
    "unique key": Plant(
        'CREATE TABLE almost ("V" int NOT NULL UNIQUE)',
        "",
        "warning",
        "public.almost",
        "a unique key that is not null, but no primary key: only its INSERTs are replicated",
        nodes=NODES,
    ),
    "unlogged everywhere": Plant(
        "CREATE UNLOGGED TABLE scratch (v int)",
        "ALTER TABLE scratch ADD w int",
        "note",
        "public.scratch",
        "unlogged: its rows stay on their node",
        nodes=NODES,
        mends=False,
    ),
    # Types, extensions, sequences
    "labels": Plant(
        "CREATE TYPE mood AS ENUM ('sad', 'o''k', 'happy', 'wild\\'); CREATE TABLE moody (id mood[] PRIMARY KEY)",
        "DROP TABLE moody CASCADE; DROP TYPE mood; CREATE TYPE mood AS ENUM ('o''k');"
        "CREATE TABLE moody (id mood[] PRIMARY KEY)",
        "error",
        "public.mood",
        "ENUM ('sad', 'o''k', 'happy', E'wild\\\\') on alpha, charlie, ENUM ('o''k') on bravo",
    ),
    "labels in another order": Plant(
        "CREATE TYPE size AS ENUM ('s', 'm')",
        "DROP TYPE size; CREATE TYPE size AS ENUM ('m', 's')",
        "warning",
        "public.size",
        "ENUM ('s', 'm') on alpha, charlie, ENUM ('m', 's') on bravo",
        mends=False,
    ),
    "type missing": Plant(
        "CREATE TYPE colour AS ENUM ('red'); CREATE DOMAIN z_colour AS colour DEFAULT 'red' CHECK (VALUE <> 'red');"
        "CREATE TYPE a_pair AS (one z_colour, two int); CREATE TABLE coloured (id int PRIMARY KEY, p a_pair)",
        "DROP TABLE coloured CASCADE; DROP TYPE a_pair; DROP DOMAIN z_colour; DROP TYPE colour",
        "error",
        "public.a_pair",
        "there on alpha, charlie, missing on bravo",
    ),
    "domain": Plant(
        "CREATE DOMAIN posint AS int DEFAULT 3 CONSTRAINT pos CHECK (VALUE > 0)",
        "ALTER DOMAIN posint DROP CONSTRAINT pos; ALTER DOMAIN posint DROP DEFAULT; ALTER DOMAIN posint SET NOT NULL",
        "warning",
        "public.posint",
        "integer DEFAULT 3 CONSTRAINT pos CHECK ((VALUE > 0)) on alpha, charlie, integer NOT NULL on bravo",
    ),
    "composite": Plant(
        "CREATE TYPE duo AS (a int)",
        'DROP TYPE duo; CREATE TYPE duo AS (a int, "B\'" text)',
        "warning",
        "public.duo",
        '(a integer, "B\'" text) on bravo, (a integer) on alpha, charlie',
        nodes=("alpha", "charlie"),
    ),
    "extension": Plant(
        "CREATE EXTENSION hstore VERSION '1.7'; CREATE TABLE h (id int PRIMARY KEY, v hstore)",
        "DROP TABLE h CASCADE; DROP EXTENSION hstore; CREATE EXTENSION hstore VERSION '1.8';"
        "CREATE TABLE h (id int PRIMARY KEY, v hstore)",
        "error",
        "hstore",
        "version 1.8 on bravo, 1.7 on alpha, charlie",
        nodes=("alpha", "charlie"),
    ),
    "extension missing": Plant(
        'CREATE EXTENSION "uuid-ossp"',
        'DROP EXTENSION "uuid-ossp"',
        "warning",
        '"uuid-ossp"',
        "there on alpha, charlie, missing on bravo",
    ),
    "sequence missing": Plant(
        "CREATE SEQUENCE counter AS int INCREMENT BY 10",
        "DROP SEQUENCE counter",
        "warning",
        "public.counter",
        "there on alpha, charlie, missing on bravo",
    ),
    "sequence": Plant(
        "CREATE SEQUENCE steps",
        "ALTER SEQUENCE steps INCREMENT BY 10",
        "warning",
        "public.steps",
        "INCREMENT BY 1 on alpha, charlie, INCREMENT BY 10 on bravo",
    ),
    # Names
    "63 bytes": Plant(
        f'CREATE TABLE "{LONG}" (id int PRIMARY KEY)',
        f'ALTER TABLE "{LONG}" ADD COLUMN "{LONG}" int',
        "error",
        f'public."{LONG}"',
        f'column "{LONG}" there on bravo, missing on alpha, charlie',
        nodes=("alpha", "charlie"),
    ),
}

MAY_DIFFER = (
    "CREATE TABLE free (id int PRIMARY KEY, v text) WITH (fillfactor=80)",
    "CREATE INDEX free_v ON free (v)",
    "ALTER TABLE free SET (fillfactor=60, autovacuum_enabled=off)",
    "CREATE TRIGGER own BEFORE UPDATE ON free FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE VIEW only_here AS SELECT 1",
    "CREATE TEMP TABLE passing (id int)",
    "ALTER DATABASE appdb SET search_path = nowhere",
    "ALTER DATABASE appdb SET timezone = 'Asia/Tokyo'",
)


@pytest.fixture(scope="module")
def mesh(make_group: Make) -> Group:
    """Return a mesh of three that stands."""
    return stand(make_group("hcmesh", 5630, NODES))


def test_an_equal_group_has_no_findings(mesh: Group) -> None:
    """With what may differ, differing; dropped columns and another order of columns among it."""
    mesh.everywhere(MAY_DIFFER[0])
    mesh.everywhere("CREATE TABLE ordered (id int PRIMARY KEY, a int, b text)")
    for statement in MAY_DIFFER[1:]:
        mesh.sql("bravo", statement)
    mesh.sql("charlie", "ALTER TABLE ordered DROP a, ADD a int")
    run, found = compare(mesh)
    assert run.code == 0, run.output
    assert found["findings"] == []
    assert found["compared"] == {"appdb": list(NODES)}
    assert "no findings" in run.output
    assert compare(mesh)[0].changed() == {("Compare the nodes", "alpha")}  # the file, which compare() removes


@pytest.fixture(scope="module")
def planted(mesh: Group) -> tuple[Run, dict[str, t.Any]]:
    """Return the run and the report of a group in which every plant is planted."""
    mesh.everywhere("ALTER DATABASE appdb RESET ALL")
    for plant in PLANTS.values():
        if plant.everywhere:
            mesh.everywhere(plant.everywhere)
        if plant.planted:
            mesh.sql(plant.on, plant.planted)
    return compare(mesh)


@pytest.mark.parametrize("name", PLANTS)
def test_what_is_planted_is_found(planted: tuple[Run, dict[str, t.Any]], name: str) -> None:
    plant = PLANTS[name]
    of_object = [each for each in planted[1]["findings"] if each["object"] == plant.object]
    matching = [each for each in of_object if plant.finding in each["finding"]]
    assert len(matching) == 1, of_object
    (each,) = matching
    assert (each["severity"], tuple(each["nodes"])) == (plant.severity, plant.nodes)
    assert bool(each["mend"]) == plant.mends, each
    assert {there["node"] for there in each["mend"]} == (set(plant.nodes) if plant.mends else set())


def test_nothing_else_is_found(planted: tuple[Run, dict[str, t.Any]]) -> None:
    planned = {plant.object for plant in PLANTS.values()}
    companions = {
        *("public.z_parent", "public.z_log", "public.log_1"),
        *("public.moody", "public.coloured", "public.colour", "public.z_colour"),
    }
    assert {each["object"] for each in planted[1]["findings"]} - planned - companions == set()
    told_of = [(each["object"], each["finding"]) for each in planted[1]["findings"]]
    assert len(told_of) == len(set(told_of))


def test_the_run_fails_and_says_which_tables(planted: tuple[Run, dict[str, t.Any]]) -> None:
    run = planted[0]
    assert run.code != 0
    (error,) = run.errors()
    assert "findings of severity error" in error and "public.gone (appdb)" in error
    said = words(run.output)
    assert "mend on bravo: ALTER TABLE public.lax ALTER COLUMN v SET NOT NULL;" in said
    assert "-e bdr_schema_fail=false" in error


def test_the_mends_mend(mesh: Group, planted: tuple[Run, dict[str, t.Any]]) -> None:
    """In the order of the report, and once more for what the first round uncovered."""
    mend(mesh, planted[1])
    left = compare(mesh)[1]
    without = {plant.object for plant in PLANTS.values() if not plant.mends}
    assert [each for each in told(left) if each[1] not in without] == []
    assert {each["object"] for each in left["findings"]} == without
    assert [each for each in left["findings"] if each["mend"]] == []


def test_rows_travel_through_what_was_mended(mesh: Group, planted: tuple[Run, dict[str, t.Any]]) -> None:
    for place, node in enumerate(NODES):
        mesh.sql(node, "INSERT INTO gone VALUES (%s, %s)", place, place + 1)
        mesh.sql(node, "INSERT INTO cols VALUES (%s)", place)
    for node in NODES:
        eventually(
            lambda node=node: mesh.sql(node, "SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM cols)"),
            [(3, 3)],
        )


# --- Questions, files, nodes that are away --------------------------------------------------------


def test_a_question_is_answered(mesh: Group, planted: tuple[Run, dict[str, t.Any]]) -> None:
    run = mesh.play(
        "schema", "-e", "bdr_query=findings[?object=='public.keyless'].severity", "-e", "bdr_schema_fail=false"
    )
    assert run.code == 0, run.output
    assert "bdr_schema_report.answer: - warning" in words(run.output)
    run = mesh.play("schema", "-e", "bdr_query=findings[")
    assert run.code != 0
    assert "bdr_query is no JMESPath expression" in run.errors()[0]


def test_databases_and_schemas_narrow_it_down(mesh: Group, planted: tuple[Run, dict[str, t.Any]]) -> None:
    def info(**options: t.Any) -> dict[str, t.Any]:
        output = io.StringIO()
        with as_a_module({"node": node, **options}), contextlib.redirect_stdout(output):
            schema_info.main()
        return json.loads(output.getvalue())

    path = mesh.directory / "plan.json"
    mesh.must("plan", "-e", f"bdr_plan_file={path}")
    node = json.loads(path.read_text("utf-8"))["nodes"]["alpha"]
    found = info(schemas=["My.Schema"])
    assert (found["answers"], found["changed"]) == (True, False)
    assert list(json.loads(found["definitions"]["appdb"])["relations"]) == ['"My.Schema"."T 1"']
    assert info(databases=[])["definitions"] == {}
    refused = info(databases=["appdb", "nö.such"])
    assert refused["failed"]
    assert refused["msg"] == "databases: nö.such is none of alpha's; it has appdb"


def pid_of(group: Group, node: str) -> int:
    return int((group.home(node) / "data/postmaster.pid").read_text().split()[0])


def of_city(found: dict[str, t.Any]) -> list[Finding]:
    """Return the findings on one table; others are left of what was planted and has no mend."""
    return [each for each in found["findings"] if each["object"] == "public.city"]


def test_a_node_that_is_down_is_named_and_the_others_are_compared(
    mesh: Group, planted: tuple[Run, dict[str, t.Any]]
) -> None:
    mesh.everywhere("CREATE TABLE city (id int PRIMARY KEY)")
    mesh.sql("bravo", "ALTER TABLE city ADD name text")
    os.kill(pid_of(mesh, "alpha"), signal.SIGQUIT)
    run, found = compare(mesh)
    assert run.code != 0
    wanted = ("column name there on bravo, missing on charlie", ["charlie"])
    assert [(each["finding"], each["nodes"]) for each in of_city(found)] == [wanted]
    (away,) = found["not_compared"]
    assert (away["node"], away["database"]) == ("alpha", "appdb")
    assert "not compared: alpha (appdb): " in run.output
    # The host itself cannot be reached: the first of the play, on which the plan is made.
    mesh.host_variables["alpha"] = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    run, found = compare(mesh)
    assert [each["nodes"] for each in of_city(found)] == [["charlie"]]
    assert found["not_compared"][0]["reason"].startswith("the host cannot be reached")
    assert len(run.errors()) == 2  # that of the host, and the finding
    # A server that hangs.
    mesh.host_variables.clear()
    bravo = pid_of(mesh, "bravo")
    os.kill(bravo, signal.SIGSTOP)
    try:
        run, found = compare(mesh)
    finally:
        os.kill(bravo, signal.SIGCONT)
    assert run.code == 0
    assert [each["node"] for each in found["not_compared"]] == ["alpha", "bravo"]
    assert "does not answer within" in found["not_compared"][1]["reason"]
    # Nobody is left.
    for node in ("bravo", "charlie"):
        os.kill(pid_of(mesh, node), signal.SIGQUIT)
    run, found = compare(mesh)
    assert run.code != 0 and found == {}
    assert words(run.errors()[0]).startswith("no node answers: alpha: ")
    mesh.must()


def test_one_way_a_downstream_may_have_more(make_group: Make) -> None:
    group = stand(make_group("hcone", 5633, NODES, bdr_topology="one_way", bdr_upstream="alpha"))
    group.everywhere("CREATE TABLE city (id int PRIMARY KEY, name text, size int NOT NULL CHECK (size > 0))")
    group.sql("bravo", "ALTER TABLE city ADD more text, ALTER size DROP NOT NULL, DROP CONSTRAINT city_size_check")
    group.sql("bravo", "CREATE TABLE own (id int PRIMARY KEY)")
    assert compare(group)[1]["findings"] == []
    group.sql("charlie", "ALTER TABLE city ALTER name SET NOT NULL, ADD must int NOT NULL, ADD CHECK (id > 0)")
    group.sql("charlie", "CREATE UNIQUE INDEX one_name ON city (name)")
    found = compare(group)[1]
    assert told(found) == [
        ("error", "public.city", "column name nullable on alpha, bravo, NOT NULL on charlie"),
        ("error", "public.city", "column must NOT NULL without a default on charlie, missing on alpha, bravo"),
        ("error", "public.city", "UNIQUE USING btree (name) missing on alpha, bravo, there on charlie"),
        ("error", "public.city", "CHECK ((id > 0)) missing on alpha, bravo, there on charlie"),
    ]
    assert {tuple(each["nodes"]) for each in found["findings"]} == {("charlie",)}
    mend(group, found)
    assert compare(group)[1]["findings"] == []
    group.remove()


def test_two_thousand_tables(mesh: Group, planted: tuple[Run, dict[str, t.Any]]) -> None:
    """Equal ones, and one that is not; the time is printed for the page."""
    many = """
        DO $$ BEGIN FOR n IN {}..{} LOOP
            EXECUTE format('CREATE TABLE many.t%s (id bigint PRIMARY KEY, a text, b text NOT NULL, c int DEFAULT 1,
                d numeric(10,2), e timestamptz DEFAULT now(), f jsonb, g uuid UNIQUE, h bool, i int CHECK (i > 0))', n);
        END LOOP; END $$
    """
    mesh.everywhere("CREATE SCHEMA many")
    # A transaction holds a lock on each table and index that it makes, and the server has room for some thousands.
    for first in range(1, 2001, 250):
        mesh.everywhere(many.format(first, first + 249))
    mesh.sql("charlie", "ALTER TABLE many.t1234 DROP h")
    before = time.monotonic()
    found = compare(mesh)[1]
    print(f"2,000 tables on three nodes: {time.monotonic() - before:.1f} s")
    many_found = [each for each in found["findings"] if each["object"].startswith("many.")]
    assert [(each["object"], each["nodes"]) for each in many_found] == [("many.t1234", ["charlie"])]
