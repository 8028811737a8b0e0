# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses as pg_hba.conf wants them."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.plugin_utils._addresses import network, with_networks
from ansible_collections.pgbdr.bdr.tests.unit.builders import group, only_problem, problems


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("192.0.2.11", "192.0.2.11/32"),
        ("192.0.2.11/32", "192.0.2.11/32"),
        ("192.0.2.11/24", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("0.0.0.0", "0.0.0.0/32"),
        ("10.0.0.0/1", "0.0.0.0/1"),
        ("2001:db8::1", "2001:db8::1/128"),
        ("2001:DB8:0:0::1/64", "2001:db8::/64"),
        ("::1", "::1/128"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1/128"),
        ("alpha", "alpha"),
        ("alpha-1.example.org", "alpha-1.example.org"),
        ("alpha.example.org.", "alpha.example.org."),
        ("under_score", "under_score"),
        ("3com.example", "3com.example"),
        ("cafe", "cafe"),
        ("localhost", "localhost"),
        ("a" * 63, "a" * 63),
    ],
)
def test_an_address(source, wanted):
    assert network(source) == wanted


@pytest.mark.parametrize(
    "source",
    [
        "",
        "all",
        "samehost",
        "samenet",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.11/33",
        "192.0.2.11/",
        "192.0.2.*",
        "192.0.2.011",
        "10",
        "10/8",
        "2001:db8:::1",
        "2001:db8::1/129",
        "[2001:db8::1]",
        "[2001:db8::1",
        "2001:db8::1]",
        "[::/0]",
        "[2001:db8::1]/64",
        "[alpha]",
        "fe80::1%eth0",
        "-alpha",
        ".example.org",
        "alpha..example",
        "a" * 64,
        "two words",
        "alpha,bravo",
        "alpha\nhost all all all trust",
        "{{ nope }}",
        '"all"',
        "münchen.example",
    ],
)
def test_what_is_none(source):
    with pytest.raises(ValueError, match="is no address, network or host name"):
        network(source)


@pytest.mark.parametrize("source", ["0.0.0.0/0", "::/0", "10.0.0.0/0", "192.0.2.1/0.0.0.0"])
def test_everywhere(source):
    with pytest.raises(ValueError, match="is everywhere; name the node's own addresses"):
        network(source)


def test_a_group_gets_its_networks():
    own = {
        "alpha": {"bdr_sources": ["192.0.2.77/24", "192.0.2.0/24", "a.example"]},
        "bravo": {"bdr_address": "::1"},
    }
    before = group(own=own)
    after = with_networks(before)
    assert [node.sources for node in after.nodes] == [
        ("192.0.2.0/24", "a.example"),
        ("::1/128",),
        ("192.0.2.13/32",),
    ]
    assert [node.address for node in after.nodes] == [node.address for node in before.nodes]


def test_what_is_none_is_said_of_its_node():
    problem = only_problem(with_networks, group(own={"bravo": {"bdr_address": "no address"}}))
    assert problem == "bdr_sources (or bdr_address) of bravo: 'no address' is no address, network or host name"


def test_every_one_is_said():
    own = {"alpha": {"bdr_sources": ["all", "::/0"]}, "bravo": {"bdr_sources": [";"]}}
    found = problems(with_networks, group(own=own))
    assert [problem.split(":")[0] for problem in found] == [
        "bdr_sources (or bdr_address) of alpha",
        "bdr_sources (or bdr_address) of alpha",
        "bdr_sources (or bdr_address) of bravo",
    ]


def test_an_address_in_brackets_is_usable_everywhere():
    found = with_networks(group(own={"bravo": {"bdr_address": "[2001:db8::1]"}}))
    assert found.node("bravo").address == "2001:db8::1"
    assert found.node("bravo").sources == ("2001:db8::1/128",)
    assert found.node("bravo").listen_addresses == ("2001:db8::1", "localhost")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("[::/0]", "'::/0' is everywhere"),
        ("[2001:db8::1", "'[2001:db8::1' is no address"),
        ("[2001:db8::1]/64", "'[2001:db8::1]/64' is no address"),
        ("[]", "'' is no address"),
    ],
)
def test_brackets_hide_nothing(source, said):
    assert said in only_problem(lambda: with_networks(group(own={"bravo": {"bdr_sources": [source]}})))
