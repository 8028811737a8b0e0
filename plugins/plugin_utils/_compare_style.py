# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The look of the page of a comparison, and the lines of script that filter it. It is whole without the script."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --page: #fff; --card: #f6f8fa; --line: #d0d7de; --text: #1f2328; --dim: #59636e;
  --equal: #1a7f37; --different: #cf222e; --unproven: #9a6700; --skipped: #59636e; --mark: #0969da; --odd: #ffebe9; }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --card: #151b23; --line: #3d444d; --text: #f0f6fc;
  --dim: #9198a1; --equal: #3fb950; --different: #f85149; --unproven: #d29922; --skipped: #9198a1; --mark: #4493f8;
  --odd: #3c1618; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; }
h3 { font: 600 .95rem/1.4 ui-monospace, monospace; margin: 0; }
p { margin: .3rem 0; } small, .dim { color: var(--dim); font-size: .85rem; }
.v { font-weight: 600; white-space: nowrap; }
.v.equal { color: var(--equal); } .v.equal::before { content: "\\2713\\a0"; }
.v.different { color: var(--different); } .v.different::before { content: "\\2260\\a0"; }
.v.unproven { color: var(--unproven); } .v.unproven::before { content: "?\\a0"; }
.v.skipped { color: var(--skipped); }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .6rem; margin: 1rem 0; }
dl div { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .4rem .7rem; }
dt { color: var(--dim); font-size: .8rem; } dd { margin: 0; }
ul { margin: .4rem 0; padding-left: 1.2rem; }
.warn { list-style: none; border-left: 3px solid var(--unproven); padding-left: .7rem; }
.wide { overflow-x: auto; } .wide th, .wide td { overflow-wrap: normal; white-space: nowrap; } a { color: var(--mark); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { border: 1px solid var(--line); padding: .3rem .5rem; text-align: left; vertical-align: top; }
th { background: var(--card); font-weight: 600; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
.matrix { width: auto; } .wide .matrix td { min-width: 8rem; white-space: normal; } .matrix small { display: block; }
article { border: 1px solid var(--line); border-radius: 6px; margin: .7rem 0; padding: .6rem .7rem; }
article table { margin-top: .4rem; table-layout: fixed; }
article td { font-family: ui-monospace, monospace; white-space: pre-wrap; }
article th:first-child { width: 9rem; } article td.odd { background: var(--odd); } article td.meta { font-size: .8rem; }
.mark { color: var(--mark); font-weight: 600; font-size: .8rem; }
i.nothing { color: var(--dim); }
form { display: none; flex-wrap: wrap; gap: .6rem; position: sticky; top: 0; padding: .6rem 0; background: var(--page);
  border-bottom: 1px solid var(--line); z-index: 1; align-items: center; }
.script form { display: flex; } form label { display: flex; gap: .3rem; align-items: center; }
input, select { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line);
  border-radius: 6px; padding: .25rem .5rem; max-width: 100%; }
[hidden] { display: none !important; }
@media screen { article { content-visibility: auto; contain-intrinsic-size: auto 9rem; } }
@media screen and (max-width: 40rem) {
  body { padding: .6rem; } form { position: static; } input { width: 100%; } form label { flex: 1 1 100%; }
  article thead { display: none; } article table, article tbody, article tr, article td { display: block; border: 0; }
  article tbody th:first-child { display: block; width: auto; border: 0; margin-top: .4rem; }
  article td::before { content: attr(data-nodes) ": "; color: var(--dim); font-family: system-ui, sans-serif; }
  article td.meta::before { content: none; }
}
@media print { :root { color-scheme: light; --page: #fff; --card: #fff; --text: #000; --dim: #444; --odd: #fff; }
  body { max-width: none; font-size: 10pt; } form { display: none !important; } article, tr { break-inside: avoid; }
  article td.odd { font-weight: 600; } a { color: inherit; text-decoration: none; } }
"""

SCRIPT = """
"use strict";
const form = document.forms[0], shown = document.getElementById("shown");
const all = (selector, within) => [...(within || document).querySelectorAll(selector)];
function filter() {
  const words = form.words.value.toLowerCase(), verdict = form.verdict.value, node = form.node.value;
  let count = 0;
  for (const section of all("section.table")) {
    const named = section.dataset.name.includes(words);
    let some = false;
    for (const row of all("article", section)) {
      row.hidden = !((named || row.dataset.key.includes(words)) && (!verdict || row.dataset.verdict === verdict)
        && (!node || row.dataset.odd.split(" ").includes(node)));
      some = some || !row.hidden;
      count += !row.hidden;
    }
    const whole = named && !node && (!verdict || section.dataset.verdict === verdict);
    section.hidden = !some && !whole;
  }
  for (const row of all("tr[data-verdict]"))
    row.hidden = !(row.dataset.name.includes(words) || words && document.querySelector(
      `#${row.dataset.section} article:not([hidden])`)) || verdict && row.dataset.verdict !== verdict;
  shown.textContent = `${count} of ${all("article").length} rows`;
}
form.addEventListener("input", filter);
form.addEventListener("submit", event => event.preventDefault());
document.documentElement.classList.add("script");
filter();
"""
