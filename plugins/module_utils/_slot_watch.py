# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Drop a slot that was made ahead of its downstream, when that has not come in time.

It outlives the module that starts it, and so the place where a module's files lie: the module hands its text to
Python. So it imports the standard library and nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import typing as t

# A slot is made when the transactions that were open have ended; whoever makes it waits no longer than that.
APPEAR_SECONDS = 7200
# Until it is seen for the first time nobody uses it, and that has to be quick: what it looked like then decides.
APPEAR_POLL_SECONDS = 1
POLL_SECONDS = 60
# What is still not seen then belongs to a server that is gone.
GIVE_UP_SECONDS = 7 * 86400

UNKNOWN = "unknown"
"""The server does not answer: it may be restarted right now."""
GONE = ""


def watch(
    look: t.Callable[[], str],
    drop: t.Callable[[str], object],
    is_wanted: t.Callable[[], bool],
    seconds: float,
    sleep: t.Callable[[float], object] = time.sleep,
    now: t.Callable[[], float] = time.monotonic,
) -> str:
    """Return how it ended: "never made", "not wanted", "used", or "gone", by whomever it was dropped.

    look returns up to where a slot's downstream has got, UNKNOWN or GONE; drop drops it where it is still there.
    """
    began = now()
    while (first := look()) in (UNKNOWN, GONE):
        if now() - began > APPEAR_SECONDS:
            return "never made"
        sleep(APPEAR_POLL_SECONDS)
    while is_wanted() and (left := began + seconds - now()) > -GIVE_UP_SECONDS:
        if left > 0:
            sleep(min(left, POLL_SECONDS))
            continue
        seen = look()
        if seen == first:
            drop(first)
            seen = look()
        if seen not in (UNKNOWN, first):
            return "used" if seen else "gone"
        sleep(POLL_SECONDS)
    return "not wanted"


def main(seconds: str, state: str, look: str, drop: str, *psql: str) -> None:
    """Watch with psql, as long as the file of the watch's state is there: it goes with its node.

    look and drop are statements, and {first} in the latter stands for what look gave first.
    """

    def ask(statement: str) -> str:
        done = subprocess.run([*psql, "-c", statement], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return UNKNOWN if done.returncode else done.stdout.strip()

    def drop_it(first: str) -> str:
        return ask(drop.replace("{first}", first))

    print(watch(lambda: ask(look), drop_it, lambda: os.path.exists(state), float(seconds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
