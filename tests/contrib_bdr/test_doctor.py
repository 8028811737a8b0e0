"""The logs of real servers of contrib_bdr: what goes wrong is recognised with its link, and over once it is mended."""

from __future__ import annotations

import functools
import os
import signal
import typing as t

import health
import pytest
from eras import NODES, TABLES, is_0_4, plant, with_tables
from groups import LOCAL_DDL, Group, eventually

PASSWORD = "no secret"
SITE, SCHEMA = "ansible-playbook playbooks/site.yml", "ansible-playbook playbooks/schema.yml"

Findings = dict[tuple[str, str], dict[str, t.Any]]


@pytest.fixture(scope="module")
def group(make_group: t.Callable[..., Group]) -> Group:
    """Return a plex that stands, with some tables."""
    return with_tables(make_group("hdocreal", 6285, NODES, bdr_replication_password=PASSWORD))


played = functools.partial(health.played, "doctor")


def found(group: Group, state: str = "going_on") -> Findings:
    """Return the findings in a state, by what they are about and what they mean."""
    _run, written = played(group, bdr_doctor_fail=False)
    return {
        (finding["about"], finding["meaning"] or finding["message"]): finding
        for finding in written["findings"]
        if finding["state"] == state
    }


def told(group: Group, about: str, meaning: str) -> dict[str, t.Any]:
    """Wait until something goes on, and return it."""
    seen: Findings = {}

    def is_told() -> bool:
        seen.clear()
        seen.update(found(group))
        return any(key[0] == about and meaning in key[1] for key in seen)

    eventually(is_told, True)
    return next(finding for key, finding in seen.items() if key[0] == about and meaning in key[1])


def over(group: Group) -> None:
    """Wait until nothing goes on, and see that the run is content."""
    eventually(lambda: set(found(group)), set())
    run, written = played(group)
    assert run.code == 0 and written["ok"] and [link["state"] for link in written["links"]] == ["streaming"] * 6


def test_a_group_that_is_well_is_told_so(group: Group) -> None:
    over(group)


def test_a_change_that_waits_for_a_lock_is_told(group: Group) -> None:
    with group.session("bravo") as session, session.cursor() as cursor:
        cursor.execute("LOCK town")
        group.sql("alpha", "UPDATE town SET n = n + 1")
        finding = told(group, "alpha -> bravo (appdb)", "a change waits for a RowExclusiveLock on relation")
        assert finding["severity"] == "warning"
    over(group)


def test_what_stops_a_link_is_told_with_its_mend_and_is_over_when_mended(group: Group) -> None:
    if is_0_4(group):
        plant(group, "bravo", "INSERT INTO mail VALUES (3, 'z')")
        meaning, run = "a divergent conflict", []
    else:
        # The last update wins here, but not in a table that is not there.
        group.sql("bravo", f"{LOCAL_DDL} DROP TABLE mail")
        meaning, run = "the table public.mail is missing here", [SCHEMA]
    group.sql("alpha", "INSERT INTO mail VALUES (2, 'z')")
    finding = told(group, "alpha -> bravo (appdb)", meaning)
    assert (finding["node"], finding["end"], finding["severity"]) == ("bravo", "downstream", "error")
    assert finding["mend"] and finding["run"] == run
    whole, written = played(group)
    assert whole.code != 0 and not written["ok"]
    if is_0_4(group):
        plant(group, "bravo", "DELETE FROM mail WHERE id = 3")
    else:
        group.sql("bravo", f"{LOCAL_DDL} {TABLES[1]}")
    eventually(lambda: group.sql("bravo", "SELECT address FROM mail WHERE id = 2"), [("z",)])
    over(group)
    assert ("alpha -> bravo (appdb)", finding["meaning"]) in found(group, "over")


def test_a_password_that_is_refused_is_told(group: Group) -> None:
    group.sql("alpha", "ALTER ROLE bdr_replication PASSWORD 'another'")
    group.sql("alpha", "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    finding = told(group, "alpha -> charlie (appdb)", "the password of bdr_replication is not the one the upstream has")
    assert finding["run"] == [SITE] and PASSWORD not in str(finding)
    group.must()
    over(group)


def test_the_log_of_a_server_that_is_down_is_read(group: Group) -> None:
    pid_file = group.home("charlie") / "data/postmaster.pid"
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGINT)
    eventually(pid_file.exists, False)
    _run, written = played(group, bdr_doctor_fail=False)
    assert written["nodes"]["charlie"]["server"] == "down" and written["nodes"]["charlie"]["lines"] > 0
    assert ("charlie", "its server is down") in found(group)
    group.must()
    over(group)
