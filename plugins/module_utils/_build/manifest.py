# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The key of a build, where it lies, and what is written of it. Pure."""

from __future__ import annotations

import hashlib
import json
import posixpath
import typing as t

from .adapt import RULES, Adaptation
from .spec import SERVER, Extension, Spec

FILE = "pgbdr-build.json"
SHORT = 12

Identities = t.Mapping[str, str]
"""By the name of a source what it is, such as `commit 0123...` or `sha256 0123...`."""


def key(spec: Spec, identities: Identities, compiler: str, platform: str) -> str:
    """Return what tells one build from another: all that decides what comes out."""
    said = {
        "rules": RULES,
        "prefix": spec.prefix,
        "platform": platform,
        "compiler": compiler,
        "sources": dict(identities),
        "edits": [[edit.file, edit.pattern, edit.replacement] for edit in spec.edits],
        "flags": spec.flags,
        "configure": spec.configure,
        "contrib": spec.contrib,
        "extensions": [extension.name for extension in spec.extensions],
        "debug": spec.debug,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def builds(spec: Spec) -> str:
    """Return the directory of all builds."""
    return posixpath.join(spec.prefix, "builds")


def directory(spec: Spec, version: str, whole_key: str) -> str:
    """Return where a build is installed."""
    return posixpath.join(builds(spec), f"{version}-{whole_key[:SHORT]}")


def is_build(name: str, whole_key: str) -> bool:
    """Tell whether a directory's name is that of the build of a key."""
    return name.endswith(f"-{whole_key[:SHORT]}") and not name.startswith(".")


def origin(spec: Spec, identities: Identities, name: str = SERVER) -> dict[str, str]:
    """Return what is told of a source."""
    source = spec.sources[name]
    what, _blank, number = identities[name].partition(" ")
    return {"kind": source.kind, "url": source.where, "version": source.version, what: number}


def manifest(
    spec: Spec,
    identities: Identities,
    found: t.Sequence[Adaptation],
    facts: t.Mapping[str, t.Any],
) -> dict[str, t.Any]:
    """Return what is written beside the programs; facts: what was found out while it was built."""

    def extension(item: Extension) -> dict[str, str]:
        return {"name": item.name, **origin(spec, identities, item.name)}

    return {
        **facts,
        "source": {"commit": "", **origin(spec, identities)},
        "configure": list(spec.configure),
        "contrib": list(spec.contrib),
        "extensions": [extension(item) for item in spec.extensions],
        "edits": [{"file": e.file, "pattern": e.pattern, "replacement": e.replacement} for e in spec.edits],
        "adaptations": [{"what": item.what, "why": item.why} for item in found],
        "debug": spec.debug,
    }


def package_names(output: str) -> list[str]:
    """Return the packages in the output of `dpkg -S`, without their architecture."""
    names = {
        name.strip().partition(":")[0]
        for line in output.splitlines()
        if ": " in line and not line.startswith("diversion ")
        for name in line.partition(": ")[0].split(",")
    }
    return sorted(names)


def libraries(output: str) -> list[str]:
    """Return the paths in the output of ldd."""
    paths = set()
    for line in output.splitlines():
        _name, arrow, rest = line.partition(" => ")
        path = rest.split(" (")[0].strip() if arrow else ""
        if path.startswith("/"):
            paths.add(path)
    return sorted(paths)


def sides(paths: t.Iterable[str]) -> list[str]:
    """Return under which paths dpkg may know libraries: either side of the merge of / and /usr."""
    known = set(paths)
    return sorted(known | {path[len("/usr") :] for path in known if path.startswith("/usr/lib")})
