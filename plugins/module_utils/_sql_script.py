# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A SQL script as its statements, split where the server's own scanner would end them. Pure.

Each statement is run by itself, so that an error names it. What a run must decide itself is refused, with its line.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

_LETTER = r"A-Za-z_\u0080-\U0010ffff"
# In the order of the alternatives: e'..' is a string only where no longer word begins, and $a$ no part of a word.
_TOKEN = re.compile(
    rf"""
      (?P<space>[ \t\n\r\f\v]+ | --[^\n\r]*)
    | (?P<comment>/\*)
    | (?P<escape>[eE]')
    | (?P<plain>(?:[bBxXnN]|[uU]&)?')
    | (?P<quoted>(?:[uU]&)?")
    | (?P<dollar>\$(?:[{_LETTER}][{_LETTER}0-9]*)?\$)
    | (?P<word>[{_LETTER}][{_LETTER}0-9$]*)
    | (?P<number>[0-9][A-Za-z0-9_.]*)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ENDS = {
    "escape": re.compile(r"(?:[^'\\]|\\.|'')*'", re.DOTALL),
    "plain": re.compile(r"(?:[^']|'')*'"),
    "quoted": re.compile(r'(?:[^"]|"")*"'),
}
# Strings with nothing but a new line between them are one, and backslashes go on to escape in it.
_CONTINUED = re.compile(r"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'")
_COMMENT_END = re.compile(r"/\*|\*/")

_ROUTINE = re.compile(r"CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)\b")

# Words outside of parentheses are in capitals, those inside are small.
_REFUSED = (
    (
        r"(BEGIN|START|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|PREPARE TRANSACTION"
        r"|SET (LOCAL |SESSION )?TRANSACTION|SET SESSION CHARACTERISTICS)\b",
        "controls the transaction, and the run makes the script one: take it out",
    ),
    (
        r"COPY\b.* (FROM STDIN|TO STDOUT)\b",
        "moves rows from or to a client, and there is none: use INSERT, or a file on the host",
    ),
    (
        r"(DISCARD|(SET|RESET) (LOCAL |SESSION )?(ALL|STANDARD_CONFORMING_STRINGS|REPLICATION_ORIGIN_ID|BDR\.\S+))\b",
        "changes what the run itself has set in the session: take it out",
    ),
)
_ALONE = re.compile(
    r"CREATE (UNIQUE )?INDEX CONCURRENTLY\b|DROP INDEX CONCURRENTLY\b|REINDEX\b.*\b(?i:concurrently)\b"
    r"|REINDEX (\( .* \) )?(DATABASE|SYSTEM|SCHEMA)\b|VACUUM\b|CLUSTER( VERBOSE)?$|ALTER SYSTEM\b"
    r"|(CREATE|DROP) (DATABASE|TABLESPACE|SUBSCRIPTION)\b|ALTER DATABASE \S+ SET TABLESPACE\b"
    r"|ALTER TABLE\b.* DETACH PARTITION\b.* CONCURRENTLY$"
)


class ScriptError(ValueError):
    """A script that cannot be run as it is; the message begins with the line."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")


@dataclass(frozen=True)
class ScriptStatement:
    """One statement of a script and the line it begins on. alone: it refuses to be in a transaction."""

    text: str
    line: int
    alone: bool = False


def split(text: str) -> tuple[ScriptStatement, ...]:
    """Return the statements; ScriptError for the first one that cannot be run, or where there is none."""
    if "\0" in text:
        raise ScriptError(text.count("\n", 0, text.index("\0")) + 1, "a NUL byte, which no server takes")
    found = tuple(_Scanner(text).statements())
    if not found:
        raise ScriptError(1, "there is no statement in it")
    for statement in found:
        if statement.alone and len(found) > 1:
            raise ScriptError(
                statement.line,
                "this statement refuses to be in a transaction: give it a script of its own, as the only one",
            )
    return found


