"""Print psql's options for a node of an inventory: socket, port, user and first database, from its plan."""

from __future__ import annotations

import shlex
import sys

from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible.vars.manager import VariableManager


def main() -> int:
    """Return 0, or 1 with one line that names the nodes there are."""
    inventory, node = sys.argv[1:]
    loader = DataLoader()
    manager = InventoryManager(loader=loader, sources=[inventory])
    host = manager.get_host(node)
    if host is None:
        names = ", ".join(sorted(found.name for found in manager.get_hosts("bdr")))
        print(f"NODE: {node} is no node of {inventory}; its nodes: {names}", file=sys.stderr)
        return 1
    found = VariableManager(loader=loader, inventory=manager).get_vars(host=host)
    templar = Templar(loader=loader, variables=found)
    try:
        port, databases = templar.template(found["bdr_port"]), templar.template(found["bdr_databases"])
    except AnsibleError as error:
        print(f"NODE: {node}: {error}", file=sys.stderr)
        return 1
    print("-h /var/run/postgresql -U postgres -p", port, "-d", shlex.quote(str(databases[0])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
