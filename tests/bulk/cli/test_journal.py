"""`smmplus journal` and its parts, as a person and a program meet them."""

import csv
import io
import json
import sqlite3
from contextlib import closing

import pytest

from smmplus.journal import schema
from smmplus.journal.backends import sqlite
from smmplus.journal.journal import Journal
from smmplus.journal.normal_forms import normal_url
from tests.bulk.plans import LINK
from tests.postgres import lent_url

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path):
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def placed(smmplus, path):
    """Place the two orders of a sheet."""
    assert smmplus("run", path, "--yes", "--wait", "0", "--rate", "0").status == 0


@pytest.fixture
def doubtful(smmplus, path, lost):
    """Place a sheet of two, of which the first answer is lost."""
    assert smmplus("run", path, "--yes", "--wait", "0", "--rate", "0", "--in-flight", "1").status == 4


def spoil(place, statement):
    with closing(sqlite3.connect(place)) as database:
        database.execute(statement)
        database.commit()


def test_the_journal_is_shown(smmplus, doubtful, place, sandbox):
    said = smmplus("journal")
    assert said.status == 0
    assert all(
        word in said.words
        for word in (str(place), "In doubt 1", "Placed 1", "smmplus doubts", f"version: {schema.VERSION}")
    )
    about = smmplus("journal", "--json").json
    with Journal(f"sqlite:///{place}") as journal:
        assert about["uuid"] == journal.uuid
    assert (about["journal"], about["in_doubt"], about["restored_from_backup_of"]) == (str(place), 1, None)
    assert {(count["state"], count["orders"], count["url"]) for count in about["orders"]} == {
        ("placed", 1, normal_url(sandbox.address)),
        ("in_doubt", 1, normal_url(sandbox.address)),
    }
    assert about["size"] > 4096


def test_an_order_id_that_waits_to_be_taken_up_is_shown(smmplus, placed, place):
    with Journal(f"sqlite:///{place}") as journal:
        journal.rescue_file()
        assert "do not delete it" in smmplus("journal").words
        assert len(smmplus("journal", "--json").json["rescue_files"]) == 1


def test_a_journal_that_is_not_there_is_not_made(smmplus, place):
    for command in ((), ("export", "a.csv"), ("copy", "b.sqlite3")):
        said = smmplus("journal", *command)
        assert (said.status, "there is no journal" in said.words) == (7, True)
    said = smmplus("journal", "check")
    assert (said.status, "there is no journal" in said.words) == (3, True)
    assert not place.exists()


def test_a_new_journal_has_no_orders_yet(smmplus, place):
    with Journal(f"sqlite:///{place}"):
        pass
    assert "No orders yet" in smmplus("journal").words


def test_a_sound_journal_is_called_so(smmplus, placed, place):
    assert smmplus("journal", "check").words == f"{place}: no problems found"
    assert smmplus("journal", "check", "--json").json == {"journal": str(place), "sound": True, "findings": []}


def test_what_is_wrong_is_told_with_status_3(smmplus, placed, place):
    spoil(place, "UPDATE entries SET order_id = '777' WHERE id = 1")
    said = smmplus("journal", "check")
    assert said.status == 3
    assert "order week/" in said.words
    assert "its order id 777 is in no list of ids" in said.words
    found = smmplus("journal", "check", "--json")
    assert (found.status, found.json["sound"], len(found.json["findings"])) == (3, False, 1)


@pytest.mark.parametrize("which", [(), ("journal.sqlite3",)])
@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_a_journal_that_another_program_holds_is_not_called_unsound(smmplus, placed, place, monkeypatch, which, mode):
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.01)
    with closing(sqlite3.connect(place, isolation_level=None)) as holder:
        holder.execute(f"PRAGMA journal_mode={mode}").close()
        holder.execute("PRAGMA locking_mode=EXCLUSIVE").close()
        holder.execute("BEGIN EXCLUSIVE")
        said = smmplus("journal", "check", *which)
    assert (said.status, "another program holds the journal" in said.words, "problems found" in said.words) == (
        6,
        True,
        False,
    )


def test_only_a_restored_journal_can_be_settled(smmplus, placed):
    said = smmplus("journal", "settle", "--yes")
    assert (said.status, "was not restored from a backup" in said.words) == (2, True)


