# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What the two modules of a build share: their options. Pure."""

from __future__ import annotations

import typing as t

from .spec import REPOSITORY, VERSION

ARGUMENT_SPEC: dict[str, t.Any] = {
    "repository": {"type": "str", "default": REPOSITORY},
    "version": {"type": "str", "default": VERSION},
    "reference": {"type": "str", "default": ""},
    "archive": {"type": "str", "default": ""},
    "checksum": {"type": "str", "default": ""},
    "directory": {"type": "str", "default": ""},
    "contrib": {"type": "list", "elements": "str", "default": ["btree_gist", "bdr"]},
    "extensions": {"type": "list", "elements": "dict", "default": []},
    "configure": {"type": "list", "elements": "str", "default": []},
    "flags": {"type": "list", "elements": "str", "default": []},
    "edits": {"type": "list", "elements": "dict", "default": []},
    "debug": {"type": "bool", "default": False},
    "packages": {"type": "list", "elements": "str", "default": []},
    "user": {"type": "str", "default": "pgbdr-build"},
    "prefix": {"type": "str", "default": "/opt/pgbdr"},
    "work_directory": {"type": "str", "default": "/var/cache/pgbdr"},
}
