# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what YAML, Jinja and -e give to the type asked for, or why not."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _fields as f


class Tagged(str):
    """As Ansible hands strings over."""

    __slots__ = ()


def refusal(parser, value) -> str:
    with pytest.raises(f.WrongValue) as caught:
        parser(value)
    return str(caught.value)


TEXTS = f.listing(f.text)
SOME = f.listing(f.text, empty_is_fine=False)
LETTERS = f.matching("[a-z]+", "letters")
SIZE = f.choice("off", "small", "large")
SMALL = f.integer(1, 9)
PAIRS = f.mapping(f.integer(0, 9))


@pytest.mark.parametrize(
    ("parser", "value", "wanted"),
    [
        (f.text, "alpha", "alpha"),
        (f.text, "two words", "two words"),
        (f.text, "密码 % $ {x}", "密码 % $ {x}"),
        (LETTERS, "abc", "abc"),
        (SIZE, "small", "small"),
        (SIZE, "off", "off"),
        (SIZE, False, "off"),
        (SMALL, 1, 1),
        (SMALL, 9, 9),
        (SMALL, "9", 9),
        (SMALL, " 9 ", 9),
        (f.boolean, True, True),
        (f.boolean, False, False),
        (f.boolean, "true", True),
        (f.boolean, "False", False),
        (TEXTS, [], ()),
        (TEXTS, ["a", "b"], ("a", "b")),
        (TEXTS, ("a",), ("a",)),
        (SOME, ["a"], ("a",)),
        (PAIRS, {}, ()),
        (PAIRS, {"b": "2", "a": 1}, (("a", 1), ("b", 2))),
        (f.table, "public.staging", "public.staging"),
        (f.table, 'etl."Input 2"', 'etl."Input 2"'),
        (f.setting_value, "16MB", "16MB"),
        (f.setting_value, "", ""),
        (f.setting_value, 8, "8"),
        (f.setting_value, 0.9, "0.9"),
        (f.setting_value, True, "on"),
        (f.setting_value, False, "off"),
        (f.setting_value, ["auto_explain", "pg_stat_statements"], "auto_explain,pg_stat_statements"),
        (f.setting_value, [], ""),
    ],
)
def test_a_value_that_fits(parser, value, wanted):
    found = parser(value)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize("parser", [f.text, LETTERS, SIZE, f.setting_value])
def test_a_plain_string_comes_back(parser):
    assert type(parser(Tagged("small"))) is str


@pytest.mark.parametrize(
    ("parser", "value", "said"),
    [
        (f.text, 5, "is the number '5'; a string is wanted"),
        (f.text, None, "is nothing (null); a string is wanted"),
        (f.text, True, "is the boolean 'True'; a string is wanted"),
        (f.text, ["a"], "is the list ['a']; a string is wanted"),
        (f.text, ("a",), "is the list ['a']; a string is wanted"),
        (f.text, {"a": 1}, "is the mapping \"{'a': 1}\"; a string is wanted"),
        (f.text, {1}, "is set; a string is wanted"),
        (f.text, "", "is ''; a string of one line, not empty, is wanted"),
        (f.text, "  ", "not empty, is wanted"),
        (f.text, "a\nb", "a string of one line"),
        (f.text, "a\0b", "a string of one line"),
        (f.text, "{{ nope }}", "is a template that did not resolve: '{{ nope }}'"),
        (f.text, "{% if x %}", "is a template that did not resolve"),
        (LETTERS, "a1", "is 'a1'; wanted: letters"),
        (LETTERS, "abc\n", "a string of one line"),
        (LETTERS, 5, "a string is wanted"),
        (SIZE, "medium", "is the string 'medium'; one of off, small, large is wanted"),
        (SIZE, True, "is the boolean 'True'; one of"),
        (SIZE, 0, "is the number '0'; one of"),
        (SIZE, None, "is nothing (null); one of"),
        (f.choice("on"), False, "is the boolean 'False'; one of on is wanted"),
        (SMALL, 0, "is 0; a whole number from 1 to 9 is wanted"),
        (SMALL, 10, "is 10; a whole number from 1 to 9 is wanted"),
        (SMALL, "10", "is 10; a whole number"),
        (SMALL, True, "is the boolean 'True'; a whole number"),
        (SMALL, 1.5, "is the number '1.5'; a whole number"),
        (SMALL, "-1", "is the string '-1'; a whole number"),
        (SMALL, "{{ nope }}", "is the string '{{ nope }}'; a whole number"),
        (SMALL, "²", "is the string '²'; a whole number"),
        (SMALL, "٣", "is the string '٣'; a whole number"),
        (SMALL, None, "is nothing (null); a whole number"),
        (SMALL, [1], "is the list [1]; a whole number"),
        (f.boolean, "yes", "is the string 'yes'; true or false is wanted"),
        (f.boolean, 1, "is the number '1'; true or false is wanted"),
        (TEXTS, "alpha", "is the string 'alpha'; a list is wanted"),
        (TEXTS, 5, "is the number '5'; a list is wanted"),
        (TEXTS, {"a": 1}, "is the mapping"),
        (TEXTS, ["a", 5], "item 2 is the number '5'; a string is wanted"),
        (SOME, [], "is an empty list; at least one item is wanted"),
        (PAIRS, ["a"], "is the list ['a']; a mapping (name: value) is wanted"),
        (PAIRS, {"a": 10}, "entry a is 10; a whole number from 0 to 9 is wanted"),
        (PAIRS, {5: 1}, "is the number '5'; a string is wanted"),
        (f.mapping(TEXTS), {"a": ["x", 2]}, "entry a item 2 is the number '2'"),
        (f.setting_value, None, "is nothing (null); a string is wanted"),
        (f.setting_value, {"a": 1}, "is the mapping"),
        (f.setting_value, [1], "is the number '1'; a string is wanted"),
        (f.setting_value, "{{ nope }}", "is a template that did not resolve"),
        (f.setting_value, "a\nb", "a string of one line"),
    ],
)
def test_a_value_that_does_not(parser, value, said):
    assert said in refusal(parser, value)


