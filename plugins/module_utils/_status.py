# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The health of a group from what status_info saw on its nodes: a state for each link, and what else is wrong. Pure.

Runs on the controller, which alone knows all nodes. `plan` is Plan.as_dict(), `found` maps node to status_info's
result; nodes whose hosts cannot be reached are not in it.
"""

from __future__ import annotations

import typing as t

from ._conflicts import of_link
from ._engine.messages import COMPARE
from ._hosts import clock_problems
from ._log_reading import stamp
from ._model import node_plan
from ._session_types import Row
from ._slot_report import MB, report
from ._start_check import way_out
from ._status_links import CLOSED, DOWN, SITE, SOUND, UNFINISHED, UNKNOWN, Ends, Verdict, judge, reseed

Found = t.Mapping[str, t.Mapping[str, t.Any]]

ERROR, WARNING = "error", "warning"
STEPS = 8
"""Of what site.yml would change on a node, so much is told in a finding."""
XMIN_AGE = 10_000_000
"""Transactions whose dead rows VACUUM has to leave alone: past that, tables and indexes grow."""
OWN_SETTINGS = (
    *("port", "listen_addresses", "cluster_name", "data_directory", "config_file", "hba_file", "ident_file"),
    *("external_pid_file", "unix_socket_directories", "log_directory", "primary_conninfo", "primary_slot_name"),
    *("bdr.connections", "ssl_cert_file", "ssl_key_file", "ssl_ca_file", "transaction_read_only", "recovery_target"),
)
"""What a node has for itself."""
_UNREACHABLE = {
    "answers": False,
    "reason": "unreachable",
    "error": "its host cannot be reached or was not asked",
    "slots": [],
    "restored": {"refused": ""},
    "seeding": "",
}


def status(
    plan: Row, found: Found, warning_percent: int, lag_mb: int, restored: t.Mapping[str, str] | None = None
) -> Row:
    """Return nodes, links and findings, and whether all is well.

    restored: what is told of nodes that know less than the others got from them.
    """
    nodes = {name: dict(found.get(name, _UNREACHABLE)) for name in sorted(plan["nodes"])}
    slots = report(plan, nodes, warning_percent)
    links = [_link(plan, nodes, slots["slots"], link, lag_mb * MB) for link in plan["links"]]
    findings = [
        *_restored_findings(plan, nodes, restored or {}),
        *_node_findings(nodes),
        *(_link_finding(link) for link in links if link["state"] not in SOUND and not _is_of_the_node(link, nodes)),
        *_slot_findings(slots),
        *_skipped_findings(links),
        *_group_findings(plan, nodes),
        *_drift_findings(nodes),
    ]
    return {
        "group": plan["group"],
        "ok": not any(finding["severity"] == ERROR for finding in findings),
        "nodes": nodes,
        "links": links,
        "findings": findings,
    }


def failure(found: Row) -> str:
    """Return what fails a run, "" where nothing does."""
    wrong = [finding["summary"] for finding in found["findings"] if finding["severity"] == ERROR]
    return f"{found['group']} is not well: {'; '.join(wrong)}" if wrong else ""


def _link(plan: Row, nodes: Found, slots: t.Sequence[Row], link: Row, lag_bytes: int) -> Row:
    database, upstream, downstream = link["database"], link["upstream"], link["downstream"]
    node = plan["nodes"][downstream]
    (connection,) = (row for row in node["connections"] if (row["database"], row["upstream"]) == (database, upstream))
    slot = _slot(slots, link, connection["slot"])
    incoming = _incoming(nodes[downstream], connection)
    ends = Ends(
        upstream,
        downstream,
        dict(nodes[upstream]),
        dict(nodes[downstream]),
        slot,
        incoming,
        # A name in angle brackets holds the downstream's ids.
        tells_slot="<" not in connection["slot"] or nodes[downstream]["answers"],
        delay_ms=connection["apply_delay_ms"],
        lag_bytes=lag_bytes,
        server={"socket_directory": node["socket_directory"], "port": node["port"], "database": database},
    )
    conflicts = of_link(nodes[downstream], incoming)
    return {**link, **_told(judge(ends)), **_measures(slot), "worker_failure": ends.failure, "conflicts": conflicts}


def _slot(slots: t.Sequence[Row], link: Row, planned: str) -> Row | None:
    """Return the link's slot; while tables are copied, it has others beside it."""
    own = [
        slot
        for slot in slots
        if slot["verdict"] == "link"
        and (slot["node"], slot["downstream"], slot["database"])
        == (link["upstream"], link["downstream"], link["database"])
    ]
    return next((slot for slot in own if slot["name"] == planned), own[0] if own else None)


