"""What the tests have to do otherwise in each era of contrib_bdr."""

from __future__ import annotations

from groups import LOCAL_DDL, Group, eventually

NODES = ("alpha", "bravo", "charlie")
TABLES = (
    "CREATE TABLE town (id int PRIMARY KEY, n int)",
    "CREATE TABLE mail (id int PRIMARY KEY, address text UNIQUE)",
)


def with_tables(group: Group) -> Group:
    """Return the plex, which stands by then, with the same rows on all nodes."""
    group.must()
    for table in TABLES:
        group.everywhere(f"{LOCAL_DDL} {table}")
    group.sql("alpha", "INSERT INTO town VALUES (1, 1)")
    for node in NODES:
        eventually(lambda node=node: group.sql(node, "SELECT count(*) FROM town"), [(1,)])
    return group


def is_0_4(group: Group) -> bool:
    """Tell whether a group is of the guide's era."""
    return bool(group.sql("alpha", "SELECT 1 FROM pg_settings WHERE name = 'max_logical_slots'", database="postgres"))


def plant(group: Group, node: str, text: str) -> None:
    """Change rows on one node so that they stay there."""
    if is_0_4(group):
        group.sql(node, f"SET replication_origin_id = 1; {text}")
        return
    known = "SELECT 1 FROM pg_replication_identifier WHERE riname = 'planted'"
    if not group.sql(node, known):
        group.sql(node, "SELECT pg_replication_identifier_create('planted')")
    origin = "pg_replication_identifier_setup_replaying_from('planted')"
    group.sql(node, f"SELECT {origin}, pg_replication_identifier_setup_tx_origin('0/1', now()); {text}")
