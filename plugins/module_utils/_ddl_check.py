# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What must be right of a script and of all nodes of its database before it runs on one of them. Pure.

plan is Plan.as_dict(); `found` is what ddl_info, `hosts` what host_info returned, each by node.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass

from ._ddl import fingerprint
from ._ddl_messages import another_text
from ._sql_script import ScriptError, split

NAME_LENGTH = 200
MOST_SECONDS = 2_000_000  # the server counts milliseconds in 31 bits
LIMITS = ("lock_timeout_seconds", "statement_timeout_seconds")

Mapping = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Script:
    """A script as it is asked for: its path, its text, its name in the journal and its database."""

    path: str
    text: str
    name: str
    database: str
    limits: Mapping
    """Seconds, as they were given."""

    @property
    def sha256(self) -> str:
        """Return what tells it from another of its name."""
        return fingerprint(self.text)


def limits(script: Script) -> dict[str, int]:
    """Return the seconds as numbers; what problems() let pass is one."""
    return {name: int(value) for name, value in script.limits.items()}


def name_of(path: str, wanted: str) -> str:
    """Return the name that the journal knows a script by: the one given, or its file's."""
    return wanted or os.path.basename(path)


def database_of(plan: Mapping, wanted: str) -> str:
    """Return the database that the script is for: the one given, or the group's only one; "" where that is open."""
    databases = databases_in(plan)
    return wanted or (databases[0] if len(databases) == 1 else "")


def databases_in(plan: Mapping) -> list[str]:
    """Return the group's databases."""
    return sorted({database for node in plan["nodes"].values() for database in node["databases"]})


def members(plan: Mapping, database: str) -> list[str]:
    """Return the nodes of a database in the order of the run, that of their hosts' names."""
    nodes = [node for node in plan["nodes"].values() if database in node["databases"]]
    return [node["name"] for node in sorted(nodes, key=lambda node: str(node["host"]))]


def there(script: Script, nodes: t.Iterable[str], found: Mapping) -> list[str]:
    """Return the nodes that ran the script before."""
    return [name for name in nodes if _noted(script, found.get(name, {})) == script.sha256]


def problems(plan: Mapping, script: Script, hosts: Mapping, found: Mapping) -> list[str]:
    """Return every reason not to run the script; an empty list lets it run."""
    nodes = members(plan, script.database)
    return [
        *_script_problems(script),
        *_limit_problems(script),
        *_database_problems(plan, script.database),
        *_node_problems(nodes, hosts, found),
        *_journal_problems(script, nodes, found),
    ]


def unreadable(path: str, why: str) -> str:
    """Return the problem of a file that is no script."""
    if not path:
        return "bdr_ddl_script: name the file with the SQL, -e bdr_ddl_script=/path/to/script.sql"
    return f"bdr_ddl_script: {path} cannot be read on the controller: {why}. Name a file with SQL in UTF-8"


def _script_problems(script: Script) -> t.Iterator[str]:
    try:
        split(script.text)
    except ScriptError as error:
        yield f"bdr_ddl_script: {script.path}, {error}"
    if not script.name.isprintable() or not script.name.strip() or len(script.name) > NAME_LENGTH:
        yield (
            f"bdr_ddl_name: {script.name!r} names no script; one line of 1 to {NAME_LENGTH} characters is wanted, "
            "such as 2026-11-add-column"
        )


def _limit_problems(script: Script) -> t.Iterator[str]:
    for name, value in script.limits.items():
        if not re.fullmatch(r"[0-9]{1,7}", str(value)) or int(value) > MOST_SECONDS:
            yield f"bdr_ddl_{name} is {value!r}; a whole number of seconds from 0 to {MOST_SECONDS} is wanted"


def _database_problems(plan: Mapping, database: str) -> t.Iterator[str]:
    databases = databases_in(plan)
    if not database:
        yield f"bdr_ddl_database: the group has several databases, name the script's: {', '.join(databases)}"
    elif database not in databases:
        yield f"bdr_ddl_database: {database} is no database of the group. Its databases: {', '.join(databases)}"


def _node_problems(nodes: t.Sequence[str], hosts: Mapping, found: Mapping) -> list[str]:
    """Return who is missing; of nodes that are all there, what is to be done on them: without one the others limp."""
    unseen = [
        f"{name} was not looked at, and a script runs on all nodes of its database: run without --limit"
        for name in nodes
        if name not in hosts or name not in found
    ]
    silent = [
        f"{name} does not answer, and a script runs on all nodes of its database: {found[name]['error']}. "
        "Mend it first, with site.yml"
        for name in nodes
        if name in found and not found[name]["answers"]
    ]
    return [*unseen, *silent] or [
        f"{name} is not as the plan says ({'; '.join(hosts[name]['pending'])}): run site.yml first"
        for name in nodes
        if hosts[name]["pending"]
    ]


def _journal_problems(script: Script, nodes: t.Iterable[str], found: Mapping) -> t.Iterator[str]:
    others = [name for name in nodes if _noted(script, found.get(name, {})) not in ("", script.sha256)]
    if others:
        yield another_text(script.name, others)


def _noted(script: Script, info: Mapping) -> str:
    """Return the hash under which a node's journal knows the script's name, "" where it does not."""
    for entry in info.get("scripts", ()):
        if (entry["database"], entry["script"]) == (script.database, script.name):
            return str(entry["sha256"])
    return ""