def _incoming(node: t.Mapping[str, t.Any], connection: Row) -> Row | None:
    wanted = (connection["database"], connection["name"])
    return next((row for row in node.get("incoming", ()) if (row["database"], row["name"]) == wanted), None)


def _told(verdict: Verdict) -> Row:
    return {
        "state": verdict.state,
        "end": verdict.end,
        "evidence": list(verdict.evidence),
        "mend": verdict.mend,
    }


def _measures(slot: Row | None) -> Row:
    names = {
        "lag_bytes": "behind_bytes",
        "lag_seconds": "behind_seconds",
        **{name: name for name in ("wal_held_bytes", "until_lost_bytes", "used_percent")},
    }
    return {name: slot[of] if slot else None for name, of in names.items()}


def link_name(link: t.Mapping[str, t.Any]) -> str:
    """Return a link in words."""
    return f"{link['upstream']} -> {link['downstream']} ({link['database']})"


def _finding(severity: str, about: str, message: str, mend: str = "", summary: str = "") -> Row:
    return {
        "severity": severity,
        "about": about,
        "summary": summary or message,
        "message": message,
        "mend": mend,
    }


def _is_of_the_node(link: Row, nodes: Found) -> bool:
    """Tell whether a link is as it is since one of its nodes tells nothing or is no member, told of the node."""
    ends = (nodes[link["upstream"]], nodes[link["downstream"]])
    return link["state"] in (DOWN, UNKNOWN) and any(not node["answers"] or is_half_seeded(node) for node in ends)


def is_half_seeded(node: t.Mapping[str, t.Any]) -> bool:
    """Tell whether a node is no member until its seeding goes on, whatever its server does."""
    return bool(node["seeding"] == UNFINISHED)


def _link_finding(link: Row) -> Row:
    where = f" at its {link['end']}" if link["end"] in ("upstream", "downstream") and link["state"] == DOWN else ""
    summary = f"{link_name(link)} is {link['state']}{where}"
    return _finding(ERROR, link_name(link), f"{summary}: {link['evidence'][0]}", link["mend"], summary)


def _restored_findings(plan: Row, nodes: Found, restored: t.Mapping[str, str]) -> t.Iterator[Row]:
    for name, node in nodes.items():
        share = node_plan(plan["nodes"][name])
        told = node["restored"]["refused"].replace(f". {way_out(share)}", "") or restored.get(name, "")
        if told:
            yield _finding(ERROR, name, told, way_out(share), f"{name} holds other data than its own of today")


def _node_findings(nodes: Found) -> t.Iterator[Row]:
    for name, node in nodes.items():
        if not node["answers"] and node["restored"]["refused"]:
            continue
        if is_half_seeded(node):
            told = f"{name} is half seeded and no member yet: a reseed.yml is at work, or did not end"
            yield _finding(ERROR, name, told, reseed(name), f"{name} is half seeded")
            continue
        if node["seeding"] == CLOSED:
            told = f"{name} is closed to its clients: a reseed.yml or remove_node.yml is at work, or did not end"
            yield _finding(ERROR, name, told, f"run that again, or let clients in: {SITE}", f"{name} is closed")
        if not node["answers"]:
            what = {"down": "is down", "silent": "does not answer", "unreachable": "cannot be reached"}[node["reason"]]
            mend = SITE if node["reason"] == "down" else f"look at the host of {name}"
            yield _finding(ERROR, name, f"{name} {what}: {node['error']}", mend, f"{name} {what}")
            continue
        for database, seen in node["databases"].items():
            if seen["error"]:
                yield _finding(ERROR, name, f"{database} of {name} cannot be looked at: {seen['error']}", SITE)
        if node["pending_restart"]:
            waits = ", ".join(node["pending_restart"])
            yield _finding(WARNING, name, f"{name} has to restart for {waits}", SITE)


