# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What servers log of links: a message with its meaning and its remedy, and workers that end again and again. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._session_types import Row

CONFLICT = "conflict"
UNREACHABLE = "unreachable"
SERVER = "server"
CLIENT = "client"
SLOT_LIMIT = "pgbdr slot limit"
"""Application name of the session that drops slots which nobody uses; it speaks for the server."""
ERROR, WARNING, NOTICE = "error", "warning", "notice"
KEPT, SKIPPED, OVERWRITTEN = "kept", "skipped", "overwritten"
"""How a conflict ended on its node: the row there was newer and stayed; there was no such row; it was written over."""
SITE = "ansible-playbook playbooks/site.yml"
STATUS = "ansible-playbook playbooks/status.yml"
SCHEMA = "ansible-playbook playbooks/schema.yml"
COMPARE = "ansible-playbook playbooks/compare.yml"
SLOTS = "ansible-playbook playbooks/slots.yml"
RESEED = "ansible-playbook playbooks/reseed.yml -e bdr_node=<downstream> -e bdr_confirm=<downstream>"


@dataclass(frozen=True)
class Message:
    """A pattern of a server's message; meaning and remedy may use its groups.

    kind: `conflict`, a change that the rows of the node stand against; `unreachable`, no way to the upstream;
    `server`, of the server and of no link; `client`, told to a client that was refused, and no link stops.
    severity: `error`, a link or a server stops; `warning`, rows may differ or wait; `notice`, good to know.
    run: the commands; <downstream> in them is the link's.
    """

    pattern: str
    meaning: str
    remedy: str
    kind: str = ""
    severity: str = ERROR
    run: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dialect:
    """How an engine's servers log.

    ended: what the server says of a worker that ended, with the groups worker and pid.
    named: what in a worker's own line, or in the name of its session, says which one it is: the group worker.
    resolved: what it says of a conflict that it got over, with the group how; None where that cannot be counted.
    resolutions: what how stands for: KEPT, SKIPPED or OVERWRITTEN. conflict_level: the setting of the lines' level.
    """

    messages: tuple[Message, ...]
    ended: t.Pattern[str]
    named: t.Pattern[str]
    resolved: t.Pattern[str] | None = None
    resolutions: t.Mapping[str, str] = field(default_factory=dict)
    conflict_level: str = ""


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


def of_links(role: str) -> t.Pattern[bytes]:
    """Return how lines begin that the server itself, its workers or sessions of the role that replicates wrote."""
    others = rf"(?!(?:{re.escape(role)}|{re.escape(_WORKER)})@)[^@:]+@"
    return re.compile(rf"^{_AT.pattern}\S* \S+ \[\d+\] (?!{others})".encode())


def meaning(text: str, messages: t.Iterable[Message]) -> Row:
    """Return what a message means: what was recognised, meaning, mend and kind; {} where nobody knows."""
    for message in messages:
        match = re.search(message.pattern, text)
        if match:
            groups = {name: redacted(value or "") for name, value in match.groupdict().items()}
            return {
                "told": redacted(match.group(0)),
                "meaning": message.meaning.format(**groups),
                "mend": message.remedy.format(**groups),
                "kind": message.kind,
                "severity": message.severity,
                "run": list(message.run),
                "slot": next((groups[name] for name in ("slot", "asked", "newer") if groups.get(name)), ""),
            }
    return {}


# A value in quotes may have been cut off before they end.
_SECRET = r"""'(?:[^'\\]|\\.|'')*'?|"(?:[^"\\]|\\.)*"?|[^\s,;'"&]+"""
_SECRETS = (
    (re.compile(rf"(?i)(\b(?:ssl)?password\s*=\s*)(?:{_SECRET})"), r"\1********"),
    (re.compile(r"(?i)(\bpassword\s+)(?:'(?:[^'\\]|\\.|'')*'?)"), r"\1********"),
    (re.compile(r"(?i)(\boption: (?:ssl)?password, val: ).*"), r"\1********"),
    (re.compile(r"(?i)(\bpostgres(?:ql)?://[^\s:@/]*:)[^\s@]*(?=@|$)"), r"\1********"),
    (re.compile(r"SCRAM-SHA-256\$\S+|\bmd5[0-9a-f]{32}\b"), "********"),
)


def redacted(text: str) -> str:
    """Return what a server said without the secrets that can stand in it: those of DSNs, and of SQL."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def told(lines: t.Iterable[str], role: str, messages: t.Sequence[Message]) -> t.Iterator[str]:
    """Yield what each line tells of links, with the remedy.

    role: who replicates. What other clients do wrong, such as a key they give twice, says nothing of links.
    """
    stopping = [message for message in messages if message.severity != NOTICE]
    for line in lines:
        session = _SESSION.search(line)
        if session and session.group("user") not in (role, _WORKER):
            continue
        found = meaning(line, stopping)
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
            errors[line.pid] = {**_NOTHING_SAID, "error": said(line.text)}
        elif line.level in ("DETAIL", "CONTEXT") and line.pid in errors:
            errors[line.pid][line.level.lower()] = said(line.text)
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


def said(text: str) -> str:
    """Return a message without secrets and without its endless rest."""
    return redacted(text.split(_COMMAND)[0])[:TEXT_SIZE]


_NOTHING_SAID = {"error": "", "detail": "", "context": ""}


def _known(error: Row, messages: t.Sequence[Message]) -> Row:
    found = meaning(error["error"], messages)
    return {name: found.get(name, "") for name in ("meaning", "mend", "kind")}
