# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Find what only a node has: its tables against those of the donor, and of each row that differs whose change it is."""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
import time
import typing as t

from . import _salvage_sql as sql
from ._compare.blocks import Key, Pace
from ._compare.hashing import Hashing, Probed
from ._compare.journal import Item, Journal
from ._compare.listing import Tables, read_tables
from ._compare.nodes import NodeLost, Nodes, Place, Refused
from ._compare.queries import TableQueries, key_of
from ._compare.scan import Scan
from ._compare.settings import Settings
from ._compare_hash import EXACT, SESSION, hash_mode
from ._compare_keys import readable
from ._model import NodePlan
from ._repair_sql import ALWAYS
from ._salvage import BEHIND, INSERT, UNCLEAR, UNSENT, Judgement, Row, Side, Version, change, judge
from ._session_types import SessionError

BATCH = 5000
"""Rows whose times are read at once."""
JUDGED = 50000
"""Rows that are judged together: all times that a server keeps are gone through once for them."""
WHOLE = 100
"""Rows whose values are read at once."""
PAUSE_SECONDS = 1.0
"""How long a row may be on its way from another node to the donor."""
NOT_RECEIVED = (
    "{rows} that only {donor} has {are} newer than all that {node} got: whether {node} deleted an older version of "
    "one of them cannot be told"
)
NO_TIMES = "its servers keep no commit times with origins: whose change a row is cannot be told"

# What a copy of another node replaces as well, beside the rows of tables.
_OTHERS = """
SELECT 'database ' || datname AS what, 'it is none of the group''s; a copy of another node replaces it' AS reason
  FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' AND NOT datname = ANY(%(databases)s)
 UNION ALL
SELECT 'prepared transaction ' || gid, 'it was neither committed nor rolled back' FROM pg_prepared_xacts
 ORDER BY 1
"""


