# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Ansible's hostvars to a plan, with Ansible's own inventory and templating in between."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import Plan
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._source import (
    group_of,
    password_of,
    plan_of,
    value_of,
)
from ansible_collections.pgbdr.bdr.tests.unit.ansible_variables import task_vars, template
from ansible_collections.pgbdr.bdr.tests.unit.builders import only_problem, problems


def planned(variables: dict) -> Plan:
    return plan_of(variables, template(variables))


def as_written(value):
    """A templar for values without templates."""
    return value


@pytest.fixture
def variables_of(tmp_path):
    """Return a function from the group's variables, and those of each host, to task_vars."""

    def variables_of(shared: dict, own: dict | None = None, group: str = "bdr", **extra) -> dict:
        hosts = {name: (own or {}).get(name, {}) for name in ("alpha", "bravo")}
        inventory = tmp_path / "hosts.yml"
        inventory.write_text(
            yaml.safe_dump({group: {"hosts": hosts, "vars": {"bdr_databases": ["appdb"], **shared}}}), "utf-8"
        )
        return task_vars(inventory, **extra)

    return variables_of


def test_a_plan_comes_from_the_hosts_of_the_group(variables_of):
    found = planned(variables_of({}, {"alpha": {"ansible_host": "192.0.2.11"}}))
    assert [(node.name, node.address, node.operator_hba) for node in found.nodes] == [
        ("alpha", "192.0.2.11", ()),
        ("bravo", "bravo", ()),
    ]
    assert [rule.address for rule in found.nodes[1].hba] == ["", "", "192.0.2.11/32"]


def test_templates_are_resolved(variables_of):
    shared = {
        "base": 5440,
        "bdr_port": "{{ base + (inventory_hostname == 'bravo') | int }}",
        "bdr_databases": "{{ names | list }}",
        "names": ["x", {"name": "{{ 'y' }}", "topology": "one_way", "upstream": "alpha"}],
        "bdr_settings": {"work_mem": "{{ base }}kB"},
    }
    found = planned(variables_of(shared))
    assert [node.port for node in found.nodes] == [5440, 5441]
    assert [str(link) for link in found.links] == ["alpha -> bravo (x)", "bravo -> alpha (x)", "alpha -> bravo (y)"]
    assert {"5440kB"} == {each.value for node in found.nodes for each in node.settings if each.name == "work_mem"}


def test_what_ansible_hands_over_becomes_plain(variables_of):
    found = planned(variables_of({"bdr_replication_user": "repl", "bdr_hba": ["host all app ::1/128 md5"]}))
    assert type(found.nodes[0].replication_user) is str
    assert type(found.nodes[0].operator_hba[0]) is str
    assert type(found.nodes[0].host) is str


def test_another_group_may_hold_the_nodes(variables_of):
    found = planned(variables_of({}, group="sales", bdr_hosts="sales"))
    assert found.group == "sales"


@pytest.mark.parametrize("function", [plan_of, group_of])
def test_a_group_that_is_not_there(variables_of, function):
    variables = variables_of({}, bdr_hosts="sales")
    problem = only_problem(function, variables, template(variables))
    assert problem == "bdr_hosts: the inventory has no group sales; name the group of the nodes"


def test_a_group_before_anything_is_derived(variables_of):
    variables = variables_of({"bdr_engine": "contrib_bdr", "bdr_topology": "one_way", "bdr_upstream": "zulu"})
    found = group_of(variables, template(variables))
    assert (found.name, [node.name for node in found.nodes]) == ("bdr", ["alpha", "bravo"])
    # A link that cannot be is the plan's matter.
    assert "zulu" in only_problem(plan_of, variables, template(variables))


@pytest.mark.parametrize(
    ("shared", "probed", "wanted"),
    [
        ({}, None, ("0.7", True)),
        ({}, "0.4", ("0.4", False)),
        ({"bdr_era": "0.7"}, "0.4", ("0.7", False)),
    ],
)
def test_the_era_that_a_server_was_seen_to_be_of(variables_of, shared, probed, wanted):
    variables = variables_of({"bdr_engine": "contrib_bdr", **shared})
    for found in (plan_of(variables, template(variables), probed), group_of(variables, template(variables), probed)):
        assert (found.era, found.era_assumed) == wanted


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("bdr_port", "{{ nope }}"),
        ("bdr_upstreams", ["{{ nope }}"]),
        ("bdr_settings", {"work_mem": "{{ nope }}"}),
        ("bdr_address", "{{ nope.deeper }}"),
    ],
)
def test_a_template_that_does_not_resolve(variables_of, variable, value):
    problem = only_problem(planned, variables_of({}, {"bravo": {variable: value}}))
    assert problem.startswith(f"{variable} of bravo is a template that did not resolve: 'nope' is undefined")


def test_a_template_of_the_group_is_told_of_once(variables_of):
    assert "bdr_databases" in only_problem(planned, variables_of({"bdr_databases": ["{{ nope }}"]}))


def test_texts_and_secrets_are_not_touched(variables_of):
    shared = {"bdr_tls": "require", "bdr_tls_certificate": "{{ nope }}", "bdr_tls_key": "{{ nope }}"}
    assert planned(variables_of(shared)).nodes[0].tls == "require"


def test_sources_are_checked_with_the_rest(variables_of):
    found = problems(planned, variables_of({"bdr_sources": ["::/0"]}))
    assert [problem.split(": ")[0] for problem in found] == [
        "bdr_sources (or bdr_address) of alpha",
        "bdr_sources (or bdr_address) of bravo",
    ]


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({}, "the default"),
        ({"name": None}, "the default"),
        ({"name": ""}, ""),
        ({"name": 0}, 0),
        ({"name": "x"}, "x"),
        ({"name": "{{ other }}", "other": "y"}, "y"),
        ({"name": "{{ other }}", "other": None}, "the default"),
    ],
)
def test_the_value_of_a_variable(variables_of, variables, wanted):
    found = variables_of(variables)
    assert value_of(found, template(found), "name", "the default") == wanted


def test_a_variable_may_have_no_default():
    assert value_of({}, as_written, "name") is None


def test_the_hosts_may_be_a_template(variables_of):
    assert planned(variables_of({"bdr_hosts": "{{ which }}", "which": "sales"}, group="sales")).group == "sales"


# --- The password ---------------------------------------------------------------------------------


def test_a_password_is_what_it_is():
    assert (
        password_of({"bdr_replication_password": "with space ' \" \\ % $ é"}, as_written) == "with space ' \" \\ % $ é"
    )
    assert password_of({}, as_written) is None
    assert password_of({"bdr_replication_password": None}, as_written) is None


@pytest.mark.parametrize("password", ["", 5, True, ["secret"], "two\nlines", "a\rb", "a\0b"])
def test_what_is_no_password_is_refused_unseen(variables_of, password):
    problem = only_problem(planned, variables_of({}, bdr_replication_password=password))
    assert problem == "bdr_replication_password must be a string of one line, not empty; quote it in YAML"


def test_a_password_that_does_not_resolve(variables_of):
    problem = only_problem(planned, variables_of({"bdr_replication_password": "{{ nope }}"}))
    assert problem.startswith("bdr_replication_password is a template or vault value that did not resolve")


def test_a_password_may_be_a_template(variables_of):
    variables = variables_of({"bdr_replication_password": "{{ vault }}", "vault": "secret"})
    assert password_of(variables, template(variables)) == "secret"
