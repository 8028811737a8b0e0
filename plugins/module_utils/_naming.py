# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Every name that the collection gives to something outside Python, and the limits those names have.

Pure. Units, homes, pglogical nodes, subscriptions and slots, contrib/bdr connections and slots.
"""

from __future__ import annotations

import functools
import hashlib
import re

NAMEDATALEN = 64
PGLOGICAL_PART = 16  # pglogical hashes each part of a slot name that is longer: pglogical_gen_slot_name()

_GOLDEN = 0x9E3779B9
_MASK = 0xFFFFFFFF


# A mesh of 100 nodes asks for the same few names 100,000 times.
_once = functools.lru_cache(maxsize=None)


def unit(group: str, node: str) -> str:
    """Return the systemd unit of a node."""
    return f"pgbdr-{group}-{node}.service"


def home(group: str, node: str) -> str:
    """Return the default directory of a node: its data, log and passfile lie below."""
    return f"/var/lib/pgbdr/{group}/{node}"


def server_directory(group: str) -> str:
    """Return where a group's built server lies: a link to one of the builds of its host."""
    return f"/opt/pgbdr/{group}"


def is_path_safe(name: str) -> bool:
    """Tell whether a name may stand in a path and in a unit's name as it is."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name) is not None


def shortened(name: str, limit: int) -> str:
    """Return the name, or its start and 8 hexadecimal digits of its hash where it is longer than limit."""
    if len(name) <= limit:
        return name
    return name[: limit - 8] + hashlib.sha256(name.encode()).hexdigest()[:8]


@_once
def pglogical_node(node: str) -> str:
    """Map an inventory host to a pglogical node name: a-z0-9_, at most 16, so that slots show it whole."""
    return shortened(re.sub(r"[^a-z0-9_]", "_", node.lower()), PGLOGICAL_PART)


@_once
def pglogical_subscription(upstream: str, downstream: str) -> str:
    """Name a subscription after both nodes.

    The slot's name lacks the downstream node; two downstreams with one subscription name would take
    each other's slot on the upstream (facts/pglogical.md, 0.3).
    """
    return shortened(f"{pglogical_node(upstream)}_{pglogical_node(downstream)}", PGLOGICAL_PART)


def pglogical_slot(database: str, upstream: str, subscription: str) -> str:
    """Return what pglogical_gen_slot_name(database, provider, subscription) returns on the server."""
    parts = (database, pglogical_node(upstream), subscription)
    return "_".join(("pgl", *map(_slot_part, parts)))[: NAMEDATALEN - 1]


def is_pglogical_slot(slot: str, database: str, upstream: str) -> bool:
    """Tell whether a slot of that database has the name of a link from that upstream, to whichever downstream."""
    start = pglogical_slot(database, upstream, "")
    own = f"{pglogical_node(upstream)}_"
    # A subscription whose name was too long ends in 8 digits of its hash.
    link = rf"{re.escape(own)}.*|{re.escape(own[: PGLOGICAL_PART - 8])}[0-9a-f]{{8}}"
    return slot.startswith(start) and re.fullmatch(link, slot[len(start) :]) is not None


def is_pglogical_sync_slot(slot: str, of: str) -> bool:
    """Tell whether a slot is for copying a table to the downstream of another slot: its name goes on with a hash."""
    return re.fullmatch(rf"{re.escape(of)}_[0-9a-f]{{8}}", slot) is not None


@_once
def _slot_part(part: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", _pglogical_part(part.encode()).decode("latin-1"))


def contrib_bdr_connection(upstream: str, database: str, only_database: bool, underscore: bool) -> str:
    """Name an entry of bdr.connections: letters and digits, with `_` only in the eras that allow it."""
    words = (upstream,) if only_database else (upstream, database)
    joiner = "_" if underscore else ""
    joined = re.sub(r"[^a-z0-9]", joiner, joiner.join(words).lower())
    # The name is part of a setting's name, which cannot start with a digit.
    return shortened(f"n{joined}" if joined[:1].isdecimal() else joined, 32)


def contrib_bdr_04_slot(database: str, upstream: str, downstream: str) -> str:
    """Return the shape of a slot's name up to 0.4; the ids are the servers' own."""
    return (
        f"bdr: <oid of {database} on {upstream}>:<sysid of {downstream}>-<timeline>-"
        f"<oid of {database} on {downstream}>:"
    )


def contrib_bdr_07_slot(database: str, upstream: str, downstream: str) -> str:
    """Return the shape of a slot's name from 0.5 on; the ids are the servers' own."""
    return (
        f"bdr_<oid of {database} on {upstream}>_<sysid of {downstream}>_<timeline>_"
        f"<oid of {database} on {downstream}>__"
    )


def _pglogical_part(part: bytes) -> bytes:
    if len(part) <= PGLOGICAL_PART:
        return part
    # snprintf(ret, 16, "%.8s%08x") leaves room for seven of the eight digits.
    return part[:8] + (b"%08x" % hash_any(part))[:7]


def hash_any(key: bytes) -> int:
    """Return PostgreSQL's hash_any() of a byte string: Bob Jenkins' lookup3, little-endian.

    Source: PostgreSQL src/common/hashfn.c (hash_bytes).
    """
    a = b = c = (_GOLDEN + len(key) + 3923095) & _MASK
    while len(key) >= 12:
        a, b, c = _mix(
            (a + int.from_bytes(key[0:4], "little")) & _MASK,
            (b + int.from_bytes(key[4:8], "little")) & _MASK,
            (c + int.from_bytes(key[8:12], "little")) & _MASK,
        )
        key = key[12:]
    # The lowest byte of c is kept for the length, which is in there already.
    a = (a + int.from_bytes(key[0:4], "little")) & _MASK
    b = (b + int.from_bytes(key[4:8], "little")) & _MASK
    c = (c + (int.from_bytes(key[8:12], "little") << 8)) & _MASK
    return _final(a, b, c)


def _rot(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    # Each round works on (x, y, z) and hands the next one (y, z, x); after six the names are back in place.
    for bits in (4, 6, 8, 16, 19, 4):
        a, b, c = b, (c + b) & _MASK, ((a - c) & _MASK) ^ _rot(c, bits)
    return a, b, c


def _final(a: int, b: int, c: int) -> int:
    x, y, z = c, a, b
    for bits in (14, 11, 25, 16, 4, 14, 24):
        x, y, z = y, z, ((x ^ z) - _rot(z, bits)) & _MASK
    return z
