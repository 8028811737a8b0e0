# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What is to be built: the variables of the role bdr_build as types, or every reason why they cannot be.

Pure. Messages name the role's variables, which are the options of the modules with `bdr_build_` before them.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._fields import Parser, WrongValue, boolean, fields_of, is_list, listing, matching, shown, text

REPOSITORY = "git://git.postgresql.org/git/users/andresfreund/postgres.git"
VERSION = "bdr"
SERVER = "postgresql"
"""Name of the server's own source among the sources."""


class BuildProblem(Exception):
    """Why a server is not built. Each problem names a variable and the mend."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass(frozen=True)
class Source:
    """Where a tree comes from. kind: `git`, `archive` or `directory`; of: what its variables are called."""

    kind: str
    where: str
    of: str
    version: str = ""
    reference: str = ""
    checksum: str = ""

    def variable(self, option: str) -> str:
        """Return how an operator calls an option of this source."""
        return f"{self.of}{option}"


@dataclass(frozen=True)
class Extension:
    """A tree of its own, built with PGXS against the fresh server."""

    name: str
    source: Source


@dataclass(frozen=True)
class Edit:
    """A change of the source: a regular expression, and what stands there afterwards."""

    file: str
    pattern: str
    replacement: str


@dataclass(frozen=True)
class Spec:
    """All that is said of a build."""

    source: Source
    contrib: tuple[str, ...]
    extensions: tuple[Extension, ...]
    configure: tuple[str, ...]
    flags: tuple[str, ...]
    edits: tuple[Edit, ...]
    debug: bool
    packages: tuple[str, ...]
    user: str
    prefix: str
    work_directory: str

    @property
    def sources(self) -> dict[str, Source]:
        """Return every source by its name, the server's own first."""
        return {SERVER: self.source, **{extension.name: extension.source for extension in self.extensions}}

    @property
    def compiler(self) -> str:
        """Return the compiler that configure is told to take, or would take by itself."""
        given = [item.partition("=")[2] for item in self.configure if item.startswith("CC=")]
        return given[-1] if given else "gcc"


_OURS = ("prefix", "exec-prefix", "bindir", "libdir", "datadir", "datarootdir", "includedir", "sysconfdir", "srcdir")


def _empty_or(parser: Parser) -> Parser:
    return lambda value: "" if value is None or value == "" else parser(value)


def _pattern(value: t.Any) -> str:
    """Parse a regular expression; it may span lines."""
    if not isinstance(value, str) or not value:
        raise WrongValue(f"is {shown(value)}; a regular expression is wanted")
    try:
        re.compile(value)
    except re.error as error:
        raise WrongValue(f"is {value[:60]!r}; a regular expression is wanted ({error})") from None
    return str(value)


def _any_text(value: t.Any) -> str:
    if not isinstance(value, str):
        raise WrongValue(f"is {shown(value)}; a string is wanted")
    return str(value)


def _configure_option(value: t.Any) -> str:
    found = text(value)
    if re.match(rf"--({'|'.join(_OURS)})(=|$)", found):
        raise WrongValue(f"is {found!r}; where a build lies is the role's own: set bdr_build_prefix")
    if found.startswith("CFLAGS="):
        raise WrongValue(f"is {found!r}; give compiler flags in bdr_build_flags")
    return found


_FILE = matching(r"(?!/)(?!(.*/)?\.\.(/|$)).+", "a path inside the source tree, such as src/backend/parser/gram.y")
_FLAG = matching(r"-\S+", "one compiler flag, such as -O3")
# What make and the shells of its recipes take for a path without quoting.
_PATH = matching(r"/[\w./+-]*\w", "an absolute path of letters, digits and _ . / + -")
_LOCAL = matching(r"/.+", "an absolute path on the build host")
_NAME = matching(r"\w[\w-]*", "a name of letters, digits, _ and -")
_REF = matching(r"(?!-)[^\s~^:?*\[\\]+", "a branch, a tag or a commit")


def _no_secret(parser: Parser) -> Parser:
    """Return a parser that takes no password, which logs, manifest and process list would show."""

    def parse(value: t.Any) -> str:
        if isinstance(value, str) and re.match(r"\w+://[^/@]*:[^/@]*@", value):
            raise WrongValue("holds a password, which logs would show; name a place that needs none")
        return str(parser(value))

    return parse


_REMOTE = _no_secret(matching(r"(?!-).+", "what git clone takes"))
_ARCHIVE = _no_secret(matching(r"(/|https?://|ftp://).+", "an absolute path on the build host, or a URL"))
_CHECKSUM = matching(r"sha256:[0-9A-Fa-f]{64}", "sha256: and 64 hexadecimal digits, as sha256sum prints them")

_SOURCE_FIELDS: dict[str, tuple[Parser, t.Any]] = {
    "repository": (_empty_or(_REMOTE), ""),
    "version": (_empty_or(_REF), ""),
    "reference": (_empty_or(_LOCAL), ""),
    "archive": (_empty_or(_ARCHIVE), ""),
    "checksum": (_empty_or(_CHECKSUM), ""),
    "directory": (_empty_or(_LOCAL), ""),
}
_SPEC_FIELDS: dict[str, tuple[Parser, t.Any]] = {
    "contrib": (listing(_NAME), ()),
    "configure": (listing(_configure_option), ()),
    "flags": (listing(_FLAG), ()),
    "debug": (boolean, False),
    "packages": (listing(text), ()),
    "user": (_NAME, "pgbdr-build"),
    "prefix": (_PATH, "/opt/pgbdr"),
    "work_directory": (_PATH, "/var/cache/pgbdr"),
}
_EDIT_FIELDS: dict[str, tuple[Parser, t.Any]] = {
    "file": (_FILE, None),
    "pattern": (_pattern, None),
    "replacement": (_any_text, None),
}
_EXTENSION_FIELDS: dict[str, tuple[Parser, t.Any]] = {"name": (_NAME, None), **_SOURCE_FIELDS}

