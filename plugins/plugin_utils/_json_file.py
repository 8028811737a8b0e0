# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as JSON, or as other text, in a file of the controller."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path


def write(path: str, found: t.Mapping[str, t.Any], check_mode: bool, private: bool = False) -> bool:
    """Write as JSON; otherwise as write_text()."""
    return write_text(path, json.dumps(found, indent=2, ensure_ascii=False) + "\n", check_mode, private)


def write_text(path: str, text: str, check_mode: bool, private: bool = False) -> bool:
    """Write where it differs from what the file holds; return whether it does. Check mode only tells.

    private: a file that is made is its owner's alone, since it holds values of rows.
    """
    differs = _differs(path, text)
    if differs and not check_mode:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o666)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
    return differs


def replace_text(path: str, text: str, check_mode: bool) -> bool:
    """Write as write_text(), for a reader that may come at any moment and must not meet half of it."""
    differs = _differs(path, text)
    if differs and not check_mode:
        write_text(f"{path}.new", text, check_mode)
        os.replace(f"{path}.new", path)
    return differs


def _differs(path: str, text: str) -> bool:
    file = Path(path)
    return not file.exists() or file.read_bytes() != text.encode()
