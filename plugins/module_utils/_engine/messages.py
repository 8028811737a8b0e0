# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What servers log of links: a message with its meaning and its remedy, and workers that end again and again. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._session_types import Row

CONFLICT = "conflict"
UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Message:
    """A pattern of a server's message; meaning and remedy may use its groups.

    kind: `conflict`, a change that the rows of the node stand against; `unreachable`, no way to the upstream.
    """

    pattern: str
    meaning: str
    remedy: str
    kind: str = ""


@dataclass(frozen=True)
class Line:
    """A line of a log: when, which process, what level, what it says."""

    at: str
    pid: str
    level: str
    text: str


# Whatever else the prefix has, ours begins with the time and the process.
_LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\S* \S+ \[(?P<pid>\d+)\].*? "
    r"(?P<level>LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT|STATEMENT):  (?P<text>.*)"
)
_AT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_SESSION = re.compile(r"\[\d+\] (?P<user>[^@:]+)@")
"""A client's line as our log_line_prefix begins it; a worker's has no user, or an unknown one."""
_WORKER = "[unknown]"
TEXT_SIZE = 400
_COMMAND = " (expected_encoding"
"""Where the command that starts replication begins to be a page long."""


def parse(line: str) -> Line | None:
    """Return what a line has, None where it is the rest of another."""
    found = _LINE.match(line)
    return Line(**found.groupdict()) if found else None


def recent(lines: t.Iterable[str], since: str) -> list[str]:
    """Return the lines from a time on, given as the lines begin."""
    kept: list[str] = []
    is_recent = False
    for line in lines:
        found = _AT.match(line)
        if found:
            is_recent = found[0] >= since
        if is_recent:
            kept.append(line)
    return kept


def meaning(text: str, messages: t.Iterable[Message]) -> Row:
    """Return what a message means: what was recognised, meaning, mend and kind; {} where nobody knows."""
    for message in messages:
        match = re.search(message.pattern, text)
        if match:
            groups = {name: value or "" for name, value in match.groupdict().items()}
            return {
                "told": match.group(0),
                "meaning": message.meaning.format(**groups),
                "mend": message.remedy.format(**groups),
                "kind": message.kind,
            }
    return {}


def told(lines: t.Iterable[str], role: str, messages: t.Sequence[Message]) -> t.Iterator[str]:
    """Yield what each line tells of links, with the remedy.

    role: who replicates. What other clients do wrong, such as a key they give twice, says nothing of links.
    """
    for line in lines:
        session = _SESSION.search(line)
        if session and session.group("user") not in (role, _WORKER):
            continue
        for message in messages:
            found = meaning(line, (message,))
            if found:
                yield f"{found['told']}: {found['meaning']}. Mend: {found['mend']}"


def failures(lines: t.Iterable[str], ended: t.Pattern[str], messages: t.Sequence[Message]) -> dict[str, Row]:
    """Return the workers that ended, with the last error of each and how often in a row it did so by that.

    ended: what the server says of a worker that ended, with the groups worker and pid.
    """
    found: dict[str, Row] = {}
    errors: dict[str, Row] = {}
    for line in filter(None, map(parse, lines)):
        if line.level in ("ERROR", "FATAL", "PANIC"):
            errors[line.pid] = {**_NOTHING_SAID, "error": line.text.split(_COMMAND)[0][:TEXT_SIZE]}
        elif line.level in ("DETAIL", "CONTEXT") and line.pid in errors:
            errors[line.pid][line.level.lower()] = line.text[:TEXT_SIZE]
        end = ended.search(line.text)
        if end:
            error = errors.pop(end["pid"], _NOTHING_SAID)
            before = found.get(end["worker"], {})
            # Another error is another trouble: the last one may have been mended.
            is_again = before.get("error") == error["error"]
            times, first_at = (before["times"] + 1, before["first_at"]) if is_again else (1, line.at)
            counted = {"times": times, "first_at": first_at, "last_at": line.at}
            found[end["worker"]] = {**error, **counted, **_known(error, messages)}
    return found


_NOTHING_SAID = {"error": "", "detail": "", "context": ""}


def _known(error: Row, messages: t.Sequence[Message]) -> Row:
    found = meaning(error["error"], messages)
    return {name: found.get(name, "") for name in ("meaning", "mend", "kind")}
