# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Does what a server stores of a password belong to it? Pure: the answer decides whether to set it again.

Making a verifier is libpq's work (psycopg2.extensions.encrypt_password); only the comparison is ours,
because the server offers none and a password that is set in every run would never be idempotent.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import stringprep
import unicodedata

_VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")


def belongs(verifier: str | None, password: str, role: str, encryption: str) -> bool:
    """Tell whether the verifier was made from the role's password, and in the way wanted.

    encryption: `scram-sha-256`, or `md5` for servers that know nothing better.
    """
    if encryption == "md5":
        # As bytes: a server can hold a password as it was given, and texts must be ASCII to be compared.
        return hmac.compare_digest((verifier or "").encode(), _md5(password, role).encode())
    return _scram_belongs(verifier or "", password)


def _md5(password: str, role: str) -> str:
    """Source: PostgreSQL manual, 53.2.1 Authentication: `md5` and the hash of password and role."""
    return "md5" + hashlib.md5(f"{password}{role}".encode()).hexdigest()


def _scram_belongs(verifier: str, password: str) -> bool:
    """Source: RFC 5802 section 3, RFC 7677."""
    match = _VERIFIER.fullmatch(verifier)
    if match is None:
        return False
    salted = hashlib.pbkdf2_hmac(
        "sha256",
        _saslprep(password).encode(),
        base64.b64decode(match.group(2)),
        int(match.group(1)),
    )
    client_key = hmac.new(salted, b"Client Key", hashlib.sha256).digest()
    stored_key = base64.b64encode(hashlib.sha256(client_key).digest()).decode()
    return hmac.compare_digest(stored_key, match.group(3))


def _saslprep(password: str) -> str:
    """Return the password as PostgreSQL's pg_saslprep() does: unchanged where SASLprep forbids a character."""
    if password.isascii():
        return password
    kept = (
        " " if stringprep.in_table_c12(char) else char
        for char in password
        if not stringprep.in_table_b1(char) or stringprep.in_table_c12(char)
    )
    mapped = "".join(kept)
    # In this order: PostgreSQL looks for what is forbidden before it normalises.
    if not mapped or any(_is_prohibited(char) for char in mapped) or _is_mixed(mapped):
        return password
    return unicodedata.normalize("NFKC", mapped)


def _is_prohibited(char: str) -> bool:
    return any(
        table(char)
        for table in (
            stringprep.in_table_a1,
            stringprep.in_table_c12,
            stringprep.in_table_c21_c22,
            stringprep.in_table_c3,
            stringprep.in_table_c4,
            stringprep.in_table_c5,
            stringprep.in_table_c6,
            stringprep.in_table_c7,
            stringprep.in_table_c8,
            stringprep.in_table_c9,
        )
    )


def _is_mixed(text: str) -> bool:
    """Tell whether right-to-left text breaks the rules of RFC 3454 section 6."""
    if not any(stringprep.in_table_d1(char) for char in text):
        return False
    has_left_to_right = any(stringprep.in_table_d2(char) for char in text)
    return has_left_to_right or not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1]))
