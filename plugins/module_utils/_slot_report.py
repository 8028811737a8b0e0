# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""All slots of a group from what slot_info saw on each node: whose each is, what to warn of, what may be dropped. Pure.

Runs on the controller, which alone knows all nodes. `plan` is Plan.as_dict(), `found` maps node to slot_info's result.
"""

from __future__ import annotations

import json
import shlex
import typing as t

from ._engine.server import ABANDONED, FOREIGN, LINK, UNKNOWN, UNPLANNED
from ._session_types import Row

Found = t.Mapping[str, t.Mapping[str, t.Any]]

MB = 1024 * 1024


class DropRefused(ValueError):
    """What was asked to be dropped must not be; nothing was changed."""


def report(plan: Row, found: Found, warning_percent: int) -> Row:
    """Return every slot with its verdict, what to warn of as data, and the nodes that do not answer."""
    answering = {name: info for name, info in found.items() if info["answers"]}
    slots = [
        _measured(plan, answering[name], {"node": name, **slot, **_owner(plan, answering, name, slot)})
        for name in sorted(answering)
        for slot in answering[name]["slots"]
    ]
    return {
        "slots": slots,
        "findings": [
            *(finding for slot in slots for finding in _slot_findings(slot, warning_percent)),
            *_missing(plan, answering, slots),
        ],
        "silent": {
            name: found[name]["error"] if name in found else "its host was not asked, or cannot be reached"
            for name in sorted(plan["nodes"])
            if name not in answering
        },
        "wal_kept": {
            name: info["wal_kept_bytes"] for name, info in sorted(answering.items()) if not info["slots_keep_wal"]
        },
    }


def _owner(plan: Row, answering: Found, node: str, slot: Row) -> Row:
    """Return verdict and downstream of a slot whose name holds ids; others bring theirs along."""
    if "of" not in slot:
        return {}
    ids, nobody = slot["of"], UNPLANNED if slot["active"] else ABANDONED
    planned = {to["downstream"] for to in plan["nodes"][node]["slots"] if to["database"] == slot["database"]}
    for name, info in answering.items():
        # A physical standby has its primary's ids.
        if info["identity"]["sysid"] == ids["sysid"] and not info["is_standby"]:
            own = info["identity"]["databases"].get(slot["database"]), info["identity"]["timeline"]
            is_link = name in planned and own == (ids["dboid"], ids["timeline"])
            return {"verdict": LINK if is_link else nobody, "downstream": name}
    return {"verdict": UNKNOWN if planned - set(answering) else nobody}


def _measured(plan: Row, info: t.Mapping[str, t.Any], slot: Row) -> Row:
    """Return the slot with what it may hold back, and how much of that it does."""
    figures = {figure["name"]: figure["value"] for figure in plan["nodes"][slot["node"]]["figures"]}
    limit = info["wal_limit_bytes"]
    # What is kept at any rate is not lost to a slot either.
    allowed = figures["wal_retention"] * MB if limit is None else max(limit, info["wal_kept_bytes"])
    held = slot["wal_held_bytes"]
    percent = 100 if slot["wal_status"] == "lost" else None if held is None else 100 * held // max(allowed, 1)
    has_limit = limit is not None and slot["until_lost_bytes"] is not None
    return {**slot, "has_limit": has_limit, "allowed_bytes": allowed, "used_percent": percent}


def _slot_findings(slot: Row, warning_percent: int) -> t.Iterator[Row]:
    """Yield what is wrong with a slot: that it is of no link, and what it does to its link or to the disk."""
    what = link_of(slot) if slot["verdict"] == LINK else f"slot {slot['name']} of {slot['node']}"
    if slot["verdict"] == ABANDONED:
        yield _finding(slot, "warning", f"{what} is abandoned; slots.yml drops it: -e {_drop_variables(slot)}")
        return
    if slot["verdict"] == UNPLANNED:
        yield _finding(slot, "warning", f"{what} is in use, and of no link of the plan")
    if slot["wal_status"] == "lost":
        told = f"{what} has lost its WAL: it was held back until max_slot_wal_keep_size, {size(slot['allowed_bytes'])}"
        mend = f"; {slot['downstream']} must be seeded again" if slot["verdict"] == LINK else ""
        yield _finding(slot, "error", told + mend)
    elif slot["wal_status"] == "unreserved":
        yield _finding(slot, "error", f"{what} loses its WAL at the next checkpoint; let its reader catch up now")
    elif slot["used_percent"] is not None and slot["used_percent"] >= warning_percent:
        yield _finding(slot, "warning", f"{what} holds back {_held(slot)}")


def _drop_variables(slot: Row) -> str:
    """Return them as JSON, quoted for a shell, since a name may have blanks in it."""
    name = slot["name"]
    return shlex.quote(json.dumps({"bdr_drop_slot": name, "bdr_confirm": name, "bdr_node": slot["node"]}))


def _held(slot: Row) -> str:
    used = f"{size(slot['wal_held_bytes'])}, {slot['used_percent']} % of "
    if not slot["has_limit"]:
        return f"{used}the plan's wal_retention; without a limit the disk is the end"
    return f"{used}max_slot_wal_keep_size; lost in {size(slot['until_lost_bytes'])}"


def _missing(plan: Row, answering: Found, slots: t.Sequence[Row]) -> t.Iterator[Row]:
    """Yield the links without a slot, as far as the nodes that answer can tell."""
    seen = {(slot["node"], slot["database"], slot["downstream"]) for slot in slots if slot["verdict"] == LINK}
    for name in sorted(answering):
        for planned in plan["nodes"][name]["slots"]:
            key = (name, planned["database"], planned["downstream"])
            # A name in angle brackets holds the downstream's ids.
            is_told = "<" not in planned["name"] or planned["downstream"] in answering
            if is_told and key not in seen:
                slot = {"node": name, "name": "", "database": key[1], "downstream": key[2]}
                yield _finding(slot, "error", f"{link_of(slot)} has no slot: no WAL is kept for {key[2]}")


def _finding(slot: Row, severity: str, message: str) -> Row:
    return {"severity": severity, "node": slot["node"], "slot": slot["name"], "message": message}


def link_of(slot: t.Mapping[str, t.Any]) -> str:
    """Return the link that a slot serves, in words."""
    return f"{slot['node']} -> {slot['downstream']} ({slot['database']})"


def size(count: int) -> str:
    """Return a number of bytes for a person."""
    return f"{count / MB:.1f} MB" if count < 1024 * MB else f"{count / MB / 1024:.1f} GB"


_NOT_DROPPED = {
    LINK: "serves a link of the plan, {link}. Take the downstream out of the inventory first",
    UNPLANNED: "is in use, so it is not abandoned. Stop who uses it first",
    FOREIGN: "is not the engine's: a standby's, a backup tool's, somebody else's. It is never dropped here",
    UNKNOWN: "may be of a node that does not answer: {silent}. Bring it up, or take it out of the inventory",
}


def to_drop(plan: Row, found: Row, name: str, confirm: str, node: str) -> Row:
    """Return the slot that shall be dropped; {} where it is not there. found is what report() returned."""
    if confirm != name:
        raise DropRefused(
            f"bdr_confirm: names {confirm!r}, and bdr_drop_slot {name!r}; give the name of the slot in both"
        )
    silent = found["silent"]
    if node and node not in plan["nodes"]:
        raise DropRefused(f"bdr_node: the group has no node {node!r}; it has {', '.join(plan['nodes'])}")
    if node in silent:
        raise DropRefused(f"bdr_node: {node} does not answer: {silent[node]}")
    having: list[Row] = [slot for slot in found["slots"] if slot["name"] == name]
    chosen = [slot for slot in having if node in ("", slot["node"])]
    if len(chosen) > 1:
        names = " and ".join(slot["node"] for slot in chosen)
        raise DropRefused(f"bdr_node: {names} each have a slot {name}; name the one that is meant")
    if having and not chosen:
        raise DropRefused(f"bdr_node: {node} has no slot {name}, but {having[0]['node']} has one")
    if not chosen:
        return {}
    (slot,) = chosen
    if slot["verdict"] != ABANDONED:
        why = _NOT_DROPPED[slot["verdict"]].format(link=link_of(slot), silent=", ".join(silent))
        raise DropRefused(f"bdr_drop_slot: slot {name} of {slot['node']} {why}")
    return slot


def gone(found: Row, name: str, node: str) -> str:
    """Return what to say of a slot that shall be dropped and is not there."""
    silent = (
        "" if node or not found["silent"] else f" from the nodes that answer; not asked: {', '.join(found['silent'])}"
    )
    return f"The slot {name} is gone{silent}.\n"
