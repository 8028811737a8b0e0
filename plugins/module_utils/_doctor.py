# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What the logs of all nodes tell, put together: which link each message is of, and whether it is still going on. Pure.

Runs on the controller, which alone knows all nodes. `plan` is Plan.as_dict(); `read` maps node to log_info's result,
`seen` to status_info's; nodes whose hosts cannot be reached are in neither.
"""

from __future__ import annotations

import calendar
import re
import time
import typing as t

from ._engine.messages import CLIENT, ERROR, NOTICE, SITE, WARNING
from ._log_reading import DOWNSTREAM, SERVER, UPSTREAM
from ._session_types import Row
from ._slot_report import report
from ._status import Found, is_half_seeded, link_name, status
from ._status_links import SOUND, WAITING_FOR_LOCK, reseed

RETRY_SECONDS = 200
"""A worker that fails is tried again after three minutes at the latest: what is older was another trouble."""
_ORDER = {ERROR: 0, WARNING: 1, NOTICE: 2}
_WAITS = re.compile(r"process (?P<pid>\d+) still waiting for ")
_LOOK = "ansible-playbook playbooks/status.yml"
RESEED = "<downstream>"
GOING_ON, EARLIER, OVER = "going_on", "earlier", "over"
"""Of a link that works, all is over; where it does not, the last trouble goes on, and others were earlier."""


def diagnose(plan: Row, read: Found, seen: Found) -> Row:
    """Return the findings, what still goes on first, and what else the logs hold."""
    health = status(plan, seen, 50, 16)
    slots = report(plan, {name: dict(node) for name, node in health["nodes"].items()}, 50)["slots"]
    links = {link_name(link): link for link in health["links"]}
    names = _names(plan)
    findings = [
        _finding(node, group, *_links_of(node, group, links, names, slots))
        for node in sorted(read)
        for group in _with_workers((*read[node]["known"], *read[node]["unknown"]), seen.get(node, {}))
        if group["end"] != CLIENT or group["meaning"]
    ]
    _judge(findings, links, health["nodes"])
    findings += [*_unread(plan, read), *_untold(findings, links, health["nodes"])]
    findings.sort(key=_rank)
    return {
        "group": plan["group"],
        "ok": not any(finding["going_on"] and finding["severity"] == ERROR for finding in findings),
        "findings": findings,
        "links": [{**_ends(link), "state": link["state"]} for link in links.values()],
        "clients": _clients(read),
        "nodes": {name: _node(read.get(name), health["nodes"][name]) for name in sorted(plan["nodes"])},
    }


def failure(found: Row) -> str:
    """Return what fails a run, "" where nothing goes on."""
    told = [
        f"{finding['about']}: {finding['message']}"
        for finding in found["findings"]
        if finding["going_on"] and finding["severity"] == ERROR
    ]
    return f"{found['group']} is not well: {'; '.join(told)}" if told else ""


def _ends(link: Row) -> Row:
    return {name: link[name] for name in ("database", "upstream", "downstream")}


def _names(plan: Row) -> dict[str, Row]:
    """Return the names of connection and slot of each link."""
    return {
        link_name({**connection, "downstream": name}): {"connection": connection["name"], "slot": connection["slot"]}
        for name, node in plan["nodes"].items()
        for connection in node["connections"]
    }


def _with_workers(groups: t.Iterable[Row], seen: t.Mapping[str, t.Any]) -> t.Iterator[Row]:
    """Yield the messages with the worker that waits: some servers' workers log no name, but status knows who it is."""
    connections = {str(row["pid"]): row["name"] for row in seen.get("incoming", ())}
    for group in groups:
        waits = _WAITS.match(group["said"])
        if waits and group["end"] == SERVER and waits["pid"] in connections:
            yield {**group, "end": DOWNSTREAM, "connection": connections[waits["pid"]]}
        else:
            yield group


