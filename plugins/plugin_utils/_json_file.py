# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as JSON in a file of the controller."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path


def write(path: str, found: t.Mapping[str, t.Any], check_mode: bool) -> bool:
    """Write where it differs from what the file holds; return whether it does. Check mode only tells."""
    text = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    file = Path(path)
    if file.exists() and file.read_text(encoding="utf-8") == text:
        return False
    if not check_mode:
        file.write_text(text, encoding="utf-8")
    return True
