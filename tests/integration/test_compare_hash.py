"""The hash of a row on a real server: what differs is seen, what is equal is equal, whatever the databases are like."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_hash as compare
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_keys as keys_of
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_table as catalog
from ansible_collections.pgbdr.bdr.plugins.module_utils._session import SessionError
from traps import KEYS, KINDS, PROGRAMS, ROWS, SETTINGS, Common, Place, Sides, check_keys, keyed, plant, server

PORT = 5915
MODES = ("record", "md5")
ODD = 'stored."%s.{Tä""ble}"'
Make = t.Callable[..., Common]


@pytest.fixture(scope="module")
def sides() -> t.Iterator[Sides]:
    """Yield two databases with the same data, which have nothing else in common."""
    with server(PROGRAMS, PORT) as host:
        both = Place.made(host, PORT, "here"), Place.made(host, PORT, "there", SETTINGS)
        for side in both:
            plant(side, turned=side is both[1])
            side.pin([each.capabilities() for each in both])
        yield both
        for side in both:
            side.close()


@pytest.fixture(scope="module")
def common(sides: Sides) -> dict[str, catalog.CompareTable]:
    """Return what both have of each table."""
    left, right = (side.tables() for side in sides)
    assert left.keys() == right.keys()
    found = {name: catalog.common({"left": left[name], "right": right[name]}) for name in left}
    assert {name: notes for name, (_table, notes) in found.items() if notes} == {}
    return {name: table for name, (table, _notes) in found.items()}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("equality", ["exact", "sql"])
@pytest.mark.parametrize("name", KINDS)
def test_no_two_values_are_alike(
    sides: Sides, common: dict[str, catalog.CompareTable], name: str, equality: str, mode: str
) -> None:
    """Every value against every other one, nothing among them: here and there, alike where they are the same."""
    kind = KINDS[name]
    left, right = (side.hashes(common[f"of {name}"], mode, equality) for side in sides)
    values = [None, *kind.values]
    assert set(left) == set(right) == set(range(len(values)))
    equal = (
        {pair for here, there in kind.same for pair in ((here, there), (there, here))} if equality == "sql" else set()
    )
    wrong = [
        (values[here], values[there])
        for here, there in itertools.product(left, right)
        if (left[here] == right[there]) != (here == there or (values[here], values[there]) in equal)
    ]
    assert wrong == []


def test_every_type_that_is_looked_after_has_values(common: dict[str, catalog.CompareTable]) -> None:
    bases = {column.base for table in common.values() for column in table.columns}
    forms = {*compare.WHOLE, *compare.SENT, *compare.FLOATS, *compare.OF_FLOATS, *compare.NORMAL}
    assert {form for form in forms if not form.endswith("[]")} - bases == set()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("equality", ["exact", "sql"])
def test_columns_do_not_run_into_each_other(
    sides: Sides, common: dict[str, catalog.CompareTable], equality: str, mode: str
) -> None:
    left, right = (side.hashes(common["rows"], mode, equality) for side in sides)
    assert left == right
    assert len(set(left.values())) == len(ROWS)


@pytest.mark.parametrize("mode", MODES)
def test_another_seed_is_another_hash(sides: Sides, common: dict[str, catalog.CompareTable], mode: str) -> None:
    table = common["of text"]
    seeds = (0, 1, -1, 2**63 - 1, -(2**63))
    hashes = [sides[0].hashes(table, mode, "exact", seed) for seed in seeds]
    assert hashes == [sides[1].hashes(table, mode, "exact", seed) for seed in seeds]
    # A row of nothing but nothing has the same hash each time: row 0.
    numbers = [text for found in hashes for number, text in found.items() if number]
    assert len(set(numbers)) == len(numbers)


# What is on one side, what on the other, and the notes that the columns leave: the rows are equal.
STORED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "columns in another order, one dropped": (
        "CREATE TABLE {0} (id int PRIMARY KEY, a text, b bigint);INSERT INTO {0} VALUES (1, 'a', 2), (2, NULL, NULL)",
        "CREATE TABLE {0} (b bigint, gone text, id int PRIMARY KEY);"
        "INSERT INTO {0} VALUES (2, 'x', 1), (NULL, 'y', 2);"
        "ALTER TABLE {0} DROP gone, ADD a text; UPDATE {0} SET a = 'a' WHERE id = 1",
        (),
    ),
    "a value out of line, compressed or not": (
        "CREATE TABLE {0} (id int PRIMARY KEY, a text); ALTER TABLE {0} ALTER a SET STORAGE EXTERNAL;"
        "INSERT INTO {0} SELECT n, repeat('x', n * 1000) FROM generate_series(1, 50) n",
        "CREATE TABLE {0} (id int PRIMARY KEY, a text);"
        "INSERT INTO {0} SELECT n, repeat('x', n * 1000) FROM generate_series(50, 1, -1) n",
        (),
    ),
    "a value that is not in the row": (
        "CREATE TABLE {0} (id int PRIMARY KEY); INSERT INTO {0} VALUES (1), (2);"
        "ALTER TABLE {0} ADD a text DEFAULT 'x', ADD n numeric DEFAULT 1.50",
        "CREATE TABLE {0} (id int PRIMARY KEY, a text, n numeric);"
        "INSERT INTO {0} VALUES (1, 'x', 1.50), (2, 'x', 1.50)",
        (),
    ),
    "dead rows and others before": (
        "CREATE TABLE {0} (id int PRIMARY KEY, a text); INSERT INTO {0} VALUES (1, 'x'), (2, 'y')",
        "CREATE TABLE {0} (id int PRIMARY KEY, a text); INSERT INTO {0} SELECT n, n FROM generate_series(1, 500) n;"
        "DELETE FROM {0} WHERE id > 2; UPDATE {0} SET a = CASE id WHEN 1 THEN 'x' ELSE 'y' END",
        (),
    ),
    "arrays that came to be in two ways": (
        "CREATE TABLE {0} (id int PRIMARY KEY, a int[], b text[]);"
        "INSERT INTO {0} VALUES (1, '{{}}', '{{a,NULL}}'), (2, '{{1}}', '{{a}}')",
        "CREATE TABLE {0} (id int PRIMARY KEY, a int[], b text[]);"
        "INSERT INTO {0} VALUES (1, array_remove('{{7}}'::int[], 7), array_append('{{a}}'::text[], NULL)),"
        " (2, ARRAY[1]::int[], string_to_array('a', ','))",
        (),
    ),
    "a NaN that was computed": (
        "CREATE TABLE {0} (id int PRIMARY KEY, a float8, b real, c float8[]); INSERT INTO {0}"
        " VALUES (1, 'infinity'::float8 - 'infinity'::float8, 'infinity'::real - 'infinity'::real,"
        " ARRAY['infinity'::float8 - 'infinity'::float8])",
        "CREATE TABLE {0} (id int PRIMARY KEY, a float8, b real, c float8[]);"
        "INSERT INTO {0} VALUES (1, 'NaN', 'NaN', '{{NaN}}')",
        (),
    ),
    "children of a table on one side": (
        "CREATE TABLE {0} (id int PRIMARY KEY); INSERT INTO {0} VALUES (1);"
        "CREATE SCHEMA apart; CREATE TABLE apart.child () INHERITS ({0}); INSERT INTO apart.child VALUES (2)",
        "CREATE TABLE {0} (id int PRIMARY KEY); INSERT INTO {0} VALUES (1)",
        (),
    ),
    "no column": (
        "CREATE TABLE {0} (); INSERT INTO {0} DEFAULT VALUES",
        "CREATE TABLE {0} (gone int); ALTER TABLE {0} DROP gone; INSERT INTO {0} DEFAULT VALUES",
        (),
    ),
    "one column": (
        "CREATE TABLE {0} (a text); INSERT INTO {0} VALUES (NULL), ('')",
        "CREATE TABLE {0} (a text); INSERT INTO {0} VALUES (''), (NULL)",
        (),
    ),
    "names that need care": (
        'CREATE TABLE {0} ("%s" int PRIMARY KEY, "%(a)s" int, "Ä""{{}}.\\" int); INSERT INTO {0} VALUES (1, 2, 3)',
        'CREATE TABLE {0} ("Ä""{{}}.\\" int, "%s" int PRIMARY KEY, "%(a)s" int); INSERT INTO {0} VALUES (3, 1, 2)',
        (),
    ),
    "a column of one side": (
        "CREATE TABLE {0} (id int PRIMARY KEY, a text); INSERT INTO {0} VALUES (1, 'a')",
        "CREATE TABLE {0} (id int PRIMARY KEY, b text); INSERT INTO {0} VALUES (1, 'b')",
        ("column a is not compared: it is missing on there", "column b is not compared: it is missing on here"),
    ),
    "a column of two types": (
        "CREATE TABLE {0} (id int PRIMARY KEY, a int); INSERT INTO {0} VALUES (1, 1)",
        "CREATE TABLE {0} (id int PRIMARY KEY, a bigint); INSERT INTO {0} VALUES (1, 2)",
        ("column a is not compared: it is integer on here, bigint on there",),
    ),
    "a type of two lengths": (
        "CREATE TABLE {0} (id int PRIMARY KEY, a varchar(5), b numeric(9,2), c here.code, d timestamp(0));"
        "INSERT INTO {0} VALUES (1, 'a', 1, 'abc', '2026-01-01')",
        "CREATE TABLE {0} (id int PRIMARY KEY, a varchar(9), b numeric(12,2), c char(3), d timestamp);"
        "INSERT INTO {0} VALUES (1, 'a', 1, 'abc', '2026-01-01')",
        (
            "column a is character varying(5) on here, character varying(9) on there",
            "column b is numeric(9,2) on here, numeric(12,2) on there",
            "column c is here.code on here, character(3) on there",
            "column d is timestamp(0) without time zone on here, timestamp without time zone on there",
        ),
    ),
    "what is generated": (
        "CREATE TABLE {0} (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int GENERATED ALWAYS AS (id * 2) STORED);"
        "INSERT INTO {0} DEFAULT VALUES",
        "CREATE TABLE {0} (id int PRIMARY KEY, a int); INSERT INTO {0} VALUES (1, 2)",
        (),
    ),
}


@pytest.fixture
def make(sides: Sides) -> t.Iterator[Make]:
    """Yield what makes a table on both sides and returns what is common of it, and the notes."""
    for side in sides:
        side.run("SET search_path = pg_catalog; CREATE SCHEMA stored")

    def made(here: str, there: str) -> Common:
        for side, text in zip(sides, (here, there), strict=True):
            side.run(text.format(ODD))
        return catalog.common(
            {node: side.tables("stored")['%s.{Tä"ble}'] for node, side in zip(("here", "there"), sides, strict=True)}
        )

    yield made
    for side in sides:
        side.run("DROP SCHEMA stored CASCADE; DROP SCHEMA IF EXISTS apart CASCADE; RESET search_path")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", STORED)
def test_how_it_is_stored_is_no_difference(sides: Sides, make: Make, name: str, mode: str) -> None:
    here, there, notes = STORED[name]
    table, told = make(here, there)
    assert told == notes
    for equality in ("exact", "sql"):
        left, right = (side.block(table, mode, equality) for side in sides)
        assert left["rows"] > 0
        assert left == right


@pytest.mark.parametrize("mode", MODES)
def test_values_that_two_rows_exchange_are_seen(sides: Sides, make: Make, mode: str) -> None:
    """The server's own hash of a record leaves the sum over both rows as it was; the second hash is for that."""
    rows = "CREATE TABLE {{0}} (id int PRIMARY KEY, a text, b int); INSERT INTO {{0}} VALUES (1, '{}', 0), (2, '{}', 0)"
    table, _notes = make(rows.format("x", "y"), rows.format("y", "x"))
    pairs = [[side.block(table, mode, seed=seed) for side in sides] for seed in range(20)]
    assert all(left != right for left, right in pairs)
    assert any(left["total"] == right["total"] for left, right in pairs) == (mode == "record")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("here", "there"),
    [("'a', 'a'", "'b', 'b'"), ("'a', 'a', 'b'", "'a', 'b', 'b'"), ("'a', 'a'", "'a'"), ("''", "NULL"), ("''", "")],
)
def test_rows_without_a_key_are_counted(sides: Sides, make: Make, here: str, there: str, mode: str) -> None:
    rows = "CREATE TABLE {{0}} (a text); INSERT INTO {{0}} SELECT unnest(ARRAY[{}]::text[])"
    table, _notes = make(rows.format(here), rows.format(there))
    assert (table.key, table.key_kind) == ((), "none")
    left, right = (side.block(table, mode) for side in sides)
    assert left != right


