# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a host's own files and programs answer, read: its platform, its packages, a server's catalog version. Pure."""

from __future__ import annotations

import re
import typing as t


def platform(machine: str, os_release: str) -> str:
    """Return processor and release of the distribution: what a server was built on, another host of it runs."""
    lines = (line.strip().partition("=") for line in os_release.splitlines())
    values = {name: value.strip("\"'") for name, _equals, value in lines}
    return f"{machine} {values.get('ID', 'linux')} {values.get('VERSION_ID', '')}".strip()


def not_installed(names: t.Iterable[str], listing: str) -> list[str]:
    """Return the packages that dpkg-query, asked for package and abbreviated status, does not call installed."""
    installed = {line.split()[0] for line in listing.splitlines() if line.split()[1:] == ["ii"]}
    return [name for name in names if name not in installed]


def catalog_version(header: str) -> int:
    """Return the catalog version of catversion.h, 0 where it has none."""
    found = re.search(r"^#define\s+CATALOG_VERSION_NO\s+(\d+)", header, re.MULTILINE)
    return int(found[1]) if found else 0
