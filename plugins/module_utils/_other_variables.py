# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Variables that playbooks and roles read, and the plan does not. Pure."""

from __future__ import annotations

NAMES = (
    "bdr_accept_loss",
    "bdr_accept_restored",
    "bdr_compare_fail",
    "bdr_compare_file",
    "bdr_compare_page",
    "bdr_confirm",
    "bdr_doctor_fail",
    "bdr_doctor_file",
    "bdr_doctor_since",
    "bdr_donor",
    "bdr_drop_slot",
    "bdr_force",
    "bdr_hosts",
    "bdr_node",
    "bdr_plan_file",
    "bdr_query",
    "bdr_repair_delete",
    "bdr_repair_fail",
    "bdr_repair_file",
    "bdr_repair_lock_seconds",
    "bdr_repair_plan",
    "bdr_repair_policy",
    "bdr_replication_password",
    *("bdr_salvage_confirm", "bdr_salvage_conflicts", "bdr_salvage_directory", "bdr_salvage_file"),
    *("bdr_salvage_lock_seconds", "bdr_salvage_on"),
    "bdr_schema_fail",
    "bdr_schema_file",
    "bdr_secrets_directory",
    "bdr_slot_warning_percent",
    "bdr_status_fail",
    "bdr_status_file",
    "bdr_status_history",
    "bdr_status_lag_mb",
)

ROLE_PREFIXES = (
    "bdr_build_",
    "bdr_compare_",
    "bdr_ddl_",
    "bdr_group_",
    "bdr_guard_",
    "bdr_instance_",
    "bdr_monitor_",
    "bdr_packages_",
    "bdr_plan_",
    "bdr_seed_",
)
"""Variables of roles carry the role's name."""
