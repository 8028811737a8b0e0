# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a comparison, as a browser's parser reads it."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from ansible_collections.pgbdr.bdr.plugins.plugin_utils import _compare_page
from ansible_collections.pgbdr.bdr.tests.unit.comparisons import (
    CHANGED,
    EVEN,
    GONE,
    IN_FLIGHT,
    MISSING,
    comparison,
    difference,
    table,
    version,
)

VOID = ("meta", "input")
CITY = table("city", CHANGED, GONE, MISSING, EVEN, IN_FLIGHT, notes=["column mayor only on alpha"], differing=9)
FOUND = comparison(
    {**CITY, "truncated": True},
    table("visit", key=[], key_kind="none"),
    table("lost", verdict="unproven", reason="bravo did not answer", rows={"alpha": 3}, missing_on=["charlie"]),
    absent=[{"node": "delta", "reason": "its server does not run"}],
    fence={"rounds": 1, "seconds": 60, "unfenced": [{"link": "alpha -> bravo (appdb)", "reason": "60 s are over"}]},
)


class Page(HTMLParser):
    """What a page is made of: every tag with its attributes, and every text with the tags that it stands in."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(source)
        self.close()
        assert self.open == [], "every tag is closed"

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def said(self):
        return " ".join(data for tag, data in self.texts if tag not in ("style", "script"))

    def all(self, name):
        return [attributes for tag, attributes in self.tags if tag == name]


def page(found=FOUND, group="paris"):
    return Page(_compare_page.page(group, found))


def test_it_tells_what_was_found():
    said = page().said()
    for words in (
        *("Comparison of paris, 20261122T091500: different", "1 different, 1 equal, 1 unproven", "1 round, 60.0 s"),
        *("delta was not compared: its server does not run", "alpha -> bravo (appdb) was not fenced: 60 s are over"),
        *("column mayor only on alpha", "the table is missing on charlie", "bravo did not answer"),
        *("5 of 9 rows are listed.", "1 only on alpha, 2 different, 1 unproven"),
        *("charlie: 2026-11-22T09:01:02.345678+00:00, from alpha", "hash record", "Lutetia", "id = 5"),
    ):
        assert words.replace("hash ", "") in said, words


def test_it_has_a_row_a_table_and_an_article_a_row():
    found = page()
    rows = [attributes for attributes in found.all("tr") if "data-verdict" in attributes]
    assert [(row["data-name"], row["data-verdict"]) for row in rows] == [
        ("public.city", "different"),
        ("public.visit", "equal"),
        ("public.lost", "unproven"),
    ]
    assert [(row["data-key"], row["data-odd"]) for row in found.all("article")] == [
        ("id = 5", "bravo"),
        ("id = 7", "charlie"),
        ("id = 9", "bravo"),
        ("id = 11", "bravo charlie"),
        ("id = 13", "bravo"),
    ]
    sections = {section["id"] for section in found.all("section")}
    assert {link["href"][1:] for link in found.all("a")} == sections == {"t0", "t2"}, (
        "an equal table has no more to say"
    )


def cells(row):
    found = page(comparison(table("city", row)))
    place = [tag for tag, _attributes in found.tags].index("article")
    return [attributes for tag, attributes in found.tags[place:] if tag == "td"], found.said()


def test_versions_stand_side_by_side_and_what_is_odd_is_marked():
    marked, said = cells(CHANGED)
    assert [(each["data-nodes"], each["class"]) for each in marked] == [
        ("alpha, charlie, majority, newest", ""),
        ("bravo", "odd"),
        ("alpha, charlie, majority, newest", "meta"),
        ("bravo", "meta"),
    ]
    assert "majority" in said and "newest" in said


def test_null_nothing_and_no_row_are_told_apart():
    for row, words in ((GONE, ["NULL", "not there"]), (MISSING, ["empty", "not there"])):
        _marked, said = cells(row)
        assert [word for word in words if word not in said] == []
    bare = difference({"id": "1"}, version("alpha charlie", "1"), version("bravo", None))
    marked, said = cells(bare)
    assert len(marked) == 2 and "the row" in said and "not there" in said
    _marked, said = cells({**MISSING, "columns": []})
    assert "Köln" in said, "of a row that only some have, its values"


def test_rows_without_a_key_are_counted():
    row = difference({}, version("alpha bravo", "1", name="x"), {**version("charlie", "1", name="x"), "count": 3})
    _marked, said = cells(row)
    assert "a row" in said and "3 times" in said


def test_pairs_are_seen_from_both_sides():
    only = table(
        "a", CHANGED, pairs=[dict(nodes=["alpha", "bravo"], only_first=3, only_second=0, different=0, unproven=0)]
    )
    found = page(comparison(only))
    assert found.said().count("3 only on alpha") == 2
    assert [tables["class"] for tables in found.all("table") if "class" in tables] == ["matrix"]
    none = {**only, "pairs": [{**only["pairs"][0], "only_first": 0}]}
    assert "matrix" not in [each.get("class") for each in page(comparison(none)).all("table")]


def test_pairs_of_many_nodes_are_a_list():
    found = page(comparison(CITY, nodes=[f"n{number}" for number in range(11)]))
    assert "alpha and bravo: 1 only on alpha, 2 different, 1 unproven" in found.said()
    assert "matrix" not in [each.get("class") for each in found.all("table")]


EVIL = "</td><script>alert(1)</script>\"'><img src=x onerror=alert(1)> \x00\x1b\u202e\udc80 &amp;"


def everywhere(value, found=FOUND):
    """Return the comparison with its names, reasons and values replaced; numbers, kinds and hashes stay."""
    if isinstance(found, dict):
        kept = (
            "verdict",
            "key_kind",
            "hash",
            "nodes",
            "rows",
            "missing_on",
            "committed",
            "origin",
            "majority",
            "newest",
        )
        return {
            name if name.islower() else value: part if name in kept else everywhere(value, part)
            for name, part in found.items()
        }
    if isinstance(found, list):
        return [everywhere(value, part) for part in found]
    return value if isinstance(found, str) else found


def test_no_value_becomes_a_part_of_the_page():
    found = page(everywhere(EVIL), EVIL)
    assert (len(found.all("script")), len(found.all("img"))) == (1, 0)
    assert [name for _tag, attributes in found.tags for name in attributes if name.startswith("on")] == []
    said = found.said()
    assert "&amp;" in said and "<script>alert(1)</script>" in said, "it is shown as it is"
    assert [each for each in said if not each.isprintable() and each not in "\n\t"] == []
    assert len(found.all("article")) == len(page().all("article"))


def test_it_needs_nothing_else_and_runs_its_own_script_only():
    source = _compare_page.page("paris", FOUND)
    source.encode("utf-8")
    assert re.findall(r"\bsrc=|url\(|@import|https?:", source) == []
    assert [attributes["href"][0] for attributes in Page(source).all("a")] == ["#", "#"]
    (policy,) = (each["content"] for each in Page(source).all("meta") if "http-equiv" in each)
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", source, re.DOTALL)
        assert base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in policy


@pytest.mark.parametrize("found", [comparison(), comparison(table("city"))])
def test_an_equal_group_has_a_short_page(found):
    assert page(found).all("article") == [] and page(found).all("section") == []
