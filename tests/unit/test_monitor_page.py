# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/monitor.md, the runbook links and the dashboard say what the code says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.pgbdr.bdr.plugins.module_utils._monitor_queries import METRICS
from ansible_collections.pgbdr.bdr.plugins.module_utils._monitor_rules import RULES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/monitor.md").read_text("utf-8")
DASHBOARD = ROOT / "roles/bdr_monitor/files/pgbdr.dashboard.json"
TOLD = {
    f"{name}_{column}": said for name, columns in METRICS.items() for column, kind, said in columns if kind == "GAUGE"
}
OF_PROMETHEUS = {"up", "pg_up", "pg_exporter_last_scrape_error"}
"""What the exporter and Prometheus tell by themselves."""


def anchors(page: str) -> set[str]:
    """Return the anchors that a page's headings have on GitHub."""
    headings = re.findall("^#+ (.*)$", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table(heading: str) -> list[list[str]]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_runbook_link_leads_somewhere(rule):
    page, _hash, anchor = rule.runbook.partition("#")
    assert (ROOT / "docs" / page).is_file()
    assert not anchor or anchor in anchors(page)


def test_every_alert_is_in_the_table_with_its_page():
    cells = {name.strip("`"): (severity, link) for name, severity, _when, link in table("Alerts")}
    wanted = {rule.name: (rule.severity, f"({rule.runbook.replace('monitor.md#', '#')})") for rule in RULES}
    assert {name: (severity, link[link.index("(") :]) for name, (severity, link) in cells.items()} == wanted


def test_every_metric_is_in_the_table():
    assert {name.strip("`"): said for name, said in table("Metrics")} == TOLD


def test_rules_read_what_is_told():
    for rule in RULES:
        names = set(re.findall(r"\b(?:bdr_\w+|pg_\w+|up)(?=\{)", rule.expression))
        assert names and names <= {*TOLD, *OF_PROMETHEUS}


def test_the_dashboard_shows_what_is_told():
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    expressions += [variable.get("definition", "") for variable in dashboard["templating"]["list"]]
    names = {name for text in expressions for name in re.findall(r"\b(?:bdr_\w+|pg_\w+|up)(?=[{,])", text)}
    assert names <= {*TOLD, *OF_PROMETHEUS} and len(names) > 10
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert all('group="$group"' in text for text in expressions if re.search(r"\bbdr_\w+\{", text))


def test_every_variable_is_in_the_table_with_its_default():
    defaults = yaml.safe_load((ROOT / "roles/bdr_monitor/defaults/main.yml").read_text("utf-8"))
    del defaults["bdr_monitor_node"]  # for playbooks of one's own
    cells = {name.strip("`"): default for name, default, _meaning in table("Variables")}
    assert set(cells) == set(defaults)
    plain = {name: f"`{value}`" for name, value in defaults.items() if "{{" not in str(value)}
    assert {name: cells[name] for name in plain} == plain
