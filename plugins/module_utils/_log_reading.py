# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A server's log, read line by line: known messages counted by link, errors that nobody knows counted as well. Pure.

Whatever the size of the log, only so many lines and so many different messages are kept.
"""

from __future__ import annotations

import calendar
import functools
import re
import time
import typing as t

from ._engine.messages import CLIENT, ERROR, SLOT_LIMIT, WARNING, Dialect, meaning, said
from ._session_types import Row

OPEN = 256
"""Processes whose last complaints wait for what else is said of them."""
EACH = 4
"""Complaints of one process that wait."""
GROUPS = 200
"""Different messages that are counted for themselves."""
KEPT_MEANINGS = 1024
"""A worker that fails says the same again and again."""
TEXT_BYTES = 2000
FAULTS = ("ERROR", "FATAL", "PANIC")
DOWNSTREAM, UPSTREAM, SERVER = "downstream", "upstream", "server"

_LEVELS = "LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION"
_OF_STATEMENTS = ("STATEMENT", "QUERY", "LOCATION")
LINE = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\S* \S+ \[(?P<pid>\d+)\] "
    rf"(?:(?P<user>[^@:\s]*)@(?P<database>\S*) (?P<application>.*?) ?)?(?P<level>{_LEVELS}):  (?P<text>.*)",
    re.DOTALL,
)
_BARE = re.compile(rf".*?\b(?P<level>{_LEVELS}):  (?P<text>.*)", re.DOTALL)
_AT = re.compile(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_WORKER = "[unknown]"
_NAME = re.compile(r"\(\?P<\w+>")
_ZONE_STEP = 900


def seconds_back(text: str) -> int:
    """Return how long ago the reading begins, such as `24 h`; ValueError where that cannot be read."""
    found = re.fullmatch(r"(\d{1,6}) ?(s|min|h|d)", text)
    if not found:
        raise ValueError(f"bdr_doctor_since is {text!r}; a time such as 90 min, 24 h or 7 d is wanted")
    return int(found[1]) * _UNITS[found[2]]


def zone(tail: str, mtime: float) -> int:
    """Return how many seconds a log is ahead of UTC: its last line was written when the file was."""
    times = _AT.findall(tail)
    if not times:
        return 0
    ahead = round((_seconds(times[-1]) - mtime) / _ZONE_STEP) * _ZONE_STEP
    return ahead if abs(ahead) <= 14 * 3600 else 0


def _seconds(at: str) -> int:
    return calendar.timegm(time.strptime(at, "%Y-%m-%d %H:%M:%S"))


@functools.lru_cache(maxsize=16)
def _utc(at: str, ahead: int) -> str:
    return stamp(_seconds(at) - ahead)


def stamp(seconds: float) -> str:
    """Return a time as logs have it, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


