# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a build."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the modules that build; the role bdr_build calls them the same, with C(bdr_build_) before."""

    DOCUMENTATION = r"""
options:
  repository:
    description:
      - Git repository of the source tree, anything C(git clone) takes without being asked for a password.
    type: str
    default: git://git.postgresql.org/git/users/andresfreund/postgres.git
  version:
    description:
      - Branch, tag or commit of the repository. A commit is given with all its digits, and costs no network.
    type: str
    default: bdr
  reference:
    description:
      - Repository on the build host that has most of the history already and speeds the fetch.
    type: str
    default: ""
  archive:
    description:
      - Tarball of the source tree, a path on the build host or a URL, instead of the repository.
    type: str
    default: ""
  checksum:
    description:
      - What the tarball must be, C(sha256:) and its 64 digits. Mandatory with O(archive).
    type: str
    default: ""
  directory:
    description:
      - Source tree on the build host, instead of the repository. It is copied and stays as it is.
    type: str
    default: ""
  contrib:
    description:
      - Modules of the tree's C(contrib) to build and install.
    type: list
    elements: str
    default: [btree_gist, bdr]
  extensions:
    description:
      - Trees of their own, built with PGXS against the fresh server. Each has a C(name) and either C(repository) and
        C(version), or C(archive) and C(checksum), or C(directory).
    type: list
    elements: dict
    default: []
  configure:
    description:
      - More arguments of the tree's configure script.
    type: list
    elements: str
    default: []
  flags:
    description:
      - Compiler flags behind those that are chosen, so that they win.
    type: list
    elements: str
    default: []
  edits:
    description:
      - Changes of the source, each with a C(file) of the tree, a C(pattern), which is a regular expression of Python
        over the whole file, and its C(replacement). An edit that matches nothing is an error.
    type: list
    elements: dict
    default: []
  debug:
    description:
      - Whether to build without optimization, with debug information and with assertions.
    type: bool
    default: false
  packages:
    description:
      - Packages that a build needs.
    type: list
    elements: str
    default: []
  user:
    description:
      - System user that compiles.
    type: str
    default: pgbdr-build
  prefix:
    description:
      - Directory that builds are installed under, each in C(builds/<version>-<key>).
    type: str
    default: /opt/pgbdr
  work_directory:
    description:
      - Directory for what is fetched, compiled and logged.
    type: str
    default: /var/cache/pgbdr
"""
