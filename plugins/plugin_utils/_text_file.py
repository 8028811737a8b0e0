# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Texts that an operator names, in files of the controller."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ._controller import Refused


def read(path: str, refusal: t.Callable[[str], str], encoding: str = "utf-8") -> str:
    """Return the text. Refused, where it cannot be read, with what the refusal makes of the reason."""
    try:
        return Path(path).read_text(encoding=encoding)
    except UnicodeDecodeError as error:
        raise Refused(refusal("it is not UTF-8")) from error
    except OSError as error:
        raise Refused(refusal(str(error.strerror))) from error


def read_named(variable: str, path: str) -> str:
    """Return the text of a file that a variable names."""
    return read(path, lambda why: f"{variable}: {path} cannot be read: {why}")