class Reading:
    """What the lines of a node's log tell. Lines are taken in the order of each file, files in any order."""

    def __init__(self, dialect: Dialect, role: str, since: float) -> None:
        self._dialect, self._role, self._since = dialect, role, since
        # Most lines are chatter; one search tells so.
        self._any = re.compile("|".join(f"(?:{_NAME.sub('(?:', each.pattern)})" for each in dialect.messages))
        self._meaning = functools.lru_cache(maxsize=KEPT_MEANINGS)(self._meaning_of)
        self._held: dict[str, list[Row]] = {}
        self._workers: dict[str, str] = {}
        self._known: dict[tuple[str, ...], Row] = {}
        self._unknown: dict[tuple[str, ...], Row] = {}
        self.lines = self.unread = self.left_out = 0
        self._ahead = 0
        self._first, self._at = "", ""

    def begin(self, ahead: int, written: float) -> None:
        """Begin a file. ahead: how far its times are from UTC; written: when it was, for lines without a time."""
        self._release()
        self._ahead = ahead
        self._first = stamp(self._since + ahead)
        self._at = stamp(written + ahead)

    def take(self, line: str) -> None:
        """Take a line."""
        if _AT.match(line) and line[:19] < self._first:
            self._at = line[:19]
            return
        found = LINE.match(line)
        if not found:
            self._take_bare(line)
            return
        self._at = found["at"]
        self.lines += 1
        pid, level, text = found["pid"], found["level"], found["text"][:TEXT_BYTES].rstrip()
        if level in _OF_STATEMENTS:
            return
        ended = self._dialect.ended.search(text)
        if ended:
            self._end(ended["pid"], ended["worker"])
        elif level in ("DETAIL", "CONTEXT"):
            for complaint in self._held.get(pid, ())[-1:]:
                complaint[level.lower()] = complaint[level.lower()] or text
        else:
            self._complain({**found.groupdict(""), "text": text})

    def _take_bare(self, line: str) -> None:
        """Take a line whose prefix is not ours: the rest of another, one of the start, or an operator's prefix."""
        found = _BARE.match(line)
        if not found or line.startswith("\t") or self._at < self._first:
            return
        self.lines += 1
        self.unread += 1
        none = {"user": "", "database": "", "application": "", "pid": "", "at": self._at}
        self._complain({**none, "level": found["level"], "text": found["text"][:TEXT_BYTES].rstrip()})

    def _complain(self, line: Row) -> None:
        end = self._end_of(line)
        named = self._dialect.named.match(line["application"]) or self._dialect.named.match(line["text"])
        if named and end != CLIENT:
            self._workers[line["pid"]] = named["worker"]
            if len(self._workers) > OPEN:
                del self._workers[next(iter(self._workers))]
        known = self._meaning(end == CLIENT, line["text"])
        if not known and line["level"] not in FAULTS:
            return
        complaint = {
            **{name: line[name] for name in ("database", "application", "level", "at")},
            **{"end": end, "worker": self._workers.get(line["pid"], ""), "detail": "", "context": ""},
            **{"said": line["text"], "known": known},
        }
        self._hold(line["pid"], complaint)

    def _end_of(self, line: Row) -> str:
        """Return the end of a link that speaks: upstreams by the sessions of the replication role."""
        if line["user"] == self._role:
            return UPSTREAM
        if line["user"] == _WORKER:
            return DOWNSTREAM
        return CLIENT if line["user"] and line["application"] != SLOT_LIMIT else SERVER

    def _meaning_of(self, is_client: bool, text: str) -> Row:
        """Return what is known of it. What a client did wrong is known where it is of replication only."""
        if not self._any.search(text):
            return {}
        if not is_client:
            return meaning(text, self._dialect.messages)
        return meaning(text, [message for message in self._dialect.messages if message.kind == CLIENT])

    def _hold(self, pid: str, complaint: Row) -> None:
        held = self._held.setdefault(pid, [])
        held.append(complaint)
        if len(held) > EACH:
            self._count(held.pop(0))
        if len(self._held) > OPEN:
            for each in self._held.pop(next(iter(self._held))):
                self._count(each)

    def _end(self, pid: str, worker: str) -> None:
        """A worker that ended is named, and what its process said is its own."""
        self._workers.pop(pid, None)
        for complaint in self._held.pop(pid, ()):
            self._count({**complaint, "worker": worker})

    def _release(self) -> None:
        for held in self._held.values():
            for complaint in held:
                self._count(complaint)
        self._held.clear()
        self._workers.clear()

    def _count(self, complaint: Row) -> None:
        known = complaint["known"]
        # What a server says of itself while a worker is at work is the worker's.
        end = DOWNSTREAM if complaint["end"] == SERVER and complaint["worker"] else complaint["end"]
        groups = self._known if known else self._unknown
        message = without_numbers(known["told"]) if known else normalised(said(complaint["said"]))
        whose = complaint["application"] if end == UPSTREAM else complaint["worker"]
        key = (message, end, complaint["database"], "" if end == CLIENT else whose)
        at = _utc(complaint["at"], self._ahead)
        group = groups.get(key)
        if group is None:
            if len(groups) >= GROUPS:
                self.left_out += 1
                return
            group = groups[key] = {**_described(complaint, message), "end": end, "count": 0, "first_at": at}
            group["last_at"] = ""
        group["count"] += 1
        group["first_at"] = min(group["first_at"], at)
        if at >= group["last_at"]:
            group.update({name: complaint[name] for name in ("said", "detail", "context")}, last_at=at)
        if end == CLIENT and not known:
            group.update(said="", detail="", context="")  # rows of an application's can stand in it

    def result(self) -> Row:
        """Return what was found, the most frequent first."""
        self._release()
        for group in (*self._known.values(), *self._unknown.values()):
            group.update({name: said(group[name]) for name in ("said", "detail", "context")})
        return {
            "known": _most_first(self._known.values()),
            "unknown": _most_first(self._unknown.values()),
            "lines": self.lines,
            "unread": self.unread,
            "left_out": self.left_out,
        }


def _most_first(groups: t.Iterable[Row]) -> list[Row]:
    return sorted(groups, key=lambda group: (-group["count"], group["message"]))


def _described(complaint: Row, message: str) -> Row:
    known = complaint["known"]
    kept = {name: complaint[name] for name in ("database", "application", "worker", "level")}
    if known:
        described = {name: known[name] for name in ("meaning", "mend", "kind", "severity", "run", "slot")}
        return {"message": known["told"], **described, **kept}
    fault = ERROR if complaint["end"] in (DOWNSTREAM, UPSTREAM) or complaint["worker"] else WARNING
    return {
        "message": message,
        **{"meaning": "", "mend": "", "kind": "", "run": [], "slot": ""},
        **kept,
        "severity": fault,
    }


def without_numbers(text: str) -> str:
    """Return a message by which its repetitions are known: processes and WAL files differ."""
    return re.sub(r"\b[0-9A-F]{24}\b|\b[0-9A-F]+/[0-9A-F]+\b|\b\d+\b", "#", text)


def normalised(text: str) -> str:
    """Return a message without what may differ or may be somebody's data: what is quoted, and numbers."""
    text = re.sub(r" at character \d+$", "", text)
    return without_numbers(re.sub(r"\"[^\"]*\"?|'[^']*'?", '"..."', text))
