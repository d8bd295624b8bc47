import sqlite3
import threading
import traceback
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from smmplus.errors import ConfigurationError, JournalError, JournalInUseError
from smmplus.journal.backends import postgres, sqlite
from smmplus.journal.backends.open import default_url
from smmplus.journal.entry import Planned, key_of
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event, State
from smmplus.orders.models import OrderStatus
from tests.databases import DATABASES, on_sqlite, url_of
from tests.smmplus.batches import LINK, Batch, request_for

RUNS_ON = DATABASES

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def file_url(path):
    return f"sqlite:///{path}"


@pytest.fixture
def impatient(monkeypatch):
    """Let journals that are opened from here on wait for others but a moment."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(postgres, "BUSY_SECONDS", 0.1)


def test_a_journal_and_its_folders_are_made(tmp_path):
    path = tmp_path / "deep" / "folder" / "journal.sqlite3"
    with Journal(file_url(path)):
        assert path.exists()


def test_a_journal_keeps_its_uuid(tmp_path):
    with Journal(file_url(tmp_path / "a")) as first:
        uuid = first.uuid
    with Journal(file_url(tmp_path / "a")) as again, Journal(file_url(tmp_path / "b")) as other:
        assert (again.uuid, other.uuid == uuid, len(uuid)) == (uuid, False, 36)


@on_sqlite
@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("fullfsync", 1), ("foreign_keys", 1)]
)
def test_what_is_committed_survives_a_crash_of_the_machine(journal, pragma, value):
    with journal._engine.connect() as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


def test_a_transaction_is_the_only_writer_from_its_beginning(journal_url, impatient):
    with (
        Journal(journal_url) as journal,
        Journal(journal_url) as other,
        journal.transaction(),
        pytest.raises(JournalInUseError, match="another program holds the journal"),
        other.transaction(),
    ):
        raise AssertionError("two at once")


def test_reading_neither_waits_for_a_writer_nor_keeps_one_waiting(batch):
    entry = batch.in_doubt()
    with batch.journal._engine.begin():
        assert batch.journal.in_doubt() == [entry]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://user:secret@host/db",
        "postgresql//user:secret@host/db",
        "user:secret@host/db",
        "sqlite://user:secret@/journal.sqlite3",
        "sqlite://data/journal.sqlite3",
        "sqlite:///journal.sqlite3?mode=ro",
    ],
)
def test_what_names_no_sqlite_file_is_refused(url, monkeypatch):
    monkeypatch.setattr("smmplus.journal.journal.default_url", lambda: "nonsense")
    with pytest.raises(ConfigurationError) as caught:
        Journal(url)
    assert "secret" not in "".join(traceback.format_exception(caught.value)).partition("Journal(url)")[2]


def test_the_default_journal_is_the_user_s_one():
    assert default_url().endswith("journal.sqlite3")


def test_a_home_folder_may_be_written_short(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with Journal("sqlite:///~/journal.sqlite3") as journal:
        assert journal.path == tmp_path / "journal.sqlite3"


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "sheet.xlsx"
    path.write_bytes(b"PK\x03\x04" + b"x" * 2000)
    with pytest.raises(JournalError, match="cannot be used"):
        Journal(file_url(path))


def test_a_folder_that_cannot_be_made_is_a_journal_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(JournalError, match="cannot be used"):
        Journal(file_url(tmp_path / "file" / "journal.sqlite3"))


def test_a_journal_of_another_version_is_refused(tmp_path):
    with Journal(file_url(tmp_path / "a")) as journal, journal._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE meta SET value = '99' WHERE name = 'version'")
    with pytest.raises(JournalError, match="version 99"):
        Journal(file_url(tmp_path / "a"))


def test_an_account_is_its_address_and_name(journal):
    numbers = {
        journal.ensure_account("https://smm.plus/api/v2", "main"),
        journal.ensure_account("https://smm.plus/api/v2", "other"),
        journal.ensure_account("https://panel.example/api/v2", "main"),
    }
    assert len(numbers) == 3


@pytest.mark.parametrize(
    "same",
    ["https://smm.plus/api/v2", "https://smm.plus/api/v2/", "https://SMM.plus/api/v2", "HTTPS://smm.plus:443/api/v2"],
)
def test_one_address_written_otherwise_is_the_same_account(journal, same):
    """As two accounts, every order of the one would be placed again for the other."""
    assert journal.ensure_account(same, "main") == journal.ensure_account("https://smm.plus/api/v2", "main")


@on_sqlite
def test_no_table_has_a_column_for_a_key_of_the_api(batch):
    columns = {row[0] for row in batch.rows("SELECT p.name FROM sqlite_master m, pragma_table_info(m.name) p")}
    assert {name for name in columns if "api" in name or "secret" in name or "token" in name} == set()


def test_a_campaign_is_its_account_s(journal):
    one, other = (
        journal.ensure_account("https://a.example", "main"),
        journal.ensure_account("https://b.example", "main"),
    )
    assert journal.ensure_campaign(one, "spring") == journal.ensure_campaign(one, "spring")
    assert journal.ensure_campaign(one, "spring") != journal.ensure_campaign(other, "spring")


def test_a_new_campaign_has_spent_nothing(batch):
    assert batch.spent() == Decimal(0)


def test_the_unfinished_batch_of_a_file_is_found_until_it_is_finished(batch):
    assert batch.journal.latest_batch(batch.campaign, "sheet.xlsx") == batch.id
    batch.journal.finish_batch(batch.id)
    assert batch.journal.latest_batch(batch.campaign, "sheet.xlsx") is None


def test_the_latest_of_several_unfinished_batches_is_taken(batch):
    later = batch.journal.open_batch(batch.campaign, "sheet.xlsx")
    assert batch.journal.latest_batch(batch.campaign, "sheet.xlsx") == later


def test_another_file_s_batch_is_not_found(batch):
    assert batch.journal.latest_batch(batch.campaign, "other.xlsx") is None


def test_a_planned_entry_says_who_it_is_and_what_it_orders(batch):
    (entry,) = batch.plan(cost="0.90")
    request = request_for()
    assert (entry.account, entry.campaign, entry.source, entry.batch_id) == ("main", "spring", "sheet.xlsx", batch.id)
    assert (entry.key, entry.fingerprint, entry.request, entry.cost) == (
        key_of(request, 1),
        request.fingerprint,
        request,
        Decimal("0.90"),
    )
    assert (entry.state, entry.attempt, entry.order_id, entry.batch_finished) == (State.NOT_SENT, 0, None, False)


def test_an_entry_s_name_is_campaign_and_key(batch):
    (entry,) = batch.plan()
    assert entry.name == f"spring/{entry.key}"


def test_a_key_is_planned_once_in_a_campaign(batch):
    (entry,) = batch.plan()
    with pytest.raises(JournalError, match=r"UNIQUE|unique"):
        batch.journal.plan(batch.campaign, batch.id, [Planned(entry.key, request_for(), None)], {})


def test_the_same_key_may_stand_in_another_campaign(journal):
    one, other = Batch(journal, "spring"), Batch(journal, "autumn")
    assert one.plan()[0].key == other.plan()[0].key


def test_a_batch_s_entries_come_in_the_order_of_planning(batch):
    entries = batch.plan(3)
    assert [entry.id for entry in batch.journal.of_batch(batch.id)] == [entry.id for entry in entries]


def test_more_keys_than_one_query_takes_are_found(batch):
    entries = batch.plan(1201)
    found = batch.journal.with_keys(batch.campaign, [entry.key for entry in entries])
    assert len(found) == 1201


def test_equal_orders_are_found_in_all_campaigns_of_the_account(journal):
    one, other = Batch(journal, "spring"), Batch(journal, "autumn")
    stranger = Batch(journal, "spring", account="stranger")
    wanted = {one.plan()[0].id, other.plan()[0].id}
    stranger.plan()
    found = journal.with_fingerprints(one.account, [request_for().fingerprint])
    assert {entry.id for entry in found} == wanted


def test_an_order_is_found_by_its_id_in_its_account_alone(journal):
    one, stranger = Batch(journal), Batch(journal, account="stranger")
    entry = one.accepted("501")
    assert journal.with_order_ids(one.account, ["501", "999"]).keys() == {"501"}
    assert journal.with_order_ids(one.account, ["501"])["501"].id == entry.id
    assert journal.with_order_ids(stranger.account, ["501"]) == {}


def again(batch, entry, cost="2"):
    later = batch.journal.open_batch(batch.campaign, "later.xlsx")
    batch.journal.plan(batch.campaign, later, [], {entry.id: Planned(entry.key, entry.request, Decimal(cost))})
    return later, batch.now(entry)


def test_a_refused_entry_is_planned_again_in_a_new_batch_at_today_s_price(batch):
    (entry,) = batch.plan()
    batch.settle(batch.intend(entry), Event.REFUSAL, error="Bad link")
    later, now = again(batch, entry)
    assert (now.state, now.batch_id, now.cost, now.attempt) == (State.NOT_SENT, later, Decimal(2), 1)


def test_a_planned_entry_is_taken_into_the_new_batch(batch):
    (entry,) = batch.plan()
    later, now = again(batch, entry)
    assert (now.state, now.batch_id, now.cost) == (State.NOT_SENT, later, Decimal(2))


@pytest.mark.parametrize("event", [None, Event.DOUBT, Event.ORDER_ID])
def test_what_is_under_way_in_doubt_or_accepted_is_never_planned_again(batch, event):
    (entry,) = batch.plan()
    attempt = batch.intend(entry)
    if event:
        batch.settle(attempt, event, "501" if event is Event.ORDER_ID else None)
    before = batch.now(entry)
    assert again(batch, entry)[1] == before


STATUS = OrderStatus("Partial", Decimal("0.27819"), 3572, -157, "USD")


def test_what_was_polled_is_written_down(batch):
    entry = batch.accepted()
    batch.journal.record_statuses({entry.id: STATUS})
    now = batch.now(entry)
    assert (now.order_status, now.charge, now.start_count, now.remains, now.currency, now.final) == (
        "Partial",
        Decimal("0.27819"),
        "3572",
        "-157",
        "USD",
        True,
    )
    assert now.polled_at is not None


@pytest.mark.parametrize("word", ["Pending", "In progress", "Вручную"])
def test_a_word_that_is_not_final_leaves_the_order_open(batch, word):
    entry = batch.accepted()
    batch.journal.record_statuses({entry.id: OrderStatus(word, None, None, None, "")})
    now = batch.now(entry)
    assert (now.final, now.charge, now.start_count, now.remains) == (False, None, None, None)


def test_nothing_polled_is_nothing_written(batch):
    entry = batch.accepted()
    batch.journal.record_statuses({})
    assert batch.now(entry).polled_at is None


def test_times_are_utc_in_iso_8601(tmp_path):
    with Journal(file_url(tmp_path / "a"), now=lambda: NOON) as journal:
        batch = Batch(journal)
        entry = batch.accepted()
        assert (entry.sent_at, entry.settled_at) == ("2026-01-01T12:00:00.000+00:00",) * 2


def test_a_run_is_begun_once(journal):
    assert journal.begin_run() == journal.begin_run()


def test_a_run_says_who_it_is(batch):
    run = batch.journal.begin_run()
    ((number, pid, started, ended),) = batch.rows("SELECT id, pid, started_at, ended_at FROM runs")
    assert (number, pid > 0, started > "2026", ended) == (run, True, True, None)


def test_a_closed_journal_ends_its_run(tmp_path):
    with Journal(file_url(tmp_path / "a")) as journal:
        batch = Batch(journal)
        journal.begin_run()
    assert batch.rows("SELECT 1 FROM runs WHERE ended_at IS NULL") == []


def test_a_campaign_is_held_against_other_runs_and_the_holder_is_named(batch):
    batch.journal.hold_campaign(batch.campaign, wait=0)
    with (
        Journal(url_of(batch.journal)) as other,
        pytest.raises(JournalInUseError, match="campaign 'spring' is being placed by process"),
    ):
        other.hold_campaign(batch.campaign, wait=0)


def test_a_campaign_is_free_when_its_holder_has_closed(batch):
    with Journal(url_of(batch.journal)) as other:
        other.hold_campaign(batch.campaign, wait=0)
    batch.journal.hold_campaign(batch.campaign, wait=0)
    assert batch.rows("SELECT holder FROM campaigns") == [(batch.journal.begin_run(),)]


def test_a_holder_that_is_not_on_record_yet_is_another_run(batch):
    with Journal(url_of(batch.journal)) as other:
        other._locks.take(f"campaign-{batch.campaign}")
        with pytest.raises(JournalInUseError, match="another run is placing"):
            batch.journal.hold_campaign(batch.campaign, wait=0)


def test_another_campaign_may_be_held_at_the_same_time(batch):
    batch.journal.hold_campaign(batch.campaign, wait=0)
    with Journal(url_of(batch.journal)) as other:
        other.hold_campaign(other.ensure_campaign(batch.account, "autumn"), wait=0)
        assert len(batch.rows("SELECT holder FROM campaigns WHERE holder IS NOT NULL")) == 2


def test_a_user_without_a_name_is_written_by_number(batch, monkeypatch):
    def nameless():
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", nameless)
    batch.journal.begin_run()
    ((user,),) = batch.rows('SELECT "user" FROM runs')
    assert user.isdigit() or user == "unknown"


def test_links_are_kept_as_they_are(batch):
    (entry,) = batch.plan(request=request_for(link=LINK + "?ä=👍'\"--"))
    assert entry.request.values["link"] == LINK + "?ä=👍'\"--"


def test_another_programs_database_is_no_journal_and_gets_no_tables_of_ours(tmp_path):
    path = tmp_path / "other.sqlite3"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE entries (name TEXT)")
    other.close()
    with pytest.raises(JournalError, match="another program's database"):
        Journal(f"sqlite:///{path}")
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("entries",)]
    other.close()


@on_sqlite
def test_a_journal_that_another_program_holds_is_in_use(journal_url, impatient):
    with Journal(journal_url) as journal:
        holder = sqlite3.connect(journal.path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalInUseError, match="another program holds the journal"):
            journal.ensure_account("https://panel.example", "default")
        holder.close()


def test_many_that_open_a_journal_at_once_make_one(journal_url):
    uuids, together = [], threading.Barrier(5)

    def open_it():
        together.wait(30)
        with Journal(journal_url) as journal:
            uuids.append(journal.uuid)

    threads = [threading.Thread(target=open_it) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(uuids), len(set(uuids))) == (5, 1)


def test_a_name_that_cannot_be_written_is_a_journal_error_on_both(journal):
    """By names orders are told apart: a sign replaced in one could make two of them equal."""
    with pytest.raises(JournalError, match="cannot be used"):
        journal.ensure_account("https://panel.example", "half a pair \ud83d")
