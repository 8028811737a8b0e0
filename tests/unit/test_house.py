# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The house rules of CONTRIBUTING.md, held against every file: no server, no network, a second.

A test collects every breach and compares with none, so that one run names all there is to mend.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tomllib
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._controller import ControllerAction

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
UTILS = PLUGINS / "module_utils"
PACKAGE = "ansible_collections.pgbdr.bdr.plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
ROLES = sorted(path for path in (ROOT / "roles").glob("*") if path.is_dir())
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
IMPURE = {ROOT / name for name in PYPROJECT["tool"]["coverage"]["run"]["omit"]}

Problems = t.Iterator[str]


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def test_there_is_something_to_hold():
    """The tests below loop over what they find; a wrong path would make them all pass."""
    assert MODULES
    assert {path.name for path in ROLES} >= {"bdr_packages", "bdr_instance", "bdr_group"}
    assert len(python_files(UTILS)) > len(IMPURE)
    assert list((ROOT / "playbooks").glob("*.yml"))


# --- The pure files -------------------------------------------------------------------------------


def imports(path: Path) -> t.Iterator[str]:
    """Yield what a file imports under absolute names, relative imports resolved."""
    package = [*PACKAGE.split("."), *path.relative_to(PLUGINS).parts[:-1]]
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = [*base, *(node.module or "").split(".")] if node.module else base
            yield from (".".join([*stem, alias.name]) for alias in node.names)


def ours(name: str) -> Path | None:
    """Return the file of module_utils that an imported name is, or is something in."""
    prefix = f"{PACKAGE}.module_utils."
    parts = name[len(prefix) :].split(".") if name.startswith(prefix) else []
    for end in range(len(parts), 0, -1):
        path = UTILS.joinpath(*parts[:end])
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def test_pure_files_import_the_standard_library_and_each_other():
    # On 3.8, the oldest Python of managed nodes, these are not there yet.
    standard = sys.stdlib_module_names - {"annotationlib", "graphlib", "tomllib", "zoneinfo"}
    pure = {path for path in python_files(UTILS) if path not in IMPURE}
    problems = [
        f"{short(path)} imports {name}"
        for path in sorted(pure)
        for name in imports(path)
        if name.split(".")[0] not in standard and ours(name) not in pure
    ]
    assert problems == []


def test_the_list_of_impure_files_is_short_and_true():
    assert [short(path) for path in sorted(IMPURE) if not path.is_file()] == []
    lines = {path: len(path.read_text().splitlines()) for path in python_files(UTILS)}
    assert 3 * sum(lines[path] for path in IMPURE) <= sum(lines.values()), "more belongs in pure files"


def test_only_the_session_imports_psycopg2():
    users = [
        short(path)
        for path in python_files(PLUGINS)
        if any(name.split(".")[0] in ("psycopg", "psycopg2") for name in imports(path))
    ]
    assert users == ["plugins/module_utils/_session.py"]


# --- Python of managed nodes ----------------------------------------------------------------------

TOO_NEW = {
    *(".bit_count", ".is_relative_to", ".removeprefix", ".removesuffix"),
    *("functools.cache", "itertools.pairwise", "math.lcm"),
    *("zip(strict=)", "dataclass(kw_only=)", "dataclass(slots=)"),
    *("dict[]", "frozenset[]", "list[]", "set[]", "tuple[]", "type[]"),
    *("| None", "isinstance(BinOp)"),
}