# --- Keys -----------------------------------------------------------------------------------------

TOGETHER = {
    "two": ("int", "text"),
    "three": ("citext", "numeric", "here.mood"),
    "floats": ("double precision", "real"),
}
VALUES_TOGETHER = (("1", "a", "sad"), ("1", "b", "ok"), ("2", "a", "sad"), ("10", "a", "happy"), ("10", "b", "sad"))


@pytest.fixture
def _no_keyed(sides: Sides) -> t.Iterator[None]:
    yield
    for side in sides:
        side.run("DROP SCHEMA keyed CASCADE")


@pytest.mark.usefixtures("_no_keyed")
@pytest.mark.parametrize("name", KEYS)
def test_a_row_is_found_by_its_key(sides: Sides, name: str) -> None:
    kind = KINDS[name]
    twins = dict(kind.same)
    rows = [(text,) for text in kind.values if text not in twins.values()]
    table, notes = keyed(sides, [kind.type], rows, twins)
    assert (table.key, table.key_kind, notes) == (("k%!_0",), "primary", ())
    check_keys(sides, table, len(rows))


@pytest.mark.usefixtures("_no_keyed")
@pytest.mark.parametrize("name", TOGETHER)
def test_a_row_is_found_by_a_key_of_more_columns(sides: Sides, name: str) -> None:
    types = TOGETHER[name]
    places = {"two": (0, 1), "three": (1, 0, 2), "floats": (0, 0)}[name]
    rows = [[row[place] for place in places] for row in VALUES_TOGETHER]
    rows = [list(row) for row in dict.fromkeys(map(tuple, rows))]
    table, _notes = keyed(sides, types, rows, {"a": "A"} if "citext" in types else {})
    check_keys(sides, table, len(rows))


