"""What makes comparisons of data say "equal" when it is not, or "different" when it is: values, rows and tables.

Each is planted on two databases that have nothing in common but the data: other numbers of types, other settings.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass

import psycopg2
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_hash as compare
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_keys as keys_of
from ansible_collections.pgbdr.bdr.plugins.module_utils import _compare_table as catalog
from ansible_collections.pgbdr.bdr.plugins.module_utils._session import Session

Values = tuple[str, ...]
PROGRAMS = "/usr/lib/postgresql/15/bin"
BIG = "x" * 1_000_000


@dataclass(frozen=True)
class Kind:
    """A type, and values of it of which no two are written alike. same: pairs of them that SQL calls equal.

    since: the first server that has all of it. needs: an extension, or a library that servers are built with.
    """

    type: str
    values: Values
    same: tuple[tuple[str, str], ...] = ()
    since: int = 90300
    needs: str = ""


# Values that differ in little: in a sign, a scale, the upper half, a length, a bound, a label, a quote.
KINDS = {
    "boolean": Kind("boolean", ("true", "false")),
    "smallint": Kind("smallint", ("0", "1", "-1", "256", "-256")),
    "integer": Kind("integer", ("0", "1", "-1", "65536", "2147483647", "-2147483648")),
    # The server's own hash folds each of the pairs at the end into one.
    "bigint": Kind(
        "bigint",
        ("0", "2", "-2", "1", "4294967296", "-1", "4294967295", "4294967298", "8589934593", "9223372036854775807"),
    ),
    "oid": Kind("oid", ("0", "1", "4294967295")),
    "char1": Kind('"char"', ("", "a", "A")),
    "name": Kind("name", ("", "a", "A", "a ")),
    "text": Kind(
        "text",
        ("", " ", "NULL", "a", "A", "a ", "\\", "\\\\", '"', '""', "'", ",", "()", "(,)", "%s", "\n", "é", "e\u0301"),
    ),
    "text of a megabyte": Kind("text", (BIG, BIG + "x", BIG[:-1] + "y", "y" + BIG[1:])),
    "varchar": Kind("varchar(20)", ("", "a", "a ", "A")),
    "char": Kind("char(5)", ("", "a", "A", " a")),
    "char of any length": Kind("bpchar", ("", " ", "a", "a ", "A"), (("a", "a "), ("", " "))),
    "bytea": Kind("bytea", ("", "\\x00", "\\x0000", "\\x61", "\\x5c", "\\x5c5c")),
    "uuid": Kind("uuid", ("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000001")),
    "date": Kind("date", ("2000-01-01", "2000-01-02", "0044-03-15 BC", "0044-03-15", "infinity", "-infinity")),
    "time": Kind("time", ("00:00", "24:00", "00:00:00.000001", "01:11:34.967296")),
    "timetz": Kind("timetz", ("12:00+00", "13:00+01", "12:00+01", "11:00+00")),
    "timestamp": Kind(
        "timestamp",
        ("2000-01-01 00:00:00.000001", "2000-01-01 01:11:34.967296", "2000-02-01", "2000-01-02", "infinity"),
    ),
    "timestamptz": Kind(
        "timestamptz",
        ("2000-01-01 00:00:00.000001+00", "2000-01-01 01:11:34.967296+00", "2000-02-01+00", "infinity", "-infinity"),
    ),
    "interval": Kind(
        "interval",
        ("0", "1 day", "24:00", "-1 day", "-24:00", "1 mon", "30 days", "1 mon -1 day", "29 days", "0.000001 s")
        + ("4294.967296 s",),
        (("1 day", "24:00"), ("-1 day", "-24:00"), ("1 mon", "30 days"), ("1 mon -1 day", "29 days")),
    ),
    "numeric": Kind(
        "numeric",
        ("0", "0.0", "5", "-5", "5.0", "0.5", "-0.5", "50", "5e4", "5e8", "NaN", "1e-20", "123456789.123456789"),
        (("0", "0.0"), ("5", "5.0")),
    ),
    "infinite numeric": Kind("numeric", ("NaN", "Infinity", "-Infinity", "0"), since=140000),
    "real": Kind("real", ("0", "-0", "1", "-1", "0.1", "0.10000001", "NaN", "Infinity", "-Infinity"), (("0", "-0"),)),
    "double": Kind(
        "double precision",
        ("0", "-0", "1", "-1", "0.1", "0.10000000000000002", "1e300", "NaN", "Infinity", "-Infinity"),
        (("0", "-0"),),
    ),
    "money": Kind("money", ("0", "1", "-1", "42949672.96", "0.01")),
    "inet": Kind("inet", ("10.0.0.0", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.1", "::", "::a00:0")),
    "cidr": Kind("cidr", ("10.0.0.0", "10.0.0.0/8", "10.0.0.0/16", "::/0", "0.0.0.0/0")),
    "macaddr": Kind("macaddr", ("08:00:2b:01:02:03", "08:00:2b:01:02:04", "03:02:01:2b:00:08")),
    "macaddr8": Kind("macaddr8", ("08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03:04:06"), since=100000),
    "bit": Kind("bit(9)", ("000000000", "100000000", "000000001")),
    "varbit": Kind("bit varying", ("", "0", "00", "1", "10")),
    "point": Kind("point", ("(0,1)", "(1,0)", "(0.1,0)", "(0.10000000000000002,0)", "(-0,1)")),
    "lseg": Kind("lseg", ("(0,1),(1,0)", "(1,0),(0,1)", "(1,0),(0,0.1)")),
    "box": Kind("box", ("(1,1),(0,0)", "(1,1),(0,0.1)")),
    "path": Kind("path", ("((0,1),(1,0))", "[(0,1),(1,0)]", "[(0,1),(0.1,0)]")),
    "polygon": Kind("polygon", ("((0,1),(1,0))", "((1,0),(0,1))", "((0,1),(1,0),(0,1))")),
    "circle": Kind("circle", ("<(0,0),1>", "<(0,0),0.1>", "<(0,0),0.10000000000000002>")),
    "line": Kind("line", ("{1,2,3}", "{1,2,4}", "{0.1,2,3}"), since=90400),
    "json": Kind("json", ('{"a":1}', '{"a": 1}', '{"a":1.0}', '{"a":-1}', '{"a":null}', "{}", "[]", "null", '"null"')),
    "jsonb": Kind(
        "jsonb",
        ('{"a":5}', '{"a":-5}', '{"a":5.0}', '{"a":null}', '{"a":"5"}', "{}", "[]", "null", '"null"', "5", "-5", "[5]"),
        since=90400,
    ),
    "jsonpath": Kind("jsonpath", ("$.a", "$.b"), since=120000),
    "xml": Kind("xml", ("<a/>", "<a></a>", "<a> </a>"), needs="libxml"),
    "tsvector": Kind("tsvector", ("a", "a:1", "a:1A", "a:1,2", "b", "")),
    "tsquery": Kind("tsquery", ("a", "!a", "a & b", "a | b", "a:*")),
    "snapshot": Kind("txid_snapshot", ("10:20:", "10:20:10", "10:20:15")),
    "pg_lsn": Kind("pg_lsn", ("0/1", "1/0", "0/0"), since=90400),
    "regtype": Kind("regtype", ("integer", "here.mood", "here.other")),
    # One is an array of arrays, one begins elsewhere; of what is written as NULL one is text.
    "int[]": Kind("int[]", ("{}", "{1,2,3,4}", "{{1,2},{3,4}}", "{{1},{2},{3},{4}}", "{1,2}", "[0:1]={1,2}", "{NULL}")),
    "text[]": Kind("text[]", ("{}", '{""}', "{NULL}", '{"NULL"}', "{a,b}", '{"a,b"}', '{"a","b",NULL}', '{"\\\\"}')),
    "bigint[]": Kind("bigint[]", ("{1}", "{4294967296}")),
    "numeric[]": Kind("numeric[]", ("{5}", "{-5}", "{5.0}", "{NaN}")),
    "real[]": Kind("real[]", ("{0.1}", "{0.10000001}", "{-0}", "{0}", "{NaN}", "[0:0]={0}", "{{0}}", "{NULL}")),
    "double[]": Kind(
        "double precision[]", ("{0.1}", "{0.10000000000000002}", "{-0}", "{0}", "{NaN,0.1}", "{Infinity}")
    ),
    "point[]": Kind("point[]", ('{"(0.1,0)"}', '{"(0.10000000000000002,0)"}')),
    "int4range": Kind("int4range", ("empty", "[1,2)", "[1,3)", "(,1)", "[1,)", "(,)")),
    "int8range": Kind("int8range", ("[1,2)", "[4294967296,8589934592)")),
    "numrange": Kind("numrange", ("[5,6]", "[5.0,6]", "[5,6)", "(5,6]", "[-5,6]", "[-6,-5]", "empty", "[5,]")),
    "multirange": Kind("int4multirange", ("{}", "{[1,2)}", "{[1,2),[5,6)}", "{(,)}"), since=140000),
    "enum": Kind("here.mood", ("sad", "ok", "happy")),
    "enum[]": Kind("here.mood[]", ("{}", "{sad}", "{happy}", "{sad,happy}", "{NULL}")),
    "enum with a cast of its own": Kind("here.other", ("sad", "ok")),
    "range of an enum": Kind("here.moodrange", ("[sad,ok]", "[sad,happy]", "empty")),
    "domain": Kind("here.label", ("", "a", "NULL")),
    "domain of a domain": Kind("here.ratio", ("0.1", "0.10000000000000002", "0", "-0"), (("0", "-0"),)),
    "domain of char": Kind("here.code", ("a", "b")),
    "domain of an enum": Kind("here.calm", ("sad", "ok")),
    "composite": Kind("here.pair", ('("",)', '(,"")', "(,)", '("","")', '("a,b",c)', '(a,"b,c")', '("NULL",)')),
    "nested composite": Kind("here.nest", ('(1,"(a,)",sad)', '(1,"(,a)",sad)', '(1,"(a,)",happy)', "(1,,sad)", "(,,)")),
    "composite[]": Kind("here.pair[]", ("{}", '{"(a,b)"}', '{"(a,)"}', '{"(a,b)","(a,b)"}')),
    "hstore": Kind("hstore", ("", "a=>1", "a=>2", "a=>NULL", 'a=>"NULL"', "a=>1,b=>2"), needs="hstore"),
    "citext": Kind("citext", ("a", "A", "b", ""), (("a", "A"),), needs="citext"),
    "without order": Kind('text COLLATE here."no case"', ("a", "A", "á", ""), since=120000),
}

# Of these there is no key: no order, or values that are one key.
NO_KEYS = {
    *("box", "circle", "json", "jsonpath", "line", "lseg", "path", "point", "point[]", "polygon", "snapshot", "xml"),
    *("double[]", "hstore", "jsonb", "numeric[]", "numrange", "real[]", "text of a megabyte", "tsquery"),
    "without order",
}
KEYS = [name for name in KINDS if name not in NO_KEYS]

# A row's columns must not run into each other, nor what they are be forgotten.
ROWS: tuple[tuple[str | None, ...], ...] = (
    ("a|b", "c", ""),
    ("a", "b|c", ""),
    ("a", None, "b"),
    ("a", "b", None),
    (None, "a", "b"),
    ("b", "a", None),
    ("a,b", "c", None),
    ("a", "b,c", None),
    ("", None, None),
    (None, "", None),
    (None, None, None),
    ("", "", ""),
    ("ab", "", ""),
    ("", "ab", ""),
)

TYPES = """
CREATE TYPE here.mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE here.other AS ENUM ('sad', 'ok');
CREATE FUNCTION here.told(here.other) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT 'all the same'::text$$;
CREATE CAST (here.other AS text) WITH FUNCTION here.told(here.other);
CREATE TYPE here.moodrange AS RANGE (subtype = here.mood);
CREATE DOMAIN here.label AS text;
CREATE DOMAIN here.part AS double precision;
CREATE DOMAIN here.ratio AS here.part;
CREATE DOMAIN here.code AS char(3);
CREATE DOMAIN here.calm AS here.mood CHECK (VALUE <> 'happy');
CREATE TYPE here.pair AS (one text, two text);
CREATE TYPE here.nest AS (n int, p here.pair, m here.mood);
"""
NO_CASE = """
CREATE COLLATION here."no case" (provider = icu, locale = 'und-u-ks-level1', deterministic = false)
"""
# The same labels, come in another order, so that other numbers stand for them.
OTHER_MOOD = "CREATE TYPE here.mood AS ENUM ('happy'); ALTER TYPE here.mood ADD VALUE 'sad' BEFORE 'happy'"
FILLER = "; ".join(f"CREATE TYPE here.filler{number} AS ENUM ('sad', 'ok', 'happy')" for number in range(20))
# What a database may be set to, and a compare must not see.
SETTINGS = {
    "bytea_output": "escape",
    "datestyle": "SQL, DMY",
    "extra_float_digits": "-3",
    "intervalstyle": "iso_8601",
    "search_path": "here, public",
    "standard_conforming_strings": "off",
    "timezone": "'Asia/Kathmandu'",
    "xmloption": "document",
}


@contextlib.contextmanager
def server(programs: str, port: int) -> t.Iterator[str]:
    """Yield the directory of the socket of an empty server, which is in no group."""
    home = tempfile.mkdtemp(prefix="pgbdr-traps-")
    shutil.chown(home, "postgres")

    def run(program: str, *arguments: str) -> None:
        command = ["runuser", "-u", "postgres", "--", f"{programs}/{program}", "-D", f"{home}/data", *arguments]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)

    try:
        run("initdb", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        options = f"-p {port} -k {home} -c listen_addresses='' -c fsync=off"
        run("pg_ctl", "-w", "-l", f"{home}/log", "-o", options, "start")
        try:
            yield home
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home)


class Place:
    """A database with the traps in it, or with some of them."""

    def __init__(self, host: str, port: int, database: str) -> None:
        self.dsn = f"host={host} port={port} dbname={database} user=postgres"
        self.connection = psycopg2.connect(self.dsn, options="-c standard_conforming_strings=on -c datestyle=ISO")
        self.connection.autocommit = True
        self.version: int = self.connection.server_version
        self.offers = {"", *(name for (name,) in self.run("SELECT name FROM pg_available_extensions"))}
        with contextlib.suppress(psycopg2.errors.FeatureNotSupported):
            self.run("SELECT '<a/>'::xml")
            self.offers.add("libxml")
        options = " ".join(f"-c {name}={value}" for name, value in compare.SESSION.items())
        self.session = Session(f"{self.dsn} options='{options}'")

    @classmethod
    def made(cls, host: str, port: int, database: str, settings: t.Mapping[str, str] | None = None) -> Place:
        """Make a database with settings of its own, and return it."""
        with contextlib.closing(
            psycopg2.connect(host=host, port=port, dbname="postgres", user="postgres")
        ) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(f"CREATE DATABASE {database}")
            for name, value in (settings or {}).items():
                cursor.execute(f"ALTER DATABASE {database} SET {name} = {value}")
        return cls(host, port, database)

    def run(self, text: str, values: t.Any = None) -> list[tuple[t.Any, ...]]:
        """Run SQL as its users do."""
        with self.connection.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        """End both sessions."""
        self.connection.close()
        self.session.__exit__()

    def has(self, kind: Kind) -> bool:
        """Tell whether the server has a type."""
        return self.version >= kind.since and kind.needs in self.offers

    def capabilities(self) -> catalog.Capabilities:
        """Return what the server can do."""
        return catalog.capabilities(self.session.rows(catalog.CAPABILITIES)[0])

    def pin(self, servers: t.Iterable[catalog.Capabilities]) -> None:
        """Set the session as a compare does."""
        settings = compare.session_settings(servers)
        for name, value in settings.items():
            self.session.rows("SELECT set_config(%(name)s, %(value)s, false)", {"name": name, "value": value})
        self.session.rows(compare.where_known())

    def tables(self, schema: str = "here") -> dict[str, catalog.CompareTable]:
        """Return all tables of a schema by their names."""
        rows = self.session.rows(catalog.TABLES, catalog.wanted([schema]))
        return {row["name"]: catalog.table(row) for row in rows}

    def hashes(self, table: catalog.CompareTable, mode: str, equality: str, seed: int = 5) -> dict[int, int]:
        """Return the hashes of a table's rows by their number, which is no part of them."""
        names = [column.name for column in table.columns if column.name != "number"]
        text = compare.row_hash(table, mode, equality, seed, columns=names)
        rows = self.session.rows(f"SELECT number, {text} AS h FROM {compare.relation(table)}")
        return {row["number"]: row["h"] for row in rows}

    def block(self, table: catalog.CompareTable, mode: str, equality: str = "exact", seed: int = 5) -> dict[str, t.Any]:
        """Return what stands for all rows of a table."""
        hashed = f"SELECT {compare.row_hash(table, mode, equality, seed)} AS h FROM {compare.relation(table)} OFFSET 0"
        (row,) = self.session.rows(f"SELECT {compare.block_aggregate(mode)} FROM ({hashed}) s")
        return row