def _links_of(
    node: str, group: Row, links: t.Mapping[str, Row], names: t.Mapping[str, Row], slots: t.Sequence[Row]
) -> tuple[list[str], bool]:
    """Return the links that a message can be of, and whether it names them; else they are all of that end."""
    if group["kind"] in (SERVER, CLIENT) or group["end"] == CLIENT:
        return [], False
    end = UPSTREAM if group["end"] == SERVER else group["end"]
    own = [
        name
        for name, link in links.items()
        if link[end] == node and group["database"] in ("", link["database"], "[unknown]")
    ]
    if end == DOWNSTREAM:
        exact = [name for name in own if names[name]["connection"] == group["connection"]]
        return exact or own, bool(exact)
    holders = {slot["downstream"] for slot in slots if (slot["node"], slot["name"]) == (node, group["slot"])}
    exact = [
        name
        for name in own
        if group["slot"] == names[name]["slot"]
        or group["application"] in (names[name]["connection"], f"{names[name]['connection']}_snap")
        or (group["slot"] and links[name]["downstream"] in holders)
    ]
    # What the server says of itself is of a link only where it names its slot.
    return exact or ([] if group["end"] == SERVER else own), bool(exact)


def _finding(node: str, group: Row, links: list[str], names_link: bool) -> Row:
    kept = ("message", "meaning", "mend", "severity", "kind", "count", "first_at", "last_at", "database")
    said = [group[name] for name in ("said", "detail", "context") if group[name]]
    about = links[0] if len(links) == 1 else node
    return {
        **{name: group[name] for name in kept},
        **{"node": node, "end": group["end"], "links": links, "about": about, "run": group["run"]},
        **{"said": said, "names_link": names_link, "going_on": False, "state": "", "why": ""},
    }


def _judge(findings: list[Row], links: t.Mapping[str, Row], nodes: Found) -> None:
    """Tell what still goes on: its link does not work, and nothing else was told of the link since."""
    for finding in findings:
        # A downstream that is away asks nobody.
        asking = [name for name in finding["links"] if nodes[links[name]["downstream"]]["answers"]]
        broken = [name for name in asking if links[name]["state"] not in SOUND]
        if not finding["names_link"]:
            finding["links"] = broken or asking or finding["links"]
    _merge(findings)
    newest = _newest(findings)
    for finding in findings:
        finding["state"], finding["why"] = _state(finding, links, nodes, newest)
        finding["going_on"] = finding["state"] == GOING_ON
        one = finding["links"] if len(finding["links"]) == 1 else []
        finding["about"] = one[0] if one else finding["node"]
        finding["run"] = _commands(finding["run"], [links[name]["downstream"] for name in finding["links"]])


def _newest(findings: t.Sequence[Row]) -> dict[tuple[str, str], str]:
    """Return when something was told of a link last: by each node that names it, and by anybody ("")."""
    newest: dict[tuple[str, str], str] = {}
    for finding in findings:
        if finding["severity"] == ERROR:
            for name in finding["links"]:
                for node in (finding["node"], "") if finding["names_link"] else ("",):
                    newest[name, node] = max(newest.get((name, node), ""), finding["last_at"])
    return newest


def _merge(findings: list[Row]) -> None:
    """Leave out what one end cannot say of which link it is, where the other ends of all of them say the same."""
    told = {(finding["meaning"], name) for finding in findings if finding["names_link"] for name in finding["links"]}
    findings[:] = [
        finding
        for finding in findings
        if finding["names_link"]
        or not finding["links"]
        or not all((finding["meaning"], name) in told for name in finding["links"])
    ]


def _state(
    finding: Row, links: t.Mapping[str, Row], nodes: Found, newest: t.Mapping[tuple[str, str], str]
) -> tuple[str, str]:
    if finding["severity"] == NOTICE:
        return "", ""
    if not finding["links"]:
        node = nodes[finding["node"]]
        if node["answers"]:
            return OVER, "its server answers"
        return GOING_ON if finding["severity"] == ERROR else EARLIER, f"its server is {node['reason']}"
    states = sorted({links[name]["state"] for name in finding["links"]})
    told = f"{'the link is' if len(finding['links']) == 1 else 'the links are'} {', '.join(states)}"
    if all(state in SOUND for state in states):
        return OVER, told
    seeded = [end for name in finding["links"] for end in _nodes_of(links[name]) if is_half_seeded(nodes[end])]
    if seeded:
        return EARLIER, f"the seeding of {seeded[0]} is not finished"
    if finding["severity"] == WARNING:
        is_waiting = WAITING_FOR_LOCK in states and _WAITS.match(finding["message"])
        return GOING_ON if is_waiting else EARLIER, told
    last = max(newest[name, ""] for name in finding["links"])
    # A worker says one thing at a try. What the two ends say belongs together if it is of about the same time.
    own = max(newest.get((name, finding["node"]), "") for name in finding["links"])
    is_old = _seconds(last) - _seconds(finding["last_at"]) > RETRY_SECONDS
    if is_old or finding["last_at"] < own:
        return EARLIER, f"{told}, by what was told later"
    return GOING_ON, told