def test_a_long_value_is_cut():
    assert len(refusal(f.boolean, "x" * 1000)) < 120
    assert len(refusal(f.boolean, ["x" * 1000])) < 120
    assert len(refusal(f.text, "{{" * 1000)) < 120


def test_fields_of_a_mapping():
    problems: list[str] = []
    fields = {"a": (SMALL, 1), "b": (f.text, None), "c": (f.boolean, False), "d": (SMALL, 4)}
    found = f.fields_of(fields, {"a": "2", "c": "x", "d": 10, "other": object()}, " of n", problems)
    assert found == {"a": 2, "b": None, "c": False, "d": 4}
    assert problems == [
        "c of n is the string 'x'; true or false is wanted",
        "d of n is 10; a whole number from 1 to 9 is wanted",
    ]


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ("public.staging", ("public", "staging")),
        # SQL folds what is not quoted, ASCII letters only.
        ("Public.Staging_2$", ("public", "staging_2$")),
        ("äÄ.Straße", ("äÄ", "straße")),
        ('"Public"."Staging"', ("Public", "Staging")),
        ('"a.b".c', ("a.b", "c")),
        ('a."b.c"', ("a", "b.c")),
        ('"say ""hi"""."%s {x} \\ \'"', ('say "hi"', "%s {x} \\ '")),
        (f"public.{'x' * 63}", ("public", "x" * 63)),
    ],
)
def test_the_names_of_a_table(told, names):
    assert f.schema_and_table(told) == names


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("staging", "is 'staging'; wanted: schema.table, each in double quotes where SQL needs them"),
        ("a.b.c", "is 'a.b.c'; wanted: schema.table"),
        ("public.", "is 'public.'; wanted: schema.table"),
        ('public.""', "is 'public.\"\"'; wanted: schema.table"),
        ('public."a"b"', "wanted: schema.table"),
        ("public.2nd", "is 'public.2nd'; wanted: schema.table"),
        ("public.two words", "is 'public.two words'; wanted: schema.table"),
        (" public.a", "is ' public.a'; wanted: schema.table"),
        (f"public.{'x' * 64}", "has 64 bytes, a name has 63 at most"),
        (f"{'ä' * 32}.a", "has 64 bytes, a name has 63 at most"),
        (["public.a"], "is the list ['public.a']; a string is wanted"),
        ('public."a\nb"', "a string of one line, not empty, is wanted"),
    ],
)
def test_what_is_no_table(told, said):
    assert said in refusal(f.table, told)
