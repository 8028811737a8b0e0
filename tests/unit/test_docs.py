# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages of docs/ say is what the code does: variables, plans, pictures, messages, links between pages."""

from __future__ import annotations

import json
import re
import shlex
import typing as t
from pathlib import Path

import jmespath
import pytest
import yaml
from ansible_collections.pgbdr.bdr.plugins.module_utils import (
    _databases,
    _ddl_check,
    _ddl_messages,
    _fields,
    _guard,
    _hosts,
    _inventory,
    _model,
    _other_variables,
    _plan,
    _render,
)
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import contrib_bdr_messages, rules
from ansible_collections.pgbdr.bdr.plugins.module_utils._inventory import parse
from ansible_collections.pgbdr.bdr.plugins.module_utils._session_types import LOCK_NOT_AVAILABLE, Statement, refusal
from ansible_collections.pgbdr.bdr.plugins.plugin_utils import _text
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._source import plan_of
from ansible_collections.pgbdr.bdr.tests.tools import draw
from ansible_collections.pgbdr.bdr.tests.unit.ansible_variables import task_vars
from ansible_collections.pgbdr.bdr.tests.unit.builders import database_found, host_found, inventory, problems

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md"]
INVENTORIES = sorted(path.name for path in (ROOT / "inventories").iterdir() if path.is_dir())


