# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What differs between the definitions of nodes, and what would mend it: the ground that all rules stand on. Pure.

Only nodes with a link between them are compared, and a rule may look at the direction: a downstream may have less
strict constraints than its upstream, in a mesh everybody is both.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Value = t.Any
Statements = t.List[str]
Definition = t.Mapping[str, t.Any]

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)


@dataclass(frozen=True)
class Rules:
    """What depends on the engine."""

    ships_tuples: bool
    """Rows travel as they lie on disk: columns have places, types have numbers."""
    without_key: str
    """What becomes of a table that has no primary key."""
    extensions: tuple[str, ...]
    """The engine's own, which need not be on every node."""
    mend_session: tuple[str, ...] = ()
    """What a session says first so that its DDL stays on its node."""


@dataclass(frozen=True)
class Finding:
    """One difference: how bad it is, where, and the DDL that would mend it, by node."""

    severity: str
    kind: str
    object: str
    finding: str
    nodes: tuple[str, ...]
    mend: tuple[tuple[str, tuple[str, ...]], ...] = ()
    advice: str = ""
    depth: int = 0
    """How many objects this one stands on: mends are listed in the order in which they can be run."""


@dataclass(frozen=True)
class Odd:
    """A thing that nodes have differently: the value to go by, and who has another one."""

    values: t.Mapping[str, Value]
    reference: Value
    nodes: tuple[str, ...]
    even: bool
    """As many nodes have the one as the other, and nothing else says which is right."""

    @property
    def model(self) -> str:
        """Return the first node that has the value to go by."""
        return next(node for node, value in self.values.items() if value == self.reference)

    def told(self, tell: t.Callable[[Value], str]) -> str:
        """Return who has what, the value to go by first."""
        classes = _classes(self.values)
        ordered = sorted(classes, key=lambda value: value != self.reference)
        return ", ".join(f"{tell(value)} on {', '.join(classes[value])}" for value in ordered)


@dataclass(frozen=True)
class Group:
    """What every rule may look at: who sends to whom, the engine's rules, each node's definitions."""

    links: Links
    rules: Rules
    databases: t.Mapping[str, Definition]

    def each(self, kind: str, name: str) -> dict[str, t.Any]:
        """Return what each node has under a name, None where it has nothing."""
        return {node: database[kind].get(name) for node, database in self.databases.items()}

    def names(self, kind: str) -> list[str]:
        """Return the names of a kind of object on any node, sorted."""
        return sorted({name for database in self.databases.values() for name in database[kind]})


Wrong = t.Callable[[Value, Value], bool]


def unequal(upstream: Value, downstream: Value) -> bool:
    """Tell whether two values differ: the rule of what must be the same on both ends."""
    return bool(upstream != downstream)


def missing(upstream: Value, downstream: Value) -> bool:
    """Tell whether a downstream lacks what its upstream has."""
    return bool(upstream) and not downstream


def stricter(upstream: Value, downstream: Value) -> bool:
    """Tell whether a downstream has a constraint that its upstream lacks: it will refuse a row."""
    return not upstream and bool(downstream)


class Links:
    """Who sends to whom in one database, of the nodes that answered."""

    def __init__(self, pairs: t.Iterable[tuple[str, str]], nodes: t.Collection[str]) -> None:
        self.pairs = {(up, down) for up, down in pairs if up in nodes and down in nodes}

    def odd(
        self,
        values: t.Mapping[str, Value],
        wrong: Wrong = unequal,
        prefer: t.Callable[[Value], t.Any] | None = None,
        prefer_first: bool = False,
    ) -> Odd | None:
        """Return which nodes to mend and after which model, None where no link carries anything wrong.

        The model is the upstream's where its downstream sends nothing back, else what most nodes have, else what is
        preferred, else what the first node has. prefer_first: what is preferred comes before all that.
        """
        bad = self._bad(values, wrong)
        if not bad:
            return None
        concerned = {node for pair in bad for node in pair}
        classes = _classes({node: value for node, value in values.items() if node in concerned})
        weights = {
            value: (
                prefer(value) if prefer and prefer_first else 0,
                self._sends_only(nodes, bad),
                sum(other == value for other in values.values()),
                prefer(value) if prefer else 0,
            )
            for value, nodes in classes.items()
        }
        best = max(weights.values())
        chosen = [value for value, weight in weights.items() if weight == best]
        nodes = self._to_mend(values, wrong, chosen[0])
        return Odd(values, chosen[0], nodes, even=len(chosen) > 1)

    def _bad(self, values: t.Mapping[str, Value], wrong: Wrong) -> list[tuple[str, str]]:
        return [
            (up, down) for up, down in self.pairs if up in values and down in values and wrong(values[up], values[down])
        ]

    def _to_mend(self, values: t.Mapping[str, Value], wrong: Wrong, reference: Value) -> tuple[str, ...]:
        """Return who must follow until nothing is wrong: a node that is mended may be at odds with its downstream."""
        mended = dict(values)
        while bad := {node for pair in self._bad(mended, wrong) for node in pair if mended[node] != reference}:
            mended.update(dict.fromkeys(bad, reference))
        return tuple(node for node in values if mended[node] != values[node])

    def _sends_only(self, nodes: t.Collection[str], bad: t.Iterable[tuple[str, str]]) -> bool:
        touching = [(up, down) for up, down in bad if up in nodes or down in nodes]
        return all(up in nodes and (down, up) not in self.pairs for up, down in touching)


def _classes(values: t.Mapping[str, Value]) -> dict[Value, list[str]]:
    found: dict[Value, list[str]] = {}
    for node, value in values.items():
        found.setdefault(value, []).append(node)
    return found


EVEN = "as many nodes have the one as the other; the mend follows {model}, turn it round where {model} is wrong"


def found(
    severity: str,
    kind: str,
    name: str,
    odd: Odd | None,
    tell: t.Callable[[Value], str],
    mend: t.Callable[[str], Statements | None],
    what: str = "",
    advice: str = "",
    depth: int = 0,
) -> t.Iterator[Finding]:
    """Yield the finding of a thing that is odd; mend gives the statements for one node, None where there are none."""
    if odd is None:
        return
    statements = {node: mend(node) for node in odd.nodes}
    mends = tuple((node, tuple(each)) for node, each in statements.items() if each)
    hints = [EVEN.format(model=odd.model)] if odd.even and mends else []
    hints += [advice] if advice else []
    yield Finding(
        severity=severity,
        kind=kind,
        object=name,
        finding=f"{what}{odd.told(tell)}",
        nodes=odd.nodes,
        mend=mends,
        advice="; ".join(hints),
        depth=depth,
    )


def there(value: Value) -> str:
    """Return a presence in words."""
    return "there" if value else "missing"


def no_mend(_node: str) -> None:
    """Return no statements: no DDL mends it."""