class Salvage:
    """The node, the donor, and what was found."""

    def __init__(self, plan: NodePlan, donor: NodePlan) -> None:
        self._plan = plan
        self._donor = donor
        self._places = [Place(plan.name, plan, plan), Place(donor.name, plan, donor)]
        self._hashing: Hashing | None = None
        self.tables: list[Row] = []
        self.changes: list[Row] = []
        self.left: list[Row] = []
        self.sent: Row = {}

    def find(self) -> Row:
        """Return what salvage_info returns; its RETURN block says the keys. SessionError: a server does not answer."""
        os.makedirs(f"{self._plan.home}/compare", mode=0o700, exist_ok=True)
        shared = [name for name in self._plan.databases if name in self._donor.databases]
        try:
            with Nodes(self._places[:1], shared[0], SESSION) as alone:
                self.left += alone.ask(_OTHERS, {"databases": list(self._plan.databases)})[self._plan.name]
            for database in shared:
                own = tempfile.TemporaryDirectory(dir=f"{self._plan.home}/compare")
                with own as directory, Nodes(self._places, database, SESSION) as nodes:
                    self._database(nodes, database, directory)
        except (NodeLost, Refused) as error:
            raise SessionError(str(error)) from error
        hashing = t.cast("Hashing", self._hashing)
        return {
            "node": self._plan.name,
            "donor": self._donor.name,
            "hash": {"mode": hashing.mode, "equality": EXACT, "seed": hashing.seed},
            "sent": self.sent,
            "tables": self.tables,
            "changes": self.changes,
            "left": self.left,
        }

    def _database(self, nodes: Nodes, database: str, directory: str) -> None:
        settings = Settings(tuple(nodes.names), (), (database,))
        tables = read_tables(nodes, settings)
        if self._hashing is None:
            # The same on all databases: a file has one.
            mode = hash_mode(each.can for each in tables.probed.values())
            self._hashing = Hashing(mode, EXACT, random.SystemRandom().getrandbits(31))
        commits = _Commits(nodes, tables.probed, (self._plan, self._donor), database)
        if not commits.known:
            self.left.append({"what": f"database {database}", "reason": NO_TIMES})
        self.sent[database] = commits.newest[self._donor.name].get(self._plan.name, "")
        with contextlib.closing(Journal(f"{directory}/journal.sqlite")) as journal:
            told = list(tables.listed(settings, database))
            items = [Item(number, each, each["estimate"]) for number, each in enumerate(told)]
            with journal.step():
                journal.add_items(items)
            for item in items:
                try:
                    self._table(nodes, tables, journal, item, commits)
                except Refused as error:
                    self._leave(item, str(error))

    def _leave(self, item: Item, reason: str) -> None:
        told = item.told
        self.left.append({"what": f"table {told['schema']}.{told['name']} ({told['database']})", "reason": reason})

    def _table(self, nodes: Nodes, tables: Tables, journal: Journal, item: Item, commits: _Commits) -> None:
        told = item.told
        if told["missing_on"] == [self._plan.name]:
            return  # nothing of the node's own is in a table that it does not have
        for reason in [*told["notes"], *([told["reason"]] if told["reason"] else [])]:
            self._leave(item, reason)
        if told["reason"]:
            return
        chosen, hashing = tables.chosen(told), t.cast("Hashing", self._hashing)
        rows = sql.RowQueries(chosen, hashing, tables.probed)
        always = nodes.ask(ALWAYS, {"schema": chosen.schema, "name": chosen.name})[self._donor.name]
        table = {
            "database": told["database"],
            **sql.told(chosen, [row["name"] for row in always]),
            "fingerprint": told["fingerprints"][self._donor.name],
        }
        self.tables.append(table)
        before = len(self.changes)
        if chosen.key:
            scan = Scan(nodes, TableQueries(chosen, hashing, "", tables.probed), journal, item, Pace())
            scan.prepare()
            self._scan(_Rows(nodes, rows, (self._plan.name, self._donor.name), commits), scan, journal, item)
        else:
            self._loose(nodes, rows, commits, item)
        if before == len(self.changes):
            self.tables.pop()

    def _scan(self, rows: _Rows, scan: Scan, journal: Journal, item: Item) -> None:
        behind = 0
        while item.position < (item.blocks or 0) or journal.count_candidates(item):
            if item.position < (item.blocks or 0):
                scan.step()
                continue
            keys = journal.candidates(item, JUDGED)
            found, lacking = rows.judged(keys)
            behind += lacking
            for key, judgement, here, there in found:
                shown = readable(rows.queries.table, key)
                self.changes.append(change(judgement, len(self.tables) - 1, shown, self._plan.name, here, there))
            with journal.step():
                journal.drop_candidates(item, keys)
        if behind:
            rows_, are = ("1 row", "is") if behind == 1 else (f"{behind} rows", "are")
            self._leave(item, NOT_RECEIVED.format(rows=rows_, are=are, node=self._plan.name, donor=self._donor.name))

    def _loose(self, nodes: Nodes, rows: sql.RowQueries, commits: _Commits, item: Item) -> None:
        """Find the rows of a table without a key that the node added; what it deleted leaves no trace."""
        node, donor = self._plan.name, self._donor.name
        self._leave(item, "it has no key: rows that were added are found, rows that were deleted are not")
        newest = commits.newest[donor].get(node, "")
        added: dict[str, list[Row]] = {}
        for row in nodes.ask_each({node: rows.loose(node, newest)})[node]:
            added.setdefault(row["hash"], []).append(row)
        if not added:
            return
        there = nodes.ask(*rows.times_there(list(added)))[donor]
        known = {row["hash"]: int(row["number"]) for row in there}
        for hash_, same in added.items():
            reason = f"{node} added it {len(same)} times" if len(same) > 1 else f"{node} added it"
            here = {**same[0], "origin": node, "values": _values(rows, same[0])}
            one = change(Judgement(UNSENT, INSERT, reason), len(self.tables) - 1, {}, node, here, None)
            count = known.get(hash_, 0)
            self.changes.append({**one, "times": {"seen": count, "wanted": count + len(same)}})