def _slot_findings(slots: Row) -> t.Iterator[Row]:
    """Yield what slots are warned of, but for what the state of their link says already."""
    for finding in slots["findings"]:
        if finding["slot"] and not _is_told(finding, slots["slots"]):
            yield _finding(finding["severity"], finding["node"], finding["message"])
    for slot in slots["slots"]:
        age = max(slot["xmin_age"] or 0, slot["catalog_xmin_age"] or 0)
        if age > XMIN_AGE:
            told = f"slot {slot['name']} of {slot['node']} keeps rows from VACUUM that are {age:,} transactions old"
            yield _finding(WARNING, slot["node"], told, "let its reader catch up, or drop it: slots.yml")


def _skipped_findings(links: t.Sequence[Row]) -> t.Iterator[Row]:
    """Yield the links that had changes of rows which are not there: nodes may hold other rows since."""
    for link in links:
        skipped = link["conflicts"]["skipped"] if link["conflicts"] else 0
        if skipped:
            since = f"{stamp(link['conflicts']['since'])} UTC"
            told = f"{link_name(link)} skipped {skipped} changes since {since}: {link['downstream']} has no such rows"
            yield _finding(WARNING, link_name(link), told, COMPARE)


def _is_told(finding: Row, slots: t.Sequence[Row]) -> bool:
    return any(
        (slot["node"], slot["name"]) == (finding["node"], finding["slot"])
        and slot["verdict"] == "link"
        and slot["wal_status"] == "lost"
        for slot in slots
    )


def _group_findings(plan: Row, nodes: Found) -> t.Iterator[Row]:
    clocks = {name: node for name, node in nodes.items() if "clock" in node}
    for problem in clock_problems(plan["max_clock_skew_ms"], clocks):
        yield _finding(ERROR, "clocks", problem)
    answering = {name: node for name, node in nodes.items() if node["answers"]}
    yield from _setting_findings(plan, answering)
    yield from _table_findings(answering)


def _drift_findings(nodes: Found) -> t.Iterator[Row]:
    """Yield what site.yml would change on each node that was asked for it, and where nobody can say."""
    unknown: dict[str, list[str]] = {}
    for name, node in nodes.items():
        drift = node.get("drift") or {"steps": [], "error": ""}
        if drift["error"]:
            unknown.setdefault(drift["error"], []).append(name)
        if drift["steps"]:
            more = len(drift["steps"]) - STEPS
            told = "; ".join([*drift["steps"][:STEPS], *([f"and {more} more"] if more > 0 else [])])
            yield _finding(WARNING, name, f"{name} is not as planned, site.yml would: {told}", SITE)
    for error, names in unknown.items():
        yield _finding(WARNING, "drift", f"what site.yml would change on {', '.join(names)} is not known: {error}")


def _setting_findings(plan: Row, answering: Found) -> t.Iterator[Row]:
    """Yield what differs between nodes, but for what they have for themselves, and what the plan lets differ."""
    masters = {name: node for name, node in answering.items() if not node["is_standby"]}
    planned = {
        name: {setting["name"]: setting["value"] for setting in plan["nodes"][name]["settings"]} for name in masters
    }
    connections = {setting["name"] for node in plan["nodes"].values() for setting in node["connection_settings"]}
    seen = {setting for node in masters.values() for setting in node["settings"]}
    for setting in sorted(seen - {*OWN_SETTINGS, *connections}):
        values = {name: node["settings"].get(setting) for name, node in masters.items()}
        wanted = {name: settings.get(setting) for name, settings in planned.items()}
        if len(set(values.values())) > 1 and len(set(wanted.values())) == 1:
            told = ", ".join(f"{'its default' if value is None else value} on {name}" for name, value in values.items())
            yield _finding(WARNING, "settings", f"{setting} differs: {told}", SITE)


def _table_findings(answering: Found) -> t.Iterator[Row]:
    for what, mend in (("unguarded", SITE), ("keyless", "add the same primary key on every node (ddl.yml)")):
        lacking: dict[tuple[str, str], list[str]] = {}
        for name, node in answering.items():
            for database, seen in node["databases"].items():
                for table in seen[what]:
                    lacking.setdefault((table, database), []).append(name)
        word = {"unguarded": "the guard it should have", "keyless": "a primary key"}[what]
        for (table, database), names in sorted(lacking.items()):
            yield _finding(WARNING, table, f"{table} in {database} lacks {word} on {', '.join(names)}", mend)
