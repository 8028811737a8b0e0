# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Trees: which commit a name is, how it is fetched, whether a tree is what it should be, edits.

Pure: what is known of a tree comes in as names and texts.
"""

from __future__ import annotations

import re
import typing as t

from .spec import SERVER, BuildProblem, Edit, Source, Spec

COMMIT = re.compile("[0-9a-f]{40}")
CATALOG_VERSION = "src/include/catalog/catversion.h"
_KINDS = ("tags", "heads")
Read = t.Callable[[str], t.Optional[str]]
"""Returns the text of a file of a tree, None where there is none."""


def refs(version: str) -> list[str]:
    """Return what to ask a repository for, the strongest first: tags win over branches, as git itself has it."""
    return [f"refs/tags/{version}^{{}}", *(f"refs/{kind}/{version}" for kind in _KINDS)]


def commit_of(source: Source, listing: str) -> str:
    """Return the commit that the version of a source is, from what `git ls-remote` printed."""
    known: dict[str, str] = {}
    for line in listing.splitlines():
        commit, _tab, name = line.partition("\t")
        known[name] = commit
    for name in refs(source.version):
        if name in known:
            return known[name]
    raise BuildProblem(
        f"{source.variable('version')}: {source.where} has no branch or tag {source.version!r}; "
        "a commit is given with all its 40 digits"
    )


def fetches(source: Source, commit: str) -> list[list[str]]:
    """Return the arguments of `git fetch` to try in turn: the one commit, or else all there is."""
    # Shallow only where no repository nearby has the history already.
    depth = [] if source.reference else ["--depth=1"]
    names = [commit] if COMMIT.fullmatch(source.version) else [f"refs/{kind}/{source.version}" for kind in _KINDS]
    # A server may not give out a commit by its number, nor a shallow history.
    everything = [source.where, *(f"+refs/{kind}/*:refs/fetched/{kind}/*" for kind in _KINDS)]
    return [*([*depth, source.where, name] for name in names), everything]


def another_archive(each: Source, checksum: str) -> BuildProblem:
    """Return the error for an archive that has another checksum than it should have."""
    return BuildProblem(
        f"{each.variable('checksum')}: {each.where} has sha256:{checksum}, wanted is sha256:{each.checksum}; "
        "it is another file than you mean, or damaged"
    )


def said(output: str) -> str:
    """Return the line of a program's output that tells what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (told or lines or ["it said nothing"])[0]


# --- A tree


def version_of(configure: str) -> str:
    """Return the version that a configure script builds, such as 9.3beta1; "" where it is not PostgreSQL's."""
    name = re.search(r"^PACKAGE_NAME='([^']*)'", configure, re.MULTILINE)
    version = re.search(r"^PACKAGE_VERSION='([\w.]+)'", configure, re.MULTILINE)
    return version[1] if name and version and name[1] == "PostgreSQL" else ""


def major_of(version: str) -> str:
    """Return the major version: two numbers before PostgreSQL 10, one since."""
    numbers = re.match(r"(\d+)(?:\.(\d+))?", version)
    assert numbers, version
    return numbers[1] if int(numbers[1]) >= 10 or numbers[2] is None else f"{numbers[1]}.{numbers[2]}"


def wanted_files(spec: Spec) -> set[str]:
    """Return the files that tree_problems looks at."""
    contrib = {f"contrib/{name}/Makefile" for name in spec.contrib}
    return {"configure", "src/include/c.h", "config.status", *contrib, *(edit.file for edit in spec.edits)}


def tree_problems(spec: Spec, read: Read) -> list[str]:
    """Return what stands against building a tree."""
    where = f"{spec.source.where} {spec.source.version}".strip()
    variable = spec.source.variable({"git": "repository"}.get(spec.source.kind, spec.source.kind))
    if not version_of(read("configure") or "") or read("src/include/c.h") is None:
        return [f"{variable}: {where} is not a PostgreSQL source tree (no configure script of PostgreSQL in it)"]
    if read("config.status") is not None:
        return [f"{variable}: {where} has been configured in place; run make distclean there"]
    missing = [name for name in spec.contrib if read(f"contrib/{name}/Makefile") is None]
    problems = [
        f"bdr_build_contrib: {where} has no contrib/{name}; {variable} is another tree than you want, "
        "or bdr_build_contrib names too much"
        for name in missing
    ]
    for edit in spec.edits:
        problems += edit_problems(edit, read(edit.file), where)
    return problems


def all_problems(spec: Spec, readers: t.Mapping[str, Read]) -> list[str]:
    """Return what stands against building any of the trees; readers by the name of the source."""
    return tree_problems(spec, readers[SERVER]) + [
        f"bdr_build_extensions: {extension.source.where} has no Makefile"
        for extension in spec.extensions
        if readers[extension.name]("Makefile") is None
    ]


def edit_problems(edit: Edit, found: str | None, where: str) -> list[str]:
    """Return why an edit cannot be made."""
    if found is None:
        return [f"bdr_build_edits: {where} has no file {edit.file}"]
    if re.search(edit.pattern, found, re.MULTILINE) is None:
        return [f"bdr_build_edits: nothing in {edit.file} matches {edit.pattern!r}"]
    return []


def edited(edit: Edit, found: str) -> str:
    """Return a text with every match of an edit replaced."""
    try:
        return re.sub(edit.pattern, edit.replacement, found, flags=re.MULTILINE)
    except (re.error, IndexError) as error:
        raise BuildProblem(f"bdr_build_edits: replacement {edit.replacement!r} of {edit.file}: {error}") from None


def top_of(tops: t.Collection[str]) -> str:
    """Return the one directory that everything of an archive lies in, with its slash; "" where there is none."""
    (top, *others) = [name for name in tops if name not in ("", ".")] or [""]
    return f"{top}/" if top and not others else ""