@pytest.mark.usefixtures("_no_keyed")
@pytest.mark.parametrize("types", [["int"], ["int", "text"], ["citext"], ["citext", "int"], ["double precision"]])
def test_an_index_serves_keys_and_ranges(sides: Sides, types: list[str]) -> None:
    table, _notes = keyed(sides, types, [["1", "1"][: len(types)]], {})
    session = sides[0].session
    session.rows("SELECT set_config(name, 'off', false) FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan']) name")
    key = tuple(session.rows(f"SELECT {keys_of.key_select(table)} FROM {compare.relation(table)}")[0].values())
    condition, values = keys_of.range_predicate(table, key, key)
    plan = session.rows(f"EXPLAIN SELECT 1 FROM {compare.relation(table)} WHERE {condition}", values)
    assert "Index Cond" in str(plan)
    relation, values = keys_of.key_values(table, [key, key])
    text = f"EXPLAIN SELECT 1 FROM {relation} JOIN {compare.relation(table)} ON {keys_of.key_match(table)}"
    assert "Index Cond" in str(session.rows(text, values))
    session.rows("SELECT set_config(name, 'on', false) FROM unnest(ARRAY['enable_seqscan', 'enable_bitmapscan']) name")


# --- What there is to compare ---------------------------------------------------------------------

