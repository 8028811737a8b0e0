# Copyright: (c) 2026, pgbdr.bdr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers with pglogical log, in lines as they wrote them: what is told of it, and which workers ended."""

from __future__ import annotations

import pytest
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine import pglogical_messages
from ansible_collections.pgbdr.bdr.plugins.module_utils._engine.messages import (
    CONFLICT,
    UNREACHABLE,
    failures,
    meaning,
    of_links,
    parse,
    recent,
    told,
)

MESSAGES = pglogical_messages.MESSAGES
ROLE = "bdr_replication"
AT = "2026-11-22 11:02:46.796 UTC [3012] "
WORKER = f"{AT}[unknown]@appdb pglogical apply 16385:2414362915 "
WALSENDER = f"{AT}{ROLE}@appdb alpha_bravo "
APPLICATION = f"{AT}shop@appdb psql "
SERVER = "2026-11-22 11:02:46.801 UTC [2687] "
DUPLICATE = 'duplicate key value violates unique constraint "mail_address_key"'
GONE = 'relation "public.gone" does not exist'
SLOT = "pgl_appdb_alpha_alpha_bravo"

OF_LINKS = [
    (f"{WORKER}ERROR:  {GONE}", True),
    (f"{WALSENDER}ERROR:  no", True),
    (f"{SERVER}ERROR:  shop@appdb is no user", True),
    (f"{SERVER}LOG:  background worker", True),
    (f"{APPLICATION}ERROR:  {DUPLICATE}", False),
    (f"{APPLICATION}LOG:  statement: SELECT '{WORKER}ERROR:  {GONE}'", False),
    (f"{AT}{ROLE}2@appdb psql LOG:  statement: SELECT 1", False),
    (f"{WORKER.replace(AT, '')}the second line of a statement", False),
    (f"\t{WALSENDER}the second line of a statement", False),
]

TOLD = [
    # the line, what of it is shown, words of meaning and remedy, its kind
    (f"{WORKER}ERROR:  {DUPLICATE}", DUPLICATE, "a divergent conflict", CONFLICT),
    (
        f'{WORKER}ERROR:  new row for relation "ck" violates check constraint "ck_at_check"',
        'new row for relation "ck" violates check constraint "ck_at_check"',
        "the constraint ck_at_check lets a row of the upstream in there",
        CONFLICT,
    ),
    (f"{WORKER}ERROR:  {GONE}", GONE, "the table public.gone is missing here", ""),
    (
        f'{SERVER}LOG:  invalidating slot "{SLOT}" because its restart_lsn 0/88D872E0 exceeds max_slot_wal_keep_size',
        f'invalidating slot "{SLOT}"',
        "no longer has WAL that a downstream needs. Mend: re-seed",
        "",
    ),
    (
        f'{WALSENDER}ERROR:  cannot read from logical replication slot "{SLOT}"',
        f'cannot read from logical replication slot "{SLOT}"',
        "no longer has WAL",
        "",
    ),
    (
        f'{WALSENDER}ERROR:  replication slot "{SLOT}" does not exist',
        f'replication slot "{SLOT}" does not exist',
        "a downstream asks for a slot that is gone",
        "",
    ),
    (
        f"{WORKER}ERROR:  replication origin with ID 1 is already active for PID 77",
        "replication origin with ID 1 is already active",
        "pglogical has lost an apply worker",
        "",
    ),
    (
        f'{AT}{ROLE}@appdb [unknown] FATAL:  password authentication failed for user "{ROLE}"',
        f'password authentication failed for user "{ROLE}"',
        f"the password of {ROLE} is not the one",
        UNREACHABLE,
    ),
    (
        f'{AT}{ROLE}@appdb [unknown] FATAL:  no pg_hba.conf entry for host "192.0.2.9", user "{ROLE}"',
        'no pg_hba.conf entry for host "192.0.2.9"',
        "lets 192.0.2.9 in by no access rule",
        UNREACHABLE,
    ),
    (
        f"{WORKER}ERROR:  could not connect to the postgresql server in replication mode: connection refused",
        "could not connect to the postgresql server in replication mode: connection refused",
        "an upstream cannot be reached: connection refused",
        UNREACHABLE,
    ),
    (f"{WALSENDER}ERROR:  all replication slots are in use", "all replication slots are in use", "no slot is free", ""),
]