class _Commits:
    """The commit times that both servers keep."""

    def __init__(
        self, nodes: Nodes, probed: t.Mapping[str, Probed], plans: t.Sequence[NodePlan], database: str
    ) -> None:
        self._nodes = nodes
        self.known = all(each.origin for each in probed.values())
        self._upstreams = {
            plan.name: {
                "": plan.name,
                **{link.slot: link.upstream for link in plan.connections if link.database == database},
            }
            for plan in plans
        }
        self._asked: dict[str, dict[str, bool]] = {plan.name: {} for plan in plans}
        self.newest: dict[str, dict[str, str]] = {plan.name: {} for plan in plans}
        if self.known:
            for node, row in self._slices(sql.NEWEST, {}):
                of = self.newest[node]
                origin = self.origin(node, row["origin"])
                if origin is not None:
                    of[origin] = max(of.get(origin, ""), row["newest"])

    def origin(self, node: str, name: str | None) -> str | None:
        """Return the node that an origin is, None where that is not known."""
        return None if name is None else self._upstreams[node].get(name)

    def times(self, node: str, asked: t.Collection[str]) -> set[str]:
        """Return which of some times one of the node's transactions has."""
        before = self._asked[node]
        new = sorted(set(asked) - set(before))
        if new and self.known:
            found = {row["time"] for _node, row in self._slices(sql.TIMES, {"times": new}, node)}
            before.update({time_: time_ in found for time_ in new})
        return {time_ for time_ in asked if before.get(time_)}

    def forget_times(self) -> None:
        """Free what was asked for."""
        for asked in self._asked.values():
            asked.clear()

    def _slices(self, text: str, values: Row, only: str = "") -> t.Iterator[tuple[str, Row]]:
        for node in [only] if only else self._nodes.names:
            whole = self._nodes.ask_each({node: (sql.RANGE, {"all": True})})[node][0]
            for first in range(whole["first"], whole["last"] + 1, sql.SLICE):
                asked = {**values, "first": first, "last": min(whole["last"], first + sql.SLICE - 1)}
                for row in self._nodes.ask_each({node: (text, asked)})[node]:
                    yield node, row


Judged = t.Tuple[Key, Judgement, t.Optional[Row], t.Optional[Row]]


class _Rows:
    """The rows of one table on both nodes: (node, donor)."""

    def __init__(self, nodes: Nodes, queries: sql.RowQueries, names: tuple[str, str], commits: _Commits) -> None:
        self._nodes = nodes
        self.queries = queries
        self._node, self._donor = names
        self._commits = commits

    def judged(self, keys: t.Sequence[Key]) -> tuple[list[Judged], int]:
        """Return the rows that hold a change of the node, and how many of the others only the donor has."""
        found = self._read(keys, whole=False)
        sides = self._sides(found)
        told = {key: judge(*sides, *map(_version, found[key])) for key in keys}
        lacking = sum(told[key].verdict == BEHIND and not found[key][0] and bool(found[key][1]) for key in keys)
        wanted = [key for key in keys if told[key].verdict != BEHIND]
        if any(told[key].verdict == UNCLEAR for key in wanted):
            time.sleep(PAUSE_SECONDS)
        judged: list[Judged] = []
        for start in range(0, len(wanted), WHOLE):
            # Read again: the donor is written meanwhile, and what is told must fit the values.
            some = self._read(wanted[start : start + WHOLE], whole=True)
            sides = self._sides(some)
            for key, (here, there) in some.items():
                judgement = judge(*sides, _version(here), _version(there))
                if judgement.verdict != BEHIND:
                    judged.append((key, judgement, here, there))
        self._commits.forget_times()
        return judged, lacking

    def _sides(self, found: t.Mapping[Key, tuple[Row | None, Row | None]]) -> tuple[Side, Side]:
        node = Side(self._node, self._commits.newest[self._node])
        donor = Side(self._donor, self._commits.newest[self._donor])
        versions = [(_version(here), _version(there)) for here, there in found.values()]
        asked_here = {node.asks_for(there) for _here, there in versions} - {""}
        asked_there = {donor.asks_for(here) for here, _there in versions} - {""}
        return (
            Side(node.name, node.newest, self._commits.times(node.name, asked_here)),
            Side(donor.name, donor.newest, self._commits.times(donor.name, asked_there)),
        )

    def _read(self, keys: t.Sequence[Key], whole: bool) -> dict[Key, tuple[Row | None, Row | None]]:
        names = (self._node, self._donor)
        rows: dict[str, dict[Key, Row]] = {name: {} for name in names}
        for start in range(0, len(keys), BATCH):
            some = keys[start : start + BATCH]
            asked = {name: self.queries.read(name, some, whole) for name in names}
            for name, found in self._nodes.ask_each(asked).items():
                for row in found:
                    row["origin"] = self._commits.origin(name, row["origin"])
                    row["values"] = _values(self.queries, row) if whole else {}
                    rows[name][key_of(self.queries.table, row)] = row
        return {key: (rows[self._node].get(key), rows[self._donor].get(key)) for key in keys}


def _version(row: Row | None) -> Version | None:
    return Version(row["hash"], row["committed"], row["origin"]) if row else None


def _values(rows: sql.RowQueries, row: Row) -> Row:
    return {name: row[f"v{place}"] for place, name in enumerate(rows.names)}
