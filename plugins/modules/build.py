#!/usr/bin/python
# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Door to _build.run. The action plugin of the same name calls it until the build is through, and shows its steps."""

from __future__ import annotations

DOCUMENTATION = r"""
module: build
short_description: Build a PostgreSQL server from source
version_added: "0.2.0"
description:
  - Fetches the source, does to it what an old tree needs on today's tools, compiles it as an unprivileged user, tries
    the server, and installs it as root under a name of its own. A build that is there already is not made again.
  - The work goes on when the controller is killed; the next run joins it. There is one build at a time on a host.
  - Prints a line for each step, and at least every 15 seconds.
attributes:
  diff_mode:
    support: none
    description: A build has no before and after.
extends_documentation_fragment:
  - pgbdr.bdr.attributes
  - pgbdr.bdr.build
options:
  sources:
    description:
      - What the sources were found to be, RV(pgbdr.bdr.build_info#module:sources), so that both agree on a branch that
        moves. They are looked at again when this is empty.
    type: dict
    default: {}
  seen:
    description:
      - What the caller has seen of the build. The action plugin sets it.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Build the server
  pgbdr.bdr.build:
    version: bdr
  become: true
  register: bdr_server
"""

RETURN = r"""
key:
  description: What tells this build from others, 64 hexadecimal digits; null in check mode without a compiler.
  type: str
  returned: always
directory:
  description: Where the build is; null in check mode where it is not there yet.
  type: str
  returned: always
manifest:
  description:
    - What was written beside the programs. V(adaptations) lists what was done differently than in a plain build.
  type: dict
  returned: always
log:
  description: Path of the whole log.
  type: str
  returned: always
progress:
  description: Step, its number, how many there are, and seconds; what the action plugin prints.
  type: dict
  returned: while it builds, and not by the action plugin
passed:
  description: The last steps, which nobody was told of yet.
  type: list
  elements: dict
  returned: when it is built, and not by the action plugin
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.pgbdr.bdr.plugins.module_utils._build import host, manifest
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.door import ARGUMENT_SPEC as SHARED
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.run import Run
from ansible_collections.pgbdr.bdr.plugins.module_utils._build.spec import BuildProblem, parse
from ansible_collections.pgbdr.bdr.plugins.module_utils._program import platform_name

ARGUMENT_SPEC = {
    **SHARED,
    "sources": {"type": "dict", "default": {}},
    "seen": {"type": "str", "default": ""},
}


def main() -> None:
    """Tell what is there, or bring the build on."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        spec = parse(module.params)
        sources: dict[str, str] | None = module.params["sources"] or host.identities(spec)
        compiler = host.compiler(spec)
        if not (sources and compiler):
            if module.check_mode:
                module.exit_json(changed=True, key=None, directory=None, manifest={}, log=None)
            raise BuildProblem("bdr_build_packages: compiler or git are missing; the list has to name them")
        run = Run(spec, sources, manifest.key(spec, sources, compiler, platform_name()))
        before = host.installed(spec, run.key)
        progress = None if module.check_mode or before else run.attend(module.params["seen"])
        directory, told = host.installed(spec, run.key) or (None, {})
        result: dict[str, t.Any] = {"key": run.key, "directory": directory, "manifest": told, "log": run.places.log}
        if progress:
            result["progress"] = progress
        else:
            result["passed"] = run.passed(module.params["seen"])
    except BuildProblem as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=before is None, **result)


if __name__ == "__main__":
    main()
