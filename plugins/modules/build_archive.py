#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _build.run.pack."""

from __future__ import annotations

DOCUMENTATION = r"""
module: build_archive
short_description: Pack a build for other hosts of its platform
version_added: "0.2.0"
description:
  - Packs a build that M(pgbdr.bdr.build) made. Its manifest comes last, so that a host that has it has everything.
attributes:
  diff_mode:
    support: none
    description: An archive has no before and after.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
options:
  directory:
    description:
      - Directory of the build.
    type: path
    required: true
  archive:
    description:
      - Path of the archive. It is kept, and a build never changes, so one that is there is not packed again.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Pack the build
  pgbdr.bdr.build_archive:
    directory: "{{ bdr_server.directory }}"
    archive: /var/cache/pgbdr/archives/server.tar.gz
  become: true
"""

RETURN = r"""
archive:
  description: Path of the archive.
  type: path
  returned: always
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.manifest import FILE
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.run import pack

ARGUMENT_SPEC = {
    "directory": {"type": "path", "required": True},
    "archive": {"type": "path", "required": True},
}


def main() -> None:
    """Pack where there is no archive yet."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    directory, archive = module.params["directory"], module.params["archive"]
    if not os.path.exists(os.path.join(directory, FILE)):
        module.fail_json(msg=f"directory: {directory} holds no build ({FILE} is missing)")
    missing = not os.path.exists(archive)
    if missing and not module.check_mode:
        pack(directory, archive)
    module.exit_json(changed=missing, archive=archive)


if __name__ == "__main__":
    main()
