# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The health of a group as one HTML page that needs nothing else: the graph, the links, the findings. Pure.

What servers said stands in it: it is escaped, and the page's policy runs no script at all.
"""

from __future__ import annotations

import base64
import hashlib
import typing as t

from ..module_utils._log_reading import stamp
from ..module_utils._slot_report import size
from ..module_utils._status import link_name
from ..module_utils._status_links import amount
from ._compare_page import text
from ._status_chart import charts
from ._status_graph import svg
from ._status_text import conflicts, verdict

Mapping = t.Mapping[str, t.Any]

STYLE = """
:root { color-scheme: light dark; --page: #fff; --card: #f6f8fa; --line: #d0d7de; --text: #1f2328; --dim: #59636e;
  --good: #1a7f37; --late: #9a6700; --bad: #cf222e; --unknown: #6e7781; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #151b23; --line: #3d444d; --text: #f0f6fc;
  --dim: #9198a1; --good: #3fb950; --late: #d29922; --bad: #f85149; --unknown: #9198a1; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; }
p { margin: .3rem 0; } .dim { color: var(--dim); font-size: .85rem; }
.streaming { --state: var(--good); } .catching_up, .waiting_for_lock { --state: var(--late); }
.crash_looping, .down, .slot_missing, .wal_lost, .stopped_by_conflict { --state: var(--bad); }
.unknown, .silent, .unreachable { --state: var(--unknown); }
svg { width: 100%; height: auto; max-height: 80vh; margin: 1rem 0; }
svg text { font: 12px system-ui, sans-serif; fill: var(--text); } .node text { text-anchor: middle; }
.link line { stroke: var(--state); stroke-width: 2; } .link polygon { fill: var(--state); }
.link:not(.streaming) line { stroke-width: 3; } .link.catching_up line { stroke-dasharray: 9 4; }
.link.unknown line { stroke-dasharray: 2 5; } .link.down line { stroke-dasharray: 5 5; }
svg .label { fill: var(--state); paint-order: stroke; stroke: var(--page); stroke-width: 4px; }
.label:not(.streaming) { font-weight: 600; }
.node rect { fill: var(--card); stroke: var(--state, var(--good)); stroke-width: 2; }
.node .name { font-size: 15px; font-weight: 600; } .node.silent rect, .node.unreachable rect { stroke-dasharray: 4 4; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { background: var(--card); } th, td:not(:last-child) { white-space: nowrap; } td.n { text-align: right; }
td.said { white-space: normal; }
td:last-child { min-width: 12rem; }
td.state { color: var(--state); font-weight: 600; }
article { border: 1px solid var(--line); border-left: 4px solid var(--late); border-radius: 6px; margin: .7rem 0;
  padding: .5rem .7rem; } article.error { border-left-color: var(--bad); }
article ul { margin: .3rem 0; padding-left: 1.2rem; } code { font: .85rem ui-monospace, monospace; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(24rem, 100%), 1fr)); gap: .4rem 1.4rem; }
figure { margin: 0; } figcaption { font-size: .9rem; } svg.chart { margin: .2rem 0; }
.chart line { stroke: var(--line); } .chart polyline { fill: none; stroke: var(--text); stroke-width: 1.5; }
.chart text { font-size: 11px; fill: var(--dim); }
.chart circle { fill: var(--text); } .chart rect { fill: var(--state); }
@media print { body { max-width: none; } article, tr { break-inside: avoid; } }
"""


def page(found: Mapping, looks: t.Sequence[Mapping] = ()) -> str:
    """Return the page; looks are those that are kept of the group, this one among them."""
    title = text(verdict(found))
    policy = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{policy}'\">\n"
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{title}</h1>\n<p class="dim">{text(found["at"])}</p>\n'
        f"{svg(found)}{_findings(found)}{_links(found)}{charts(found['group'], looks, found['links'])}"
        f"{_nodes(found)}</body>\n</html>\n"
    )


def _findings(found: Mapping) -> str:
    if not found["findings"]:
        return "<p>Nothing is wrong.</p>\n"
    evidence = {link_name(link): link["evidence"][1:] for link in found["links"]}
    told = "".join(_finding(finding, evidence.get(finding["about"], ())) for finding in found["findings"])
    return f"<h2>Findings</h2>\n{told}"


def _finding(finding: Mapping, evidence: t.Iterable[str]) -> str:
    more = "".join(f"<li>{text(line)}</li>" for line in evidence)
    mend = f"<p>Mend: <code>{text(finding['mend'])}</code></p>" if finding["mend"] else ""
    more = f"<ul>{more}</ul>" if more else ""
    return f'<article class="{text(finding["severity"])}"><p>{text(finding["message"])}</p>{more}{mend}</article>\n'


def _links(found: Mapping) -> str:
    head = ("database", "link", "state", "lag", "WAL held", "until lost", "conflicts", "evidence")
    times = [link["conflicts"]["since"] for link in found["links"] if link["conflicts"]]
    counted = f'<p class="dim">Conflicts: since {stamp(min(times))} UTC, the last look.</p>\n' if times else ""
    return _table("Links", head, (_link(link) for link in found["links"])) + counted


def _link(link: Mapping) -> str:
    told = [(link["lag_bytes"], amount), (link["wal_held_bytes"], size), (link["until_lost_bytes"], size)]
    sizes = "".join(f'<td class="n">{"" if value is None else said(value)}</td>' for value, said in told)
    state = text(link["state"])
    return (
        f"<tr><td>{text(link['database'])}</td><td>{text(link['upstream'])} &rarr; {text(link['downstream'])}</td>"
        f'<td class="state {state}">{state}</td>{sizes}{_conflicts(link)}'
        f"<td>{'<br>'.join(map(text, link['evidence']))}</td></tr>\n"
    )


def _conflicts(link: Mapping) -> str:
    counted = link["conflicts"]
    return f'<td class="n" title="{conflicts(link)}">{counted["count"] if counted else ""}</td>'


def _nodes(found: Mapping) -> str:
    rows = (
        f'<tr><td>{text(name)}</td><td class="said">{text(node["error"] or "up")}</td>'
        f"<td>{text(node.get('lsn') or '')}</td>"
        f"<td>{_drift(node)}</td></tr>\n"
        for name, node in found["nodes"].items()
    )
    return _table("Nodes", ("node", "server", "WAL position", "site.yml would"), rows)


def _drift(node: Mapping) -> str:
    """Return what site.yml would change, empty where nobody looked."""
    drift = node.get("drift")
    if not drift:
        return ""
    return "<br>".join(map(text, drift["steps"])) or ("not known" if drift["error"] else "change nothing")


def _table(heading: str, head: t.Iterable[str], rows: t.Iterable[str]) -> str:
    names = "".join(f"<th>{name}</th>" for name in head)
    return (
        f'<h2>{heading}</h2>\n<div class="wide"><table>\n<thead><tr>{names}</tr></thead>\n<tbody>\n{"".join(rows)}'
        "</tbody></table></div>\n"
    )