def plant(place: Place, turned: bool = False) -> None:
    """Make schema, types and a table for each kind of value, its rows with a number.

    turned: made as differently as can be.
    """
    place.run("CREATE SCHEMA here")
    types = TYPES
    if turned:
        place.run(FILLER)
        mood, rest = TYPES.strip().split("\n", 1)
        for statement in (*OTHER_MOOD.split("; "), "ALTER TYPE here.mood ADD VALUE 'ok' AFTER 'sad'"):
            place.run(statement)
        types = rest
        assert "here.mood" in mood
    place.run(types)
    if place.version >= 120000:
        place.run(NO_CASE)
    for extension in sorted(place.offers & {"citext", "hstore"}):
        place.run(f"CREATE EXTENSION {extension} SCHEMA public")
    kinds = [(name, kind) for name, kind in KINDS.items() if place.has(kind)]
    for name, kind in reversed(kinds) if turned else kinds:
        rows: list[str | None] = [None, *kind.values]
        place.run(f'CREATE TABLE here."of {name}" (number int PRIMARY KEY, v {kind.type})')
        cast = kind.type.partition(" COLLATE ")[0]
        for number in reversed(range(len(rows))) if turned else range(len(rows)):
            value = (number, rows[number])
            place.run(f'INSERT INTO here."of {name}" VALUES (%s, %s::{cast})', value)
    place.run("CREATE TABLE here.rows (number int PRIMARY KEY, a text, b text, c text)")
    for number, row in enumerate(ROWS):
        place.run("INSERT INTO here.rows VALUES (%s, %s, %s, %s)", (number, *row))


