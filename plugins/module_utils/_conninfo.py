# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""libpq's own texts: conninfo strings and passfile lines, quoted as libpq reads them. Pure."""

from __future__ import annotations

import re
import typing as t

from ._model import PassfileEntry

CONNECT_SECONDS = 5
KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4}
"""What makes libpq notice within half a minute that the network was cut; the system's own way takes two hours."""
_BARE = re.compile(r"[^\s'\\]+\Z")


def conninfo(parameters: t.Mapping[str, t.Any]) -> str:
    """Return `keyword=value` pairs in the order given; values are quoted where libpq needs it.

    Source: PostgreSQL manual, 34.1.1.1 Keyword/Value Connection Strings.
    """
    return " ".join(f"{key}={_quoted(str(value))}" for key, value in parameters.items())


def passfile(entries: t.Iterable[PassfileEntry], password: str) -> str:
    """Return the lines of a passfile: host:port:database:user:password, one for each entry.

    The database is *, since contrib/bdr asks for "replication" and pglogical for the database's own name.
    Source: PostgreSQL manual, 34.16 The Password File.
    """
    lines = (
        ":".join((_escaped(entry.host), str(entry.port), "*", _escaped(entry.user), _escaped(password)))
        for entry in entries
    )
    return "".join(f"{line}\n" for line in lines)


def _quoted(value: str) -> str:
    if _BARE.match(value):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _escaped(field: str) -> str:
    return field.replace("\\", "\\\\").replace(":", "\\:")