LISTING = """
CREATE SCHEMA listed;
CREATE TABLE listed."ordinary" (c int, b int NOT NULL, a int NOT NULL, PRIMARY KEY (b, a), UNIQUE (a));
CREATE TABLE listed."later" (a int, PRIMARY KEY (a) DEFERRABLE);
CREATE TABLE listed."unique" (a int NOT NULL, b int NOT NULL, c int, d text NOT NULL);
CREATE UNIQUE INDEX ON listed."unique" (a, b) INCLUDE (c);
CREATE UNIQUE INDEX ON listed."unique" (c);
CREATE UNIQUE INDEX ON listed."unique" (b) WHERE a > 0;
CREATE UNIQUE INDEX ON listed."unique" (a, lower(d));
ALTER TABLE listed."unique" ADD UNIQUE (d) DEFERRABLE;
CREATE TABLE listed."h store" (k public.hstore PRIMARY KEY);
CREATE TABLE listed."parts" (a int PRIMARY KEY, g int GENERATED ALWAYS AS (a + 1) STORED) PARTITION BY RANGE (a);
CREATE TABLE listed."part.%s" PARTITION OF listed."parts" FOR VALUES FROM (0) TO (1000);
CREATE UNLOGGED TABLE listed."unlogged" (a int PRIMARY KEY);
CREATE VIEW listed."view" AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW listed."seen" AS SELECT 1 AS a;
CREATE SEQUENCE listed."counter";
INSERT INTO listed."parts" SELECT generate_series(0, 999);
"""


