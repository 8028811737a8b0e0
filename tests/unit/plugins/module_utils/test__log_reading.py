# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lines of a log come to: each known message with its link, the others counted, secrets and data left out."""

from __future__ import annotations

import calendar
import re

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils import _log_reading
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import server
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.messages import redacted
from ansible_collections.pgbdr.bdr.plugins.module_utils._log_reading import Reading, seconds_back, stamp, zone
from ansible_collections.pgbdr.bdr.tests.unit.builders import node_plan
from ansible_collections.pgbdr.bdr.tests.unit.log_lines import ALL, CLIENT, P_SENDER, P_WORKER, ROLE, SERVER

DUPLICATE = 'duplicate key value violates unique constraint "mail_address_key"'
DAY = calendar.timegm((2026, 11, 22, 0, 0, 0))
SINCE = DAY + 11 * 3600
ENGINES = {
    "pglogical": server(node_plan("bravo")),
    "contrib_bdr": server(node_plan("bravo", bdr_engine="contrib_bdr", bdr_era="0.4")),
}


def reading(engine: str = "pglogical", since: float = SINCE, ahead: int = 0) -> Reading:
    found = Reading(ENGINES[engine].dialect, ROLE, since)
    found.begin(ahead, DAY + 11 * 3600 + 60)
    return found


def result(*lines: str, engine: str = "pglogical", **options: float) -> dict:
    found = reading(engine, **options)
    for line in lines:
        found.take(line)
    return found.result()


def only(*lines: str, **options: str) -> dict:
    found = result(*lines, **options)
    (group,) = [*found["known"], *found["unknown"]]
    return group


@pytest.mark.parametrize(("engine", "node", "who", "line", "text", "link"), ALL)
def test_every_message_is_recognised_once_with_meaning_and_remedy(engine, node, who, line, text, link):
    found = result(line, engine=engine)
    assert found["unknown"] == []
    (group,) = found["known"]
    assert group["message"] in text and group["said"] == text and group["count"] == 1
    assert group["meaning"] and group["mend"] and not set("{}") & set(group["meaning"] + group["mend"])
    ends = {"W": "downstream", "U": "upstream", "N": "upstream", "R": "upstream", "S": "server", "C": "client"}
    # A session that speaks for the server.
    ends["L"] = "server"
    # Workers of contrib/bdr have no session of their own; it is their end that names them.
    assert group["end"] == ("server" if engine == "contrib_bdr" and who == "W" else ends[who])
    assert (group["kind"] == "client") == (who == "C")


@pytest.mark.parametrize("engine", ENGINES)
def test_every_message_and_every_way_to_say_it_has_a_line(engine):
    messages = ENGINES[engine].dialect.messages
    told = set()
    for _engine, _node, who, _line, text, _link in (each for each in ALL if each[0] == engine):
        eligible = [message for message in messages if who != "C" or message.kind == "client"]
        first = next(message for message in eligible if re.search(message.pattern, text))
        told |= {(first, place) for place, way in enumerate(ways(first.pattern)) if re.search(way, text)}
    wanted = {(message, place) for message in messages for place, _way in enumerate(ways(message.pattern))}
    assert [(message.pattern, place) for message, place in wanted - told] == []


def ways(pattern: str) -> list[str]:
    """Return the parts of a pattern between its | of the first rank."""
    depth, found = 0, [""]
    for character in pattern:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return found


def test_a_worker_of_pglogical_is_named_by_its_session():
    group = only(f"{P_WORKER}ERROR:  {DUPLICATE}")
    assert (group["worker"], group["database"]) == ("16385:2414362915", "appdb")
    assert ENGINES["pglogical"].connection_of(group["worker"]) == "alpha_bravo"
    assert ENGINES["pglogical"].connection_of("") == ENGINES["pglogical"].connection_of("16385:1") == ""


