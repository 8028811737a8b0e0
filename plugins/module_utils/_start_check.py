# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""The script that looks at a node's data before its server starts: is it what ran here last? Pure.

It compares pg_control with what it wrote down itself: system identifier, timeline, position of the last checkpoint.
Of one data directory the last two never go back, crash or not. What it writes down is durable in pg_control before,
so the note can be too old, which makes the check weaker, and never too new, which would be a false alarm.
"""

from __future__ import annotations

import shlex

from ._engine import rules
from ._model import NodePlan
from ._render import BANNER, SETTINGS_FILE
from ._seed import PHYSICAL

SCRIPT_FILE = "start_check"
NOTE_FILE = "newest_checkpoint"
FENCE_FILE = "fenced"
"""Files in a node's home: the script, what it wrote down, and why the node must not start whatever its data says."""

CHECK, START, NOTE = "check", "start", "note"
"""What the script is told: look only; look, and write down where it finds nothing; write down, and say nothing."""

# A shell is there at every boot. Whatever the script cannot read, it leaves to the server to complain of.
_SCRIPT = """\
#!/bin/sh
{banner}# Called before each start of the server: refuses data that is older than what ran here before, or another's.
# "check" looks only; "start" looks, and notes how far the data is; "note" notes it.
PATH=/usr/bin:/bin LC_ALL=C
export PATH LC_ALL
umask 077
home={home}
data={data}

refuse() {{
    [ "$1" = note ] || printf '%s\\n' "{refused}" >&2
    exit 1
}}
field() {{
    printf '%s\\n' "$control" | sed -n "s/^$1: *//p"
}}
bytes() {{
    echo $((0x${{1%/*}} * 4294967296 + 0x${{1#*/}}))
}}

[ ! -s "$home/{fence}" ] || refuse "$1" "$(cat "$home/{fence}")"
[ -e "$data/PG_VERSION" ] || exit 0
owner=$(sed -n '1s/^{prefix}\\(.*\\), node \\(.*\\)\\. .*/\\2 of the group \\1/p' "$data/{settings}" 2>/dev/null)
[ -z "$owner" ] || [ "$owner" = {owner} ] || refuse "$1" "$data is a copy of the data of $owner"

control=$({bin}/pg_controldata "$data" 2>/dev/null)
system=$(field 'Database system identifier')
timeline=$(field "Latest checkpoint's TimeLineID")
position=$(field 'Latest checkpoint location')
[ -n "$system" ] && [ -n "$timeline" ] && [ -n "$position" ] || exit 0

known_system= known_timeline= known_position=
[ ! -e "$home/{note}" ] || read -r known_system known_timeline known_position <"$home/{note}"
if [ -n "$known_position" ]; then
    if [ "$system" != "$known_system" ]; then
        refuse "$1" "$data has the system identifier $system; what ran here before had $known_system"
    elif [ "$timeline" -lt "$known_timeline" ]; then
        refuse "$1" "$data is on timeline $timeline; what ran here before was on $known_timeline"
    elif [ "$(bytes "$position")" -lt "$(bytes "$known_position")" ]; then
        refuse "$1" "$data is older than what ran here before: its last checkpoint is at $position, there was one \
at $known_position"
    fi
fi

[ "$1" != check ] || exit 0
# The server sets a base backup's position back when it first starts with it.
[ ! -e "$data/backup_label" ] || exit 0
[ "$system $timeline $position" != "$known_system $known_timeline $known_position" ] || exit 0
# The note must not outlive what it is about.
sync "$data/global/pg_control" && echo "$system $timeline $position" >"$home/{note}.new" &&
    sync "$home/{note}.new" && mv "$home/{note}.new" "$home/{note}"
exit 0
"""


def script(plan: NodePlan) -> str:
    """Return the script of a node."""
    banner = BANNER.format(group=plan.group, node=plan.name)
    return _SCRIPT.format(
        banner=banner,
        prefix=BANNER.partition("{")[0],
        owner=shlex.quote(f"{plan.name} of the group {plan.group}"),
        refused=refusal(plan, "$2"),
        home=plan.home,
        data=plan.data_directory,
        bin=plan.bin_directory,
        settings=SETTINGS_FILE,
        **{"fence": FENCE_FILE, "note": NOTE_FILE},
    )


def refusal(plan: NodePlan, why: str) -> str:
    """Return what is said of a node that must not be started."""
    return f"bdr_home of {plan.name}: {why}. {way_out(plan)}"


def way_out(plan: NodePlan) -> str:
    """Return what to do about data that is not the node's own of today."""
    name = plan.name
    accept = (
        "Where you changed it on purpose (pg_resetwal, pg_upgrade, all nodes restored to one moment), say so: "
        f"site.yml -e bdr_accept_restored={name}"
    )
    if plan.standby_of:
        return f"Remove it, and site.yml copies {plan.standby_of} anew. {accept}"
    # Where a node keeps its server, it keeps the positions in its WAL, which the others have seen beyond.
    if PHYSICAL not in rules(plan.engine, plan.era).seed_methods:
        given = f"remove_node.yml -e bdr_node={name} -e bdr_confirm={name} -e bdr_accept_loss={name}"
        return f"Put back what it had last, or give the node up: {given}. {accept}"
    return (
        "Put back what it had last; or give up what only that had, and copy another node: "
        f"reseed.yml -e bdr_node={name} -e bdr_confirm={name} -e bdr_accept_loss={name}. {accept}"
    )
