# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The one state of a link by what both of its ends were seen to do: the state, the evidence, the mend. Pure.

The first rule that applies decides. What cannot be undone comes first, then what keeps the ends from being seen.
"""

from __future__ import annotations

import shlex
import typing as t
from dataclasses import dataclass

from ._engine.messages import CONFLICT, UNREACHABLE
from ._session_types import Row
from ._slot_report import MB, size

STREAMING = "streaming"
CATCHING_UP = "catching_up"
WAITING_FOR_LOCK = "waiting_for_lock"
CRASH_LOOPING = "crash_looping"
DOWN = "down"
SLOT_MISSING = "slot_missing"
WAL_LOST = "wal_lost"
STOPPED_BY_CONFLICT = "stopped_by_conflict"
UNKNOWN = "unknown"
SOUND = (STREAMING, CATCHING_UP)
"""Links in any other state deliver nothing, or nobody can say that they do."""

LOCK_SECONDS = 1
"""A worker waits for locks now and then; what it has waited so long for, somebody holds."""
SETTLED_SECONDS = 3
"""A worker that failed before and has been there for so long is over it."""
LOOP_SECONDS = 30
"""Where only the log tells of workers: up to when a failure is of now. They are tried again every five seconds."""

SITE = "ansible-playbook playbooks/site.yml"

CLOSED, UNFINISHED = "closed", "unfinished"
"""How far a node is on its way in or out: it lets no clients in; it is half seeded, and no member."""


@dataclass(frozen=True)
class Ends:
    """A link with what was seen of it. up and down are what status_info returned on the nodes, or why there is none.

    slot, incoming: the ends themselves, None where there is none. tells_slot: whether that much is known of the slot.
    """

    upstream: str
    downstream: str
    up: Row
    down: Row
    slot: Row | None
    incoming: Row | None
    tells_slot: bool = True
    delay_ms: int = 0
    lag_bytes: int = 0
    """How far behind a link may be and still count as streaming."""
    server: Row | None = None
    """Where the downstream's server is: socket_directory, port and database."""

    @property
    def failure(self) -> t.Any:
        """Return how the worker ended of late."""
        return self.incoming["failure"] if self.incoming else None


@dataclass(frozen=True)
class Verdict:
    """A state with its evidence. end: the end that is at fault, empty where none is or both see the same."""

    state: str
    evidence: tuple[str, ...]
    mend: str = ""
    end: str = ""


def judge(ends: Ends) -> Verdict:
    """Return what a link does."""
    return next(found for found in (rule(ends) for rule in _RULES) if found)


def reseed(downstream: str) -> str:
    """Return the command that seeds a node again."""
    name = shlex.quote(downstream)
    return f"ansible-playbook playbooks/reseed.yml -e bdr_node={name} -e bdr_confirm={name}"


def _half_seeded(ends: Ends) -> Verdict | None:
    """A node that is no member yet has no links, whatever lies on its disk."""
    for name, end, node in ((ends.upstream, "upstream", ends.up), (ends.downstream, "downstream", ends.down)):
        if node["seeding"] == UNFINISHED:
            return Verdict(DOWN, (f"the seeding of {name} is not finished",), reseed(name), end)
    return None


def _not_set_up(ends: Ends) -> Verdict | None:
    """A downstream that answers and has no connection never had it, or lost it by hand."""
    if not ends.down["answers"] or ends.incoming:
        return None
    return Verdict(DOWN, (f"{ends.downstream} has no connection to {ends.upstream}",), SITE, "downstream")


def _gone(ends: Ends) -> Verdict | None:
    """What the upstream does not keep any more, it can never send."""
    if not ends.up["answers"]:
        return None
    if ends.slot and ends.slot["wal_status"] == "lost":
        told = f"slot {ends.slot['name']} of {ends.upstream} has lost its WAL (wal_status is lost)"
        return Verdict(WAL_LOST, (told,), reseed(ends.downstream), "upstream")
    if not ends.slot and ends.tells_slot and not (ends.incoming and ends.incoming["status"] == "starting"):
        told = f"{ends.upstream} has no slot for it, so what is written there is not kept"
        return Verdict(SLOT_MISSING, (told, *_last_error(ends)), reseed(ends.downstream), "upstream")
    removed = [said for said in ends.up["findings"] if said.startswith("requested WAL segment")]
    if removed and not ends.up["slots_keep_wal"] and _fails(ends):
        told = f"{ends.upstream} says: {removed[-1]}"
        return Verdict(WAL_LOST, (told, *_last_error(ends)), reseed(ends.downstream), "upstream")
    return None


def _away(ends: Ends) -> Verdict | None:
    """A node that tells nothing: down where no server runs there, else what the other end sees of it."""
    silent = [
        (name, end, node)
        for name, end, node in ((ends.upstream, "upstream", ends.up), (ends.downstream, "downstream", ends.down))
        if not node["answers"]
    ]
    if not silent:
        return None
    told = tuple(f"{name}: {node['error']}" for name, _end, node in silent)
    down = [end for _name, end, node in silent if node["reason"] == DOWN]
    if down:
        return Verdict(DOWN, told, SITE, "both" if len(down) > 1 else down[0])
    seen, end = _seen_by_the_other(ends) if len(silent) == 1 else ("nobody tells of it", "")
    look = f"look at the host of {' and '.join(name for name, _end, _node in silent)}"
    return Verdict(DOWN if end else UNKNOWN, (*told, seen), look, end)