def evaluated(tree: ast.Module) -> t.Iterator[ast.AST]:
    """Walk what runs: everything but annotations, which `from __future__` leaves as text."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        yield node
        for field, value in ast.iter_fields(node):
            if field not in ("annotation", "returns"):
                children = value if isinstance(value, list) else [value]
                todo += [child for child in children if isinstance(child, ast.AST)]


def spellings(node: ast.AST) -> t.Iterator[str]:
    """Yield what a node does, spelled as TOO_NEW spells it."""
    if isinstance(node, ast.Attribute):
        yield from (f".{node.attr}", ast.unparse(node))
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call):
        function = ast.unparse(node.func)
        yield from (f"{function}({keyword.arg}=)" for keyword in node.keywords)
        yield from (f"{function}({type(argument).__name__})" for argument in node.args)
    elif isinstance(node, ast.Subscript):
        yield f"{ast.unparse(node.value)}[]"
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield f"| {ast.unparse(node.right)}"


def test_plugins_are_python_38():
    problems = []
    for path in python_files(PLUGINS):
        try:
            tree = ast.parse(path.read_text(), feature_version=(3, 8))
        except SyntaxError as error:
            problems.append(f"{short(path)}:{error.lineno}: {error.msg}")
        else:
            problems += [
                f"{short(path)}:{getattr(node, 'lineno', 0)}: {found}"
                for node in evaluated(tree)
                for found in TOO_NEW.intersection(spellings(node))
            ]
    assert problems == []


def lines_without_docs(path: Path) -> int:
    docs = [
        node
        for node in parse(path).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("DOCUMENTATION", "EXAMPLES", "RETURN")
    ]
    in_docs = sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in docs)
    return len(path.read_text().splitlines()) - in_docs


def test_no_file_of_the_plugins_is_long():
    lengths = {short(path): lines_without_docs(path) for path in python_files(PLUGINS)}
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}


# --- Modules --------------------------------------------------------------------------------------


def merged_documentation(documentation: str) -> dict[str, t.Any]:
    """Return a module's documentation with its fragments merged in, as ansible-doc does."""
    doc = yaml.safe_load(documentation)
    names = doc.get("extends_documentation_fragment", [])
    for name in [names] if isinstance(names, str) else names:
        namespace, collection, plugin, *part = name.split(".")
        home = f"ansible_collections.{namespace}.{collection}.plugins"
        if (namespace, collection) == ("ansible", "builtin"):
            home = "ansible.plugins"
        fragment = importlib.import_module(f"{home}.doc_fragments.{plugin}").ModuleDocFragment
        text = getattr(fragment, part[0].upper() if part else "DOCUMENTATION")
        for key, value in yaml.safe_load(text).items():
            if isinstance(value, dict):
                doc[key] = {**value, **doc.get(key, {})}
    return doc


def as_list(value: t.Any) -> t.Any:
    return list(value) if isinstance(value, (dict, tuple)) else value


def option_problems(where: str, doc: dict[str, t.Any], spec: dict[str, t.Any]) -> Problems:
    for name in sorted(set(doc) ^ set(spec)):
        yield f"{where}.{name}: only in the {'documentation' if name in doc else 'argument spec'}"
    facts = {"type": "str", "required": False, "default": None, "elements": None}
    for name in sorted(set(doc) & set(spec)):
        for key, standard in {**facts, "choices": None, "aliases": []}.items():
            said, done = (as_list(option.get(key, standard)) for option in (doc[name], spec[name]))
            if said != done:
                yield f"{where}.{name}: {key} is {done!r}, documented as {said!r}"
        nested = doc[name].get("suboptions") or {}, spec[name].get("options") or {}
        yield from option_problems(f"{where}.{name}", *nested)


def argument_spec(name: str) -> dict[str, t.Any]:
    """Return a module's argument spec; what only documents an action plugin has it there."""
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    if hasattr(module, "ARGUMENT_SPEC"):
        return module.ARGUMENT_SPEC
    action = importlib.import_module(f"{PACKAGE}.action.{name}").ActionModule
    # An action with a run of its own could validate something else.
    assert action.run is ControllerAction.run, f"{name}: no ControllerAction"
    return action.OPTIONS


def module_problems(name: str) -> Problems:
    module = importlib.import_module(f"{PACKAGE}.modules.{name}")
    doc = merged_documentation(module.DOCUMENTATION)
    if doc["module"] != name:
        yield f"{name}: documents itself as {doc['module']}"
    for attribute in ("check_mode", "diff_mode"):
        if "support" not in doc.get("attributes", {}).get(attribute, {}):
            yield f"{name}: no attribute {attribute}"
    if not yaml.safe_load(module.EXAMPLES):
        yield f"{name}: no EXAMPLES"
    if not yaml.safe_load(module.RETURN):
        yield f"{name}: no RETURN"
    yield from option_problems(name, doc.get("options") or {}, argument_spec(name))


@pytest.mark.parametrize("name", MODULES)
def test_a_module_documents_what_it_does(name):
    assert list(module_problems(name)) == []


def test_the_action_group_lists_every_module():
    runtime = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())
    assert runtime["action_groups"]["bdr"] == MODULES


# --- Roles and playbooks --------------------------------------------------------------------------


