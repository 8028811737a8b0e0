# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What an old tree needs on today's tools, chosen by what was probed in both, never by a name.

Pure. RULES counts up when a rule changes what is built, so that builds of before are made anew.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .source import Read, version_of
from .spec import Edit, Spec

RULES = 1

GRAMMAR = "src/backend/parser/gram.y"
SCANNER = "src/backend/parser/scan.c"


@dataclass(frozen=True)
class Tree:
    """What was read in a tree: its configure script, c.h and grammar; whether its scanner comes ready-made."""

    version: str
    configure: str
    c_header: str
    grammar: str
    has_scanner: bool


@dataclass(frozen=True)
class Tools:
    """What was tried with the tools.

    refused: tools that the tree's own version test turns down, by the variable of configure, with path and version;
    keeps_names: a scanner of this flex keeps the yylex of a grammar that includes it; separate: the compiler makes a
    definition of every variable; accepts: the compiler flags it knows, of FLAGS.
    """

    refused: t.Mapping[str, tuple[str, str]]
    keeps_names: bool
    separate: bool
    accepts: frozenset[str]


@dataclass(frozen=True)
class Adaptation:
    """One thing that differs from a plain build, and why. All of flag, option and edit may be empty but one."""

    why: str
    flag: str = ""
    option: str = ""
    edit: Edit | None = None

    @property
    def what(self) -> str:
        """Return it as a person reads it."""
        return self.flag or self.option or f"edit of {self.edit.file if self.edit else ''}"


def tree_of(read: Read) -> Tree:
    """Return what is to be known of a tree."""
    configure = read("configure") or ""
    return Tree(
        version=version_of(configure),
        configure=configure,
        c_header=read("src/include/c.h") or "",
        grammar=read(GRAMMAR) or "",
        has_scanner=read(SCANNER) is not None,
    )


UNDEFINES = re.compile(
    r"(^#undef yylloc\n)(?!#undef yylex\n)(?=(?:#undef \w+\n)*\s*#include \"scan\.c\")", re.MULTILINE
)
_UNDEFINE_TOO = Edit(GRAMMAR, UNDEFINES.pattern, r"\1#undef yylex\n")


def adaptations(tree: Tree, tools: Tools) -> list[Adaptation]:
    """Return what to do differently, in a fixed order; nothing for a tree of today."""
    return [*_programs(tools), *_grammar(tree, tools), *_flags(tree, tools)]


def _programs(tools: Tools) -> t.Iterator[Adaptation]:
    for variable, (path, version) in sorted(tools.refused.items()):
        why = f"the version test of configure does not know {version}; a program that is named is not tested"
        yield Adaptation(why, option=f"{variable}={path}")


def _grammar(tree: Tree, tools: Tools) -> t.Iterator[Adaptation]:
    if not tree.has_scanner and tools.keeps_names and UNDEFINES.search(tree.grammar):
        why = "the grammar includes its scanner without undefining yylex, which scanners of this flex keep"
        yield Adaptation(why, edit=_UNDEFINE_TOO)


_OLD_ARRAYS = re.compile(r"\bvl_dat\[1\]")
DIALECT, COMMON, WRAP = "-std=gnu89", "-fcommon", "-fwrapv"
LOOPS, REUSE = "-fno-aggressive-loop-optimizations", "-fstack-reuse=none"
FLAGS = (DIALECT, COMMON, WRAP, LOOPS, REUSE)


def _flags(tree: Tree, tools: Tools) -> t.Iterator[Adaptation]:
    old_c = "ISO C99" not in tree.configure
    before_9_4 = _numbers(tree.version) < (9, 4)
    rules = (
        (DIALECT, old_c, "configure asks for no newer C than that of 1989"),
        (COMMON, old_c and tools.separate, "of that time too are variables that several files define and share"),
        (WRAP, WRAP not in tree.configure, "overflow checks rely on it and configure does not ask for it"),
        (
            LOOPS,
            bool(_OLD_ARRAYS.search(tree.c_header)) and LOOPS not in tree.configure,
            "arrays at the end of structures are declared with one item and used with more",
        ),
        (
            REUSE,
            before_9_4,
            "code of before 9.4 uses arrays after their block has ended; without this flag every UPDATE at wal_level "
            "logical crashes the server",
        ),
    )
    for flag, needed, why in rules:
        if needed and flag in tools.accepts:
            yield Adaptation(why, flag=flag)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def compiler_flags(spec: Spec, found: t.Iterable[Adaptation]) -> list[str]:
    """Return all flags, the operator's last, so that they win."""
    ours = ["-O0", "-g"] if spec.debug else ["-O2"]
    return [*ours, *(item.flag for item in found if item.flag), *spec.flags]


def configure_options(spec: Spec, found: t.Iterable[Adaptation], prefix: str) -> list[str]:
    """Return the arguments of configure."""
    chosen = list(found)
    asserts = ["--enable-cassert"] if spec.debug else []
    options = [item.option for item in chosen if item.option]
    return [
        f"--prefix={prefix}",
        f"CFLAGS={' '.join(compiler_flags(spec, chosen))}",
        *options,
        *asserts,
        *spec.configure,
    ]


def version_test(configure: str, tool: str) -> str:
    """Return the awk program by which a configure script judges the version of flex or bison, "" without one."""
    found = re.search(rf"\$pgac_{tool}_version\".*?\$AWK '(\{{[^']*\}})'", configure)
    return found[1] if found else ""