@pytest.mark.parametrize(("line", "is_of_links"), OF_LINKS)
def test_what_other_clients_write_is_none_of_links_matter(line, is_of_links):
    assert bool(of_links(ROLE).search(line.encode())) is is_of_links


@pytest.mark.parametrize(("line", "shown", "words", "kind"), TOLD)
def test_a_message_is_told_with_meaning_and_remedy(line, shown, words, kind):
    (found,) = told([line], ROLE, MESSAGES)
    assert found.startswith(f"{shown}: ") and words in found and ". Mend: " in found and "{" not in found
    assert meaning(line, MESSAGES)["kind"] == kind


def test_every_message_is_in_the_table():
    lines = [line for line, *_more in TOLD]
    assert [each.pattern for each in MESSAGES if not any(meaning(line, (each,)) for line in lines)] == []


@pytest.mark.parametrize(
    "line",
    [
        f"{APPLICATION}ERROR:  {DUPLICATE}",
        f"{APPLICATION}ERROR:  {GONE}",
        f"{WORKER}LOG:  starting apply for subscription alpha_bravo",
        f"{SERVER}LOG:  checkpoint starting: time",
        f'{APPLICATION}ERROR:  replication slot "barman" does not exist',
        "",
    ],
)
def test_chatter_and_other_clients_errors_are_not_told(line):
    assert list(told([line], ROLE, MESSAGES)) == []


def test_a_line_is_read_whatever_else_its_prefix_has():
    assert parse(f"{WORKER}ERROR:  {GONE}").text == GONE
    assert parse(f"2026-11-22 11:02:46.796 CET [7] ERROR:  {GONE}").pid == "7"
    assert parse("\tat character 7") is None


def test_only_recent_lines_count_with_what_belongs_to_them():
    old, new = f"{AT}LOG:  old", "2026-11-22 11:05:00.000 UTC [1] LOG:  new"
    assert recent(["\tlost", old, "\tof old", new, "\tof new"], "2026-11-22 11:05:00") == [new, "\tof new"]


def run(minute: int, pid: int, *said: str) -> list[str]:
    """Return what a worker's run leaves in the log."""
    own = f"2026-11-22 11:{minute:02}:00.000 UTC [{pid}] [unknown]@appdb pglogical apply 16385:77 "
    at = f"2026-11-22 11:{minute:02}:01.000 UTC [1] LOG:  background worker"
    return [*(own + line for line in said), f'{at} "pglogical apply 16385:77" (PID {pid}) exited with exit code 1']


def test_a_worker_that_ends_again_and_again_is_counted_with_its_last_error():
    lines = [
        *run(1, 5, "ERROR:  data stream ended"),
        f"{APPLICATION}ERROR:  {GONE}",
        *run(2, 6, f"ERROR:  {DUPLICATE}"),
        *run(3, 7, f"ERROR:  {DUPLICATE}", "DETAIL:  Key (address)=(z) already exists.", "CONTEXT:  apply UPDATE"),
    ]
    (found,) = failures(lines, pglogical_messages.ENDED, MESSAGES).items()
    worker, failure = found
    assert worker == "16385:77"
    assert (failure["times"], failure["first_at"], failure["last_at"]) == (
        *(2, "2026-11-22 11:02:01", "2026-11-22 11:03:01"),
    )
    assert (failure["error"], failure["kind"]) == (DUPLICATE, CONFLICT)
    assert failure["detail"] == "Key (address)=(z) already exists." and failure["context"] == "apply UPDATE"


def test_a_worker_that_says_nothing_has_ended_all_the_same():
    (failure,) = failures(run(1, 5), pglogical_messages.ENDED, MESSAGES).values()
    assert (failure["times"], failure["error"], failure["meaning"], failure["kind"]) == (1, "", "", "")


def test_the_command_that_starts_replication_is_cut():
    said = f'FATAL:  could not send replication command "START_REPLICATION SLOT "{SLOT}" LOGICAL 0/1'
    (failure,) = failures(run(1, 5, f"{said} (expected_encoding 'UTF8')"), pglogical_messages.ENDED, MESSAGES).values()
    assert failure["error"].endswith("LOGICAL 0/1")