def _seen_by_the_other(ends: Ends) -> tuple[str, str]:
    """Return what the end that answers sees, and the end that is proven to be away."""
    if ends.up["answers"]:
        if not ends.slot:
            return f"which slot of {ends.upstream} is its own, only {ends.downstream} knows", ""
        if not ends.slot["active"]:
            return f"nobody reads slot {ends.slot['name']} of {ends.upstream}", "downstream"
        return f"slot {ends.slot['name']} of {ends.upstream} is in use, {_behind(ends.slot)}", ""
    if ends.failure and ends.failure["kind"] == UNREACHABLE and _fails(ends):
        return f"{ends.downstream} says: {ends.failure['error']}", "upstream"
    return f"its worker on {ends.downstream} is {ends.incoming['status'] or 'not told of'}" if ends.incoming else "", ""


def _waits(ends: Ends) -> Verdict | None:
    """The worker is there and waits for a lock that somebody holds."""
    worker = ends.incoming or {}
    if worker["waits_seconds"] is None or worker["waits_seconds"] < LOCK_SECONDS:
        return None
    who = f"its worker on {ends.downstream} (PID {worker['pid']})"
    others = sorted({row["pid"]: row for row in worker["blockers"]}.items())
    held = [f"PID {pid} ({row['application'] or 'no name'}, {row['role']}) holds it" for pid, row in others]
    end_them = "; ".join(f"SELECT pg_terminate_backend({pid})" for pid in sorted(worker["blocked_by"]))
    return Verdict(
        WAITING_FOR_LOCK,
        (f"{who} has waited {worker['waits_seconds']:.0f} s for a lock on {worker['waits_for']}", *held),
        _psql(ends, end_them) if end_them else f"end the transaction on {ends.downstream} that holds it",
        "downstream",
    )


def _psql(ends: Ends, text: str) -> str:
    place = ends.server or {}
    where = f"-h {place['socket_directory']} -p {place['port']} -U postgres -d {shlex.quote(place['database'])}"
    return f"on the host of {ends.downstream}: psql {where} -c {shlex.quote(text)}"


def _failed(ends: Ends) -> Verdict | None:
    """The worker ended with an error, and not only once upon a time."""
    if not _fails(ends):
        return None
    failure, told = ends.failure, _last_error(ends)
    if failure["kind"] == CONFLICT:
        return Verdict(STOPPED_BY_CONFLICT, told, failure["mend"], "downstream")
    if failure["kind"] == UNREACHABLE:
        return Verdict(DOWN, told, failure["mend"], "upstream")
    state = CRASH_LOOPING if failure["times"] > 1 else DOWN
    return Verdict(state, told, failure["mend"] or SITE, "downstream")


def _fails(ends: Ends) -> bool:
    """Tell whether what the log says of the worker is of now."""
    failure, worker = ends.failure, ends.incoming
    if not failure or not worker:
        return False
    if worker["status"]:
        is_new = worker["age_seconds"] is not None and worker["age_seconds"] < SETTLED_SECONDS
        return bool(worker["status"] == "down" or (worker["status"] == "running" and is_new))
    is_idle = bool(ends.slot) and not (ends.slot or {})["active"]
    return bool(failure["seconds_ago"] < LOOP_SECONDS and (is_idle or failure["times"] > 1))


def _last_error(ends: Ends) -> tuple[str, ...]:
    failure = ends.failure
    if not failure:
        return ()
    often = "once" if failure["times"] == 1 else f"{failure['times']} times"
    first = f"its worker on {ends.downstream} ended {often} since {failure['first_at']}, last at {failure['last_at']}"
    said = [failure[name] for name in ("error", "detail", "context", "meaning") if failure[name]]
    return (first, *said)


def _runs(ends: Ends) -> Verdict | None:
    """The worker is there and reads from its slot."""
    status = (ends.incoming or {})["status"]
    if status == "starting":
        return Verdict(CATCHING_UP, ("it is being made",))
    slot = ends.slot
    if status not in ("running", "") or not slot or not slot["active"]:
        return None
    is_late = not ends.delay_ms and (slot["behind_bytes"] or 0) > ends.lag_bytes
    told = [_behind(slot)]
    if ends.delay_ms:
        told.append(f"it applies {ends.delay_ms / 1000:g} s late, as it was told to")
    return Verdict(CATCHING_UP if is_late or slot["sender"] == "catchup" else STREAMING, tuple(told))


def _behind(slot: Row) -> str:
    if slot["behind_bytes"] is None:
        return "how far behind is not told"
    seconds = f", {slot['behind_seconds']:.1f} s" if slot["behind_seconds"] else ""
    return f"{amount(slot['behind_bytes'])}{seconds} behind"


def amount(count: int) -> str:
    """Return how much WAL that is for a person; a little of it may be the one change that a link stops at."""
    return f"{count / 1024:.1f} kB" if count < MB else size(count)


def _stands(ends: Ends) -> Verdict:
    """Both ends answer, nothing flows, and no log says why."""
    slot = ends.slot
    seen = f"slot {slot['name']} of {ends.upstream} is {'' if slot['active'] else 'not '}in use" if slot else "no slot"
    status = (ends.incoming or {})["status"]
    told = f"its connection on {ends.downstream} is {status}" if status else "no worker is seen"
    return Verdict(DOWN, (f"{told}, {seen}", *_last_error(ends)), SITE, "downstream")


_RULES: tuple[t.Callable[[Ends], Verdict | None], ...] = (
    *(_half_seeded, _not_set_up, _gone, _away, _waits, _failed, _runs, _stands),
)
