# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What only one node has, before its data goes: which of the rows that differ are changes that it never sent. Pure.

A transaction keeps its commit time and its origin on every node that applies it, and a link applies in the order in
which its upstream committed. So what a node has of another one is told by times: all up to the newest that came from
there. Each version of a row is asked for on the other side by that, and by its very time where it is not newer.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass, field

Mapping = t.Mapping[str, t.Any]
Row = t.Dict[str, t.Any]

FORMAT = 1
INSERT, UPDATE, DELETE = "insert", "update", "delete"
UNSENT, CONFLICT, UNCLEAR = "unsent", "conflict", "unclear"
VERDICTS = (UNSENT, CONFLICT, UNCLEAR)
LEAVE, NEWEST, APPLY = "leave", "newest", "apply"
CONFLICTS = (LEAVE, NEWEST, APPLY)
BEHIND = "behind"
"""The node merely lacks what the donor has: nothing of its own is in that row."""


@dataclass(frozen=True)
class Version:
    """A row as one node has it. committed: None where the server keeps no time of it. origin: None where unknown."""

    hash: str
    committed: str | None
    origin: str | None


@dataclass(frozen=True)
class Side:
    """What a node has of the others. newest: origin -> commit time of the last that came from there, its own too.

    times: those that were asked for and that one of its transactions has. Times are text of one width, in UTC.
    """

    name: str
    newest: t.Mapping[str, str] = field(default_factory=dict)
    times: t.AbstractSet[str] = frozenset()

    def asks_for(self, version: Version | None) -> str:
        """Return the time that must be looked for to know whether the node had a version, "" where none must be."""
        if version is None or version.committed is None:
            return ""
        return "" if self._is_later(version) else version.committed

    def had(self, version: Version) -> bool | None:
        """Tell whether the node had a version; None where that cannot be told."""
        if version.committed is None:
            return None
        if self._is_later(version):
            return False
        # A time that is missing may have been overtaken on its way, or be older than what the server keeps.
        return True if version.committed in self.times else None

    def _is_later(self, version: Version) -> bool:
        if version.origin is None:
            return False
        return str(version.committed) > self.newest.get(version.origin, "")


@dataclass(frozen=True)
class Judgement:
    """What a row that differs is."""

    verdict: str
    kind: str = ""
    reason: str = ""


NOTHING = Judgement(BEHIND)


def judge(node: Side, donor: Side, here: Version | None, there: Version | None) -> Judgement:
    """Return whether a row holds a change of the node that the donor did not get. here is the node's version."""
    if here is None or there is None:
        if here is None:
            return _gone(node, donor, there) if there else NOTHING
        return _only_here(node, donor, here)
    if here.hash == there.hash or here.committed is None:
        return NOTHING  # without a time it is older than all that the server keeps
    sent = _sent(node, donor, here, UPDATE)
    if sent:
        return sent
    if there.committed is None or node.had(there):
        return Judgement(UNSENT, UPDATE, f"{node.name} changed the version that {donor.name} has")
    return Judgement(CONFLICT, UPDATE, f"{node.name} and {donor.name} both changed it")


def _gone(node: Side, donor: Side, there: Version) -> Judgement:
    had = node.had(there)
    if had:
        return Judgement(UNSENT, DELETE, f"{node.name} had the version that {donor.name} has, and deleted it")
    if had is None:
        return Judgement(UNCLEAR, DELETE, f"whether {node.name} ever had the row cannot be told")
    return NOTHING


def _only_here(node: Side, donor: Side, here: Version) -> Judgement:
    sent = _sent(node, donor, here, INSERT)
    return sent or Judgement(UNSENT, INSERT, f"{donor.name} has no such row")


def _sent(node: Side, donor: Side, here: Version, kind: str) -> Judgement | None:
    """Return what a version is that the donor had, or may have had; None where it never had it."""
    had = donor.had(here)
    if had:
        return NOTHING  # the donor changed or deleted it since
    if had is None:
        return Judgement(UNCLEAR, kind, f"whether {donor.name} ever had the version of {node.name} cannot be told")
    if here.origin != node.name:
        return Judgement(UNCLEAR, kind, f"{node.name} got it from {here.origin}, and {donor.name} did not get it")
    return None


