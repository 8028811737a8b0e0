# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Addresses as pg_hba.conf wants them, by netaddr: an address becomes a network of one, a host name stays."""

from __future__ import annotations

import re
from dataclasses import replace

import netaddr

from ..module_utils._model import Group, PlanError

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")


def with_networks(group: Group) -> Group:
    """Return the group with every node's sources as networks or host names; PlanError names what is neither."""
    problems: list[str] = []
    nodes = []
    for node in group.nodes:
        sources = []
        for source in node.sources:
            try:
                sources.append(network(source))
            except ValueError as error:
                problems.append(f"bdr_sources (or bdr_address) of {node.name}: {error}")
        nodes.append(replace(node, sources=tuple(dict.fromkeys(sources))))
    if problems:
        raise PlanError(problems)
    return replace(group, nodes=tuple(nodes))


def network(source: str) -> str:
    """Return an IPv4 or IPv6 address or network in CIDR form, or a host name as it is."""
    try:
        found = netaddr.IPNetwork(source)
    except (netaddr.AddrFormatError, ValueError):
        if _HOST_NAME.fullmatch(source) and not re.fullmatch(r"[0-9.]+", source) and source not in _KEYWORDS:
            return source
        raise ValueError(f"{source!r} is no address, network or host name") from None
    if found.prefixlen == 0:
        raise ValueError(f"{source!r} is everywhere; name the node's own addresses")
    return str(found.cidr)


# pg_hba.conf would read these as many hosts.
_KEYWORDS = ("all", "samehost", "samenet")
