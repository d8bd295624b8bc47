"""What a journal in PostgreSQL asks of its server, and what becomes of it when the server or the way there fails."""

import re
import socket
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from smmplus.errors import ConfigurationError, JournalError
from smmplus.journal.backends import pg_connection, postgres
from smmplus.journal.journal import Journal
from smmplus.journal.state_machine import Event, State
from tests.databases import rows_of
from tests.postgres import WITH_PASSWORD, fresh_database, server
from tests.smmplus.batches import Batch
from tests.smmplus.wire import refused_port

pytestmark = pytest.mark.slow

RUNS_ON = ["postgresql"]

PASSWORD = "pa55-wörd"


def refusal(url):
    """Open a journal in vain, and give what is said."""
    with pytest.raises(JournalError) as caught, Journal(url):
        pass
    return str(caught.value)


def end_all_of(user):
    server().execute(f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = '{user}'")  # noqa: S608


def end(connection):
    """End the server's process behind a connection."""
    process = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    server().execute(f"SELECT pg_terminate_backend({process}, 60000)")


# Which database.


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_way_to_write_the_address_means_the_same(journal_url, scheme):
    with Journal(journal_url) as journal, Journal(journal_url.replace("postgresql", scheme, 1)) as same:
        assert (same.uuid, same.where) == (journal.uuid, journal_url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:secret@host:port/db",
        "postgresql://user:s@secret@host/db",
        "postgresql://us/er:secret@host/db",
        "postgresql+psycopg2://user:secret@host/db",
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_without_its_password(url):
    with pytest.raises(ConfigurationError, match="SMMPLUS_JOURNAL") as caught:
        Journal(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ani:secret@db.example:5433/orders?sslmode=require", "postgresql://ani@db.example:5433/orders"),
        ("postgresql:///orders?host=/run/postgresql&password=secret", "postgresql:///run/postgresql/orders"),
        ("postgresql:///orders?host=one&host=other", "postgresql://one,other/orders"),
        ("postgresql://", "postgresql:///"),
    ],
)
def test_a_journal_is_called_by_its_server_and_database(url, shown):
    assert postgres.where(postgres.parsed(url)) == shown


def test_without_the_driver_one_is_told_what_to_install(journal_url, monkeypatch):
    monkeypatch.setitem(sys.modules, "smmplus.journal.backends.pg_connection", None)
    monkeypatch.delattr("smmplus.journal.backends.pg_connection")
    with pytest.raises(ConfigurationError, match=r"pip install 'airflow-provider-smmplus\[postgres\]'"):
        Journal(journal_url)


def test_the_tables_stand_in_a_schema_of_their_own(journal_url):
    rows_of(journal_url, "CREATE TABLE public.entries (theirs TEXT)")
    with Journal(journal_url) as journal:
        Batch(journal).accepted()
    assert rows_of(journal_url, "SELECT * FROM public.entries") == []
    rows_of(journal_url, "DROP TABLE public.entries")


def test_text_is_compared_byte_by_byte(journal, journal_url):
    columns = (
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'smmplus' AND column_name IN ('at', 'key', 'sent_at') AND collation_name = 'C'"
    )
    assert len(rows_of(journal_url, columns)) == 8


# What is refused.


def test_a_server_that_is_not_there_is_a_journal_error():
    assert "Connection refused" in refusal(f"postgresql://postgres@127.0.0.1:{refused_port()}/db")


def test_a_database_that_is_not_there_is_named():
    assert 'database "nowhere" does not exist' in refusal(server().url("nowhere"))


@pytest.mark.parametrize("setting", ["synchronous_commit=off", "default_transaction_read_only=on"])
def test_a_database_that_asks_for_less_is_refused_before_anything_is_made(setting):
    name = fresh_database()
    server().execute(f"ALTER DATABASE {name} SET {setting}")
    assert setting.partition("=")[0] in refusal(server().url(name))
    assert rows_of(server().url(name), "SELECT 1 FROM pg_namespace WHERE nspname = 'smmplus'") == []


def test_a_server_that_writes_nothing_to_disk_is_refused(journal_url):
    def set_to(value):
        server().execute(f"ALTER SYSTEM SET fsync = {value}")
        server().execute("SELECT pg_reload_conf()")
        while server().execute("SHOW fsync") != [(value,)]:
            pass

    set_to("off")
    try:
        assert "fsync=off" in refusal(journal_url)
    finally:
        set_to("on")


def test_a_database_that_cannot_hold_every_sign_is_refused():
    name = fresh_database()
    server().execute(f"CREATE DATABASE {name}_latin ENCODING 'LATIN1' TEMPLATE template0")
    assert "LATIN1" in refusal(server().url(f"{name}_latin"))


def test_a_standby_is_refused():
    standing = postgres._ServerState(1, True, "on", "on", "on", "UTF8")
    assert "standby" in postgres._unfit(standing, 1)


def test_what_was_checked_of_durability_cannot_be_taken_back_under_a_run(journal, journal_url):
    database = journal_url.rpartition("/")[2]
    with journal.reading() as connection:
        server().execute("ALTER SYSTEM SET synchronous_commit = off")
        server().execute("SELECT pg_reload_conf()")
        try:
            while rows_of(journal_url, "SHOW synchronous_commit") != [{"synchronous_commit": "off"}]:
                pass
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on", database
        finally:
            server().execute("ALTER SYSTEM RESET synchronous_commit")
            server().execute("SELECT pg_reload_conf()")


def test_who_may_make_no_tables_is_told_what_the_owner_has_to_run(journal_url):
    name = journal_url.rpartition("/")[2]
    server().execute("DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN")
    url = server().url(name, user="guest")
    said = refusal(url)
    remedy = said.rpartition("run ")[2]
    assert remedy == 'CREATE SCHEMA smmplus AUTHORIZATION "guest"'
    server().execute(remedy, name)
    with Journal(url) as journal:
        assert Batch(journal).accepted().order_id == "501"


def test_who_may_only_read_is_told_so_before_anything_is_planned(journal, journal_url):
    batch = Batch(journal)
    name = journal_url.rpartition("/")[2]
    server().execute("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN")
    server().execute(
        "GRANT USAGE ON SCHEMA smmplus TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA smmplus TO reader", name
    )
    with Journal(server().url(name, user="reader")) as reader:
        assert reader.ensure_account("https://smm.plus/api/v2", "main") == batch.account
        with pytest.raises(JournalError, match="permission denied"):
            reader.begin_run()
    server().execute("DROP OWNED BY reader; DROP ROLE reader", name)


def test_what_an_administrator_runs_as_documented_is_enough(journal_url):
    page = Path(__file__).parents[3] / "docs" / "money-safety.md"
    (block,) = re.findall(r"^```sql\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    name = journal_url.rpartition("/")[2]
    server().execute("DROP ROLE IF EXISTS smm")
    server().execute(block, name)
    with Journal(server().url(name, user="smm")) as journal:
        assert Batch(journal).accepted().order_id == "501"
    server().execute("DROP OWNED BY smm; DROP ROLE smm", name)


def test_another_programs_schema_is_no_journal(journal_url):
    rows_of(journal_url, "CREATE SCHEMA smmplus; CREATE TABLE smmplus.entries (theirs TEXT)")
    assert "another program's database" in refusal(journal_url)


# The password.


@pytest.fixture
def guarded(journal_url, monkeypatch):
    """Give the address of a database for a user who has to give a password; it stands in it if told so."""
    for name in ("PGPASSWORD", "PGPASSFILE"):
        monkeypatch.delenv(name, raising=False)
    name = journal_url.rpartition("/")[2]
    server().execute(f"DROP ROLE IF EXISTS {WITH_PASSWORD}; CREATE ROLE {WITH_PASSWORD} LOGIN PASSWORD '{PASSWORD}'")
    server().execute(f"CREATE SCHEMA smmplus AUTHORIZATION {WITH_PASSWORD}", name)
    yield lambda password="": server().url(name, user=f"{WITH_PASSWORD}:{password}" if password else WITH_PASSWORD)
    server().execute("DROP SCHEMA smmplus CASCADE", name)


def test_the_password_may_stand_in_the_environment(guarded, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with Journal(guarded()) as journal:
        assert journal.uuid


def test_the_password_may_stand_in_a_file(guarded, monkeypatch, tmp_path):
    (tmp_path / "pgpass").write_text(f"127.0.0.1:*:*:{WITH_PASSWORD}:{PASSWORD}\n", "utf-8")
    (tmp_path / "pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    with Journal(guarded()) as journal:
        assert journal.uuid


def test_a_password_in_the_address_is_never_shown(guarded):
    with Journal(guarded(PASSWORD)) as journal:
        batch = Batch(journal)
        (entry,) = batch.plan()
        end_all_of(WITH_PASSWORD)
        server().execute(f"ALTER ROLE {WITH_PASSWORD} PASSWORD 'another'")
        with pytest.raises(JournalError) as caught:
            batch.now(entry)
    shown = [journal.where, repr(journal._engine), str(caught.value), repr(caught.value.__cause__)]
    assert [text for text in shown if PASSWORD in text] == []


@pytest.mark.parametrize("password", ["", "wrong-wörd"])
def test_a_password_that_is_wrong_or_missing_is_a_journal_error_without_it(guarded, password):
    said = refusal(guarded(password))
    assert ("password" in said, "wörd" in said) == (True, False)


# The way there.


class Relay:
    """A way to the server that can be cut, can fall silent, and can lie about who serves."""

    def __init__(self, *, pretend=False):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._pretend = pretend
        self._sockets = []
        self.silent = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            upstream = socket.create_connection(("127.0.0.1", server().port))
            self._sockets += [client, upstream]
            threading.Thread(target=self._carry, args=(client, upstream, bytes), daemon=True).start()
            change = self._another_process if self._pretend else bytes
            threading.Thread(target=self._carry, args=(upstream, client, change), daemon=True).start()

    def _carry(self, source, target, change):
        try:
            while data := source.recv(65536):
                if not self.silent.is_set():
                    target.sendall(change(data))
        except OSError:
            pass
        finally:
            for end in (source, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _another_process(data):
        """Put another number into BackendKeyData, as a pooler does: its clients share the server's processes."""
        head = b"K" + struct.pack(">I", 12)
        at = data.find(head)
        return data if at < 0 else data[: at + 5] + struct.pack(">I", 1) + data[at + 9 :]

    def cut(self):
        for end in self._sockets:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listening.shutdown(socket.SHUT_RDWR)
        self.cut()
        for end in (self._listening, *self._sockets):
            end.close()

    def url(self, journal_url):
        return server().url(journal_url.rpartition("/")[2], port=self.port)


def test_a_journal_behind_a_relay_that_changes_nothing_works(journal_url):
    with Relay() as relay, Journal(relay.url(journal_url)) as journal:
        assert Batch(journal).accepted().order_id == "501"


def test_a_pooler_is_refused(journal_url):
    with Relay(pretend=True) as relay:
        assert "a connection pooler stands before the server" in refusal(relay.url(journal_url))


def test_behind_a_pooler_nothing_is_set_that_the_next_user_would_find(journal_url, monkeypatch):
    monkeypatch.setattr(postgres, "_SET", "SELECT 1 / 0 WHERE '' <> %s || %s")
    with Relay(pretend=True) as relay:
        assert "a connection pooler" in refusal(relay.url(journal_url))


def test_a_way_that_falls_silent_is_a_journal_error(journal_url, monkeypatch):
    with Relay() as relay, Journal(relay.url(journal_url)) as journal:
        batch = Batch(journal)
        (entry,) = batch.plan()
        journal.begin_run()
        monkeypatch.setattr(pg_connection, "ANSWER_SECONDS", 0.2)
        relay.silent.set()
        with pytest.raises(JournalError, match="has not answered"):
            batch.intend(entry)
        relay.silent.clear()
    with Journal(journal_url) as journal:
        assert Batch(journal).now(entry).state is State.NOT_SENT


def test_after_a_cut_no_intent_is_taken_and_outcomes_still_are(journal_url):
    """Others may have taken this run for dead, and a late order id is still an order id."""
    with Relay() as relay, Journal(relay.url(journal_url)) as journal:
        batch = Batch(journal)
        first, second = batch.plan(2)
        attempt = batch.intend(first)
        relay.cut()
        with pytest.raises(JournalError, match="is lost"):
            batch.intend(second)
        with Journal(journal_url) as other:
            while not (recovered := other.recover_crashed_runs()):  # the server is about to notice that nobody is there
                pass
            assert [entry.id for entry in recovered] == [first.id]
        batch.settle(attempt, Event.ORDER_ID, "501")
        with pytest.raises(JournalError, match="is lost"):
            batch.intend(second)
        assert (batch.now(first).order_id, batch.now(first).state) == ("501", State.PLACED)
        assert batch.now(second).state is State.NOT_SENT


def test_a_server_that_goes_in_the_middle_of_a_commit_is_a_journal_error(journal, journal_url):
    batch = Batch(journal)
    (entry,) = batch.plan()
    with pytest.raises(JournalError, match="cannot be used"), journal.transaction() as connection:
        end(connection)
    assert batch.now(entry).state is State.NOT_SENT


def test_who_is_suspended_within_a_transaction_keeps_the_others_waiting_no_longer_than_told(journal_url, monkeypatch):
    monkeypatch.setattr(postgres, "SUSPENDED_SECONDS", 0.1)
    with (
        Journal(journal_url) as suspended,
        Journal(journal_url) as other,
        pytest.raises(JournalError, match="idle-in-transaction"),
        suspended.transaction(),
    ):
        other.ensure_account("https://panel.example", "default")


def test_a_reader_sees_one_state_throughout_and_writes_nothing(journal):
    batch = Batch(journal)
    (entry,) = batch.plan()
    question = "SELECT state FROM entries"
    with journal.reading() as connection:
        before = connection.exec_driver_sql(question).scalar_one()
        batch.intend(entry)
        assert connection.exec_driver_sql(question).scalar_one() == before == "not_sent"
    with pytest.raises(JournalError, match="read-only transaction"), journal.reading() as connection:
        connection.exec_driver_sql("DELETE FROM entries")
