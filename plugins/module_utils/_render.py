# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The texts that a node's files hold: settings, pg_hba, pg_ident, unit. Pure; quoting has one home each."""

from __future__ import annotations

import re
import typing as t
from dataclasses import replace

from ._model import HbaRule, NodePlan, Setting

BANNER = "# Written by pgbdr.bdr for the group {group}, node {node}. Changes here are overwritten.\n"
IDENT_MAP = "pgbdr"
SETTINGS_FILE = "pgbdr.conf"
INCLUDE_LINE = f"include '{SETTINGS_FILE}'\n"
CONNECTIONS_FILE = "pgbdr_connections.conf"
INCLUDE_CONNECTIONS = f"include_if_exists '{CONNECTIONS_FILE}'\n"


def settings(plan: NodePlan, knows: t.Callable[[str], bool]) -> str:
    """Return the settings file: one line a setting, with the reason behind it.

    knows: tells whether the server's program knows a setting of that name; asked of probed ones only.
    """
    written = [setting for setting in plan.settings if not setting.probed or knows(setting.name)]
    return _banner(plan) + "".join(f"{line}\n" for line in map(_setting, written))


def connections(plan: NodePlan, connection_settings: t.Iterable[Setting]) -> str:
    """Return the file of an engine whose connections are settings."""
    return _banner(plan) + "".join(f"{_setting(setting)}\n" for setting in connection_settings)


def settings_in(text: str) -> dict[str, str]:
    """Return the settings of a file of ours."""
    return {name: value.replace("''", "'").replace("\\\\", "\\") for name, value in _LINE.findall(text)}


_LINE = re.compile(r"^\s*([\w.]+)\s*=\s*'((?:[^']|'')*)'", re.MULTILINE)


def including(text: str, has_connections: bool) -> str:
    """Return postgresql.conf with our files included behind everything else; the rest of it stays the operator's."""
    ours = [INCLUDE_LINE, INCLUDE_CONNECTIONS] if has_connections else [INCLUDE_LINE]
    known = {INCLUDE_LINE.strip(), INCLUDE_CONNECTIONS.strip()}
    lines = [line for line in text.splitlines(keepends=True) if line.strip() not in known]
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join((*lines, *ours))


def overrides(plan: NodePlan, text: str) -> t.Iterator[str]:
    """Yield where postgresql.auto.conf, which is read last, sets otherwise what replication needs."""
    needed = {setting.name: setting.value for setting in plan.settings if setting.rule not in _FREE}
    for name, value in settings_in(text).items():
        if needed.get(name, value) != value:
            yield (
                f"postgresql.auto.conf of {plan.name} sets {name} to {value!r}, wanted is {needed[name]!r}. "
                f"Run ALTER SYSTEM RESET {name} there, and set it in bdr_settings if it may differ"
            )


_FREE = ("default", "operator")  # rules of settings that an operator may set as he likes


def recovery(plan: NodePlan) -> str:
    """Return recovery.conf, which makes a server before PostgreSQL 12 a physical standby."""
    lines = [
        Setting("standby_mode", "on", "fixed", "a physical standby"),
        Setting("primary_conninfo", plan.primary_conninfo, "fixed", f"bdr_standby_of: {plan.standby_of}"),
        Setting("recovery_target_timeline", "latest", "fixed", "follows its primary through a failover"),
    ]
    return _banner(plan) + "".join(f"{_setting(line)}\n" for line in lines)


def hba(plan: NodePlan) -> str:
    """Return pg_hba.conf: our rules first, the operator's lines behind them."""
    lines = [_hba_rule(rule) for rule in plan.hba]
    return _banner(plan) + "".join(f"{line}\n" for line in (*lines, *plan.operator_hba))


def closed(plan: NodePlan) -> NodePlan:
    """Return the plan of a node that lets its downstreams and the local superuser in, and nobody else."""
    rules = tuple(rule for rule in plan.hba if (rule.type, rule.user) != ("local", "all"))
    return replace(plan, hba=rules, operator_hba=())


def ident() -> str:
    """Return pg_ident.conf: root may act as postgres, as it could anyway, so no become is needed twice."""
    return "".join(f"{IDENT_MAP} {system_user} postgres\n" for system_user in ("postgres", "root"))


def unit(plan: NodePlan, bin_directory: str, notifies: bool, check: tuple[str, str]) -> str:
    """Return the systemd unit of a node.

    notifies: the server was built with systemd support and says itself when it is ready.
    check: what looks at the data before a start, and behind each end of the server.
    """
    data = plan.data_directory
    if notifies:
        start = ["Type=notify", f"ExecStart={bin_directory}/postgres -D {data}"]
    else:
        start = [
            "Type=forking",
            f"PIDFile={data}/postmaster.pid",
            f"ExecStart={bin_directory}/pg_ctl -D {data} -w -t 300 -l {plan.log_directory}/startup.log start",
        ]
    lines = [
        "[Unit]",
        f"Description=PostgreSQL node {plan.name} of the group {plan.group}",
        "After=network-online.target",
        "Wants=network-online.target",
        "",
        "[Service]",
        f"ExecStartPre={check[0]}",
        *start,
        # Behind a crash too, and a start that was refused.
        f"ExecStopPost=-{check[1]}",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "User=postgres",
        "Group=postgres",
        f"Environment=PGPASSFILE={plan.passfile}",
        "KillMode=mixed",
        "KillSignal=SIGINT",
        # A crashed node must come back by itself; a broken configuration must not loop for ever.
        "Restart=on-failure",
        "RestartSec=5",
        "TimeoutSec=infinity",
        "OOMScoreAdjust=-900",
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return _banner(plan) + "".join(f"{line}\n" for line in lines)


def _banner(plan: NodePlan) -> str:
    return BANNER.format(group=plan.group, node=plan.name)


def _setting(setting: Setting) -> str:
    quoted = setting.value.replace("\\", "\\\\").replace("'", "''")
    return f"{setting.name} = '{quoted}'  # {setting.why}"


def _hba_rule(rule: HbaRule) -> str:
    fields: t.Iterable[str] = (
        rule.type,
        rule.database,
        rule.user,
        rule.address,
        rule.method,
        rule.options,
    )
    return " ".join(field for field in fields if field)


def hba_name(name: str) -> str:
    """Return a database or role as pg_hba.conf reads it: quoted where it is a keyword or no plain word."""
    if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _HBA_KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


_HBA_KEYWORDS = ("all", "replication", "samegroup", "samerole", "sameuser")