def change(
    judgement: Judgement, place: int, key: Mapping, node: str, here: Mapping | None, there: Mapping | None
) -> Row:
    """Return a change as the file has it. here and there: hash, committed, origin and values of both versions."""
    verdict = judgement.verdict
    newest = ""
    if here and there and here["committed"] and there["committed"]:
        newest = node if here["committed"] > there["committed"] else "donor"
    return {
        "table": place,
        "key": dict(key),
        "kind": judgement.kind,
        "verdict": verdict,
        "reason": judgement.reason,
        "apply": {UNSENT: True, CONFLICT: None, UNCLEAR: False}[verdict],
        "newest": newest,
        "node": _told(here),
        "donor": _told(there),
        "seen": there["hash"] if there else None,
        "wanted": here["hash"] if here else None,
    }


def _told(version: Mapping | None) -> Row | None:
    return {name: version[name] for name in ("committed", "origin", "values")} if version else None


# --- The file -------------------------------------------------------------------------------------


class SalvageError(ValueError):
    """A file that is not to be followed, or a wrong request. The message names the variable and the mend."""


def checksum(found: Mapping) -> str:
    """Return what tells that a file is as it was made but for what an operator may decide, the apply of a change."""
    rest = {name: value for name, value in found.items() if name not in ("checksum", "changes")}
    changes = [{name: value for name, value in each.items() if name != "apply"} for each in found["changes"]]
    text = json.dumps({**rest, "changes": changes}, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sealed(found: Mapping, group: str, stamp: str) -> Row:
    """Return what salvage_info found as a file holds it."""
    whole = {"format": FORMAT, "group": group, "made": stamp, **found}
    return {**whole, "checksum": checksum(whole)}


def salvage_of(text: str, path: str, group: str) -> Row:
    """Return the salvage that a file holds."""
    where = f"bdr_salvage_file: {path}"
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT or "changes" not in found:
        raise SalvageError(f"{where} holds no salvage (format {FORMAT}); name the .json that reseed.yml wrote")
    if found["group"] != group:
        raise SalvageError(f"{where} is of the group {found['group']}, this one is {group}")
    if found.get("checksum") != checksum(found):
        raise SalvageError(
            f'{where} was changed after it was made, elsewhere than in an "apply": its checksum does not fit. '
            "Nothing is applied; take the file as it was, or run the statements of the .sql that you want by hand"
        )
    wrong = [each["apply"] for each in found["changes"] if each.get("apply") not in (True, False, None)]
    if wrong:
        raise SalvageError(f'{where}: "apply" is {json.dumps(wrong[0])}; wanted: true, false or null')
    return dict(found)


def target_of(found: Mapping, asked: str, names: t.Sequence[str]) -> str:
    """Return the node that the changes are applied on; names are those of the group's nodes that take writes."""
    if asked and asked not in names:
        raise SalvageError(f"bdr_salvage_on: the group has no node {asked!r} to write to; it has {', '.join(names)}")
    return asked or (found["donor"] if found["donor"] in names else names[0])


def refuse_request(found: Mapping, confirm: str, conflicts: str) -> None:
    """Raise where a request is wrong."""
    node = found["node"]
    if conflicts not in CONFLICTS:
        raise SalvageError(f"bdr_salvage_conflicts is {conflicts!r}; wanted: {', '.join(CONFLICTS)}")
    if confirm not in ("", node):
        raise SalvageError(
            f"bdr_salvage_confirm names {confirm!r}: the changes of {node} are applied; repeat its name, "
            f"-e bdr_salvage_confirm={node}"
        )


def chosen(found: Mapping, conflicts: str) -> list[Row]:
    """Return the changes that are to be applied: what the file decides, and of conflicts what the operator says."""

    def is_wanted(each: Mapping) -> bool:
        if each["apply"] is not None:
            return bool(each["apply"])
        return conflicts == APPLY or (conflicts == NEWEST and each["newest"] == found["node"])

    return [each for each in found["changes"] if is_wanted(each)]


def keys_of(found: Mapping, changes: t.Iterable[Mapping]) -> list[Row]:
    """Return the rows of some changes, by database and table: what is to be compared afterwards."""
    by_table: dict[int, list[Row]] = {}
    for each in changes:
        if each["key"]:
            by_table.setdefault(each["table"], []).append(each["key"])
    tables = found["tables"]
    return [
        {
            "database": tables[place]["database"],
            "table": f"{tables[place]['schema']}.{tables[place]['name']}",
            "keys": keys,
        }
        for place, keys in by_table.items()
    ]


def counted(found: Mapping) -> dict[str, int]:
    """Return how many changes there are of each verdict."""
    return {verdict: sum(each["verdict"] == verdict for each in found["changes"]) for verdict in VERDICTS}
