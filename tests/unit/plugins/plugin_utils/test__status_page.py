# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a group's health, as a browser's parser reads it."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._status import status
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._status_graph import svg
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._status_page import STYLE, page
from ansible_collections.pgbdr.bdr.tests.unit.builders import nodes_seen, plan, slot_seen

DOWN = {"answers": False, "reason": "down", "error": "<b>no</b> such file", "slots": []}
LOST = slot_seen("pgl_appdb_alpha_alpha_bravo", "bravo", wal_status="lost", active=False)
MANY = " ".join(f"n{number:02}" for number in range(9))


def health(names: str = "alpha bravo charlie", **changes: dict) -> dict:
    return {**status(plan(names).as_dict(), nodes_seen(names, **changes), 50, 16), "at": "2026-11-22T11:30:26+00:00"}


class Page(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == [], "every tag is closed"

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def classes(self, tag: str) -> list[str]:
        return [attributes.get("class", "") for name, attributes in self.tags if name == tag]


SICK = health(alpha={"slots": [LOST]}, charlie=DOWN)


def test_the_page_needs_nothing_else_and_runs_no_script():
    found = Page(page(SICK))
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _attributes in found.tags}
    assert [
        value for _tag, attributes in found.tags for name, value in attributes.items() if name in ("src", "href")
    ] == []
    (policy,) = (each["content"] for _tag, each in found.tags if each.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'"
    assert [attributes for _tag, attributes in found.tags if "style" in attributes] == []


def test_every_link_is_an_arrow_of_its_state_and_every_node_a_box():
    found = Page(page(SICK))
    arrows = [each for each in found.classes("g") if each.startswith("link ")]
    assert sorted(arrows) == sorted(f"link {link['state']}" for link in SICK["links"])
    assert arrows.count("link wal_lost") == 1 and "link slot_missing" in arrows and "link down" in arrows
    assert [each for each in found.classes("g") if each.startswith("node ")] == ["node up", "node up", "node down"]
    assert "wal_lost 0.0 kB" in found.texts


def test_what_servers_said_is_text():
    source = page(SICK)
    assert "<b>no" not in source and "&lt;b&gt;no&lt;/b&gt; such file" in source


def test_findings_stand_there_with_evidence_and_mend_or_that_there_are_none():
    found = Page(page(SICK))
    assert found.classes("article").count("error") == len(SICK["findings"]) == 3
    assert "ansible-playbook playbooks/reseed.yml -e bdr_node=bravo -e bdr_confirm=bravo" in found.texts
    assert "Nothing is wrong." in Page(page(health())).texts


def corners(picture: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'x[12]?="(-?[\d.]+)" y[12]?="(-?[\d.]+)"', picture)]


@pytest.mark.parametrize("names", ["alpha bravo", "alpha bravo charlie", MANY])
def test_the_picture_holds_all_that_is_drawn(names):
    picture = svg(health(names))
    left, top, width, height = map(float, re.findall(r'viewBox="([^"]*)"', picture)[0].split())
    drawn = corners(picture)
    assert drawn and all(left <= x <= left + width and top <= y <= top + height for x, y in drawn)
    boxes = {place for place in re.findall(r'<rect x="(-?[\d.]+)" y="(-?[\d.]+)"', picture)}
    assert len(boxes) == len(names.split())


def test_no_arrow_hides_another_one():
    lines = re.findall(r'<line x1="(\S+)" y1="(\S+)" x2="(\S+)" y2="(\S+)"/>', svg(health()))
    ends = [frozenset(((x1, y1), (x2, y2))) for x1, y1, x2, y2 in lines]
    assert len(ends) == len(set(ends)) == 6
    assert len({point for line in ends for point in line}) == 12


def test_many_nodes_are_labelled_only_where_a_link_does_not_stream():
    assert 'class="label' not in svg(health(MANY))
    assert svg(health(MANY, n03=DOWN)).count('class="label down"') == 16
    assert svg(health()).count('class="label streaming"') == 6


def test_what_site_would_change_stands_beside_each_node_that_was_asked():
    steps = {"drift": {"steps": ["reload the server", "write <a>"], "error": ""}}
    found = Page(page(health(alpha=steps, bravo={"drift": {"steps": [], "error": "slow"}})))
    assert "reload the server" in found.texts and "write <a>" in found.texts and "not known" in found.texts
    assert "change nothing" not in found.texts
    assert "change nothing" in Page(page(health(alpha={"drift": {"steps": [], "error": ""}}))).texts


def test_conflicts_are_a_number_and_since_when_stands_below():
    counted = {"since": 1795374826.0, "until": 1795374999, "complete": False, "workers": {}}
    source = page(health(bravo={"conflicts": counted}))
    assert source.count('<td class="n" title="at least 0 since 2026-11-22 19:13:46 UTC">0</td>') == 2
    assert "Conflicts: since 2026-11-22 19:13:46 UTC, the last look." in Page(source).texts
    assert "Conflicts: since" not in page(health())