class _Scanner:
    """Goes through a text once. `_words` is what the present statement says, without strings and names in quotes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._begin = -1  # where the present statement begins; -1: not yet
        self._words: list[str] = []
        self._parentheses = 0
        self._bodies = 0  # BEGIN ATOMIC and CASE that wait for their END

    def statements(self) -> t.Iterator[ScriptStatement]:
        position, length = 0, len(self._text)
        while position < length:
            match = _TOKEN.match(self._text, position)
            assert match is not None  # its last alternative takes anything
            kind, end = str(match.lastgroup), self._end(match)
            if kind not in ("space", "comment"):
                if self._ends_statement(match):
                    yield from self._finished(position)
                else:
                    self._take(kind, match)
            position = end
        if self._begin >= 0 and (self._parentheses or self._bodies):
            self._refuse(self._begin, "BEGIN ATOMIC has no END" if self._bodies else "a parenthesis is not closed")
        yield from self._finished(length)

    def _end(self, match: re.Match[str]) -> int:
        """Return where the token ends; what is opened must be closed."""
        kind = str(match.lastgroup)
        if kind == "comment":
            return self._comment_end(match)
        if kind == "dollar":
            end = self._text.find(match.group(), match.end())
            return end + len(match.group()) if end >= 0 else self._unclosed(match)
        if kind not in _ENDS:
            return match.end()
        closed = _ENDS[kind].match(self._text, match.end())
        while kind == "escape" and closed:
            more = _CONTINUED.match(self._text, closed.end())
            if not more:
                break
            closed = _ENDS[kind].match(self._text, more.end())
        return closed.end() if closed else self._unclosed(match)

    def _comment_end(self, match: re.Match[str]) -> int:
        depth, end = 1, match.end()
        while depth:
            mark = _COMMENT_END.search(self._text, end)
            if not mark:
                self._unclosed(match)
            depth += 1 if mark.group() == "/*" else -1
            end = mark.end()
        return end

    def _unclosed(self, match: re.Match[str]) -> t.NoReturn:
        self._refuse(match.start(), f"{match.group()} is opened here and not closed")

    def _ends_statement(self, match: re.Match[str]) -> bool:
        return match.group() == ";" and not self._parentheses and not self._bodies

    def _take(self, kind: str, match: re.Match[str]) -> None:
        """Add a token to the present statement."""
        token = match.group()
        if token == "\\":
            self._refuse(match.start(), "a backslash outside of quotes: commands of psql are not run here")
        if self._begin < 0:
            self._begin = match.start()
        if token in "()":
            self._parentheses = max(0, self._parentheses + (1 if token == "(" else -1))
        if kind == "word":
            self._take_word(token)
        elif token not in ",;":
            self._words.append(token if kind == "other" else "?")

    def _take_word(self, token: str) -> None:
        word = token.lower() if self._parentheses else token.upper()
        if not self._parentheses and _ROUTINE.match(" ".join(self._words[:4])):
            if word == "ATOMIC" and self._words[-1] == "BEGIN":
                self._bodies += 1
            elif self._bodies:
                self._bodies += {"CASE": 1, "END": -1}.get(word, 0)
        self._words.append(word)

    def _finished(self, end: int) -> t.Iterator[ScriptStatement]:
        """Yield the present statement, if there is one, and begin another."""
        if self._begin >= 0:
            said = " ".join(self._words).replace(" . ", ".")
            for pattern, problem in _REFUSED:
                if re.match(pattern, said):
                    self._refuse(self._begin, f"{said.split()[0]} {problem}")
            text = self._text[self._begin : end].rstrip()
            yield ScriptStatement(text, self._line(self._begin), bool(_ALONE.match(said)))
        self._begin, self._words, self._parentheses, self._bodies = -1, [], 0, 0

    def _line(self, position: int) -> int:
        return self._text.count("\n", 0, position) + 1

    def _refuse(self, position: int, problem: str) -> t.NoReturn:
        raise ScriptError(self._line(position), problem)
