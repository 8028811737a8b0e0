# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""What a node knows of its own changes and of the others'; an older copy of its data knows less. Only reads."""

from __future__ import annotations

from . import _session
from ._engine import server
from ._engine.server import LINK
from ._home import found_data
from ._member import HEARTBEAT
from ._model import NodePlan
from ._program import Runner
from ._session_types import Row
from ._slot_dialects import SlotRefused, probe
from ._start_note import refusal

ANSWER_SECONDS = 2
CONNECT_SECONDS = 3
_LIMIT = "SET statement_timeout = '4s'"
# As numbers, which JSON can carry: the time on the upstream's clock when it wrote the row.
_BEATS = """
SELECT upstream, downstream, extract(epoch FROM max(written_at))::float8 AS written_at FROM pgbdr.heartbeat
 GROUP BY 1, 2 ORDER BY 1, 2
"""


def look(plan: NodePlan, run: Runner, answers: bool = True) -> Row:
    """Return why the node must not be started, and what its server knows; nothing of one that does not answer.

    answers: False where that is known already, and nobody should wait for it once more.
    The rows come first: what the server says of its slots then holds for them.
    """
    nothing = {"refused": "", "lsn": "", "names": {}, "beats": [], "slots": [], "incoming": []}
    if found_data(plan) != "ours":
        return nothing
    nothing["refused"] = refusal(plan, run)
    if plan.standby_of or not answers:
        return nothing
    try:
        return {**nothing, **_known(plan)}
    except (_session.SessionError, SlotRefused):
        return nothing


def _known(plan: NodePlan) -> Row:
    engine = server(plan)
    beats, incoming, names = [], [], {}
    for database in plan.databases:
        with _open(plan, database) as session:
            session.rows(_LIMIT)
            rows = session.rows(_BEATS) if session.rows(HEARTBEAT) else []
            beats += [{"database": database, **row} for row in rows]
            incoming += [
                {"database": database, "name": row["name"], "origin_lsn": row["origin_lsn"]}
                for row in engine.incoming(session, database)
            ]
            names[database] = engine.name_in(session)
    with _open(plan, "postgres") as session:
        session.rows(_LIMIT)
        probed = probe(session)
        owned = [{**slot, **engine.slot_owner(slot)} for slot in probed.slots(session) if slot["kind"] == "logical"]
        slots = [
            {name: slot[name] for name in ("database", "downstream", "behind_bytes")}
            for slot in owned
            if slot["verdict"] == LINK
        ]
        lsn = probed.position(session)["lsn"]
    return {"lsn": lsn, "names": names, "beats": beats, "slots": slots, "incoming": incoming}


def _open(plan: NodePlan, database: str) -> _session.Session:
    return _session.local(plan, database, ANSWER_SECONDS, connect_seconds=CONNECT_SECONDS)
