# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an old tree gets on today's tools, and that a tree of today gets nothing."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._build import adapt as a
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.source import edited

from .test_spec import spec

GRAMMAR = """
#undef yyerror
#undef yylval
#undef yylloc

#include "scan.c"
"""
OLD = a.Tree("9.3beta1", "checking -fwrapv", "char vl_dat[1];", GRAMMAR, has_scanner=False)
TODAY = a.Tree("15.18", "ISO C99 and -fwrapv", "char vl_dat[FLEXIBLE_ARRAY_MEMBER];", "", has_scanner=True)
FLEX = {"FLEX": ("/usr/bin/flex", "flex 2.6.4")}
TOOLS = a.Tools(FLEX, keeps_names=True, separate=True, accepts=frozenset(a.FLAGS))
EDIT = f"edit of {a.GRAMMAR}"


def what(tree: a.Tree, tools: a.Tools = TOOLS) -> list[str]:
    return [item.what for item in a.adaptations(tree, tools)]


def test_what_is_read_of_a_tree():
    configure = "PACKAGE_NAME='PostgreSQL'\nPACKAGE_VERSION='9.3beta1'\n"
    files = {"configure": configure, "src/include/c.h": "c", a.GRAMMAR: "g"}
    assert a.tree_of(files.get) == a.Tree("9.3beta1", configure, "c", "g", has_scanner=False)
    assert a.tree_of({**files, a.SCANNER: ""}.get).has_scanner
    assert a.tree_of({}.get) == a.Tree("", "", "", "", has_scanner=False)


def test_an_old_tree_gets_what_it_needs():
    assert what(OLD) == ["FLEX=/usr/bin/flex", EDIT, a.DIALECT, a.COMMON, a.LOOPS, a.REUSE]


def test_a_tree_of_today_gets_nothing():
    assert what(TODAY, replace(TOOLS, refused={})) == []


@pytest.mark.parametrize(
    ("tree", "tools", "missing"),
    [
        ({"configure": "ISO C99 -fwrapv"}, {}, {a.DIALECT, a.COMMON}),
        ({"c_header": "char vl_dat[FLEXIBLE_ARRAY_MEMBER];"}, {}, {a.LOOPS}),
        ({"configure": f"-fwrapv {a.LOOPS}"}, {}, {a.LOOPS}),
        ({"version": "9.4beta2"}, {}, {a.REUSE}),
        ({"version": "10.1"}, {}, {a.REUSE}),
        ({"has_scanner": True}, {}, {EDIT}),
        ({"grammar": GRAMMAR.replace("lloc", "lloc\n#undef yylex")}, {}, {EDIT}),
        ({"grammar": '#include "gramparse.h"\n'}, {}, {EDIT}),
        ({}, {"keeps_names": False}, {EDIT}),
        ({}, {"separate": False}, {a.COMMON}),
        ({}, {"refused": {}}, {"FLEX=/usr/bin/flex"}),
        ({}, {"accepts": frozenset({a.DIALECT})}, {a.COMMON, a.LOOPS, a.REUSE}),
    ],
)
def test_each_thing_has_a_cause_of_its_own(tree, tools, missing):
    found = what(replace(OLD, **tree), replace(TOOLS, **tools))
    assert set(what(OLD)) - set(found) == missing
    assert set(found) <= set(what(OLD))


@pytest.mark.parametrize(("version", "needed"), [("9.2.24", True), ("9.3devel", True), ("9.4.0", False), ("8.4", True)])
def test_the_age_is_compared_as_numbers(version, needed):
    assert (a.REUSE in what(replace(OLD, version=version))) is needed


def test_overflow_checks_are_asked_for_where_configure_does_not():
    assert a.WRAP in what(replace(OLD, configure=""))


def test_everything_has_a_reason():
    assert all(item.why for item in a.adaptations(OLD, TOOLS))


def test_the_grammar_undefines_one_name_more():
    (found,) = (item.edit for item in a.adaptations(OLD, TOOLS) if item.edit)
    text = edited(found, GRAMMAR)
    assert text == GRAMMAR.replace("#undef yylloc\n", "#undef yylloc\n#undef yylex\n")
    assert edited(found, text) == text
    assert re.search(found.pattern, text, re.MULTILINE) is None


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, ["-O2", a.DIALECT, a.COMMON, a.LOOPS, a.REUSE]),
        ({"flags": ["-O3", "-g"]}, ["-O2", a.DIALECT, a.COMMON, a.LOOPS, a.REUSE, "-O3", "-g"]),
        ({"debug": True}, ["-O0", "-g", a.DIALECT, a.COMMON, a.LOOPS, a.REUSE]),
    ],
)
def test_the_operator_s_flags_come_last(options, wanted):
    assert a.compiler_flags(spec(**options), a.adaptations(OLD, TOOLS)) == wanted


def test_the_arguments_of_configure():
    found = a.adaptations(OLD, replace(TOOLS, accepts=frozenset()))
    options = spec(debug=True, configure=["--with-openssl"], flags=["-march=native"])
    assert a.configure_options(options, found, "/opt/pgbdr/builds/1") == [
        "--prefix=/opt/pgbdr/builds/1",
        "CFLAGS=-O0 -g -march=native",
        "FLEX=/usr/bin/flex",
        "--enable-cassert",
        "--with-openssl",
    ]
    assert a.configure_options(spec(), [], "/a") == ["--prefix=/a", "CFLAGS=-O2"]


def line(tool: str, pipe: str, test: str) -> str:
    return f"""  if echo "$pgac_{tool}_version" {pipe}| $AWK '{test}'\n"""


CONFIGURE = line("bison", "", "{ if ($4 < 1.875) exit 0; else exit 1;}") + line(
    "flex", "| sed 's/[.a-z]/ /g' ", "{ if ($1 = 2 && $2 = 5) exit 0; else exit 1;}"
)


@pytest.mark.parametrize(
    ("configure", "tool", "wanted"),
    [
        (CONFIGURE, "flex", "{ if ($1 = 2 && $2 = 5) exit 0; else exit 1;}"),
        (CONFIGURE, "bison", "{ if ($4 < 1.875) exit 0; else exit 1;}"),
        ("", "flex", ""),
    ],
)
def test_the_version_test_of_configure(configure: str, tool: str, wanted: t.Any):
    assert a.version_test(configure, tool) == wanted
