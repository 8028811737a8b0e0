# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Certificate and key of a node: do they belong together? A server with a wrong pair does not start."""

from __future__ import annotations

import os
import ssl
import tempfile
import typing as t


class WrongKeyPair(Exception):
    """A certificate or key that no server could use."""


def check_key_pair(node: str, texts: t.Mapping[str, str]) -> None:
    """Let OpenSSL read the texts of server.crt and server.key; WrongKeyPair says what it says."""
    with tempfile.TemporaryDirectory(prefix="pgbdr-") as directory:
        paths = [os.path.join(directory, name) for name in ("server.crt", "server.key")]
        for path in paths:
            with open(path, "w", encoding="utf-8", opener=_private) as file:
                file.write(texts.get(os.path.basename(path), ""))
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(paths[0], paths[1], _no_password)
        except (ssl.SSLError, ValueError) as error:
            raise WrongKeyPair(
                f"bdr_tls_certificate and bdr_tls_key of {node} are no pair that a server can use: {error}. "
                "Give the PEM texts of a certificate and its key, without a passphrase"
            ) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _no_password() -> str:
    raise ValueError("the key has a passphrase")
