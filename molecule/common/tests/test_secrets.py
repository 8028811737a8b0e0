# Copyright: pgbdr.bdr authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replication password is in the passfile of the node and nowhere else."""

from __future__ import annotations

from nodes import EPHEMERAL, Node, secret_word


def pattern(node: Node) -> str:
    """Match the word, but not the command line that looks for it."""
    word = secret_word(node)
    return f"[{word[0]}]{word[1:]}"


def found(node: Node, command: str, *args: str) -> list[str]:
    """Return what a grep found; it must have looked (an exit code over 1 is its own failure)."""
    result = node.host.run(command, *args)
    assert result.rc in (0, 1), result
    return str(result.stdout).splitlines()


def test_no_other_file_of_the_host_holds_it(node: Node) -> None:
    # Data and WAL of the node are among them; what lies in /proc and /sys is no file of the host.
    files = found(
        node,
        "grep -rlaE --devices=skip -e %s /etc /home /opt /root /run /srv /tmp /usr/local /var",
        pattern(node),
    )
    assert set(files) <= {f"{node.directory}/passfile"}


def test_the_word_looked_for_is_in_a_passfile(nodes: dict[str, Node]) -> None:
    # Else the other tests look for something that nobody ever wrote. Who has no upstream needs none.
    assert [
        node
        for node in nodes.values()
        if found(node, "grep -laE -e %s %s", pattern(node), f"{node.directory}/passfile")
    ]


def test_the_journal_does_not_hold_it(node: Node) -> None:
    assert node.run("journalctl --no-pager --lines 1 --output cat --unit %s", node.unit)
    assert found(node, "journalctl --all --no-pager --output verbose | grep -aE -e %s", pattern(node)) == []


def test_no_process_shows_it(node: Node) -> None:
    # A process may end while grep reads it: that is no failure (-s), and no rows is what is wanted.
    result = node.host.run("grep -slaE -e %s /proc/[0-9]*/cmdline /proc/[0-9]*/environ", pattern(node))
    assert result.stdout == ""


def test_no_process_showed_it_while_the_group_was_made(node: Node) -> None:
    assert node.host.service("molecule-watch").is_running
    assert node.host.file("/run/molecule-watch/found").content_string == ""


VIEWS = ("pg_stat_activity", "pg_stat_replication", "pg_settings", "pg_db_role_setting")
VIEWS_OF_ENGINE = {
    "pglogical": ("pg_file_settings", "pglogical.node_interface", "pglogical.show_subscription_status()"),
    "contrib_bdr": ("pg_replication_identifier",),
}


def test_no_view_of_the_server_shows_it(node: Node) -> None:
    for relation in (*VIEWS, *VIEWS_OF_ENGINE[node.engine]):
        # psql's own backend shows this query in pg_stat_activity, hence the pattern.
        assert node.psql(f"SELECT r FROM {relation} r WHERE r::text ~ '{pattern(node)}'") == "", relation


def test_no_result_of_a_task_held_it(node: Node) -> None:
    log = (EPHEMERAL / "log" / node.name).read_text("utf-8")
    word = secret_word(node)
    assert [line.partition(" => ")[0][:200] for line in log.splitlines() if word in line] == []
