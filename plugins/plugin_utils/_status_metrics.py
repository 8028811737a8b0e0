# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health of a group as metrics, for the textfile collector of Prometheus' node_exporter.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import datetime
import typing as t

from ..module_utils._status_links import SOUND

Labels = t.Mapping[str, str]
Sample = t.Tuple[Labels, t.Union[int, float]]

MEASURES = {
    "lag_bytes": "The WAL that the downstream has not confirmed",
    "lag_seconds": "How long ago that was written which it confirmed last",
    "wal_held_bytes": "The WAL that the link's slot holds back",
    "until_lost_bytes": "How much may still be written before its WAL is given up",
}
"""What is told of a link where it is known; a value that is not known is left out."""
SEVERITIES = ("error", "warning")


def metrics(found: t.Mapping[str, t.Any]) -> str:
    """Return what status_report returned as text; where a look finds nothing wrong, what it would be is told as 0."""
    group = {"group": found["group"]}
    links = [(_of_link(group, link), link) for link in found["links"]]
    at = datetime.datetime.fromisoformat(found["at"]).timestamp()
    lines = [
        *_metric("ok", "Whether nothing is wrong that stops a link or a node", [(group, int(found["ok"]))]),
        *_metric("time_seconds", "When the group was looked at", [(group, int(at))]),
        *_metric("findings", "How many things are wrong", _findings(group, found["findings"])),
        *_metric(
            "node_answers",
            "Whether the node's server answers",
            [({**group, "node": name}, int(node["answers"])) for name, node in found["nodes"].items()],
        ),
        *_metric(
            "link_sound",
            "Whether what is written gets through, by the state",
            [({**labels, "state": link["state"]}, int(link["state"] in SOUND)) for labels, link in links],
        ),
    ]
    for name, said in MEASURES.items():
        known = [(labels, link[name]) for labels, link in links if link[name] is not None]
        lines += _metric(f"link_{name}", said, known)
    return "".join(f"{line}\n" for line in lines)


def _findings(group: Labels, findings: t.Iterable[t.Mapping[str, t.Any]]) -> list[Sample]:
    told = [finding["severity"] for finding in findings]
    return [({**group, "severity": severity}, told.count(severity)) for severity in SEVERITIES]


def _of_link(group: Labels, link: t.Mapping[str, t.Any]) -> Labels:
    return {**group, **{name: link[name] for name in ("database", "upstream", "downstream")}}


def _metric(name: str, said: str, samples: t.Sequence[Sample]) -> list[str]:
    if not samples:
        return []
    name = f"bdr_status_{name}"
    told = [f"{name}{{{_labels(labels)}}} {value}" for labels, value in samples]
    return [f"# HELP {name} {said}", f"# TYPE {name} gauge", *told]


def _labels(labels: Labels) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
