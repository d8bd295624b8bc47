"""Backups while a run writes, moves into PostgreSQL, and what may be placed from afterwards: never two journals."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, text

from smmplus.errors import ConfigurationError, JournalConflictError, JournalError, JournalInUseError
from smmplus.journal import metadata, schema
from smmplus.journal.backends import postgres, sqlite
from smmplus.journal.backends.open import snapshot
from smmplus.journal.journal import Journal
from smmplus.journal.maintenance import backup_and_move
from smmplus.journal.maintenance.backup_and_move import back_up, finish_move, move
from smmplus.journal.maintenance.integrity import audit
from smmplus.journal.maintenance.restore import made_at, restore
from smmplus.journal.state_machine import Event, State
from tests.databases import on_both, url_of
from tests.postgres import lent_url
from tests.smmplus.batches import Batch, request_for
from tests.smmplus.full_journal import fill_journal
from tests.smmplus.journal.test_rescue_file import rescued

pytestmark = pytest.mark.slow

NOON = "2026-01-01T12:00:00.000+00:00"
REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def busy(journal):
    fill_journal(journal)
    return journal


@pytest.fixture
def server_url():
    with lent_url() as url:
        yield url


def all_rows(url):
    with snapshot(url) as connection:
        return {
            table.name: connection.execute(select(table).order_by(*table.primary_key)).all()
            for table in schema.metadata.sorted_tables
            if table is not schema.meta
        }


def said_of(url):
    with snapshot(url) as connection:
        return metadata.read(connection)


@on_both
def test_a_backup_is_the_whole_journal(busy, tmp_path):
    url, to = url_of(busy), tmp_path / "backup.sqlite3"
    copied = back_up(url, to, NOON)
    assert all_rows(sqlite.url_of(to)) == all_rows(url)
    assert said_of(sqlite.url_of(to)) == said_of(url) | {"backup": NOON}
    assert (copied.orders, copied.findings) == (30, ())
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith("backup")] == ["backup.sqlite3"]


def test_nothing_is_placed_from_a_backup_and_it_is_not_changed(busy, tmp_path):
    to = tmp_path / "backup.sqlite3"
    back_up(url_of(busy), to, NOON)
    before = to.read_bytes()
    with pytest.raises(JournalError, match=f"is a backup, made at .*smmplus journal restore {to}"):
        Journal(sqlite.url_of(to))
    assert to.read_bytes() == before


@pytest.mark.parametrize("there", ["a file", "a link"])
def test_a_backup_never_takes_the_place_of_what_is_there(busy, tmp_path, there):
    to = tmp_path / "backup.sqlite3"
    to.write_text("dear") if there == "a file" else to.symlink_to(tmp_path / "nowhere")
    with pytest.raises(JournalConflictError, match="already exists"):
        back_up(url_of(busy), to, NOON)
    assert to.is_symlink() or to.read_text() == "dear"


def test_a_file_that_comes_while_it_is_copied_stays(busy, tmp_path, monkeypatch):
    to = tmp_path / "backup.sqlite3"
    read_back = backup_and_move._read_back

    def meanwhile(engine, sums):
        to.write_text("dear")
        return read_back(engine, sums)

    monkeypatch.setattr(backup_and_move, "_read_back", meanwhile)
    with pytest.raises(JournalConflictError, match="already exists"):
        back_up(url_of(busy), to, NOON)
    assert to.read_text() == "dear"


def test_a_copy_that_differs_by_one_digit_is_none(busy, tmp_path, monkeypatch):
    fill = backup_and_move._fill

    def badly(source, target, said):
        sums = fill(source, target, said)
        target.execute(text("UPDATE order_ids SET order_id = '1011' WHERE order_id = '101' AND account_id = 1"))
        return sums

    monkeypatch.setattr(backup_and_move, "_fill", badly)
    with pytest.raises(JournalError, match=r"the copy is not what was read.*order_ids"):
        back_up(url_of(busy), tmp_path / "backup.sqlite3", NOON)
    assert not (tmp_path / "backup.sqlite3").exists()


def test_what_is_wrong_with_the_journal_is_told_and_backed_up_all_the_same(busy, tmp_path):
    with busy._engine.begin() as connection:
        connection.execute(text("UPDATE campaigns SET spent = '7' WHERE id = 1"))
    copied = back_up(url_of(busy), tmp_path / "backup.sqlite3", NOON)
    assert [finding.where for finding in copied.findings] == ["campaign 'spring'"]


def test_a_place_that_cannot_be_written_is_named(busy, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="file/backup"):
        back_up(url_of(busy), tmp_path / "file" / "backup.sqlite3", NOON)


def test_a_torn_journal_that_is_copied_is_named_not_the_copy(busy, tmp_path):
    busy.close()
    data = bytearray(busy.path.read_bytes())
    for page in range(8, len(data) // 4096):
        data[page * 4096 : page * 4096 + 4096] = bytes(4096)
    torn = tmp_path / "torn.sqlite3"
    torn.write_bytes(data)
    with pytest.raises(JournalError, match=r"torn.sqlite3"):
        back_up(sqlite.url_of(torn), tmp_path / "backup.sqlite3", NOON)
    assert not (tmp_path / "backup.sqlite3").exists()


def test_an_older_journal_is_brought_up_to_date_first(busy, tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with pytest.raises(JournalError, match=f"has version {schema.VERSION - 1}"):
        back_up(url_of(busy), tmp_path / "backup.sqlite3", NOON)


WRITER = """
import sys
from smmplus.journal.state_machine import Event
from smmplus.journal.journal import Journal
from tests.smmplus.batches import Batch, request_for
with Journal(sys.argv[1]) as journal:
    batch = Batch(journal, campaign="winter")
    for number in range(100000):
        (entry,) = batch.plan(request=request_for(f"https://example.com/{number}"), cost="0.01")
        batch.settle(batch.intend(entry), Event.ORDER_ID, str(900000 + number))
        if number == 3:
            print("writing", flush=True)
