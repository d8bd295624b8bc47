"""A journal of version 2 gets its table of refills and cancels where it is opened, and then is as a new one."""

from smmplus.follow_ups import Asking, known
from smmplus.journal import schema
from smmplus.journal.follow_ups import Kind
from smmplus.journal.store import Journal
from tests.databases import DATABASES, rows_of
from tests.smmplus.desk import Desk

RUNS_ON = DATABASES

COLUMNS = {
    "sqlite": """
        SELECT m.name AS of, c.name, c.type, c."notnull" AS needed, c.dflt_value AS otherwise, c.pk
        FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1, c.cid
    """,
    "postgresql": """
        SELECT table_name AS of, column_name, data_type, is_nullable, column_default, collation_name
        FROM information_schema.columns WHERE table_schema = 'smmplus' ORDER BY 1, ordinal_position
    """,
}
INDEXES = {
    "sqlite": """
        SELECT m.name, i.name AS index_name, i."unique" AS one, i.partial,
               (SELECT group_concat(c.name) FROM pragma_index_info(i.name) c) AS columns
        FROM sqlite_master m, pragma_index_list(m.name) i WHERE m.type = 'table' ORDER BY 1, 5
    """,
    "postgresql": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'smmplus' ORDER BY 1, 2",
}


def shape(url, database):
    return rows_of(url, COLUMNS[database]), rows_of(url, INDEXES[database])


def make_version_two(url):
    """Take away what versions 3 and 4 brought."""
    for table in ("checks", "said_of_accounts", "account_keys", "follow_ups"):
        rows_of(url, f"DROP TABLE {table}")
    rows_of(url, "ALTER TABLE campaigns DROP COLUMN currency")
    for table in ("accounts", "campaigns"):
        rows_of(url, f"DROP INDEX ix_{table}_normal")
        rows_of(url, f"ALTER TABLE {table} DROP COLUMN normal")
    rows_of(url, "DELETE FROM meta WHERE name = 'salt'")
    rows_of(url, "UPDATE meta SET value = '2' WHERE name = 'version'")


def test_version_two_becomes_what_a_new_journal_is(journal_url, database):
    with Journal(journal_url) as journal:
        entry = Desk(journal).accepted("501")
        uuid = journal.uuid
    new = shape(journal_url, database)
    assert any("follow_ups" in row.values() for row in new[0])
    make_version_two(journal_url)
    assert shape(journal_url, database) != new
    with Journal(journal_url) as journal:
        assert journal.uuid == uuid
        assert journal.with_ids([entry.id])[entry.id] == entry
        (found,) = known(journal, "https://smm.plus/api/v2", Asking("main", Kind.CANCEL, "key"), ["501"]).values()
        assert found.order_id == "501"
    assert shape(journal_url, database) == new
    assert rows_of(journal_url, "SELECT value FROM meta WHERE name = 'version'") == [{"value": str(schema.VERSION)}]