Sides = tuple[Place, Place]
Common = tuple[catalog.CompareTable, tuple[str, ...]]


def keyed(sides: Sides, types: t.Sequence[str], rows: t.Sequence[t.Sequence[str]], twins: dict[str, str]) -> Common:
    """Make a table with a key on both sides; what has a twin in SQL is its twin on the other side."""
    columns = [f"k%!_{place}" for place in range(len(types))]
    for side in sides:
        defined = ", ".join(f'"{name}" {kind}' for name, kind in zip(columns, types, strict=True))
        names = ", ".join(f'"{name}"' for name in columns)
        side.run(f"CREATE SCHEMA keyed CREATE TABLE it (number int, {defined}, PRIMARY KEY ({names}))")
        for number, row in enumerate(rows):
            values = [twins.get(text, text) for text in row] if side is sides[1] else row
            places = ", ".join(f"%s::{kind}" for kind in types)
            side.run(f"INSERT INTO keyed.it VALUES (%s, {places})", (number, *values))
    return catalog.common({str(place): side.tables("keyed")["it"] for place, side in enumerate(sides)})


def rows_found(side: Place, table: catalog.CompareTable, low: t.Any, high: t.Any) -> set[int]:
    condition, values = keys_of.range_predicate(table, low, high)
    return {
        row["number"]
        for row in side.session.rows(f"SELECT number FROM {compare.relation(table)} WHERE {condition}", values)
    }