def read(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


def plan(inventory: Path, **extra: t.Any) -> dict[str, t.Any]:
    return plan_of(task_vars(inventory, **extra), lambda value: value).as_dict()


# --- variables.md ---------------------------------------------------------------------------------


def table(heading: str) -> dict[str, list[str]]:
    """Return the table under a heading of variables.md: name to the other cells."""
    section = read("variables.md").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return {name.strip("`"): rest for name, *rest in cells}


FIELDS = {
    "Of the group": _inventory.GROUP_FIELDS,
    "Of a node": _inventory.NODE_FIELDS,
    "An entry of bdr_databases": _databases._DATABASE_FIELDS,
}
SECRETS = ("bdr_replication_password", "bdr_secrets_directory", *_inventory._TLS)
ROWS = [(heading, name) for heading, fields in FIELDS.items() for name in fields]


def literal(cell: str) -> t.Any:
    """Return the value of a cell that is one piece of code; words quoted for YAML come without their quotes."""
    return yaml.safe_load(cell.strip("`"))


@pytest.mark.parametrize("heading", FIELDS)
def test_a_table_lists_the_variables_of_the_code(heading):
    assert sorted(table(heading)) == sorted(FIELDS[heading])


def test_the_other_tables_list_what_else_is_read():
    listed = {*table("Secrets"), *table("Of playbooks")}
    assert set(SECRETS) == set(table("Secrets"))
    files = [path for folder in ("plugins", "roles", "playbooks") for path in (ROOT / folder).rglob("*.*")]
    said = " ".join(path.read_text("utf-8") for path in files if path.suffix in (".py", ".yml"))
    # Once where it is known, and once more where it is read.
    known = {name for name in _other_variables.NAMES if len(re.findall(rf"\b{name}\b", said)) > 1}
    assert listed == {*known, *_inventory._TLS}


@pytest.mark.parametrize(("heading", "name"), ROWS)
def test_a_default_is_the_code_s(heading, name):
    parser, default = FIELDS[heading][name]
    cell = table(heading)[name][1]
    if default is None:
        assert (
            re.fullmatch(r"`[a-z_]+`", cell) is None or cell.strip("`").startswith(("bdr_", "ansible_")) or "/" in cell
        )
    else:
        found = literal(cell)
        assert cell == f"`{cell.strip('`')}`", "code, and nothing beside it"
        assert parser(str(found) if isinstance(found, float) else found) == default


@pytest.mark.parametrize(("heading", "name"), ROWS)
def test_an_example_is_taken(heading, name):
    parser, _default = FIELDS[heading][name]
    parser(literal(table(heading)[name][3]))


def complaint(parser: _fields.Parser, value: t.Any) -> str:
    with pytest.raises(_fields.WrongValue) as caught:
        parser(value)
    return str(caught.value)


@pytest.mark.parametrize(("heading", "name"), ROWS)
def test_a_type_is_the_code_s(heading, name):
    """The range of a number and the words of a choice; other types are told in words of their own."""
    parser, _default = FIELDS[heading][name]
    said = table(heading)[name][0]
    bounds = re.search(r"(\d+) to (\d+)$", said)
    if bounds:
        assert f"from {bounds[1]} to {bounds[2]} is wanted" in complaint(parser, "zulu")
    elif said.startswith("one of "):
        assert complaint(parser, "zulu").endswith(f"{said.replace('`', '')} is wanted")
    elif said == "true or false":
        assert complaint(parser, "zulu").endswith("true or false is wanted")
    elif said.startswith(("list", "mapping")) and name != "bdr_databases":
        assert complaint(parser, "zulu").partition("; a ")[2].startswith(said.split()[0].strip(":"))


# --- topologies.md --------------------------------------------------------------------------------


def test_every_inventory_has_its_place_and_its_picture():
    page = read("topologies.md")
    missing = [name for name in INVENTORIES if f"(../inventories/{name}/hosts.yml)" not in page]
    assert missing == []
    assert sorted(name for name in INVENTORIES if f"(pictures/{name}.svg)" not in page) == []


def test_an_inventory_that_is_shown_is_the_one_in_its_folder():
    shown = dict(draw.shown_inventories())
    for name in INVENTORIES:
        assert yaml.safe_load(shown[name]) == yaml.safe_load((ROOT / "inventories" / name / "hosts.yml").read_text())


def test_the_pictures_are_what_the_script_draws():
    drawn = {f"{name}.svg": draw.svg(shape) for name, shape in draw.shapes().items()}
    assert drawn == {path.name: path.read_text("utf-8") for path in draw.PICTURES.iterdir()}, (
        "draw them anew: tests/tools/draw.py"
    )


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("page", ["#ffffff", "#0d1117"])
def test_a_picture_reads_on_a_light_page_and_on_a_dark_one(page):
    for colour in (*draw.DATABASES, draw.TEXT, draw.REFUSED):
        assert contrast(colour, page) > 4
    assert contrast(draw.NODE, page) > 3
    assert contrast(draw.NODE, draw.NODE_TEXT) > 4.5


def shown_plan(name: str, tmp_path: Path, change: t.Callable[[str], str] = str) -> dict[str, t.Any]:
    """Return the plan of an inventory on the page of topologies."""
    path = tmp_path / "hosts.yml"
    path.write_text(change(dict(draw.shown_inventories())[name]), "utf-8")
    return plan(path)


def test_a_ring_and_a_chain_say_what_the_page_says(tmp_path):
    with pytest.raises(_model.PlanError) as ring:
        shown_plan("ring", tmp_path, lambda text: text + "    bdr_partial_reach: true\n")
    with pytest.raises(_model.PlanError) as chain:
        shown_plan("chain", tmp_path, lambda text: text.replace("bdr_partial_reach: true", "bdr_partial_reach: false"))
    for error in (ring, chain):
        assert f"```text\n{error.value}\n```" in read("topologies.md")


def masters_and_standbys(**upstreams: list[str]) -> dict[str, dict[str, t.Any]]:
    """Return the guide's two sites: alpha with its standby bravo, charlie with its standby delta."""
    hosts: dict[str, dict[str, t.Any]] = {name: {"bdr_databases": ["appdb"]} for name in ("alpha", "charlie")}
    hosts["bravo"] = {"bdr_databases": ["appdb"], "bdr_standby_of": "alpha"}
    hosts["delta"] = {"bdr_databases": ["appdb"], "bdr_standby_of": "charlie"}
    for name, named in upstreams.items():
        hosts[name]["bdr_upstreams"] = named
    topology = "custom" if upstreams else "mesh"
    return {name: {**values, "bdr_topology": topology} for name, values in hosts.items()}


def test_standbys_that_shall_feed_the_other_site_are_refused_as_the_page_says():
    with pytest.raises(_model.PlanError) as caught:
        _inventory.parse("bdr", masters_and_standbys(alpha=["delta"], charlie=["bravo"]))
    assert f"```text\n{caught.value}\n```" in read("topologies.md")


def test_standbys_beside_a_mesh_are_allowed_as_the_page_says():
    found = _plan.build_plan(_inventory.parse("bdr", masters_and_standbys()))
    assert [str(link) for link in found.links] == ["alpha -> charlie (appdb)", "charlie -> alpha (appdb)"]


def test_what_a_mesh_costs_is_what_its_plan_says():
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", read("topologies.md"), re.MULTILINE)
    assert len(rows) >= 4
    for nodes, *wanted in (map(int, row) for row in rows):
        hosts = {f"n{place}": {"bdr_databases": ["appdb"]} for place in range(nodes)}
        found = _plan.build_plan(_inventory.parse("bdr", hosts))
        values = {setting.name: setting.value for setting in found.nodes[0].settings}
        settings = ("max_replication_slots", "max_wal_senders", "max_worker_processes")
        assert [len(found.links), *(int(values[name]) for name in settings)] == wanted


# --- plan.md --------------------------------------------------------------------------------------


def test_the_plan_on_the_page_is_the_plan_of_plex():
    assert _text.plan(plan(ROOT / "inventories" / "plex")) in read("plan.md")


def test_every_size_and_every_key_is_explained():
    page = read("plan.md")
    found = plan(ROOT / "inventories" / "plex")
    node = found["nodes"]["alpha"]
    sizes = re.findall(r"^\| `(\w+)` \|", page.split("\n## Sizes\n")[1], re.MULTILINE)
    minima = [setting["name"] for setting in node["settings"] if setting["rule"] == "minimum"]
    assert {*sizes, *re.findall(r"`(max_\w+)`", page)} >= {*(figure["name"] for figure in node["figures"]), *minima}
    keys = page.split("\n## As JSON\n")[1].split("\n## ")[0]
    assert [key for key in found if key not in ("warnings",) and f"`{key}" not in keys] == []


# --- site.md --------------------------------------------------------------------------------------

LONDON = {
    name: {
        "bdr_port": port,
        "bdr_group": "london",
        "bdr_address": "127.0.0.1",
        "bdr_databases": ["appdb"],
    }
    for name, port in (("alpha", 5450), ("bravo", 5451), ("charlie", 5452))
}


def london(*names: str, **shared: t.Any) -> dict[str, t.Any]:
    return _plan.build_plan(_inventory.parse("bdr", {name: {**LONDON[name], **shared} for name in names})).as_dict()


def refused(*names: str, **shared: t.Any) -> list[str]:
    with pytest.raises(_model.PlanError) as caught:
        london(*names, **shared)
    return list(caught.value.problems)


def found_problems(found: dict[str, t.Any], *names: str, **shared: t.Any) -> list[str]:
    return _hosts.problems(london(*names, **shared), {name: host_found(name, **found.get(name, {})) for name in names})


CITY = database_found(table_with_rows="public.city")
STANDS = {"data": "ours", "major": 15, "running": True}
MESSAGES = {
    "a wrong type": lambda: refused("alpha", "bravo", bdr_allowed_downtime_seconds="one hour"),
    "a setting": lambda: refused("alpha", "bravo", bdr_settings={"wal_level": "replica", "max_wal_senders": 3}),
    "rows": lambda: found_problems(
        {
            "alpha": {**STANDS, "databases": {"appdb": {**CITY, "connections": ["bravo_alpha"]}}},
            "bravo": {**STANDS, "databases": {"appdb": {**CITY, "connections": ["alpha_bravo"]}}},
            "charlie": {**STANDS, "databases": {"appdb": database_found()}},
        },
        *("alpha", "bravo", "charlie"),
    ),
}


@pytest.mark.parametrize("what", MESSAGES)
def test_a_message_on_the_page_is_the_code_s(what):
    assert "```text\n{}\n```".format("\n".join(MESSAGES[what]())) in read("site.md")


# --- contrib_bdr.md and guide.md ------------------------------------------------------------------

ENGINE = {"bdr_engine": "contrib_bdr"}


def test_what_the_guard_says_is_the_code_s():
    page = read("guard.md")
    (message,) = re.findall(r"EXCEPTION '(.*)'", _guard.DENY_BODY)
    (hint,) = re.findall(r"HINT = '(.*)'", _guard.DENY_BODY)
    assert f"\nERROR:  {message}\n" in page and f"\nHINT:  {hint}\n" in page
    (refused,) = problems(parse, "bdr", inventory(bdr_truncatable_tables=["staging"]))
    statement = Statement("", about="the guard on public.visit in appdb")
    in_use = refusal(statement, "canceling statement due to lock timeout", LOCK_NOT_AVAILABLE)
    for said in (refused, in_use):
        assert f"```text\n{said}\n```" in page


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the first table under a heading, without its head."""
    section = read(page).split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = re.search(r"^\|[-|]+\|\n((?:\|.*\n)+)", section, re.MULTILINE)
    assert lines is not None
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[1].splitlines()]


def test_every_message_of_a_server_is_told_with_meaning_and_remedy():
    told = rows("contrib_bdr.md", "What stops a link")
    for said, meaning, remedy in told:
        found = contrib_bdr_messages.findings([said.strip("`")], "bdr_replication")
        assert found == [f"{said.strip('`')}: {meaning}. Mend: {remedy}"]
    patterns = [message.pattern for message in contrib_bdr_messages.MESSAGES]
    assert [pattern for pattern in patterns if not any(re.search(pattern, said) for said, *_more in told)] == []


@pytest.mark.parametrize("era", ["0.4", "0.7"])
def test_every_setting_of_the_engine_is_in_the_table_with_its_rule(era):
    told = {
        name: rule
        for names, _value, rule, _where in rows("contrib_bdr.md", "What a run sets")
        for name in re.findall(r"`([^`]+)`", names)
    }
    hosts = {name: {**ENGINE, "bdr_databases": ["appdb"], "bdr_era": era, "bdr_apply_delay_ms": 5} for name in "ab"}
    group = _inventory.parse("bdr", hosts)
    engine, (node, *_others) = rules("contrib_bdr", era), _plan.build_plan(group).nodes
    needed = [
        *engine.settings(group, group.nodes[0], node.connections, node.figures),
        *engine.connection_settings(node.connections),
    ]
    # A connection's settings are told as era 0.4 names them.
    found = {re.sub(r"^bdr\.b[._](?=dsn|apply)", "bdr.<name>.", setting.name): setting.rule for setting in needed}
    assert {name: told.get(name) for name in found} == found


def test_too_few_slots_are_refused_as_the_page_says():
    hosts = {name: {**ENGINE, "bdr_era": "0.4", "bdr_databases": ["appdb"]} for name in ("alpha", "charlie")}
    shape = {"bdr_topology": "one_way", "bdr_upstream": "alpha", "bdr_settings": {"max_logical_slots": 1}}
    with pytest.raises(_model.PlanError) as caught:
        _plan.build_plan(_inventory.parse("bdr", {name: {**values, **shape} for name, values in hosts.items()}))
    assert f"```text\n{caught.value}\n```" in read("contrib_bdr.md")


def test_the_file_of_connections_on_the_page_is_what_is_written():
    """But for the ports, which were those of the run."""
    ports = {"alpha": 5650, "bravo": 5651, "charlie": 5652}
    shared = {**ENGINE, "bdr_era": "0.4", "bdr_group": "docs04", "bdr_address": "127.0.0.1", "bdr_databases": ["appdb"]}
    group = _inventory.parse("bdr", {name: {**shared, "bdr_port": port} for name, port in ports.items()})
    alpha = _plan.build_plan(group).nodes[0]
    assert f"```text\n{_render.connections(alpha, alpha.connection_settings)}```" in read("contrib_bdr.md")


def test_a_node_whose_home_is_gone_is_refused_as_the_page_says():
    linked = {
        name: {**STANDS, "databases": {"appdb": database_found(connections=["bravo"])}} for name in ("alpha", "charlie")
    }
    (said,) = found_problems(linked, "alpha", "bravo", "charlie", **ENGINE)
    assert f"```text\n{said}\n```" in read("contrib_bdr.md")


def test_an_assumed_era_is_told_as_the_page_says():
    first = _text.plan(plan(ROOT / "inventories" / "pair", **ENGINE)).splitlines()[0]
    assert f"```text\n{first}\n```" in read("contrib_bdr.md")


def test_the_guide_names_every_inventory():
    page = read("guide.md")
    assert [name for name in INVENTORIES if f"(../inventories/{name}/hosts.yml)" not in page] == []


# --- ddl.md ---------------------------------------------------------------------------------------


def test_what_stands_against_a_script_is_told_as_the_page_says():
    limits = dict.fromkeys(_ddl_check.LIMITS, 5)
    script = _ddl_check.Script("bad.sql", "ALTER TABLE city ADD mayor text;\nBEGIN;\n", "bad.sql", "appdb", limits)
    nodes = ("alpha", "bravo", "charlie")
    found = {name: {"answers": True, "error": "", "scripts": []} for name in nodes}
    hosts = {name: host_found(name, pending=[]) for name in nodes}
    (problem,) = _ddl_check.problems(london(*nodes), script, hosts, found)
    for told in (problem, _ddl_messages.another_text("city.sql", nodes)):
        assert f"```text\n{told}\n```" in read("ddl.md")
    assert "Nothing is changed on bravo. " + _ddl_messages.on_which("bravo", nodes, ()) in read("ddl.md")


# --- All pages ------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Return the anchors GitHub makes of a page's headings."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> t.Iterator[str]:
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _hash, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists():
            yield f"{page.name}: {target}"
        elif anchor and anchor not in anchors(path):
            yield f"{page.name}: {target} has no such heading"


def test_links_lead_somewhere():
    assert [problem for page in PAGES for problem in broken(page)] == []


def test_files_that_are_named_exist():
    named = {
        (page.name, path)
        for page in PAGES
        for path in re.findall(r"\b(?:playbooks|inventories)/\w+(?:\.yml)?", page.read_text("utf-8"))
    }
    assert sorted((page, path) for page, path in named if not (ROOT / path).exists()) == []


def questions() -> t.Iterator[tuple[str, str, t.Any]]:
    """Yield each question to a plan that a page shows: the page, the command, the answer under it."""
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            command, _dots, output = block.replace("\\\n", " ").partition("\n")
            if "plan.yml" in command and "bdr_query" in command:
                yield page.name, command, yaml.safe_load(output.partition("bdr_plan_group.answer:\n")[2])


@pytest.mark.filterwarnings("ignore:deprecated string literal syntax")
@pytest.mark.parametrize(("page", "command", "answer"), [*questions()])
def test_the_answer_on_a_page_is_the_plan_s(page, command, answer):
    words = shlex.split(command)
    given: dict[str, t.Any] = {}
    for option, value in zip(words, words[1:], strict=False):
        if option == "-e":
            given.update(json.loads(value) if value.startswith("{") else dict([value.split("=", 1)]))
    query = given.pop("bdr_query")
    assert answer
    assert jmespath.search(query, plan(ROOT / words[words.index("-i") + 1], **given)) == answer


def test_the_rules_of_settings_are_all_told():
    rules = {
        setting["rule"]
        for setting in london("alpha", "bravo", bdr_settings={"work_mem": "16MB"})["nodes"]["alpha"]["settings"]
    }
    section = read("site.md").split("\n## Own settings\n")[1].split("\n## ")[0]
    assert {name for name in re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)} == rules
