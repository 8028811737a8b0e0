# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Parsers of single inventory values: from what YAML or Jinja gave to the type asked for, or why not.

Pure. Ansible hands over subclasses of str, int, list and dict; plain ones are returned.
"""

from __future__ import annotations

import re
import typing as t

Parser = t.Callable[[t.Any], t.Any]
Fields = t.Dict[str, t.Tuple[Parser, t.Any]]


class WrongValue(ValueError):
    """A value that does not fit; the message continues "<variable>: "."""


def shown(value: t.Any) -> str:
    """Return a value as an error message quotes it."""
    kinds = ((bool, "boolean"), (str, "string"), ((int, float), "number"), (t.Mapping, "mapping"))
    if value is None:
        return "nothing (null)"
    for kind, name in kinds:
        if isinstance(value, kind):
            return f"the {name} {str(value)[:60]!r}"
    return f"the list {str(list(value))[:60]}" if is_list(value) else f"{type(value).__name__}"


def is_list(value: t.Any) -> bool:
    """Tell whether a value is a list in the YAML sense."""
    return isinstance(value, (list, tuple))


def text(value: t.Any) -> str:
    """Parse a non-empty string of one line."""
    if not isinstance(value, str):
        raise WrongValue(f"is {shown(value)}; a string is wanted")
    if "{{" in value or "{%" in value:
        raise WrongValue(f"is a template that did not resolve: {value[:60]!r}")
    if not value.strip() or "\n" in value or "\0" in value:
        raise WrongValue(f"is {value[:60]!r}; a string of one line, not empty, is wanted")
    return str(value)


_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'


def schema_and_table(found: str) -> tuple[str, str]:
    """Return the two names of `schema.table` as a server has them: quoted as in SQL, or folded to lower case."""
    match = re.fullmatch(rf"({_NAME})\.({_NAME})", found)
    if match is None:
        raise WrongValue(f"is {found!r}; wanted: schema.table, each in double quotes where SQL needs them")
    schema, relation = map(_unquoted, match.groups())
    for name in (schema, relation):
        if len(name.encode()) > 63:
            raise WrongValue(f"is {found!r}; {name!r} has {len(name.encode())} bytes, a name has 63 at most")
    return schema, relation


def table(value: t.Any) -> str:
    """Parse the name of a table, its schema before it."""
    found = text(value)
    schema_and_table(found)
    return found


def _unquoted(name: str) -> str:
    if name.startswith('"'):
        return name[1:-1].replace('""', '"')
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def matching(pattern: str, description: str) -> Parser:
    """Return a parser of strings that match a pattern as a whole."""

    def parse(value: t.Any) -> str:
        found = text(value)
        if re.fullmatch(pattern, found) is None:
            raise WrongValue(f"is {found!r}; wanted: {description}")
        return found

    return parse


def choice(*choices: str) -> Parser:
    """Return a parser of one of some words. YAML reads a bare `off` as false, so that is taken for "off"."""

    def parse(value: t.Any) -> str:
        found = "off" if value is False and "off" in choices else value
        if not isinstance(found, str) or found not in choices:
            raise WrongValue(f"is {shown(value)}; one of {', '.join(choices)} is wanted")
        return str(found)

    return parse


def integer(least: int, most: int) -> Parser:
    """Return a parser of whole numbers in a range; digits in a string count, since -e gives strings."""

    def parse(value: t.Any) -> int:
        is_digits = isinstance(value, str) and re.fullmatch(r"\s*[0-9]+\s*", value) is not None
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not (is_digits or is_number):
            raise WrongValue(f"is {shown(value)}; a whole number from {least} to {most} is wanted")
        number = int(value)
        if not least <= number <= most:
            raise WrongValue(f"is {number}; a whole number from {least} to {most} is wanted")
        return number

    return parse


def boolean(value: t.Any) -> bool:
    """Parse true or false, also as the strings that -e gives."""
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise WrongValue(f"is {shown(value)}; true or false is wanted")


def listing(item: Parser, *, empty_is_fine: bool = True) -> Parser:
    """Return a parser of lists whose items all pass another parser."""

    def parse(value: t.Any) -> tuple[t.Any, ...]:
        if not is_list(value):
            raise WrongValue(f"is {shown(value)}; a list is wanted")
        if not value and not empty_is_fine:
            raise WrongValue("is an empty list; at least one item is wanted")
        return tuple(_item(f"item {place}", item, found) for place, found in enumerate(value, 1))

    return parse


def mapping(item: Parser) -> Parser:
    """Return a parser of mappings from strings to what another parser takes; sorted pairs come back."""

    def parse(value: t.Any) -> tuple[tuple[str, t.Any], ...]:
        if not isinstance(value, t.Mapping):
            raise WrongValue(f"is {shown(value)}; a mapping (name: value) is wanted")
        return tuple(sorted((text(key), _item(f"entry {key}", item, found)) for key, found in value.items()))

    return parse


def setting_value(value: t.Any) -> str:
    """Parse the value of a PostgreSQL setting: a string, number or boolean, or a list that is joined by commas."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (int, float)):
        return str(value)
    if is_list(value):
        return ",".join(text(item) for item in value)
    if isinstance(value, str) and not value:
        return ""
    return text(value)


def fields_of(fields: Fields, variables: t.Mapping[str, t.Any], of: str, problems: list[str]) -> dict[str, t.Any]:
    """Parse the variables that fields names; what is missing gets its default, what is wrong goes to problems."""
    values: dict[str, t.Any] = {}
    for name, (parser, default) in fields.items():
        values[name] = default
        if name in variables:
            try:
                values[name] = parser(variables[name])
            except WrongValue as error:
                problems.append(f"{name}{of} {error}")
    return values


def _item(where: str, parser: Parser, value: t.Any) -> t.Any:
    try:
        return parser(value)
    except WrongValue as error:
        raise WrongValue(f"{where} {error}") from None