def check_keys(sides: Sides, table: catalog.CompareTable, count: int) -> None:
    """Find every row of one side on the other, by itself and by ranges."""
    columns = f"number, {keys_of.key_select(table)}"
    listing = f"SELECT {columns} FROM {compare.relation(table)} ORDER BY {keys_of.key_columns(table)}"
    here, there = (side.session.rows(listing) for side in sides)
    assert here == there
    assert len(here) == count
    keys = [tuple(row[f"k{place}"] for place in range(len(table.key))) for row in here]
    numbers = [row["number"] for row in here]
    relation, values = keys_of.key_values(table, keys)
    text = f"SELECT number FROM {relation} JOIN {compare.relation(table)} ON {keys_of.key_match(table)}"
    assert sorted(row["number"] for row in sides[1].session.rows(text, values)) == sorted(numbers)
    for side in sides:
        assert rows_found(side, table, None, None) == set(numbers)
        for place, key in enumerate(keys):
            assert rows_found(side, table, key, None) == set(numbers[place:])
            assert rows_found(side, table, None, key) == set(numbers[:place])
            assert rows_found(side, table, keys[0], key) == set(numbers[:place])
            one, found = keys_of.key_values(table, [key])
            text = f"SELECT number FROM {one} JOIN {compare.relation(table)} ON {keys_of.key_match(table)}"
            assert [row["number"] for row in side.session.rows(text, found)] == [numbers[place]]
