# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a comparison is asked to look at, checked before anything is. Pure."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import typing as t
from dataclasses import asdict, dataclass

EQUALITIES = ("exact", "sql")
PREFIX = "bdr_compare_"
"""What stands before an option in the variable that an operator knows."""
LEAST = {"max_differences": 1, "fence_seconds": 1, "max_lag_mb": 0, "max_active": 0}
"""The least that an option may be."""


class WrongSettings(ValueError):
    """What was asked for cannot be compared; each problem names its variable and the mend."""

    def __init__(self, problems: t.Sequence[str]) -> None:
        super().__init__("\n".join(problems))


ShownKey = t.Tuple[t.Tuple[str, str], ...]
"""A row's key as pairs of column and value."""


@dataclass(frozen=True)
class Settings:
    """What to compare. Tables are `schema.table`, patterns of that, or `table` in any schema."""

    nodes: tuple[str, ...]
    without: tuple[str, ...]
    databases: tuple[str, ...]
    schemas: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    replication_sets: tuple[str, ...] = ()
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    where: tuple[tuple[str, str], ...] = ()
    equality: str = "exact"
    max_differences: int = 1000
    only: tuple[tuple[str, str, tuple[ShownKey, ...]], ...] = ()
    """(database, table, keys): look at these rows and at no others."""

    def fingerprint(self, dsns: t.Mapping[str, str]) -> str:
        """Return what changes when the answer could. dsns: how nodes outside the group are reached."""
        return hashlib.sha256(json.dumps([asdict(self), dsns], sort_keys=True).encode()).hexdigest()

    def unmatched(self, tables: t.Collection[tuple[str, str]]) -> list[str]:
        """Return which patterns fit none of the tables (schema, name) that are to be compared: most often a typo."""
        patterns = {
            "tables": self.tables,
            "columns": [pattern for pattern, _columns in self.columns],
            "where": [pattern for pattern, _where in self.where],
        }
        return [
            f"{PREFIX}{option}: no table that is compared fits {pattern!r}"
            for option, given in patterns.items()
            for pattern in given
            if not any(fits(pattern, *table) for table in tables)
        ]

    def wants(self, database: str, schema: str, name: str) -> bool:
        """Tell whether a table is to be compared."""
        if self.only:
            return any((database, f"{schema}.{name}") == each[:2] for each in self.only)
        if self.schemas and not any(fnmatch.fnmatchcase(schema, pattern) for pattern in self.schemas):
            return False
        return not self.tables or any(fits(pattern, schema, name) for pattern in self.tables)

    def columns_of(self, schema: str, name: str) -> tuple[str, ...]:
        """Return which columns to look at; none for all."""
        return next((columns for pattern, columns in self.columns if fits(pattern, schema, name)), ())

    def where_of(self, schema: str, name: str) -> str:
        """Return the filter of a table's rows, empty for none."""
        return next((text for pattern, text in self.where if fits(pattern, schema, name)), "")

    def keys_of(self, database: str, schema: str, name: str) -> tuple[ShownKey, ...]:
        """Return the rows to look at; none for all."""
        wanted = (database, f"{schema}.{name}")
        return tuple(key for *place, keys in self.only if tuple(place) == wanted for key in keys)


def fits(pattern: str, schema: str, name: str) -> bool:
    """Tell whether a pattern means a table."""
    return fnmatch.fnmatchcase(f"{schema}.{name}", pattern) or fnmatch.fnmatchcase(name, pattern)


def parse(
    given: t.Mapping[str, t.Any], members: t.Mapping[str, t.Collection[str]], others: t.Collection[str]
) -> Settings:
    """Return the settings; WrongSettings lists what is wrong.

    members: node of the group -> its databases. others: names of nodes that are reached by a DSN of their own.
    """
    known = list(dict.fromkeys([*members, *others]))
    chosen = [name for name in dict.fromkeys(given["nodes"] or known) if name not in given["without"]]
    present = sorted({database for name, found in members.items() if name in chosen for database in found})
    databases = tuple(given["databases"] or present)
    problems = [
        *_wrong_nodes(given, known, chosen, sorted(set(members).intersection(others))),
        *_wrong_databases(databases, present, [name for name in others if name in chosen]),
        *_wrong_values(given),
        *_wrong_rows(given["only"]),
    ]
    if problems:
        raise WrongSettings(problems)
    return Settings(
        nodes=tuple(sorted(chosen)),
        without=tuple(sorted(given["without"])),
        databases=databases,
        schemas=tuple(given["schemas"]),
        tables=tuple(given["tables"]),
        replication_sets=tuple(given["replication_sets"]),
        columns=tuple(sorted(((table, tuple(found)) for table, found in given["columns"].items()), key=_width)),
        where=tuple(sorted(given["where"].items(), key=_width)),
        equality=given["equality"],
        max_differences=given["max_differences"],
        only=tuple((each["database"], each["table"], tuple(map(_shown, each["keys"]))) for each in given["only"]),
    )


def _wrong_nodes(
    given: t.Mapping[str, t.Any], known: t.Sequence[str], chosen: t.Sequence[str], twice: t.Iterable[str]
) -> t.Iterator[str]:
    unknown = [
        f"{PREFIX}{option}: the group has no node {name!r}; it has {', '.join(sorted(known))}"
        for option in ("nodes", "without")
        for name in given[option]
        if name not in known
    ]
    yield from unknown
    yield from (f"{PREFIX}others: {name} is a node of the group; give the other one another name" for name in twice)
    if not unknown and len(chosen) < 2:
        told = f"only {chosen[0]}" if chosen else "none"
        yield f"{PREFIX}nodes: a comparison needs two nodes, and there is {told}"


def _wrong_databases(databases: t.Sequence[str], present: t.Sequence[str], others: t.Sequence[str]) -> t.Iterator[str]:
    for name in databases if present else ():
        if name not in present:
            yield (
                f"{PREFIX}databases: no node that is compared has the database {name!r}; they have {', '.join(present)}"
            )
    if others and len(databases) != 1:
        told = ", ".join(others)
        yield f"{PREFIX}databases: name one; a DSN leads to one database, and {told} cannot be compared with more"


def _wrong_values(given: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    if given["equality"] not in EQUALITIES:
        yield f"{PREFIX}equality is {given['equality']!r}; exact or sql is wanted"
    for option, least in LEAST.items():
        if given[option] < least:
            yield f"{PREFIX}{option} is {given[option]}; a number from {least} on is wanted"


def _wrong_rows(only: t.Iterable[t.Mapping[str, t.Any]]) -> t.Iterator[str]:
    for number, each in enumerate(only, 1):
        keys = each.get("keys")
        are_keys = isinstance(keys, list) and all(isinstance(key, dict) for key in keys)
        if not are_keys or not {"database", "table"} <= set(each):
            yield f"{PREFIX}only: entry {number} wants database, table and keys, each of them values by column"


def _shown(key: t.Mapping[str, str]) -> ShownKey:
    return tuple(sorted(key.items()))


def _width(entry: tuple[str, t.Any]) -> tuple[bool, int, str]:
    """Return what puts the narrower of two patterns first: a name, with its schema or without, then the longer one."""
    pattern = entry[0]
    return any(sign in pattern for sign in "*?["), -len(pattern), pattern
