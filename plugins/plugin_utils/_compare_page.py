# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a comparison found, as one HTML page that needs nothing else. Pure.

Everything of it is data of somebody's database: it is escaped, and the page's policy runs no script but its own.
"""

from __future__ import annotations

import base64
import hashlib
import html
import typing as t

from ._compare_style import SCRIPT, STYLE
from ._compare_text import COUNTED, NOT_THERE, counts, marks, relation

Mapping = t.Mapping[str, t.Any]

NOTHING_THERE = f'<i class="nothing">{NOT_THERE}</i>'
MATRIX_NODES = 10
"""Up to so many nodes the pairs stand in a matrix, beyond it in a list of those that differ."""


def page(group: str, found: Mapping) -> str:
    """Return the page: verdict, how it was come by, a table of tables, and of each that differs the rows."""
    title = f"Comparison of {text(group)}, {text(found['session'])}: {text(found['verdict'])}"
    sections = "".join(_section(place, each, found["nodes"]) for place, each in enumerate(found["tables"]))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"{_head(group, found)}{_filters(found)}{_tables(found)}{sections}"
        f"<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _policy() -> str:
    style, script = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in (STYLE, SCRIPT))
    return f"default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; form-action 'none'"


def text(value: t.Any) -> str:
    """Return a value as text of HTML; what a browser would hide or obey is told by its number."""
    return html.escape("".join(each if each.isprintable() or each in "\n\t" else _number(each) for each in str(value)))


def _number(each: str) -> str:
    return ascii(each)[1:-1]


def _value(value: str | None) -> str:
    if value is None or value == "":
        return f'<i class="nothing">{"NULL" if value is None else "empty"}</i>'
    return text(value)


def _verdict(verdict: str) -> str:
    return f'<span class="v {text(verdict)}">{text(verdict)}</span>'


def _head(group: str, found: Mapping) -> str:
    fence, hashed = found["fence"], found["hash"]
    facts = {
        "Nodes": ", ".join(found["nodes"]),
        "Started": found["started"],
        "Took": f"{found['seconds']:.1f} s",
        "Tables": _counted(found["tables"]),
        "Hash": f"{hashed['mode']}, equality {hashed['equality']}, seed {hashed['seed']}",
        "Fence": f"{counts(fence['rounds'], 'round')}, {fence['seconds']:.1f} s",
    }
    told = "".join(f"<div><dt>{name}</dt><dd>{text(value)}</dd></div>" for name, value in facts.items())
    warnings = [f"{each['node']} was not compared: {each['reason']}" for each in found["absent"]]
    warnings += [f"{each['link']} was not fenced: {each['reason']}" for each in fence["unfenced"]]
    return (
        f"<header>\n<h1>{text(group)}: {_verdict(found['verdict'])}</h1>\n"
        f'<p class="dim">Comparison {text(found["session"])}</p>\n<dl>{told}</dl>\n{_list(warnings, "warn")}</header>\n'
    )


def _counted(tables: t.Sequence[Mapping]) -> str:
    verdicts: dict[str, int] = {}
    for each in tables:
        verdicts[each["verdict"]] = verdicts.get(each["verdict"], 0) + 1
    return ", ".join(f"{number} {verdict}" for verdict, number in sorted(verdicts.items())) or "none"


def _list(lines: t.Iterable[str], kind: str = "") -> str:
    told = "".join(f"<li>{text(line)}</li>" for line in lines)
    return f'<ul class="{kind}">{told}</ul>\n' if told else ""


def _filters(found: Mapping) -> str:
    verdicts = _options("all verdicts", ("different", "unproven", "equal", "skipped"), "")
    nodes = _options("all nodes", found["nodes"], "odd on ")
    return (
        '<form><input name="words" type="search" placeholder="table or key" aria-label="Table or key">'
        f'<label><select name="verdict" aria-label="Verdict">{verdicts}</select></label>'
        f'<label><select name="node" aria-label="Node">{nodes}</select></label>'
        '<span id="shown" class="dim" role="status"></span></form>\n'
    )


def _options(every: str, names: t.Iterable[str], before: str) -> str:
    chosen = "".join(f'<option value="{text(name)}">{before}{text(name)}</option>' for name in names)
    return f'<option value="">{every}</option>{chosen}'


def _tables(found: Mapping) -> str:
    nodes = found["nodes"]
    head = "".join(
        f"<th>{text(name)}</th>" for name in ("database", "table", "verdict", "rows that differ", "key", *nodes)
    )
    rows = "".join(_table_row(place, each, nodes) for place, each in enumerate(found["tables"]))
    return (
        '<h2>Tables</h2>\n<p class="dim">Rows on each node.</p>\n<div class="wide"><table>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )


def _table_row(place: int, each: Mapping, nodes: t.Sequence[str]) -> str:
    name = text(relation(each))
    link = f'<a href="#t{place}">{name}</a>' if _has_section(each) else name
    rows = "".join(f'<td class="n">{_rows(each, node)}</td>' for node in nodes)
    return (
        f'<tr data-verdict="{text(each["verdict"])}" data-name="{_sought(relation(each))}" data-section="t{place}">'
        f"<td>{text(each['database'])}</td><td>{link}</td><td>{_verdict(each['verdict'])}</td>"
        f'<td class="n">{each["differing"]:,}</td><td>{text(", ".join(each["key"]) or "none")}</td>{rows}</tr>\n'
    )


def _rows(each: Mapping, node: str) -> str:
    if node in each["missing_on"]:
        return '<i class="nothing">no table</i>'
    return f"{each['rows'][node]:,}" if node in each["rows"] else ""


def _sought(value: str) -> str:
    """Return what the filter looks for words in."""
    return text(value.lower())


def _has_section(each: Mapping) -> bool:
    return each["verdict"] != "equal" or bool(each["notes"])


def _section(place: int, each: Mapping, nodes: t.Sequence[str]) -> str:
    if not _has_section(each):
        return ""
    name = text(relation(each))
    notes = [each["reason"]] if each["reason"] else []
    notes += each["notes"]
    if each["missing_on"]:
        notes.append(f"the table is missing on {', '.join(each['missing_on'])}")
    listed = len(each["differences"])
    shown = f'<p class="dim">{listed} of {each["differing"]} rows are listed.</p>\n' if each["truncated"] else ""
    rows = "".join(_difference(difference) for difference in each["differences"])
    data = f'data-verdict="{text(each["verdict"])}" data-name="{_sought(relation(each))}"'
    return (
        f'<section class="table" id="t{place}" {data}>\n'
        f"<h2>{name} <small>{text(each['database'])}</small> {_verdict(each['verdict'])}</h2>\n"
        f"{_list(notes)}{_pairs(each['pairs'], nodes)}{shown}{rows}</section>\n"
    )


def _pairs(pairs: t.Sequence[Mapping], nodes: t.Sequence[str]) -> str:
    told = [pair for pair in pairs if any(pair[name] for name in COUNTED)]
    if not told:
        return ""
    if len(nodes) > MATRIX_NODES:
        return _list(f"{' and '.join(pair['nodes'])}: {_told(pair, *pair['nodes'])}" for pair in told)
    by_nodes = {tuple(pair["nodes"]): pair for pair in pairs}
    head = "".join(f"<th>{text(node)}</th>" for node in nodes)
    rows = "".join(
        f"<tr><th>{text(one)}</th>{''.join(_cell(by_nodes, one, other) for other in nodes)}</tr>\n" for one in nodes
    )
    return (
        f'<div class="wide"><table class="matrix">\n<thead><tr><th></th>{head}</tr></thead>\n<tbody>\n{rows}'
        "</tbody></table></div>\n"
    )


def _cell(by_nodes: t.Mapping[t.Any, Mapping], one: str, other: str) -> str:
    """Return how a row's node differs from a column's."""
    pair = by_nodes.get((one, other)) or by_nodes.get((other, one))
    if one == other or pair is None:
        return "<td></td>"
    number = sum(pair[name] for name in COUNTED)
    return f"<td><b>{number:,}</b><small>{text(_told(pair, one, other))}</small></td>" if number else "<td>0</td>"


def _told(pair: Mapping, one: str, other: str) -> str:
    only = {pair["nodes"][0]: pair["only_first"], pair["nodes"][1]: pair["only_second"]}
    told = {f"only on {one}": only[one], f"only on {other}": only[other]}
    told.update({"different": pair["different"], "unproven": pair["unproven"]})
    return ", ".join(f"{number:,} {what}" for what, number in told.items() if number)


def _difference(found: Mapping) -> str:
    key = ", ".join(f"{name} = {value}" for name, value in found["key"].items()) or "a row"
    odd = sorted({node for version in found["versions"][1:] for node in version["nodes"]})
    unproven = f'<p class="warn">{text(found["reason"])}</p>\n' if found["reason"] else ""
    head = "".join(_version_head(found, version) for version in found["versions"])
    names = found["columns"] or list(dict.fromkeys(name for each in found["versions"] for name in each["values"]))
    rows = "".join(_column(found, name) for name in names) or _presence(found)
    verdict = text(found["verdict"])
    return (
        f'<article data-verdict="{verdict}" data-key="{_sought(key)}" data-odd="{text(" ".join(odd))}">'
        f"<h3>{text(key)} {_verdict(verdict)}</h3>\n{unproven}<table>\n<thead><tr><th></th>{head}</tr></thead>\n"
        f"<tbody>\n{rows}{_commits(found)}</tbody></table>\n</article>\n"
    )


def _version_head(found: Mapping, version: Mapping) -> str:
    told = "".join(f' <span class="mark">{mark}</span>' for mark in _marks(found, version))
    return f"<th>{_nodes(version)}{told}</th>"


def _marks(found: Mapping, version: Mapping) -> list[str]:
    return marks(found, version) + ([f"{version['count']} times"] if version["count"] > 1 else [])


def _nodes(version: Mapping) -> str:
    return text(", ".join(version["nodes"]))


def _row(found: Mapping, name: str, cells: t.Iterable[tuple[str, str]]) -> str:
    """Return a line of versions side by side: of each its cell, and what kind of cell that is.

    On a narrow page they stand one below the other, so each says whose it is.
    """
    told = ""
    for version, (cell, kind) in zip(found["versions"], cells):
        whose = ", ".join((", ".join(version["nodes"]), *_marks(found, version)))
        told += f'<td class="{kind}" data-nodes="{text(whose)}">{cell}</td>'
    return f"<tr><th>{text(name)}</th>{told}</tr>\n"


def _column(found: Mapping, name: str) -> str:
    first = found["versions"][0]
    cells = []
    for version in found["versions"]:
        there = version["hash"] is not None
        value = _value(version["values"].get(name)) if there else NOTHING_THERE
        same = there and first["hash"] is not None and version["values"].get(name) == first["values"].get(name)
        cells.append((value, "" if version is first or same else "odd"))
    return _row(found, name, cells)


def _presence(found: Mapping) -> str:
    """Return a line that says who has the row, where there is nothing else to show of it."""
    return _row(found, "the row", [("there" if each["hash"] else NOTHING_THERE, "") for each in found["versions"]])


def _commits(found: Mapping) -> str:
    """Return a line of when each node committed what it has, and where that came from."""
    if not any(found["committed"].values()) and not any(found["origin"].values()):
        return ""
    cells = []
    for version in found["versions"]:
        told = []
        for node in version["nodes"] if version["hash"] else ():
            origin = found["origin"].get(node)
            when = found["committed"].get(node) or "not known"
            told.append(f"{node}: {when}" + (f", from {origin}" if origin else ""))
        cells.append((text("\n".join(told)), "meta"))
    return _row(found, "committed", cells)
