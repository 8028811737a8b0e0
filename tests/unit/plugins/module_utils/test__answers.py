# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's own files and programs answer."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _answers


@pytest.mark.parametrize(
    ("release", "wanted"),
    [
        ('NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n', "x86_64 debian 12"),
        ("ID=arch\n", "x86_64 arch"),
        ("", "x86_64 linux"),
    ],
)
def test_a_platform(release, wanted):
    assert _answers.platform("x86_64", release) == wanted


@pytest.mark.parametrize(
    ("listing", "missing"),
    [
        ("gcc ii \nmake ii \n", []),
        ("gcc ii \n", ["make"]),
        # Removed with its configuration left, and only mentioned by another package.
        ("gcc rc \nmake un \n", ["gcc", "make"]),
        ("", ["gcc", "make"]),
    ],
)
def test_packages_that_are_not_installed(listing, missing):
    assert _answers.not_installed(["gcc", "make"], listing) == missing


def test_the_catalog_version():
    assert _answers.catalog_version("/* yyyymmddN */\n#define CATALOG_VERSION_NO\t201305061\n") == 201305061
    assert _answers.catalog_version("") == 0
