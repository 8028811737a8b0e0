# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""A fence: proof that what was committed before it began has been applied at the other end of each link.

A row is written on each upstream, one for each of its links, and awaited on the downstream. Changes are applied in
the order in which they were committed, so what was seen on an upstream before is there once the row is. This needs
nothing of a server that its age could lack.
"""

from __future__ import annotations

import time
import typing as t
import uuid
from dataclasses import dataclass, field

from .nodes import Nodes, Query

POLL_SECONDS = 0.005

# Two comparisons, or one and a heartbeat, may write the same row: what was written later has passed what came before.
_AGAIN = """
UPDATE pgbdr.heartbeat SET token = %(token)s, written_at = clock_timestamp()
 WHERE upstream = %(node)s AND downstream = ANY(%(downstreams)s) RETURNING downstream, written_at::text AS written_at
"""
_NEW = """
INSERT INTO pgbdr.heartbeat (upstream, downstream, token)
SELECT %(node)s, d, %(token)s FROM unnest(%(downstreams)s::text[]) d
RETURNING downstream, written_at::text AS written_at
"""
_SEEN = """
SELECT DISTINCT h.upstream FROM pgbdr.heartbeat h
  JOIN unnest(%(upstreams)s::text[], %(written)s::text[]) w (upstream, written_at) ON w.upstream = h.upstream
 WHERE h.downstream = %(node)s AND (h.token = %(token)s OR h.written_at > w.written_at::timestamptz)
"""
_SEEN_ADDED = """
SELECT DISTINCT h.upstream FROM pgbdr.heartbeat h
 WHERE h.downstream = %(node)s AND h.upstream = ANY(%(upstreams)s) AND h.token = %(token)s
"""


@dataclass
class Fence:
    """What a fence took, and (upstream, downstream) -> why what is on its way there is not known."""

    seconds: float = 0.0
    silent: dict[tuple[str, str], str] = field(default_factory=dict)


def unfenced(silent: t.Mapping[tuple[str, str], str]) -> dict[str, str]:
    """Return downstream node -> why what is on its way to it is not known."""
    found: dict[str, list[str]] = {}
    for (upstream, downstream), reason in sorted(silent.items()):
        told = f"what is on its way from {upstream} to {downstream} is not known: {reason}"
        found.setdefault(downstream, []).append(told)
    return {node: "; ".join(reasons) for node, reasons in found.items()}


def fence(nodes: Nodes, links: t.Collection[tuple[str, str]], is_updated: bool, seconds: float) -> Fence:
    """Write a row into each (upstream, downstream) and wait for it.

    is_updated: a row of an earlier fence is written again, where that is safe. seconds: how long to wait at most.
    """
    started = time.monotonic()
    token = uuid.uuid4().hex
    written, silent = _write(nodes, links, token, is_updated)
    awaited = {link for link in links if link in written}
    while awaited:
        seen, errors = nodes.try_each(_questions(awaited, written, token, is_updated))
        for node, rows in seen.items():
            awaited -= {(row["upstream"], node) for row in rows}
        for node, error in errors.items():
            silent.update({link: str(error) for link in awaited if link[1] == node})
            awaited = {link for link in awaited if link[1] != node}
        if awaited and time.monotonic() > started + seconds:
            break
        if awaited:
            time.sleep(POLL_SECONDS)
    silent.update({link: f"a row was not seen within {seconds:g} s" for link in awaited})
    return Fence(time.monotonic() - started, silent)


def _write(
    nodes: Nodes, links: t.Iterable[tuple[str, str]], token: str, is_updated: bool
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    """Return when each link's row was written, by its upstream's clock, and why others were not."""
    missing: dict[str, list[str]] = {}
    for upstream, downstream in links:
        missing.setdefault(upstream, []).append(downstream)
    written: dict[tuple[str, str], str] = {}
    silent: dict[tuple[str, str], str] = {}
    for text in (_AGAIN, _NEW) if is_updated else (_NEW,):
        queries = {
            node: (text, {"node": node, "downstreams": downstreams, "token": token})
            for node, downstreams in missing.items()
            if downstreams
        }
        answers, errors = nodes.try_each(queries)
        for node, rows in answers.items():
            written.update({(node, row["downstream"]): row["written_at"] for row in rows})
            missing[node] = [each for each in missing[node] if (node, each) not in written]
        for node, error in errors.items():
            silent.update({(node, downstream): str(error) for downstream in missing.pop(node)})
    return written, silent


def _questions(
    awaited: t.Iterable[tuple[str, str]], written: t.Mapping[tuple[str, str], str], token: str, is_updated: bool
) -> dict[str, Query]:
    upstreams: dict[str, list[str]] = {}
    for upstream, downstream in sorted(awaited):
        upstreams.setdefault(downstream, []).append(upstream)
    text = _SEEN if is_updated else _SEEN_ADDED
    return {
        node: (
            text,
            {
                "node": node,
                "upstreams": names,
                "written": [written[name, node] for name in names],
                "token": token,
            },
        )
        for node, names in upstreams.items()
    }