class Loader(yaml.SafeLoader):
    """Reads Ansible's own tags (!vault, !unsafe) as nothing."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: None)


def load(path: Path) -> t.Any:
    return yaml.load(path.read_text(), Loader) if path.is_file() else None  # noqa: S506


def role_problems(role: Path) -> Problems:
    for name in ("README.md", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml"):
        if not (role / name).is_file():
            yield f"{short(role)}: no {name}"
    specs = (load(role / "meta/argument_specs.yml") or {}).get("argument_specs", {})
    options = {k: v for entry in specs.values() for k, v in (entry.get("options") or {}).items()}
    defaults = load(role / "defaults/main.yml") or {}
    # What must be given has no default to equal.
    optional = {name for name, option in options.items() if not option.get("required")}
    for name in sorted(optional ^ set(defaults)):
        yield f"{short(role)}: {name} only in the {'specs' if name in optional else 'defaults'}"
    for name, option in sorted(options.items()):
        if not {"type", "description"} <= set(option):
            yield f"{short(role)}: {name} wants a type and a description"
        said, done = option.get("default"), defaults.get(name)
        if "default" in option and said != done:
            yield f"{short(role)}: {name} is {done!r}, documented as {said!r}"


def test_a_role_specifies_what_it_defaults():
    assert [problem for role in ROLES for problem in role_problems(role)] == []


TASK_FILES = sorted(
    path
    for pattern in ("roles/*/tasks/**/*.yml", "roles/*/handlers/**/*.yml", "playbooks/**/*.yml")
    for path in ROOT.glob(pattern)
)
NEVER = re.compile(r"(ansible\.(builtin|legacy)\.)?(set_fact|shell|raw|script|pause)")
COMMAND = re.compile(r"(ansible\.(builtin|legacy)\.)?command")
NESTED = ("block", "rescue", "always", "pre_tasks", "tasks", "post_tasks", "handlers")


def tasks(items: t.Any) -> t.Iterator[dict[str, t.Any]]:
    """Yield plays, blocks and tasks, the nested ones too."""
    for item in items if isinstance(items, list) else []:
        yield item
        for key in NESTED:
            yield from tasks(item.get(key))


def constant(condition: t.Any) -> bool:
    conditions = condition if isinstance(condition, list) else [condition]
    return any(str(each).strip().lower() in ("true", "false", "yes", "no") for each in conditions)


def habits(path: Path) -> Problems:
    """Yield each thing that makes a playbook a program, or hides what it did."""
    for task in tasks(load(path)):
        where = f"{short(path)}: {task.get('name', '?')}"
        yield from (f"{where}: {key}" for key in task if NEVER.fullmatch(key))
        if "ignore_errors" in task:
            yield f"{where}: ignore_errors"
        for key in ("changed_when", "failed_when"):
            if constant(task.get(key)):
                yield f"{where}: constant {key}"
        if any(COMMAND.fullmatch(key) for key in task) and "bdr_build" not in path.parts:
            yield f"{where}: command outside bdr_build"


def test_tasks_have_no_ugly_habits():
    assert [problem for path in TASK_FILES for problem in habits(path)] == []


def test_task_files_are_short():
    lengths = {short(path): len(path.read_text().splitlines()) for path in TASK_FILES}
    assert {name: lines for name, lines in lengths.items() if lines > 60} == {}


def matches(pattern: str, paths: t.Iterable[Path]) -> list[str]:
    found = re.compile(pattern)
    return [
        f"{short(path)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if found.search(line)
    ]


def test_neither_templates_nor_tasks_decide():
    templates = sorted(ROOT.glob("roles/*/templates/**/*.j2"))
    assert matches(r"{%[-+]?\s*(?!for\b|endfor\b)\w", templates) == [], "templates only loop"
    asked = r"\bbdr_(\w+_)?engine\b['\"\])]*\s*(==|!=|(not )?in\b)"
    assert matches(asked, [*templates, *TASK_FILES]) == [], "an engine is a class"


# --- The repository -------------------------------------------------------------------------------


def repository_files() -> list[Path]:
    """Return the text files that are in the repository or would be at the next `git add`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


def test_no_file_names_a_machine_or_a_registry():
    # A bracket in each, so that this file is no match of its own.
    machines = r"/wor[k]/|\.mirro[r]/|\.librar[y]|/far[m]/"
    registries = r"de[b]\.debian\.org|pyp[i]\.org|registry\.npmj[s]"
    paths = repository_files()
    assert ROOT / "galaxy.yml" in paths
    assert matches(f"{machines}|{registries}", paths) == []


def test_an_execution_environment_gets_what_a_controller_needs():
    """meta/ee-requirements.txt names ranges, requirements.txt pins of the same packages."""

    def packages(name: str) -> set[str]:
        lines = (ROOT / name).read_text().splitlines()
        return {re.split(r"[=<>]", line)[0] for line in lines if re.match(r"\w", line)}

    assert packages("meta/ee-requirements.txt") <= packages("requirements.txt")