def test_a_restored_journal_is_settled_after_a_question(smmplus, placed, place):
    smmplus("journal", "copy", "backup.sqlite3")
    place.unlink()
    smmplus("journal", "restore", "backup.sqlite3", "--yes")
    assert smmplus("journal", "settle", answer="n\n").status == 2
    said = smmplus("journal", "settle", answer="y\n")
    assert (said.status, "no longer ask" in said.words) == (0, True)


def test_what_is_wrong_in_many_places_is_cut_on_the_screen(smmplus, placed, place):
    rows = ", ".join(f"(1, '{number}', 1, 1, '')" for number in range(10_000, 10_060))
    spoil(place, f"INSERT INTO order_ids (account_id, order_id, entry_id, attempt, recorded_at) VALUES {rows}")  # noqa: S608
    spoil(place, "UPDATE entries SET order_id = NULL WHERE id = 1")
    said = smmplus("journal", "check")
    assert "and 12 more" in said.words
    assert len(smmplus("journal", "check", "--json").json["findings"]) == 62


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + b"x" * 5000, b"\0" * 8192])
def test_a_file_that_is_no_journal_is_told_and_left_as_it_is(smmplus, place, content):
    place.write_bytes(content)
    for command, status in (
        (("doubts",), 7),
        (("journal",), 7),
        (("journal", "check"), 3),
        (("journal", "copy", "b"), 7),
    ):
        said = smmplus(*command)
        assert (said.status, str(place) in said.words) == (status, True), (command, said.words)
    assert place.read_bytes() == content


def test_a_copy_is_a_backup_that_can_be_checked_and_not_placed_from(smmplus, placed, path, tmp_path, monkeypatch):
    said = smmplus("journal", "copy", "backup.sqlite3")
    assert (said.status, "Copied 2 orders to" in said.words) == (0, True)
    assert smmplus("journal", "check", "backup.sqlite3").words.endswith("backup.sqlite3: no problems found")
    assert smmplus("journal", "copy", "backup.sqlite3").status == 3
    made = smmplus("journal", "copy", f"sqlite:///{tmp_path / 'other'}", "--json").json
    assert made == {"copy": str(tmp_path / "other"), "orders": 2, "findings": []}
    monkeypatch.setenv("SMMPLUS_JOURNAL", f"sqlite:///{tmp_path / 'other'}")
    refused = smmplus("run", path, "--yes")
    assert (refused.status, "is a backup" in refused.words) == (7, True)


def test_a_copy_of_what_is_not_sound_says_so(smmplus, placed, place):
    spoil(place, "UPDATE campaigns SET spent = '7'")
    assert "problems found:" in smmplus("journal", "copy", "backup.sqlite3").words


def test_a_lost_journal_is_restored_after_a_question(smmplus, placed, place, tmp_path, path, sandbox):
    smmplus("journal", "copy", "backup.sqlite3")
    said = smmplus("journal", "restore", "backup.sqlite3", answer="y\n")
    assert (said.status, "move it away" in said.words) == (3, True)
    place.unlink()
    gone = smmplus("doubts")
    assert (gone.status, "is gone" in gone.words) == (7, True)
    refused = smmplus("journal", "restore", "backup.sqlite3", answer="n\n")
    assert (refused.status, place.exists(), "delete those rows first" in refused.words) == (2, False, True)
    done = smmplus("journal", "restore", "backup.sqlite3", answer="y\n")
    assert (done.status, f"{place} is the journal now" in done.words) == (0, True)
    before = sandbox.ledger()["count"]
    assert smmplus("run", path, "--yes", "--wait", "0", "--rate", "0").status == 0
    assert sandbox.ledger()["count"] == before
    assert "restored from a backup of" in smmplus("journal").words


def test_what_was_planned_when_the_backup_was_made_is_in_doubt(smmplus, doubtful, place, path, sandbox):
    with Journal(f"sqlite:///{place}") as journal:
        (doubt,) = journal.in_doubt()
    spoil(place, "UPDATE entries SET sent_at = '2020-01-01T00:00:00.000+00:00'")
    assert smmplus("resolve", doubt.name, "--not-placed").status == 0
    smmplus("journal", "copy", "backup.sqlite3")
    sandbox.faults()
    assert smmplus("run", path, "--yes", "--wait", "0", "--rate", "0").status == 0
    orders = sandbox.ledger()["count"]
    place.unlink()
    path.write_text(f"service,link,quantity\n2,{LINK},100\n2,{LINK}/2,100\n", "utf-8")
    done = smmplus("journal", "restore", "backup.sqlite3", "--yes", "--json").json
    assert done["doubts"] == 1
    assert smmplus("run", path, "--yes", "--wait", "0", "--rate", "0").status == 4
    assert sandbox.ledger()["count"] == orders