def test_what_there_is_to_compare(sides: Sides) -> None:
    place = sides[1]
    place.run(LISTING)
    found = place.tables("listed")
    keys = {name: (table.key_kind, table.key, table.keys) for name, table in found.items()}
    assert keys == {
        "h store": ("none", (), ()),
        "later": ("primary", ("a",), (("a",),)),
        "ordinary": ("primary", ("b", "a"), (("a",), ("b", "a"))),
        "part.%s": ("primary", ("a",), (("a",),)),
        "unique": ("unique", ("a", "b"), (("a", "b"),)),
    }
    assert [column.generated for column in found["part.%s"].columns] == [False, True]
    assert (found["ordinary"].pages, found["ordinary"].rows_estimate) == (0, 0.0)
    assert found["part.%s"].pages > 0
    place.run("ANALYZE listed.parts")
    place.run("INSERT INTO listed.parts SELECT generate_series(0, 999) ON CONFLICT DO NOTHING")
    assert place.tables("listed")["part.%s"].rows_estimate == 1000.0
    some = catalog.wanted((), [("listed", "part.%s"), ("listed", "view"), ("lis", "ted.ordinary"), ("here", "rows")])
    assert [row["name"] for row in place.session.rows(catalog.TABLES, some)] == ["rows", "part.%s"]
    everything = {(row["schema"], row["name"]) for row in place.session.rows(catalog.TABLES, catalog.wanted())}
    assert {schema for schema, _name in everything} == {"here", "listed"}
    place.run(
        "CREATE ROLE stranger; GRANT USAGE ON SCHEMA listed TO stranger; GRANT SELECT ON listed.later TO stranger"
    )
    place.session.rows("SELECT set_config('role', 'stranger', false)")
    assert {name for name, table in place.tables("listed").items() if table.readable} == {"later"}
    place.session.rows("SELECT set_config('role', 'none', false)")


def test_rows_that_a_policy_hides_are_an_error(sides: Sides) -> None:
    place = sides[1]
    place.run(
        "CREATE SCHEMA hidden CREATE TABLE it (a int); CREATE ROLE reader; GRANT USAGE ON SCHEMA hidden TO reader"
    )
    place.run("GRANT SELECT ON hidden.it TO reader; ALTER TABLE hidden.it ENABLE ROW LEVEL SECURITY")
    place.session.rows("SELECT set_config('role', 'reader', false)")
    with pytest.raises(SessionError, match="row-level security"):
        place.block(place.tables("hidden")["it"], "record")
    place.session.rows("SELECT set_config('role', 'none', false)")
