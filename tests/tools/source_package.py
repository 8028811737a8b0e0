"""Download the upstream tarballs of the distribution's source packages, and say where they lie and what they are.

    .venv/bin/python tests/tools/source_package.py [NAME ...]

Prints JSON: by the name of the package `archive`, a path in .cache/sources, and `checksum`, as bdr_build_archive and
bdr_build_checksum take them. Uses apt with the machine's own sources, which are read as source packages in a
directory of its own; nothing of the machine's apt is changed. A tarball that is there already is taken as it is.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "sources"
NAMES = ("postgresql-15", "pglogical")
APT = Path("/etc/apt")


class NotThere(Exception):
    """A source package that cannot be downloaded."""


def write_sources(directory: Path) -> None:
    """Copy the machine's sources, asking for source packages too."""
    directory.mkdir()
    for path in [APT / "sources.list", *sorted((APT / "sources.list.d").glob("*"))]:
        if path.suffix == ".sources":
            text = re.sub(r"^Types:.*$", "Types: deb-src", path.read_text(), flags=re.MULTILINE)
        elif path.suffix == ".list" and path.exists():
            text = re.sub(r"^deb\s", "deb-src ", path.read_text(), flags=re.MULTILINE)
        else:
            continue
        (directory / path.name).write_text(text)


class Apt:
    """An apt of our own in a directory."""

    def __init__(self, directory: Path) -> None:
        write_sources(directory / "parts")
        for name in ("lists/partial", "cache/archives/partial"):
            (directory / name).mkdir(parents=True)
        self._options = [
            *("-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={directory}/parts"),
            *("-o", f"Dir::State::lists={directory}/lists", "-o", f"Dir::Cache={directory}/cache"),
            # _apt may not enter this directory; root may.
            *("-o", "APT::Sandbox::User=root"),
        ]

    def run(self, program: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = [program, *self._options, *arguments]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)

    def versions(self, name: str) -> list[str]:
        """Return the versions that the sources list, the newest first."""
        shown = self.run("apt-cache", "showsrc", "--only-source", name).stdout
        found = set(re.findall(r"^Version: (\S+)$", shown, re.MULTILINE))
        newest_first: list[str] = []
        for version in found:
            older = [seen for seen in newest_first if is_newer(version, seen)]
            place = newest_first.index(older[0]) if older else len(newest_first)
            newest_first.insert(place, version)
        return newest_first


def is_newer(version: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", version, "gt", other], check=False).returncode == 0


def there(name: str) -> Path | None:
    found = sorted(CACHE.glob(f"{name}_*.orig.tar.*"))
    return found[-1] if found else None


def download(names: list[str]) -> None:
    """Download what is not there yet; of several versions the newest that the archive still has."""
    with tempfile.TemporaryDirectory() as directory:
        apt = Apt(Path(directory))
        updated = apt.run("apt-get", "update", "--quiet")
        for name in names:
            said = [updated.stderr]
            for version in apt.versions(name):
                into = Path(directory) / version
                into.mkdir()
                done = apt.run(
                    *("apt-get", "source", "--download-only", "--tar-only", "--quiet", f"{name}={version}"), cwd=into
                )
                tarballs = list(into.glob("*.orig.tar.*"))
                if done.returncode == 0 and tarballs:
                    CACHE.mkdir(parents=True, exist_ok=True)
                    # Seen by others when it is whole.
                    unfinished = CACHE / f".{tarballs[0].name}"
                    unfinished.write_bytes(tarballs[0].read_bytes())
                    unfinished.rename(CACHE / tarballs[0].name)
                    break
                said.append(done.stderr)
            else:
                raise NotThere(f"no source package {name} can be downloaded:\n" + "\n".join(said))


def source_packages(names: tuple[str, ...] = NAMES) -> dict[str, dict[str, str]]:
    """Return path and checksum of each package's tarball."""
    missing = [name for name in names if there(name) is None]
    if missing:
        download(missing)
    found = {name: there(name) for name in names}
    return {
        name: {"archive": str(path), "checksum": f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"}
        for name, path in found.items()
        if path
    }


if __name__ == "__main__":
    try:
        print(json.dumps(source_packages(tuple(sys.argv[1:]) or NAMES), indent=2))
    except NotThere as error:
        sys.exit(str(error))