def test_a_restored_journal_tells_what_is_in_doubt(smmplus, placed, place):
    with Journal(f"sqlite:///{place}") as journal, journal.transaction() as connection:
        connection.exec_driver_sql("UPDATE entries SET state = 'not_sent', order_id = NULL, attempt = 0 WHERE id = 1")
        connection.exec_driver_sql("DELETE FROM order_ids WHERE entry_id = 1")
    smmplus("journal", "copy", "backup.sqlite3")
    place.unlink()
    assert (
        "1 order in doubt: they may have been placed since"
        in smmplus("journal", "restore", "backup.sqlite3", "--yes").words
    )


def test_all_orders_are_exported(smmplus, doubtful, tmp_path):
    said = smmplus("journal", "export", "orders.csv")
    assert (said.status, said.words) == (0, "Wrote 2 orders to orders.csv")
    with (tmp_path / "orders.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["state"], row["link"], row["service"], row["quantity"]) for row in rows] == [
        ("in_doubt", LINK, "2", "100"),
        ("placed", f"{LINK}/2", "2", "100"),
    ]
    assert [bool(row["order_id"]) for row in rows] == [False, True]
    refused = smmplus("journal", "export", "orders.csv")
    assert (refused.status, "--force" in refused.words) == (3, True)
    assert smmplus("journal", "export", "orders.csv", "--force", "--json").json == {"file": "orders.csv", "orders": 2}
    assert len(list(csv.DictReader(io.StringIO(smmplus("journal", "export", "-").out)))) == 2


def test_a_place_that_cannot_be_written_is_told(smmplus, placed, tmp_path):
    (tmp_path / "file").touch()
    said = smmplus("journal", "export", "file/orders.csv")
    assert (said.status, "cannot be written" in said.words) == (3, True)


def test_a_journal_moves_into_postgresql_and_runs_go_on_there(smmplus, placed, path, sandbox, monkeypatch):
    before = sandbox.ledger()["count"]
    with lent_url() as url:
        said = smmplus("journal", "copy", url)
        assert (said.status, f"set SMMPLUS_JOURNAL to {url}" in said.words) == (0, True)
        moved = smmplus("run", path, "--yes")
        assert (moved.status, "has moved to" in moved.words) == (7, True)
        monkeypatch.setenv("SMMPLUS_JOURNAL", url)
        assert smmplus("run", path, "--yes", "--wait", "0", "--rate", "0").status == 0
        assert smmplus("journal", "check").status == 0
        assert smmplus("journal", "--json").json["size"] > 0
        assert smmplus("journal", "export", "-").out.count("placed") == 2
        again = smmplus("journal", "copy", url)
        assert (again.status, "pg_dump" in again.words) == (2, True)
    assert sandbox.ledger()["count"] == before


def test_the_last_step_of_a_move_is_made_up_for(smmplus, placed, place, monkeypatch):
    with lent_url() as url:
        with monkeypatch.context() as broken:
            broken.setattr("smmplus.journal.maintenance.backup_and_move.finish_move", lambda *_: None)
            smmplus("journal", "copy", url)
        done = smmplus("journal", "copy", url, "--json")
        assert (done.status, done.json["orders"]) == (0, 2)
        with Journal(url) as journal:
            assert journal.begin_run()


def test_a_password_is_no_argument(smmplus, placed):
    said = smmplus("journal", "copy", "postgresql://ayu:secret123@127.0.0.1/smm")
    assert (said.status, "PGPASSFILE" in said.words, "secret123" in said.words) == (2, True, False)


def test_the_journal_is_one_json_object_when_it_fails(smmplus, place):
    place.write_bytes(b"x" * 100)
    said = smmplus("journal", "--json")
    assert json.loads(said.out)["exit_status"] == said.status == 7
