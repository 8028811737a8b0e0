"""Applications that write all along while a node is seeded, and whether all nodes hold the same in the end."""

from __future__ import annotations

import contextlib
import random
import threading
import typing as t

import psycopg2
from groups import Group, eventually

NODES = ("alpha", "bravo", "charlie")
CHARLIE = ("-e", "bdr_node=charlie", "-e", "bdr_confirm=charlie")
KEYS = 2000
TABLES = "CREATE TABLE city (id int PRIMARY KEY, n int, writer text); CREATE TABLE note (id text PRIMARY KEY)"
ALL_ROWS = "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY id)) FROM {} t"

Write = t.Callable[[Group, str, int, threading.Event], None]
"""Writes on a node to every second key, from this place on, until it is enough."""


def write(group: Group, node: str, place: int, enough: threading.Event) -> None:
    """Change rows of every second key until it is enough: nothing that two nodes do conflicts."""
    with group.session(node) as session, session.cursor() as cursor:
        while not enough.wait(0.002):
            key = 2 * random.randrange(KEYS // 2) + place
            does = random.random()
            if does < 0.5:
                cursor.execute("UPDATE city SET n = n + 1, writer = %s WHERE id = %s", (node, key))
            else:  # a key that is used again, now and then in a transaction that stays open for a while
                cursor.execute("DELETE FROM city WHERE id = %s", (key,))
                enough.wait(0.05 if does < 0.6 else 0)
            if 0.5 <= does < 0.9:
                cursor.execute("INSERT INTO city VALUES (%s, 7, %s) ON CONFLICT DO NOTHING", (key, node))
            session.commit()


@contextlib.contextmanager
def written(group: Group, reconnect: bool = False, write: Write = write) -> t.Iterator[None]:
    """Let alpha and bravo write all along.

    reconnect: a client that is cut off by a restart comes back, as an application's pool does.
    """
    enough = threading.Event()
    wrong: list[BaseException] = []

    def go_on(node: str, place: int) -> None:
        while not enough.is_set():
            try:
                write(group, node, place, enough)
            except psycopg2.OperationalError as error:
                wrong.extend([] if reconnect else [error])
            except BaseException as error:
                wrong.append(error)
            if wrong:
                return

    writers = [threading.Thread(target=go_on, args=pair) for pair in (("alpha", 0), ("bravo", 1))]
    for writer in writers:
        writer.start()
    try:
        yield
    finally:
        enough.set()
        for writer in writers:
            writer.join()
    assert wrong == [], "a writer was held up"


def equal(group: Group) -> None:
    """All nodes hold the same, and send each other what is new."""
    alike(group, ("note", "city"))
    written_by = {name.split()[0] for (name,) in group.sql("bravo", "SELECT id FROM note")}
    assert written_by >= set(group.ports)


def alike(group: Group, tables: t.Sequence[str], seconds: float = 60) -> None:
    """Add a note on each node, and wait until all nodes hold the same in these tables."""
    for node in group.ports:
        group.sql(node, "INSERT INTO note VALUES (%s)", f"{node} {random.random()}")
    for table in tables:

        def versions(table: str = table) -> int:
            return len({tuple(group.sql(node, ALL_ROWS.format(table))) for node in group.ports})

        eventually(versions, 1, seconds)