def _nodes_of(link: Row) -> tuple[str, str]:
    return link[UPSTREAM], link[DOWNSTREAM]


def _seconds(at: str) -> int:
    return calendar.timegm(time.strptime(at, "%Y-%m-%d %H:%M:%S"))


def _commands(run: t.Sequence[str], downstreams: t.Sequence[str]) -> list[str]:
    """Return the commands, one for each downstream where it is named."""
    told: list[str] = []
    for command in run:
        if RESEED in command:
            told += [reseed(name) for name in downstreams]
        else:
            told.append(command)
    return list(dict.fromkeys(told))


def _of_the_group(about: str, node: str, message: str, mend: str, run: list[str], severity: str, why: str) -> Row:
    """Return a finding that no log has."""
    none: Row = {"meaning": "", "kind": "", "count": 0, "first_at": "", "last_at": "", "database": "", "end": ""}
    links = [about] if about != node else []
    told = {"about": about, "node": node, "links": links, "message": message, "mend": mend, "run": run}
    none["names_link"] = bool(links)
    return {**none, **told, "severity": severity, "said": [], "why": why, **_now(severity == ERROR)}


def _now(is_on: bool) -> Row:
    return {"going_on": is_on, "state": GOING_ON if is_on else ""}


def _unread(plan: Row, read: Found) -> t.Iterator[Row]:
    for name in sorted(plan["nodes"]):
        if name not in read:
            message = "its host cannot be reached or was not asked, so its log is not known"
            yield _of_the_group(name, name, message, f"look at the host of {name}", [], ERROR, "")
            continue
        if not read[name]["files"]:
            message = f"nothing was logged since {read[name]['since']}"
            yield _of_the_group(name, name, message, "let bdr_doctor_since be longer", [], NOTICE, "")
        if read[name]["unread"]:
            message = f"{read[name]['unread']} lines of its log tell neither time nor session"
            mend = "take log_line_prefix out of bdr_settings and run site.yml; lines of a start have none"
            yield _of_the_group(name, name, message, mend, [], NOTICE, "")


def _untold(findings: t.Sequence[Row], links: t.Mapping[str, Row], nodes: Found) -> t.Iterator[Row]:
    """Yield the links and servers that do not work though no log says why."""
    # What a node says of a link is no reason why its own server does not answer.
    told = {name for finding in findings if finding["going_on"] for name in finding["links"] or [finding["node"]]}
    for name, node in nodes.items():
        if is_half_seeded(node):
            yield _of_the_group(name, name, "its seeding is not finished", "run it again", [reseed(name)], ERROR, "")
        elif not node["answers"] and node["reason"] != "unreachable" and name not in told:
            mend, run = ("run site.yml, which starts it", [SITE]) if node["reason"] == "down" else ("", [_LOOK])
            yield _of_the_group(name, name, f"its server is {node['reason']}", mend, run, ERROR, node["error"])
    for name, link in links.items():
        is_of_a_node = any(not nodes[end]["answers"] or is_half_seeded(nodes[end]) for end in _nodes_of(link))
        if link["state"] not in SOUND and name not in told and not is_of_a_node:
            message = f"{link['state']}, and no log says why"
            yield _of_the_group(name, link["downstream"], message, link["mend"], [_LOOK], ERROR, link["evidence"][0])


def _rank(finding: Row) -> tuple[t.Any, ...]:
    at = [-ord(character) for character in finding["last_at"]]
    return (not finding["going_on"], _ORDER[finding["severity"]], not at, at, finding["about"], finding["message"])


def _clients(read: Found) -> list[Row]:
    """Return what applications did wrong, which is no link's, without what they wrote."""
    kept = ("message", "level", "database", "count", "last_at")
    found = [
        {"node": node, **{name: group[name] for name in kept}}
        for node in sorted(read)
        for group in read[node]["unknown"]
        if group["end"] == CLIENT
    ]
    return sorted(found, key=lambda each: (-each["count"], each["node"], each["message"]))


def _node(read: t.Mapping[str, t.Any] | None, seen: t.Mapping[str, t.Any]) -> Row:
    server = "up" if seen["answers"] else seen["reason"]
    none = {"files": 0, "bytes": 0, "lines": 0, "unread": 0, "left_out": 0, "since": ""}
    return {"server": server, **{name: (read or none)[name] for name in none}}