def test_a_worker_of_contrib_bdr_is_named_when_it_starts_or_when_it_ends():
    at = "2026-11-22 11:02:46.796 UTC [{}] "
    starts = "LOG:  bdr apply: alpha initialized on appdb, remote host=192.0.2.11 dbname=appdb"
    ended = "LOG:  worker process: bdr apply: alpha (PID 9) exited with exit code 1"
    error = at.format(9) + "ERROR:  could not resolve relation name public.tr"
    for lines in ((at.format(9) + starts, error), (error, at.format(1) + ended)):
        group = only(*lines, engine="contrib_bdr")
        assert (group["worker"], group["end"]) == ("alpha", "downstream")
    # The next process of that number is another.
    found = result(at.format(9) + starts, at.format(1) + ended, error, engine="contrib_bdr")
    assert found["known"][0]["worker"] == ""
    connection_of = ENGINES["contrib_bdr"].connection_of
    assert (connection_of("alpha"), connection_of("alph"), connection_of("x"), connection_of("")) == (
        *("alpha", "alpha"),
        *("", ""),
    )


def test_repetitions_are_counted_with_their_first_and_last_time_and_the_last_words():
    first = P_WORKER.replace("11:02:46", "11:01:00").replace("3012", "3000")
    group = only(
        f"{P_WORKER}ERROR:  {DUPLICATE}",
        f"{P_WORKER}DETAIL:  Key (address)=(z) already exists.",
        f"{P_WORKER}CONTEXT:  apply UPDATE",
        f"{P_WORKER}STATEMENT:  none of it",
        f"{first}ERROR:  {DUPLICATE}",
        f"{first}DETAIL:  Key (address)=(y) already exists.",
    )
    assert (group["count"], group["first_at"], group["last_at"]) == (2, "2026-11-22 11:01:00", "2026-11-22 11:02:46")
    assert (group["detail"], group["context"]) == ("Key (address)=(z) already exists.", "apply UPDATE")


def test_numbers_do_not_make_another_message_and_links_do():
    lines = [
        f"{P_SENDER}ERROR:  requested WAL segment 00000001000000000000000{n} has already been removed" for n in (1, 2)
    ]
    assert only(*lines)["count"] == 2
    assert len(result(lines[0], lines[1].replace("alpha_bravo", "alpha_charlie"))["known"]) == 2


def test_what_is_older_is_not_counted_nor_what_belongs_to_it():
    old = P_WORKER.replace("11:02:46", "10:59:59")
    found = result(f"{old}ERROR:  {DUPLICATE}", "ERROR:  also old", f"{P_WORKER}ERROR:  {DUPLICATE}")
    assert (found["known"][0]["count"], found["lines"], found["unread"]) == (1, 1, 0)


def test_a_log_in_another_zone_is_told_in_utc():
    line = f"{P_WORKER}ERROR:  {DUPLICATE}".replace("11:02:46.796 UTC", "16:32:46.796 IST")
    group = only(line, ahead=19800)
    assert group["last_at"] == "2026-11-22 11:02:46"
    assert result(line.replace("16:32", "16:29"), ahead=19800)["known"] == []


def test_the_zone_follows_from_when_the_file_was_written():
    tail = "\tof old\n2026-11-22 16:32:46.796 IST [1] LOG:  x 2020-01-01 00:00:00\n"
    assert zone(tail, DAY + 11 * 3600 + 2 * 60 + 47) == 19800
    assert zone("LOG:  no time\n", DAY) == 0
    # Somebody copied it.
    assert zone(tail, DAY - 30 * 86400) == 0


def test_lines_without_our_prefix_are_read_and_told_of():
    found = result(
        "LOG:  loaded library", "FATAL:  no dbname set", "\tERROR:  rest of a statement", "", engine="contrib_bdr"
    )
    (group,) = found["known"]
    assert (group["message"], group["end"], group["last_at"]) == ("no dbname set", "server", "2026-11-22 11:01:00")
    assert (found["lines"], found["unread"]) == (2, 2)