_EMPTY = Source("", "", "")


def parse(options: t.Mapping[str, t.Any]) -> Spec:
    """Return what the options say, or raise with every problem."""
    problems: list[str] = []
    named = {f"bdr_build_{name}": value for name, value in options.items()}
    found = _values(_SPEC_FIELDS, named, "bdr_build_", problems)
    source = _source(_SOURCE_FIELDS, named, "bdr_build_", problems)
    edits = [
        Edit(**values) for values in _dicts(options.get("edits"), "bdr_build_edits", _EDIT_FIELDS, "file", problems)
    ]
    extensions = list(_extensions(options.get("extensions"), problems))
    if problems:
        raise BuildProblem(*problems)
    return Spec(source=source, edits=tuple(edits), extensions=tuple(extensions), **found)


def _values(
    fields: t.Mapping[str, tuple[Parser, t.Any]], options: t.Mapping[str, t.Any], of: str, problems: list[str]
) -> dict[str, t.Any]:
    named = {f"{of}{name}": field for name, field in fields.items()}
    given = {name: value for name, value in options.items() if value is not None}
    return {name[len(of) :]: value for name, value in fields_of(named, given, "", problems).items()}


def _source(
    fields: t.Mapping[str, tuple[Parser, t.Any]], options: t.Mapping[str, t.Any], of: str, problems: list[str]
) -> Source:
    before = len(problems)
    found = _values(fields, options, of, problems)
    if of == "bdr_build_" and (found["archive"] or found["directory"]) and found["repository"] == REPOSITORY:
        # The default, which archive and directory replace.
        found["repository"] = ""
    kinds = [kind for kind in ("repository", "archive", "directory") if found[kind]]
    if len(kinds) > 1:
        problems.append(
            f"{' and '.join(of + kind for kind in kinds)} are given; one source is wanted, leave out the rest"
        )
    if not kinds and len(problems) == before:
        problems.append(f"{of}repository, {of}archive or {of}directory is missing; one of them is wanted")
    if found["archive"] and not found["checksum"] and f"{of}checksum is" not in " ".join(problems[before:]):
        problems.append(
            f"{of}checksum is missing; {of}archive needs one: sha256: and what sha256sum prints for the file"
        )
    if found["repository"] and not found["version"] and len(problems) == before:
        problems.append(f"{of}version is missing; {of}repository needs a branch, a tag or a commit")
    if len(problems) > before:
        return _EMPTY
    kind = kinds[0]
    if kind == "repository":
        return Source("git", found["repository"], of, found["version"], found["reference"])
    checksum = found["checksum"].partition(":")[2].lower() if kind == "archive" else ""
    return Source(kind, found[kind].rstrip("/"), of, checksum=checksum)


def _extensions(value: t.Any, problems: list[str]) -> t.Iterator[Extension]:
    names: list[str] = [SERVER]
    for place, item in enumerate(_items(value, "bdr_build_extensions", problems), 1):
        of = f"bdr_build_extensions item {place} "
        values = {f"{of}{key}": found for key, found in item.items()}
        before = len(problems)
        name = _checked(item, of, {"name": _EXTENSION_FIELDS["name"]}, _EXTENSION_FIELDS, problems).get("name")
        source = _source(_SOURCE_FIELDS, values, of, problems)
        if name in names:
            problems.append(f"{of}name is {name!r}, which is taken; each extension needs a name of its own")
        if len(problems) == before:
            names.append(str(name))
            yield Extension(str(name), source)


def _dicts(
    value: t.Any, of: str, fields: t.Mapping[str, tuple[Parser, t.Any]], first: str, problems: list[str]
) -> t.Iterator[dict[str, t.Any]]:
    for place, item in enumerate(_items(value, of, problems), 1):
        before = len(problems)
        found = _checked(item, f"{of} item {place} ", fields, fields, problems)
        if len(problems) == before:
            yield found


def _items(value: t.Any, of: str, problems: list[str]) -> t.Iterator[t.Mapping[str, t.Any]]:
    if value is not None and not is_list(value):
        problems.append(f"{of} is {shown(value)}; a list of mappings is wanted")
        return
    for place, item in enumerate(value or (), 1):
        if isinstance(item, t.Mapping):
            yield item
        else:
            problems.append(f"{of} item {place} is {shown(item)}; a mapping is wanted")


def _checked(
    item: t.Mapping[str, t.Any],
    of: str,
    wanted: t.Mapping[str, tuple[Parser, t.Any]],
    known: t.Mapping[str, tuple[Parser, t.Any]],
    problems: list[str],
) -> dict[str, t.Any]:
    """Parse what is wanted of an item; what it lacks and what nobody knows goes to problems."""
    unknown = sorted(str(key) for key in item if key not in known)
    if unknown:
        problems.append(f"{of}has {', '.join(unknown)}; known are {', '.join(known)}")
    missing = [name for name in wanted if item.get(name) is None]
    problems += [f"{of}has no {name}" for name in missing]
    present = {name: field for name, field in wanted.items() if name not in missing}
    return _values(present, {f"{of}{key}": value for key, value in item.items()}, of, problems)
