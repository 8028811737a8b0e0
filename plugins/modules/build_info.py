#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _build.host: what there is to build, and with what."""

from __future__ import annotations

DOCUMENTATION = r"""
module: build_info
short_description: What a build would be made of, and whether it is there
version_added: "0.2.0"
description:
  - Resolves the source, looks at compiler, packages and disk, and tells whether the build that comes of them is
    installed. Whatever can be known to stand against the build is told here, before anything is changed.
extends_documentation_fragment:
  - pgbdr.bdr.attributes.info
  - pgbdr.bdr.build
"""

EXAMPLES = r"""
- name: Look at what there is to build
  pgbdr.bdr.build_info:
    version: bdr
  register: bdr_source
"""

RETURN = r"""
key:
  description: What tells this build from others, 64 hexadecimal digits; null where compiler or git are missing yet.
  type: str
  returned: always
installed:
  description: Whether the build is there.
  type: bool
  returned: always
directory:
  description: Where it is; null where it is not.
  type: str
  returned: always
sources:
  description: What each source is, by its name; null where git is missing yet. M(pgbdr.bdr.build) takes it.
  type: dict
  returned: always
  sample: {postgresql: commit caa7be291b0fc1fb07b6d9c8aab31eacdaad9293}
compiler:
  description: Path and version of the compiler, or nothing.
  type: str
  returned: always
platform:
  description: Processor and release of the distribution.
  type: str
  returned: always
has_package_index:
  description: Whether the host knows which packages there are; a fresh one has yet to fetch the lists.
  type: bool
  returned: always
missing_packages:
  description: Packages to install before the build; none where it is installed.
  type: list
  elements: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pgbdr.bdr.plugins.module_utils._build import host, manifest
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.door import ARGUMENT_SPEC
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.spec import BuildProblem, parse
from ansible_collections.pgbdr.bdr.plugins.module_utils._program import missing_packages, platform_name


def main() -> None:
    """Look and tell."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        spec = parse(module.params)
        sources, compiler, platform = host.identities(spec), host.compiler(spec), platform_name()
        key = manifest.key(spec, sources, compiler, platform) if sources and compiler else None
        found = host.installed(spec, key) if key else None
        problems = [] if found else [*host.early_problems(spec), *host.disk_problems(spec)]
        if problems:
            raise BuildProblem(*problems)
    except BuildProblem as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        key=key,
        installed=found is not None,
        directory=found[0] if found else None,
        sources=sources,
        compiler=compiler,
        platform=platform,
        has_package_index=host.has_package_index(),
        missing_packages=[] if found else missing_packages(spec.packages, host.ask),
    )


if __name__ == "__main__":
    main()