def test_errors_that_nobody_knows_are_counted_without_names_and_numbers():
    lines = [f'{P_WORKER}ERROR:  odd "thing{n}" at {n}' for n in range(3)]
    group = only(*lines)
    assert (group["message"], group["count"], group["severity"]) == ('odd "..." at #', 3, "error")
    assert group["said"] == 'odd "thing2" at 2' and group["meaning"] == ""
    assert only(f"{SERVER}PANIC:  odd")["severity"] == "warning"
    # A warning that nobody knows is chatter.
    assert result(f"{P_WORKER}WARNING:  odd", f"{SERVER}LOG:  checkpoint")["unknown"] == []


def test_what_a_client_wrote_is_not_returned():
    lines = [
        f'{CLIENT}ERROR:  invalid input syntax for type integer: "geheim" at character 8',
        f"{CLIENT}DETAIL:  geheim",
    ]
    group = only(*lines)
    assert group["message"] == 'invalid input syntax for type integer: "..."' and "geheim" not in str(group)
    # Its errors are none of links.
    assert only(f"{CLIENT}ERROR:  {DUPLICATE}")["meaning"] == ""


def test_only_so_much_is_kept(monkeypatch):
    monkeypatch.setattr(_log_reading, "GROUPS", 3)
    monkeypatch.setattr(_log_reading, "OPEN", 2)
    monkeypatch.setattr(_log_reading, "EACH", 2)
    lines = [f"2026-11-22 11:02:46.796 UTC [{n}] ERROR:  odd {'x' * n}" for n in range(1, 6)]
    found = result(*lines)
    assert (len(found["unknown"]), found["left_out"]) == (3, 2)
    same = only(*[f"{P_WORKER}ERROR:  {DUPLICATE}"] * 5)
    assert same["count"] == 5
    starts = [f"2026-11-22 11:02:46.796 UTC [{n}] LOG:  bdr apply: n{n} initialized on appdb" for n in range(1, 4)]
    error = "2026-11-22 11:02:46.796 UTC [1] ERROR:  could not resolve relation name public.tr"
    assert result(*starts, error, engine="contrib_bdr")["known"][0]["worker"] == ""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("dsn was: host=a password=geheim user=b", "dsn was: host=a password=******** user=b"),
        ("password='ge heim\\'x' user=b", "password=******** user=b"),
        ("password = 'geheim", "password = ********"),
        ("sslpassword=geheim", "sslpassword=********"),
        ("ALTER ROLE x PASSWORD 'geheim' LOGIN", "ALTER ROLE x PASSWORD ******** LOGIN"),
        ("option: password, val: geheim", "option: password, val: ********"),
        ("postgresql://b:geheim@a/appdb", "postgresql://b:********@a/appdb"),
        ("SCRAM-SHA-256$4096:abc$def:ghi", "********"),
        ("md5" + "0a" * 16, "********"),
        ('password authentication failed for user "x"', 'password authentication failed for user "x"'),
        ("passfile=/x/passfile", "passfile=/x/passfile"),
    ],
)
def test_secrets_are_left_out(said, told):
    assert redacted(said) == told
    assert only(f"{P_WORKER}ERROR:  could not connect to the postgresql server: {said}")["said"].endswith(told)


@pytest.mark.parametrize(("text", "seconds"), [("90 min", 5400), ("24 h", 86400), ("7d", 604800), ("5 s", 5)])
def test_how_far_back(text, seconds):
    assert seconds_back(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "24", "-1 h", "yesterday", "1 h 5 min", "1234567 d"])
def test_a_wrong_time_is_said(text):
    with pytest.raises(ValueError, match="bdr_doctor_since is .*; a time such as 90 min, 24 h or 7 d is wanted"):
        seconds_back(text)


def test_a_stamp_is_utc():
    assert stamp(DAY) == "2026-11-22 00:00:00"
