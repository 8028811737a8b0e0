# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The test of a fresh server: which settings it gets, which statements it runs, whether what it decoded is right.

Pure.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .spec import Spec


class NotProven(Exception):
    """What a server did not do as it should."""


SETTINGS = (
    "max_logical_slots",
    "max_replication_slots",
    "max_worker_processes",
    "track_commit_timestamp",
    "unix_socket_directories",
)
"""What servers differ in; probed as words of the program."""

SLOT = "pgbdr_smoke"
PLUGIN = "test_decoding"

Statement = t.Tuple[str, str]
"""What it is called, and its SQL."""

CHANGES: tuple[Statement, ...] = (
    ("insert", "INSERT INTO pgbdr_smoke SELECT n, 'one' FROM generate_series(1, 3) n"),
    ("update", "UPDATE pgbdr_smoke SET word = 'two', number = number + 10 WHERE number > 1"),
    ("delete", "DELETE FROM pgbdr_smoke WHERE number = 1"),
)
TABLE = "CREATE TABLE pgbdr_smoke (number int PRIMARY KEY, word text)"
ROWS = "SELECT string_agg(number || word, ',' ORDER BY number) FROM pgbdr_smoke"
LEFT = "12two,13two"
FUNCTIONS = "SELECT proname FROM pg_proc WHERE proname IN ('init_logical_replication', 'pg_logical_slot_get_changes')"
_COUNTS = {"INSERT": 3, "UPDATE": 2, "DELETE": 1}


@dataclass(frozen=True)
class Decoding:
    """How a server decodes in SQL: what to build of contrib for it, and the statements around the changes."""

    contrib: tuple[str, ...]
    before: tuple[Statement, ...]
    after: Statement


def known(program: bytes) -> set[str]:
    """Return which settings a server's program knows."""
    return {name for name in SETTINGS if f"\0{name}\0".encode() in program}


def preloaded(spec: Spec, there: t.Callable[[str], bool]) -> list[str]:
    """Return what is loaded at the start: the bdr library and those of extensions, which may insist on it."""
    names = [*(name for name in spec.contrib if name == "bdr"), *(item.name for item in spec.extensions)]
    return [name for name in names if there(name)]


def has_logical(known: t.Container[str]) -> bool:
    """Tell whether a server knows logical decoding."""
    return "max_logical_slots" in known or "max_replication_slots" in known


def settings(known: t.Container[str], socket: str, preload: t.Sequence[str], library_path: str) -> str:
    """Return what is appended to postgresql.conf."""
    directory = "unix_socket_directories" if "unix_socket_directories" in known else "unix_socket_directory"
    values = {
        "listen_addresses": "",
        directory: socket,
        "fsync": "off",
        "max_connections": "10",
        "shared_preload_libraries": ",".join(preload),
        "dynamic_library_path": library_path,
    }
    if has_logical(known):
        values.update({"wal_level": "logical", "max_wal_senders": "4"})
    wanted = {
        "max_logical_slots": "4",
        "max_replication_slots": "4",
        "max_worker_processes": "16",
        "track_commit_timestamp": "on",
    }
    values.update({name: value for name, value in wanted.items() if name in known})
    return "".join(f"{name} = '{value}'\n" for name, value in sorted(values.items()))


def decoding(functions: t.Container[str], contrib: t.Container[str]) -> Decoding | None:
    """Return how this server decodes, None where it cannot."""
    if PLUGIN not in contrib:
        return None
    if "pg_logical_slot_get_changes" in functions:
        make = f"SELECT 1 FROM pg_create_logical_replication_slot('{SLOT}', '{PLUGIN}')"
        return Decoding(
            (), (("slot", make),), ("decode", f"SELECT data FROM pg_logical_slot_get_changes('{SLOT}', NULL, NULL)")
        )
    reader = "test_logical_decoding"
    if "init_logical_replication" in functions and reader in contrib:
        # A consistent point is found after a checkpoint only.
        before = (
            ("checkpoint", "CHECKPOINT"),
            ("slot", f"SELECT 1 FROM init_logical_replication('{SLOT}', '{PLUGIN}')"),
        )
        return Decoding((reader,), before, ("decode", f"SELECT data FROM start_logical_replication('{SLOT}', 'now')"))
    return None


def functions_of(script: str, library: str) -> str:
    """Return the SQL of an extension that is not installed, its functions taken from a library's own path."""
    lines = [line for line in script.splitlines() if not line.startswith("\\")]
    return "\n".join(lines).replace("MODULE_PATHNAME", library)


def decoded_problem(output: str) -> str:
    """Return what is wrong with the decoded changes, "" where nothing is."""
    found = {word: len(re.findall(rf"\b{word}:", output)) for word in _COUNTS}
    wrong = [
        f"{word} {found[word]} times instead of {times}" for word, times in _COUNTS.items() if found[word] != times
    ]
    return f"decoded {', '.join(wrong)}" if wrong else ""


def prove(
    must: t.Callable[[str, str], str], script: t.Callable[[str], str], there: t.Container[str], contrib: str
) -> dict[str, bool]:
    """Run the changes in a server, see them decoded where it can, and return what was proven.

    must: runs a statement, by what it is called, and returns its rows; script: the SQL of a module; there: the modules
    in the directory contrib, where they were compiled.
    """
    way = decoding(must("functions", FUNCTIONS).split(), there)
    for name in way.contrib if way else ():
        must(name, functions_of(script(name), f"{contrib}/{name}/{name}"))
    must("table", TABLE)
    for name, sql in (*(way.before if way else ()), *CHANGES):
        must(name, sql)
    rows = must("rows", ROWS)
    problem = "" if rows == LEFT else f"left {rows} instead of {LEFT}"
    if way and not problem:
        problem = decoded_problem(must(*way.after))
    if problem:
        raise NotProven(f"the server {problem}")
    return {**{name: True for name, _sql in CHANGES}, "decoded": way is not None}
