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

    def fingerprint(self) -> str:
        """Return what changes when the answer could."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

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
        return next((keys for at, table, keys in self.only if (at, table) == (database, f"{schema}.{name}")), ())


def fits(pattern: str, schema: str, name: str) -> bool:
    """Tell whether a pattern means a table."""
    return fnmatch.fnmatchcase(f"{schema}.{name}", pattern) or fnmatch.fnmatchcase(name, pattern)


def parse(
    given: t.Mapping[str, t.Any], members: t.Mapping[str, t.Collection[str]], others: t.Collection[str]
) -> Settings:
    """Return the settings; WrongSettings lists what is wrong.

    members: node of the group -> its databases. others: names of nodes that are reached by a DSN of their own.
    """
    known = [*members, *others]
    problems = [
        f"{option}: the group has no node {name!r}; it has {', '.join(sorted(known))}"
        for option in ("bdr_compare_nodes", "bdr_compare_without")
        for name in given[option[len(PREFIX) :]]
        if name not in known
    ]
    chosen = [name for name in given["nodes"] or known if name not in given["without"]]
    if not problems and len(chosen) < 2:
        told = f"only {chosen[0]}" if chosen else "none"
        problems.append(f"bdr_compare_nodes: a comparison needs two nodes, and there is {told}")
    compared = [databases for name, databases in members.items() if name in chosen]
    present = sorted({database for databases in compared for database in databases})
    problems += [
        f"bdr_compare_databases: no node that is compared has the database {name!r}; they have {', '.join(present)}"
        for name in given["databases"]
        if compared and name not in present
    ]
    if given["equality"] not in EQUALITIES:
        problems.append(f"bdr_compare_equality is {given['bdr_compare_equality']!r}; exact or sql is wanted")
    for option in ("bdr_compare_max_differences", "bdr_compare_fence_seconds"):
        if given[option[len(PREFIX) :]] < 1:
            problems.append(f"{option} is {given[option[len(PREFIX) :]]}; a number from 1 on is wanted")
    if problems:
        raise WrongSettings(problems)
    return Settings(
        nodes=tuple(sorted(chosen)),
        without=tuple(sorted(given["without"])),
        databases=tuple(given["databases"] or present),
        schemas=tuple(given["schemas"]),
        tables=tuple(given["tables"]),
        replication_sets=tuple(given["replication_sets"]),
        columns=tuple(sorted((table, tuple(columns)) for table, columns in given["columns"].items())),
        where=tuple(sorted(given["where"].items())),
        equality=given["equality"],
        max_differences=given["max_differences"],
        only=tuple(
            (each["database"], each["table"], tuple(tuple(sorted(key.items())) for key in each["keys"]))
            for each in given["only"]
        ),
    )


def _shown(key: t.Mapping[str, str]) -> ShownKey:
    return tuple(sorted(key.items()))
