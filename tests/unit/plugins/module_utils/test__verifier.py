# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose password is a verifier? Those called the server's were made by libpq 17 (PQencryptPasswordConn)."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._verifier import belongs
from psycopg2.extensions import encrypt_password


def scram_belongs(stored: str | None, password: str) -> bool:
    """Ask for SCRAM, where the role is no part of what is stored."""
    return belongs(stored, password, "repl", "scram-sha-256")


def verifier(prepared: str, salt: str = "W22ZaJ0SNY7soEsUEjb6gQ==", rounds: int = 4096) -> str:
    """Return the verifier of a password that is prepared already, as RFC 5802 says."""
    salted = hashlib.pbkdf2_hmac("sha256", prepared.encode(), base64.b64decode(salt), rounds)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${rounds}:{salt}${base64.b64encode(stored).decode()}:{base64.b64encode(server).decode()}"


def test_the_exchange_of_rfc_7677():
    """Its messages prove the verifier: client proof = client key xor HMAC(stored key, messages)."""
    stored = verifier("pencil").split("$")[2].split(":")[0]
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    messages = f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
    signature = hmac.digest(base64.b64decode(stored), messages.encode(), "sha256")
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client_key = bytes(a ^ b for a, b in zip(signature, proof, strict=True))
    assert base64.b64encode(hashlib.sha256(client_key).digest()).decode() == stored
    assert scram_belongs(verifier("pencil"), "pencil")


SERVERS = {
    "pencil": "cU2e/rk8Viu0jSvIJedtVg==$ftnsrA9SO1LdLfRNq+FOvuuCoBwhGwMj8oH3Fe9zT2k="
    ":9daZEr6WPYuKIhk3MWbUQazkVJ+oc32lcVJ83GKc+ic=",
    "naïve": "/zKqqT2v6Wm9nIRBYjQfSQ==$tm04wQbKZbgim63BzOsVjW5ZmWfDe2s43bZXoC7INXE="
    ":z3ZXbo4uJhf/H9mGwlOsTQ5aBDgUnl+XkEaoZAVprZ4=",
    "é ' \\ % $ : x": "GQ77Xpylu++6X3STAm6tPQ==$HSJo0hSRRQJrOWFcaOZVLIoMQgrCQjr4aK9v0d6SHrs="
    ":q4okJ1J6rdRrb59i6W/AIzsV4nvIiSmkJYJDmErn/+0=",
    "\ud7a3\u1e9b\u0323": "7Erk7OZWApoIevN9wYVfwQ==$ccidWlUJI7Y+jNm9Hw0Jb6Pz3bvTGTjNI499N3pRYk0="
    ":SmrLOfDiiQic7JmCnRgmAGaEyhNb6ePnWYTBiSGve4s=",
    "😀": "k2k4Xcmb642nCSUyLkzIhg==$7ZtrJ4TtpnpmrIK9oTvCBrt2wh8ZPsWS/8PXB42u9NI="
    ":2MDItmLr9AqldEG4xDHUcktzNln3SzVjtGnPM6dbdbM=",
}


@pytest.mark.parametrize("password", SERVERS)
def test_the_server_s_own_verifiers(password):
    assert scram_belongs(f"SCRAM-SHA-256$4096:{SERVERS[password]}", password)


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        ("pencil", "pencil"),
        ("tab\tand \x7f stay in ASCII", "tab\tand \x7f stay in ASCII"),
        # What RFC 4013 maps.
        ("I\u00adX", "IX"),
        ("pa\u00ads wörd", "pas wörd"),
        ("\u2168", "IX"),
        ("\u00aa", "a"),
        ("ﬁ", "fi"),
        ("e\u0301", "é"),
        ("a\u00a0b", "a b"),
        ("a\u200bb", "a b"),
        # What it forbids is taken as it is: controls, a lone soft hyphen, unassigned characters, mixed directions.
        ("a\u0007é", "a\u0007é"),
        ("\u00ad", "\u00ad"),
        ("😀", "😀"),
        ("\u2028é", "\u2028é"),
        ("\ue000é", "\ue000é"),
        ("\u0627\u0031", "\u0627\u0031"),
        ("\u0031\u0627", "\u0031\u0627"),
        ("\u0627a\u0628", "\u0627a\u0628"),
        # Right-to-left text with something neutral inside is fine, and normalised.
        ("\ufdf2 \u0628", "\u0627\u0644\u0644\u0647 \u0628"),
        # What is forbidden or unassigned is looked for before anything is normalised.
        ("\u0340é", "\u0340é"),
        ("\u32ff", "\u32ff"),
    ],
)
def test_passwords_are_prepared_as_postgresql_does(password, prepared):
    assert scram_belongs(verifier(prepared), password)


@pytest.mark.parametrize("password", ["", "Pencil", "pencil ", " pencil", "pencils", "péncil"])
def test_another_password_is_another(password):
    assert not scram_belongs(verifier("pencil"), password)


def test_a_longer_salt_and_more_rounds_belong_too():
    assert scram_belongs(verifier("pencil", salt=base64.b64encode(b"x" * 33).decode(), rounds=10000), "pencil")


@pytest.mark.parametrize(
    "stored",
    [
        None,
        "",
        "pencil",
        "md5" + hashlib.md5(b"penciluser").hexdigest(),
        "SCRAM-SHA-256",
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==",
        "x" + verifier("pencil"),
        verifier("pencil").replace("SHA-256$", "SHA-512$"),
    ],
)
def test_what_is_no_scram_verifier_belongs_to_no_password(stored):
    assert not scram_belongs(stored, "pencil")


# --- md5, all that servers before PostgreSQL 10 know ----------------------------------------------

MD5 = {  # made by libpq as above
    ("pencil", "bdr_replication"): "md5f808ad2fa04c551e5d52e527ef85f782",
    ("naïve", "repl"): "md5887e8f5710a57bf0e52c716d0857ab3d",
    ("é ' \\ % $ : x", "r_1"): "md512ac34b27ad27837ce1ffd1bdc07010b",
    ("😀", "repl"): "md5009896c1303ae9763fb3cdd632e971c2",
}


@pytest.mark.parametrize(("password", "role"), MD5)
def test_the_server_s_own_md5(password, role):
    stored = MD5[password, role]
    assert encrypt_password(password, role, algorithm="md5") == stored
    assert belongs(stored, password, role, "md5")


@pytest.mark.parametrize(
    ("stored", "password", "role"),
    [
        (MD5["pencil", "bdr_replication"], "Pencil", "bdr_replication"),
        # Another role's verifier is another's, with the same password too.
        (MD5["pencil", "bdr_replication"], "pencil", "repl"),
        (MD5["pencil", "bdr_replication"].upper(), "pencil", "bdr_replication"),
        (MD5["pencil", "bdr_replication"][3:], "pencil", "bdr_replication"),
        (None, "pencil", "bdr_replication"),
        ("", "pencil", "bdr_replication"),
        # A server whose password_encryption is off stores what it was given.
        ("pencil", "pencil", "bdr_replication"),
        ("pençil", "pençil", "bdr_replication"),
    ],
)
def test_what_is_no_md5_of_password_and_role(stored, password, role):
    assert not belongs(stored, password, role, "md5")


def test_a_verifier_of_the_other_kind_is_to_be_made_anew():
    """A server that was moved from one engine to the other keeps its roles."""
    assert not belongs(verifier("pencil"), "pencil", "bdr_replication", "md5")
    assert not belongs(MD5["pencil", "bdr_replication"], "pencil", "bdr_replication", "scram-sha-256")
