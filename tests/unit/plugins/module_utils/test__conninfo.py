# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""libpq's texts: what is written is what libpq reads."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._conninfo import conninfo, passfile
from ansible_collections.pgbdr.bdr.plugins.module_utils._model import PassfileEntry

VALUES = [
    "plain",
    "",
    " ",
    "two words",
    "tab\there",
    "line\nbreak",
    "it's",
    "''",
    "back\\slash",
    "\\",
    "\\'",
    "a=b",
    "100% $HOME ${x} %%",
    "pässwörd 密码",
    "/var/lib/pgbdr/bdr/alpha/passfile",
]


@pytest.mark.parametrize("value", VALUES)
def test_libpq_reads_the_same(value):
    extensions = pytest.importorskip("psycopg2.extensions")
    assert extensions.parse_dsn(conninfo({"host": "alpha", "dbname": value})) == {"host": "alpha", "dbname": value}


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ({}, ""),
        ({"host": "192.0.2.11", "port": 5432}, "host=192.0.2.11 port=5432"),
        ({"port": 5432, "host": "192.0.2.11"}, "port=5432 host=192.0.2.11"),
        ({"dbname": "my db"}, "dbname='my db'"),
        ({"dbname": ""}, "dbname=''"),
        ({"dbname": r"o'neil\x"}, r"dbname='o\'neil\\x'"),
    ],
)
def test_only_what_needs_quotes_has_them(parameters, wanted):
    assert conninfo(parameters) == wanted


@pytest.mark.parametrize(
    ("host", "password", "wanted"),
    [
        ("192.0.2.11", "secret", "192.0.2.11:5432:*:bdr_replication:secret\n"),
        ("2001:db8::1", "secret", "2001\\:db8\\:\\:1:5432:*:bdr_replication:secret\n"),
        ("alpha", "a:b\\c", "alpha:5432:*:bdr_replication:a\\:b\\\\c\n"),
        ("alpha", "with space ' \" % $ é", "alpha:5432:*:bdr_replication:with space ' \" % $ é\n"),
        ("alpha", "\\:", "alpha:5432:*:bdr_replication:\\\\\\:\n"),
    ],
)
def test_passfile_escapes_what_separates(host, password, wanted):
    assert passfile([PassfileEntry(host, 5432, "bdr_replication")], password) == wanted


def test_passfile_has_a_line_for_each_entry():
    entries = [PassfileEntry("alpha", 5440, "a"), PassfileEntry("bravo", 5441, "b")]
    assert passfile(entries, "p") == "alpha:5440:*:a:p\nbravo:5441:*:b:p\n"
    assert passfile([], "p") == ""
