# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Rows from one server to another, without a file between."""

from __future__ import annotations

import os
import threading

from ._session import Session
from ._session_types import Statement


def copy_rows(source: Session, target: Session, out: Statement, into: Statement) -> int:
    """Bring the rows of a COPY ... TO STDOUT to a COPY ... FROM STDIN of another session, and return how many.

    An error of the source looks like its end to the target, and is raised here: the target must not commit by itself.
    """
    reads, writes = os.pipe()
    failed: list[Exception] = []

    def read() -> None:
        with os.fdopen(writes, "wb") as end:
            try:
                source.copy(out, end)
            except Exception as error:
                failed.append(error)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        with os.fdopen(reads, "rb") as end:
            count = target.copy(into, end)
    finally:
        reader.join()
    for error in failed:
        raise error
    return count
