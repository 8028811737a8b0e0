# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""From a comparison to a plan of repair: which version of a row is right, by a policy, and what mends the others. Pure.

A plan holds keys and hashes and no other value of a row. What it leaves out stands in it with the reason.
"""

from __future__ import annotations

import hashlib
import json
import typing as t
from dataclasses import dataclass

Mapping = t.Mapping[str, t.Any]
Row = t.Dict[str, t.Any]
Links = t.Collection[t.Tuple[str, str, str]]
"""Database, upstream and downstream of each link: a node reads the right row where it has a connection to."""

FORMAT = 1
INSERT, UPDATE, DELETE = "insert", "update", "delete"
MAJORITY, NEWEST, SOURCE = "majority", "newest", "source"
PARTS = ("format", "session", "policy", "delete", "hash", "nodes", "tables", "steps", "left")
"""What a plan is made of, beside the checksum over it."""

NO_MAJORITY = "no version of it is on more than half of the nodes"
NO_NEWEST = "the commit times do not tell which version is the newest"
NOT_ON_SOURCE = "{node} was not compared in this table"
NO_KEY = "the table has no key: one row cannot be told from another of the same values"
NO_DELETE = "it would be deleted, which bdr_repair_delete does not allow"
NO_LINK = "it has no connection to {nodes}, where the row is right"
MORE_ROWS = "{count} more rows differ than the comparison lists: repair these, then compare again"
NOT_ASKED = "only {nodes} is to be mended"
NO_TABLE = "the table is not there: schema.yml tells the DDL that makes it"

AGAIN = "make it anew with -e bdr_compare_file=... -e bdr_repair_policy=..."
NOTHING_GIVEN = (
    "bdr_compare_file: name the file that compare.yml wrote, and a bdr_repair_policy, to make a plan; "
    "or name a plan in bdr_repair_plan to apply it"
)
BOTH_GIVEN = "bdr_repair_plan applies a plan as it is: leave bdr_compare_file and bdr_repair_policy out"


class RepairError(ValueError):
    """A file or a policy that gives no plan, or a plan that is not to be followed. The message names the variable."""


@dataclass(frozen=True)
class Policy:
    """How the right version of a row is found."""

    kind: str
    node: str = ""

    def right(self, difference: Mapping) -> Mapping | str:
        """Return the version that is right, or why there is none to choose."""
        names = [self.node] if self.kind == SOURCE else difference[self.kind]
        found = [version for version in difference["versions"] if set(names) & set(version["nodes"])]
        if len(found) == 1:
            return t.cast("Mapping", found[0])
        reasons = {MAJORITY: NO_MAJORITY, NEWEST: NO_NEWEST, SOURCE: NOT_ON_SOURCE.format(node=self.node)}
        return reasons[self.kind]


def policy_of(text: str, nodes: t.Sequence[str]) -> Policy:
    """Return the policy that bdr_repair_policy names."""
    kind, equals, node = text.partition("=")
    if not equals and kind in (MAJORITY, NEWEST):
        return Policy(kind)
    if equals and kind == SOURCE and node in nodes:
        return Policy(kind, node)
    if equals and kind == SOURCE:
        raise RepairError(f"bdr_repair_policy: {node!r} was not compared; the comparison has {', '.join(nodes)}")
    wanted = f"{MAJORITY}, {NEWEST} or {SOURCE}=<node>"
    raise RepairError(f"bdr_repair_policy is {text!r}; wanted: {wanted}, the node being one of {', '.join(nodes)}")


def keys_of(plan: Mapping) -> list[Row]:
    """Return the rows that a plan repairs, by database and table, each once: what is to be compared again."""
    found: dict[int, dict[t.Any, Row]] = {}
    for step in plan["steps"]:
        found.setdefault(step["table"], {})[tuple(step["key"].items())] = step["key"]
    tables = plan["tables"]
    return [
        {
            "database": tables[place]["database"],
            "table": f"{tables[place]['schema']}.{tables[place]['name']}",
            "keys": list(keys.values()),
        }
        for place, keys in found.items()
    ]


def comparison_of(text: str, path: str, nodes: t.Collection[str]) -> Row:
    """Return the comparison that a file holds; nodes are those of the group."""
    found = _json(text, {"session", "verdict", "hash", "nodes", "tables"})
    if found is None:
        raise RepairError(f"bdr_compare_file: {path} holds no comparison; compare.yml writes one")
    _refuse_strangers(f"bdr_compare_file: {path}", found["nodes"], nodes)
    return found


def plan_of(text: str, path: str, nodes: t.Collection[str]) -> Row:
    """Return the plan that a file holds, as it was made; nodes are those of the group."""
    found = _json(text, {"format", "checksum"})
    if found is None or found["format"] != FORMAT:
        raise RepairError(f"bdr_repair_plan: {path} holds no plan of repair.yml (format {FORMAT}); {AGAIN}")
    if found["checksum"] != checksum(found):
        raise RepairError(
            f"bdr_repair_plan: {path} was changed after it was made: its checksum does not fit. Nothing is repaired; "
            f"{AGAIN}"
        )
    _refuse_strangers(f"bdr_repair_plan: {path}", found["nodes"], nodes)
    return found


def checksum(plan: Mapping) -> str:
    """Return what tells that a plan is as it was made, whatever its layout in the file."""
    rest = {name: value for name, value in plan.items() if name != "checksum"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _json(text: str, keys: t.AbstractSet[str]) -> Row | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and keys <= set(found) else None


def _refuse_strangers(where: str, named: t.Iterable[str], nodes: t.Collection[str]) -> None:
    strangers = sorted(set(named) - set(nodes))
    if strangers:
        raise RepairError(
            f"{where} is of {', '.join(strangers)}, which the group does not have; its nodes are "
            f"{', '.join(sorted(nodes))}"
        )


def make(found: Mapping, policy: str, delete: bool, links: Links, only: t.Collection[str] = ()) -> Row:
    """Return the plan that brings the nodes of a comparison to the versions that are right.

    only: the nodes that are mended, all of them where there is none.
    """
    maker = _Maker(policy_of(policy, found["nodes"]), delete, links, only or found["nodes"])
    for table in found["tables"]:
        maker.add(table)
    plan = {
        "format": FORMAT,
        "session": found["session"],
        "policy": policy,
        "delete": delete,
        "hash": dict(found["hash"]),
        "nodes": sorted({step["node"] for step in maker.steps} | {step["source"] for step in maker.steps}),
        "tables": maker.tables,
        "steps": sorted(maker.steps, key=_order),
        "left": maker.left,
    }
    return {**plan, "checksum": checksum(plan)}


def _order(step: Mapping) -> tuple[int, int]:
    # What goes first gives a value of a unique column free for what comes.
    return step["table"], (DELETE, UPDATE, INSERT).index(step["action"])


class _Maker:
    """Collects the parts of a plan, table by table."""

    def __init__(self, policy: Policy, delete: bool, links: Links, nodes: t.Collection[str]) -> None:
        self.policy = policy
        self.delete = delete
        self.links = links
        self.nodes = nodes
        self.tables: list[Row] = []
        self.steps: list[Row] = []
        self.left: list[Row] = []

    def add(self, table: Mapping) -> None:
        """Add a table of the comparison, where anything is to be said of it."""
        self.tables.append(
            {name: table[name] for name in ("database", "schema", "name", "key", "columns", "fingerprints")}
        )
        said = len(self.steps) + len(self.left)
        for node in table["missing_on"]:
            self._leave({}, [node], NO_TABLE)
        if table["verdict"] in ("unproven", "skipped"):
            self._leave({}, [], table["reason"])
        listed = table["differences"]
        if table["key_kind"] == "none" and listed:
            self._leave({}, [], NO_KEY)
        else:
            for difference in listed:
                self._decide(table, difference)
        more = table["differing"] - len(listed)
        if more > 0:
            self._leave({}, [], MORE_ROWS.format(count=more))
        if said == len(self.steps) + len(self.left):
            self.tables.pop()

    def _leave(self, key: Mapping, nodes: t.Sequence[str], reason: str) -> None:
        place = len(self.tables) - 1
        self.left.append({"table": place, "key": dict(key), "nodes": list(nodes), "reason": reason})

    def _decide(self, table: Mapping, difference: Mapping) -> None:
        key = difference["key"]
        if difference["verdict"] != "different":
            self._leave(key, [], f"it is not proven to differ: {difference['reason']}")
            return
        right = self.policy.right(difference)
        if isinstance(right, str):
            self._leave(key, [], right)
            return
        for version in difference["versions"]:
            if version is not right:
                for node in version["nodes"]:
                    self._mend(table["database"], key, node, version["hash"], right)

    def _mend(self, database: str, key: Mapping, node: str, was: str | None, right: Mapping) -> None:
        action = DELETE if right["hash"] is None else INSERT if was is None else UPDATE
        sources = [name for name in right["nodes"] if (database, name, node) in self.links]
        if node not in self.nodes:
            self._leave(key, [node], NOT_ASKED.format(nodes=" and ".join(sorted(self.nodes))))
        elif action == DELETE and not self.delete:
            self._leave(key, [node], NO_DELETE)
        elif not sources:
            self._leave(key, [node], NO_LINK.format(nodes=" or ".join(right["nodes"])))
        else:
            source = self.policy.node if self.policy.node in sources else sources[0]
            self.steps.append(
                {
                    "table": len(self.tables) - 1,
                    "key": dict(key),
                    "action": action,
                    "node": node,
                    "source": source,
                    "seen": {node: was, source: right["hash"]},
                }
            )
