# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A comparison from its beginning to its result, a slice of time after the other."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import random
import time
import typing as t

from .._compare_hash import SESSION, hash_mode
from .._compare_keys import canonical
from .._compare_table import Capabilities
from .._engine import server
from .._model import NodePlan, node_plan
from . import outcome, settings
from .blocks import Pace
from .hashing import Hashing
from .journal import DONE, Item, Journal
from .listing import Tables, read_tables
from .nodes import NodeLost, Nodes, Place, Refused
from .queries import TableQueries
from .settle import Fences
from .tables import TableWork
from .throttle import Throttle
from .told import NO_FENCE, progress, result

WAIT_SECONDS = 120
"""How long a comparison waits for the slice of one whose controller went away."""


class NotComparable(Exception):
    """Nothing was compared, with why and the mend."""


class Comparison:
    """The comparison that a node makes. Use it as a context manager."""

    def __init__(self, plan: NodePlan, given: t.Mapping[str, t.Any]) -> None:
        self._plan = plan
        self._given = given
        self._members = {name: node_plan(share) for name, share in given["members"].items()}
        self._members = {name: share for name, share in self._members.items() if not share.standby_of}
        others = {each["name"]: each["dsn"] for each in given["others"]}
        self._settings = settings.parse(
            given, {name: share.databases for name, share in self._members.items()}, list(others)
        )
        self._others = others
        self._directory = f"{plan.home}/compare"
        self._throttle = Throttle(given["max_lag_mb"], given["max_active"])
        self._paused = ""

    def __enter__(self) -> Comparison:
        os.makedirs(self._directory, mode=0o700, exist_ok=True)
        self._lock = open(f"{self._directory}/lock", "w", encoding="ascii")  # noqa: SIM115
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() >= deadline:
                raise NotComparable(f"another comparison is at work on {self._plan.name}")
            time.sleep(0.1)
        # A few rows looked at again are no reason to forget a comparison that was stopped.
        self._journal = Journal(f"{self._directory}/{'rows' if self._settings.only else 'journal'}.sqlite")
        return self

    def __exit__(self, *_exception: object) -> None:
        self._journal.close()
        self._lock.close()

    def go_on(self) -> dict[str, t.Any]:
        """Compare for a slice. Return `progress`, or `comparison` when it is through."""
        started = time.monotonic()
        self._begin()
        seconds = self._given["slice_seconds"]
        deadline = started + seconds if seconds else None
        before = self._journal.fact("seconds", 0.0)
        for database in self._settings.databases:
            todo = [item for item in self._journal.items() if item.state != DONE and item.told["database"] == database]
            if todo and not self._compare(database, todo, deadline):
                break
        with self._journal.step():
            self._journal.note("seconds", before + time.monotonic() - started)
        items = self._journal.items()
        if any(item.state != DONE for item in items):
            return {"progress": progress(self._journal, items, self._paused)}
        with self._journal.step():
            self._journal.note("finished", True)
        return {"comparison": result(self._journal, items, self._settings, self._members)}

    # --- The beginning

    def _begin(self) -> None:
        """Go on with what was stopped; begin where nothing was, or where the last one is through."""
        fingerprint = self._journal.fact("fingerprint")
        if self._given["fresh"] or self._journal.fact("finished") or not fingerprint:
            self._journal.forget_all()
            self._list_tables()
        elif fingerprint != self._settings.fingerprint(self._others):
            raise NotComparable(
                "a comparison with other settings was stopped before its end; run it as it was to go on, or forget it: "
                "-e bdr_compare_fresh=true"
            )

    def _list_tables(self) -> None:
        items: list[Item] = []
        able: list[Capabilities] = []
        for database in self._settings.databases:
            with self._nodes(database, ()) as nodes:
                try:
                    tables = read_tables(nodes, self._settings)
                except NodeLost as error:
                    raise NotComparable(
                        f"{error.node} does not answer: {error.reason}; start it, bring the group up to date with "
                        "site.yml, or leave it out: "
                        f'-e \'{{"bdr_compare_without": ["{error.node}"]}}\''
                    ) from error
                except Refused as error:
                    raise NotComparable(str(error)) from error
                able += [each.can for each in tables.probed.values()]
                encodings = [f"{each.can.encoding} on {node}" for node, each in sorted(tables.probed.items())]
                if len({each.can.encoding for each in tables.probed.values()}) > 1:
                    raise NotComparable(f"{database} has several encodings: {', '.join(encodings)}; leave a node out")
                for told in tables.listed(self._settings, database):
                    estimate = told.pop("estimate")
                    items.append(Item(len(items), told, estimate))
        # A group that has no tables yet is equal; where some were asked for, or are on one node only, it is an error.
        asked = any(self._given[name] for name in ("only", "replication_sets", "schemas", "tables"))
        if (items or asked) and not any(len(item.told["nodes"]) > 1 for item in items):
            named = (
                f" that bdr_compare_tables names ({', '.join(self._given['tables'])})" if self._given["tables"] else ""
            )
            raise NotComparable(f"{' and '.join(self._settings.nodes)} have no table in common{named}")
        unmatched = self._settings.unmatched({(item.told["schema"], item.told["name"]) for item in items})
        if unmatched:
            raise NotComparable("\n".join(unmatched))
        now = datetime.datetime.now(datetime.timezone.utc)
        with self._journal.step():
            self._journal.add_items(items)
            self._journal.note("fingerprint", self._settings.fingerprint(self._others))
            # Another seed each time: two rows whose hashes are the same by chance do not stay so.
            self._journal.note("hash", {"mode": hash_mode(able), "seed": random.SystemRandom().getrandbits(31)})
            self._journal.note("session", now.strftime("%Y%m%dT%H%M%S"))
            self._journal.note("started", now.isoformat(timespec="seconds"))

    def _nodes(self, database: str, absent: t.Collection[str]) -> Nodes:
        places = [
            Place(name, self._plan, self._members.get(name), self._others.get(name, ""))
            for name in self._settings.nodes
            if name not in absent and (name in self._others or database in self._members[name].databases)
        ]
        return Nodes(places, database, SESSION)

    # --- The work

    def _compare(self, database: str, items: t.Sequence[Item], deadline: float | None) -> bool:
        """Compare tables until the time is up. Tell whether all of them are done."""
        absent = {each["node"] for each in self._journal.fact("absent", [])}
        with self._nodes(database, absent) as nodes, self._fence_nodes(database) as fence_nodes:
            while len(nodes.names) > 1:
                try:
                    tables = read_tables(nodes, self._settings)
                    self._same(tables, items)
                    fences = self._fences(database, fence_nodes)
                    try:
                        return all(self._bring_on(nodes, tables, item, fences, deadline) for item in items)
                    finally:
                        self._note_fences(database, fences)
                except NodeLost as error:
                    self._lose(error)
                    nodes.leave_out(error.node)
                    fence_nodes.leave_out(error.node)
        for item in items:
            self._skip(item, "fewer than two nodes answer")
        return True

    def _lose(self, error: NodeLost) -> None:
        with self._journal.step():
            absent = self._journal.fact("absent", [])
            self._journal.note("absent", [*absent, {"node": error.node, "reason": error.reason}])

    def _bring_on(self, nodes: Nodes, tables: Tables, item: Item, fences: Fences, deadline: float | None) -> bool:
        """Bring one table to its end, or as far as there is time. Tell whether it is at its end."""
        if item.state == DONE:
            return True
        try:
            if item.told["reason"]:
                self._skip(item, item.told["reason"])
                return True
            own = nodes.only(item.told["nodes"])
            if len(own.names) < 2:
                self._skip(item, "fewer than two nodes answer")
                return True
            queries = self._queries(tables, item)
            work = TableWork(own, queries, self._journal, item, fences, self._settings.max_differences, Pace())
            shown = self._settings.keys_of(item.told["database"], item.told["schema"], item.told["name"])
            keys = [canonical(queries.table, dict(key)) for key in shown]
            while item.state != DONE:
                if deadline and time.monotonic() >= deadline:
                    return False
                self._paused = self._throttle.reason(own)
                if self._paused:
                    time.sleep(1)
                else:
                    work.step(keys)
        except Refused as error:
            self._skip(item, str(error))
        return True

    def _skip(self, item: Item, reason: str) -> None:
        item.state, item.result = DONE, outcome.skipped(reason, item.told)
        with self._journal.step():
            self._journal.save(item)

    def _queries(self, tables: Tables, item: Item) -> TableQueries:
        noted = self._journal.fact("hash")
        hashing = Hashing(noted["mode"], self._settings.equality, noted["seed"])
        where = self._settings.where_of(item.told["schema"], item.told["name"])
        return TableQueries(tables.chosen(item.told), hashing, where, tables.probed)

    def _same(self, tables: Tables, items: t.Iterable[Item]) -> None:
        for item in items:
            changed = tables.changed(item.told)
            if changed:
                raise NotComparable(
                    f"{item.told['schema']}.{item.told['name']} of {', '.join(changed)} has been altered or dropped "
                    "since the comparison was begun; begin anew: -e bdr_compare_fresh=true"
                )

    # --- The fence

    def _links(self, database: str) -> set[tuple[str, str]]:
        """Links that bring changes to the nodes that are compared, whether or not their upstream is."""
        return {
            (connection.upstream, name)
            for name, share in self._members.items()
            for connection in share.connections
            if name in self._settings.nodes
            and connection.database == database
            and connection.upstream not in self._settings.without
        }

    def _fence_nodes(self, database: str) -> Nodes:
        absent = {each["node"] for each in self._journal.fact("absent", [])}
        names = {name for link in self._links(database) for name in link} - absent
        return Nodes([Place(name, self._plan, self._members[name]) for name in sorted(names)], database, {})

    def _fences(self, database: str, fence_nodes: Nodes) -> Fences:
        is_updated = server(self._plan).heartbeat_is_updated
        links = self._links(database)
        silent: dict[tuple[str, str], str] = {}
        # A run that was stopped and goes on has patience again: somebody may have mended the link.
        if self._given["goes_on"]:
            known = {each["link"]: each["reason"] for each in self._journal.fact("fence", NO_FENCE)["unfenced"]}
            names = {link: _link_name(link, database) for link in links}
            silent = {link: known[name] for link, name in names.items() if name in known}
        return Fences(fence_nodes, links, is_updated, self._given["fence_seconds"], silent)

    def _note_fences(self, database: str, fences: Fences) -> None:
        noted = self._journal.fact("fence", NO_FENCE)
        silent = {_link_name(link, database): why for link, why in fences.silent.items()}
        known = {each["link"] for each in noted["unfenced"]}
        new = [{"link": link, "reason": why} for link, why in sorted(silent.items()) if link not in known]
        with self._journal.step():
            self._journal.note(
                "fence",
                {
                    "rounds": noted["rounds"] + fences.rounds,
                    "seconds": round(noted["seconds"] + fences.seconds, 3),
                    "unfenced": [*noted["unfenced"], *new],
                },
            )


def _link_name(link: tuple[str, str], database: str) -> str:
    upstream, downstream = link
    return f"{upstream} -> {downstream} ({database})"