"""


@pytest.mark.e2e
@on_both
def test_backups_while_another_process_writes_are_sound_states_of_one_moment(busy, tmp_path):
    command = [sys.executable, "-c", WRITER, url_of(busy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as writer:
        try:
            assert writer.stdout.readline() == "writing\n"
            sizes = []
            for number in range(4):
                copied = back_up(url_of(busy), tmp_path / f"{number}.sqlite3", NOON)
                assert copied.findings == ()
                sizes.append(copied.orders)
        finally:
            writer.kill()
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 1


def test_a_journal_moves_into_postgresql_whole_and_goes_on_there(busy, server_url):
    busy.close()
    with Journal(url_of(busy)) as mover:
        mover.recover_crashed_runs()
        before, uuid = all_rows(url_of(busy)), mover.uuid
        copied = move(mover, server_url)
    assert all_rows(server_url) == before
    assert copied.orders == 30
    with Journal(server_url) as there:
        assert there.uuid == uuid
        assert there.ensure_account("https://other.example", "main") == 3
        batch = Batch(there, campaign="anew")
        assert (batch.campaign, batch.id, batch.accepted("8888").id) == (4, 4, 31)
        with there.reading() as connection:
            assert list(audit(connection)) == []


def test_nothing_is_placed_from_a_journal_that_has_moved(busy, server_url):
    busy.close()
    with Journal(url_of(busy)) as early:
        with Journal(url_of(busy)) as mover:
            move(mover, server_url)
        with pytest.raises(JournalError, match=r"has moved to postgresql://.*set SMMPLUS_JOURNAL to that"):
            early.begin_run()
    with pytest.raises(JournalError, match="has moved to postgresql://"):
        Journal(url_of(busy))


def test_nothing_moves_while_a_run_is_alive(busy, server_url):
    with Journal(url_of(busy)) as other:
        other.begin_run()
        busy.close()
        with Journal(url_of(busy)) as mover, pytest.raises(JournalInUseError, match="is placing orders since"):
            move(mover, server_url)
    with Journal(url_of(busy)) as mover:
        assert move(mover, server_url).orders == 30


def test_what_a_dead_process_was_sending_moves_as_in_doubt(busy, server_url):
    with busy.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM entries WHERE state = 'sending'")).scalar_one() == 3
    busy.close()
    with Journal(url_of(busy)) as mover:
        move(mover, server_url)
    with Journal(server_url) as there:
        assert len(there.in_doubt()) == 3


def test_order_ids_that_a_run_left_just_now_are_not_left_behind(journal, server_url, monkeypatch):
    """It ended after crashed runs were recovered, and before the file was closed to others."""
    batch = Batch(journal)
    (entry,) = batch.plan()
    recover = journal.recover_crashed_runs

    def and_another_dies():
        recover()
        rescued(batch, entry, "777")

    monkeypatch.setattr(journal, "recover_crashed_runs", and_another_dies)
    with pytest.raises(JournalInUseError, match="left order ids next to the journal"):
        move(journal, server_url)
    monkeypatch.setattr(journal, "recover_crashed_runs", recover)
    assert move(journal, server_url).orders == 1
    with Journal(server_url) as moved:
        assert moved.with_ids([entry.id])[entry.id].order_id == "777"


def test_a_database_that_holds_a_journal_is_not_written_over(busy, server_url):
    with Journal(server_url) as other:
        Batch(other).accepted("5")
    rows = all_rows(server_url)
    busy.close()
    with Journal(url_of(busy)) as mover, pytest.raises(JournalConflictError, match="already has a journal"):
        move(mover, server_url)
    assert all_rows(server_url) == rows
    with Journal(url_of(busy)) as still:
        assert still.begin_run()


def test_a_journal_that_was_only_opened_there_gives_way(busy, server_url):
    with Journal(server_url):
        pass
    busy.close()
    with Journal(url_of(busy)) as mover:
        move(mover, server_url)
    with Journal(server_url) as there:
        assert there.uuid == said_of(url_of(busy))["uuid"]


def test_a_journal_that_is_not_sound_does_not_move(busy, server_url):
    with busy._engine.begin() as connection:
        connection.execute(text("UPDATE campaigns SET spent = '7' WHERE id = 1"))
    busy.close()
    with Journal(url_of(busy)) as mover, pytest.raises(JournalError, match=r"it has errors.*smmplus journal check"):
        move(mover, server_url)
    with pytest.raises(JournalError, match="was never finished"):
        Journal(server_url)
    with Journal(url_of(busy)) as still:
        assert still.begin_run()


def test_a_move_that_was_broken_off_begins_anew(busy, server_url, monkeypatch):
    busy.close()

    def die(*_):
        raise KeyboardInterrupt

    with Journal(url_of(busy)) as mover, monkeypatch.context() as broken:
        broken.setattr(backup_and_move, "_read_back", die)
        with pytest.raises(KeyboardInterrupt):
            move(mover, server_url)
    with pytest.raises(JournalError, match="never finished: run `smmplus journal copy` again"):
        Journal(server_url)
    with Journal(url_of(busy)) as mover:
        assert move(mover, server_url).orders == 30
    with Journal(server_url) as there:
        assert there.begin_run()


def test_a_move_that_was_broken_off_in_its_last_step_is_finished(busy, server_url, monkeypatch):
    """At no moment are there two journals that place orders; for this moment there is none."""
    busy.close()
    with Journal(url_of(busy)) as mover, monkeypatch.context() as broken:
        broken.setattr(backup_and_move, "finish_move", lambda *_: None)
        move(mover, server_url)
    for url in (url_of(busy), server_url):
        with pytest.raises(JournalError, match=r"moved|never finished"):
            Journal(url)
    assert finish_move(busy.path, server_url) == 30
    assert finish_move(busy.path, server_url) is None
    with Journal(server_url) as there:
        assert there.begin_run()


def test_a_password_in_the_address_is_refused_and_not_told(busy):
    with pytest.raises(ConfigurationError, match="PGPASSFILE") as caught:
        move(busy, "postgresql://ayu:secret123@127.0.0.1:1/smm")
    assert "secret123" not in str(caught.value)


def test_a_server_that_is_not_there_is_named_and_the_journal_stays(busy):
    busy.close()
    with Journal(url_of(busy)) as mover, pytest.raises(JournalError, match=r"postgresql://postgres@127\.0\.0\.1:1/smm"):
        move(mover, "postgresql://postgres@127.0.0.1:1/smm")
    with Journal(url_of(busy)) as still:
        assert still.begin_run()


@pytest.fixture
def backup(busy, tmp_path):
    to = tmp_path / "backup.sqlite3"
    back_up(url_of(busy), to, NOON)
    busy.close()
    return to


def test_a_restored_backup_is_a_sound_journal_and_another_one(busy, backup, tmp_path):
    path = tmp_path / "new" / "journal.sqlite3"
    restored = restore(backup, sqlite.url_of(path), "2026-01-02T00:00:00.000+00:00")
    said, old = said_of(sqlite.url_of(path)), said_of(sqlite.url_of(backup))
    assert (restored.at, said["restored"], "backup" in said) == (NOON, NOON, False)
    assert said["uuid"] != old["uuid"]
    with Journal(sqlite.url_of(path)) as journal, journal.reading() as connection:
        assert list(audit(connection)) == []
    assert old["backup"] == NOON


def test_what_a_backup_had_not_seen_sent_is_in_doubt_not_sent_again(busy, backup, tmp_path):
    path = tmp_path / "new" / "journal.sqlite3"
    restored = restore(backup, sqlite.url_of(path), "2026-01-02T00:00:00.000+00:00")
    with Journal(sqlite.url_of(path)) as journal:
        journal.recover_crashed_runs()
        states = {entry.state for batch in (1, 2, 3) for entry in journal.of_batch(batch)}
        doubts = journal.in_doubt()
        assert states == {State.PLACED, State.IN_DOUBT}
        assert restored.doubts == 3 * 5  # three planned, one held back, one refused
        assert len(doubts) == restored.doubts + 3  # and one that was being sent
        doubt = next(entry for entry in doubts if entry.attempt == 0)
        assert "restored from a backup of 2026-01-01T12:00" in doubt.error
        journal.resolve_as_not_placed(doubt, why="the panel's page says so")
        assert journal.with_ids([doubt.id])[doubt.id].state is State.NOT_SENT


def test_what_a_backup_had_not_seen_sent_counts_as_spent(tmp_path):
    with Journal(sqlite.url_of(tmp_path / "a")) as journal:
        batch = Batch(journal)
        batch.plan(cost="0.1")
        batch.plan(cost=None, request=request_for("https://example.com/other"))
        batch.accepted(cost="100")
        back_up(url_of(journal), tmp_path / "backup", NOON)
    restore(tmp_path / "backup", sqlite.url_of(tmp_path / "b"), NOON)
    with Journal(sqlite.url_of(tmp_path / "b")) as journal:
        assert str(journal.spent(1)) == "100.1"


def test_a_backup_takes_no_journal_s_place(busy, backup):
    with pytest.raises(JournalConflictError, match=r"is there: move it away.*keep it"):
        restore(backup, url_of(busy), NOON)


def test_a_backup_is_not_mixed_with_another_journal_s_latest_changes(busy, backup, tmp_path):
    (tmp_path / "new-wal").write_bytes(b"x")
    with pytest.raises(JournalConflictError, match="new-wal belongs to another journal: move it away"):
        restore(backup, sqlite.url_of(tmp_path / "new"), NOON)


def test_a_backup_is_not_restored_where_no_journal_holds(busy, backup, tmp_path):
    (tmp_path / "Dropbox").mkdir()
    with pytest.raises(ConfigurationError, match="Dropbox synchronises"):
        restore(backup, sqlite.url_of(tmp_path / "Dropbox" / "a"), NOON)


def test_only_a_backup_is_restored(busy, tmp_path):
    with pytest.raises(JournalError, match="is not a backup that"):
        made_at(busy.path)
    (tmp_path / "torn").write_bytes(b"SQLite")
    with pytest.raises(JournalError, match="damaged"):
        made_at(tmp_path / "torn")


def test_a_backup_is_restored_into_postgresql(busy, backup, server_url):
    restored = restore(backup, server_url, NOON)
    assert restored.doubts == 15
    with Journal(server_url) as journal:
        assert journal.begin_run()
        with journal.reading() as connection:
            assert list(audit(connection)) == []
        assert Batch(journal, campaign="later").accepted("4711").order_id == "4711"


def test_a_journal_comes_back_from_postgresql_as_a_backup_that_is_restored(server_url, tmp_path):
    with Journal(server_url) as journal:
        fill_journal(journal)
        back_up(server_url, tmp_path / "backup.sqlite3", NOON)
    restore(tmp_path / "backup.sqlite3", sqlite.url_of(tmp_path / "a"), NOON)
    with Journal(sqlite.url_of(tmp_path / "a")) as journal:
        entry = Batch(journal, campaign="later").plan()[0]
        batch = Batch(journal, campaign="later")
        assert batch.settle(batch.intend(entry), Event.ORDER_ID, "4711").order_id == "4711"


def test_the_journal_s_own_schema_is_where_the_copy_stands(busy, server_url):
    busy.close()
    with Journal(url_of(busy)) as mover:
        move(mover, server_url)
    with snapshot(server_url) as connection:
        found = connection.execute(text("SELECT DISTINCT table_schema FROM information_schema.tables")).scalars().all()
    assert postgres.SCHEMA in found
    assert "public" not in found
