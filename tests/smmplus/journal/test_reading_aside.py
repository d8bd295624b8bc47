"""Reading the journal, for a sheet of many rows, goes on beside placing."""

from smmplus.journal.backends import sqlite
from smmplus.journal.journal import Journal


def test_a_long_reading_keeps_no_writer_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    url = f"sqlite:///{tmp_path / 'journal.sqlite3'}"
    with Journal(url) as reader, Journal(url) as writer, reader.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM entries")
        assert writer.ensure_account("https://panel.example/api/v2", "default") == 1
